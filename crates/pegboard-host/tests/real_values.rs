//! Values, metadata, arguments and errors, there and back, with every flavour of the reference plugin.

mod common;

use common::{error, field, for_each_flavour, headed, int, items, text, value};
use pegboard_host::protocol::nu::{ByteStreamKind, EvaluatedCall, Metadata, Origin};
use pegboard_host::protocol::{Bound, CellPath, Closure, Glob, PathMember, Range, Spanned};
use pegboard_host::{ErrorKind, Flow, LabeledError, ListStream, ReportStyle, Sources, Span, Value};

const NOWHERE: Span = Span::UNKNOWN;

/// What `ref values` is to give, in order.
fn every_kind() -> Vec<(&'static str, Value)> {
    let range = |start, step, end| Value::Range(Box::new(Range::Int { start, step, end }), NOWHERE);
    let glob = |pattern: &str, no_expand| {
        Value::Glob(
            Box::new(Glob {
                pattern: pattern.into(),
                no_expand,
            }),
            NOWHERE,
        )
    };
    let date = |text: &str| Value::Date(text.parse().expect("a date"), NOWHERE);
    let number = |n| Value::record([("n", Value::int(n))]);
    let nested = (0..8).fold(Value::int(0), |inner, _| {
        Value::record([("in", Value::list([inner]))])
    });
    let float_range = Range::Float {
        start: 1.5,
        step: 0.5,
        end: Bound::Included(3.0),
    };
    vec![
        ("nothing", Value::nothing()),
        ("bool", Value::bool(true)),
        ("int", Value::int(42)),
        ("int_min", Value::int(i64::MIN)),
        ("int_max", Value::int(i64::MAX)),
        ("float", Value::float(1.5)),
        ("float_whole", Value::float(3.0)),
        ("float_big", Value::float(1e21)),
        ("string", Value::string("grüße, \"world\"\n\t🦀")),
        ("glob", glob("*.rs", false)),
        ("glob_quoted", glob("a b*", true)),
        ("filesize", Value::filesize(-2048)),
        ("duration", Value::duration(90_000_000_001)),
        ("date", date("2024-01-02T03:04:05.678+02:00")),
        ("date_utc", date("1969-12-31T23:59:59.000000001Z")),
        ("range_int", range(1, 2, Bound::Included(9))),
        ("range_exclusive", range(0, 1, Bound::Excluded(4))),
        ("range_down", range(5, -1, Bound::Included(1))),
        ("range_unbounded", range(7, 1, Bound::Unbounded)),
        ("range_float", Value::Range(Box::new(float_range), NOWHERE)),
        (
            "record",
            Value::record([("b", Value::int(1)), ("a", Value::nothing())]),
        ),
        ("record_empty", Value::record::<String>([])),
        (
            "list",
            Value::list([Value::int(1), Value::string("two"), Value::nothing()]),
        ),
        ("list_empty", Value::list([])),
        ("table", Value::list([number(1), number(2)])),
        ("nested", nested),
        (
            "closure",
            Value::Closure(
                Box::new(Closure {
                    block_id: 0,
                    captures: vec![(9, Value::int(5))],
                }),
                NOWHERE,
            ),
        ),
        ("binary", Value::binary((0..=255).collect::<Vec<u8>>())),
        ("binary_empty", Value::binary([])),
        ("cell_path", Value::CellPath(path(), NOWHERE)),
        ("error", Value::error(full_error(NOWHERE))),
    ]
}

fn path() -> CellPath {
    let name = |val: &str, optional, insensitive| PathMember::String {
        val: val.into(),
        span: NOWHERE,
        optional,
        insensitive,
    };
    let members = vec![
        name("a", false, false),
        PathMember::Int {
            val: 0,
            span: NOWHERE,
            optional: true,
        },
        name("two words", true, true),
        name("12", false, false),
    ];
    CellPath { members }
}

