//! Arguments from a command line, read by the signature of the command.
//!
//! Words come as a shell hands them over: already split and unquoted, each with its place. Lists and records are
//! written as JSON, everything else as Nushell writes it. A word that starts with `-` is a flag, except behind `--`
//! and for negative numbers where a number fits.

use std::path::Path;

use pegboard_protocol::nu::{EvaluatedCall, Flag, PositionalArg, Signature, SyntaxShape};
use pegboard_protocol::{Closure, LabeledError, Span, Spanned, Value};

use crate::line::Block;
use crate::problem::{self, Slot};
use crate::shape::{Fault, Reading};
use crate::{Word, flags, shape};

/// Who typed the words: what makes relative paths absolute.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// Where relative paths start; absolute. Empty to leave paths as they were typed.
    pub directory: &'a Path,
    /// What a leading `~` stands for. None to leave it as it is.
    pub home: Option<&'a Path>,
}

/// Reads the arguments behind a command's name by its signature, from words as a shell hands them over. `head` is the
/// place of the name.
///
/// Default values are not filled in: plugins do that. With `--help` among the flags nothing else is required, and the
/// call that comes back has the flag `help`, whatever the signature says and even if other words are wrong.
///
/// The error has a label on the wrong word and the usage line as its help.
pub fn parse_arguments(
    signature: &Signature,
    head: Span,
    words: &[Spanned<String>],
    caller: &Caller<'_>,
) -> Result<EvaluatedCall, LabeledError> {
    let words: Vec<Word> = words.iter().cloned().map(Word::Shell).collect();
    let refuse = |block: &Block| {
        Err(LabeledError::new("a closure cannot be given here").with_label("this", block.span))
    };
    parse_words(signature, head, &words, caller, &refuse)
}

/// The same for words that were written in any way. `closure` gives each closure among them the number by which it can
/// be evaluated.
pub fn parse_words(
    signature: &Signature,
    head: Span,
    words: &[Word],
    caller: &Caller<'_>,
    closure: &dyn Fn(&Block) -> Result<Closure, LabeledError>,
) -> Result<EvaluatedCall, LabeledError> {
    let mut parser = Parser {
        signature,
        words: words.iter(),
        reading: Reading { caller, closure },
        call: EvaluatedCall {
            head,
            ..EvaluatedCall::default()
        },
    };
    match parser.run() {
        Ok(()) => Ok(parser.call),
        Err(_) if flags::asks_for_help(signature, words) => {
            Ok(flags::only_help(signature, head, words))
        }
        Err(error) => Err(error),
    }
}

pub(crate) struct Parser<'a> {
    pub(crate) signature: &'a Signature,
    pub(crate) words: std::slice::Iter<'a, Word>,
    reading: Reading<'a>,
    pub(crate) call: EvaluatedCall,
}

impl<'a> Parser<'a> {
    fn run(&mut self) -> Result<(), LabeledError> {
        let mut flags_ended = false;
        while let Some(word) = self.words.next() {
            match word.unquoted().filter(|_| !flags_ended) {
                Some(text) if text.item == "--" => flags_ended = true,
                Some(text) if self.is_flag(&text.item) => self.flag(word, text)?,
                _ => self.positional(word)?,
            }
        }
        if self.has_flag("help") {
            return Ok(());
        }
        self.nothing_is_missing()
    }

    fn is_flag(&self, word: &str) -> bool {
        let Some(rest) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
            return false;
        };
        let number = rest
            .trim_start_matches('.')
            .starts_with(|c: char| c.is_ascii_digit());
        let known = rest
            .chars()
            .next()
            .is_some_and(|short| flags::by_short(self.signature, short).is_some());
        !number || known || !self.next_shape().is_some_and(shape::takes_numbers)
    }

    /// The shape of the positional argument that comes next; none if there is no room for one.
    fn next_shape(&self) -> Option<&'a SyntaxShape> {
        match self.next_positional() {
            Some(argument) => Some(&argument.shape),
            None if self.signature.allows_unknown_args => Some(&SyntaxShape::Any),
            None => None,
        }
    }

    fn next_positional(&self) -> Option<&'a PositionalArg> {
        let signature = self.signature;
        let mut named = signature
            .required_positional
            .iter()
            .chain(&signature.optional_positional);
        named
            .nth(self.call.positional.len())
            .or(signature.rest_positional.as_ref())
    }

    fn positional(&mut self, word: &'a Word) -> Result<(), LabeledError> {
        let value = match self.next_positional() {
            Some(argument) => self.argument(argument, word)?,
            None if self.signature.allows_unknown_args => {
                self.reading.any(word).map_err(Fault::labeled)?
            }
            None => return Err(problem::too_many(self.signature, word)),
        };
        self.call.positional.push(value);
        Ok(())
    }

    fn argument(
        &mut self,
        argument: &'a PositionalArg,
        word: &'a Word,
    ) -> Result<Value, LabeledError> {
        let slot = Slot::Positional(argument);
        let SyntaxShape::Keyword(keyword, inner) = &argument.shape else {
            return self.value(slot, &argument.shape, word);
        };
        let keyword = String::from_utf8_lossy(keyword);
        if word.unquoted().is_none_or(|text| text.item != keyword) {
            let label = format!("expected the word `{keyword}`");
            return Err(problem::wrong(self.signature, slot, word.span(), label));
        }
        match self.words.next() {
            Some(word) => self.value(slot, inner, word),
            None => Err(problem::nothing_follows(
                self.signature,
                &keyword,
                word.span(),
            )),
        }
    }

    pub(crate) fn value(
        &self,
        slot: Slot<'_>,
        shape: &SyntaxShape,
        word: &Word,
    ) -> Result<Value, LabeledError> {
        self.reading.word(shape, word).map_err(|fault| match fault {
            Fault::Wrong(label, span) => problem::wrong(self.signature, slot, span, label),
            Fault::Refused(error) => error,
        })
    }

    fn has_flag(&self, long: &str) -> bool {
        self.call.named.iter().any(|(name, _)| name.item == long)
    }

    fn nothing_is_missing(&self) -> Result<(), LabeledError> {
        let required = &self.signature.required_positional;
        if let Some(missing) = required.get(self.call.positional.len()..)
            && !missing.is_empty()
        {
            return Err(problem::missing_arguments(
                self.signature,
                self.call.head,
                missing,
            ));
        }
        let absent = |flag: &&Flag| flag.required && !self.has_flag(flags::name(flag).as_ref());
        let missing: Vec<_> = self.signature.named.iter().filter(absent).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(problem::missing_flags(
            self.signature,
            self.call.head,
            &missing,
        ))
    }
}

/// The place of a part of a word: exact when the word stands in its source text as it is, else the whole word.
pub(crate) fn part(word: &Spanned<String>, range: std::ops::Range<usize>) -> Span {
    let length = word.span.end.checked_sub(word.span.start);
    if length == Some(word.item.len() as u64) {
        Span::new(
            word.span.start + range.start as u64,
            word.span.start + range.end as u64,
        )
    } else {
        word.span
    }
}
