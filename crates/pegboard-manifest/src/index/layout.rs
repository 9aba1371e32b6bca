//! Where things are in the bytes of an index, and the checks when it is opened.
//!
//! ```text
//! header | plugins | commands | problems | strings | signatures of one plugin after the other
//! ```
//! The checksum in the header covers all of it up to the signatures; those have a checksum each in the plugin's row.
//! A string is an offset into the strings and a length; the offset `NOTHING` stands for none.

use super::{Damage, Index};

pub(super) const MAGIC: [u8; 8] = *b"\x89PEGIDX\n";
pub(super) const FORMAT: u32 = 1;
/// magic 8, format 4, checksum 4, length 8, stamp 8, counts of plugins, commands and problems 12, length of strings 4,
/// words of the longest name 4, zero 4.
pub(super) const HEADER: usize = 56;
/// Where the part begins that the checksum covers.
pub(super) const CHECKED: usize = 16;
/// Seven strings (name, entry, path, interpreter, kind, version, protocol), size and time of the file 16, place 8,
/// length 4 and checksum 4 of its signatures.
pub(super) const PLUGIN_ROW: usize = 88;
/// Two strings (name, description) and the number of the plugin 4.
pub(super) const COMMAND_ROW: usize = 20;
/// Two strings (file, what).
pub(super) const PROBLEM_ROW: usize = 16;
pub(super) const NOTHING: u32 = u32::MAX;

/// Where the parts of an index are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub(super) stamp: u64,
    pub(super) plugins: usize,
    pub(super) commands: usize,
    pub(super) problems: usize,
    pub(super) strings: usize,
    /// How many words the name has that has most.
    pub(super) most_words: usize,
}

impl Shape {
    /// The index in the bytes from which this shape was made. With other bytes, what is found is nonsense.
    pub fn over(self, bytes: &[u8]) -> Index<'_> {
        Index { bytes, shape: self }
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Shape, Damage> {
        if !bytes.starts_with(&MAGIC) {
            return Err(Damage::Foreign);
        }
        let too_short = Damage::Length {
            said: HEADER as u64,
            found: bytes.len() as u64,
        };
        let format = u32_at(bytes, 8).ok_or(too_short.clone())?;
        if format != FORMAT {
            return Err(Damage::Format(format));
        }
        if bytes.len() < HEADER {
            return Err(too_short);
        }
        let number = |at| u32_at(bytes, at).unwrap_or_default();
        let said = u64_at(bytes, 16).unwrap_or_default();
        if said != bytes.len() as u64 {
            return Err(Damage::Length {
                said,
                found: bytes.len() as u64,
            });
        }
        let shape = Shape {
            stamp: u64_at(bytes, 24).unwrap_or_default(),
            plugins: number(32) as usize,
            commands: number(36) as usize,
            problems: number(40) as usize,
            strings: number(44) as usize,
            most_words: number(48) as usize,
        };
        let checked = shape.head().and_then(|head| bytes.get(CHECKED..head));
        match checked {
            Some(checked) if crc32fast::hash(checked) == number(12) => Ok(shape),
            _ => Err(Damage::Checksum),
        }
    }

    /// How long everything before the signatures is.
    fn head(&self) -> Option<usize> {
        let rows = [
            (self.plugins, PLUGIN_ROW),
            (self.commands, COMMAND_ROW),
            (self.problems, PROBLEM_ROW),
            (self.strings, 1),
        ];
        let add =
            |sum: usize, (count, size): (usize, usize)| sum.checked_add(count.checked_mul(size)?);
        rows.into_iter().try_fold(HEADER, add)
    }

    pub(super) fn command_rows(&self) -> usize {
        HEADER + self.plugins * PLUGIN_ROW
    }

    pub(super) fn problem_rows(&self) -> usize {
        self.command_rows() + self.commands * COMMAND_ROW
    }

    fn pool(&self) -> usize {
        self.problem_rows() + self.problems * PROBLEM_ROW
    }
}

impl<'a> Index<'a> {
    /// Checks that all rows are in order and lead to something.
    pub(super) fn check(self) -> Result<(), Damage> {
        let head = self.shape.pool() + self.shape.strings;
        let wrong = |what| Err(Damage::Inconsistent(what));
        for plugin in self.plugins() {
            let (start, length) = plugin.blob();
            if start < head || self.slice(start, length).is_none() {
                return wrong("signatures");
            }
            if !(0..7).all(|field| self.is_text(plugin.row() + field * 8)) {
                return wrong("a plugin");
            }
        }
        for command in self.commands() {
            let row = command.row();
            if command.plugin_number() >= self.shape.plugins
                || !self.is_text(row)
                || !self.is_text(row + 8)
            {
                return wrong("a command");
            }
        }
        for number in 0..self.shape.problems {
            let row = self.shape.problem_rows() + number * PROBLEM_ROW;
            if !self.is_text(row) || !self.is_text(row + 8) {
                return wrong("a problem");
            }
        }
        let plugins_sorted = self
            .plugins()
            .map(|one| one.name())
            .is_sorted_by(|a, b| a < b);
        let commands_sorted = self
            .commands()
            .is_sorted_by_key(|one| (one.name(), one.plugin_number()));
        if plugins_sorted && commands_sorted {
            Ok(())
        } else {
            wrong("the order")
        }
    }

    fn is_text(self, at: usize) -> bool {
        self.u32(at) == NOTHING || self.maybe(at).is_some()
    }

    /// The string that the row at this place names, or an empty one.
    pub(super) fn text(self, at: usize) -> &'a str {
        self.maybe(at).unwrap_or_default()
    }

    /// The string that the row at this place names, if it names one.
    pub(super) fn maybe(self, at: usize) -> Option<&'a str> {
        let offset = self.u32(at);
        if offset == NOTHING {
            return None;
        }
        let (offset, length) = (offset as usize, self.u32(at + 4) as usize);
        if offset.checked_add(length)? > self.shape.strings {
            return None;
        }
        std::str::from_utf8(self.slice(self.shape.pool() + offset, length)?).ok()
    }

    pub(super) fn slice(self, start: usize, length: usize) -> Option<&'a [u8]> {
        self.bytes.get(start..start.checked_add(length)?)
    }

    pub(super) fn u32(self, at: usize) -> u32 {
        u32_at(self.bytes, at).unwrap_or(NOTHING)
    }

    pub(super) fn u64(self, at: usize) -> u64 {
        u64_at(self.bytes, at).unwrap_or(u64::MAX)
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let field = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*field))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let field = bytes.get(at..)?.first_chunk()?;
    Some(u64::from_le_bytes(*field))
}
