//! The data that commands take and give: [`Value`] and its parts.

mod cell_path;
mod convert;
mod custom;
mod error;
mod foreign;
mod from;
mod opaque;
mod range;
mod record;
mod span;

pub use cell_path::{CellPath, PathMember};
pub use convert::{
    ConvertError, JSON_RANGE_LIMIT, from_json, from_value, from_value_ref, to_json, to_value,
};
pub use custom::{CustomValue, Owner};
pub use error::{ErrorLabel, LabeledError};
pub use opaque::Opaque;
pub use range::{Bound, Range};
pub use record::Record;
pub use span::{Span, Spanned};

use chrono::{DateTime, FixedOffset};

/// A piece of structured data and the place in the source text that it came from.
///
/// Constructors such as [`Value::int`] give the unknown span; [`Value::at`] sets one.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// True or false.
    Bool(bool, Span),
    /// A signed 64-bit number.
    Int(i64, Span),
    /// A 64-bit floating point number. JSON has no form for infinities and NaN.
    Float(f64, Span),
    /// UTF-8 text.
    String(String, Span),
    /// A file name pattern.
    Glob(Box<Glob>, Span),
    /// A number of bytes; may be negative.
    Filesize(i64, Span),
    /// A number of nanoseconds; may be negative.
    Duration(i64, Span),
    /// A point in time with its offset from UTC.
    Date(DateTime<FixedOffset>, Span),
    /// A range of integers or floats, not expanded.
    Range(Box<Range>, Span),
    /// Named fields in order.
    Record(Record, Span),
    /// A sequence of values; a table is a list of records.
    List(Vec<Value>, Span),
    /// A block of the engine's language. Only the engine that made it can evaluate it.
    Closure(Box<Closure>, Span),
    /// An error that travels as a value, for one item of a stream for instance.
    Error(Box<LabeledError>, Span),
    /// Bytes.
    Binary(Vec<u8>, Span),
    /// A path to a place inside a value, such as `a.0.b`.
    CellPath(CellPath, Span),
    /// A handle to a value that only its plugin understands.
    Custom(Box<CustomValue>, Span),
    /// Nothing; what other languages call null.
    Nothing(Span),
}

/// A file name pattern, and whether it must be taken literally.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    /// The pattern.
    pub pattern: String,
    /// The text is a plain name: do not expand wildcards in it.
    pub no_expand: bool,
}

/// A reference to a block of the engine's language with the variables that it captured.
#[derive(Clone, Debug, PartialEq)]
pub struct Closure {
    /// The engine's number for the block.
    pub block_id: u64,
    /// Captured variables: the engine's number for each, and its value.
    pub captures: Vec<(u64, Value)>,
}

impl Value {
    /// A boolean without a place.
    pub fn bool(value: bool) -> Value {
        Value::Bool(value, Span::UNKNOWN)
    }

    /// An integer without a place.
    pub fn int(value: i64) -> Value {
        Value::Int(value, Span::UNKNOWN)
    }

    /// A float without a place.
    pub fn float(value: f64) -> Value {
        Value::Float(value, Span::UNKNOWN)
    }

    /// A string without a place.
    pub fn string(value: impl Into<String>) -> Value {
        Value::String(value.into(), Span::UNKNOWN)
    }

    /// Bytes without a place.
    pub fn binary(value: impl Into<Vec<u8>>) -> Value {
        Value::Binary(value.into(), Span::UNKNOWN)
    }

    /// A list without a place.
    pub fn list(values: impl IntoIterator<Item = Value>) -> Value {
        Value::List(values.into_iter().collect(), Span::UNKNOWN)
    }

    /// A record without a place. A later field of the same name replaces the earlier one.
    pub fn record<K: Into<String>>(fields: impl IntoIterator<Item = (K, Value)>) -> Value {
        Value::Record(
            fields
                .into_iter()
                .map(|(key, value)| (key.into(), value))
                .collect(),
            Span::UNKNOWN,
        )
    }

    /// A number of bytes without a place.
    pub fn filesize(bytes: i64) -> Value {
        Value::Filesize(bytes, Span::UNKNOWN)
    }

    /// A number of nanoseconds without a place.
    pub fn duration(nanoseconds: i64) -> Value {
        Value::Duration(nanoseconds, Span::UNKNOWN)
    }

    /// Nothing, without a place.
    pub fn nothing() -> Value {
        Value::Nothing(Span::UNKNOWN)
    }

    /// An error as a value.
    pub fn error(error: LabeledError) -> Value {
        Value::Error(Box::new(error), Span::UNKNOWN)
    }

    /// The same value at another place.
    #[must_use]
    pub fn at(mut self, span: Span) -> Value {
        *self.span_mut() = span;
        self
    }

    /// The place that the value came from.
    pub fn span(&self) -> Span {
        match self {
            Value::Bool(_, span)
            | Value::Int(_, span)
            | Value::Float(_, span)
            | Value::String(_, span)
            | Value::Glob(_, span)
            | Value::Filesize(_, span)
            | Value::Duration(_, span)
            | Value::Date(_, span)
            | Value::Range(_, span)
            | Value::Record(_, span)
            | Value::List(_, span)
            | Value::Closure(_, span)
            | Value::Error(_, span)
            | Value::Binary(_, span)
            | Value::CellPath(_, span)
            | Value::Custom(_, span)
            | Value::Nothing(span) => *span,
        }
    }

    fn span_mut(&mut self) -> &mut Span {
        match self {
            Value::Bool(_, span)
            | Value::Int(_, span)
            | Value::Float(_, span)
            | Value::String(_, span)
            | Value::Glob(_, span)
            | Value::Filesize(_, span)
            | Value::Duration(_, span)
            | Value::Date(_, span)
            | Value::Range(_, span)
            | Value::Record(_, span)
            | Value::List(_, span)
            | Value::Closure(_, span)
            | Value::Error(_, span)
            | Value::Binary(_, span)
            | Value::CellPath(_, span)
            | Value::Custom(_, span)
            | Value::Nothing(span) => span,
        }
    }

    /// The name of the value's type, in the words that an error message uses.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Bool(..) => "bool",
            Value::Int(..) => "int",
            Value::Float(..) => "float",
            Value::String(..) => "string",
            Value::Glob(..) => "glob",
            Value::Filesize(..) => "filesize",
            Value::Duration(..) => "duration",
            Value::Date(..) => "datetime",
            Value::Range(..) => "range",
            Value::Record(..) => "record",
            Value::List(..) => "list",
            Value::Closure(..) => "closure",
            Value::Error(..) => "error",
            Value::Binary(..) => "binary",
            Value::CellPath(..) => "cell-path",
            Value::Custom(..) => "custom",
            Value::Nothing(..) => "nothing",
        }
    }

    /// Calls `visit` for every custom value inside this one: in lists, records and closure captures, at any depth.
    ///
    /// Stops at the first error.
    pub fn visit_custom<E>(
        &mut self,
        visit: &mut impl FnMut(&mut CustomValue, Span) -> Result<(), E>,
    ) -> Result<(), E> {
        match self {
            Value::Custom(custom, span) => visit(custom, *span),
            Value::List(values, _) => values
                .iter_mut()
                .try_for_each(|value| value.visit_custom(visit)),
            Value::Record(record, _) => record
                .values_mut()
                .try_for_each(|value| value.visit_custom(visit)),
            Value::Closure(closure, _) => closure
                .captures
                .iter_mut()
                .try_for_each(|(_, value)| value.visit_custom(visit)),
            _ => Ok(()),
        }
    }
}
