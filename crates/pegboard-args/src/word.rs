//! One word behind a command's name, with what is known about how it was written.

use pegboard_protocol::{Span, Spanned};

use crate::line::Block;

/// One word, as far as it can be read without knowing what it is for.
#[derive(Clone, Debug, PartialEq)]
pub enum Word {
    /// As a shell hands it over, its quotes gone: perhaps a flag. Lists and records are written as JSON.
    Shell(Spanned<String>),
    /// As it stands in a pipeline, without quotes: perhaps a flag.
    Bare(Spanned<String>),
    /// Text that was in quotes: never a flag.
    Quoted(Spanned<String>),
    /// A flag with a value that is more than a bare word, such as `--name="a b"`.
    Assigned(Box<Assigned>),
    /// A list; a table is a list of records.
    List(Vec<Word>, Span),
    /// A record.
    Record(Vec<(Spanned<String>, Word)>, Span),
    /// A closure.
    Closure(Box<Block>),
}

/// A flag and its value in one word.
#[derive(Clone, Debug, PartialEq)]
pub struct Assigned {
    /// The whole word as it was written.
    pub raw: Spanned<String>,
    /// How many bytes of it stand before the `=`.
    pub name: usize,
    /// What stands behind the `=`.
    pub value: Word,
}

impl Word {
    /// Where the word stands.
    pub fn span(&self) -> Span {
        match self {
            Word::Shell(text) | Word::Bare(text) | Word::Quoted(text) => text.span,
            Word::Assigned(assigned) => assigned.raw.span,
            Word::List(_, span) | Word::Record(_, span) => *span,
            Word::Closure(block) => block.span,
        }
    }

    /// The text of a word that may be a flag.
    pub(crate) fn unquoted(&self) -> Option<&Spanned<String>> {
        match self {
            Word::Shell(text) | Word::Bare(text) => Some(text),
            Word::Assigned(assigned) => Some(&assigned.raw),
            Word::Quoted(_) | Word::List(..) | Word::Record(..) | Word::Closure(_) => None,
        }
    }

    /// A text that was written in the same way, such as a part of this word.
    pub(crate) fn same_way(&self, text: Spanned<String>) -> Word {
        match self {
            Word::Shell(_) => Word::Shell(text),
            _ => Word::Bare(text),
        }
    }
}
