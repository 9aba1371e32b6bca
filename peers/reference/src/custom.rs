//! Custom values: make, look into, change, compare, combine, save, and count the drops.

use std::any::Any;
use std::cmp::Ordering;
use std::sync::atomic::Ordering as Memory;

use nu_protocol::ast::{Comparison, Math, Operator};
use nu_protocol::{CustomValue, LabeledError, ShellError, Span, SyntaxShape, Type, Value, record};
use serde::{Deserialize, Serialize};

use crate::command::{Command, value};

pub const COMMANDS: &[Command] = &[
    Command {
        name: "ref custom make",
        description: "Makes a custom value",
        signature: |sig| {
            sig.required("label", SyntaxShape::String, "its name")
                .named(
                    "count",
                    SyntaxShape::Int,
                    "its number (default 0)",
                    Some('c'),
                )
                .switch(
                    "notify",
                    "ask to be told when the last copy is dropped",
                    Some('n'),
                )
                .input_output_type(Type::Nothing, Type::custom("ReferenceItem"))
        },
        run: |_, _, call, _| {
            let item = Item {
                label: call.req(0)?,
                count: call.get_flag("count")?.unwrap_or(0),
                notify: call.has_flag("notify")?,
            };
            value(item.into_value(call.head))
        },
    },
    Command {
        name: "ref custom get",
        description: "Turns a custom value (its input, or its argument) into a record",
        signature: |sig| {
            sig.optional("item", SyntaxShape::Any, "instead of the input")
                .input_output_type(Type::Any, Type::record())
        },
        run: |_, _, call, input| {
            let given = match call.opt(0)? {
                Some(given) => given,
                None => input.into_value(call.head)?,
            };
            value(Item::from_value(&given)?.to_record(call.head))
        },
    },
    Command {
        name: "ref custom update",
        description: "Adds to the count of a custom value, and returns the changed one",
        signature: |sig| {
            sig.optional("by", SyntaxShape::Int, "how much (default 1)")
                .input_output_type(Type::Any, Type::custom("ReferenceItem"))
        },
        run: |_, _, call, input| {
            let mut item = Item::from_value(&input.into_value(call.head)?)?;
            item.count += call.opt::<i64>(0)?.unwrap_or(1);
            value(item.into_value(call.head))
        },
    },
    Command {
        name: "ref custom list",
        description: "A list of COUNT custom values that differ only in their count",
        signature: |sig| {
            sig.required("count", SyntaxShape::Int, "how many")
                .switch(
                    "notify",
                    "ask to be told when the last copy is dropped",
                    Some('n'),
                )
                .input_output_type(Type::Nothing, Type::list(Type::custom("ReferenceItem")))
        },
        run: |_, _, call, _| {
            let notify = call.has_flag("notify")?;
            let items = (0..call.req::<i64>(0)?).map(|count| {
                Item {
                    label: "item".into(),
                    count,
                    notify,
                }
                .into_value(call.head)
            });
            value(Value::list(items.collect(), call.head))
        },
    },
    Command {
        name: "ref custom drops",
        description: "How many drop notices this process has received",
        signature: |sig| sig.input_output_type(Type::Nothing, Type::Int),
        run: |plugin, _, call, _| {
            let drops = plugin.drops.load(Memory::SeqCst);
            value(Value::int(drops as i64, call.head))
        },
    },
];

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Item {
    label: String,
    count: i64,
    notify: bool,
}

/// The item that stands in an example of the signature.
pub fn sample() -> Value {
    Item {
        label: "cat".into(),
        count: 2,
        notify: false,
    }
    .into_value(Span::unknown())
}

/// The label of an item, or the type name of something else.
pub fn label_of(value: &dyn CustomValue) -> String {
    match value.as_any().downcast_ref::<Item>() {
        Some(item) => item.label.clone(),
        None => value.type_name(),
    }
}

impl Item {
    fn into_value(self, span: Span) -> Value {
        Value::custom(Box::new(self), span)
    }

    fn from_value(value: &Value) -> Result<Self, LabeledError> {
        Self::of(value).cloned().ok_or_else(|| {
            LabeledError::new("not a ReferenceItem")
                .with_label(format!("this is {}", value.get_type()), value.span())
        })
    }

    fn of(value: &Value) -> Option<&Self> {
        match value {
            Value::Custom { val, .. } => val.as_any().downcast_ref(),
            _ => None,
        }
    }

    fn to_record(&self, span: Span) -> Value {
        Value::record(
            record! {
                "label" => Value::string(self.label.clone(), span),
                "count" => Value::int(self.count, span),
                "notify" => Value::bool(self.notify, span),
            },
            span,
        )
    }

    fn at(&self, index: usize, span: Span) -> Option<Value> {
        match index {
            0 => Some(Value::string(self.label.clone(), span)),
            1 => Some(Value::int(self.count, span)),
            _ => None,
        }
    }

    /// `me` answers with a custom value, which the protocol allows for paths.
    fn column(&self, name: &str, insensitive: bool, span: Span) -> Option<Value> {
        let name = if insensitive {
            name.to_lowercase()
        } else {
            name.to_owned()
        };
        match name.as_str() {
            "label" => self.at(0, span),
            "count" => self.at(1, span),
            "me" => Some(self.clone().into_value(span)),
            _ => None,
        }
    }

