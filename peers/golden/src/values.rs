//! Values: every variant, with the cases that encoders tend to get wrong. Each is a stream item.

use chrono::{DateTime, FixedOffset, NaiveDate, TimeZone};
use nu_plugin_protocol::{PluginOutput, StreamData};
use nu_protocol::ast::{CellPath, PathMember, RangeInclusion};
use nu_protocol::{LabeledError, Range, Record, ShellError, Span, Value};

use crate::Vectors;
use crate::sample::{closure, closure_with, custom, error, int, record, span, text};

pub fn add(vectors: &mut Vectors) {
    let mut add = |name: String, value| {
        let message = PluginOutput::Data(0, StreamData::List(value));
        vectors.output(format!("value-{name}"), message);
    };
    scalars(&mut add);
    strings(&mut add);
    dates(&mut add);
    ranges(&mut add);
    cell_paths(&mut add);
    collections(&mut add);
    errors(&mut add);
}

fn scalars(add: &mut impl FnMut(String, Value)) {
    add("nothing".into(), Value::nothing(span()));
    add(
        "nothing-unknown-span".into(),
        Value::nothing(Span::unknown()),
    );
    add("bool-true".into(), Value::bool(true, span()));
    add("bool-false".into(), Value::bool(false, span()));
    let ints = [
        0,
        1,
        -1,
        -32,
        -33,
        127,
        128,
        -128,
        -129,
        255,
        256,
        32_767,
        32_768,
        -32_768,
        -32_769,
        65_535,
        65_536,
        2_147_483_647,
        2_147_483_648,
        -2_147_483_648,
        -2_147_483_649,
        4_294_967_295,
        4_294_967_296,
        9_007_199_254_740_993,
        i64::MAX,
        i64::MIN,
    ];
    for n in ints {
        add(format!("int-{n}"), int(n));
    }
    let floats = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.1,
        1.5,
        100.0,
        1e15,
        1e16,
        1e17,
        1e21,
        1e-5,
        1e-6,
        1e-7,
        123_456_789.125,
        0.3,
        1.0 / 3.0,
        f64::MAX,
        f64::MIN,
        f64::MIN_POSITIVE,
        5e-324,
        f64::EPSILON,
        9_007_199_254_740_993.0,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ];
    for x in floats {
        add(format!("float-{x:?}"), Value::float(x, span()));
    }
    for n in [0, 1, -2048, 1_000_000, i64::MAX, i64::MIN] {
        add(format!("filesize-{n}"), Value::filesize(n, span()));
        add(format!("duration-{n}"), Value::duration(n, span()));
    }
}

fn strings(add: &mut impl FnMut(String, Value)) {
    let controls: String = (0_u8..=0x1f).map(char::from).chain(['\u{7f}']).collect();
    let long = "x".repeat(300);
    let strings = [
        ("empty", ""),
        ("ascii", "hello"),
        ("31-bytes", "0123456789012345678901234567890"),
        ("32-bytes", "01234567890123456789012345678901"),
        ("300-bytes", long.as_str()),
        ("quotes", "say \"hi\" \\ / 'there'"),
        ("controls", controls.as_str()),
        ("unicode", "grüße 你好 🦀 e\u{301}"),
        ("separators", "a\u{2028}b\u{2029}c\u{feff}d\u{200b}e"),
        ("last", "\u{10ffff}\u{fffd}"),
        ("looks-like-json", "{\"Int\":{\"val\":1}}"),
    ];
    for (name, content) in strings {
        add(format!("string-{name}"), text(content));
    }
    add("glob".into(), Value::glob("*.rs", false, span()));
    add("glob-quoted".into(), Value::glob("a b*", true, span()));
    add("binary-empty".into(), Value::binary(vec![], span()));
    add(
        "binary".into(),
        Value::binary(vec![0, 1, 127, 128, 255], span()),
    );
    add(
        "binary-all".into(),
        Value::binary((0..=255).collect::<Vec<u8>>(), span()),
    );
}

