//! What both encodings offer to the code that reads messages: a cursor over one complete message.

use std::borrow::Cow;

use super::{DecodeError, DecodeErrorKind, Sender};
use crate::nu::{Change, Dialect, Message};
use crate::{Span, Value};

pub(super) type Result<T, E = DecodeError> = std::result::Result<T, E>;

/// What stands at the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Bool,
    Number,
    Text,
    Bytes,
    Array,
    Map,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Null => "null",
            Kind::Bool => "a boolean",
            Kind::Number => "a number",
            Kind::Text => "a string",
            Kind::Bytes => "bytes",
            Kind::Array => "an array",
            Kind::Map => "a map",
        }
    }
}

/// A number as it was written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    Unsigned(u64),
    /// Below zero.
    Negative(i64),
    Float(f64),
}

/// Where the reader is in an array or a map.
#[derive(Debug)]
pub(super) struct Cursor {
    /// Entries still to come; JSON does not know.
    pub(super) left: usize,
    /// Entries so far.
    pub(super) seen: usize,
}

/// A cursor over one message. After an error the reader is of no further use.
pub(super) trait Reader<'a>: Sized {
    /// The byte that is read next.
    fn offset(&self) -> usize;
    /// Who is taken to have written it, where that matters.
    fn dialect(&self) -> Dialect;
    /// What stands at the cursor.
    fn kind(&mut self) -> Result<Kind>;
    /// Reads a null that [`Reader::kind`] has seen.
    fn null(&mut self) -> Result<()>;
    fn bool(&mut self) -> Result<bool>;
    fn number(&mut self) -> Result<Number>;
    fn text(&mut self) -> Result<Cow<'a, str>>;
    /// Bytes, whether written as such or as an array of integers.
    fn bytes(&mut self) -> Result<Vec<u8>>;
    fn array(&mut self) -> Result<Cursor>;
    /// Whether one more item follows; it must be read before the next question. False closes the array.
    fn item(&mut self, cursor: &mut Cursor) -> Result<bool>;
    fn map(&mut self) -> Result<Cursor>;
    /// The next key, whose value must be read before the next question. None closes the map.
    fn key(&mut self, cursor: &mut Cursor) -> Result<Option<Cow<'a, str>>>;
    /// Reads over whatever stands at the cursor.
    fn skip(&mut self) -> Result<()>;
    /// Reads a plain value in one go, if there is a quick way for the form that it has; else nothing is read.
    fn quick_value(&mut self) -> Option<Value> {
        None
    }
    /// The same for a place in the source text.
    fn quick_span(&mut self) -> Option<Span> {
        None
    }
    /// The same for a whole message.
    fn quick_message(&mut self, _: Sender) -> Option<Message> {
        None
    }

    #[cold]
    fn fail<T>(&self, kind: DecodeErrorKind, what: impl Into<String>) -> Result<T> {
        Err(DecodeError::new(kind, self.offset(), what))
    }

    #[cold]
    fn expected<T>(&mut self, what: &str) -> Result<T> {
        let found = self.kind()?;
        self.fail(
            DecodeErrorKind::WrongType,
            format!("expected {what}, found {}", found.name()),
        )
    }

    fn unsigned(&mut self) -> Result<u64> {
        let offset = self.offset();
        let what = match self.number()? {
            Number::Unsigned(number) => return Ok(number),
            Number::Negative(number) => format!("expected a number from 0 up, found {number}"),
            Number::Float(number) => format!("expected a whole number, found {number:?}"),
        };
        Err(DecodeError::new(DecodeErrorKind::BadValue, offset, what))
    }

    fn signed(&mut self) -> Result<i64> {
        let offset = self.offset();
        let what = match self.number()? {
            Number::Negative(number) => return Ok(number),
            Number::Unsigned(number) => match i64::try_from(number) {
                Ok(number) => return Ok(number),
                Err(_) => format!("{number} does not fit into a signed 64-bit integer"),
            },
            Number::Float(number) => format!("expected an integer, found {number:?}"),
        };
        Err(DecodeError::new(DecodeErrorKind::BadValue, offset, what))
    }

    fn float(&mut self) -> Result<f64> {
        if self.kind()? == Kind::Null {
            return self.fail(
                DecodeErrorKind::WrongType,
                "expected a number, found null; JSON cannot carry infinity or NaN, \
                 so many writers put null in their place: send MessagePack or another value",
            );
        }
        Ok(match self.number()? {
            Number::Unsigned(number) => number as f64,
            Number::Negative(number) => number as f64,
            Number::Float(number) => number,
        })
    }

    fn string(&mut self) -> Result<String> {
        Ok(self.text()?.into_owned())
    }

    /// Null as none, anything else by `read`.
    fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<Option<T>> {
        if self.kind()? == Kind::Null {
            self.null()?;
            Ok(None)
        } else {
            read(self).map(Some)
        }
    }

    /// Null as the default, anything else by `read`.
    fn or_default<T: Default>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        Ok(self.option(read)?.unwrap_or_default())
    }

    fn list<T>(&mut self, read: impl Fn(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut cursor = self.array()?;
        // A header can claim anything; what is reserved before it comes is bounded.
        let mut items = Vec::with_capacity(cursor.left.min(1024));
        while self.item(&mut cursor)? {
            match read(self) {
                Ok(item) => items.push(item),
                Err(error) => return Err(error.inside(format!("[{}]", items.len()))),
            }
        }
        Ok(items)
    }

    /// Moves to the next item of an array that must have one; `what` says of what.
    fn next(&mut self, cursor: &mut Cursor, what: &str) -> Result<()> {
        if self.item(cursor)? {
            return Ok(());
        }
        self.fail(
            DecodeErrorKind::MissingField,
            format!("an array with more items is needed for {what}"),
        )
    }

    /// Reads over the rest of an array.
    fn close(&mut self, mut cursor: Cursor) -> Result<()> {
        while self.item(&mut cursor)? {
            self.skip()?;
        }
        Ok(())
    }

    /// Reads a struct, as a map or as an array in the order of `keys`: calls `each` with the index of every known
    /// key, which must read its value. Other keys, and further items of an array, are read over. `also` are other
    /// names for keys, with the index that stands for them; an array never has them.
    fn fields(
        &mut self,
        shape: &Fields,
        mut each: impl FnMut(&mut Self, usize) -> Result<()>,
    ) -> Result<()> {
        match self.kind()? {
            Kind::Map => {
                let mut cursor = self.map()?;
                while let Some(key) = self.key(&mut cursor)? {
                    match shape.index(&key) {
                        Some(index) => {
                            each(self, index).map_err(|error| error.inside(key.into_owned()))?;
                        }
                        None => self.skip()?,
                    }
                }
            }
            Kind::Array => {
                let mut cursor = self.array()?;
                for (index, key) in shape.keys.iter().enumerate() {
                    if shape.lacks(index, self.dialect()) {
                        continue;
                    }
                    if !self.item(&mut cursor)? {
                        return Ok(());
                    }
                    each(self, index).map_err(|error| error.inside(*key))?;
                }
                self.close(cursor)?;
            }
            _ => return self.expected(&format!("a map for {}", shape.name)),
        }
        Ok(())
    }

    /// A field that must have been there.
    fn need<T>(&self, field: Option<T>, key: &str, shape: &Fields) -> Result<T> {
        match field {
            Some(field) => Ok(field),
            None => self.fail(
                DecodeErrorKind::MissingField,
                format!("missing field `{key}` in {}", shape.name),
            ),
        }
    }

    /// Reads the name of an enum's variant: a string for one without content, or a map with one key.
    fn tag(&mut self, what: &str) -> Result<Tag<'a>> {
        match self.kind()? {
            Kind::Text => Ok(Tag {
                name: self.text()?,
                body: None,
            }),
            Kind::Map => {
                let mut cursor = self.map()?;
                match self.key(&mut cursor)? {
                    Some(name) => Ok(Tag {
                        name,
                        body: Some(cursor),
                    }),
                    None => self.fail(
                        DecodeErrorKind::WrongType,
                        format!("expected {what}, found an empty map"),
                    ),
                }
            }
            _ => self.expected(what),
        }
    }

    #[cold]
    fn unknown<T>(&self, name: &str, what: &str) -> Result<T> {
        self.fail(
            DecodeErrorKind::UnknownVariant,
            format!("`{name}` is not a known {what}"),
        )
    }
}

