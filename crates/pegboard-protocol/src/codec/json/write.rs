//! Writes JSON, in the very form that `serde_json` gives it.

use std::fmt::Write as _;

use crate::codec::writer::{MAX_DEPTH, Result, Structs, Writer, too_deep};
use crate::codec::{EncodeError, EncodeErrorKind};
use crate::nu::Dialect;

pub(in crate::codec) struct JsonWriter<'o> {
    out: &'o mut Vec<u8>,
    dialect: Dialect,
    structs: Structs,
    depth: usize,
    /// Something stands in front of what comes next.
    comma: bool,
}

impl<'o> JsonWriter<'o> {
    pub(in crate::codec) fn new(out: &'o mut Vec<u8>, dialect: Dialect) -> Self {
        JsonWriter {
            out,
            dialect,
            structs: Structs::Maps,
            depth: 0,
            comma: false,
        }
    }

    #[inline]
    fn separate(&mut self) {
        if self.comma {
            self.out.push(b',');
        }
        self.comma = true;
    }

    fn open(&mut self, bracket: u8) -> Result {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(too_deep());
        }
        self.separate();
        self.out.push(bracket);
        self.comma = false;
        Ok(())
    }

    fn close(&mut self, bracket: u8) {
        self.depth -= 1;
        self.out.push(bracket);
        self.comma = true;
    }

    fn quoted(&mut self, text: &str) {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        self.out.push(b'"');
        let bytes = text.as_bytes();
        let mut from = 0;
        for (at, &byte) in bytes.iter().enumerate() {
            if byte >= 0x20 && byte != b'"' && byte != b'\\' {
                continue;
            }
            self.out.extend_from_slice(&bytes[from..at]);
            from = at + 1;
            let short = match byte {
                b'"' | b'\\' => byte,
                8 => b'b',
                9 => b't',
                10 => b'n',
                12 => b'f',
                13 => b'r',
                _ => {
                    self.out.extend_from_slice(b"\\u00");
                    self.out.push(HEX[usize::from(byte >> 4)]);
                    self.out.push(HEX[usize::from(byte & 15)]);
                    continue;
                }
            };
            self.out.extend_from_slice(&[b'\\', short]);
        }
        self.out.extend_from_slice(&bytes[from..]);
        self.out.push(b'"');
    }

    fn digits(&mut self, mut number: u64) {
        let mut buffer = [0; 20];
        let mut at = buffer.len();
        loop {
            at -= 1;
            buffer[at] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.out.extend_from_slice(&buffer[at..]);
    }
}

/// Every byte as decimal text with a comma behind it, and how long that is.
const DECIMAL: [([u8; 4], usize); 256] = {
    let mut table = [([b','; 4], 0); 256];
    let mut byte = 0;
    while byte < 256 {
        let digits = [byte / 100, byte / 10 % 10, byte % 10];
        let length = if byte >= 100 {
            3
        } else if byte >= 10 {
            2
        } else {
            1
        };
        let mut at = 0;
        while at < length {
            table[byte].0[at] = b'0' + digits[3 - length + at] as u8;
            at += 1;
        }
        table[byte].1 = length + 1;
        byte += 1;
    }
    table
};

/// Lets numbers be formatted into the buffer.
struct Text<'a>(&'a mut Vec<u8>);

impl std::fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

impl Writer for JsonWriter<'_> {
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
        self.separate();
        self.out.extend_from_slice(b"null");
    }

    fn bool(&mut self, value: bool) {
        self.separate();
        self.out
            .extend_from_slice(if value { b"true" } else { b"false" });
    }

    fn unsigned(&mut self, value: u64) {
        self.separate();
        self.digits(value);
    }

    fn signed(&mut self, value: i64) {
        self.separate();
        if value < 0 {
            self.out.push(b'-');
        }
        self.digits(value.unsigned_abs());
    }

    fn float(&mut self, value: f64) -> Result {
        let Some(number) = serde_json::Number::from_f64(value) else {
            return Err(EncodeError::new(
                EncodeErrorKind::NonFinite,
                format!("JSON has no form for the float {value}; use MessagePack or another value"),
            ));
        };
        self.separate();
        let _ = write!(Text(self.out), "{number}");
        Ok(())
    }

    fn text(&mut self, text: &str) {
        self.separate();
        self.quoted(text);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.separate();
        let mut at = self.out.len() + 1;
        self.out.resize(at + 4 * bytes.len() + 1, b'[');
        for &byte in bytes {
            let (text, length) = DECIMAL[usize::from(byte)];
            self.out[at..at + 4].copy_from_slice(&text);
            at += length;
        }
        // The last comma becomes the bracket.
        at -= usize::from(!bytes.is_empty());
        self.out[at] = b']';
        self.out.truncate(at + 1);
    }

    fn native_bytes(&mut self, bytes: &[u8]) {
        self.bytes(bytes);
    }

    fn array(&mut self, _: usize) -> Result {
        self.open(b'[')
    }

    fn end_array(&mut self) {
        self.close(b']');
    }

    fn map(&mut self, _: usize) -> Result {
        self.open(b'{')
    }

    fn key(&mut self, key: &str) {
        self.separate();
        self.quoted(key);
        self.out.push(b':');
        self.comma = false;
    }

    fn end_map(&mut self) {
        self.close(b'}');
    }
}
