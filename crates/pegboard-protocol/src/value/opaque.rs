//! Data that is carried without being understood.

/// A tree of plain data that this crate passes on as it is: Nushell's configuration, parsed expressions, block code.
///
/// Its shape changes with every Nushell release, so nobody here gives it types.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Opaque {
    /// Null.
    #[default]
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer that fits into 64 bits, with or without a sign.
    Int(i128),
    /// A floating point number.
    Float(f64),
    /// Text.
    String(String),
    /// Bytes; only MessagePack has a form of their own for them.
    Bytes(Vec<u8>),
    /// A sequence.
    Array(Vec<Opaque>),
    /// Named fields in order.
    Map(Vec<(String, Opaque)>),
}

impl From<serde_json::Value> for Opaque {
    fn from(value: serde_json::Value) -> Opaque {
        use serde_json::Value;
        match value {
            Value::Null => Opaque::Null,
            Value::Bool(value) => Opaque::Bool(value),
            Value::Number(number) => match number.as_i128() {
                Some(number) => Opaque::Int(number),
                None => Opaque::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => Opaque::String(text),
            Value::Array(items) => Opaque::Array(items.into_iter().map(Opaque::from).collect()),
            Value::Object(fields) => Opaque::Map(
                fields
                    .into_iter()
                    .map(|(name, value)| (name, value.into()))
                    .collect(),
            ),
        }
    }
}

impl From<Opaque> for serde_json::Value {
    /// Bytes become an array of numbers, infinities and NaN become null.
    fn from(tree: Opaque) -> serde_json::Value {
        use serde_json::Value;
        match tree {
            Opaque::Null => Value::Null,
            Opaque::Bool(value) => Value::Bool(value),
            Opaque::Int(number) => match (u64::try_from(number), i64::try_from(number)) {
                (Ok(number), _) => Value::from(number),
                (_, Ok(number)) => Value::from(number),
                _ => Value::from(number as f64),
            },
            Opaque::Float(number) => Value::from(number),
            Opaque::String(text) => Value::String(text),
            Opaque::Bytes(bytes) => Value::from(bytes),
            Opaque::Array(items) => Value::Array(items.into_iter().map(Value::from).collect()),
            Opaque::Map(fields) => Value::Object(
                fields
                    .into_iter()
                    .map(|(name, value)| (name, value.into()))
                    .collect(),
            ),
        }
    }
}
