//! Values of every type, out and in.

use chrono::DateTime;
use pegboard_plugin::protocol::{Bound, CellPath, Glob, PathMember, Range};
use pegboard_plugin::{Command, Input, LabeledError, Span, SyntaxShape, Type, Value};

pub(crate) fn commands() -> Vec<Command> {
    vec![
        Command::new("showcase values", "A value of every type, as a record")
            .types(Type::Nothing, Type::Any)
            .optional("type", SyntaxShape::String, "Only this one")
            .example("showcase values int", "One of them", Value::int(42))
            .run(|call| match call.get::<String>("type")? {
                None => Ok(Value::record(every()).at(call.head())),
                Some(name) => every()
                    .into_iter()
                    .find(|(known, _)| *known == name)
                    .map(|(_, value)| value.at(call.head()))
                    .ok_or_else(|| {
                        LabeledError::new(format!("there is no `{name}`"))
                            .with_label("this command", call.head())
                            .with_help("without an argument it lists all of them")
                    }),
            }),
        Command::new("showcase echo", "Gives its input back as it is")
            .types(Type::Any, Type::Any)
            .example("1..3 | showcase echo", "Any value", None)
            .run(|call| Ok(call.input())),
        Command::new("showcase kind", "Says in what form its input came")
            .types(Type::Any, Type::String)
            .example("[1 2] | showcase kind", "A list", Value::string("list"))
            .run(|call| {
                let kind = match call.input() {
                    Input::Empty => "nothing",
                    Input::Value(value, _) => value.type_name(),
                    Input::List(_) => "list stream",
                    Input::Bytes(_) => "byte stream",
                };
                Ok(Value::string(kind))
            }),
    ]
}

/// Values of every type that can be written down, by name.
fn every() -> Vec<(&'static str, Value)> {
    let row = |a, b: &str| Value::record([("a", Value::int(a)), ("b", Value::string(b))]);
    let names = ["", "a b", "1"];
    vec![
        ("nothing", Value::nothing()),
        ("bool", Value::bool(true)),
        ("int", Value::int(42)),
        ("int-min", Value::int(i64::MIN)),
        ("int-max", Value::int(i64::MAX)),
        ("float", Value::float(-1.5)),
        ("float-whole", Value::float(2.0)),
        ("float-tiny", Value::float(1.0e-12)),
        ("float-zero", Value::float(-0.0)),
        ("float-infinite", Value::float(f64::INFINITY)),
        ("string", Value::string("a \"quoted\"\n€ 😀")),
        ("string-empty", Value::string("")),
        ("glob", glob("*.rs", false)),
        ("glob-quoted", glob("*.rs", true)),
        ("filesize", Value::filesize(1_500_000)),
        ("filesize-negative", Value::filesize(-2048)),
        ("duration", Value::duration(90_061_000_000_001)),
        ("duration-negative", Value::duration(-1)),
        ("date", date("2024-02-29T12:30:15.250+02:00")),
        ("date-utc", date("2024-02-29T12:30:15Z")),
        ("date-fine", date("2024-02-29T12:30:15.123456789-05:30")),
        ("range", ints(1, 1, Bound::Included(5))),
        ("range-excluded", ints(1, 1, Bound::Excluded(5))),
        ("range-step", ints(10, -2, Bound::Excluded(0))),
        ("range-endless", ints(3, 1, Bound::Unbounded)),
        ("range-float", floats(0.5, 0.5, Bound::Included(2.0))),
        ("range-float-down", floats(2.0, -0.5, Bound::Excluded(0.0))),
        ("range-float-endless", floats(0.5, 1.0, Bound::Unbounded)),
        ("record", row(1, "x")),
        ("record-empty", Value::record::<String>([])),
        (
            "record-names",
            Value::record(names.into_iter().zip((1..).map(Value::int))),
        ),
        (
            "list",
            Value::list([Value::int(1), Value::string("two"), Value::nothing()]),
        ),
        ("list-empty", Value::list([])),
        ("table", Value::list([row(1, "x"), row(2, "y")])),
        (
            "table-uneven",
            Value::list(["a", "b"].map(|name| Value::record([(name, Value::int(1))]))),
        ),
        (
            "nested",
            Value::record([("list", Value::list([row(3, "z")]))]),
        ),
        ("binary", Value::binary([0, 127, 128, 255])),
        ("binary-empty", Value::binary([])),
        (
            "cell-path",
            path([name("a", true, false), index(3), name("b c", false, false)]),
        ),
        (
            "cell-path-any-case",
            path([name("A", false, true), name("b", true, true)]),
        ),
    ]
}

fn glob(pattern: &str, no_expand: bool) -> Value {
    let pattern = pattern.to_owned();
    Value::Glob(Box::new(Glob { pattern, no_expand }), Span::UNKNOWN)
}

fn date(text: &str) -> Value {
    DateTime::parse_from_rfc3339(text).map_or_else(
        |_| Value::nothing(),
        |date| Value::Date(date, Span::UNKNOWN),
    )
}

fn ints(start: i64, step: i64, end: Bound<i64>) -> Value {
    Value::Range(Box::new(Range::Int { start, step, end }), Span::UNKNOWN)
}

fn floats(start: f64, step: f64, end: Bound<f64>) -> Value {
    Value::Range(Box::new(Range::Float { start, step, end }), Span::UNKNOWN)
}

fn path(members: impl Into<Vec<PathMember>>) -> Value {
    let members = members.into();
    Value::CellPath(CellPath { members }, Span::UNKNOWN)
}

fn name(name: &str, optional: bool, insensitive: bool) -> PathMember {
    PathMember::String {
        val: name.to_owned(),
        span: Span::UNKNOWN,
        optional,
        insensitive,
    }
}

fn index(index: u64) -> PathMember {
    PathMember::Int {
        val: index,
        span: Span::UNKNOWN,
        optional: false,
    }
}