fn dates(add: &mut impl FnMut(String, Value)) {
    let moments = [
        ("utc", "2024-01-02T03:04:05Z"),
        ("offset", "2024-01-02T03:04:05+02:00"),
        ("negative-offset", "2024-01-02T03:04:05-09:30"),
        ("milliseconds", "2024-01-02T03:04:05.678+02:00"),
        ("microseconds", "2024-01-02T03:04:05.000678Z"),
        ("nanosecond", "2024-01-02T03:04:05.000000001Z"),
        ("tenth", "2024-01-02T03:04:05.5Z"),
        ("epoch", "1970-01-01T00:00:00Z"),
        ("before-epoch", "1969-12-31T23:59:59.999999999-00:01"),
        ("leap-second", "2016-12-31T23:59:60Z"),
        ("year-1", "0001-01-01T00:00:00Z"),
        ("year-9999", "9999-12-31T23:59:59Z"),
    ];
    for (name, moment) in moments {
        match DateTime::<FixedOffset>::parse_from_rfc3339(moment) {
            Ok(date) => add(format!("date-{name}"), Value::date(date, span())),
            Err(error) => panic!("{moment}: {error}"),
        }
    }
    for (name, year) in [("year-10000", 10_000), ("year-minus-1", -1)] {
        let date = NaiveDate::from_ymd_opt(year, 6, 7)
            .and_then(|date| date.and_hms_opt(1, 2, 3))
            .and_then(|date| {
                FixedOffset::east_opt(0)?
                    .from_local_datetime(&date)
                    .single()
            });
        match date {
            Some(date) => add(format!("date-{name}"), Value::date(date, span())),
            None => panic!("no such date: {name}"),
        }
    }
}

fn ranges(add: &mut impl FnMut(String, Value)) {
    use RangeInclusion::{Inclusive, RightExclusive};
    let nothing = || Value::nothing(span());
    let float = |x| Value::float(x, span());
    let ranges = [
        ("int", int(1), nothing(), int(9), Inclusive),
        ("int-exclusive", int(0), nothing(), int(10), RightExclusive),
        ("int-step", int(0), int(2), int(10), Inclusive),
        (
            "int-step-exclusive",
            int(0),
            int(5),
            int(100),
            RightExclusive,
        ),
        ("int-down", int(5), nothing(), int(1), Inclusive),
        ("int-down-step", int(10), int(7), int(-5), RightExclusive),
        ("int-negative", int(-3), nothing(), int(-1), Inclusive),
        ("int-single", int(4), nothing(), int(4), Inclusive),
        ("int-unbounded", int(7), nothing(), nothing(), Inclusive),
        ("int-unbounded-step", int(7), int(10), nothing(), Inclusive),
        ("int-unbounded-down", int(7), int(4), nothing(), Inclusive),
        ("int-no-start", nothing(), nothing(), int(3), Inclusive),
        (
            "int-huge",
            int(i64::MIN),
            nothing(),
            int(i64::MAX),
            Inclusive,
        ),
        ("float", float(1.5), nothing(), float(3.0), Inclusive),
        (
            "float-exclusive",
            float(0.0),
            nothing(),
            float(1.0),
            RightExclusive,
        ),
        ("float-step", float(1.0), float(1.1), float(2.0), Inclusive),
        ("float-down", float(2.0), float(1.5), float(-1.0), Inclusive),
        (
            "float-unbounded",
            float(0.5),
            nothing(),
            nothing(),
            Inclusive,
        ),
        (
            "float-unbounded-step",
            float(0.5),
            float(1.0),
            nothing(),
            Inclusive,
        ),
        ("float-mixed", int(1), float(1.5), int(3), Inclusive),
        ("float-huge", float(1e21), nothing(), float(1e22), Inclusive),
    ];
    for (name, start, next, end, inclusion) in ranges {
        match Range::new(start, next, end, inclusion, span()) {
            Ok(range) => add(format!("range-{name}"), Value::range(range, span())),
            Err(error) => panic!("range {name}: {error}"),
        }
    }
}

