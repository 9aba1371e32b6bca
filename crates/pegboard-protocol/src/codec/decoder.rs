//! Takes bytes as they arrive and gives messages as soon as they are complete.

use super::copy::append;
use super::json::{JsonReader, JsonScanner};
use super::msgpack::{MsgPackReader, MsgPackScanner, Progress};
use super::reader::Reader;
use super::{DecodeError, DecodeErrorKind, Encoding, Limits, Sender, decode};
use crate::nu::{Dialect, Message};

/// What the buffer keeps when nothing large is going on.
const SMALL: usize = 64 << 10;
/// From here on the buffer grows by half instead of doubling, and shrinks when it is empty again.
const LARGE: usize = 1 << 20;

/// A message and how many bytes it took.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// The message.
    pub message: Message,
    /// Its bytes, without white space around it.
    pub size: usize,
}

/// Turns a stream of bytes into messages.
///
/// Give it bytes with [`feed`](Decoder::feed), then take messages with [`next`](Decoder::next) until there are none; at
/// the end of the input call [`finish`](Decoder::finish). A message is there as soon as its last byte is. Each byte is
/// looked at a bounded number of times, however it is cut: a message that begins in what has been fed is read at once
/// if it is whole, and else scanned for its end, from where the last scan stopped, before it is read.
///
/// After an error the stream is beyond repair: every further call gives the same error.
#[derive(Debug)]
pub struct Decoder {
    encoding: Encoding,
    sender: Sender,
    limits: Limits,
    dialect: Dialect,
    buffer: Vec<u8>,
    /// Where what has not been read begins.
    start: usize,
    /// How much behind `start` has been scanned. None if the message was not begun.
    scan: Option<(Scanner, usize)>,
    failed: Option<DecodeError>,
    examined: u64,
    /// Nothing has been read yet.
    at_start: bool,
}

#[derive(Debug)]
enum Scanner {
    Json(JsonScanner),
    MsgPack(MsgPackScanner),
}

impl Decoder {
    /// A decoder for what `sender` writes.
    pub fn new(encoding: Encoding, sender: Sender, limits: Limits) -> Decoder {
        Decoder {
            encoding,
            sender,
            limits,
            dialect: Dialect::NEWEST,
            buffer: Vec::new(),
            start: 0,
            scan: None,
            failed: None,
            examined: 0,
            at_start: true,
        }
    }

    /// Says which version the sender has. Only structs that are written as arrays depend on it, for versions differ in
    /// which fields come where; until it is said they are taken to be of the newest version.
    pub fn set_dialect(&mut self, dialect: Dialect) {
        self.dialect = dialect;
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
        append(&mut self.buffer, bytes);
    }

