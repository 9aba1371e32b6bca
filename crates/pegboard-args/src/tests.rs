//! Command lines and what becomes of them.

mod closures;
mod lines;
mod shapes;
mod structures;
mod usage;

use std::path::Path;

use pegboard_protocol::nu::{Flag, PositionalArg, Signature, SyntaxShape};
use pegboard_protocol::{Span, Spanned};

use super::Caller;

pub(crate) fn caller() -> Caller<'static> {
    Caller {
        directory: Path::new("/srv/here"),
        home: Some(Path::new("/home/someone")),
    }
}

/// The words of a line that contains no quotes, each at its place behind `start`.
fn words(start: u64, line: &str) -> Vec<Spanned<String>> {
    let mut words = Vec::new();
    let mut at = start;
    for word in line.split(' ') {
        let end = at + word.len() as u64;
        if !word.is_empty() {
            words.push(Spanned::new(word.to_owned(), Span::new(at, end)));
        }
        at = end + 1;
    }
    words
}

pub(crate) fn argument(name: &str, shape: SyntaxShape) -> PositionalArg {
    PositionalArg {
        name: name.to_owned(),
        desc: String::new(),
        shape,
        ..PositionalArg::default()
    }
}

pub(crate) fn flag(long: &str, short: Option<char>, arg: Option<SyntaxShape>) -> Flag {
    Flag {
        long: long.to_owned(),
        short,
        arg,
        ..Flag::default()
    }
}

/// `demo <count> [name] [paths]...` with flags of every kind.
pub(crate) fn demo() -> Signature {
    Signature {
        name: "demo".to_owned(),
        required_positional: vec![argument("count", SyntaxShape::Int)],
        optional_positional: vec![argument("name", SyntaxShape::String)],
        rest_positional: Some(argument("paths", SyntaxShape::Filepath)),
        named: vec![
            flag("all", Some('a'), None),
            flag("brief", Some('b'), None),
            flag("level", Some('l'), Some(SyntaxShape::Int)),
            flag("text", None, Some(SyntaxShape::String)),
            flag("", Some('z'), None),
            flag("help", Some('h'), None),
        ],
        ..Signature::default()
    }
}
