//! Values in short form, for help texts and messages.

use pegboard_protocol::{Span, Value};

/// A value on one line, much as it would be typed, cut off behind `limit` characters.
pub fn literal(value: &Value, limit: usize) -> String {
    let mut text = String::new();
    write(value, limit.saturating_mul(4), &mut text);
    match text.char_indices().nth(limit) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text,
    }
}

/// Writes until there is more than `limit` bytes.
fn write(value: &Value, limit: usize, text: &mut String) {
    if text.len() > limit {
        return;
    }
    match value {
        Value::Nothing(_) => text.push_str("null"),
        Value::Bool(value, _) => text.push_str(&value.to_string()),
        Value::Int(value, _) => text.push_str(&value.to_string()),
        Value::Float(value, _) => text.push_str(&format!("{value:?}")),
        Value::String(value, _) => quoted(value, limit, text),
        Value::Glob(glob, _) => quoted(&glob.pattern, limit, text),
        Value::Filesize(value, _) => unit(
            *value,
            "b",
            &[("gb", 1_000_000_000), ("mb", 1_000_000), ("kb", 1_000)],
            text,
        ),
        Value::Duration(value, _) => unit(
            *value,
            "ns",
            &[
                ("wk", 604_800_000_000_000),
                ("day", 86_400_000_000_000),
                ("hr", 3_600_000_000_000),
                ("min", 60_000_000_000),
                ("sec", 1_000_000_000),
                ("ms", 1_000_000),
                ("us", 1_000),
            ],
            text,
        ),
        Value::Date(date, _) => text.push_str(&date.to_rfc3339()),
        Value::Range(range, _) => text.push_str(&range.to_string()),
        Value::CellPath(path, _) => text.push_str(&path.to_string()),
        Value::Binary(bytes, _) => {
            let hex: Vec<_> = bytes
                .iter()
                .take(limit)
                .map(|byte| format!("{byte:02x}"))
                .collect();
            text.push_str(&format!("0x[{}]", hex.join(" ")));
        }
        Value::List(items, _) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push_str(", ");
                }
                write(item, limit, text);
            }
            text.push(']');
        }
        Value::Record(record, _) => {
            text.push('{');
            for (index, (name, field)) in record.iter().enumerate() {
                if index > 0 {
                    text.push_str(", ");
                }
                if name.chars().all(|c| c.is_alphanumeric() || c == '_') && !name.is_empty() {
                    text.push_str(name);
                } else {
                    quoted(name, limit, text);
                }
                text.push_str(": ");
                write(field, limit, text);
            }
            text.push('}');
        }
        Value::Closure(..) => text.push_str("closure"),
        Value::Custom(custom, _) => text.push_str(&custom.name),
        Value::Error(error, _) => {
            text.push_str("error ");
            write(
                &Value::String(error.msg.clone(), Span::UNKNOWN),
                limit,
                text,
            );
        }
    }
}

fn quoted(value: &str, limit: usize, text: &mut String) {
    let short = value
        .char_indices()
        .nth(limit)
        .map_or(value, |(at, _)| &value[..at]);
    text.push_str(&serde_json::Value::from(short).to_string());
}

/// In the largest unit in which it is a whole number.
fn unit(value: i64, smallest: &str, units: &[(&str, i64)], text: &mut String) {
    let found = units
        .iter()
        .find(|(_, size)| value != 0 && value % size == 0);
    let (unit, size) = found.copied().unwrap_or((smallest, 1));
    text.push_str(&format!("{}{unit}", value / size));
}
