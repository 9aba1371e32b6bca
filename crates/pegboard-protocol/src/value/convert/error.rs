//! Why a value and a user's type do not fit together.

use std::fmt;

use serde::de::{Expected, Unexpected};

use crate::{LabeledError, Span, Value};

/// Why a value and a user's type do not fit together, and where.
///
/// It turns into a [`LabeledError`] that points to the offending value.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvertError {
    reason: Reason,
    /// Innermost step first, because errors travel outwards.
    path: Vec<Step>,
    span: Option<Span>,
}

#[derive(Clone, Debug, PartialEq)]
enum Reason {
    /// Something else was there; what it was is filled in by the value that notices.
    Mismatch {
        expected: String,
        found: Option<String>,
    },
    /// A field that has to be there.
    Missing(&'static str),
    Other(String),
}

/// One step from a value into a part of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Field(String),
    Index(usize),
}

impl ConvertError {
    /// The way to the offending part, such as `servers[2].port`; empty for the value itself.
    pub fn path(&self) -> String {
        let mut text = String::new();
        for step in self.path.iter().rev() {
            match step {
                Step::Index(index) => text.push_str(&format!("[{index}]")),
                Step::Field(name) if !is_plain(name) => text.push_str(&format!("[{name:?}]")),
                Step::Field(name) => {
                    if !text.is_empty() {
                        text.push('.');
                    }
                    text.push_str(name);
                }
            }
        }
        text
    }

    /// What was expected, when something else was found.
    pub fn expected(&self) -> Option<&str> {
        match &self.reason {
            Reason::Mismatch { expected, .. } => Some(expected),
            Reason::Missing(_) | Reason::Other(_) => None,
        }
    }

    /// What was found in place of what was expected.
    pub fn found(&self) -> Option<&str> {
        match &self.reason {
            Reason::Mismatch { found, .. } => found.as_deref(),
            Reason::Missing(_) | Reason::Other(_) => None,
        }
    }

    /// The field that the value at [`ConvertError::path`] has to have, and has not.
    pub fn missing(&self) -> Option<&'static str> {
        match self.reason {
            Reason::Missing(field) => Some(field),
            Reason::Mismatch { .. } | Reason::Other(_) => None,
        }
    }

    /// The place of the offending value; unknown when writing.
    pub fn span(&self) -> Span {
        self.span.unwrap_or(Span::UNKNOWN)
    }

    pub(super) fn new(message: impl Into<String>) -> ConvertError {
        Reason::Other(message.into()).into()
    }

    pub(super) fn mismatch(expected: impl Into<String>, found: &Value) -> ConvertError {
        ConvertError::from(Reason::Mismatch {
            expected: plain(&expected.into()),
            found: Some(describe(found)),
        })
        .at(found)
    }

    /// Says which value the error is about, unless a part of it has already.
    pub(super) fn at(mut self, value: &Value) -> ConvertError {
        if self.span.is_none() {
            self.span = Some(value.span());
            if let Reason::Mismatch { found, .. } = &mut self.reason {
                found.get_or_insert_with(|| describe(value));
            }
        }
        self
    }

    /// Says that the error is about a part of the value.
    pub(super) fn inside(mut self, step: Step) -> ConvertError {
        self.path.push(step);
        self
    }

    pub(super) fn in_field(self, name: &str) -> ConvertError {
        self.inside(Step::Field(name.to_owned()))
    }

    /// What is wrong, without the path, in words for people who do not know Rust.
    pub fn reason(&self) -> String {
        match &self.reason {
            Reason::Other(message) => message.clone(),
            Reason::Missing(field) => format!("the field `{field}` is missing"),
            Reason::Mismatch { expected, found } => {
                let found = found.as_deref().unwrap_or("something else");
                format!("expected {expected}, found {found}")
            }
        }
    }
}

/// What a value is, for somebody who expected something else.
fn describe(value: &Value) -> String {
    match value {
        Value::Error(error, _) => format!("error: {}", error.msg),
        Value::Custom(custom, _) => format!("custom value `{}`", custom.name),
        other => other.type_name().to_owned(),
    }
}

