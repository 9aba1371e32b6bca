//! Finds where a MessagePack message ends, as its bytes arrive.

use crate::codec::reader::Result;
use crate::codec::{DecodeError, DecodeErrorKind, Limits};

/// Looks at every marker once and skips what lies between them.
#[derive(Debug, Default)]
pub(in crate::codec) struct MsgPackScanner {
    levels: Vec<Level>,
    /// Bytes of a string, number or the like that have not arrived yet.
    skip: usize,
    begun: bool,
}

#[derive(Debug)]
struct Level {
    /// Entries to come; keys and values of a map count alone.
    left: usize,
    /// How many more entries may be something else than integers. Integers may be the bytes of a binary, which the
    /// limit on collections does not concern.
    heavy: usize,
}

impl MsgPackScanner {
    /// Looks at `bytes`, which begin `offset` bytes into the message. Gives how many of them complete it, if they do;
    /// else how many need not be given again.
    pub(in crate::codec) fn scan(
        &mut self,
        bytes: &[u8],
        offset: usize,
        limits: &Limits,
    ) -> Result<Progress> {
        let mut at = 0;
        loop {
            let skipped = self.skip.min(bytes.len() - at);
            at += skipped;
            self.skip -= skipped;
            if self.skip > 0 {
                return Ok(Progress::Part(at));
            }
            while let Some(Level { left: 0, .. }) = self.levels.last() {
                self.levels.pop();
            }
            if self.begun && self.levels.is_empty() {
                return Ok(Progress::Whole(at));
            }
            let Some(&marker) = bytes.get(at) else {
                return Ok(Progress::Part(at));
            };
            let place = offset + at;
            let header = 1 + width(marker);
            let Some(length) = bytes.get(at + 1..at + header) else {
                return Ok(Progress::Part(at));
            };
            let length = length
                .iter()
                .fold(0usize, |length, &byte| (length << 8) | usize::from(byte));
            at += header;
            self.begun = true;
            if let Some(level) = self.levels.last_mut() {
                level.left -= 1;
                if !matches!(marker, 0x00..=0x7f | 0xe0..=0xff | 0xcc..=0xd3) {
                    if level.heavy == 0 {
                        return Err(limits.too_many(place));
                    }
                    level.heavy -= 1;
                }
            }
            let (skip, entries, map) = match marker {
                0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => continue,
                0x80..=0x8f => (0, usize::from(marker & 15), true),
                0x90..=0x9f => (0, usize::from(marker & 15), false),
                0xa0..=0xbf => (usize::from(marker & 31), 0, false),
                0xc1 => {
                    return Err(DecodeError::new(
                        DecodeErrorKind::Syntax,
                        place,
                        "the byte 0xc1 is not MessagePack",
                    ));
                }
                0xc4..=0xc6 | 0xd9..=0xdb => (length, 0, false),
                0xc7..=0xc9 => (length + 1, 0, false),
                0xcc | 0xd0 => (1, 0, false),
                0xcd | 0xd1 | 0xd4 => (2, 0, false),
                0xd5 => (3, 0, false),
                0xca | 0xce | 0xd2 => (4, 0, false),
                0xd6 => (5, 0, false),
                0xcb | 0xcf | 0xd3 => (8, 0, false),
                0xd7 => (9, 0, false),
                0xd8 => (17, 0, false),
                0xdc | 0xdd => (0, length, false),
                0xde | 0xdf => (0, length, true),
            };
            if skip.max(entries) > limits.frame.saturating_sub(offset + at) {
                return Err(limits.too_large(place));
            }
            if map && entries > limits.collection {
                return Err(limits.too_many(place));
            }
            self.skip = skip;
            if entries > 0 {
                self.levels.push(Level {
                    left: if map { 2 * entries } else { entries },
                    heavy: if map { usize::MAX } else { limits.collection },
                });
                if self.levels.len() > limits.depth {
                    return Err(limits.too_deep(place));
                }
            }
        }
    }
}

/// How far a scan came.
pub(in crate::codec) enum Progress {
    /// The message ends behind this many bytes.
    Whole(usize),
    /// More is needed; this many bytes have been dealt with.
    Part(usize),
}

/// How many bytes of length follow a marker.
fn width(marker: u8) -> usize {
    match marker {
        0xc4 | 0xc7 | 0xd9 => 1,
        0xc5 | 0xc8 | 0xda | 0xdc | 0xde => 2,
        0xc6 | 0xc9 | 0xdb | 0xdd | 0xdf => 4,
        _ => 0,
    }
}
