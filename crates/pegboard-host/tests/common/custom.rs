//! Custom values of the reference plugin.

use pegboard_host::Value;

use super::{Reference, value};

pub fn make(reference: &Reference, label: &str, count: i64) -> Value {
    let run = reference.run("custom make").argument(Value::string(label));
    custom(value(run.flag("count", Value::int(count))))
}

/// One whose plugin wants to hear of its end.
pub fn noted(reference: &Reference, label: &str) -> Value {
    custom(value(
        reference
            .run("custom make")
            .argument(Value::string(label))
            .switch("notify"),
    ))
}

#[track_caller]
pub fn custom(value: Value) -> Value {
    match &value {
        Value::Custom(item, _) => assert_eq!(item.name, "ReferenceItem"),
        other => panic!("no custom value: {other:?}"),
    }
    value
}

pub fn base(label: &str, count: i64, notify: bool) -> Value {
    Value::record([
        ("label", Value::string(label)),
        ("count", Value::int(count)),
        ("notify", Value::bool(notify)),
    ])
}
