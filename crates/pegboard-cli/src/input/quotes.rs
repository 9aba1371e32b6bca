//! Quotes in comma-separated values that are never closed, of which the library says nothing.

use std::io::{self, Read};

use super::mark::MARK;

/// Passes bytes on and follows their quotes: the end inside of one is an error that has its line.
pub(super) struct Quotes<R> {
    source: R,
    state: State,
    line: u64,
    /// Where the last quote was opened.
    opened: u64,
    /// How many bytes of the mark that may stand in front of everything were seen; all of them if there is none.
    mark: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// In front of a cell.
    Begin,
    Plain,
    Quoted,
    /// Behind a quote that ends the text, or is the first of two that stand for one.
    Behind,
}

impl<R> Quotes<R> {
    pub(super) fn new(source: R) -> Quotes<R> {
        Quotes {
            source,
            state: State::Begin,
            line: 1,
            opened: 1,
            mark: 0,
        }
    }

    fn follow(&mut self, byte: u8) {
        if self.mark < MARK.len() {
            if byte == MARK[self.mark] {
                self.mark += 1;
                return;
            }
            self.mark = MARK.len();
        }
        self.state = match (self.state, byte) {
            (State::Begin, b'"') => {
                self.opened = self.line;
                State::Quoted
            }
            (State::Quoted, b'"') => State::Behind,
            (State::Behind, b'"') | (State::Quoted, _) => State::Quoted,
            (_, b',' | b'\r' | b'\n') => State::Begin,
            _ => State::Plain,
        };
        self.line += u64::from(byte == b'\n');
    }
}

impl<R: Read> Read for Quotes<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        if count == 0 && !buffer.is_empty() && self.state == State::Quoted {
            let line = self.opened;
            let what = format!("line {line}: a quote is opened here that is never closed");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        for byte in &buffer[..count] {
            self.follow(*byte);
        }
        Ok(count)
    }
}
