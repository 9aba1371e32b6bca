//! Finds where a JSON message ends, as its bytes arrive.

use memchr::memchr2;

use crate::codec::reader::Result;
use crate::codec::{DecodeError, DecodeErrorKind, Limits};

/// Looks at every byte once. Brackets are counted, not matched: whether it is JSON is for the reader to find out.
#[derive(Debug, Default)]
pub(in crate::codec) struct JsonScanner {
    levels: Vec<Level>,
    in_string: bool,
    /// The next byte is escaped.
    escaped: bool,
}

#[derive(Debug, Default)]
struct Level {
    entries: usize,
    /// The entry that is being read is not a plain number. Numbers may be the bytes of a binary, which the limit on
    /// collections does not concern.
    heavy: bool,
}

impl JsonScanner {
    /// Looks at `bytes`, which begin `offset` bytes into the message. Gives how many of them complete it, if they do.
    pub(in crate::codec) fn scan(
        &mut self,
        bytes: &[u8],
        offset: usize,
        limits: &Limits,
    ) -> Result<Option<usize>> {
        let mut at = 0;
        while at < bytes.len() {
            if self.escaped {
                self.escaped = false;
                at += 1;
                continue;
            }
            if self.in_string {
                let Some(length) = memchr2(b'"', b'\\', &bytes[at..]) else {
                    return Ok(None);
                };
                at += length + 1;
                if bytes[at - 1] == b'\\' {
                    self.escaped = true;
                    continue;
                }
                self.in_string = false;
                if self.levels.is_empty() {
                    return Ok(Some(at));
                }
                continue;
            }
            let byte = bytes[at];
            at += 1;
            match byte {
                b'"' => {
                    self.in_string = true;
                    self.mark();
                }
                b'{' | b'[' => {
                    self.mark();
                    self.levels.push(Level::default());
                    if self.levels.len() > limits.depth {
                        return Err(limits.too_deep(offset + at - 1));
                    }
                }
                b'}' | b']' => {
                    if self.levels.pop().is_none() {
                        return Err(DecodeError::new(
                            DecodeErrorKind::Syntax,
                            offset + at - 1,
                            "a closing bracket without an opening one",
                        ));
                    }
                    if self.levels.is_empty() {
                        return Ok(Some(at));
                    }
                }
                b',' => {
                    if let Some(level) = self.levels.last_mut() {
                        level.entries += usize::from(level.heavy);
                        level.heavy = false;
                        if level.entries >= limits.collection {
                            return Err(limits.too_many(offset + at - 1));
                        }
                    }
                }
                b't' | b'f' | b'n' => self.mark(),
                _ => {}
            }
        }
        Ok(None)
    }

    fn mark(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            level.heavy = true;
        }
    }
}
