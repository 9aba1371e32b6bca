//! The messages and values that come by the thousands, in the forms that real peers and our own give them, in one go.
//!
//! Whatever is different in any way, or wrong, is left to the general code, which then begins where this began.

use crate::codec::writer::Structs;
use crate::nu::{Message, StreamId, StreamItem};
use crate::{Span, Value};

/// So many arrays and maps are inside each other in a plain value, with its span.
pub(super) const VALUE_DEPTH: usize = 3;
/// And around the values in a message.
pub(super) const MESSAGE_DEPTH: usize = 3;

/// What has not been read yet.
pub(super) struct Quick<'a>(pub(super) &'a [u8]);

impl Quick<'_> {
    /// A message of a stream, or an acknowledgement.
    pub(super) fn message(&mut self) -> Option<Message> {
        match self.0 {
            [0x81, 0xa4, b'D', b'a', b't', b'a', 0x92, rest @ ..] => self.0 = rest,
            [0x81, 0xa3, b'A', b'c', b'k', rest @ ..] => {
                self.0 = rest;
                return self.unsigned().map(|id| Message::Ack(StreamId(id)));
            }
            _ => return None,
        }
        let id = StreamId(self.unsigned()?);
        let item = match self.0 {
            [0x81, 0xa4, b'L', b'i', b's', b't', rest @ ..] => {
                self.0 = rest;
                StreamItem::List(self.value()?)
            }
            [
                0x81,
                0xa3,
                b'R',
                b'a',
                b'w',
                0x81,
                0xa2,
                b'O',
                b'k',
                rest @ ..,
            ] => {
                self.0 = rest;
                StreamItem::Raw(self.bytes()?)
            }
            _ => return None,
        };
        Some(Message::Data(id, item))
    }

    /// A value that holds no other.
    #[inline]
    pub(super) fn value(&mut self) -> Option<Value> {
        match self.0 {
            [0x81, 0xa3, b'I', b'n', b't', rest @ ..] => {
                self.0 = rest;
                self.body(Quick::signed, Value::Int)
            }
            [0x81, 0xa6, b'S', b't', b'r', b'i', b'n', b'g', rest @ ..] => {
                self.0 = rest;
                self.body(Quick::text, Value::String)
            }
            [0x81, 0xa4, b'B', b'o', b'o', b'l', rest @ ..] => {
                self.0 = rest;
                self.body(Quick::bool, Value::Bool)
            }
            [0x81, 0xa5, b'F', b'l', b'o', b'a', b't', rest @ ..] => {
                self.0 = rest;
                self.body(Quick::float, Value::Float)
            }
            [
                0x81,
                0xa8,
                b'F',
                b'i',
                b'l',
                b'e',
                b's',
                b'i',
                b'z',
                b'e',
                rest @ ..,
            ] => {
                self.0 = rest;
                self.body(Quick::signed, Value::Filesize)
            }
            [
                0x81,
                0xa8,
                b'D',
                b'u',
                b'r',
                b'a',
                b't',
                b'i',
                b'o',
                b'n',
                rest @ ..,
            ] => {
                self.0 = rest;
                self.body(Quick::signed, Value::Duration)
            }
            [0x81, 0xa6, b'B', b'i', b'n', b'a', b'r', b'y', rest @ ..] => {
                self.0 = rest;
                self.body(Quick::bytes, Value::Binary)
            }
            [
                0x81,
                0xa7,
                b'N',
                b'o',
                b't',
                b'h',
                b'i',
                b'n',
                b'g',
                rest @ ..,
            ] => {
                self.0 = rest;
                match self.byte()? {
                    0x81 => self.eat(b"\xa4span")?,
                    0x91 => {}
                    _ => return None,
                }
                self.span().map(Value::Nothing)
            }
            _ => None,
        }
    }

    #[inline]
    fn body<T>(
        &mut self,
        read: fn(&mut Self) -> Option<T>,
        make: fn(T, Span) -> Value,
    ) -> Option<Value> {
        let content = match self.byte()? {
            0x92 => read(self)?,
            0x82 => {
                self.eat(b"\xa3val")?;
                let content = read(self)?;
                self.eat(b"\xa4span")?;
                content
            }
            _ => return None,
        };
        Some(make(content, self.span()?))
    }

    #[inline]
    fn span(&mut self) -> Option<Span> {
        match self.byte()? {
            0x92 => {
                let (start, end) = (self.unsigned()?, self.unsigned()?);
                Some(Span { start, end })
            }
            0x82 => {
                self.eat(b"\xa5start")?;
                let start = self.unsigned()?;
                self.eat(b"\xa3end")?;
                let end = self.unsigned()?;
                Some(Span { start, end })
            }
            _ => None,
        }
    }

    #[inline]
    fn eat(&mut self, literal: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(literal)?;
        Some(())
    }

    #[inline]
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    #[inline]
    fn take(&mut self, length: usize) -> Option<&[u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    #[inline]
    fn unsigned(&mut self) -> Option<u64> {
        Some(match self.byte()? {
            small @ 0x00..=0x7f => u64::from(small),
            0xcc => u64::from(self.byte()?),
            0xcd => u64::from(u16::from_be_bytes(self.array()?)),
            0xce => u64::from(u32::from_be_bytes(self.array()?)),
            0xcf => u64::from_be_bytes(self.array()?),
            _ => return None,
        })
    }

    #[inline]
    fn signed(&mut self) -> Option<i64> {
        let before = self.0;
        Some(match self.byte()? {
            small @ 0xe0..=0xff => i64::from(small as i8),
            0xd0 => i64::from(self.byte()? as i8),
            0xd1 => i64::from(i16::from_be_bytes(self.array()?)),
            0xd2 => i64::from(i32::from_be_bytes(self.array()?)),
            0xd3 => i64::from_be_bytes(self.array()?),
            _ => {
                self.0 = before;
                return i64::try_from(self.unsigned()?).ok();
            }
        })
    }

    #[inline]
    fn bool(&mut self) -> Option<bool> {
        match self.byte()? {
            0xc2 => Some(false),
            0xc3 => Some(true),
            _ => None,
        }
    }

    #[inline]
    fn float(&mut self) -> Option<f64> {
        match self.byte()? {
            0xcb => Some(f64::from_be_bytes(self.array()?)),
            _ => None,
        }
    }

    #[inline]
    fn text(&mut self) -> Option<String> {
        let length = match self.byte()? {
            short @ 0xa0..=0xbf => usize::from(short & 31),
            0xd9 => usize::from(self.byte()?),
            0xda => usize::from(u16::from_be_bytes(self.array()?)),
            0xdb => u32::from_be_bytes(self.array()?) as usize,
            _ => return None,
        };
        let text = std::str::from_utf8(self.take(length)?).ok()?;
        Some(text.to_owned())
    }

    /// Bytes as such; arrays of integers are for the general code.
    #[inline]
    fn bytes(&mut self) -> Option<Vec<u8>> {
        let length = match self.byte()? {
            0xc4 => usize::from(self.byte()?),
            0xc5 => usize::from(u16::from_be_bytes(self.array()?)),
            0xc6 => u32::from_be_bytes(self.array()?) as usize,
            _ => return None,
        };
        self.take(length).map(<[u8]>::to_vec)
    }
}

