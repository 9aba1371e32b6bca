//! Values as text, as Nushell's `to text` writes them.

use pegboard_host::protocol::to_json;
use pegboard_host::{Error, Value};
use serde_json::Value as Json;

/// A value as text; records and lists with a line for each field or item.
pub(super) fn text(value: &Value) -> Result<String, Error> {
    let lines: Vec<String> = match value {
        Value::Record(record, _) => record
            .iter()
            .map(|(name, field)| Ok(format!("{name}: {}", inline(field)?)))
            .collect(),
        Value::List(items, _) => items.iter().map(inline).collect(),
        Value::Range(..) => numbers(value),
        other => inline(other).map(|text| vec![text]),
    }?;
    Ok(lines.join("\n"))
}

/// A value on one line, unless it contains text of several.
fn inline(value: &Value) -> Result<String, Error> {
    Ok(match value {
        Value::Nothing(_) => String::new(),
        Value::Bool(value, _) => value.to_string(),
        Value::Int(value, _) => value.to_string(),
        Value::Float(value, _) => format!("{value:?}"),
        Value::String(value, _) => value.clone(),
        Value::Glob(glob, _) => glob.pattern.clone(),
        Value::Filesize(bytes, _) => filesize(*bytes),
        Value::Duration(nanoseconds, _) => duration(*nanoseconds),
        Value::Date(date, _) => date.to_rfc3339(),
        Value::CellPath(path, _) => path.to_string(),
        Value::Closure(closure, _) => format!("closure_{}", closure.block_id),
        Value::Custom(custom, _) => format!("<{}>", custom.name),
        Value::Error(error, _) => error.msg.clone(),
        Value::Binary(bytes, _) => Json::from(bytes.as_slice()).to_string().replace(',', ", "),
        Value::Range(..) => numbers(value)?.join(", "),
        Value::List(items, _) => items
            .iter()
            .map(inline)
            .collect::<Result<Vec<_>, _>>()?
            .join(", "),
        Value::Record(record, _) => {
            let fields = record
                .iter()
                .map(|(name, field)| Ok(format!("{name}: {}", inline(field)?)));
            fields.collect::<Result<Vec<_>, Error>>()?.join(", ")
        }
    })
}

fn numbers(range: &Value) -> Result<Vec<String>, Error> {
    match to_json(range) {
        Ok(Json::Array(numbers)) => Ok(numbers.iter().map(Json::to_string).collect()),
        Ok(other) => Ok(vec![other.to_string()]),
        Err(error) => Err(Error::misuse(format!(
            "the output cannot be written out: {error}"
        ))),
    }
}

fn filesize(bytes: i64) -> String {
    const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    let (mut power, mut size) = (0, 1_u64);
    while power + 1 < UNITS.len() && bytes.unsigned_abs() / 1000 >= size {
        size *= 1000;
        power += 1;
    }
    let whole = bytes.unsigned_abs() / size;
    let fraction = format!("{:.3}", (bytes.unsigned_abs() % size) as f64 / size as f64);
    // A fraction that would round up to a whole one shows as 0.999.
    let fraction = fraction
        .strip_prefix("0.")
        .unwrap_or("999")
        .trim_end_matches('0');
    let (sign, point) = (
        if bytes < 0 { "-" } else { "" },
        if fraction.is_empty() { "" } else { "." },
    );
    format!("{sign}{whole}{point}{fraction} {}", UNITS[power])
}

fn duration(nanoseconds: i64) -> String {
    const UNITS: [(&str, u64); 8] = [
        ("wk", 604_800_000_000_000),
        ("day", 86_400_000_000_000),
        ("hr", 3_600_000_000_000),
        ("min", 60_000_000_000),
        ("sec", 1_000_000_000),
        ("ms", 1_000_000),
        ("\u{b5}s", 1_000),
        ("ns", 1),
    ];
    if nanoseconds == 0 {
        return "0ns".to_owned();
    }
    let mut left = nanoseconds.unsigned_abs();
    let mut parts = Vec::new();
    for (unit, size) in UNITS {
        if left >= size {
            parts.push(format!("{}{unit}", left / size));
            left %= size;
        }
    }
    format!(
        "{}{}",
        if nanoseconds < 0 { "-" } else { "" },
        parts.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_like_nushells() {
        let nested = Value::record([("b", Value::list([Value::int(1), Value::int(2)]))]);
        for (value, expected) in [
            (Value::filesize(0), "0 B"),
            (Value::filesize(1000), "1 kB"),
            (Value::filesize(1024), "1.024 kB"),
            (Value::filesize(-1_500_000), "-1.5 MB"),
            (Value::filesize(999_999_999), "999.999 MB"),
            (Value::filesize(i64::MIN), "-9.223 EB"),
            (Value::duration(0), "0ns"),
            (
                Value::duration(864_000_000_000_000 + 5_000_000),
                "1wk 3day 5ms",
            ),
            (Value::duration(-90_000_000_000), "-1min 30sec"),
            (
                Value::duration(i64::MIN),
                "-15250wk 1day 23hr 47min 16sec 854ms 775\u{b5}s 808ns",
            ),
            (Value::float(1.0), "1.0"),
            (Value::binary([255, 65]), "[255, 65]"),
            (Value::nothing(), ""),
            (
                Value::list([
                    Value::list([Value::int(1), Value::int(2)]),
                    Value::string("x"),
                ]),
                "1, 2\nx",
            ),
            (
                Value::record([("a", nested), ("c", Value::nothing())]),
                "a: b: 1, 2\nc: ",
            ),
        ] {
            assert_eq!(text(&value).expect("a plain value"), expected, "{value:?}");
        }
    }
}
