//! Values to JSON and back.

use serde_json::json;

use super::{closure, custom, date, glob, ints, range, record};
use crate::value::convert::{from_json, to_json};
use crate::{Bound, CellPath, LabeledError, Range, Span, Value};

fn float_range(start: f64, step: f64, end: Bound<f64>) -> Value {
    Value::Range(Box::new(Range::Float { start, step, end }), Span::UNKNOWN)
}

#[test]
fn json_in_the_style_of_nushell() {
    use Bound::{Excluded, Included};
    for (value, expected) in [
        (Value::nothing(), json!(null)),
        (Value::float(f64::INFINITY), json!(null)),
        (Value::float(1.0), json!(1.0)),
        (Value::filesize(-2), json!(-2)),
        (Value::duration(1_000), json!(1000)),
        (Value::binary([0, 255]), json!([0, 255])),
        (date(), json!("2024-01-02T03:04:05.678+02:00")),
        (glob(), json!("*.rs")),
        (closure(), json!("closure_12")),
        (range(1, 1, Included(3)), json!([1, 2, 3])),
        (range(1, 2, Excluded(5)), json!([1, 3])),
        (range(3, -1, Included(1)), json!([3, 2, 1])),
        (range(3, 1, Included(1)), json!([])),
        (
            range(i64::MAX - 1, 2, Included(i64::MAX)),
            json!([i64::MAX - 1]),
        ),
        (float_range(1.0, 0.5, Included(2.0)), json!([1.0, 1.5, 2.0])),
        (float_range(1.0, -0.5, Excluded(0.0)), json!([1.0, 0.5])),
        (
            record([("b", ints([1])), ("a", Value::bool(true))]),
            json!({"b": [1], "a": true}),
        ),
    ] {
        assert_eq!(to_json(&value).unwrap(), expected, "{value:?}");
    }
    let path = CellPath::default();
    let text = path.to_string();
    assert_eq!(
        to_json(&Value::CellPath(path, Span::UNKNOWN)).unwrap(),
        json!(text)
    );
}

#[test]
fn what_has_no_json_form_is_refused() {
    let wide = || range(1, 1, Bound::Included(600_000));
    for (value, message) in [
        (
            Value::list([Value::error(LabeledError::new("gone"))]),
            "[0]: expected something with a JSON form, found error: gone",
        ),
        (
            record([("a", custom())]),
            "a: expected something with a JSON form, found custom value `db`",
        ),
        (
            range(0, 1, Bound::Unbounded),
            "a range without an end has no JSON form",
        ),
        (
            Value::list([wide(), wide()]),
            "[1]: ranges of more than 1000000 numbers are not written out as JSON",
        ),
    ] {
        assert_eq!(to_json(&value).unwrap_err().to_string(), message);
    }
}

#[test]
fn json_is_read() {
    let json = json!({"a": [1, -1, 1.5, null, true, "x"]});
    let value = record([(
        "a",
        Value::list([
            Value::int(1),
            Value::int(-1),
            Value::float(1.5),
            Value::nothing(),
            Value::bool(true),
            Value::string("x"),
        ]),
    )]);
    assert_eq!(from_json(json.clone()).unwrap(), value);
    assert_eq!(to_json(&value).unwrap(), json);
    assert_eq!(
        from_json(json!({"n": [u64::MAX]})).unwrap_err().to_string(),
        "n[0]: the number 18446744073709551615 does not fit into a signed 64-bit integer"
    );
}
