//! Users' own types to and from [`Value`] through serde, and values to and from JSON.
//!
//! | Rust | value |
//! |---|---|
//! | struct, map | record, fields in order |
//! | sequence, tuple | list |
//! | `serde_bytes`, a `Vec<u8>` that is not empty | binary; a list of ints is read too |
//! | `Option::None`, `()`, unit struct | nothing |
//! | unit variant | string |
//! | any other variant | record with one field, named like the variant |
//! | `std::time::Duration` | duration; a negative one is not read |
//! | integers | int; filesizes and durations (nanoseconds) are read too |
//! | floats | float; ints are read too |
//! | `char`, `str` | string; globs, cell paths, ranges and dates (RFC 3339) are read as their text |

mod compound;
mod de;
mod duration;
mod error;
mod json;
mod key;
mod ser;
#[cfg(test)]
mod tests;

pub use error::ConvertError;
pub use json::{JSON_RANGE_LIMIT, from_json, to_json};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Value;

/// Makes a value of anything that serde can serialize.
///
/// Fails for integers beyond the range of `i64`, for map keys that are not text, numbers, booleans or characters, and
/// when the type's own `Serialize` fails. The result has no places: every span is unknown.
pub fn to_value<T: Serialize + ?Sized>(from: &T) -> Result<Value, ConvertError> {
    from.serialize(ser::ToValue::default())
}

/// Makes anything that serde can deserialize of a value.
///
/// The error names the path to the part that does not fit, what was expected and found there, and its place.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, ConvertError> {
    from_value_ref(&value)
}

/// Like [`from_value`], for types that may borrow text and bytes from the value.
pub fn from_value_ref<'v, T: Deserialize<'v>>(value: &'v Value) -> Result<T, ConvertError> {
    T::deserialize(de::FromValue(value))
}
