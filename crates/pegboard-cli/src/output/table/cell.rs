//! A value in one cell of a table: on one line, harmless, and short about what is nested.

use pegboard_host::{ReportStyle, Value};

use super::super::plain;

/// How much of a nested value is written out; no column is as wide.
const LONGEST: usize = 200;

/// A value as the text of a cell.
pub(super) fn cell(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    let line = text.replace("\r\n", " ").replace(['\n', '\r'], " ");
    ReportStyle::harmless(&line)
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::List(items, _) if is_table(items) => {
            let rows = if items.len() == 1 { "row" } else { "rows" };
            text.push_str(&format!("[table {} {rows}]", items.len()));
        }
        Value::List(items, _) => {
            text.push('[');
            let nested = items.iter().map(|item| ("", item));
            parts(nested, text);
            text.push(']');
        }
        Value::Record(record, _) => {
            text.push('{');
            parts(record.iter(), text);
            text.push('}');
        }
        // What has no text has been refused or resolved before.
        other => text.push_str(&plain::text(other).unwrap_or_default()),
    }
}

fn parts<'a>(values: impl Iterator<Item = (&'a str, &'a Value)>, text: &mut String) {
    for (index, (name, value)) in values.enumerate() {
        if index > 0 {
            text.push_str(", ");
        }
        if text.len() > LONGEST {
            text.push_str("...");
            return;
        }
        if !name.is_empty() {
            text.push_str(name);
            text.push_str(": ");
        }
        write(value, text);
    }
}

fn is_table(items: &[Value]) -> bool {
    !items.is_empty() && items.iter().all(|item| matches!(item, Value::Record(..)))
}

/// True for values that are read from the right.
pub(super) fn is_number(value: &Value) -> bool {
    matches!(
        value,
        Value::Int(..) | Value::Float(..) | Value::Filesize(..) | Value::Duration(..)
    )
}
