//! Shapes made of shapes, anything, and what cannot be written at all.

use pegboard_protocol::nu::{DeclId, SyntaxShape as S};

use super::shapes::check;

#[test]
fn structures_are_json() {
    let list = S::List(Box::new(S::Int));
    check(
        &list,
        &[
            ("[1, 2]", "list [1, 2]"),
            ("[]", "list []"),
            (r#"["0x10"]"#, "list [16]"),
            (
                "[1, x]",
                "! expected a list as JSON, such as [1, 2]; expected value at character 5",
            ),
            (
                r#"[1, "x"]"#,
                "! in item 1: expected an integer, such as 5 or 0x1f",
            ),
            (
                "[1.5]",
                "! in item 0: expected an integer, such as 5 or 0x1f, not 1.5",
            ),
            (
                "[[1]]",
                "! in item 0: expected an integer, such as 5 or 0x1f, not a list",
            ),
            ("1", "! expected a list as JSON, such as [1, 2], not 1"),
            ("one", "! expected a list as JSON, such as [1, 2]"),
            (
                r#""[1]""#,
                "! expected a list as JSON, such as [1, 2], not \"[1]\"",
            ),
        ],
    );
    check(
        &S::List(Box::new(S::Filepath)),
        &[(r#"["a", "/b"]"#, r#"list ["/srv/here/a", "/b"]"#)],
    );
    check(
        &S::List(Box::new(S::Filesize)),
        &[(r#"["1kb", 5]"#, "list [1kb, 5b]")],
    );
    let fields = vec![("size".to_owned(), S::Filesize), ("list".to_owned(), list)];
    check(
        &S::Record(fields.clone()),
        &[
            (
                r#"{"size": "1kb", "list": [1], "more": null}"#,
                "record {size: 1kb, list: [1], more: null}",
            ),
            (
                r#"{"size": "1kb"}"#,
                "! the record lacks the field `list`, a list",
            ),
            (
                r#"{"size": true, "list": []}"#,
                "! in `size`: expected a size, such as 10kb or 1.5MiB, not true",
            ),
        ],
    );
    check(
        &S::Table(fields),
        &[
            (
                r#"[{"size": "1kb", "list": []}]"#,
                "list [{size: 1kb, list: []}]",
            ),
            (
                r#"{"size": 1}"#,
                "! expected a table as JSON, such as [{\"a\": 1}], not a record",
            ),
        ],
    );
    check(
        &S::Record(Vec::new()),
        &[
            (r#"{"a": [1, {"b": "c"}]}"#, r#"record {a: [1, {b: "c"}]}"#),
            (
                "{a: 1}",
                "! expected a record as JSON, such as {\"a\": 1}; key must be a string at character 2",
            ),
        ],
    );
}

#[test]
fn the_first_that_fits() {
    check(
        &S::OneOf(vec![S::Int, S::Duration, S::List(Box::new(S::Int))]),
        &[
            ("5", "int 5"),
            ("5sec", "duration 5000000000"),
            ("[5]", "list [5]"),
            (
                "x",
                "! expected an integer (5 or 0x1f), a duration (5sec, 1.5hr or 250ms) or a list as JSON ([1, 2])",
            ),
        ],
    );
    check(
        &S::CompleterWrapper(Box::new(S::Int), DeclId(1)),
        &[("5", "int 5")],
    );
}

#[test]
fn anything_is_what_it_looks_like() {
    for shape in [S::Any, S::Unknown("Novel".to_owned())] {
        check(
            &shape,
            &[
                ("5", "int 5"),
                ("-5", "int -5"),
                ("1.5", "float 1.5"),
                ("true", "bool true"),
                ("null", "nothing null"),
                ("10kb", "filesize 10000"),
                ("5sec", "duration 5000000000"),
                ("2024-01-02", "datetime 2024-01-02T00:00:00+00:00"),
                ("1..5", "range 1..5"),
                ("[1, \"a\"]", "list [1, \"a\"]"),
                ("{\"a\": 1}", "record {a: 1}"),
                ("0x[ff]", "binary 0x[ff]"),
                ("$.a.b", "cell-path $.a.b"),
                ("\"5\"", "string 5"),
                ("..", "string .."),
                ("1..", "string 1.."),
                ("../x", "string ../x"),
                ("[abc]", "string [abc]"),
                ("inf", "string inf"),
                ("1.2.3", "string 1.2.3"),
                ("hello", "string hello"),
                ("-", "string -"),
                ("", "string "),
            ],
        );
    }
}

#[test]
fn what_only_nushell_can_write() {
    for (shape, name) in [
        (S::Block, "Block"),
        (S::RowCondition, "RowCondition"),
        (S::MathExpression, "MathExpression"),
        (S::MatchBlock, "MatchBlock"),
        (S::Expression, "Expression"),
        (S::ImportPattern, "ImportPattern"),
        (S::Operator, "Operator"),
        (S::Signature, "Signature"),
        (S::ExternalSignature, "ExternalSignature"),
        (S::VarWithOptType, "VarWithOptType"),
        (S::Error, "Error"),
    ] {
        let label =
            format!("! what has the shape {name} can be written only in Nushell's own language");
        check(&shape, &[("x", &label)]);
    }
    check(
        &S::Closure(None),
        &[("{ 1 }", "! expected a closure, such as { COMMAND ARGS }")],
    );
}
