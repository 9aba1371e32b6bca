//! Takes bytes as they arrive and gives messages as soon as their last byte is there.

use std::marker::PhantomData;

use memchr::memchr;

use super::error::{LineError, LineErrorKind};
use super::{Incoming, Limits, wire};

/// What the buffer keeps when nothing large is going on.
const SMALL: usize = 64 << 10;
/// From here on the buffer grows by half instead of doubling, and shrinks when it is empty again.
const LARGE: usize = 1 << 20;

/// A message and how many bytes it took.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame<M> {
    /// The message, or why there is none.
    pub content: Result<M, LineError>,
    /// Its bytes, without white space around it.
    pub size: usize,
}

/// Turns a stream of bytes into messages of one side: [`super::FromHost`] or [`super::FromPlugin`].
///
/// Give it bytes with [`feed`](Decoder::feed), then take frames with [`next`](Decoder::next) until there are none; at the
/// end of the input call [`finish`](Decoder::finish). Each byte is looked at once to find the end of a message, however
/// it is cut, and once more to read it.
///
/// A message is there when its last bracket is: real plugins leave out line feeds, so that several may stand on one line.
/// A line feed always ends what is being read, so one bad line costs no other. After an error that
/// [is final](LineError::is_final) every further call gives the same error.
#[derive(Debug)]
pub struct Decoder<M> {
    limits: Limits,
    buffer: Vec<u8>,
    /// Where the message begins that is being read.
    start: usize,
    /// How much behind `start` has been looked at.
    scanned: usize,
    place: Place,
    depth: usize,
    line: u64,
    examined: u64,
    failed: Option<LineError>,
    messages: PhantomData<fn() -> M>,
}

/// Inside of what the next byte is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Between,
    Object,
    Text,
    /// Behind a backslash in a text.
    Escape,
    /// In the rest of a line that is no message.
    Garbage,
}

impl<M: Incoming> Decoder<M> {
    /// A decoder before the first byte.
    pub fn new(limits: Limits) -> Decoder<M> {
        Decoder {
            limits,
            buffer: Vec::new(),
            start: 0,
            scanned: 0,
            place: Place::Between,
            depth: 0,
            line: 1,
            examined: 0,
            failed: None,
            messages: PhantomData,
        }
    }

