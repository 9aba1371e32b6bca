//! Conversions as tables: a Rust value and the value that it becomes, a value that does not fit and why.

mod json;
mod round_trip;

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::*;
use crate::{Bound, Closure, CustomValue, Glob, LabeledError, Owner, Range, Span};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Server {
    name: String,
    port: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Config {
    servers: Vec<Server>,
}

#[derive(Clone, Debug, PartialEq, PartialOrd, Eq, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Shape {
    Unit,
    Newtype(i32),
    Tuple(i8, String),
    Struct { wide: bool },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    Blob { data: Vec<u8>, size: Option<u32> },
    Empty,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Meters(f64);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

fn record<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::record(fields)
}

fn ints(numbers: impl IntoIterator<Item = i64>) -> Value {
    Value::list(numbers.into_iter().map(Value::int))
}

/// The Rust value becomes this value, and comes back.
#[track_caller]
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(rust: T, value: Value) {
    assert_eq!(to_value(&rust).unwrap(), value);
    assert_eq!(from_value::<T>(value).unwrap(), rust);
}

#[test]
fn each_kind_of_type_has_its_value() {
    check(true, Value::bool(true));
    check(-3_i8, Value::int(-3));
    check(i64::MAX as u64, Value::int(i64::MAX));
    check(i128::from(i64::MIN), Value::int(i64::MIN));
    check(1.5_f32, Value::float(1.5));
    check(0.1_f64, Value::float(0.1));
    check('ö', Value::string("ö"));
    check("text".to_owned(), Value::string("text"));
    check((), Value::nothing());
    check(Unit, Value::nothing());
    check(None::<u8>, Value::nothing());
    check(Some(7), Value::int(7));
    check(Meters(2.5), Value::float(2.5));
    check(vec![1_u8, 255], Value::binary([1, 255]));
    check(Vec::<u8>::new(), Value::list([]));
    check([1_u8, 2], ints([1, 2]));
    check(vec![1_u16, 255], ints([1, 255]));
    check(vec![Some(1_u8)], ints([1]));
    check(
        vec![Some(1_u8), None],
        Value::list([Value::int(1), Value::nothing()]),
    );
    check(
        (1, "a".to_owned()),
        Value::list([Value::int(1), Value::string("a")]),
    );
    check(
        Server {
            name: "a".into(),
            port: 80,
            note: None,
        },
        record([("name", Value::string("a")), ("port", Value::int(80))]),
    );
}

