//! Whole lines: flags, positional arguments, and what is wrong with them.

use pegboard_protocol::nu::{Signature, SyntaxShape};
use pegboard_protocol::{Span, Spanned};

use super::{argument, caller, demo, flag, words};
use crate::literal::literal;
use crate::parse_arguments;

/// The arguments of a line, or the error with the words that its label is on.
fn read(signature: &Signature, line: &str) -> String {
    let start = 100;
    let head = Span::new(start, start + 4);
    let words = words(start, line);
    match parse_arguments(signature, head, &words[1..], &caller()) {
        Ok(call) => {
            assert_eq!(call.head, head);
            let positional = call.positional.iter().map(|value| literal(value, 80));
            let named = call.named.iter().map(|(name, value)| match value {
                Some(value) => format!("{}={}", name.item, literal(value, 80)),
                None => name.item.clone(),
            });
            let named: Vec<_> = named.collect();
            format!(
                "{} | {}",
                positional.collect::<Vec<_>>().join(" "),
                named.join(" ")
            )
        }
        Err(error) => {
            assert!(
                error
                    .help
                    .as_deref()
                    .is_some_and(|help| help.contains("usage: demo")),
                "{error:?}"
            );
            let label = &error.labels[0];
            let at = [label.span.start, label.span.end].map(|at| (at - start) as usize);
            let at = &line[at[0]..at[1]];
            format!("! {} [{at}: {}]", error.msg, label.text)
        }
    }
}

fn check(signature: &Signature, rows: &[(&str, &str)]) {
    for (line, result) in rows {
        assert_eq!(read(signature, line), *result, "{line}");
    }
}

#[test]
fn positional_arguments() {
    check(
        &demo(),
        &[
            ("demo 5", "5 | "),
            ("demo 5 x", "5 \"x\" | "),
            ("demo 5 x a /b", "5 \"x\" \"/srv/here/a\" \"/b\" | "),
            ("demo -5 x", "-5 \"x\" | "),
            ("demo 5 -- -x --all", "5 \"-x\" \"/srv/here/--all\" | "),
            ("demo 5 -", "5 \"-\" | "),
            (
                "demo",
                "! `demo` lacks the argument `count` [demo: needs `count`: an integer]",
            ),
            (
                "demo five",
                "! the argument `count` must be an integer [five: expected an integer, such as 5 or 0x1f]",
            ),
        ],
    );
    let none = Signature {
        name: "demo".to_owned(),
        ..Signature::default()
    };
    check(
        &none,
        &[
            ("demo", " | "),
            ("demo x", "! `demo` takes no arguments [x: one too many]"),
        ],
    );
    let two = Signature {
        required_positional: vec![
            argument("a", SyntaxShape::Any),
            argument("b", SyntaxShape::Any),
        ],
        ..none
    };
    check(
        &two,
        &[
            (
                "demo",
                "! `demo` lacks the arguments `a` and `b` [demo: needs `a`: any value]",
            ),
            (
                "demo 1",
                "! `demo` lacks the argument `b` [demo: needs `b`: any value]",
            ),
            (
                "demo 1 2 3",
                "! `demo` takes only 2 arguments [3: one too many]",
            ),
        ],
    );
}

#[test]
fn flags() {
    check(
        &demo(),
        &[
            ("demo 5 --all", "5 | all"),
            ("demo --all 5", "5 | all"),
            (
                "demo --all=true --brief=false 5",
                "5 | all=true brief=false",
            ),
            ("demo -ab 5", "5 | all brief"),
            ("demo -abl 3 5", "5 | all brief level=3"),
            ("demo -l 3 5", "5 | level=3"),
            ("demo -l=3 5", "5 | level=3"),
            ("demo -l3 5", "5 | level=3"),
            ("demo -abl-3 5", "5 | all brief level=-3"),
            ("demo --level 3 5", "5 | level=3"),
            ("demo --level=3 5", "5 | level=3"),
            ("demo --level -3 5", "5 | level=-3"),
            ("demo --text --any 5", "5 | text=\"--any\""),
            ("demo --text= 5", "5 | text=\"\""),
            ("demo --text=a=b 5", "5 | text=\"a=b\""),
            ("demo -z 5", "5 | z"),
            ("demo 5 -l 1 -l 2", "5 | level=1 level=2"),
        ],
    );
}