    fn missing_index(path: Span, optional: bool) -> Result<Value, ShellError> {
        match optional {
            true => Ok(Value::nothing(path)),
            false => Err(ShellError::AccessBeyondEnd {
                max_idx: 1,
                span: path,
            }),
        }
    }

    fn missing_column(
        name: String,
        path: Span,
        own: Span,
        optional: bool,
    ) -> Result<Value, ShellError> {
        match optional {
            true => Ok(Value::nothing(path)),
            false => Err(ShellError::CantFindColumn {
                col_name: name,
                span: Some(path),
                src_span: own,
            }),
        }
    }
}

#[typetag::serde(name = "ReferenceItem")]
impl CustomValue for Item {
    fn clone_value(&self, span: Span) -> Value {
        self.clone().into_value(span)
    }

    fn type_name(&self) -> String {
        "ReferenceItem".into()
    }

    fn to_base_value(&self, span: Span) -> Result<Value, ShellError> {
        if self.label == "unreadable" {
            let error = LabeledError::new("this item cannot be read").with_label("this one", span);
            return Err(error.into());
        }
        Ok(self.to_record(span))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_mut_any(&mut self) -> &mut dyn Any {
        self
    }

    #[cfg(not(feature = "since-108"))]
    fn follow_path_int(&self, _own: Span, index: usize, path: Span) -> Result<Value, ShellError> {
        self.at(index, path)
            .map_or_else(|| Self::missing_index(path, false), Ok)
    }

    #[cfg(feature = "since-108")]
    fn follow_path_int(
        &self,
        _own: Span,
        index: usize,
        path: Span,
        optional: bool,
    ) -> Result<Value, ShellError> {
        self.at(index, path)
            .map_or_else(|| Self::missing_index(path, optional), Ok)
    }

    #[cfg(not(feature = "since-108"))]
    fn follow_path_string(&self, own: Span, name: String, path: Span) -> Result<Value, ShellError> {
        self.column(&name, false, path)
            .map_or_else(|| Self::missing_column(name, path, own, false), Ok)
    }

    #[cfg(feature = "since-108")]
    fn follow_path_string(
        &self,
        own: Span,
        name: String,
        path: Span,
        optional: bool,
        casing: nu_protocol::casing::Casing,
    ) -> Result<Value, ShellError> {
        let insensitive = casing == nu_protocol::casing::Casing::Insensitive;
        self.column(&name, insensitive, path)
            .map_or_else(|| Self::missing_column(name, path, own, optional), Ok)
    }

    /// By count; strings cannot be compared with an item.
    fn partial_cmp(&self, other: &Value) -> Option<Ordering> {
        match other {
            Value::Int { val, .. } => Some(self.count.cmp(val)),
            other => Self::of(other).map(|other| self.count.cmp(&other.count)),
        }
    }

    fn operation(
        &self,
        own: Span,
        operator: Operator,
        op: Span,
        right: &Value,
    ) -> Result<Value, ShellError> {
        let ordering = CustomValue::partial_cmp(self, right);
        let truth = |truth| Ok(Value::bool(truth, own));
        match (operator, right, ordering) {
            (Operator::Math(Math::Add), Value::Int { val, .. }, _) => Ok(Item {
                count: self.count + val,
                ..self.clone()
            }
            .into_value(own)),
            (Operator::Math(Math::Concatenate), right, _) => {
                let tail = match Self::of(right) {
                    Some(item) => item.label.clone(),
                    None => right.coerce_str()?.into_owned(),
                };
                Ok(Item {
                    label: self.label.clone() + &tail,
                    ..self.clone()
                }
                .into_value(own))
            }
            (Operator::Comparison(Comparison::Equal), _, Some(o)) => truth(o.is_eq()),
            (Operator::Comparison(Comparison::NotEqual), _, Some(o)) => truth(o.is_ne()),
            (Operator::Comparison(Comparison::LessThan), _, Some(o)) => truth(o.is_lt()),
            (Operator::Comparison(Comparison::LessThanOrEqual), _, Some(o)) => truth(o.is_le()),
            (Operator::Comparison(Comparison::GreaterThan), _, Some(o)) => truth(o.is_gt()),
            (Operator::Comparison(Comparison::GreaterThanOrEqual), _, Some(o)) => truth(o.is_ge()),
            _ => {
                let error = LabeledError::new(format!("ReferenceItem has no `{operator}`"))
                    .with_label("not for this operand", op);
                Err(error.into())
            }
        }
    }

    #[cfg(feature = "since-108")]
    fn save(
        &self,
        path: nu_protocol::Spanned<&std::path::Path>,
        own: Span,
        save: Span,
    ) -> Result<(), ShellError> {
        let refused = |why: String| {
            LabeledError::new(why)
                .with_label("saved here", save)
                .with_label("this item", own)
        };
        if self.label == "unsaveable" {
            return Err(refused("this item refuses to be saved".into()).into());
        }
        std::fs::write(path.item, format!("{} {}\n", self.label, self.count))
            .map_err(|error| refused(error.to_string()).into())
    }

    fn notify_plugin_on_drop(&self) -> bool {
        self.notify
    }
}
