//! What goes in and comes out, in every format.

use crate::support::{Cli, json};

const REF: &str = "nu_plugin_reference";

#[test]
fn input_is_what_it_is_said_to_be() {
    for (from, input, kind) in [
        ("json", "5", "value"),
        ("json", "[1, 2]", "value"),
        ("json", "1\n2\n", "list stream"),
        ("json", "", "empty"),
        ("text", "x\n", "value"),
        ("text", "x\ny\n", "byte stream"),
        ("raw", "x", "byte stream"),
    ] {
        let out = Cli::run_with(REF, &["--from", from, "--to", "json"], "ref describe")
            .input(input)
            .out();
        assert_eq!(json(&out)["kind"], kind, "{from} {input:?}");
    }
    // Without being told: nothing from the null device, bytes from a pipe.
    assert_eq!(json(&Cli::run(REF, "ref describe").out())["kind"], "empty");
    assert_eq!(
        json(&Cli::run(REF, "ref describe").input("x").out())["kind"],
        "byte stream"
    );
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
    ] {
        assert_eq!(
            Cli::run_with(REF, &["--to", to], line).out(),
            expected,
            "{to} {line}"
        );
    }
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
