//! What goes in and comes out, in every format.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use crate::support::{Cli, Folder, finish, json};

const REF: &str = "nu_plugin_reference";

#[test]
fn input_is_what_it_is_said_to_be() {
    for (from, input, kind) in [
        ("json", "5", "value"),
        ("json", "[1, 2]", "value"),
        ("json", "1\n2\n", "list stream"),
        ("json", "", "empty"),
        ("ndjson", "5", "list stream"),
        ("csv", "a,b\n1,2\n", "list stream"),
        ("msgpack", "\u{5}", "value"),
        ("msgpack", "\u{5}\u{5}", "list stream"),
        ("lines", "x\n", "list stream"),
        ("text", "x\n", "value"),
        ("text", "x\ny\n", "byte stream"),
        ("raw", "x", "byte stream"),
    ] {
        let out = Cli::run_with(REF, &["--from", from, "--to", "json"], "ref describe")
            .input(input)
            .out();
        assert_eq!(json(&out)["kind"], kind, "{from} {input:?}");
    }
    // Without being told: nothing from the null device, text from a pipe, bytes if they are no text.
    assert_eq!(json(&Cli::run(REF, "ref describe").out())["kind"], "empty");
    for (input, kind) in [
        (&b""[..], "empty"),
        (b"x\n", "value"),
        (b"x\ny\n", "byte stream"),
        (b"\xff", "byte stream"),
    ] {
        let out = Cli::run(REF, "ref describe").input(input).out();
        assert_eq!(json(&out)["kind"], kind, "{input:?}");
    }
}

#[test]
fn a_line_of_text_is_a_string_for_commands_that_do_not_say() {
    let upper = |input: &str| Cli::run("nu_plugin_nodehand.js", "node upper").input(input);
    assert_eq!(upper("gr\u{fc}\u{df}e\n").out(), "GR\u{dc}SSE");
    let echo = Cli::run("nu_plugin_nodehand.js", "node echo").input("a\n");
    assert_eq!(echo.out(), "a");
}

/// The first item of an input that goes on comes out before the second goes in.
#[test]
fn a_first_item_is_not_kept_back() {
    for (options, items) in [
        (&["--from", "json"][..], ["{\"a\":1}\n", "{\"a\":2}\n"]),
        (&["--from", "text"], ["one\n", "two\n"]),
        (&[], ["one\n", "two\n"]),
    ] {
        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        let cli = Cli::run_with(REF, options, "ref echo");
        let mut child = cli.start_with(Some(reader.into()), Stdio::piped());
        let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
        for item in items {
            writer.write_all(item.as_bytes()).expect("room in the pipe");
            let mut line = String::new();
            out.read_line(&mut line).expect("a line");
            assert_eq!(line, item, "{options:?}");
        }
        drop(writer);
        assert_eq!(finish(child).code, Some(0));
    }
}

#[test]
fn bytes_go_through_unchanged() {
    let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    for options in [
        &[][..],
        &["--from", "raw"],
        &["--from", "raw", "--to", "raw"],
        &["--from", "raw", "--to", "text"],
    ] {
        let ran = Cli::run_with(REF, options, "ref echo")
            .input(bytes.clone())
            .end();
        assert_eq!(ran.out, String::from_utf8_lossy(&bytes), "{options:?}");
    }
}