/// A plain value without the text or bytes in it, which are written between its two parts.
pub(super) struct Written {
    bytes: [u8; Written::MOST],
    length: usize,
}

impl Written {
    /// More than any plain value takes: two tags, three names of fields, three numbers of nine bytes, six markers.
    const MOST: usize = 96;

    /// A number, truth value or nothing.
    pub(super) fn value(value: &Value, structs: Structs) -> Option<Written> {
        let mut out = Written {
            bytes: [0; Written::MOST],
            length: 0,
        };
        let named = structs == Structs::Maps;
        let span = match value {
            Value::Int(val, span) => {
                out.open(b"\x81\xa3Int", named);
                out.signed(*val);
                span
            }
            Value::Filesize(val, span) => {
                out.open(b"\x81\xa8Filesize", named);
                out.signed(*val);
                span
            }
            Value::Duration(val, span) => {
                out.open(b"\x81\xa8Duration", named);
                out.signed(*val);
                span
            }
            Value::Bool(val, span) => {
                out.open(b"\x81\xa4Bool", named);
                out.put(if *val { b"\xc3" } else { b"\xc2" });
                span
            }
            Value::Float(val, span) => {
                out.open(b"\x81\xa5Float", named);
                out.put(b"\xcb");
                out.put(&val.to_be_bytes());
                span
            }
            _ => return None,
        };
        out.close(*span, named);
        Some(out)
    }

    /// What stands in front of the text of a string.
    pub(super) fn before_text(structs: Structs) -> Written {
        let mut out = Written {
            bytes: [0; Written::MOST],
            length: 0,
        };
        out.open(b"\x81\xa6String", structs == Structs::Maps);
        out
    }

    /// What stands behind the content of a value.
    pub(super) fn after(span: Span, structs: Structs) -> Written {
        let mut out = Written {
            bytes: [0; Written::MOST],
            length: 0,
        };
        out.close(span, structs == Structs::Maps);
        out
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    #[inline]
    fn put<const N: usize>(&mut self, bytes: &[u8; N]) {
        self.bytes[self.length..self.length + N].copy_from_slice(bytes);
        self.length += N;
    }

    #[inline]
    fn open<const N: usize>(&mut self, tag: &[u8; N], named: bool) {
        self.put(tag);
        match named {
            true => self.put(b"\x82\xa3val"),
            false => self.put(b"\x92"),
        }
    }

    #[inline]
    fn close(&mut self, span: Span, named: bool) {
        match named {
            true => self.put(b"\xa4span\x82\xa5start"),
            false => self.put(b"\x92"),
        }
        self.unsigned(span.start);
        if named {
            self.put(b"\xa3end");
        }
        self.unsigned(span.end);
    }

    #[inline]
    fn unsigned(&mut self, value: u64) {
        match value {
            0..=0x7f => self.put(&[value as u8]),
            0x80..=0xff => self.put(&[0xcc, value as u8]),
            0x100..=0xffff => {
                self.put(b"\xcd");
                self.put(&(value as u16).to_be_bytes());
            }
            0x1_0000..=0xffff_ffff => {
                self.put(b"\xce");
                self.put(&(value as u32).to_be_bytes());
            }
            _ => {
                self.put(b"\xcf");
                self.put(&value.to_be_bytes());
            }
        }
    }

    #[inline]
    fn signed(&mut self, value: i64) {
        match value {
            0.. => self.unsigned(value as u64),
            -32..=-1 => self.put(&[value as u8]),
            -0x80..=-33 => self.put(&[0xd0, value as u8]),
            -0x8000..=-0x81 => {
                self.put(b"\xd1");
                self.put(&(value as i16).to_be_bytes());
            }
            -0x8000_0000..=-0x8001 => {
                self.put(b"\xd2");
                self.put(&(value as i32).to_be_bytes());
            }
            _ => {
                self.put(b"\xd3");
                self.put(&value.to_be_bytes());
            }
        }
    }
}
