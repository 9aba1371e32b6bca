//! Closures in words as a shell hands them over.

use pegboard_protocol::nu::{Signature, SyntaxShape};
use pegboard_protocol::{Closure, LabeledError, Span, Spanned};

use super::{argument, caller};
use crate::line::Block;
use crate::{Word, parse_words};

/// What a word is taken for where a closure is wanted. `written` is how it stands on the line.
fn check(shape: SyntaxShape, word: &str, written: &str, expected: &str) {
    let signature = Signature {
        name: "demo".to_owned(),
        required_positional: vec![argument("closure", shape)],
        ..Signature::default()
    };
    let span = Span::new(100, 100 + written.len() as u64);
    let at = |span: Span| {
        let place = |at: u64| usize::try_from(at - 100).expect("a place in the word");
        &written[place(span.start)..place(span.end)]
    };
    let seen = std::cell::RefCell::new(String::new());
    let closure = |block: &Block| {
        let stages = block.pipeline.stages.iter().map(|stage| at(stage.span));
        seen.replace(stages.collect::<Vec<_>>().join(" then "));
        Ok::<_, LabeledError>(Closure {
            block_id: 7,
            captures: Vec::new(),
        })
    };
    let words = [Word::Shell(Spanned::new(word.to_owned(), span))];
    let read = parse_words(&signature, Span::new(0, 4), &words, &caller(), &closure);
    let shown = match read {
        Ok(call) => format!("{}: {}", call.positional[0].type_name(), seen.borrow()),
        Err(error) => {
            let label = &error.labels[0];
            format!("! {} [{}: {}]", error.msg, at(label.span), label.text)
        }
    };
    assert_eq!(shown, expected, "{word}");
}

#[test]
fn a_closure_is_read_where_one_is_wanted() {
    let closure = || SyntaxShape::Closure(None);
    check(
        closure(),
        "{ words upper | first 2 }",
        "'{ words upper | first 2 }'",
        "closure: words upper then first 2",
    );
    check(closure(), "{|it| a }", "'{|it| a }'", "closure: a");
    check(closure(), "{}", "{}", "closure: ");
    check(
        closure(),
        "x",
        "x",
        "! the argument `closure` must be a closure [x: expected a closure, such as { COMMAND ARGS }]",
    );
    // A record of text is one, unless only a closure will do.
    let either = SyntaxShape::OneOf(vec![SyntaxShape::Record(Vec::new()), closure()]);
    check(either.clone(), "{\"a\": 1}", "'{\"a\": 1}'", "record: ");
    check(either, "{ a }", "'{ a }'", "closure: a");
}

#[test]
fn what_is_wrong_inside_has_its_place() {
    check(
        SyntaxShape::Closure(None),
        "{ a | | b }",
        "'{ a | | b }'",
        "! a stage of the pipeline is empty [|: nothing comes before this]",
    );
    // The places inside a word that was changed by its quotes are not known.
    check(
        SyntaxShape::Closure(None),
        "{ a 'b }",
        r"'{ a '\''b }'",
        r"! a text is not closed ['{ a '\''b }': there is no `'` to this]",
    );
    check(
        SyntaxShape::Closure(None),
        "{ a } b",
        "'{ a } b'",
        "! the argument `closure` must be a closure ['{ a } b': expected a closure and nothing behind it]",
    );
}