#[test]
fn every_output_format() {
    for (to, line, expected) in [
        ("json", "ref seq 2", "[\n  0,\n  1\n]\n"),
        ("json", "ref seq 0", "[]\n"),
        (
            "json",
            "ref values record",
            "{\n  \"b\": 1,\n  \"a\": null\n}\n",
        ),
        ("json", "ref values nothing", "null\n"),
        ("json", "ref bytes 3 --type string", "\"abc\"\n"),
        (
            "json",
            "ref bytes 3 --type binary",
            "[\n  0,\n  1,\n  2\n]\n",
        ),
        ("ndjson", "ref seq 2", "0\n1\n"),
        ("ndjson", "ref values table", "{\"n\":1}\n{\"n\":2}\n"),
        ("ndjson", "ref values range_unbounded", "\"7..\"\n"),
        ("text", "ref seq 2", "0\n1\n"),
        ("text", "ref values record", "b: 1\na: \n"),
        ("text", "ref values duration", "1min 30sec 1ns\n"),
        ("text", "ref values glob", "*.rs\n"),
        ("raw", "ref values glob", "*.rs"),
        ("raw", "ref bytes 3 --type string", "abc"),
        ("raw", "ref values int", "42"),
        ("raw", "ref seq 2", "0\n1\n"),
        ("ndjson", "ref bytes 3 --type binary", "[0,1,2]\n"),
        ("json", "ref bytes 0 --type binary", "[]\n"),
        ("csv", "ref values table", "n\n1\n2\n"),
        ("csv", "ref values record", "b,a\n1,\n"),
        ("csv", "ref seq 2", "value\n0\n1\n"),
        ("csv", "ref seq 0", ""),
        ("csv", "ref values nothing", ""),
        (
            "csv",
            "ref values date_utc",
            "value\n1969-12-31T23:59:59.000000001Z\n",
        ),
        ("csv", "ref values closure", "value\nclosure_0\n"),
        ("csv", "ref bytes 3 --type string", "value\nabc\n"),
        // One document even for nothing; the others have a line for each item.
        ("json", "ref values nothing", "null\n"),
        ("msgpack", "ref values nothing", "\u{fffd}"),
        ("ndjson", "ref values nothing", ""),
        ("text", "ref values nothing", ""),
        ("raw", "ref values nothing", ""),
        ("table", "ref values nothing", ""),
        ("msgpack", "ref seq 2", "\0\u{1}"),
        (
            "msgpack",
            "ref values table",
            "\u{fffd}\u{fffd}\u{fffd}n\u{1}\u{fffd}\u{fffd}n\u{2}",
        ),
        ("table", "ref values table", "n\n-\n1\n2\n"),
        ("table", "ref values record", "b  1\na\n"),
        ("table", "ref seq 2", "0\n1\n"),
        ("table", "ref values duration", "1min 30sec 1ns\n"),
    ] {
        assert_eq!(
            Cli::run_with(REF, &["--to", to], line).out(),
            expected,
            "{to} {line}"
        );
    }
}

/// What goes out in a format comes in again as it was.
#[test]
fn formats_are_read_as_they_are_written() {
    let rows = "{\"a\":1,\"b\":\"x, \\\"y\\\"\"}\n{\"a\":2.5,\"b\":null}\n";
    for format in ["json", "ndjson", "csv", "msgpack"] {
        let echo =
            |from: &str, to: &str| Cli::run_with(REF, &["--from", from, "--to", to], "ref echo");
        let written = echo("ndjson", format).input(rows).bytes();
        let again = echo(format, "ndjson").input(written).out();
        assert_eq!(again, rows, "{format}");
    }
    let bytes = Cli::run_with(REF, &["--to", "msgpack"], "ref values binary").bytes();
    let again = Cli::run_with(REF, &["--from", "msgpack", "--to", "msgpack"], "ref echo");
    assert_eq!(again.input(bytes.clone()).bytes(), bytes);
}

#[test]
fn the_input_can_be_a_file_whose_name_says_what_it_is() {
    let folder = Folder::new("input");
    for (name, text, expected) in [
        ("a.json", "[1]", "1\n"),
        ("a.jsonl", "{\"a\":1}\n", "{\"a\":1}\n"),
        ("a.csv", "a\n1\n", "{\"a\":1}\n"),
        ("a.txt", "a\n", "a"),
        ("a", "a\nb\n", "a\nb\n"),
    ] {
        std::fs::write(folder.file(name), text).expect("a file");
        let run = Cli::run_with(REF, &["--input", name], "ref echo").directory(folder.path());
        assert_eq!(run.out(), expected, "{name}");
    }
    let wanted = Cli::run_with(REF, &["--input", "a.json", "--from", "text"], "ref echo");
    assert_eq!(wanted.directory(folder.path()).out(), "[1]");
    let missing = Cli::run_with(REF, &["--input", "b.csv"], "ref echo").directory(folder.path());
    assert_eq!(
        missing.fails(2),
        "error[pegboard::input::unreadable]: `b.csv` cannot be read: No such file or directory (os error 2)\n"
    );
    let nothing = Cli::run_with(REF, &["--input", "-"], "ref describe").input("x\n");
    assert_eq!(json(&nothing.out())["kind"], "value");
    let unwanted = Cli::run_with(REF, &["--input", "a.txt"], "ref seq 1").directory(folder.path());
    assert!(unwanted.fails(2).contains("`ref seq` takes no input"));
}

#[test]
fn lines_are_strings_without_what_ends_them() {
    let lines = |input: &[u8]| Cli::run_with(REF, &["--from", "lines"], "ref echo").input(input);
    assert_eq!(lines(b"a\r\n\n b").out(), "\"a\"\n\"\"\n\" b\"\n");
    assert_eq!(lines(b"").out(), "");
    let ran = lines(b"a\n\xff\n").end();
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), "\"a\"\n"));
    assert_eq!(
        ran.err,
        "error[pegboard::input::not_text]: the input, line 2: it is not UTF-8\n"
    );
}

