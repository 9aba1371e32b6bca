//! How two values differ, custom values taken as what the plugin says they are.

use std::sync::Arc;

use pegboard_args::literal;
use pegboard_plugin::{LabeledError, Span, Value};
use pegboard_protocol::nu::CustomValueOp;
use pegboard_protocol::{CustomValue, PathMember, Record};

use super::engine::EngineSide;

/// How many characters of a value are shown.
const LONGEST: usize = 200;

/// The same value without places in the source, at any depth.
pub(super) fn without_places(value: Value) -> Value {
    let value = match value {
        Value::List(items, span) => {
            Value::List(items.into_iter().map(without_places).collect(), span)
        }
        Value::Record(mut fields, span) => {
            for field in fields.values_mut() {
                *field = without_places(std::mem::replace(field, Value::nothing()));
            }
            Value::Record(fields, span)
        }
        Value::CellPath(mut path, span) => {
            for member in &mut path.members {
                let (PathMember::String { span, .. } | PathMember::Int { span, .. }) = member;
                *span = Span::UNKNOWN;
            }
            Value::CellPath(path, span)
        }
        other => other,
    };
    value.at(Span::UNKNOWN)
}

impl EngineSide {
    /// Puts plain values in the place of all custom ones.
    pub(super) fn base_value(self: &Arc<Self>, value: Value) -> Result<Value, LabeledError> {
        Ok(match value {
            Value::Custom(..) => {
                let base = self.operate(&value, CustomValueOp::ToBaseValue)?;
                // One that stands for itself would never end.
                if matches!(base, Value::Custom(..)) {
                    return Err(LabeledError::new("the base value is a custom value again"));
                }
                self.base_value(base)?
            }
            Value::List(items, span) => {
                let items = items.into_iter().map(|item| self.base_value(item));
                Value::List(items.collect::<Result<_, _>>()?, span)
            }
            Value::Record(fields, span) => {
                let mut record = Record::new();
                for (name, field) in fields {
                    record.insert(name, self.base_value(field)?);
                }
                Value::Record(record, span)
            }
            other => other,
        })
    }

    /// Where two values differ first and how; none if they are the same. Places in the source do not count, nor does
    /// the order of a record's fields.
    pub(super) fn difference(self: &Arc<Self>, expected: &Value, got: &Value) -> Option<String> {
        self.differ(expected, got, "")
    }

    fn differ(self: &Arc<Self>, expected: &Value, got: &Value, path: &str) -> Option<String> {
        let at = |part: &str| match path {
            "" => part.to_owned(),
            path => format!("{path}.{part}"),
        };
        let here = |what: String| match path {
            "" => what,
            path => format!("at {path}: {what}"),
        };
        match (expected, got) {
            (Value::Custom(a, _), Value::Custom(b, _)) if a.name != b.name => {
                Some(here(format!("a {} is expected, not a {}", a.name, b.name)))
            }
            (Value::Custom(a, _), Value::Custom(b, _)) if a.data == b.data => None,
            (Value::Custom(custom, _), _) | (_, Value::Custom(custom, _)) => {
                self.custom(custom, expected, got, path)
            }
            (Value::List(a, _), Value::List(b, _)) => {
                let mut items = a.iter().zip(b).enumerate();
                let differs = |(place, (a, b)): (usize, (&Value, &Value))| {
                    self.differ(a, b, &at(&place.to_string()))
                };
                items.find_map(differs).or_else(|| {
                    let (expected, got) = (a.len(), b.len());
                    (expected != got)
                        .then(|| here(format!("{expected} items are expected, not {got}")))
                })
            }
            (Value::Record(a, _), Value::Record(b, _)) => {
                let mut fields = a.iter();
                let differs = fields.find_map(|(name, a)| match b.get(name) {
                    Some(b) => self.differ(a, b, &at(name)),
                    None => Some(here(format!("the field `{name}` is missing"))),
                });
                differs.or_else(|| {
                    let (extra, _) = b.iter().find(|(name, _)| a.get(name).is_none())?;
                    Some(here(format!("the field `{extra}` is not expected")))
                })
            }
            (Value::Float(a, _), Value::Float(b, _)) if a.is_nan() && b.is_nan() => None,
            (Value::Error(a, _), Value::Error(b, _)) if a.msg == b.msg => None,
            (Value::CellPath(a, _), Value::CellPath(b, _)) if a.to_string() == b.to_string() => {
                None
            }
            (a, b) if a.clone().at(Span::UNKNOWN) == b.clone().at(Span::UNKNOWN) => None,
            (a, b) => {
                let (shown, other) = (literal(a, LONGEST), literal(b, LONGEST));
                let (expected, got) = if a.type_name() == b.type_name() {
                    (shown, other)
                } else {
                    let typed =
                        |text: String, value: &Value| format!("{text} ({})", value.type_name());
                    (typed(shown, a), typed(other, b))
                };
                Some(here(format!("{expected} is expected, not {got}")))
            }
        }
    }

    /// The plugin says what a custom value stands for; if it does not, whether it is equal to the other one.
    fn custom(
        self: &Arc<Self>,
        custom: &CustomValue,
        expected: &Value,
        got: &Value,
        path: &str,
    ) -> Option<String> {
        let base = |value: &Value| self.base_value(value.clone());
        let error = match (base(expected), base(got)) {
            (Ok(expected), Ok(got)) => return self.differ(&expected, &got, path),
            (Err(error), _) | (_, Err(error)) => error,
        };
        let (one, other) = match expected {
            Value::Custom(..) => (expected, got),
            _ => (got, expected),
        };
        match self.operate(one, CustomValueOp::PartialCmp(other.clone())) {
            Ok(Value::Int(0, _)) => None,
            Ok(Value::Int(..)) => Some(format!("the plugin says that the {}s differ", custom.name)),
            _ => Some(format!("a {} cannot be compared: {error}", custom.name)),
        }
    }
}
