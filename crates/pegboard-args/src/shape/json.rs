//! Lists, records and tables, written as JSON; each part is read by its own shape.

use pegboard_protocol::nu::SyntaxShape;
use pegboard_protocol::{Record, Span, Value};
use serde_json::Value as Json;

use super::Label;
use crate::Caller;
use crate::describe::{expected, noun};

/// Reads a word as JSON of this shape.
pub(super) fn value(
    shape: &SyntaxShape,
    text: &str,
    span: Span,
    caller: &Caller<'_>,
) -> Result<Value, Label> {
    let json: Json = match serde_json::from_str(text) {
        Ok(json) => json,
        Err(error) if text.trim_start().starts_with(['[', '{']) => {
            return Err(format!("{}; {}", expected(shape), plainly(&error)));
        }
        Err(_) => return Err(expected(shape)),
    };
    shaped(shape, json, span, caller)
}

/// Reads a word as JSON of any shape; none if it is not JSON.
pub(super) fn plain(text: &str, span: Span) -> Option<Value> {
    let json = serde_json::from_str(text).ok()?;
    unshaped(json, span).ok()
}

/// The message of a JSON error for a text of one line.
fn plainly(error: &serde_json::Error) -> String {
    error
        .to_string()
        .replace(" at line 1 column ", " at character ")
}

fn shaped(
    shape: &SyntaxShape,
    json: Json,
    span: Span,
    caller: &Caller<'_>,
) -> Result<Value, Label> {
    match (shape, json) {
        (SyntaxShape::Any | SyntaxShape::Unknown(_), json) => unshaped(json, span),
        (SyntaxShape::CompleterWrapper(inner, _) | SyntaxShape::Keyword(_, inner), json) => {
            shaped(inner, json, span, caller)
        }
        (SyntaxShape::OneOf(shapes), json) => shapes
            .iter()
            .find_map(|shape| shaped(shape, json.clone(), span, caller).ok())
            .ok_or_else(|| format!("{}, not {json}", expected(shape))),
        (SyntaxShape::List(inner), Json::Array(items)) => list(inner, items, span, caller),
        (SyntaxShape::Table(columns), Json::Array(rows)) => {
            list(&SyntaxShape::Record(columns.clone()), rows, span, caller)
        }
        (SyntaxShape::Record(fields), Json::Object(object)) => {
            let mut record = Record::new();
            for (name, json) in object {
                let known = fields.iter().find(|(field, _)| *field == name);
                let shape = known.map_or(&SyntaxShape::Any, |(_, shape)| shape);
                let value = shaped(shape, json, span, caller)
                    .map_err(|label| format!("in `{name}`: {label}"))?;
                record.insert(name, value);
            }
            if let Some((name, shape)) = fields.iter().find(|(name, _)| record.get(name).is_none())
            {
                return Err(format!(
                    "the record lacks the field `{name}`, {}",
                    noun(shape)
                ));
            }
            Ok(Value::Record(record, span))
        }
        // These have forms of their own only as text; their JSON output is a number of bytes or nanoseconds.
        (SyntaxShape::Filesize, Json::Number(bytes)) if bytes.is_i64() => {
            Ok(Value::Filesize(bytes.as_i64().unwrap_or(0), span))
        }
        (SyntaxShape::Duration, Json::Number(time)) if time.is_i64() => {
            Ok(Value::Duration(time.as_i64().unwrap_or(0), span))
        }
        (SyntaxShape::Binary, Json::Array(bytes)) => {
            let byte = |json: &Json| json.as_u64().and_then(|byte| u8::try_from(byte).ok());
            let bytes: Option<Vec<u8>> = bytes.iter().map(byte).collect();
            Ok(Value::Binary(bytes.ok_or_else(|| expected(shape))?, span))
        }
        // Reading these as text would end up here again.
        (
            SyntaxShape::List(_)
            | SyntaxShape::Table(_)
            | SyntaxShape::Record(_)
            | SyntaxShape::String,
            json @ (Json::String(_) | Json::Number(_) | Json::Bool(_) | Json::Null),
        ) if !matches!((shape, &json), (SyntaxShape::String, Json::String(_))) => {
            Err(format!("{}, not {json}", expected(shape)))
        }
        (shape, Json::String(text)) => super::value(shape, &text, span, caller),
        (shape, json @ (Json::Number(_) | Json::Bool(_) | Json::Null)) => {
            super::value(shape, &json.to_string(), span, caller)
                .map_err(|label| format!("{label}, not {json}"))
        }
        (shape, Json::Array(_)) => Err(format!("{}, not a list", expected(shape))),
        (shape, Json::Object(_)) => Err(format!("{}, not a record", expected(shape))),
    }
}

fn list(
    inner: &SyntaxShape,
    items: Vec<Json>,
    span: Span,
    caller: &Caller<'_>,
) -> Result<Value, Label> {
    let item = |(index, json)| {
        shaped(inner, json, span, caller).map_err(|label| format!("in item {index}: {label}"))
    };
    let items = items
        .into_iter()
        .enumerate()
        .map(item)
        .collect::<Result<_, _>>()?;
    Ok(Value::List(items, span))
}

fn unshaped(json: Json, span: Span) -> Result<Value, Label> {
    Ok(match json {
        Json::Null => Value::Nothing(span),
        Json::Bool(value) => Value::Bool(value, span),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(int), _) => Value::Int(int, span),
            (None, Some(float)) => Value::Float(float, span),
            (None, None) => return Err(format!("{number} is too large")),
        },
        Json::String(text) => Value::String(text, span),
        Json::Array(items) => {
            let items = items
                .into_iter()
                .map(|item| unshaped(item, span))
                .collect::<Result<_, _>>()?;
            Value::List(items, span)
        }
        Json::Object(fields) => {
            let mut record = Record::new();
            for (name, field) in fields {
                record.insert(name, unshaped(field, span)?);
            }
            Value::Record(record, span)
        }
    })
}