#[test]
fn a_sequence_that_starts_with_a_byte_may_go_on_with_something_else() {
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Mixed {
        Byte(u8),
        Text(&'static str),
    }
    let mixed = [Mixed::Byte(1), Mixed::Text("a"), Mixed::Byte(2)];
    assert_eq!(
        to_value(&mixed[..]).unwrap(),
        Value::list([Value::int(1), Value::string("a"), Value::int(2)])
    );
}

#[test]
fn variants_are_tagged_from_outside() {
    check(Shape::Unit, Value::string("unit"));
    check(Shape::Newtype(4), record([("newtype", Value::int(4))]));
    check(
        Shape::Tuple(1, "x".into()),
        record([("tuple", Value::list([Value::int(1), Value::string("x")]))]),
    );
    check(
        Shape::Struct { wide: true },
        record([("struct", record([("wide", Value::bool(true))]))]),
    );
    check(
        Tagged::Blob {
            data: vec![1, 2],
            size: Some(2),
        },
        record([
            ("kind", Value::string("Blob")),
            ("data", Value::binary([1, 2])),
            ("size", Value::int(2)),
        ]),
    );
    check(Tagged::Empty, record([("kind", Value::string("Empty"))]));
}

#[test]
fn keys_become_text() {
    check(
        BTreeMap::from([(1_u32, true), (20, false)]),
        record([("1", Value::bool(true)), ("20", Value::bool(false))]),
    );
    check(
        BTreeMap::from([(false, 0)]),
        record([("false", Value::int(0))]),
    );
    check(BTreeMap::from([('c', 0)]), record([("c", Value::int(0))]));
    check(
        BTreeMap::from([(Shape::Unit, 0)]),
        record([("unit", Value::int(0))]),
    );
}

#[test]
fn readers_take_more_than_writers_write() {
    #[track_caller]
    fn reads<T: DeserializeOwned + PartialEq + Debug>(value: Value, expected: T) {
        assert_eq!(from_value::<T>(value).unwrap(), expected);
    }
    reads(Value::filesize(1024), 1024_u32);
    reads(Value::duration(-5), -5_i64);
    reads(Value::int(2), 2.0_f64);
    reads(Value::int(2), 2.0_f32);
    reads(ints([1, 255]), vec![1_u8, 255]);
    reads(Value::binary([1, 2]), [1_u8, 2]);
    reads(Value::binary([1, 2]), vec![1_i64, 2]);
    reads(date(), "2024-01-02T03:04:05.678+02:00".to_owned());
    reads(glob(), "*.rs".to_owned());
    reads(range(1, 1, Bound::Included(5)), "1..5".to_owned());
    reads(record([("unit", Value::nothing())]), Shape::Unit);
    reads(record([("unknown", closure())]), Ignored {});
    assert_eq!(from_value_ref::<&str>(&Value::string("kept")), Ok("kept"));
    assert_eq!(from_value_ref::<&str>(&glob()), Ok("*.rs"));
}

#[derive(Debug, PartialEq, Deserialize)]
struct Ignored {}

#[test]
fn a_mismatch_says_where_and_what() {
    let at = Span::new(10, 14);
    let servers = |port: Value| {
        let server = |port| record([("name", Value::string("a")), ("port", port)]);
        record([(
            "servers",
            Value::list([server(Value::int(1)), server(Value::int(2)), server(port)]),
        )])
    };
    #[track_caller]
    fn fails<T: DeserializeOwned + Debug>(value: Value, message: &str, span: Span) {
        let error = from_value::<T>(value).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert_eq!(error.span(), span);
    }
    fails::<Config>(
        servers(Value::string("x").at(at)),
        "servers[2].port: expected int, found string",
        at,
    );
    fails::<Config>(
        servers(Value::int(70_000).at(at)),
        "servers[2].port: must be at most 65535, not 70000",
        at,
    );
    fails::<Server>(
        record([("name", Value::string("a"))]).at(at),
        "the field `port` is missing",
        at,
    );
    fails::<Server>(Value::int(1).at(at), "expected record, found int", at);
    fails::<(u8, u8)>(
        ints([1, 2, 3]).at(at),
        "expected a list of 2, found one of 3",
        at,
    );
    fails::<(u8, u8)>(
        ints([1]).at(at),
        "expected a tuple of size 2, found 1 items",
        at,
    );
    fails::<BTreeMap<u8, u8>>(
        record([("x", Value::int(1).at(at))]),
        "expected int, found string \"x\"",
        at,
    );
    fails::<Shape>(
        Value::string("round").at(at),
        "`round` is not known: it can be `unit`, `newtype`, `tuple`, `struct`",
        at,
    );
    fails::<Shape>(
        Value::string("tuple").at(at),
        "the variant `tuple` needs content: a record with the field `tuple`",
        at,
    );
    fails::<Shape>(
        record([("newtype", Value::bool(true).at(at))]),
        "newtype: expected int, found bool",
        at,
    );
    fails::<BTreeMap<String, i64>>(
        record([("odd key", Value::nothing().at(at))]),
        "[\"odd key\"]: expected int, found nothing",
        at,
    );
    fails::<i64>(
        Value::error(LabeledError::new("gone")).at(at),
        "expected int, found error: gone",
        at,
    );
    fails::<String>(closure().at(at), "expected string, found closure", at);
    fails::<String>(
        custom().at(at),
        "expected string, found custom value `db`",
        at,
    );
}

#[test]
fn numbers_that_do_not_fit_are_told_in_plain_words() {
    #[track_caller]
    fn fails<T: DeserializeOwned + Debug>(number: i64, message: &str) {
        let error = from_value::<T>(Value::int(number)).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
    fails::<u64>(-5, "must not be negative");
    fails::<usize>(-3, "must not be negative");
    fails::<u8>(256, "must be at most 255, not 256");
    fails::<i8>(-129, "must be at least -128, not -129");
    fails::<std::num::NonZeroU8>(0, "must not be 0");
    fails::<std::num::NonZeroU8>(-1, "must not be negative");
}

#[test]
fn durations_of_the_standard_library() {
    use std::time::Duration;
    let value = Value::duration(1_500_000_001);
    let duration = Duration::new(1, 500_000_001);
    assert_eq!(from_value::<Duration>(value.clone()), Ok(duration));
    assert_eq!(to_value(&duration), Ok(value));
    let parts = record([("secs", Value::int(2)), ("nanos", Value::int(0))]);
    assert_eq!(from_value(parts), Ok(Duration::from_secs(2)));
    let error = from_value::<Option<Duration>>(Value::duration(-1)).unwrap_err();
    assert_eq!(error.to_string(), "must not be negative");
    let error = to_value(&Duration::MAX).unwrap_err();
    assert!(error.to_string().contains("does not fit"), "{error}");
}

#[test]
fn a_mismatch_turns_into_a_labeled_error() {
    let at = Span::new(3, 4);
    let value = Value::list([Value::string("x").at(at)]);
    let error = from_value::<Vec<u32>>(value).unwrap_err();
    assert_eq!(
        (error.path().as_str(), error.expected(), error.found()),
        ("[0]", Some("int"), Some("string"))
    );
    assert_eq!(
        LabeledError::from(error),
        LabeledError::new("[0]: expected int, found string")
            .with_label("expected int, found string", at)
    );
}

#[test]
fn what_has_no_value_is_refused() {
    #[track_caller]
    fn refused<T: Serialize>(rust: T, message: &str) {
        assert_eq!(to_value(&rust).unwrap_err().to_string(), message);
    }
    refused(
        vec![1, u64::MAX],
        "[1]: the number 18446744073709551615 does not fit into a signed 64-bit integer",
    );
    refused(
        BTreeMap::from([("a", i128::MAX)]),
        "a: the number 170141183460469231731687303715884105727 does not fit into a signed 64-bit integer",
    );
    refused(
        BTreeMap::from([((1, 2), 3)]),
        "a tuple cannot be the key of a record; text, numbers, booleans and characters can",
    );
}

fn date() -> Value {
    let date = "2024-01-02T03:04:05.678+02:00";
    Value::Date(
        chrono::DateTime::parse_from_rfc3339(date).unwrap(),
        Span::UNKNOWN,
    )
}

fn glob() -> Value {
    let glob = Glob {
        pattern: "*.rs".into(),
        no_expand: false,
    };
    Value::Glob(Box::new(glob), Span::UNKNOWN)
}

fn closure() -> Value {
    let closure = Closure {
        block_id: 12,
        captures: Vec::new(),
    };
    Value::Closure(Box::new(closure), Span::UNKNOWN)
}

fn custom() -> Value {
    let custom = CustomValue {
        name: "db".into(),
        data: Vec::new(),
        notify_on_drop: false,
        owner: Owner::NONE,
    };
    Value::Custom(Box::new(custom), Span::UNKNOWN)
}

fn range(start: i64, step: i64, end: Bound<i64>) -> Value {
    Value::Range(Box::new(Range::Int { start, step, end }), Span::UNKNOWN)
}
