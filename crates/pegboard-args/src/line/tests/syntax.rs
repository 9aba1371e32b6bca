//! Texts taken apart.

use proptest::prelude::*;

use super::{START, at, show_error};
use crate::Word;
use crate::line::{Block, Pipeline, read};

/// The words of a text: `bare`, `'quoted'`, `[list]`, `{field: value}`, `<closure>`, with ` | ` between stages.
fn show(text: &str, pipeline: &Pipeline) -> String {
    let stages = pipeline.stages.iter().map(|stage| {
        let words: Vec<_> = stage
            .words
            .iter()
            .map(|word| show_word(text, word))
            .collect();
        let (first, last) = (stage.words[0].span(), stage.words[words.len() - 1].span());
        assert_eq!((stage.span.start, stage.span.end), (first.start, last.end));
        words.join(" ")
    });
    stages.collect::<Vec<_>>().join(" | ")
}

fn show_word(text: &str, word: &Word) -> String {
    let written = at(text, word.span());
    match word {
        Word::Shell(_) => unreachable!("no shell was there"),
        Word::Bare(bare) => {
            assert_eq!(bare.item, written, "{text}");
            bare.item.clone()
        }
        Word::Quoted(quoted) => {
            assert!(
                written.starts_with(['"', '\'', '`', 'r']) && written.len() >= 2,
                "{text}"
            );
            format!("'{}'", quoted.item)
        }
        Word::Assigned(assigned) => {
            assert_eq!(assigned.raw.item, written, "{text}");
            let value = show_word(text, &assigned.value);
            format!("{}={value}", &written[..assigned.name])
        }
        Word::List(items, _) => {
            let items: Vec<_> = items.iter().map(|item| show_word(text, item)).collect();
            format!("[{}]", items.join(", "))
        }
        Word::Record(fields, _) => {
            let field = |(name, value): &(_, _)| -> String {
                let name: &pegboard_protocol::Spanned<String> = name;
                format!("{}: {}", name.item, show_word(text, value))
            };
            let fields: Vec<_> = fields.iter().map(field).collect();
            format!("{{{}}}", fields.join(", "))
        }
        Word::Closure(block) => show_block(text, block),
    }
}

fn show_block(text: &str, block: &Block) -> String {
    let written = at(text, block.span);
    assert!(written.starts_with('{') && written.ends_with('}'), "{text}");
    let names: Vec<_> = block
        .parameters
        .iter()
        .map(|name| name.item.as_str())
        .collect();
    format!("<{}/ {}>", names.join(" "), show(text, &block.pipeline))
}

fn check(rows: &[(&str, &str)]) {
    for (text, expected) in rows {
        let shown = match read(text, START) {
            Ok(pipeline) => show(text, &pipeline),
            Err(error) => show_error(text, &error),
        };
        assert_eq!(shown, *expected, "{text}");
    }
}

#[test]
fn stages_and_words() {
    check(&[
        ("words count", "words count"),
        (
            "\"a b\" | words count --top 2 -i",
            "'a b' | words count --top 2 -i",
        ),
        ("a|b|c", "a | b | c"),
        ("a\n| b # why\n  | c\n", "a | b | c"),
        ("a |\n b", "a | b"),
        ("# first\na", "a"),
        ("a;", "a"),
        ("a#b", "a#b"),
        ("größe größer|x", "größe größer | x"),
        ("a --x=5 --y='b c' -z=[1]", "a --x=5 --y='b c' -z=[1]"),
        ("a x='b c'", "a x='b c'"),
        (
            "a *.{rs,toml} 0x[ff 00] http://x/y?z",
            "a *.{rs,toml} 0x[ff 00] http://x/y?z",
        ),
        ("get $.a.0 \"b c\".d?", "get $.a.0 \"b c\".d?"),
        ("", "! there is nothing to be done [: empty]"),
        (
            " # only this",
            "! there is nothing to be done [ # only this: empty]",
        ),
        (
            "a | | b",
            "! a stage of the pipeline is empty [|: nothing comes before this]",
        ),
        (
            "| a",
            "! a stage of the pipeline is empty [|: nothing comes before this]",
        ),
        (
            "a |",
            "! a stage of the pipeline is empty [|: nothing comes behind this]",
        ),
        (
            "a | \n",
            "! a stage of the pipeline is empty [|: nothing comes behind this]",
        ),
        (
            "a; b",
            "! there may be only one pipeline [b: this begins another one]",
        ),
        (
            "a\nb",
            "! there may be only one pipeline [b: the next line begins another one]",
        ),
        (
            "a )",
            "! a bracket is closed that was not opened [): too much]",
        ),
        (
            "a ]]",
            "! a bracket is closed that was not opened []: too much]",
        ),
    ]);
}

