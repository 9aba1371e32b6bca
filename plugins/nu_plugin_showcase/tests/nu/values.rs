//! Every type out and in, as Nushell itself writes it.

use super::PLUGIN;
use super::shell::{Shell, case, in_every_version};

/// What `showcase values` has, and how Nushell's language writes the same.
const LITERALS: [(&str, &str); 39] = [
    ("nothing", "null"),
    ("bool", "true"),
    ("int", "42"),
    ("int-min", "-9223372036854775808"),
    ("int-max", "9223372036854775807"),
    ("float", "-1.5"),
    ("float-whole", "2.0"),
    ("float-tiny", "1.0e-12"),
    ("float-zero", "-0.0"),
    ("float-infinite", "infinity"),
    ("string", "\"a \\\"quoted\\\"\\n€ 😀\""),
    ("string-empty", "''"),
    ("glob", "'*.rs' | into glob"),
    (
        "glob-quoted",
        "do { def given [x: glob] { $x }; given '*.rs' }",
    ),
    ("filesize", "1_500_000b"),
    ("filesize-negative", "-2048b"),
    ("duration", "90061000000001ns"),
    ("duration-negative", "-1ns"),
    ("date", "2024-02-29T12:30:15.250+02:00"),
    ("date-utc", "2024-02-29T12:30:15Z"),
    ("date-fine", "2024-02-29T12:30:15.123456789-05:30"),
    ("range", "1..5"),
    ("range-excluded", "1..<5"),
    ("range-step", "10..8..<0"),
    ("range-endless", "3.."),
    ("range-float", "0.5..1.0..2.0"),
    ("range-float-down", "2.0..1.5..<0.0"),
    ("range-float-endless", "0.5.."),
    ("record", "{a: 1, b: x}"),
    ("record-empty", "{}"),
    ("record-names", "{'': 1, 'a b': 2, '1': 3}"),
    ("list", "[1 two null]"),
    ("list-empty", "[]"),
    ("table", "[[a b]; [1 x] [2 y]]"),
    ("table-uneven", "[{a: 1} {b: 1}]"),
    ("nested", "{list: [[a b]; [3 z]]}"),
    ("binary", "0x[00 7f 80 ff]"),
    ("binary-empty", "0x[]"),
    ("cell-path", "$.a?.3.\"b c\""),
];
/// The same for what versions before 0.105 cannot say: names in any case.
const ANY_CASE: (&str, &str) = ("cell-path-any-case", "$.A!.b!?");

/// What to make a value of, and the three ways in which Nushell writes it: as a notation, its type, and in a table.
fn shown(source: &str) -> String {
    format!("do {{ let v = ({source}); [($v | to nuon) ($v | describe) ({{v: $v}} | table -e)] }}")
}

/// Compares what lines of a plugin give with what Nushell's own give, in one process.
fn same(shell: &Shell, environment: &[(&str, &str)], lines: &[(String, String)]) {
    let both = lines.iter().flat_map(|(own, ours)| [own, ours]);
    let values = shell.values_in(environment, both.map(String::as_str));
    assert_eq!(values.len(), lines.len() * 2, "0.{}", shell.minor);
    for (pair, (own, ours)) in values.chunks(2).zip(lines) {
        assert!(
            !pair[0].starts_with("ERROR"),
            "0.{}: {own}: {}",
            shell.minor,
            pair[0]
        );
        assert_eq!(pair[1], pair[0], "0.{}: {ours}", shell.minor);
    }
}

/// The ways of every value through a plugin, each with Nushell's own notation for what comes out.
fn ways(known: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for (name, literal) in known {
        for ours in [
            format!("showcase values {name}"),
            format!("({literal}) | showcase echo"),
            // As an argument, to a closure and back.
            format!("showcase eval {{|x| $x}} ({literal})"),
        ] {
            lines.push((shown(literal), shown(&ours)));
        }
    }
    // As the items of a stream.
    let items = known.iter().map(|(_, literal)| format!("({literal}), "));
    let stream = format!("[{}] | each {{|v| $v}}", items.collect::<String>());
    lines.push((shown(&stream), shown(&format!("{stream} | showcase echo"))));
    lines
}

fn known(shell: &Shell) -> Vec<(&'static str, &'static str)> {
    let any_case = (shell.minor >= 105).then_some(ANY_CASE);
    LITERALS.into_iter().chain(any_case).collect()
}

#[test]
fn every_type_is_what_nushell_writes_in_json() {
    in_every_version(PLUGIN, |shell| {
        let json = [("SHOWCASE_JSON", "1")];
        let mut known = known(shell);
        // JSON has no such number.
        known.retain(|(name, _)| *name != "float-infinite");
        same(shell, &json, &ways(&known));
        let refused = shell.values_in(
            &json,
            [
                "showcase values float-infinite",
                // Nushell writes something that is no number; it cannot be understood, and the next one starts anew.
                "infinity | showcase echo",
                "showcase numbers 2",
            ],
        );
        assert!(
            refused[0].starts_with("ERROR JSON has no form for the float inf"),
            "{refused:?}"
        );
        assert!(
            refused[1].starts_with("ERROR Failed to receive response"),
            "{refused:?}"
        );
        assert_eq!(refused[2], "[0, 1]", "0.{}", shell.minor);
    });
}

#[test]
fn every_type_is_what_nushell_writes() {
    in_every_version(PLUGIN, |shell| {
        let mut lines = ways(&known(shell));
        lines.push((shown("nan"), shown("nan | showcase echo")));
        same(shell, &[], &lines);
        if shell.minor < 105 {
            // What these versions cannot say is left out: their `get` never minds the case.
            shell.check(&[
                case("showcase values cell-path-any-case", "$.A.b*"),
                case(
                    "{a: {B: 1}} | get (showcase values cell-path-any-case)",
                    "1",
                ),
            ]);
        }
        // `ls` expands a glob and takes a quoted one as a name.
        std::fs::write(shell.home.join("a.rs"), "").expect("a file");
        shell.check(&[
            case("ls (showcase values glob) | length", "1"),
            case("ls ('*.rs' | into glob | showcase echo) | length", "1"),
            case(
                "ls (showcase values glob-quoted)",
                "ERROR No matches found*",
            ),
            case(
                "ls (do { def given [x: glob] { $x }; given '*.rs' } | showcase echo)",
                "ERROR No matches found*",
            ),
        ]);
    });
}

#[test]
fn the_table_here_has_every_type_that_the_showcase_has() {
    in_every_version(PLUGIN, |shell| {
        let names = shell.values(["showcase values | columns | str join ','"]);
        let known = LITERALS.iter().chain([&ANY_CASE]);
        let known: Vec<_> = known.map(|(name, _)| *name).collect();
        assert_eq!(names[0].trim_matches('"'), known.join(","));
    });
}
