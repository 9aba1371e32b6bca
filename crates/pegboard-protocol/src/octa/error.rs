//! What can be wrong with a line.

use std::fmt;

use crate::session::{Failure, FailureKind};

/// What sort of mistake a line has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LineErrorKind {
    /// It is not JSON, or not one object after the other.
    Syntax,
    /// A field that must be there is not.
    MissingField,
    /// A field has a value of the wrong kind.
    BadValue,
    /// It is not UTF-8. There is no going on.
    Utf8,
    /// Longer or deeper than the limits allow. There is no going on.
    Limit,
    /// The input ended inside a message. There is no going on.
    Truncated,
}

/// A line, or a part of one, that is no message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineError(Box<Detail>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Detail {
    kind: LineErrorKind,
    what: String,
    line: u64,
    offset: usize,
    excerpt: String,
    about: Option<About>,
}

/// What could be told of a message that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct About {
    name: String,
    id: Option<String>,
}

impl LineError {
    pub(super) fn new(kind: LineErrorKind, offset: usize, what: impl Into<String>) -> LineError {
        LineError(Box::new(Detail {
            kind,
            what: what.into(),
            line: 0,
            offset,
            excerpt: String::new(),
            about: None,
        }))
    }

    pub(super) fn about(mut self, name: &str, id: Option<String>) -> LineError {
        self.0.about = Some(About {
            name: name.to_owned(),
            id,
        });
        self
    }

    /// Says where it is: the number of the line, and the bytes around.
    pub(super) fn at(mut self, line: u64, message: &[u8]) -> LineError {
        let message = message.trim_ascii_end();
        let from = self.0.offset.saturating_sub(24).min(message.len());
        let to = (self.0.offset + 40).min(message.len());
        self.0.line = line;
        self.0.excerpt = String::from_utf8_lossy(&message[from..to])
            .chars()
            .map(|c| if c.is_control() { '\u{fffd}' } else { c })
            .collect();
        self
    }

    /// What sort of mistake it is.
    pub fn kind(&self) -> LineErrorKind {
        self.0.kind
    }

    /// What is wrong, without the place.
    pub fn what(&self) -> &str {
        &self.0.what
    }

    /// The number of the line, from 1.
    pub fn line(&self) -> u64 {
        self.0.line
    }

    /// Where in the message it is, in bytes from the message's first byte.
    pub fn offset(&self) -> usize {
        self.0.offset
    }

    /// The text around it.
    pub fn excerpt(&self) -> &str {
        &self.0.excerpt
    }

    /// The kind of the message, if that could be read.
    pub fn message_name(&self) -> Option<&str> {
        self.0.about.as_ref().map(|about| about.name.as_str())
    }

    /// The execution that the message names, if that could be read.
    pub fn message_id(&self) -> Option<&str> {
        self.0.about.as_ref()?.id.as_deref()
    }

    /// Whether nothing can be read behind it.
    pub fn is_final(&self) -> bool {
        matches!(
            self.0.kind,
            LineErrorKind::Utf8 | LineErrorKind::Limit | LineErrorKind::Truncated
        )
    }
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(about) = &self.0.about {
            write!(f, "`{}`: ", about.name)?;
        }
        write!(
            f,
            "{} (line {}, byte {}",
            self.0.what, self.0.line, self.0.offset
        )?;
        if !self.0.excerpt.is_empty() {
            write!(f, ", near `{}`", self.0.excerpt)?;
        }
        f.write_str(")")
    }
}

impl std::error::Error for LineError {}

impl From<&LineError> for Failure {
    fn from(error: &LineError) -> Failure {
        let kind = match error.kind() {
            LineErrorKind::Limit => FailureKind::Limit,
            LineErrorKind::Truncated => {
                return Failure::new(FailureKind::Closed, format!("broke off: {error}"));
            }
            _ => FailureKind::Undecodable,
        };
        Failure::new(kind, format!("sent something that is no message: {error}"))
    }
}
