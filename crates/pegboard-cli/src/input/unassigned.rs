//! The one byte that begins no value in MessagePack, which the library takes for nothing.

use std::io;

/// Follows MessagePack byte by byte, as far as to tell which bytes begin a value.
#[derive(Default)]
pub(super) struct Unassigned {
    state: State,
    /// How many bytes were seen.
    seen: u64,
    place: Option<u64>,
}

#[derive(Default)]
enum State {
    #[default]
    Begin,
    /// Inside a length of which so many bytes are to come, for content with so many bytes more than it says.
    Length { left: u32, length: u64, more: u64 },
    /// Inside content.
    Inside { left: u64 },
}

impl Unassigned {
    /// Where it was found, counted from 0.
    pub(super) fn place(&self) -> Option<u64> {
        self.place
    }

    /// Fails if the byte begins a value in what comes next.
    pub(super) fn check(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while let Some((first, behind)) = bytes.split_first() {
            let mut taken = 1;
            match &mut self.state {
                State::Begin if *first == 0xc1 => {
                    self.place = Some(self.seen);
                    return Err(io::ErrorKind::InvalidData.into());
                }
                State::Begin => self.state = begun(*first),
                State::Length { left, length, more } => {
                    *length = *length << 8 | u64::from(*first);
                    *left -= 1;
                    if *left == 0 {
                        self.state = inside(*length + *more);
                    }
                }
                State::Inside { left } => {
                    taken = bytes
                        .len()
                        .min(usize::try_from(*left).unwrap_or(usize::MAX));
                    self.state = inside(*left - taken as u64);
                }
            }
            self.seen += taken as u64;
            bytes = &behind[taken - 1..];
        }
        Ok(())
    }
}

/// What follows the first byte of a value. The items of lists and records are values that follow each other.
fn begun(first: u8) -> State {
    let length = |left, more| State::Length {
        left,
        length: 0,
        more,
    };
    match first {
        0xa0..=0xbf => inside(u64::from(first & 0x1f)),
        0xc4..=0xc6 => length(1 << (first - 0xc4), 0),
        // The type of an extension is a byte more.
        0xc7..=0xc9 => length(1 << (first - 0xc7), 1),
        0xca => inside(4),
        0xcb => inside(8),
        0xcc..=0xcf => inside(1 << (first - 0xcc)),
        0xd0..=0xd3 => inside(1 << (first - 0xd0)),
        0xd4..=0xd8 => inside(1 + (1 << (first - 0xd4))),
        0xd9..=0xdb => length(1 << (first - 0xd9), 0),
        0xdc | 0xde => inside(2),
        0xdd | 0xdf => inside(4),
        _ => State::Begin,
    }
}

fn inside(left: u64) -> State {
    match left {
        0 => State::Begin,
        left => State::Inside { left },
    }
}