    /// Adds bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.failed.is_some() {
            return;
        }
        let rest = self.buffer.len() - self.start;
        // Moving what is left is paid for by what was read before it.
        if self.start > 0 && rest <= self.start {
            self.buffer.copy_within(self.start.., 0);
            self.buffer.truncate(rest);
            self.start = 0;
        }
        let needed = self.buffer.len() + bytes.len();
        if needed > self.buffer.capacity() && needed > LARGE {
            let room = self.buffer.len() / 2;
            self.buffer.reserve_exact(bytes.len().max(room));
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next message, or what should have been one, if it has arrived completely.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator that ends and goes on would mislead"
    )]
    pub fn next(&mut self) -> Option<Frame<M>> {
        if let Some(error) = &self.failed {
            return Some(Frame {
                content: Err(error.clone()),
                size: 0,
            });
        }
        let size = match self.scan() {
            Ok(size) => size?,
            Err(error) => return Some(self.frame(Err(error), self.scanned)),
        };
        let content = self.read(&self.buffer[self.start..self.start + size]);
        Some(self.frame(content, size))
    }

    /// Says that the input has ended: what stands there without its end is an error.
    pub fn finish(&mut self) -> Result<(), LineError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let rest = &self.buffer[self.start..];
        if rest.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        let what = format!(
            "the input ended inside a message, {} bytes into it",
            rest.len()
        );
        let error = LineError::new(LineErrorKind::Truncated, rest.len(), what).at(self.line, rest);
        self.failed = Some(error.clone());
        Err(error)
    }

    /// Bytes that were fed and are not yet part of a message that was given out.
    pub fn pending(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// How much memory the buffer takes, in bytes.
    pub fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    /// How many bytes have been looked at so far to find the ends of messages: a measure of the work done.
    pub fn examined(&self) -> u64 {
        self.examined
    }

    /// Looks at what is new. Gives the size of what is complete.
    fn scan(&mut self) -> Result<Option<usize>, LineError> {
        loop {
            let from = self.start + self.scanned;
            let Some(&byte) = self.buffer.get(from) else {
                return Ok(None);
            };
            if self.scanned >= self.limits.line {
                let what = format!(
                    "the line has more than {} bytes, which is the limit (line)",
                    self.limits.line
                );
                return Err(self.error(LineErrorKind::Limit, what));
            }
            self.examined += 1;
            self.scanned += 1;
            match (self.place, byte) {
                (Place::Between, b' ' | b'\t' | b'\r') => self.consume(1),
                (Place::Between, b'\n') => {
                    self.line += 1;
                    self.consume(1);
                }
                (Place::Between, b'{') => {
                    self.place = Place::Object;
                    self.depth = 1;
                }
                (Place::Garbage | Place::Object | Place::Text | Place::Escape, b'\n') => {
                    return Ok(Some(self.scanned));
                }
                (Place::Between | Place::Garbage, _) => {
                    self.place = Place::Garbage;
                    let rest = &self.buffer[from + 1..];
                    let rest = memchr(b'\n', rest).unwrap_or(rest.len());
                    self.pass(rest);
                }
                (Place::Object, b'"') => self.place = Place::Text,
                (Place::Object, b'{' | b'[') => {
                    self.depth += 1;
                    if self.depth > self.limits.depth() {
                        let what = format!(
                            "more than {} arrays and maps inside each other, which is the limit (depth)",
                            self.limits.depth()
                        );
                        return Err(self.error(LineErrorKind::Limit, what));
                    }
                }
                (Place::Object, b'}' | b']') => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Ok(Some(self.scanned));
                    }
                }
                (Place::Object, _) => {}
                (Place::Text, b'"') => self.place = Place::Object,
                (Place::Text, b'\\') => self.place = Place::Escape,
                (Place::Text, _) => {
                    let rest = &self.buffer[from + 1..];
                    let special = memchr::memchr3(b'"', b'\\', b'\n', rest);
                    self.pass(special.unwrap_or(rest.len()));
                }
                (Place::Escape, _) => self.place = Place::Text,
            }
        }
    }

    /// Counts bytes as looked at, up to the limit.
    fn pass(&mut self, bytes: usize) {
        let bytes = bytes.min(self.limits.line - self.scanned);
        self.examined += bytes as u64;
        self.scanned += bytes;
    }

    fn error(&self, kind: LineErrorKind, what: String) -> LineError {
        let message = &self.buffer[self.start..self.start + self.scanned];
        LineError::new(kind, self.scanned, what).at(self.line, message)
    }

    /// Reads what the scan found complete.
    fn read(&self, bytes: &[u8]) -> Result<M, LineError> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let what = "the line is not UTF-8";
            LineError::new(LineErrorKind::Utf8, error.valid_up_to(), what).at(self.line, bytes)
        })?;
        let result = if self.depth == 0 && self.place == Place::Object {
            wire::decode(text)
        } else {
            let what = match self.place {
                Place::Garbage => "expected a JSON object on each line",
                _ => "the line ends inside a JSON object",
            };
            let offset = match self.place {
                Place::Garbage => 0,
                _ => bytes.len() - 1,
            };
            Err(LineError::new(LineErrorKind::Syntax, offset, what))
        };
        result.map_err(|error| error.at(self.line, bytes))
    }

    fn frame(&mut self, content: Result<M, LineError>, size: usize) -> Frame<M> {
        let at = self.start + size;
        if size > 0 && self.buffer[at - 1] == b'\n' {
            self.line += 1;
        }
        self.place = Place::Between;
        self.depth = 0;
        self.consume(size);
        if let Err(error) = &content
            && error.is_final()
        {
            self.failed = Some(error.clone());
            self.buffer = Vec::new();
            self.start = 0;
        }
        Frame { content, size }
    }

    fn consume(&mut self, size: usize) {
        self.start += size;
        self.scanned = 0;
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
        }
        let rest = self.buffer.len() - self.start;
        if self.buffer.capacity() > LARGE && rest < self.buffer.capacity() / 8 {
            self.buffer.drain(..self.start);
            self.start = 0;
            self.buffer.shrink_to(SMALL.max(rest));
        }
    }
}
