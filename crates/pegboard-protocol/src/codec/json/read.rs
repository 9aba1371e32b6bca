//! Reads JSON from a slice.

use std::borrow::Cow;

use memchr::memchr2;

use crate::codec::reader::{Cursor, Kind, Number, Reader, Result, not_a_byte};
use crate::codec::{DecodeError, DecodeErrorKind, Limits};
use crate::nu::Dialect;

pub(in crate::codec) struct JsonReader<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    limits: Limits,
    dialect: Dialect,
}

impl<'a> JsonReader<'a> {
    pub(in crate::codec) fn new(bytes: &'a [u8], limits: Limits, dialect: Dialect) -> Self {
        JsonReader {
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

    #[cold]
    fn syntax<T>(&self, what: impl Into<String>) -> Result<T> {
        self.fail(DecodeErrorKind::Syntax, what)
    }

    /// The next byte that is not white space.
    #[inline]
    fn peek(&mut self) -> Result<u8> {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(&byte) => return Ok(byte),
                None => return self.truncated(),
            }
        }
    }

    fn open(&mut self) -> Result<Cursor> {
        self.at += 1;
        self.depth += 1;
        if self.depth > self.limits.depth {
            return Err(self.limits.too_deep(self.at - 1));
        }
        Ok(Cursor { left: 0, seen: 0 })
    }

    /// Handles the comma or the closing bracket. True when an entry follows.
    #[inline]
    fn entry(&mut self, cursor: &mut Cursor, end: u8) -> Result<bool> {
        let byte = self.peek()?;
        if byte == end {
            self.at += 1;
            self.depth -= 1;
            return Ok(false);
        }
        if cursor.seen > 0 {
            if byte != b',' {
                return self.syntax(format!(
                    "expected `,` or `{}`, found {}",
                    char::from(end),
                    shown(byte)
                ));
            }
            self.at += 1;
        }
        cursor.seen += 1;
        if cursor.seen > self.limits.collection {
            return Err(self.limits.too_many(self.at));
        }
        Ok(true)
    }