/// The error that fills every field.
fn full_error(head: Span) -> LabeledError {
    let inner = LabeledError::new("inner error")
        .with_code("reference::inner")
        .with_label("inner label", head);
    LabeledError::new("reference error")
        .with_code("reference::outer")
        .with_url("https://example.com/reference")
        .with_help("this is only a test")
        .with_label("first label", head)
        .with_label("second label", Span::new(head.start, head.start))
        .with_inner(inner)
}

#[test]
fn every_kind_of_value_comes_out() {
    for_each_flavour(|reference| {
        let Value::Record(record, _) = reference.value("values") else {
            panic!("no record")
        };
        let got: Vec<_> = record
            .iter()
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .collect();
        let wanted: Vec<_> = every_kind()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        for (got, wanted) in got.iter().zip(&wanted) {
            assert_eq!(got, wanted);
        }
        assert_eq!(got.len(), wanted.len());
        // A single one, which an error as output makes a failure of nobody.
        assert_eq!(
            value(reference.run("values").argument(Value::string("table"))),
            wanted[24].1
        );
    });
}

#[test]
fn every_kind_of_value_goes_in_and_comes_back_as_it_was() {
    for_each_flavour(|reference| {
        for (name, sent) in every_kind() {
            let placed = sent.clone().at(Span::new(7, 9));
            for sent in [sent, placed] {
                let got = value(reference.run("echo").input(sent.clone()));
                if name == "nothing" {
                    assert_eq!(got, Value::nothing());
                } else {
                    assert_eq!(got, sent, "{name}");
                }
            }
        }
        // Inside a list, nothing is a value like others.
        let all = Value::list(every_kind().into_iter().map(|(_, value)| value));
        assert_eq!(value(reference.run("echo").input(all.clone())), all);
        // And one by one, as the items of a stream.
        let stream = Flow::list(every_kind().into_iter().map(|(_, value)| value));
        assert_eq!(value(reference.run("echo").input(stream)), all);
    });
}

#[test]
fn floats_without_a_number_pass_where_the_encoding_has_a_form_for_them() {
    for_each_flavour(|reference| {
        for sent in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
            let outcome = reference
                .run("echo")
                .input(Value::float(sent))
                .call()
                .and_then(Flow::into_value);
            match outcome {
                Ok(Value::Float(got, _)) if !reference.flavour.is_json() => {
                    assert_eq!(got.is_nan(), sent.is_nan())
                }
                Err(error) if reference.flavour.is_json() => {
                    assert!(error.to_string().contains("JSON"), "{error}");
                }
                other => panic!("{other:?}"),
            }
        }
        // The plugin still runs, whatever happened to that value.
        assert_eq!(reference.plugin.status().starts, 1);
        let items = [Value::int(1), Value::float(f64::INFINITY), Value::int(2)];
        let got = common::items(value(reference.run("echo").input(Flow::list(items))));
        assert_eq!((&got[0], &got[2]), (&Value::int(1), &Value::int(2)));
        assert_eq!(
            matches!(got[1], Value::Error(..)),
            reference.flavour.is_json(),
            "{:?}",
            got[1]
        );
    });
}

#[test]
fn metadata_goes_in_and_comes_out() {
    for_each_flavour(|reference| {
        let wanted = Metadata {
            data_source: Origin::FilePath("/some/where.csv".into()),
            content_type: Some("text/csv".into()),
            ..Metadata::default()
        };
        let making = || {
            let run = reference
                .run("metadata")
                .flag("path", Value::string("/some/where.csv"));
            run.flag("content-type", Value::string("text/csv"))
        };
        let flow = making().call().expect("a value");
        assert_eq!(flow.metadata(), Some(&wanted));
        assert_eq!(flow.into_value().expect("a value"), Value::string("text"));
        let flow = making().switch("stream").call().expect("a stream");
        assert_eq!(flow.metadata(), Some(&wanted));
        assert!(matches!(flow, Flow::List(_)), "{flow:?}");
        assert_eq!(
            flow.into_value().expect("two numbers"),
            Value::list([Value::int(1), Value::int(2)])
        );

        let mut list = ListStream::new([Ok(Value::int(1))]);
        list.metadata = Some(wanted.clone());
        let mut bytes = pegboard_host::ByteStream::new(&b"abc"[..], ByteStreamKind::String);
        bytes.metadata = Some(wanted.clone());
        for flow in [
            Flow::Value(Value::int(1), Some(wanted.clone())),
            Flow::List(list),
            Flow::Bytes(bytes),
        ] {
            let back = reference.run("echo").input(flow).call().expect("the same");
            assert_eq!(back.metadata(), Some(&wanted));
            back.into_value().expect("the same");
        }
    });
}

