//! Values that only this plugin understands, as types of its own.

use std::any::Any;
use std::collections::HashMap;
use std::path::Path;

use pegboard_protocol::codec::{self, Encoding};
use pegboard_protocol::nu::{CustomValueOp, Dialect, Operator, Ordering, Response};
use pegboard_protocol::{
    CustomValue, LabeledError, Owner, Span, Value, from_value as deserialize, to_value,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Engine, Output};

/// A type whose values travel as handles that only this plugin understands.
///
/// The value's own data, by serde, is all that the handle holds, so that it means the same after the plugin was
/// restarted. Register the type with [`crate::Plugin::custom`].
pub trait CustomType: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name of the type, as shown to people. No two types of a plugin may share it.
    const NAME: &'static str;

    /// Whether [`CustomType::dropped`] is to be called when the engine has let go of the last copy of a value.
    const NOTIFY_ON_DROP: bool = false;

    /// The value as plain data, for printing and for other commands.
    fn to_base_value(&self, span: Span) -> Result<Value, LabeledError>;

    /// The item at an index. With `optional`, a missing one is nothing.
    fn follow_index(&self, index: u64, at: Span, optional: bool) -> Result<Value, LabeledError> {
        let _ = (index, optional);
        Err(unsupported::<Self>(
            "has no items to be taken by number",
            at,
        ))
    }

    /// The field of a name. With `optional`, a missing one is nothing; with `insensitive`, case does not matter.
    fn follow_field(
        &self,
        name: &str,
        at: Span,
        optional: bool,
        insensitive: bool,
    ) -> Result<Value, LabeledError> {
        let _ = (name, optional, insensitive);
        Err(unsupported::<Self>("has no fields to be taken by name", at))
    }

    /// How the value compares with another one, for sorting; none if it does not.
    fn compare(&self, other: &Value) -> Option<Ordering> {
        let _ = other;
        None
    }

    /// The value with an operator and another value on its right.
    fn operate(&self, operator: Operator, right: &Value, at: Span) -> Result<Value, LabeledError> {
        let _ = (operator, right);
        Err(unsupported::<Self>("knows no operators", at))
    }

    /// Saves the value to a file.
    fn save(&self, path: &Path, at: Span) -> Result<(), LabeledError> {
        let _ = path;
        Err(unsupported::<Self>("cannot be saved", at))
    }

    /// The engine has let go of the last copy.
    fn dropped(self, engine: &Engine) {
        let _ = engine;
    }

    /// The value behind a handle that this plugin gave out, such as one that comes in as input.
    fn from_handle(value: &Value) -> Result<Self, LabeledError> {
        from_value(value)
    }

    /// The value as a handle to give out.
    fn into_handle(self, span: Span) -> Result<Value, LabeledError> {
        let fields = to_value(&self).map_err(LabeledError::from)?;
        let mut data = Vec::new();
        codec::encode_value(&fields, Encoding::MsgPack, Dialect::NEWEST, &mut data).map_err(
            |error| LabeledError::new(format!("a {} cannot be sent: {error}", Self::NAME)),
        )?;
        let custom = CustomValue {
            name: Self::NAME.to_owned(),
            data,
            notify_on_drop: Self::NOTIFY_ON_DROP,
            owner: Owner::NONE,
        };
        Ok(Value::Custom(Box::new(custom), span))
    }
}

fn unsupported<T: CustomType>(what: &str, at: Span) -> LabeledError {
    LabeledError::new(format!("a {} {what}", T::NAME)).with_label("asked for here", at)
}

/// Reads a handle of this plugin's.
pub(crate) fn from_value<T: CustomType>(value: &Value) -> Result<T, LabeledError> {
    match value {
        Value::Custom(custom, span) if custom.name == T::NAME => open(custom, *span),
        Value::Custom(custom, span) => Err(LabeledError::new(format!("a {} is needed", T::NAME))
            .with_label(format!("this is a {}", custom.name), *span)),
        other => Err(
            LabeledError::new(format!("a {} is needed", T::NAME)).with_label(
                format!("this is a value of type {}", other.type_name()),
                other.span(),
            ),
        ),
    }
}