    fn literal(&mut self, word: &'static str) -> Result<()> {
        let rest = &self.bytes[self.at..];
        if rest.starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(())
        } else if word.as_bytes().starts_with(rest) {
            self.truncated()
        } else {
            self.syntax(format!("expected {word}"))
        }
    }

    /// The text of a string with escapes, from behind its opening quote. `plain` bytes are known to have none.
    #[cold]
    fn unescape(&mut self, plain: usize) -> Result<String> {
        let mut text = Vec::with_capacity(plain + 32);
        loop {
            let rest = &self.bytes[self.at..];
            let Some(length) = memchr2(b'"', b'\\', rest) else {
                return self.truncated();
            };
            text.extend_from_slice(&rest[..length]);
            self.at += length + 1;
            if rest[length] == b'"' {
                break;
            }
            let Some(&escape) = self.bytes.get(self.at) else {
                return self.truncated();
            };
            self.at += 1;
            let byte = match escape {
                b'"' | b'\\' | b'/' => escape,
                b'b' => 8,
                b'f' => 12,
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'u' => {
                    let c = self.unicode()?;
                    text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    continue;
                }
                other => {
                    self.at -= 1;
                    return self.syntax(format!("unknown escape {} in a string", shown(other)));
                }
            };
            text.push(byte);
        }
        String::from_utf8(text).or_else(|_| self.syntax("a string is not UTF-8"))
    }

    fn unicode(&mut self) -> Result<char> {
        let first = self.hex()?;
        if !(0xd800..0xe000).contains(&first) {
            return match char::from_u32(first) {
                Some(c) => Ok(c),
                None => self.syntax("an escape that is no character"),
            };
        }
        if first < 0xdc00 {
            let rest = &self.bytes[self.at..];
            if rest.len() < 2 && b"\\u".starts_with(rest) {
                return self.truncated();
            }
            if rest.starts_with(b"\\u") {
                self.at += 2;
                let second = self.hex()?;
                if (0xdc00..0xe000).contains(&second) {
                    let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                    if let Some(c) = char::from_u32(code) {
                        return Ok(c);
                    }
                }
            }
        }
        self.syntax("half of a surrogate pair in a string")
    }

    fn hex(&mut self) -> Result<u32> {
        let Some(digits) = self.bytes.get(self.at..self.at + 4) else {
            return self.truncated();
        };
        let mut code = 0;
        for &digit in digits {
            let Some(value) = char::from(digit).to_digit(16) else {
                return self.syntax("\\u needs four hexadecimal digits");
            };
            code = code * 16 + value;
        }
        self.at += 4;
        Ok(code)
    }

    /// Reads numbers of an array of bytes for as long as they are written as usual: behind a comma, without space.
    fn plain_bytes(&mut self, bytes: &mut Vec<u8>) {
        let text = &self.bytes[self.at..];
        let mut at = 0;
        while let Some([b',', rest @ ..]) = text.get(at..) {
            let digit = |at: usize| {
                let digit = rest.get(at).map(|byte| byte.wrapping_sub(b'0'));
                digit.filter(|digit| *digit < 10).map(u16::from)
            };
            let (number, length) = match (digit(0), digit(1), digit(2)) {
                (Some(a), Some(b), Some(c)) => (a * 100 + b * 10 + c, 3),
                (Some(a), Some(b), None) => (a * 10 + b, 2),
                (Some(a), None, _) => (a, 1),
                (None, ..) => break,
            };
            let (Ok(byte), Some(b',' | b']')) = (u8::try_from(number), rest.get(length)) else {
                break;
            };
            bytes.push(byte);
            at += 1 + length;
        }
        self.at += at;
    }

    fn skip_string(&mut self) -> Result<()> {
        self.at += 1;
        loop {
            let rest = &self.bytes[self.at..];
            let Some(length) = memchr2(b'"', b'\\', rest) else {
                return self.truncated();
            };
            self.at += length + 1;
            if rest[length] == b'"' {
                return Ok(());
            }
            if self.at >= self.bytes.len() {
                return self.truncated();
            }
            self.at += 1;
        }
    }

    #[cold]
    fn odd_number(&mut self) -> Result<Number> {
        // What Python writes, though it is not JSON.
        let rest = &self.bytes[self.at..];
        if let b"N" | b"I" = rest {
            return self.truncated();
        }
        for (word, number) in [
            ("NaN", f64::NAN),
            ("Infinity", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
        ] {
            if rest.first() == word.as_bytes().first() && rest.get(1) == word.as_bytes().get(1) {
                self.literal(word)?;
                return Ok(Number::Float(number));
            }
        }
        self.expected("a number")
    }
}