#[test]
fn wrong_flags() {
    check(
        &demo(),
        &[
            (
                "demo 5 --al",
                "! `demo` has no flag `--al` [--al: did you mean `--all`?]",
            ),
            (
                "demo 5 --levle=3",
                "! `demo` has no flag `--levle` [--levle: did you mean `--level`?]",
            ),
            (
                "demo 5 --unheard-of",
                "! `demo` has no flag `--unheard-of` [--unheard-of: unknown flag]",
            ),
            ("demo 5 -x", "! `demo` has no flag `-x` [-x: unknown flag]"),
            ("demo 5 -axb", "! `demo` has no flag `-x` [x: unknown flag]"),
            ("demo 5 -5", "! `demo` has no flag `-5` [-5: unknown flag]"),
            (
                "demo 5 --level",
                "! `--level` lacks its value [--level: needs an integer]",
            ),
            (
                "demo 5 --level --all",
                "! `--level` lacks its value [--level: needs an integer]",
            ),
            (
                "demo 5 -l -a",
                "! `--level` lacks its value [-l: needs an integer]",
            ),
            (
                "demo 5 -la 3",
                "! the value of `--level` must be an integer [a: expected an integer, such as 5 or 0x1f]",
            ),
            (
                "demo 5 --level=x",
                "! the value of `--level` must be an integer [x: expected an integer, such as 5 or 0x1f]",
            ),
            (
                "demo 5 --all=maybe",
                "! `--all` is a switch: it takes no value but true or false [maybe: expected true or false]",
            ),
        ],
    );
}

#[test]
fn required_flags() {
    let mut signature = demo();
    signature.named[2].required = true;
    check(
        &signature,
        &[
            ("demo 5 -l 1", "5 | level=1"),
            (
                "demo 5",
                "! `demo` lacks the flag `--level` [demo: needs `--level`]",
            ),
        ],
    );
}

#[test]
fn help_needs_nothing_else() {
    check(
        &demo(),
        &[
            ("demo --help", " | help"),
            ("demo -h", " | help"),
            ("demo five --help", " | help"),
            ("demo 5 --levle -h", " | help"),
            ("demo 5 x -- --help", "5 \"x\" \"/srv/here/--help\" | "),
        ],
    );
    let without = Signature {
        name: "demo".to_owned(),
        ..Signature::default()
    };
    check(
        &without,
        &[
            ("demo --help", " | help"),
            ("demo -h", "! `demo` has no flag `-h` [-h: unknown flag]"),
        ],
    );
    let own = Signature {
        named: vec![flag("help", None, Some(SyntaxShape::Int))],
        ..without
    };
    check(&own, &[("demo --help 5", " | help=5")]);
}

#[test]
fn unknown_arguments_are_passed_on_where_that_is_allowed() {
    let signature = Signature {
        allows_unknown_args: true,
        ..demo()
    };
    check(
        &signature,
        &[(
            "demo 5 --what=1 -x y -a",
            "5 \"--what=1\" \"-x\" \"/srv/here/y\" | all",
        )],
    );
    let bare = Signature {
        name: "demo".to_owned(),
        allows_unknown_args: true,
        ..Signature::default()
    };
    check(&bare, &[("demo -5 x --what", "-5 \"x\" \"--what\" | ")]);
}

#[test]
fn keywords() {
    let shape = SyntaxShape::Keyword(b"in".to_vec(), Box::new(SyntaxShape::Int));
    let signature = Signature {
        name: "demo".to_owned(),
        required_positional: vec![argument("name", SyntaxShape::String)],
        optional_positional: vec![argument("range", shape)],
        ..Signature::default()
    };
    check(
        &signature,
        &[
            ("demo x in 5", "\"x\" 5 | "),
            ("demo x", "\"x\" | "),
            (
                "demo x on 5",
                "! the argument `range` must be the word `in` and an integer [on: expected the word `in`]",
            ),
            (
                "demo x in",
                "! nothing follows the word `in` [in: expected a value behind it]",
            ),
            (
                "demo x in y",
                "! the argument `range` must be the word `in` and an integer [y: expected an integer, such as 5 or 0x1f]",
            ),
        ],
    );
}

#[test]
fn places() {
    let line = words(10, "demo -al=3 5");
    let call = parse_arguments(&demo(), line[0].span, &line[1..], &caller()).expect("a good line");
    let named: Vec<_> = call
        .named
        .iter()
        .map(|(name, value)| (name.span, value.as_ref().map(|v| v.span())))
        .collect();
    assert_eq!(
        named,
        [
            (Span::new(16, 17), None),
            (Span::new(17, 18), Some(Span::new(19, 20)))
        ]
    );
    // A word that had to be quoted in the text is one piece.
    let quoted = [Spanned::new("--level=x y".to_owned(), Span::new(5, 18))];
    let error =
        parse_arguments(&demo(), Span::UNKNOWN, &quoted, &caller()).expect_err("no integer");
    assert_eq!(error.labels[0].span, Span::new(5, 18));
}

#[test]
fn no_line_makes_it_panic() {
    let pieces = [
        "", "-", "--", "=", "a", "5", "é", "-a", "l", ".", "[", "0x", "\u{0}",
    ];
    for first in pieces {
        for second in pieces {
            for third in pieces {
                let word = format!("{first}{second}{third}");
                for span in [
                    Span::UNKNOWN,
                    Span::new(3, 3 + word.len() as u64),
                    Span::new(9, 2),
                ] {
                    let words = [
                        Spanned::new(word.clone(), span),
                        Spanned::new(word.clone(), span),
                    ];
                    let _ = parse_arguments(&demo(), span, &words, &caller());
                }
            }
        }
    }
}