#[test]
fn quotes() {
    check(&[
        (r#""a\tb\"\\\u{e9}\x41" "#, "'a\tb\"\\éA'"),
        ("'a\\n\"b'", "'a\\n\"b'"),
        ("`a b`", "'a b'"),
        ("r#'it's \"raw\"'#", "'it's \"raw\"'"),
        ("r##'a'#b'##", "'a'#b'"),
        ("\"\"", "''"),
        ("\"two\nlines\" | a", "'two\nlines' | a"),
        ("rest", "rest"),
        (
            "\"a",
            "! a text is not closed [\": there is no `\"` to this]",
        ),
        (
            "\"a\\",
            "! a text is not closed [\": there is no `\"` to this]",
        ),
        (
            "a 'é",
            "! a text is not closed [': there is no `'` to this]",
        ),
        (
            "r#'a'",
            "! a text is not closed [r#': there is no `'#` to this]",
        ),
        (
            "\"a\\qb\"",
            "! an unknown escape sequence [\\q: write `\\\\` for a backslash]",
        ),
        (
            "\"\\x4\"",
            "! an unknown escape sequence [\\x4: write `\\\\` for a backslash]",
        ),
        (
            "\"\\u{d800}\"",
            "! an unknown escape sequence [\\u{d800: write `\\\\` for a backslash]",
        ),
        (
            "\"a\"b",
            "! a blank is missing [b: this stands right behind a closing quote or bracket]",
        ),
    ]);
}

#[test]
fn lists_and_records() {
    check(&[
        ("[1 2, 3]", "[1, 2, 3]"),
        ("[]", "[]"),
        ("[\n  a # one\n  'b'\n]", "[a, 'b']"),
        ("[[1] [2 [3]]]", "[[1], [2, [3]]]"),
        (
            "[[a 'b c']; [1 2] [3, 4]]",
            "[{a: 1, b c: 2}, {a: 3, b c: 4}]",
        ),
        ("[[a]; ]", "[]"),
        ("{a: 1, \"b c\": [x]\n d:'e'}", "{a: 1, b c: [x], d: 'e'}"),
        ("{}", "{}"),
        ("{a:{b:1}}", "{a: {b: 1}}"),
        ("{at: 2024-01-01T10:00:00Z}", "{at: 2024-01-01T10:00:00Z}"),
        (
            "[1 2",
            "! a list is not closed [[: there is no `]` to this]",
        ),
        (
            "[1 | 2]",
            "! a list has no stages [|: this has no place in it]",
        ),
        (
            "[1 }",
            "! a list is not closed [}: a separator or `]` is needed before this]",
        ),
        (
            "[[a b]; [1]]",
            "! a row does not fit its table [[1]: this has 1 fields, the table has 2 columns]",
        ),
        (
            "[[a b]; 1]",
            "! a row of a table must be a list [1: this is none]",
        ),
        (
            "[[[a]]; [1]]",
            "! the name of a column must be text [[a]: this is none]",
        ),
        (
            "{a: 1, b}",
            "! a field lacks its value [b: a `:` and a value are needed behind this]",
        ),
        (
            "{a: }",
            "! a field lacks its value [a: a value is needed behind this]",
        ),
        (
            "{a: 1",
            "! a record is not closed [{: there is no `}` to this]",
        ),
        (
            "{a: 1, [b]: 2}",
            "! the name of a field must be text [[: this is none]",
        ),
        (
            "a x[1",
            "! a bracket is not closed [[: there is no `]` to this]",
        ),
        (
            "a x[1}",
            "! brackets are closed in the wrong order [[: inside of this]",
        ),
    ]);
}

#[test]
fn closures() {
    check(&[
        (
            "a { words upper | words count }",
            "a </ words upper | words count>",
        ),
        ("a {|x, y| b }", "a <x y/ b>"),
        ("a {|| b }", "a </ b>"),
        ("a { }", "a {}"),
        ("a {|x|}", "a <x/ >"),
        ("a { 'b' | c {a: 1} { d } }", "a </ 'b' | c {a: 1} </ d>>"),
        ("a {\n  # why\n  b\n}", "a </ b>"),
        (
            "a { b",
            "! a closure is not closed [{: there is no `}` to this]",
        ),
        (
            "a {|x",
            "! the list of parameters is not closed [{: there is no `|` to this]",
        ),
        (
            "a {|'x'| b}",
            "! a parameter must be a name [': this is none]",
        ),
        (
            "a { b ]",
            "! a closure is not closed []: a separator or `}` is needed before this]",
        ),
        (
            "a { b; c }",
            "! there may be only one pipeline [c: this begins another one]",
        ),
    ]);
}

#[test]
fn what_only_nushell_can_read() {
    let only = |what: &str, place: &str| {
        format!("! {what} can be used only in Nushell's own language [{place}: this]")
    };
    for (text, what, place) in [
        ("a $x", "a variable", "$"),
        ("$\"a\"", "an interpolated text", "$"),
        ("(1 + 2)", "a subexpression", "("),
        ("a b(1)", "a subexpression", "("),
        ("a ...[1]", "a spread operator", "."),
        ("a || b", "the operator `||`", "||"),
        ("a o> file", "a redirection", "o>"),
        ("a out+err>> file", "a redirection", "out+err>>"),
        ("a {|x: int| b}", "the type of a parameter", ":"),
    ] {
        check(&[(text, &only(what, place))]);
        let error = read(text, START).expect_err(text);
        assert_eq!(error.code.as_deref(), Some(crate::line::NUSHELL_ONLY));
    }
}

#[test]
fn brackets_have_a_depth() {
    for (open, close) in [("[", "]"), ("{a: ", "}"), ("{ a ", "}"), ("{ a{", "}}")] {
        let nested = |depth: usize| format!("x {}1{}", open.repeat(depth), close.repeat(depth));
        read(&nested(60), START).expect(open);
        if open != "{ a{" {
            let error = read(&nested(100_000), START).expect_err(open);
            assert_eq!(error.msg, "brackets may be nested 64 deep");
        }
    }
}

proptest! {
    /// Whatever the text, there is an answer, and all its places are places in the text.
    #[test]
    fn any_text_is_read_or_refused(text in any_text()) {
        match read(&text, START) {
            Ok(pipeline) => drop(show(&text, &pipeline)),
            Err(error) => drop(show_error(&text, &error)),
        }
    }
}

/// Any characters, and pieces that mean something.
pub(super) fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<char>().prop_map(String::from),
        proptest::sample::select(vec![
            "a", "é", " ", "\n", "|", "[", "]", "{", "}", "(", ")", "\"", "'", "`", "r#'", "'#",
            "#", ",", ";", ":", "$", "$.", "\\", "--x=", "-", "1", "..", "0x[", "=", ".",
        ])
        .prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}
