//! Values to and from plain JSON, in the style of Nushell's `to json`.

use chrono::SecondsFormat;
use serde_json::Value as Json;

use super::ConvertError;
use super::error::Step;
use crate::{Bound, Range, Record, Span, Value};

/// The most numbers that [`to_json`] makes of all the ranges in one value together.
pub const JSON_RANGE_LIMIT: usize = 1_000_000;

/// Makes plain JSON of a value, which loses the types that JSON has not.
///
/// Dates become RFC 3339 text, bytes become an array of numbers, filesizes and durations (nanoseconds) become numbers,
/// ranges become the array of their numbers, cell paths and closures become text, and floats that are not finite become
/// null. Fails for error values, custom values, endless ranges, and ranges of more than [`JSON_RANGE_LIMIT`] numbers.
pub fn to_json(value: &Value) -> Result<Json, ConvertError> {
    json(value, &mut { JSON_RANGE_LIMIT })
}

/// Makes a value of plain JSON. Fails for integers beyond the range of `i64`.
pub fn from_json(json: Json) -> Result<Value, ConvertError> {
    Ok(match json {
        Json::Null => Value::nothing(),
        Json::Bool(v) => Value::bool(v),
        Json::Number(v) => match (v.as_i64(), v.as_f64()) {
            (Some(int), _) => Value::int(int),
            (None, Some(float)) if !v.is_u64() => Value::float(float),
            _ => {
                return Err(ConvertError::new(format!(
                    "the number {v} does not fit into a signed 64-bit integer"
                )));
            }
        },
        Json::String(v) => Value::string(v),
        Json::Array(items) => Value::list(
            items
                .into_iter()
                .enumerate()
                .map(|(index, item)| from_json(item).map_err(|e| e.inside(Step::Index(index))))
                .collect::<Result<Vec<_>, _>>()?,
        ),
        Json::Object(fields) => {
            let fields = fields
                .into_iter()
                .map(|(name, field)| match from_json(field) {
                    Ok(value) => Ok((name, value)),
                    Err(error) => Err(error.in_field(&name)),
                })
                .collect::<Result<Vec<_>, _>>()?;
            Value::Record(Record::from_unique(fields), Span::UNKNOWN)
        }
    })
}

/// `budget` is how many numbers may still come out of ranges.
fn json(value: &Value, budget: &mut usize) -> Result<Json, ConvertError> {
    Ok(match value {
        Value::Nothing(_) => Json::Null,
        Value::Bool(v, _) => (*v).into(),
        Value::Int(v, _) | Value::Filesize(v, _) | Value::Duration(v, _) => (*v).into(),
        Value::Float(v, _) => (*v).into(),
        Value::String(v, _) => v.as_str().into(),
        Value::Glob(v, _) => v.pattern.as_str().into(),
        Value::Date(v, _) => v.to_rfc3339_opts(SecondsFormat::AutoSi, true).into(),
        Value::CellPath(v, _) => v.to_string().into(),
        Value::Closure(v, _) => format!("closure_{}", v.block_id).into(),
        Value::Binary(v, _) => v.as_slice().into(),
        Value::Range(v, _) => numbers(v, budget).map_err(|e| e.at(value))?.into(),
        Value::List(items, _) => items
            .iter()
            .enumerate()
            .map(|(index, item)| json(item, budget).map_err(|e| e.inside(Step::Index(index))))
            .collect::<Result<Vec<_>, _>>()?
            .into(),
        Value::Record(record, _) => record
            .iter()
            .map(|(name, field)| match json(field, budget) {
                Ok(field) => Ok((name.to_owned(), field)),
                Err(error) => Err(error.in_field(name)),
            })
            .collect::<Result<serde_json::Map<_, _>, _>>()?
            .into(),
        Value::Error(..) | Value::Custom(..) => {
            return Err(ConvertError::mismatch("something with a JSON form", value));
        }
    })
}

fn numbers(range: &Range, budget: &mut usize) -> Result<Vec<Json>, ConvertError> {
    match *range {
        Range::Int { start, step, end } => {
            let (end, includes_end) = limit(end)?;
            let up = step > 0;
            let mut next = (step != 0).then_some(start);
            let within = move |n: i64| {
                if n == end {
                    includes_end
                } else {
                    (n < end) == up
                }
            };
            collect(
                std::iter::from_fn(move || {
                    let number = next.filter(|n| within(*n))?;
                    next = number.checked_add(step);
                    Some(number)
                }),
                budget,
            )
        }
        Range::Float { start, step, end } => {
            let (end, includes_end) = limit(end)?;
            let within = move |n: f64| {
                (includes_end && n == end) || (step > 0.0 && n < end) || (step < 0.0 && n > end)
            };
            // Multiplying keeps the error of each number small; adding up would let it grow.
            collect(
                (0_u32..)
                    .map(move |i| start + step * f64::from(i))
                    .take_while(move |n| within(*n)),
                budget,
            )
        }
    }
}

fn limit<N>(end: Bound<N>) -> Result<(N, bool), ConvertError> {
    match end {
        Bound::Included(end) => Ok((end, true)),
        Bound::Excluded(end) => Ok((end, false)),
        Bound::Unbounded => Err(ConvertError::new("a range without an end has no JSON form")),
    }
}

fn collect<N: Into<Json>>(
    numbers: impl Iterator<Item = N>,
    budget: &mut usize,
) -> Result<Vec<Json>, ConvertError> {
    let mut list = Vec::new();
    for number in numbers {
        *budget = budget.checked_sub(1).ok_or_else(|| {
            ConvertError::new(format!(
                "ranges of more than {JSON_RANGE_LIMIT} numbers are not written out as JSON"
            ))
        })?;
        list.push(number.into());
    }
    Ok(list)
}