#[test]
fn a_stream_of_csv_has_the_columns_of_its_first_row() {
    let options = &["--from", "ndjson", "--to", "csv"];
    let rows = "{\"a\":1,\"b\":2}\n{\"b\":3}\n{\"c\":4}\n";
    let ran = Cli::run_with(REF, options, "ref echo").input(rows).end();
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), "a,b\n1,2\n,3\n"));
    assert!(ran.err.contains("row 3 has the column `c`"), "{}", ran.err);
    // All of a list is there to be looked at.
    let list = "[{\"a\":1},{\"c\":4}]";
    let out = Cli::run_with(REF, &["--from", "json", "--to", "csv"], "ref echo").input(list);
    assert_eq!(out.out(), "a,c\n1,\n,4\n");
}

#[test]
fn the_usual_output_in_a_pipe() {
    for (line, expected) in [
        ("ref values int", "42\n"),
        ("ref values glob", "*.rs\n"),
        ("ref values nothing", ""),
        ("ref values record", "{\"b\":1,\"a\":null}\n"),
        ("ref values table", "{\"n\":1}\n{\"n\":2}\n"),
        ("ref seq 2", "0\n1\n"),
        ("ref bytes 3 --type unknown", "abc"),
        (
            "ref custom make x",
            "{\"label\":\"x\",\"count\":0,\"notify\":false}\n",
        ),
    ] {
        assert_eq!(Cli::run(REF, line).out(), expected, "{line}");
    }
}

#[test]
fn arguments_arrive_typed() {
    let line = "ref args -5 text a b -s --count=7 --rate 1.5 --size 10kb --wait 5sec --when 2024-01-02 --range 1..3 \
                --cell a.0 --any [1] --paths [\"x\"]";
    let arguments = json(&Cli::run(REF, line).directory("/usr".as_ref()).out());
    assert_eq!(
        arguments["positional"],
        serde_json::json!([-5, "text", "a", "b"])
    );
    let named: Vec<(&str, String)> = arguments["named"]
        .as_array()
        .expect("flags")
        .iter()
        .map(|flag| {
            (
                flag["name"].as_str().expect("a name"),
                flag["value"].to_string(),
            )
        })
        .collect();
    let expected = [
        ("switch", "null"),
        ("count", "7"),
        ("rate", "1.5"),
        ("size", "10000"),
        ("wait", "5000000000"),
        ("when", "\"2024-01-02T00:00:00Z\""),
        ("range", "[1,2,3]"),
        ("cell", "\"$.a.0\""),
        ("any", "[1]"),
        ("paths", "[\"/usr/x\"]"),
    ];
    assert_eq!(
        named,
        expected.map(|(name, value)| (name, value.to_owned()))
    );
}

#[test]
fn plugins_reach_the_callers_surroundings() {
    assert_eq!(
        Cli::run(REF, "ref engine env MARK")
            .variable("MARK", "seen")
            .out(),
        "seen"
    );
    assert_eq!(
        Cli::run(REF, "ref engine cwd")
            .directory("/usr".as_ref())
            .out(),
        "/usr"
    );
    assert_eq!(Cli::run(REF, "ref engine span-contents word").out(), "word");
    assert!(Cli::run(REF, "ref engine help").out().contains("Usage:"));
    let printed = Cli::run(REF, "ref print hello").end();
    assert_eq!(
        (printed.code, printed.out.as_str(), printed.err.as_str()),
        (Some(0), "", "hello\n")
    );
}

#[test]
fn what_is_lost_silently_elsewhere_is_an_error_with_its_place() {
    for (from, input, expected) in [
        (
            "msgpack",
            &b"\xc1\xc1\xc1"[..],
            "not MessagePack: byte 0: c1 begins no value",
        ),
        (
            "csv",
            b"a,a\n1,2\n",
            "not CSV: line 1: the columns 1 and 2 have the same name, `a`",
        ),
        (
            "csv",
            b"a\n1\n\"2\n3\n",
            "not CSV: line 3: a quote is opened here that is never closed",
        ),
    ] {
        let ran = Cli::run_with(REF, &["--from", from], "ref echo")
            .input(input)
            .end();
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.err.contains(expected), "{ran:?}");
    }
}

#[test]
fn a_byte_order_mark_is_left_out_where_it_is_no_content() {
    for (from, input, expected) in [
        ("json", "\u{feff}[1]", "1\n"),
        ("ndjson", "\u{feff}1\n2\n", "1\n2\n"),
        ("csv", "\u{feff}a\n1\n", "{\"a\":1}\n"),
        ("lines", "\u{feff}x\n\u{feff}y\n", "\"x\"\n\"\u{feff}y\"\n"),
        ("raw", "\u{feff}x\n", "\u{feff}x\n"),
        ("text", "\u{feff}x\ny\n", "\u{feff}x\ny\n"),
    ] {
        let bytes = Cli::run_with(REF, &["--from", from], "ref echo")
            .input(input)
            .bytes();
        assert_eq!(String::from_utf8_lossy(&bytes), expected, "{from}");
    }
}
