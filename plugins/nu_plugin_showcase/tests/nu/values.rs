//! Every type out and in, as Nushell itself writes it.

use super::PLUGIN;
use super::shell::in_every_version;

/// What `showcase values` has, and how Nushell's language writes the same.
const LITERALS: [(&str, &str); 27] = [
    ("nothing", "null"),
    ("bool", "true"),
    ("int", "42"),
    ("int-min", "-9223372036854775808"),
    ("int-max", "9223372036854775807"),
    ("float", "-1.5"),
    ("float-whole", "2.0"),
    ("float-tiny", "1.0e-12"),
    ("string", "\"a \\\"quoted\\\"\\n€ 😀\""),
    ("string-empty", "''"),
    ("filesize", "1_500_000b"),
    ("filesize-negative", "-2048b"),
    ("duration", "90061000000001ns"),
    ("date", "2024-02-29T12:30:15.250+02:00"),
    ("range", "1..5"),
    ("range-step", "10..8..<0"),
    ("range-endless", "3.."),
    ("range-float", "0.5..1.0..2.0"),
    ("record", "{a: 1, b: x}"),
    ("record-empty", "{}"),
    ("list", "[1 two null]"),
    ("list-empty", "[]"),
    ("table", "[[a b]; [1 x] [2 y]]"),
    ("nested", "{list: [[a b]; [3 z]]}"),
    ("binary", "0x[00 7f 80 ff]"),
    ("binary-empty", "0x[]"),
    ("cell-path", "$.a?.3.\"b c\""),
];

#[test]
fn every_type_is_what_nushell_writes() {
    in_every_version(PLUGIN, |shell| {
        for then in ["", " | describe"] {
            let native = shell.values(
                LITERALS
                    .map(|(_, literal)| format!("({literal}){then}"))
                    .iter()
                    .map(String::as_str),
            );
            let out =
                LITERALS.map(|(name, _)| format!("(let v = showcase values {name}; $v){then}"));
            let out = out.map(|line| {
                line.replace("(let v = ", "do { let v = (")
                    .replace("; $v)", "); $v }")
            });
            let out = shell.values(out.iter().map(String::as_str));
            let echoed = LITERALS.map(|(_, literal)| {
                format!("do {{ let v = (({literal}) | showcase echo); $v }}{then}")
            });
            let echoed = shell.values(echoed.iter().map(String::as_str));
            for (((name, _), native), (out, echoed)) in
                LITERALS.iter().zip(&native).zip(out.iter().zip(&echoed))
            {
                assert_eq!(out, native, "out, 0.{}: {name}{then}", shell.minor);
                assert_eq!(
                    echoed, native,
                    "in and out, 0.{}: {name}{then}",
                    shell.minor
                );
            }
            assert_eq!(native.len(), LITERALS.len());
        }
    });
}

#[test]
fn the_table_here_has_every_type_that_the_showcase_has() {
    in_every_version(PLUGIN, |shell| {
        let names = shell.values(["showcase values | columns | str join ','"]);
        let mut known: Vec<_> = LITERALS.iter().map(|(name, _)| *name).collect();
        // No literal is a glob.
        known.insert(10, "glob");
        assert_eq!(names[0].trim_matches('"'), known.join(","));
    });
}