#[test]
fn plugins_see_which_kind_of_input_they_have() {
    for_each_flavour(|reference| {
        let described = |flow: Flow| {
            let record = value(reference.run("describe").input(flow));
            (text(&field(&record, "kind")), text(&field(&record, "type")))
        };
        let pair = |kind: &str, of: &str| (kind.to_owned(), of.to_owned());
        assert_eq!(described(Flow::Empty), pair("empty", ""));
        assert_eq!(described(Value::nothing().into()), pair("value", "nothing"));
        assert_eq!(described(Value::int(1).into()), pair("value", "int"));
        assert_eq!(described(Flow::list([])), pair("list stream", ""));
        for (kind, name) in [
            (ByteStreamKind::Binary, "binary (stream)"),
            (ByteStreamKind::String, "string (stream)"),
            (ByteStreamKind::Unknown, "byte stream"),
        ] {
            assert_eq!(
                described(Flow::bytes(&b""[..], kind)),
                pair("byte stream", name)
            );
        }
    });
}

#[test]
fn arguments_of_every_kind_arrive_in_order() {
    for_each_flavour(|reference| {
        let head = Span::new(100, 108);
        let mut call = headed(
            head,
            every_kind()
                .into_iter()
                .map(|(_, value)| value.at(Span::new(3, 4))),
        );
        for (name, value) in every_kind() {
            call.named.push((
                Spanned::new(name.to_owned(), Span::new(5, 6)),
                Some(value.at(Span::new(8, 9))),
            ));
        }
        let got = value(reference.run("args").arguments(call.clone()));
        assert_eq!(int(&field(&got, "head.start")), 100);
        assert_eq!(int(&field(&got, "head.end")), 108);
        assert_eq!(items(field(&got, "positional")), call.positional);
        for (got, (name, value)) in items(field(&got, "named")).iter().zip(&call.named) {
            assert_eq!(
                field(got, "name"),
                Value::string(name.item.clone()).at(Span::new(5, 6))
            );
            assert_eq!(Some(&field(got, "value")), value.as_ref());
        }
    });
}

#[test]
fn switches_and_repeated_flags_arrive_as_given() {
    for_each_flavour(|reference| {
        let run = reference
            .run("args")
            .argument(Value::int(1))
            .switch("switch")
            .flag("count", Value::int(2));
        let run = run
            .flag("switch", Value::bool(false))
            .flag("count", Value::int(3));
        let named: Vec<_> = items(field(&value(run), "named"))
            .iter()
            .map(|flag| (text(&field(flag, "name")), field(flag, "value")))
            .collect();
        let wanted = [
            ("switch", Value::nothing()),
            ("count", Value::int(2)),
            ("switch", Value::bool(false)),
            ("count", Value::int(3)),
        ];
        assert_eq!(named, wanted.map(|(name, value)| (name.to_owned(), value)));
    });
}

#[test]
fn errors_come_with_all_that_they_say() {
    for_each_flavour(|reference| {
        let head = Span::new(10, 20);
        let got = error(reference.run("error").arguments(headed(head, [])));
        assert_eq!(got.kind(), ErrorKind::Plugin);
        assert_eq!(got.plugin(), Some("reference"));
        assert_eq!(got.labeled(), &full_error(head));
        assert_eq!(got.to_string(), "reference error");

        let got = error(
            reference
                .run("error")
                .switch("plain")
                .flag("message", Value::string("no: ü\u{1b}[31m")),
        );
        assert_eq!(got.labeled(), &LabeledError::new("no: ü\u{1b}[31m"));

        let mut got = &error(reference.run("error").flag("deep", Value::int(20)))
            .labeled()
            .clone();
        for level in (1..=20).rev() {
            assert_eq!(got.msg, format!("level {level}"));
            got = &got.inner[0];
        }
        assert_eq!(got.msg, "reference error");
        // The plugin said no, and goes on.
        assert_eq!(reference.plugin.status().starts, 1);
    });
}

