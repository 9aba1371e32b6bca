//! Writes values that hold no others, in one go.

use crate::codec::writer::Structs;
use crate::{Span, Value};

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
