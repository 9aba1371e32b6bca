//! Stages resolved by signatures.

use std::cell::RefCell;

use proptest::prelude::*;

use pegboard_protocol::nu::{Signature, SyntaxShape};
use pegboard_protocol::{Closure, LabeledError, Value};

use super::syntax::any_text;
use super::{START, at, show_error};
use crate::line::{Block, Resolved, Scope, read, resolve};
use crate::literal;
use crate::tests::{argument, caller, demo, flag};

/// The commands `demo`, `demo deep` and `any`, and closures by the order in which they came.
struct Here {
    commands: Vec<Signature>,
    closures: RefCell<Vec<Block>>,
}

impl Here {
    fn new() -> Here {
        let command = |name: &str, shape: SyntaxShape| Signature {
            name: name.to_owned(),
            rest_positional: Some(argument("rest", shape)),
            named: vec![flag("with", Some('w'), Some(SyntaxShape::Any))],
            ..Signature::default()
        };
        let fields = vec![("n".to_owned(), SyntaxShape::Int)];
        Here {
            commands: vec![
                demo(),
                command("demo deep", SyntaxShape::Int),
                command("any", SyntaxShape::Any),
                command("each", SyntaxShape::Closure(None)),
                command("texts", SyntaxShape::List(Box::new(SyntaxShape::String))),
                command("table", SyntaxShape::Table(fields)),
                command("glob", SyntaxShape::GlobPattern),
                command("path", SyntaxShape::CellPath),
                command(
                    "one of",
                    SyntaxShape::OneOf(vec![SyntaxShape::Int, SyntaxShape::Closure(None)]),
                ),
            ],
            closures: RefCell::default(),
        }
    }
}

impl Scope for Here {
    fn signature(&self, name: &str) -> Option<&Signature> {
        self.commands.iter().find(|known| known.name == name)
    }

    fn names(&self) -> Vec<&str> {
        self.commands
            .iter()
            .map(|known| known.name.as_str())
            .collect()
    }

    fn closure(&self, block: &Block) -> Result<Closure, LabeledError> {
        if block.parameters.len() > 1 {
            return Err(LabeledError::new("too many parameters").with_label("here", block.span));
        }
        self.closures.borrow_mut().push(block.clone());
        Ok(Closure {
            block_id: self.closures.borrow().len() as u64,
            captures: Vec::new(),
        })
    }
}

fn show(text: &str, resolved: &Resolved) -> String {
    match resolved {
        Resolved::Value(value) => format!("= {} {}", value.type_name(), show_value(value)),
        Resolved::Call { name, call } => {
            let mut words = vec![format!("<{}>", at(text, call.head))];
            assert_eq!(
                at(text, call.head)
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" "),
                *name
            );
            words.extend(call.positional.iter().map(show_value));
            words.extend(call.named.iter().map(|(name, value)| match value {
                Some(value) => format!("{}={}", name.item, show_value(value)),
                None => name.item.clone(),
            }));
            words.join(" ")
        }
    }
}

fn show_value(value: &Value) -> String {
    match value {
        Value::Closure(closure, _) => format!("closure {}", closure.block_id),
        Value::Glob(glob, _) => {
            format!("{}{}", glob.pattern, if glob.no_expand { "!" } else { "" })
        }
        other => literal(other, 200),
    }
}

fn check(rows: &[(&str, &str)]) {
    for (text, expected) in rows {
        let here = Here::new();
        let pipeline = read(text, START).expect(text);
        let meaning = |stage| resolve(stage, &here, &caller()).map(|found| show(text, &found));
        let shown: Result<Vec<_>, _> = pipeline.stages.iter().map(meaning).collect();
        let shown = match shown {
            Ok(stages) => stages.join(" | "),
            Err(error) => show_error(text, &error),
        };
        assert_eq!(shown, *expected, "{text}");
    }
}

#[test]
fn literals() {
    check(&[
        ("5", "= int 5"),
        ("-5", "= int -5"),
        ("1.5", "= float 1.5"),
        ("inf", "= float inf"),
        ("true", "= bool true"),
        ("null", "= nothing null"),
        ("10kb", "= filesize 10kb"),
        ("5min", "= duration 5min"),
        ("2024-01-02", "= datetime 2024-01-02T00:00:00+00:00"),
        ("1..5", "= range 1..5"),
        ("1..", "= range 1.."),
        ("0x[ff 00]", "= binary 0x[ff 00]"),
        ("$.a.0.b?", "= cell-path $.a.0.b?"),
        ("\"5\"", "= string \"5\""),
        (
            "[1 a \"2\" 3..4 [x]]",
            "= list [1, \"a\", \"2\", 3..4, [\"x\"]]",
        ),
        ("[[a b]; [1 x]]", "= list [{a: 1, b: \"x\"}]"),
        (
            "{a: 1kb, \"b c\": null}",
            "= record {a: 1kb, \"b c\": null}",
        ),
        ("{ demo 5 }", "= closure closure 1"),
        (
            "5 + 5",
            "! an operator can be used only in Nushell's own language [+: this]",
        ),
    ]);
}