#[test]
fn an_error_without_a_place_is_placed_on_the_command() {
    for_each_flavour(|reference| {
        let head = Span::new(10, 20);
        let mut call = headed(head, []);
        call.named
            .push((Spanned::new("odd-spans".to_owned(), NOWHERE), None));
        let got = error(reference.run("error").arguments(call));
        assert_eq!(got.labeled().labels[0].span, head, "{got:?}");
        // The others are as the plugin sent them; whoever shows them makes them safe.
        assert_eq!(got.labeled().labels[2].span, Span::new(20, 10));
        let sources = Sources::new();
        sources.add("line", "0123456789 ref error --odd-spans");
        for sources in [Some(&sources), None] {
            let report = got.report(sources, ReportStyle::default());
            assert!(report.contains("reference error"), "{report}");
            assert!(report.contains("backwards"), "{report}");
        }
    });
}

#[test]
fn an_error_as_a_value_is_a_value() {
    for_each_flavour(|reference| {
        let got = value(reference.run("error").switch("in-value"));
        assert_eq!(got, Value::error(full_error(NOWHERE)));
    });
}

#[test]
fn a_command_that_is_not_there_is_refused_by_the_plugin() {
    for_each_flavour(|reference| {
        let got = error(reference.run("nonsense"));
        assert_eq!(got.kind(), ErrorKind::Plugin);
        assert!(got.to_string().contains("ref nonsense"), "{got}");
        assert_eq!(reference.value("count"), Value::int(0));
        assert_eq!(reference.plugin.status().starts, 1);
    });
}

#[test]
fn signatures_name_every_command_with_its_shapes() {
    for_each_flavour(|reference| {
        let signatures = reference.plugin.signatures().expect("signatures");
        let args = signatures
            .iter()
            .find(|it| it.sig.name == "ref args")
            .expect("ref args");
        let long: Vec<_> = args
            .sig
            .named
            .iter()
            .map(|flag| flag.long.as_str())
            .collect();
        assert!(
            ["switch", "count", "cell", "any", "help"]
                .iter()
                .all(|name| long.contains(name)),
            "{long:?}"
        );
        assert_eq!(args.sig.required_positional[0].name, "number");
        assert_eq!(
            args.sig
                .rest_positional
                .as_ref()
                .map(|rest| rest.name.as_str()),
            Some("rest")
        );
        let version = reference.plugin.metadata().expect("metadata").version;
        assert!(version.is_some_and(|version| !version.is_empty()));

        let words = ["ref", "engine", "env", "HOME"];
        let (found, count) = reference
            .rig
            .engine
            .find(&words)
            .expect("signatures")
            .expect("a command");
        assert_eq!(
            (found.signature.sig.name.as_str(), count),
            ("ref engine env", 3)
        );
        assert!(
            reference
                .rig
                .engine
                .find(&["ref", "nonsense"])
                .expect("signatures")
                .is_none()
        );
        assert!(
            reference
                .rig
                .engine
                .find(&[])
                .expect("signatures")
                .is_none()
        );
    });
}

#[test]
fn arguments_that_are_missing_or_wrong_are_the_plugins_to_refuse() {
    for_each_flavour(|reference| {
        for call in [
            EvaluatedCall::default(),
            headed(NOWHERE, [Value::string("many")]),
        ] {
            let got = error(reference.run("seq").arguments(call));
            assert_eq!(got.kind(), ErrorKind::Plugin);
        }
        assert_eq!(reference.plugin.status().starts, 1);
    });
}
