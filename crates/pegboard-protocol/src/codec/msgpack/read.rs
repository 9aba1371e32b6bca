//! Reads MessagePack from a slice.

use std::borrow::Cow;

use crate::codec::copy::to_vec;
use crate::codec::reader::{Cursor, Kind, Number, Reader, Result, not_a_byte};
use crate::codec::{DecodeError, DecodeErrorKind, Limits, Sender};
use crate::nu::{Dialect, Message};
use crate::{Span, Value};

use super::quick::{MESSAGE_DEPTH, Quick, VALUE_DEPTH};

pub(in crate::codec) struct MsgPackReader<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    limits: Limits,
    dialect: Dialect,
}

impl<'a> MsgPackReader<'a> {
    pub(in crate::codec) fn new(bytes: &'a [u8], limits: Limits, dialect: Dialect) -> Self {
        MsgPackReader {
            bytes,
            at: 0,
            depth: 0,
            limits,
            dialect,
        }
    }

    #[cold]
    fn truncated<T>(&self) -> Result<T> {
        Err(DecodeError::new(
            DecodeErrorKind::Truncated,
            self.bytes.len(),
            "the input ends inside a message",
        ))
    }

    #[inline]
    fn marker(&self) -> Result<u8> {
        match self.bytes.get(self.at) {
            Some(&marker) => Ok(marker),
            None => self.truncated(),
        }
    }

    #[inline]
    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        match self
            .bytes
            .get(self.at..)
            .and_then(|rest| rest.get(..length))
        {
            Some(taken) => {
                self.at += length;
                Ok(taken)
            }
            None => self.truncated(),
        }
    }

    /// A big-endian number of 1, 2, 4 or 8 bytes.
    #[inline]
    fn big_endian(&mut self, length: usize) -> Result<u64> {
        let bytes = self.take(length)?;
        Ok(bytes
            .iter()
            .fold(0, |number, &byte| (number << 8) | u64::from(byte)))
    }

    fn length(&mut self, width: usize) -> Result<usize> {
        let length = self.big_endian(width)?;
        usize::try_from(length).or_else(|_| self.truncated())
    }

    /// Reads in one go what may be so deep, unless a limit might stand against it.
    #[inline]
    fn quick<T>(
        &mut self,
        depth: usize,
        read: impl FnOnce(&mut Quick<'a>) -> Option<T>,
    ) -> Option<T> {
        if self.depth + depth > self.limits.depth || self.limits.collection < Quick::MOST {
            return None;
        }
        let mut quick = Quick(self.bytes.get(self.at..)?);
        let thing = read(&mut quick)?;
        self.at = self.bytes.len() - quick.0.len();
        Some(thing)
    }

    fn open(&mut self, left: usize) -> Result<Cursor> {
        self.depth += 1;
        if self.depth > self.limits.depth {
            return Err(self.limits.too_deep(self.at));
        }
        if left > self.limits.collection {
            return Err(self.limits.too_many(self.at));
        }
        Ok(Cursor { left, seen: 0 })
    }

    /// Reads integers of an array of bytes, up to `count`, for as long as they have the short forms of bytes.
    fn plain_bytes(&mut self, bytes: &mut Vec<u8>, count: usize) {
        let rest = &self.bytes[self.at..];
        let mut at = 0;
        while bytes.len() < count {
            match rest.get(at) {
                Some(&byte @ 0x00..=0x7f) => bytes.push(byte),
                Some(0xcc) if at + 1 < rest.len() => {
                    at += 1;
                    bytes.push(rest[at]);
                }
                _ => break,
            }
            at += 1;
        }
        self.at += at;
    }

    /// How many bytes and entries follow the marker at the cursor, which is read over: for skipping.
    fn extent(&mut self) -> Result<(usize, usize)> {
        let marker = self.marker()?;
        let start = self.at;
        self.at += 1;
        let extent = match marker {
            0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => (0, 0),
            0x80..=0x8f => (0, 2 * usize::from(marker & 15)),
            0x90..=0x9f => (0, usize::from(marker & 15)),
            0xa0..=0xbf => (usize::from(marker & 31), 0),
            0xc1 => {
                self.at = start;
                return self.fail(DecodeErrorKind::Syntax, "the byte 0xc1 is not MessagePack");
            }
            0xc4 | 0xd9 => (self.length(1)?, 0),
            0xc5 | 0xda => (self.length(2)?, 0),
            0xc6 | 0xdb => (self.length(4)?, 0),
            0xc7 => (self.length(1)? + 1, 0),
            0xc8 => (self.length(2)? + 1, 0),
            0xc9 => (self.length(4)? + 1, 0),
            0xcc | 0xd0 => (1, 0),
            0xcd | 0xd1 => (2, 0),
            0xca | 0xce | 0xd2 => (4, 0),
            0xcb | 0xcf | 0xd3 => (8, 0),
            0xd4 => (2, 0),
            0xd5 => (3, 0),
            0xd6 => (5, 0),
            0xd7 => (9, 0),
            0xd8 => (17, 0),
            0xdc => (0, self.length(2)?),
            0xdd => (0, self.length(4)?),
            0xde => (0, 2 * self.length(2)?),
            0xdf => (0, self.length(4)?.saturating_mul(2)),
        };
        Ok(extent)
    }
}

