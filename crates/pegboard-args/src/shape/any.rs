//! A word where anything fits: taken as what it looks like.

use pegboard_protocol::{Span, Value};

use super::{cell_path, json, number, range, text};

/// The value that a word looks like in Nushell's language; text if it looks like nothing else.
///
/// A word in double quotes of its own is always text.
pub(crate) fn any(word: &str, span: Span) -> Value {
    match word {
        "null" => return Value::Nothing(span),
        "true" => return Value::Bool(true, span),
        "false" => return Value::Bool(false, span),
        _ => {}
    }
    structured(word, span)
        .or_else(|| numeric(word, span))
        .or_else(|| text::date(word, span))
        .unwrap_or_else(|| Value::String(word.to_owned(), span))
}

fn structured(word: &str, span: Span) -> Option<Value> {
    if word.starts_with(['[', '{', '"']) {
        return json::plain(word, span);
    }
    if word.starts_with("$.") {
        return cell_path(word, span).map(|path| Value::CellPath(path, span));
    }
    text::bracketed(word).map(|bytes| Value::Binary(bytes, span))
}

fn numeric(word: &str, span: Span) -> Option<Value> {
    if !word.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) {
        return None;
    }
    if let Ok(int) = number::int(word) {
        return Some(Value::Int(int, span));
    }
    if let Some(float) = number::plain_float(word) {
        return Some(Value::Float(float, span));
    }
    if let Ok(bytes) = number::filesize(word) {
        return Some(Value::Filesize(bytes, span));
    }
    if let Ok(nanoseconds) = number::duration(word) {
        return Some(Value::Duration(nanoseconds, span));
    }
    // With a number at both ends it cannot be a path such as `..` or `1..`.
    let closed = word.starts_with(|c| c != '.') && word.ends_with(|c| c != '.');
    match range::range(word) {
        Ok(range) if closed => Some(Value::Range(Box::new(range), span)),
        _ => None,
    }
}
