//! One word to one value, by the shape that an argument has.

mod any;
mod json;
mod number;
mod range;
mod reading;
mod text;

pub(super) use any::any;
pub(crate) use reading::{Fault, Reading};

use std::path::{Component, PathBuf};

use pegboard_protocol::nu::SyntaxShape;
use pegboard_protocol::{CellPath, Glob, PathMember, Span, Value};

use super::Caller;
use super::describe::expected;

/// What a wrong word is labelled with.
pub(super) type Label = String;

/// Reads a word as a shape. The label of the error says what was expected, and why the word is not that.
pub(super) fn value(
    shape: &SyntaxShape,
    text: &str,
    span: Span,
    caller: &Caller<'_>,
) -> Result<Value, Label> {
    let plain = || expected(shape);
    let value = match shape {
        SyntaxShape::Any | SyntaxShape::Unknown(_) => any(text, span),
        SyntaxShape::String | SyntaxShape::ExternalArgument => Value::String(text.to_owned(), span),
        SyntaxShape::Int => Value::Int(number::int(text).map_err(|e| e.label(shape))?, span),
        SyntaxShape::Float => Value::Float(number::float(text).map_err(|e| e.label(shape))?, span),
        SyntaxShape::Number => number(text, span).map_err(|e| e.label(shape))?,
        SyntaxShape::Boolean => Value::Bool(boolean(text).ok_or_else(plain)?, span),
        SyntaxShape::Nothing => match text {
            "null" => Value::Nothing(span),
            _ => return Err(plain()),
        },
        SyntaxShape::Filesize => {
            Value::Filesize(number::filesize(text).map_err(|e| e.label(shape))?, span)
        }
        SyntaxShape::Duration => {
            Value::Duration(number::duration(text).map_err(|e| e.label(shape))?, span)
        }
        SyntaxShape::Binary => Value::Binary(text::binary(text).ok_or_else(plain)?, span),
        SyntaxShape::DateTime => text::date(text, span).ok_or_else(plain)?,
        SyntaxShape::Range => Value::Range(
            Box::new(range::range(text).map_err(|e| e.label(shape))?),
            span,
        ),
        SyntaxShape::CellPath | SyntaxShape::FullCellPath => {
            Value::CellPath(cell_path(text, span).ok_or_else(plain)?, span)
        }
        // It would be the current directory, which nobody means who writes nothing.
        SyntaxShape::Filepath | SyntaxShape::Directory if text.is_empty() => {
            return Err("a path cannot be empty".to_owned());
        }
        SyntaxShape::Filepath | SyntaxShape::Directory => {
            Value::String(absolute(text, caller), span)
        }
        SyntaxShape::GlobPattern => Value::Glob(
            Box::new(Glob {
                pattern: text.to_owned(),
                no_expand: false,
            }),
            span,
        ),
        SyntaxShape::List(_) | SyntaxShape::Record(_) | SyntaxShape::Table(_) => {
            return json::value(shape, text, span, caller);
        }
        SyntaxShape::OneOf(shapes) => {
            let fits = shapes
                .iter()
                .find_map(|shape| value(shape, text, span, caller).ok());
            fits.ok_or_else(plain)?
        }
        SyntaxShape::CompleterWrapper(inner, _) => return value(inner, text, span, caller),
        // Only a positional argument is made of two words; anywhere else the word stands for itself.
        SyntaxShape::Keyword(_, inner) => return value(inner, text, span, caller),
        SyntaxShape::Closure(_) => {
            return Err("expected a closure, such as { COMMAND ARGS }".to_owned());
        }
        SyntaxShape::Block => return Err(impossible("Block")),
        SyntaxShape::Error => return Err(impossible("Error")),
        SyntaxShape::Expression => return Err(impossible("Expression")),
        SyntaxShape::ExternalSignature => return Err(impossible("ExternalSignature")),
        SyntaxShape::ImportPattern => return Err(impossible("ImportPattern")),
        SyntaxShape::MatchBlock => return Err(impossible("MatchBlock")),
        SyntaxShape::MathExpression => return Err(impossible("MathExpression")),
        SyntaxShape::Operator => return Err(impossible("Operator")),
        SyntaxShape::RowCondition => return Err(impossible("RowCondition")),
        SyntaxShape::Signature => return Err(impossible("Signature")),
        SyntaxShape::VarWithOptType => return Err(impossible("VarWithOptType")),
    };
    Ok(value)
}

fn impossible(shape: &str) -> Label {
    format!("what has the shape {shape} can be written only in Nushell's own language")
}

/// True for a shape that takes words such as `-5`.
pub(super) fn takes_numbers(shape: &SyntaxShape) -> bool {
    match shape {
        SyntaxShape::Any
        | SyntaxShape::Unknown(_)
        | SyntaxShape::Int
        | SyntaxShape::Float
        | SyntaxShape::Number
        | SyntaxShape::Filesize
        | SyntaxShape::Duration
        | SyntaxShape::Range => true,
        SyntaxShape::OneOf(shapes) => shapes.iter().any(takes_numbers),
        SyntaxShape::CompleterWrapper(inner, _) => takes_numbers(inner),
        _ => false,
    }
}

fn number(text: &str, span: Span) -> Result<Value, number::NotNumber> {
    match number::int(text) {
        Ok(int) => Ok(Value::Int(int, span)),
        Err(_) => number::float(text).map(|float| Value::Float(float, span)),
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn cell_path(text: &str, span: Span) -> Option<CellPath> {
    let mut path: CellPath = Some(text).filter(|text| !text.is_empty())?.parse().ok()?;
    let unnamed =
        |member: &PathMember| matches!(member, PathMember::String { val, .. } if val.is_empty());
    // `a..b` is more probably a slip than a field without a name, which can be written in quotes.
    if path.members.iter().any(unnamed) && !text.contains(['"', '\'', '`']) {
        return None;
    }
    for member in &mut path.members {
        match member {
            PathMember::String { span: place, .. } | PathMember::Int { span: place, .. } => {
                *place = span
            }
        }
    }
    Some(path)
}

/// A path as Nushell hands it to a command: absolute, without `.` and `..`, symbolic links untouched.
fn absolute(text: &str, caller: &Caller<'_>) -> String {
    if caller.directory.as_os_str().is_empty() {
        return text.to_owned();
    }
    let home = caller
        .home
        .filter(|_| text == "~" || text.starts_with("~/"));
    let path = match home {
        Some(home) => home.join(text.trim_start_matches('~').trim_start_matches('/')),
        None => caller.directory.join(text),
    };
    let mut whole = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                whole.pop();
            }
            other => whole.push(other),
        }
    }
    let mut whole = whole.to_string_lossy().into_owned();
    if text.ends_with('/') && !whole.ends_with('/') {
        whole.push('/');
    }
    whole
}