#[test]
fn commands() {
    check(&[
        ("demo 5 x", "<demo> 5 \"x\""),
        ("demo  deep 5", "<demo  deep> 5"),
        (
            "demo 'deep'",
            "! the argument `count` must be an integer ['deep': expected an integer, such as 5 or 0x1f, not text in quotes]",
        ),
        (
            "\"a\" | demo 5 -ab --level=2",
            "= string \"a\" | <demo> 5 all brief level=2",
        ),
        ("demo 5 \"-a\" b", "<demo> 5 \"-a\" \"/srv/here/b\""),
        ("demo 5 --text=\"a b\"", "<demo> 5 text=\"a b\""),
        ("demo 5 --text \"--all\"", "<demo> 5 text=\"--all\""),
        ("demo 5 x 'y' y", "<demo> 5 \"x\" \"y\" \"/srv/here/y\""),
        ("demo --help", "<demo> help"),
        (
            "demo [5]",
            "! the argument `count` must be an integer [[5]: expected an integer, such as 5 or 0x1f, not a list]",
        ),
        (
            "demo 5 --level=[5]",
            "! the value of `--level` must be an integer [[5]: expected an integer, such as 5 or 0x1f, not a list]",
        ),
        (
            "demo 5 --all='x'",
            "! `--all` is a switch: it takes no value but true or false ['x': expected true or false]",
        ),
        (
            "demo",
            "! `demo` lacks the argument `count` [demo: needs `count`: an integer]",
        ),
        (
            "demp 5",
            "! there is no command `demp` [demp: did you mean `demo`?]",
        ),
        ("5 | opn", "! there is no command `opn` [opn: not found]"),
        (
            "any 1.. x [1 {a: b}] -w={c: 1}",
            "<any> 1.. \"x\" [1, {a: \"b\"}] with={c: 1}",
        ),
        (
            "texts [5 true \"x\"] []",
            "<texts> [\"5\", \"true\", \"x\"] []",
        ),
        (
            "texts [[1]]",
            "! the argument `rest` must be a list [[1]: expected text, not a list]",
        ),
        ("table [[n m]; [1 x]]", "<table> [{n: 1, m: \"x\"}]"),
        (
            "table [{n: x}]",
            "! the argument `rest` must be a table [x: expected an integer, such as 5 or 0x1f]",
        ),
        (
            "table [{m: 1}]",
            "! the argument `rest` must be a table [{m: 1}: the record lacks the field `n`, an integer]",
        ),
        ("glob *.rs '*.rs'", "<glob> *.rs *.rs!"),
        (
            "path a.0 'a b' \"a b\".0",
            "<path> $.a.0 $.\"a b\" $.\"a b\".0",
        ),
    ]);
}

#[test]
fn closures() {
    check(&[
        (
            "each { demo 5 | any } {|x| any }",
            "<each> closure 1 closure 2",
        ),
        ("each {}", "<each> closure 1"),
        ("one of { any }", "<one of> closure 1"),
        ("any { any }", "<any> closure 1"),
        (
            "each {|x y| any }",
            "! too many parameters [{|x y| any }: here]",
        ),
        (
            "each {a: 1}",
            "! the argument `rest` must be a closure [{a: 1}: expected a closure, not a record]",
        ),
        (
            "demo { any }",
            "! the argument `count` must be an integer [{ any }: expected an integer, such as 5 or 0x1f, not a closure]",
        ),
    ]);
}

proptest! {
    /// Whatever is written, there is a meaning or an error with a place in the text.
    #[test]
    fn any_stage_has_a_meaning_or_an_error(
        command in proptest::sample::select(vec!["", "demo ", "any ", "texts ", "table ", "path ", "one of "]),
        text in any_text(),
    ) {
        let (text, here) = (format!("{command}{text}"), Here::new());
        for stage in read(&text, START).unwrap_or_default().stages {
            match resolve(&stage, &here, &caller()) {
                Ok(found) => drop(show(&text, &found)),
                Err(error) => drop(show_error(&text, &error)),
            }
        }
    }
}