fn cell_paths(add: &mut impl FnMut(String, Value)) {
    let mut path = |name: &str, members| {
        add(
            format!("cell-path-{name}"),
            Value::cell_path(CellPath { members }, span()),
        );
    };
    path("empty", vec![]);
    path("int", vec![index(0, false)]);
    path("int-optional", vec![index(12_345, true)]);
    let names = [
        ("plain", "name"),
        ("upper", "NAME"),
        ("underscore", "a_b"),
        ("dash", "a-b"),
        ("space", "two words"),
        ("empty-name", ""),
        ("digits", "12"),
        ("negative", "-1"),
        ("float-like", "1.5"),
        ("hex-like", "0x1F"),
        ("dot", "a.b"),
        ("question", "a?"),
        ("exclamation", "a!"),
        ("dollar", "$x"),
        ("double-quote", "a\"b"),
        ("single-quote", "a'b"),
        ("backtick", "a`b"),
        ("backslash", "a\\b"),
        ("newline", "a\nb"),
        ("tab", "a\tb"),
        ("control", "a\u{1}b"),
        ("unicode", "grüße"),
        ("emoji", "🦀"),
        ("true", "true"),
        ("null", "null"),
        ("inf", "inf"),
        ("nan", "NaN"),
        ("date-like", "2024-01-02"),
        ("size-like", "1kb"),
        ("brackets", "[a]{b}(c)"),
        ("hash", "#a"),
        ("comma", "a,b"),
        ("colon", "a:b"),
        ("pipe", "a|b;c"),
        ("at", "@a"),
        ("tilde", "~/a"),
        ("star", "a*"),
    ];
    for (name, content) in names {
        path(&format!("name-{name}"), vec![column(content, false, false)]);
    }
    path("optional", vec![column("a", true, false)]);
    path("optional-quoted", vec![column("a b", true, false)]);
    #[cfg(feature = "since-105")]
    {
        path("insensitive", vec![column("a", false, true)]);
        path("insensitive-optional", vec![column("a b", true, true)]);
    }
    path(
        "long",
        vec![
            column("a", false, false),
            index(0, true),
            column("b c", true, false),
        ],
    );
}

fn index(val: usize, optional: bool) -> PathMember {
    PathMember::int(val, optional, Span::new(1, 2))
}

#[cfg(feature = "since-105")]
fn column(name: &str, optional: bool, insensitive: bool) -> PathMember {
    use nu_protocol::casing::Casing;
    let casing = if insensitive {
        Casing::Insensitive
    } else {
        Casing::Sensitive
    };
    PathMember::string(name.into(), optional, casing, Span::new(3, 4))
}

#[cfg(not(feature = "since-105"))]
fn column(name: &str, optional: bool, _insensitive: bool) -> PathMember {
    PathMember::string(name.into(), optional, Span::new(3, 4))
}

fn collections(add: &mut impl FnMut(String, Value)) {
    let list = |vals| Value::list(vals, span());
    let map = |val| Value::record(val, span());
    add("list-empty".into(), list(vec![]));
    add(
        "list".into(),
        list(vec![int(1), text("two"), Value::nothing(span())]),
    );
    add("list-20".into(), list((0..20).map(int).collect()));
    add(
        "list-nested".into(),
        list(vec![list(vec![list(vec![])]), list(vec![int(1)])]),
    );
    add("record-empty".into(), map(Record::new()));
    add("record".into(), map(record()));
    let keys = ["z", "a", "", "two words", "ünï", "\"", "a\nb", "0"];
    let odd = keys
        .iter()
        .enumerate()
        .map(|(n, key)| ((*key).to_owned(), int(n as i64)));
    add("record-keys".into(), map(odd.collect()));
    add(
        "record-20".into(),
        map((0..20).map(|n| (format!("k{n}"), int(n))).collect()),
    );
    let nested = (0..12).fold(int(0), |inner, _| {
        map([("in".to_owned(), inner)].into_iter().collect())
    });
    add("record-nested".into(), nested);
    add("table".into(), list(vec![map(record()), map(record())]));
    add("closure".into(), Value::closure(closure(), span()));
    add(
        "closure-bare".into(),
        Value::closure(closure_with(0, vec![]), span()),
    );
    add(
        "custom".into(),
        Value::custom(Box::new(custom(false)), span()),
    );
    add(
        "custom-notify".into(),
        Value::custom(Box::new(custom(true)), span()),
    );
}

fn errors(add: &mut impl FnMut(String, Value)) {
    let mut error_value = |name: &str, error: ShellError| {
        add(format!("error-{name}"), Value::error(error, span()));
    };
    error_value("labeled", error().into());
    error_value("plain", LabeledError::new("only this").into());
    error_value("division", ShellError::DivisionByZero { span: span() });
    error_value(
        "beyond-end",
        ShellError::AccessBeyondEnd {
            max_idx: 3,
            span: span(),
        },
    );
    error_value(
        "column",
        ShellError::CantFindColumn {
            col_name: "a".into(),
            span: Some(span()),
            src_span: span(),
        },
    );
    error_value(
        "decode",
        ShellError::PluginFailedToDecode { msg: "bad".into() },
    );
}
