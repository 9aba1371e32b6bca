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
            .run(|call| Ok::<_, LabeledError>(call.input())),
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
                Ok::<_, LabeledError>(Value::string(kind))
            }),
    ]
}

/// One value of every type that can be written down, by name.
fn every() -> Vec<(&'static str, Value)> {
    let at = Span::UNKNOWN;
    let member = |name: &str, optional| PathMember::String {
        val: name.to_owned(),
        span: at,
        optional,
        insensitive: false,
    };
    let index = PathMember::Int {
        val: 3,
        span: at,
        optional: false,
    };
    let members = vec![member("a", true), index, member("b c", false)];
    let ints = |start, step, end| Value::Range(Box::new(Range::Int { start, step, end }), at);
    let floats = Range::Float {
        start: 0.5,
        step: 0.5,
        end: Bound::Included(2.0),
    };
    let row = |a, b: &str| Value::record([("a", Value::int(a)), ("b", Value::string(b))]);
    let date = DateTime::parse_from_rfc3339("2024-02-29T12:30:15.250+02:00");
    vec![
        ("nothing", Value::nothing()),
        ("bool", Value::bool(true)),
        ("int", Value::int(42)),
        ("int-min", Value::int(i64::MIN)),
        ("int-max", Value::int(i64::MAX)),
        ("float", Value::float(-1.5)),
        ("float-whole", Value::float(2.0)),
        ("float-tiny", Value::float(1.0e-12)),
        ("string", Value::string("a \"quoted\"\n€ 😀")),
        ("string-empty", Value::string("")),
        ("glob", glob("*.rs")),
        ("filesize", Value::filesize(1_500_000)),
        ("filesize-negative", Value::filesize(-2048)),
        ("duration", Value::duration(90_061_000_000_001)),
        (
            "date",
            date.map_or_else(|_| Value::nothing(), |date| Value::Date(date, at)),
        ),
        ("range", ints(1, 1, Bound::Included(5))),
        ("range-step", ints(10, -2, Bound::Excluded(0))),
        ("range-endless", ints(3, 1, Bound::Unbounded)),
        ("range-float", Value::Range(Box::new(floats), at)),
        ("record", row(1, "x")),
        ("record-empty", Value::record::<String>([])),
        (
            "list",
            Value::list([Value::int(1), Value::string("two"), Value::nothing()]),
        ),
        ("list-empty", Value::list([])),
        ("table", Value::list([row(1, "x"), row(2, "y")])),
        (
            "nested",
            Value::record([("list", Value::list([row(3, "z")]))]),
        ),
        ("binary", Value::binary([0, 127, 128, 255])),
        ("binary-empty", Value::binary([])),
        ("cell-path", Value::CellPath(CellPath { members }, at)),
    ]
}

fn glob(pattern: &str) -> Value {
    let glob = Glob {
        pattern: pattern.to_owned(),
        no_expand: false,
    };
    Value::Glob(Box::new(glob), Span::UNKNOWN)
}
