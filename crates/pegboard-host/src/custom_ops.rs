//! Operations on custom values, done by the plugins that made them.

use std::sync::Arc;

use pegboard_protocol::nu::{Call, CustomValueOp, Response};
use pegboard_protocol::{CustomValue, LabeledError, Owner, Span, Spanned, Value};

use crate::call::{await_answer, unexpected_response};
use crate::custom;
use crate::engine::owner_of;
use crate::instance::Slot;
use crate::pump::read_flow;
use crate::{Error, ErrorKind, Flow, NoContext};

/// How many custom values may turn out to be others before the plugin is not believed any more.
const DEPTH: usize = 16;

/// Applies an operation to a custom value.
pub(crate) fn operate(value: &Value, operation: CustomValueOp) -> Result<Flow, Error> {
    match value {
        Value::Custom(custom, span) => operate_on(custom, *span, operation),
        other => Err(Error::misuse(format!(
            "a value of type {} is no custom value",
            other.type_name()
        ))),
    }
}

fn operate_on(
    custom: &CustomValue,
    span: Span,
    mut operation: CustomValueOp,
) -> Result<Flow, Error> {
    let Some(plugin) = owner_of(custom) else {
        let error = LabeledError::new(format!(
            "it is not known which plugin made the custom value `{}`",
            custom.name
        ))
        .with_label("this value", span);
        return Err(Error::misuse(error));
    };
    let instance = plugin.instance()?;
    let slot = Slot::new(String::new(), Arc::new(NoContext));
    let mut keep: Vec<_> = custom.owner.mark().into_iter().collect();
    if let CustomValueOp::PartialCmp(other) | CustomValueOp::Operation(_, other) = &mut operation {
        custom::release(other, &plugin, &mut keep)
            .map_err(|error| Error::new(ErrorKind::Refused, error))?;
    }
    slot.keep(keep);
    let bare = CustomValue {
        owner: Owner::NONE,
        ..custom.clone()
    };
    let call = Call::CustomValueOp(Box::new(Spanned::new(bare, span)), operation);
    instance.call(call, &slot)?;
    let what = format!("operating on the custom value `{}`", custom.name);
    let (response, output) = await_answer(&instance, &slot, None, &what)?;
    match response {
        Response::Data(header) => Ok(read_flow(&instance, header, output, None)),
        Response::Ordering(ordering) => Ok(match ordering {
            Some(ordering) => Flow::value(Value::int(ordering as i64).at(span)),
            None => Flow::Empty,
        }),
        Response::Ok => Ok(Flow::Empty),
        other => Err(unexpected_response(&other, &what, &plugin.name)),
    }
}

/// Turns custom values inside a value, at any depth, into plain ones.
pub(crate) fn to_base_value(value: Value) -> Result<Value, Error> {
    to_base_value_within(value, DEPTH)
}

fn to_base_value_within(value: Value, depth: usize) -> Result<Value, Error> {
    match value {
        Value::Custom(custom, span) => {
            let Some(depth) = depth.checked_sub(1) else {
                return Err(Error::refused(format!(
                    "the custom value `{}` turns into others without end",
                    custom.name
                )));
            };
            let base = operate_on(&custom, span, CustomValueOp::ToBaseValue)?.into_value()?;
            to_base_value_within(base, depth)
        }
        Value::List(values, span) => {
            let values: Result<_, _> = values
                .into_iter()
                .map(|value| to_base_value_within(value, depth))
                .collect();
            Ok(Value::List(values?, span))
        }
        Value::Record(record, span) => {
            let fields: Result<_, _> = record
                .into_iter()
                .map(|(name, value)| Ok::<_, Error>((name, to_base_value_within(value, depth)?)))
                .collect();
            Ok(Value::Record(fields?, span))
        }
        other => Ok(other),
    }
}
