//! The byte order mark that some programs put in front of text.

use std::io::{self, Read};
use std::time::Duration;

use super::stdin::Source;

pub(super) const MARK: &[u8] = b"\xef\xbb\xbf";

/// A source without the mark at its very beginning, if there is one.
pub(super) struct Unmarked<S> {
    source: S,
    /// What was read to find out, and not passed on.
    begin: Vec<u8>,
    known: bool,
}

impl<S> Unmarked<S> {
    pub(super) fn new(source: S) -> Unmarked<S> {
        Unmarked {
            source,
            begin: Vec::new(),
            known: false,
        }
    }
}

impl<S: Read> Read for Unmarked<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.known {
            let mut more = [0; MARK.len()];
            let count = self.source.read(&mut more[self.begin.len()..])?;
            let more = &more[self.begin.len()..][..count];
            self.begin.extend_from_slice(more);
            if self.begin == MARK {
                self.begin.clear();
                self.known = true;
            }
            self.known |= count == 0 || !MARK.starts_with(&self.begin);
        }
        if self.begin.is_empty() {
            return self.source.read(buffer);
        }
        let count = self.begin.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.begin[..count]);
        self.begin.drain(..count);
        Ok(count)
    }
}

impl<S: Source> Source for Unmarked<S> {
    fn is_ready(&self, within: Duration) -> io::Result<bool> {
        Ok(!self.begin.is_empty() || self.source.is_ready(within)?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::stdin::tests::Pieces;
    use super::*;

    #[test]
    fn one_mark_at_the_beginning_is_left_out() {
        for (pieces, expected) in [
            (&[&b"\xef\xbb\xbfa"[..]][..], &b"a"[..]),
            (&[b"\xef", b"\xbb", b"\xbf", b"ab"], b"ab"),
            (&[b"\xef\xbb\xbf\xef\xbb\xbf"], MARK),
            (&[b"\xef\xbb", b"abc"], b"\xef\xbbabc"),
            (&[b"\xef\xbb"], b"\xef\xbb"),
            (&[b"a", b"\xef\xbb\xbf"], b"a\xef\xbb\xbf"),
            (&[], b""),
        ] {
            let mut read = Vec::new();
            Unmarked::new(Pieces::new(pieces))
                .read_to_end(&mut read)
                .expect("readable");
            assert_eq!(read, expected, "{pieces:?}");
        }
    }
}