impl<'a> Reader<'a> for JsonReader<'a> {
    fn offset(&self) -> usize {
        self.at
    }

    fn dialect(&self) -> Dialect {
        self.dialect
    }

    #[inline]
    fn kind(&mut self) -> Result<Kind> {
        Ok(match self.peek()? {
            b'"' => Kind::Text,
            b'{' => Kind::Map,
            b'[' => Kind::Array,
            b'0'..=b'9' | b'-' | b'N' | b'I' => Kind::Number,
            b't' | b'f' => Kind::Bool,
            b'n' => Kind::Null,
            other => return self.syntax(format!("expected a JSON value, found {}", shown(other))),
        })
    }

    fn null(&mut self) -> Result<()> {
        self.literal("null")
    }

    fn bool(&mut self) -> Result<bool> {
        match self.peek()? {
            b't' => self.literal("true").map(|()| true),
            b'f' => self.literal("false").map(|()| false),
            _ => self.expected("a boolean"),
        }
    }

    #[inline]
    fn number(&mut self) -> Result<Number> {
        let first = self.peek()?;
        let negative = first == b'-';
        let start = self.at;
        let mut at = start + usize::from(negative);
        let mut whole: u64 = 0;
        let mut overflow = false;
        while let Some(digit @ b'0'..=b'9') = self.bytes.get(at) {
            match whole
                .checked_mul(10)
                .and_then(|whole| whole.checked_add(u64::from(digit - b'0')))
            {
                Some(next) => whole = next,
                None => overflow = true,
            }
            at += 1;
        }
        match self.bytes.get(at) {
            None => return self.truncated(),
            Some(b'.' | b'e' | b'E') => {}
            Some(_) if at == start + usize::from(negative) => return self.odd_number(),
            Some(_) if !overflow => {
                if !negative {
                    self.at = at;
                    return Ok(Number::Unsigned(whole));
                }
                if whole == 0 {
                    self.at = at;
                    return Ok(Number::Unsigned(0));
                }
                if let Ok(number) = i64::try_from(-i128::from(whole)) {
                    self.at = at;
                    return Ok(Number::Negative(number));
                }
            }
            Some(_) => {}
        }
        while let Some(b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-') = self.bytes.get(at) {
            at += 1;
        }
        if at == self.bytes.len() {
            return self.truncated();
        }
        let text = std::str::from_utf8(&self.bytes[start..at]).unwrap_or_default();
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => {
                self.at = at;
                Ok(Number::Float(number))
            }
            Ok(_) => self.fail(
                DecodeErrorKind::BadValue,
                format!("the number {text} is too large"),
            ),
            Err(_) => self.syntax(format!("`{text}` is not a number")),
        }
    }

    #[inline]
    fn text(&mut self) -> Result<Cow<'a, str>> {
        if self.peek()? != b'"' {
            return self.expected("a string");
        }
        let start = self.at + 1;
        let rest: &'a [u8] = &self.bytes[start..];
        let Some(length) = memchr2(b'"', b'\\', rest) else {
            return self.truncated();
        };
        if rest[length] == b'\\' {
            self.at = start;
            return self.unescape(length).map(Cow::Owned);
        }
        match std::str::from_utf8(&rest[..length]) {
            Ok(text) => {
                self.at = start + length + 1;
                Ok(Cow::Borrowed(text))
            }
            Err(_) => self.syntax("a string is not UTF-8"),
        }
    }

    fn bytes(&mut self) -> Result<Vec<u8>> {
        if self.peek()? != b'[' {
            return self.expected("an array of bytes");
        }
        // The bytes of a binary do not count as entries of a collection: the frame limit bounds them.
        let mut cursor = self.open()?;
        let mut bytes = Vec::new();
        loop {
            self.plain_bytes(&mut bytes);
            cursor.seen = bytes.len().min(1);
            if !self.entry(&mut cursor, b']')? {
                return Ok(bytes);
            }
            let offset = self.at;
            match u8::try_from(self.unsigned()?) {
                Ok(byte) => bytes.push(byte),
                Err(_) => return Err(not_a_byte(offset)),
            }
        }
    }

    #[inline]
    fn array(&mut self) -> Result<Cursor> {
        if self.peek()? != b'[' {
            return self.expected("an array");
        }
        self.open()
    }

    #[inline]
    fn item(&mut self, cursor: &mut Cursor) -> Result<bool> {
        self.entry(cursor, b']')
    }

    #[inline]
    fn map(&mut self) -> Result<Cursor> {
        if self.peek()? != b'{' {
            return self.expected("a map");
        }
        self.open()
    }

    #[inline]
    fn key(&mut self, cursor: &mut Cursor) -> Result<Option<Cow<'a, str>>> {
        if !self.entry(cursor, b'}')? {
            return Ok(None);
        }
        let key = self.text()?;
        match self.peek()? {
            b':' => {
                self.at += 1;
                Ok(Some(key))
            }
            other => self.syntax(format!("expected `:` behind a key, found {}", shown(other))),
        }
    }

    fn skip(&mut self) -> Result<()> {
        let outside = self.depth;
        loop {
            match self.peek()? {
                b'"' => self.skip_string()?,
                b'{' | b'[' => {
                    self.open()?;
                    continue;
                }
                b'}' | b']' if self.depth > outside => {
                    self.at += 1;
                    self.depth -= 1;
                }
                b',' | b':' if self.depth > outside => {
                    self.at += 1;
                    continue;
                }
                b't' => self.literal("true")?,
                b'f' => self.literal("false")?,
                b'n' => self.literal("null")?,
                _ => {
                    self.number()?;
                }
            }
            if self.depth == outside {
                return Ok(());
            }
        }
    }
}

fn shown(byte: u8) -> String {
    match byte {
        b' '..=b'~' => format!("`{}`", char::from(byte)),
        _ => format!("byte 0x{byte:02x}"),
    }
}