#[cold]
pub(super) fn not_a_byte(offset: usize) -> DecodeError {
    DecodeError::new(
        DecodeErrorKind::BadValue,
        offset,
        "expected a byte, a number from 0 to 255",
    )
}

/// The keys of a struct, in the order that an array form has them.
pub(super) struct Fields {
    pub(super) name: &'static str,
    pub(super) keys: &'static [&'static str],
    /// Other names that some writers use.
    pub(super) also: &'static [(&'static str, usize)],
    /// Keys that versions before a change do not have, so that their array form is shorter.
    pub(super) since: &'static [(usize, Change)],
}

impl Fields {
    pub(super) const fn new(name: &'static str, keys: &'static [&'static str]) -> Fields {
        Fields {
            name,
            keys,
            also: &[],
            since: &[],
        }
    }

    fn lacks(&self, index: usize, dialect: Dialect) -> bool {
        self.since
            .iter()
            .any(|&(key, change)| key == index && !dialect.has(change))
    }

    fn index(&self, key: &str) -> Option<usize> {
        self.keys
            .iter()
            .position(|known| *known == key)
            .or_else(|| {
                self.also
                    .iter()
                    .find(|(name, _)| *name == key)
                    .map(|&(_, index)| index)
            })
    }
}

/// The name of a variant, in front of its content.
pub(super) struct Tag<'a> {
    pub(super) name: Cow<'a, str>,
    body: Option<Cursor>,
}

impl<'a> Tag<'a> {
    /// Makes sure that there is content, and stands in front of it.
    pub(super) fn body<R: Reader<'a>>(&self, r: &R) -> Result<()> {
        if self.body.is_some() {
            return Ok(());
        }
        r.fail(
            DecodeErrorKind::MissingField,
            format!("`{}` needs content: {{\"{0}\": ...}}", self.name),
        )
    }

    /// Whether there is content.
    pub(super) fn has_body(&self) -> bool {
        self.body.is_some()
    }

    /// Reads over the content, if there is any.
    pub(super) fn skip<R: Reader<'a>>(&self, r: &mut R) -> Result<()> {
        if self.body.is_some() {
            r.skip()?;
        }
        Ok(())
    }

    /// Ends the variant, behind its content.
    pub(super) fn close<R: Reader<'a>>(self, r: &mut R) -> Result<()> {
        let Some(mut cursor) = self.body else {
            return Ok(());
        };
        match r.key(&mut cursor)? {
            None => Ok(()),
            Some(key) => r.fail(
                DecodeErrorKind::WrongType,
                format!(
                    "`{}` and `{key}` stand side by side where one name is expected",
                    self.name
                ),
            ),
        }
    }
}
