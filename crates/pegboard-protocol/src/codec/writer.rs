//! What both encodings offer to the code that writes messages.

use super::{EncodeError, EncodeErrorKind};
use crate::Value;
use crate::nu::{Change, Dialect};

pub(super) type Result<T = (), E = EncodeError> = std::result::Result<T, E>;

/// How many arrays and maps may stand inside each other in what is written: the most that [`super::Limits::default`]
/// reads.
pub(super) const MAX_DEPTH: usize = 256;

/// How values and spans are written, which are structs. Readers take either form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Structs {
    /// With the names of their fields, as real peers do.
    #[default]
    Maps,
    /// Without, in order: a third of the size. For what only our own peers read.
    Arrays,
}

/// Appends to a buffer. The caller gives lengths beforehand and keeps to them.
pub(super) trait Writer {
    /// Whom it is written for.
    fn dialect(&self) -> Dialect;
    fn structs(&self) -> Structs;
    fn set_structs(&mut self, structs: Structs);
    fn null(&mut self);
    fn bool(&mut self, value: bool);
    fn unsigned(&mut self, value: u64);
    fn signed(&mut self, value: i64);
    fn float(&mut self, value: f64) -> Result;
    fn text(&mut self, text: &str);
    /// Writes a plain value in one go, if there is a quick way; else nothing is written.
    fn quick_value(&mut self, _: &Value) -> bool {
        false
    }
    /// Bytes in the form that the other side is known to read.
    fn bytes(&mut self, bytes: &[u8]);
    /// Bytes in the encoding's own form, if it has one.
    fn native_bytes(&mut self, bytes: &[u8]);
    fn array(&mut self, length: usize) -> Result;
    fn end_array(&mut self);
    fn map(&mut self, length: usize) -> Result;
    fn key(&mut self, key: &str);
    fn end_map(&mut self);

    fn has(&self, change: Change) -> bool {
        self.dialect().has(change)
    }

    /// Opens a value, a span or a similar struct.
    fn open_struct(&mut self, fields: usize) -> Result {
        match self.structs() {
            Structs::Maps => self.map(fields),
            Structs::Arrays => self.array(fields),
        }
    }

    /// The next field of it, which is written next.
    fn field(&mut self, name: &str) {
        if self.structs() == Structs::Maps {
            self.key(name);
        }
    }

    fn close_struct(&mut self) {
        match self.structs() {
            Structs::Maps => self.end_map(),
            Structs::Arrays => self.end_array(),
        }
    }

    /// Opens a map with one key: a variant with content.
    #[inline]
    fn tag(&mut self, name: &str) -> Result {
        self.map(1)?;
        self.key(name);
        Ok(())
    }

    fn option<T>(
        &mut self,
        value: Option<T>,
        write: impl FnOnce(&mut Self, T) -> Result,
    ) -> Result {
        match value {
            Some(value) => write(self, value),
            None => {
                self.null();
                Ok(())
            }
        }
    }

    fn option_text(&mut self, key: &str, text: Option<&str>) {
        self.key(key);
        match text {
            Some(text) => self.text(text),
            None => self.null(),
        }
    }

    fn list<T>(&mut self, items: &[T], write: impl Fn(&mut Self, &T) -> Result) -> Result {
        self.array(items.len())?;
        for item in items {
            write(self, item)?;
        }
        self.end_array();
        Ok(())
    }

    fn texts(&mut self, texts: &[String]) -> Result {
        self.list(texts, |w, text| {
            w.text(text);
            Ok(())
        })
    }

    /// Fails unless the other side has a change.
    fn require(&self, change: Change, what: &str) -> Result {
        if self.has(change) {
            return Ok(());
        }
        Err(EncodeError::new(
            EncodeErrorKind::NeedsVersion,
            format!(
                "the other side speaks the protocol of Nushell 0.{}, and {what} exists only since {}",
                self.dialect().minor(),
                Dialect::since(change)
            ),
        ))
    }
}

pub(super) fn too_deep() -> EncodeError {
    EncodeError::new(
        EncodeErrorKind::TooDeep,
        format!(
            "the message has more than {MAX_DEPTH} arrays and maps inside each other, which no reader accepts"
        ),
    )
}

pub(super) fn unknown(name: &str, what: &str) -> EncodeError {
    EncodeError::new(
        EncodeErrorKind::Unknown,
        format!("`{name}` is a {what} that is not known here, so it cannot be written"),
    )
}
