//! A place in a text that is being read.

use pegboard_protocol::{LabeledError, Span};

use super::fault;

/// How deep brackets may be nested.
const DEEPEST: usize = 64;

#[derive(Clone)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    /// Where the text begins in the source.
    start: u64,
    depth: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str, start: u64) -> Cursor<'a> {
        Cursor {
            text,
            at: 0,
            start,
            depth: 0,
        }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    /// Takes this text if it comes next.
    pub(super) fn take(&mut self, expected: &str) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.at += expected.len();
        }
        found
    }

    /// The text from an earlier place up to here.
    pub(super) fn since(&self, from: usize) -> &'a str {
        &self.text[from..self.at]
    }

    pub(super) fn span(&self, from: usize) -> Span {
        self.span_of(from, self.at)
    }

    pub(super) fn span_of(&self, from: usize, to: usize) -> Span {
        Span::new(
            self.start.saturating_add(from as u64),
            self.start.saturating_add(to as u64),
        )
    }

    /// The place of what comes next; empty at the end.
    pub(super) fn here(&self) -> Span {
        let length = self.peek().map_or(0, char::len_utf8);
        self.span_of(self.at, self.at + length)
    }

    /// Passes over blanks, and over a comment, but not over the end of the line.
    pub(super) fn blanks(&mut self) {
        while self.peek().is_some_and(is_blank) {
            self.next();
        }
        if self.peek() == Some('#') {
            while self.peek().is_some_and(|next| next != '\n') {
                self.next();
            }
        }
    }

    /// Passes over blanks, comments and ends of lines.
    pub(super) fn space(&mut self) {
        loop {
            self.blanks();
            if self.peek() != Some('\n') {
                return;
            }
            self.next();
        }
    }

    /// Passes over what stands between the items of a list or record.
    pub(super) fn separators(&mut self) {
        loop {
            self.space();
            if !self.take(",") {
                return;
            }
        }
    }

    /// Reads what is inside of brackets.
    pub(super) fn nested<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, LabeledError>,
    ) -> Result<T, LabeledError> {
        if self.depth == DEEPEST {
            return Err(fault::syntax(
                format!("brackets may be nested {DEEPEST} deep"),
                "one too many",
                self.here(),
            ));
        }
        self.depth += 1;
        let inside = read(self);
        self.depth -= 1;
        inside
    }
}

fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r')
}