/// What serde's own words for a type mean to people who write values.
fn plain(expected: &str) -> String {
    match expected {
        name if int_range(name).is_some() => "int",
        "f32" | "f64" => "float",
        "a string" | "a borrowed string" | "str" => "string",
        "path string" | "a borrowed path" => "path",
        "a boolean" => "bool",
        "a character" => "a single character",
        "unit" => "nothing",
        "a sequence" => "list",
        "a map" => "record",
        other => other,
    }
    .to_owned()
}

/// What is wrong with a number that an integer type of Rust's cannot hold.
fn beyond(number: i64, expected: &str) -> Option<String> {
    if number == 0 && expected.starts_with("a nonzero ") {
        return Some("must not be 0".to_owned());
    }
    let (least, most) = int_range(expected.trim_start_matches("a nonzero "))?;
    let number = i128::from(number);
    if least == 0 && number < 0 {
        Some("must not be negative".to_owned())
    } else if number < least {
        Some(format!("must be at least {least}, not {number}"))
    } else if number > most {
        Some(format!("must be at most {most}, not {number}"))
    } else {
        None
    }
}

/// The least and the greatest number of an integer type of Rust's.
fn int_range(name: &str) -> Option<(i128, i128)> {
    let (kind, bits) = name.split_at_checked(1)?;
    let bits: u32 = match bits {
        "size" => usize::BITS,
        bits => bits.parse().ok()?,
    };
    // Values have 64 bits, so what has more holds all of them.
    let bits = bits.min(64);
    match kind {
        "u" => Some((0, (1 << bits) - 1)),
        "i" => Some((-(1 << (bits - 1)), (1 << (bits - 1)) - 1)),
        _ => None,
    }
}

fn one_of(known: &[&str]) -> String {
    match known {
        [] => String::new(),
        [only] => format!(": it can only be `{only}`"),
        known => format!(": it can be `{}`", known.join("`, `")),
    }
}

fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
}

impl From<Reason> for ConvertError {
    fn from(reason: Reason) -> ConvertError {
        ConvertError {
            reason,
            path: Vec::new(),
            span: None,
        }
    }
}

impl fmt::Display for ConvertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path())?;
        }
        f.write_str(&self.reason())
    }
}

impl std::error::Error for ConvertError {}

impl From<ConvertError> for LabeledError {
    fn from(error: ConvertError) -> LabeledError {
        let labeled = LabeledError::new(error.to_string());
        if error.span().is_unknown() {
            labeled
        } else {
            labeled.with_label(error.reason(), error.span())
        }
    }
}

impl serde::ser::Error for ConvertError {
    fn custom<T: fmt::Display>(message: T) -> ConvertError {
        ConvertError::new(message.to_string())
    }
}

impl serde::de::Error for ConvertError {
    fn custom<T: fmt::Display>(message: T) -> ConvertError {
        ConvertError::new(message.to_string())
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> ConvertError {
        Reason::Mismatch {
            expected: plain(&expected.to_string()),
            found: None,
        }
        .into()
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> ConvertError {
        let expected = expected.to_string();
        if let Unexpected::Signed(number) = found
            && let Some(reason) = beyond(number, &expected)
        {
            return ConvertError::new(reason);
        }
        Reason::Mismatch {
            expected: plain(&expected),
            found: Some(found.to_string()),
        }
        .into()
    }

    fn invalid_length(len: usize, expected: &dyn Expected) -> ConvertError {
        Reason::Mismatch {
            expected: plain(&expected.to_string()),
            found: Some(format!("{len} items")),
        }
        .into()
    }

    fn missing_field(field: &'static str) -> ConvertError {
        Reason::Missing(field).into()
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> ConvertError {
        ConvertError::new(format!("there is no field `{field}`{}", one_of(known)))
    }

    fn unknown_variant(variant: &str, known: &'static [&'static str]) -> ConvertError {
        ConvertError::new(format!("`{variant}` is not known{}", one_of(known)))
    }
}
