//! The standard library's durations, which are durations to people too.

use super::ConvertError;
use crate::Value;

/// The name and the fields that `std::time::Duration` has to serde.
pub(super) const DURATION: (&str, &[&str]) = ("Duration", &["secs", "nanos"]);

/// Nanoseconds in a second.
pub(super) const NANOSECONDS: u64 = 1_000_000_000;

/// Makes a duration of the fields of one; none if they are something else.
pub(super) fn of_fields(fields: &[(String, Value)]) -> Option<Result<Value, ConvertError>> {
    let [(secs, Value::Int(seconds, _)), (nanos, Value::Int(rest, _))] = fields else {
        return None;
    };
    if (secs.as_str(), nanos.as_str()) != ("secs", "nanos") {
        return None;
    }
    let nanoseconds = seconds
        .checked_mul(NANOSECONDS.cast_signed())
        .and_then(|nanoseconds| nanoseconds.checked_add(*rest));
    Some(nanoseconds.map(Value::duration).ok_or_else(|| {
        ConvertError::new(format!(
            "a duration of {seconds} seconds does not fit into 64 bits of nanoseconds"
        ))
    }))
}
