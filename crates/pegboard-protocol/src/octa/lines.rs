//! Output on its way: cut into lines for hosts that know only lines, and counted where credit was agreed on.

/// The longest piece of bytes that is sent as one message.
pub(super) const LONGEST: usize = 64 << 10;
/// The longest line that is sent as one message. A host shows the pieces of a longer one as lines.
pub(super) const LONGEST_LINE: usize = 1 << 20;

/// Makes lines of what a program writes, whatever pieces it writes it in.
#[derive(Debug, Default)]
pub(super) struct Lines {
    tail: Vec<u8>,
}

impl Lines {
    /// Takes bytes and gives the lines that are complete, each with its line feed, as text.
    pub(super) fn push(&mut self, bytes: &[u8], mut send: impl FnMut(Vec<u8>)) {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            let mut piece = piece;
            while self.tail.len() + piece.len() > LONGEST_LINE {
                let (now, later) = piece.split_at(LONGEST_LINE.saturating_sub(self.tail.len()));
                self.tail.extend_from_slice(now);
                let end = boundary(&self.tail, LONGEST_LINE);
                let rest = self.tail.split_off(end);
                send(text(std::mem::replace(&mut self.tail, rest)));
                piece = later;
            }
            self.tail.extend_from_slice(piece);
            if self.tail.ends_with(b"\n") {
                send(text(std::mem::take(&mut self.tail)));
            }
        }
    }

    /// What is left at the end, a line without its line feed.
    pub(super) fn finish(&mut self) -> Option<Vec<u8>> {
        let tail = std::mem::take(&mut self.tail);
        (!tail.is_empty()).then(|| text(tail))
    }
}

/// Bytes as text; what is none is replaced.
pub(super) fn text(bytes: Vec<u8>) -> Vec<u8> {
    match String::from_utf8(bytes) {
        Ok(text) => text.into_bytes(),
        Err(error) => String::from_utf8_lossy(error.as_bytes())
            .into_owned()
            .into_bytes(),
    }
}

/// Where to cut so that at most `max` bytes come first and no character is cut in two.
pub(super) fn boundary(bytes: &[u8], max: usize) -> usize {
    if bytes.len() < max || max == 0 {
        return bytes.len().min(max);
    }
    // At most the three first bytes of a character can stand at the end.
    for back in 1..=3.min(max - 1) {
        let first = bytes[max - back];
        let length = match first {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            0x80..=0xbf => continue,
            _ => break,
        };
        return if length > back { max - back } else { max };
    }
    max
}

/// What a sender may still send.
#[derive(Debug)]
pub(super) struct Window {
    room: u64,
    used: u64,
    /// A sender was told that there is no room, and waits.
    refused: bool,
}

impl Window {
    pub(super) fn new(room: u64) -> Window {
        Window {
            room,
            used: 0,
            refused: false,
        }
    }

    /// How much of `wanted` bytes may be sent as one message; remembers if none may.
    pub(super) fn take(&mut self, bytes: &[u8]) -> usize {
        let room = usize::try_from(self.room).unwrap_or(usize::MAX);
        let taken = boundary(bytes, room.min(LONGEST));
        self.refused = taken < bytes.len();
        self.used += taken as u64;
        self.room -= taken as u64;
        taken
    }

    /// Remembers that a sender waits, for another reason than credit.
    pub(super) fn refuse(&mut self) {
        self.refused = true;
    }

    /// Whether a sender waited, who is to be told that there is room.
    pub(super) fn was_refused(&mut self) -> bool {
        std::mem::take(&mut self.refused)
    }

    /// Takes the credit that a receiver gives from the start.
    pub(super) fn open(&mut self, room: u64) {
        self.room = room;
    }

    /// Takes credit. True when a sender waited for it; an error if it is more than was sent.
    pub(super) fn credit(&mut self, bytes: u64) -> Result<bool, ()> {
        self.used = self.used.checked_sub(bytes).ok_or(())?;
        self.room += bytes;
        Ok(std::mem::take(&mut self.refused))
    }
}

/// What a receiver has taken, and owes credit for.
#[derive(Debug)]
pub(super) struct Account {
    size: u64,
    outstanding: u64,
    owed: u64,
}

impl Account {
    pub(super) fn new(size: u64) -> Account {
        Account {
            size,
            outstanding: 0,
            owed: 0,
        }
    }

    /// False if the sender went beyond its window.
    pub(super) fn arrived(&mut self, bytes: usize) -> bool {
        self.outstanding += bytes as u64;
        self.outstanding <= self.size
    }

    /// The credit to give now, if it is enough to be worth a message.
    pub(super) fn consumed(&mut self, bytes: usize) -> Option<u64> {
        self.owed = (self.owed + bytes as u64).min(self.outstanding);
        if self.owed == 0 || self.owed < self.size / 4 {
            return None;
        }
        self.outstanding -= self.owed;
        Some(std::mem::take(&mut self.owed))
    }
}