impl<'a> Reader<'a> for MsgPackReader<'a> {
    fn offset(&self) -> usize {
        self.at
    }

    fn dialect(&self) -> Dialect {
        self.dialect
    }

    #[inline]
    fn kind(&mut self) -> Result<Kind> {
        Ok(match self.marker()? {
            0x00..=0x7f | 0xe0..=0xff | 0xca..=0xd3 => Kind::Number,
            0x80..=0x8f | 0xde | 0xdf => Kind::Map,
            0x90..=0x9f | 0xdc | 0xdd => Kind::Array,
            0xa0..=0xbf | 0xd9..=0xdb => Kind::Text,
            0xc0 => Kind::Null,
            0xc2 | 0xc3 => Kind::Bool,
            0xc4..=0xc6 => Kind::Bytes,
            0xc1 => return self.fail(DecodeErrorKind::Syntax, "the byte 0xc1 is not MessagePack"),
            0xc7..=0xc9 | 0xd4..=0xd8 => {
                return self.fail(
                    DecodeErrorKind::Syntax,
                    "MessagePack extension types are not part of the protocol",
                );
            }
        })
    }

    fn null(&mut self) -> Result<()> {
        self.at += 1;
        Ok(())
    }

    fn bool(&mut self) -> Result<bool> {
        let value = match self.marker()? {
            0xc2 => false,
            0xc3 => true,
            _ => return self.expected("a boolean"),
        };
        self.at += 1;
        Ok(value)
    }

    #[inline]
    fn number(&mut self) -> Result<Number> {
        let marker = self.marker()?;
        if marker <= 0x7f {
            self.at += 1;
            return Ok(Number::Unsigned(u64::from(marker)));
        }
        if self.kind()? != Kind::Number {
            return self.expected("a number");
        }
        self.at += 1;
        let signed = match marker {
            0xca => {
                let bits = self.big_endian(4)? as u32;
                return Ok(Number::Float(f64::from(f32::from_bits(bits))));
            }
            0xcb => return Ok(Number::Float(f64::from_bits(self.big_endian(8)?))),
            0xcc => return self.big_endian(1).map(Number::Unsigned),
            0xcd => return self.big_endian(2).map(Number::Unsigned),
            0xce => return self.big_endian(4).map(Number::Unsigned),
            0xcf => return self.big_endian(8).map(Number::Unsigned),
            0xd0 => i64::from(self.big_endian(1)? as i8),
            0xd1 => i64::from(self.big_endian(2)? as i16),
            0xd2 => i64::from(self.big_endian(4)? as i32),
            0xd3 => self.big_endian(8)? as i64,
            _ => i64::from(marker as i8),
        };
        Ok(match u64::try_from(signed) {
            Ok(number) => Number::Unsigned(number),
            Err(_) => Number::Negative(signed),
        })
    }

    #[inline]
    fn text(&mut self) -> Result<Cow<'a, str>> {
        let marker = self.marker()?;
        let start = self.at;
        self.at += 1;
        let length = match marker {
            0xa0..=0xbf => usize::from(marker & 31),
            0xd9 => self.length(1)?,
            0xda => self.length(2)?,
            0xdb => self.length(4)?,
            _ => {
                self.at = start;
                return self.expected("a string");
            }
        };
        match std::str::from_utf8(self.take(length)?) {
            Ok(text) => Ok(Cow::Borrowed(text)),
            Err(_) => {
                self.at = start;
                self.fail(DecodeErrorKind::Syntax, "a string is not UTF-8")
            }
        }
    }

    fn bytes(&mut self) -> Result<Vec<u8>> {
        let marker = self.marker()?;
        let start = self.at;
        self.at += 1;
        let count = match marker {
            0xc4..=0xc6 => {
                let length = self.length(1 << (marker - 0xc4))?;
                return Ok(to_vec(self.take(length)?));
            }
            0x90..=0x9f => usize::from(marker & 15),
            0xdc => self.length(2)?,
            0xdd => self.length(4)?,
            _ => {
                self.at = start;
                return self.expected("bytes or an array of bytes");
            }
        };
        if count > self.bytes.len() - self.at {
            return self.truncated();
        }
        let mut bytes = Vec::with_capacity(count);
        while bytes.len() < count {
            self.plain_bytes(&mut bytes, count);
            if bytes.len() == count {
                break;
            }
            let offset = self.at;
            match u8::try_from(self.unsigned()?) {
                Ok(byte) => bytes.push(byte),
                Err(_) => return Err(not_a_byte(offset)),
            }
        }
        Ok(bytes)
    }

    #[inline]
    fn array(&mut self) -> Result<Cursor> {
        let marker = self.marker()?;
        let left = match marker {
            0x90..=0x9f => {
                self.at += 1;
                usize::from(marker & 15)
            }
            0xdc | 0xdd => {
                self.at += 1;
                self.length(if marker == 0xdc { 2 } else { 4 })?
            }
            _ => return self.expected("an array"),
        };
        self.open(left)
    }

    #[inline]
    fn item(&mut self, cursor: &mut Cursor) -> Result<bool> {
        if cursor.left == 0 {
            self.depth -= 1;
            return Ok(false);
        }
        cursor.left -= 1;
        cursor.seen += 1;
        Ok(true)
    }

    #[inline]
    fn map(&mut self) -> Result<Cursor> {
        let marker = self.marker()?;
        let left = match marker {
            0x80..=0x8f => {
                self.at += 1;
                usize::from(marker & 15)
            }
            0xde | 0xdf => {
                self.at += 1;
                self.length(if marker == 0xde { 2 } else { 4 })?
            }
            _ => return self.expected("a map"),
        };
        self.open(left)
    }

    #[inline]
    fn key(&mut self, cursor: &mut Cursor) -> Result<Option<Cow<'a, str>>> {
        if !self.item(cursor)? {
            return Ok(None);
        }
        self.text().map(Some)
    }

    fn skip(&mut self) -> Result<()> {
        // Entries still to be read at each level that has not ended.
        let mut levels: Vec<usize> = Vec::new();
        loop {
            let (length, entries) = self.extent()?;
            self.take(length)?;
            if entries > 0 {
                levels.push(entries);
                if self.depth + levels.len() > self.limits.depth {
                    return Err(self.limits.too_deep(self.at));
                }
            }
            loop {
                match levels.last_mut() {
                    None => return Ok(()),
                    Some(0) => {
                        levels.pop();
                    }
                    Some(left) => {
                        *left -= 1;
                        break;
                    }
                }
            }
        }
    }
    #[inline]
    fn quick_value(&mut self) -> Option<Value> {
        self.quick(VALUE_DEPTH, Quick::value)
    }

    #[inline]
    fn quick_span(&mut self) -> Option<Span> {
        self.quick(1, Quick::span)
    }

    #[inline]
    fn quick_message(&mut self, sender: Sender) -> Option<Message> {
        self.quick(MESSAGE_DEPTH + VALUE_DEPTH, |quick| quick.message(sender))
    }
}
