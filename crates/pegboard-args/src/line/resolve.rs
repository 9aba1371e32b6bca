//! A stage and its meaning: a value, or a call of a command.

use pegboard_protocol::nu::{EvaluatedCall, Signature};
use pegboard_protocol::{Closure, LabeledError, Span, Spanned, Value};

use super::fault::{self, UNKNOWN_COMMAND};
use super::{Block, Stage};
use crate::{Caller, Word, nearest, parse_words, shape};

/// What a stage means.
#[derive(Clone, Debug, PartialEq)]
pub enum Resolved {
    /// A value, whatever came before it.
    Value(Value),
    /// A command with its arguments.
    Call {
        /// The command's whole name.
        name: String,
        /// Its arguments. The head is the place of the name.
        call: EvaluatedCall,
    },
}

/// What the words of a pipeline mean where it is run.
pub trait Scope {
    /// The signature of the command of this name.
    fn signature(&self, name: &str) -> Option<&Signature>;

    /// The names of all commands, to propose one for a mistyped name.
    fn names(&self) -> Vec<&str>;

    /// Takes note of a closure, and gives it a number by which it can be evaluated.
    fn closure(&self, block: &Block) -> Result<Closure, LabeledError>;
}

/// No command's name has more words.
const MOST_WORDS: usize = 8;

/// Finds the meaning of a stage: the command with the longest name that the stage begins with, and its arguments by its
/// signature; or a literal.
pub fn resolve(
    stage: &Stage,
    scope: &dyn Scope,
    caller: &Caller<'_>,
) -> Result<Resolved, LabeledError> {
    if let Some((signature, used)) = command(stage, scope) {
        let (first, last) = (stage.words[0].span(), stage.words[used - 1].span());
        let head = Span::new(first.start, last.end);
        let closure = |block: &Block| scope.closure(block);
        let call = parse_words(signature, head, &stage.words[used..], caller, &closure)?;
        return Ok(Resolved::Call {
            name: signature.name.clone(),
            call,
        });
    }
    let Some(first) = stage.words.first() else {
        return Err(LabeledError::new("a stage of the pipeline is empty"));
    };
    match literal(first, scope, caller)? {
        None => Err(unknown(stage, first, scope)),
        Some(value) => match stage.words.get(1) {
            None => Ok(Resolved::Value(value)),
            Some(operator) => Err(fault::nushell_only("an operator", operator.span())),
        },
    }
}

/// The command that a stage begins with, and how many words its name has.
fn command<'a>(stage: &Stage, scope: &'a dyn Scope) -> Option<(&'a Signature, usize)> {
    let words = bare(stage).take(MOST_WORDS);
    let words: Vec<&str> = words.map(|word| word.item.as_str()).collect();
    (1..=words.len())
        .rev()
        .find_map(|used| Some((scope.signature(&words[..used].join(" "))?, used)))
}

/// The value of a literal; none if the word can only be the name of a command.
fn literal(
    word: &Word,
    scope: &dyn Scope,
    caller: &Caller<'_>,
) -> Result<Option<Value>, LabeledError> {
    let closure = |block: &Block| scope.closure(block);
    let reading = shape::Reading {
        caller,
        closure: &closure,
    };
    let value = reading.any(word).map_err(|fault| fault.labeled())?;
    let is_name = matches!((&value, word), (Value::String(..), Word::Bare(_)));
    Ok((!is_name).then_some(value))
}

fn unknown(stage: &Stage, first: &Word, scope: &dyn Scope) -> LabeledError {
    // What was mistyped may be any of the words of a name.
    let words: Vec<&Spanned<String>> = bare(stage).take(MOST_WORDS).collect();
    let meant = (1..=words.len()).rev().find_map(|count| {
        let typed: Vec<&str> = words[..count]
            .iter()
            .map(|word| word.item.as_str())
            .collect();
        let typed = typed.join(" ");
        let near = nearest(&typed, scope.names())?;
        let last = words[count - 1].span.end;
        Some((typed, near, Span::new(first.span().start, last)))
    });
    let (name, label, span) = match meant {
        Some((typed, near, span)) => (typed, format!("did you mean `{near}`?"), span),
        None => {
            let name = first.unquoted().map_or("", |text| text.item.as_str());
            (name.to_owned(), "not found".to_owned(), first.span())
        }
    };
    LabeledError::new(format!("there is no command `{name}`"))
        .with_code(UNKNOWN_COMMAND)
        .with_label(label, span)
}

/// The words that may be the name of a command.
fn bare(stage: &Stage) -> impl Iterator<Item = &Spanned<String>> {
    stage.words.iter().map_while(|word| match word {
        Word::Bare(text) => Some(text),
        _ => None,
    })
}
