//! How two values differ, custom values taken as what the plugin says they are.

use std::sync::Arc;

use pegboard_plugin::{LabeledError, Span, Value};
use pegboard_protocol::nu::CustomValueOp;
use pegboard_protocol::{CustomValue, PathMember, Record};

use super::engine::EngineSide;
use crate::differ::differ;

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
        differ(expected, got, path, &|custom, expected, got, path| {
            self.custom(custom, expected, got, path)
        })
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