fn open<T: CustomType>(custom: &CustomValue, span: Span) -> Result<T, LabeledError> {
    let damaged = |error: String| {
        LabeledError::new(format!("the handle of a {} is damaged: {error}", T::NAME))
            .with_label("this value", span)
    };
    let fields = codec::decode_value(&custom.data, Encoding::MsgPack)
        .map_err(|error| damaged(error.to_string()))?;
    deserialize(fields).map_err(|error| damaged(error.to_string()))
}

/// The custom types that a plugin has registered, by name.
#[derive(Default)]
pub(crate) struct CustomTypes(HashMap<&'static str, Box<dyn Operations>>);

impl CustomTypes {
    pub(crate) fn register<T: CustomType>(&mut self) {
        self.0
            .insert(T::NAME, Box::new(Registered::<T>(std::marker::PhantomData)));
    }

    /// Puts plain data in the place of every handle inside a value, as far as it can be had.
    pub(crate) fn make_plain(&self, value: &mut Value) {
        match value {
            Value::Custom(custom, span) => {
                let operations = self.0.get(custom.name.as_str());
                if let Some(Ok(plain)) = operations.map(|known| known.plain(custom, *span)) {
                    *value = plain;
                }
            }
            Value::List(values, _) => values.iter_mut().for_each(|value| self.make_plain(value)),
            Value::Record(fields, _) => {
                fields.values_mut().for_each(|value| self.make_plain(value))
            }
            _ => {}
        }
    }

    /// Applies an operation to a handle.
    pub(crate) fn apply(
        &self,
        custom: &CustomValue,
        span: Span,
        operation: CustomValueOp,
        engine: &Engine,
    ) -> Result<Applied, LabeledError> {
        match self.0.get(custom.name.as_str()) {
            Some(operations) => operations.apply(custom, span, operation, engine),
            None => Err(LabeledError::new(format!(
                "this plugin has no custom values named {}",
                custom.name
            ))
            .with_label("this value", span)),
        }
    }
}

impl std::fmt::Debug for CustomTypes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What came of an operation.
pub(crate) enum Applied {
    Output(Output),
    Response(Response),
}

trait Operations: Any + Send + Sync {
    fn plain(&self, custom: &CustomValue, span: Span) -> Result<Value, LabeledError>;

    fn apply(
        &self,
        custom: &CustomValue,
        span: Span,
        operation: CustomValueOp,
        engine: &Engine,
    ) -> Result<Applied, LabeledError>;
}

struct Registered<T>(std::marker::PhantomData<fn() -> T>);

impl<T: CustomType> Operations for Registered<T> {
    fn plain(&self, custom: &CustomValue, span: Span) -> Result<Value, LabeledError> {
        open::<T>(custom, span)?.to_base_value(span)
    }

    fn apply(
        &self,
        custom: &CustomValue,
        span: Span,
        operation: CustomValueOp,
        engine: &Engine,
    ) -> Result<Applied, LabeledError> {
        let value: T = open(custom, span)?;
        let output = |value: Value| Ok(Applied::Output(Output::Value(value, None)));
        match operation {
            CustomValueOp::ToBaseValue => output(value.to_base_value(span)?),
            CustomValueOp::FollowPathInt { index, optional } => {
                output(value.follow_index(index.item, index.span, optional)?)
            }
            CustomValueOp::FollowPathString {
                column,
                optional,
                insensitive,
            } => output(value.follow_field(&column.item, column.span, optional, insensitive)?),
            CustomValueOp::PartialCmp(other) => {
                Ok(Applied::Response(Response::Ordering(value.compare(&other))))
            }
            CustomValueOp::Operation(operator, right) => {
                output(value.operate(operator.item, &right, operator.span)?)
            }
            CustomValueOp::Save { path, .. } => {
                value.save(Path::new(&path.item), path.span)?;
                Ok(Applied::Response(Response::Ok))
            }
            CustomValueOp::Dropped => {
                value.dropped(engine);
                Ok(Applied::Output(Output::Empty))
            }
            CustomValueOp::Unknown(name) => Err(LabeledError::new(format!(
                "this plugin does not know the operation {name}"
            ))
            .with_label("on this", span)),
        }
    }
}