    /// The next message, if it has arrived completely.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator that ends and goes on would mislead"
    )]
    pub fn next(&mut self) -> Result<Option<Frame>, DecodeError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let result = self.advance();
        if let Err(error) = &result {
            self.failed = Some(error.clone());
            self.buffer = Vec::new();
            self.start = 0;
        }
        result
    }

    /// Says that the input has ended: an error if it ended inside a message.
    pub fn finish(&self) -> Result<(), DecodeError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let rest = &self.buffer[self.start..];
        if self.encoding == Encoding::Json && rest.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        if rest.is_empty() {
            return Ok(());
        }
        let error = DecodeError::new(
            DecodeErrorKind::Truncated,
            rest.len(),
            format!(
                "the input ended inside a message, {} bytes into it",
                rest.len()
            ),
        );
        Err(error.with_excerpt(rest, self.encoding))
    }

    /// Bytes that were fed and are not yet part of a message that was given out.
    pub fn pending(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// How much memory the buffer takes, in bytes.
    pub fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    /// How many bytes have been looked at so far, each as often as it was: a measure of the work done.
    pub fn examined(&self) -> u64 {
        self.examined
    }

    fn advance(&mut self) -> Result<Option<Frame>, DecodeError> {
        let fresh = self.scan.is_none();
        if fresh {
            if !self.skip_space() {
                self.consume(0);
                return Ok(None);
            }
            // A message that is longer than its limit is cut there, and then does not end.
            let end = self.buffer.len().min(self.start + self.limits.frame);
            let message = &self.buffer[self.start..end];
            match self.read(message) {
                Ok((message, size)) => {
                    self.examined += size as u64;
                    self.consume(size);
                    return Ok(Some(Frame { message, size }));
                }
                Err(error) if error.kind() == DecodeErrorKind::Truncated => {
                    self.examined += message.len() as u64;
                }
                Err(error) => return Err(error.with_excerpt(message, self.encoding)),
            }
            let scanner = match self.encoding {
                Encoding::Json => Scanner::Json(JsonScanner::default()),
                Encoding::MsgPack => Scanner::MsgPack(MsgPackScanner::default()),
            };
            self.scan = Some((scanner, 0));
        }
        let Some(size) = self.find_end()? else {
            return Ok(None);
        };
        let bytes = &self.buffer[self.start..self.start + size];
        let (message, _) = self.read(bytes).map_err(|error| {
            let error = match error.kind() {
                // The brackets end, but what they hold does not.
                DecodeErrorKind::Truncated => error.into_syntax(),
                _ => error,
            };
            error.with_excerpt(bytes, self.encoding)
        })?;
        self.examined += size as u64;
        self.scan = None;
        self.consume(size);
        Ok(Some(Frame { message, size }))
    }

    /// Scans what has come since the last time. Gives the size of the message once its end is there.
    fn find_end(&mut self) -> Result<Option<usize>, DecodeError> {
        let Some((scanner, scanned)) = &mut self.scan else {
            return Ok(None);
        };
        let message = &self.buffer[self.start..];
        let fresh = &message[*scanned..];
        let end = match scanner {
            Scanner::Json(scanner) => match scanner.scan(fresh, *scanned, &self.limits) {
                Ok(Some(used)) => Progress::Whole(used),
                Ok(None) => Progress::Part(fresh.len()),
                Err(error) => return Err(error.with_excerpt(message, self.encoding)),
            },
            Scanner::MsgPack(scanner) => scanner
                .scan(fresh, *scanned, &self.limits)
                .map_err(|error| error.with_excerpt(message, self.encoding))?,
        };
        let (Progress::Whole(used) | Progress::Part(used)) = end;
        self.examined += used as u64;
        *scanned += used;
        if *scanned > self.limits.frame {
            let error = self.limits.too_large(self.limits.frame);
            return Err(error.with_excerpt(message, self.encoding));
        }
        Ok(match end {
            Progress::Whole(_) => Some(*scanned),
            Progress::Part(_) => None,
        })
    }

    fn read(&self, bytes: &[u8]) -> Result<(Message, usize), DecodeError> {
        match self.encoding {
            Encoding::Json => {
                let mut r = JsonReader::new(bytes, self.limits, self.dialect);
                decode::message(&mut r, self.sender).map(|message| (message, r.offset()))
            }
            Encoding::MsgPack => {
                let mut r = MsgPackReader::new(bytes, self.limits, self.dialect);
                decode::message(&mut r, self.sender).map(|message| (message, r.offset()))
            }
        }
    }

    /// Reads over what may stand between JSON messages: white space, and a byte order mark in front of the first.
    /// True when a message begins behind it.
    fn skip_space(&mut self) -> bool {
        const MARK: &[u8] = b"\xef\xbb\xbf";
        if self.encoding == Encoding::MsgPack {
            return self.start < self.buffer.len();
        }
        let rest = &self.buffer[self.start..];
        if self.at_start {
            if rest.len() < MARK.len() && MARK.starts_with(rest) {
                return false;
            }
            if rest.starts_with(MARK) {
                self.start += MARK.len();
            }
            self.at_start = false;
        }
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.buffer.get(self.start) {
            self.start += 1;
        }
        self.start < self.buffer.len()
    }

    fn consume(&mut self, size: usize) {
        self.start += size;
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
