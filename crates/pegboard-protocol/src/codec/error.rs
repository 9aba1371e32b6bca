//! What can be wrong with bytes that are read, or with a message that is to be written.

use std::fmt;

use super::Encoding;

/// What sort of mistake the bytes have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DecodeErrorKind {
    /// The program did not announce an encoding, or one that is not known.
    Announcement,
    /// The bytes are not JSON, or not MessagePack.
    Syntax,
    /// The input ended inside a message.
    Truncated,
    /// A thing of one kind stands where another kind is needed.
    WrongType,
    /// A field that must be there is not.
    MissingField,
    /// A name that is not one of the known ones.
    UnknownVariant,
    /// The right kind of thing, but not one that can be used.
    BadValue,
    /// The message exists, but this side must not send it.
    WrongSender,
    /// The form of a version that is too old to be understood.
    TooOld,
    /// Larger, longer or deeper than the limits allow.
    Limit,
}

/// Bytes that are not a message, with the place of the mistake.
#[derive(Clone, PartialEq, Eq)]
pub struct DecodeError(Box<Detail>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Detail {
    kind: DecodeErrorKind,
    what: String,
    offset: usize,
    /// Innermost first.
    path: Vec<String>,
    excerpt: String,
}

impl DecodeError {
    pub(super) fn new(kind: DecodeErrorKind, offset: usize, what: impl Into<String>) -> Self {
        DecodeError(Box::new(Detail {
            kind,
            what: what.into(),
            offset,
            path: Vec::new(),
            excerpt: String::new(),
        }))
    }

    /// Says inside of what it happened. Called on the way out, so the innermost comes first.
    #[cold]
    pub(super) fn inside(mut self, step: impl Into<String>) -> Self {
        if self.0.path.len() < 32 {
            self.0.path.push(step.into());
        }
        self
    }

    /// Adds what the bytes around the mistake look like.
    #[cold]
    pub(super) fn with_excerpt(mut self, message: &[u8], encoding: Encoding) -> Self {
        let from = self.0.offset.saturating_sub(12).min(message.len());
        let to = (self.0.offset + 28).min(message.len());
        let around = message.get(from..to).unwrap_or_default();
        self.0.excerpt = match encoding {
            Encoding::Json => printable(around),
            Encoding::MsgPack => hex(around),
        };
        self
    }

    /// What seemed to be cut off is complete, and wrong.
    #[cold]
    pub(super) fn into_syntax(mut self) -> Self {
        self.0.kind = DecodeErrorKind::Syntax;
        self.0.what =
            "the message ends before it is complete: its brackets do not match".to_owned();
        self
    }

    pub(super) fn with_text(mut self, excerpt: String) -> Self {
        self.0.excerpt = excerpt;
        self
    }

    /// What sort of mistake it is.
    pub fn kind(&self) -> DecodeErrorKind {
        self.0.kind
    }

    /// Where in the message it is, in bytes from the message's first byte.
    pub fn offset(&self) -> usize {
        self.0.offset
    }

    /// Inside of what it is, outermost first, such as `CallResponse.PipelineData.Value`. Empty at the top.
    pub fn path(&self) -> String {
        let mut path = String::new();
        for step in self.0.path.iter().rev() {
            if !path.is_empty() && !step.starts_with('[') {
                path.push('.');
            }
            path.push_str(step);
        }
        path
    }

    /// The bytes around it: text for JSON, hexadecimal for MessagePack.
    pub fn excerpt(&self) -> &str {
        &self.0.excerpt
    }

    /// What is wrong, without the place.
    pub fn what(&self) -> &str {
        &self.0.what
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.what)?;
        if self.0.kind == DecodeErrorKind::Announcement {
            return Ok(());
        }
        f.write_str(" (")?;
        let path = self.path();
        if !path.is_empty() {
            write!(f, "in {path}, ")?;
        }
        write!(f, "byte {} of the message", self.0.offset)?;
        if !self.0.excerpt.is_empty() {
            write!(f, ", near `{}`", self.0.excerpt)?;
        }
        f.write_str(")")
    }
}

impl fmt::Debug for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl std::error::Error for DecodeError {}

/// Why a message cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EncodeErrorKind {
    /// The other side's version does not have it yet.
    NeedsVersion,
    /// This side must not send such a message.
    WrongSender,
    /// JSON has no form for infinities and NaN.
    NonFinite,
    /// It stands for something unknown that was read, and cannot be written back.
    Unknown,
    /// A value that the other side would refuse to read.
    BadValue,
    /// Nested too deeply for the other side to read.
    TooDeep,
}

/// A message that cannot be written for the other side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodeError {
    kind: EncodeErrorKind,
    what: String,
}

impl EncodeError {
    pub(super) fn new(kind: EncodeErrorKind, what: impl Into<String>) -> Self {
        EncodeError {
            kind,
            what: what.into(),
        }
    }

    /// Why it cannot be written.
    pub fn kind(&self) -> EncodeErrorKind {
        self.kind
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for EncodeError {}

/// Bytes as text on one line, with everything that cannot be shown replaced.
pub(super) fn printable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .map(|c| match c {
            '\n' | '\r' | '\t' => ' ',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 3);
    for (index, byte) in bytes.iter().enumerate() {
        if index > 0 {
            text.push(' ');
        }
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('?'));
        }
    }
    text
}
