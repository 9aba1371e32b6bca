//! Writes MessagePack, in the very form that `rmp_serde` gives it when it names fields.

use crate::Value;
use crate::codec::BytesForm;
use crate::codec::copy::append;
use crate::codec::writer::{MAX_DEPTH, Result, Structs, Writer, too_deep};
use crate::nu::Dialect;

use super::plain::Written;
use super::quick::VALUE_DEPTH;

pub(in crate::codec) struct MsgPackWriter<'o> {
    out: &'o mut Vec<u8>,
    dialect: Dialect,
    bytes: BytesForm,
    structs: Structs,
    depth: usize,
}

impl<'o> MsgPackWriter<'o> {
    pub(in crate::codec) fn new(out: &'o mut Vec<u8>, dialect: Dialect, bytes: BytesForm) -> Self {
        MsgPackWriter {
            out,
            dialect,
            bytes,
            structs: Structs::Maps,
            depth: 0,
        }
    }

    /// A header whose short form holds up to `short` in its marker, and others follow markers of 1 (if any), 2 and 4
    /// bytes of length. Lengths beyond 4 bytes cannot be in memory on any machine that is cared for.
    #[inline]
    fn header(&mut self, length: usize, short: (u8, usize), wide: [u8; 3]) {
        let length32 = u32::try_from(length).unwrap_or(u32::MAX);
        let bytes = length32.to_be_bytes();
        if length < short.1 {
            self.out.push(short.0 | bytes[3]);
        } else if length <= 0xff && wide[0] != 0 {
            self.out.extend_from_slice(&[wide[0], bytes[3]]);
        } else if length <= 0xffff {
            self.out.extend_from_slice(&[wide[1], bytes[2], bytes[3]]);
        } else {
            self.out.push(wide[2]);
            self.out.extend_from_slice(&bytes);
        }
    }

    #[inline]
    fn open(&mut self) -> Result {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(too_deep());
        }
        Ok(())
    }
}

impl Writer for MsgPackWriter<'_> {
    fn dialect(&self) -> Dialect {
        self.dialect
    }

    fn structs(&self) -> Structs {
        self.structs
    }

    fn set_structs(&mut self, structs: Structs) {
        self.structs = structs;
    }

    fn null(&mut self) {
        self.out.push(0xc0);
    }

    fn bool(&mut self, value: bool) {
        self.out.push(if value { 0xc3 } else { 0xc2 });
    }

    fn unsigned(&mut self, value: u64) {
        let bytes = value.to_be_bytes();
        match value {
            0..=0x7f => self.out.push(bytes[7]),
            0x80..=0xff => self.out.extend_from_slice(&[0xcc, bytes[7]]),
            0x100..=0xffff => self.out.extend_from_slice(&[0xcd, bytes[6], bytes[7]]),
            0x1_0000..=0xffff_ffff => {
                self.out.push(0xce);
                self.out.extend_from_slice(&bytes[4..]);
            }
            _ => {
                self.out.push(0xcf);
                self.out.extend_from_slice(&bytes);
            }
        }
    }

    fn signed(&mut self, value: i64) {
        if let Ok(value) = u64::try_from(value) {
            return self.unsigned(value);
        }
        let bytes = value.to_be_bytes();
        if value >= -32 {
            self.out.push(bytes[7]);
        } else if value >= i64::from(i8::MIN) {
            self.out.extend_from_slice(&[0xd0, bytes[7]]);
        } else if value >= i64::from(i16::MIN) {
            self.out.extend_from_slice(&[0xd1, bytes[6], bytes[7]]);
        } else if value >= i64::from(i32::MIN) {
            self.out.push(0xd2);
            self.out.extend_from_slice(&bytes[4..]);
        } else {
            self.out.push(0xd3);
            self.out.extend_from_slice(&bytes);
        }
    }

    fn float(&mut self, value: f64) -> Result {
        self.out.push(0xcb);
        self.out.extend_from_slice(&value.to_bits().to_be_bytes());
        Ok(())
    }

    #[inline]
    fn text(&mut self, text: &str) {
        if text.len() < 32 {
            self.out.push(0xa0 | text.len() as u8);
        } else {
            self.header(text.len(), (0xa0, 32), [0xd9, 0xda, 0xdb]);
        }
        self.out.extend_from_slice(text.as_bytes());
    }

    #[inline]
    fn quick_value(&mut self, value: &Value) -> bool {
        if self.depth + VALUE_DEPTH > MAX_DEPTH {
            return false;
        }
        if let Value::String(text, span) = value {
            self.out
                .extend_from_slice(Written::before_text(self.structs).bytes());
            self.text(text);
            self.out
                .extend_from_slice(Written::after(*span, self.structs).bytes());
            return true;
        }
        let Some(written) = Written::value(value, self.structs) else {
            return false;
        };
        self.out.extend_from_slice(written.bytes());
        true
    }

    fn bytes(&mut self, bytes: &[u8]) {
        if self.bytes == BytesForm::Native {
            return self.native_bytes(bytes);
        }
        self.header(bytes.len(), (0x90, 16), [0, 0xdc, 0xdd]);
        // Without a branch for each byte: half of all bytes have a marker in front, in no order.
        let mut at = self.out.len();
        self.out.resize(at + 2 * bytes.len(), 0xcc);
        for &byte in bytes {
            let marker = usize::from(byte > 0x7f);
            self.out[at + marker] = byte;
            at += 1 + marker;
        }
        self.out.truncate(at);
    }

    fn native_bytes(&mut self, bytes: &[u8]) {
        self.header(bytes.len(), (0, 0), [0xc4, 0xc5, 0xc6]);
        append(self.out, bytes);
    }

    #[inline]
    fn array(&mut self, length: usize) -> Result {
        self.open()?;
        self.header(length, (0x90, 16), [0, 0xdc, 0xdd]);
        Ok(())
    }

    fn end_array(&mut self) {
        self.depth -= 1;
    }

    #[inline]
    fn map(&mut self, length: usize) -> Result {
        self.open()?;
        self.header(length, (0x80, 16), [0, 0xde, 0xdf]);
        Ok(())
    }

    #[inline]
    fn key(&mut self, key: &str) {
        self.text(key);
    }

    fn end_map(&mut self) {
        self.depth -= 1;
    }
}
