//! Rust's own types as values, without a place.

use super::{Record, Value};

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::int(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Value {
        Value::float(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::string(value)
    }
}

impl From<String> for Value {
    fn from(value: String) -> Value {
        Value::string(value)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Value {
        Value::list(values.into_iter().map(Into::into))
    }
}

impl<T: Into<Value>, const N: usize> From<[T; N]> for Value {
    fn from(values: [T; N]) -> Value {
        Value::list(values.into_iter().map(Into::into))
    }
}

impl From<Record> for Value {
    fn from(record: Record) -> Value {
        Value::record(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rust_has_is_a_value() {
        for (value, expected) in [
            (Value::from(true), Value::bool(true)),
            (Value::from(5), Value::int(5)),
            (Value::from(1.5), Value::float(1.5)),
            (Value::from("a"), Value::string("a")),
            (Value::from("a".to_owned()), Value::string("a")),
            (
                Value::from(vec![1, 2]),
                Value::list([Value::int(1), Value::int(2)]),
            ),
            (
                Value::from([["a"]]),
                Value::list([Value::list([Value::string("a")])]),
            ),
            (
                Value::from(Record::from_iter([("a".to_owned(), Value::int(1))])),
                Value::record([("a", Value::int(1))]),
            ),
        ] {
            assert_eq!(value, expected);
        }
    }
}
