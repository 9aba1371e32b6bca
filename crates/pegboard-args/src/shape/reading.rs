//! A word to a value, whatever way it was written.

use pegboard_protocol::nu::SyntaxShape;
use pegboard_protocol::{
    CellPath, Closure, Glob, LabeledError, PathMember, Record, Span, Spanned, Value,
};

use super::{Label, any, number, range, value};
use crate::describe::{expected, noun};
use crate::line::{Block, read};
use crate::{Caller, Word};

/// Gives a closure the number by which it can be evaluated.
pub(crate) type Closures<'a> = dyn Fn(&Block) -> Result<Closure, LabeledError> + 'a;

/// What it takes to read words.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub(crate) caller: &'a Caller<'a>,
    pub(crate) closure: &'a Closures<'a>,
}

/// Why a word is not what is needed.
pub(crate) enum Fault {
    /// It is something else.
    Wrong(Label, Span),
    /// It is right in itself, and was refused.
    Refused(LabeledError),
}

impl Fault {
    /// As an error of its own.
    pub(crate) fn labeled(self) -> LabeledError {
        match self {
            Fault::Wrong(label, span) => {
                LabeledError::new("the value cannot be read").with_label(label, span)
            }
            Fault::Refused(error) => error,
        }
    }
}

impl Reading<'_> {
    /// Reads a word as a shape.
    pub(crate) fn word(&self, shape: &SyntaxShape, word: &Word) -> Result<Value, Fault> {
        match (shape, word) {
            (_, Word::Shell(text)) => match self.text(shape, text) {
                Err(_) if takes_closures(shape) && text.item.trim_start().starts_with('{') => {
                    self.shell_closure(text)
                }
                value => value,
            },
            (SyntaxShape::OneOf(shapes), word) => shapes
                .iter()
                .find_map(|shape| self.word(shape, word).ok())
                .ok_or_else(|| not(shape, word)),
            (SyntaxShape::CompleterWrapper(inner, _) | SyntaxShape::Keyword(_, inner), word) => {
                self.word(inner, word)
            }
            (SyntaxShape::Any | SyntaxShape::Unknown(_), word) => self.any(word),
            (shape, Word::Bare(text)) => self.text(shape, text),
            (shape, Word::Assigned(assigned)) => self.text(shape, &assigned.raw),
            (shape, Word::Quoted(text)) => quoted(shape, text).ok_or_else(|| not(shape, word)),
            (SyntaxShape::List(inner), Word::List(items, span)) => self.list(inner, items, *span),
            (SyntaxShape::Table(columns), Word::List(rows, span)) => {
                self.list(&SyntaxShape::Record(columns.clone()), rows, *span)
            }
            (SyntaxShape::Record(shapes), Word::Record(fields, span)) => {
                self.record(shapes, fields, *span)
            }
            (SyntaxShape::Closure(_), Word::Closure(block)) => self.closure(block),
            (SyntaxShape::Closure(_), Word::Record(fields, span)) if fields.is_empty() => {
                let span = *span;
                self.closure(&Block {
                    span,
                    ..Block::default()
                })
            }
            (shape, word) => Err(not(shape, word)),
        }
    }

    /// Reads a word as what it looks like.
    pub(crate) fn any(&self, word: &Word) -> Result<Value, Fault> {
        Ok(match word {
            Word::Shell(text) => any(&text.item, text.span),
            Word::Bare(text) => looks_like(&text.item, text.span),
            Word::Quoted(text) => Value::String(text.item.clone(), text.span),
            Word::Assigned(assigned) => Value::String(assigned.raw.item.clone(), assigned.raw.span),
            Word::List(items, span) => return self.list(&SyntaxShape::Any, items, *span),
            Word::Record(fields, span) => return self.record(&[], fields, *span),
            Word::Closure(block) => return self.closure(block),
        })
    }

    fn text(&self, shape: &SyntaxShape, text: &Spanned<String>) -> Result<Value, Fault> {
        value(shape, &text.item, text.span, self.caller)
            .map_err(|label| Fault::Wrong(label, text.span))
    }

    fn list(&self, inner: &SyntaxShape, items: &[Word], span: Span) -> Result<Value, Fault> {
        let items = items.iter().map(|item| self.word(inner, item));
        Ok(Value::List(items.collect::<Result<_, _>>()?, span))
    }

    fn record(
        &self,
        shapes: &[(String, SyntaxShape)],
        fields: &[(Spanned<String>, Word)],
        span: Span,
    ) -> Result<Value, Fault> {
        let mut record = Record::new();
        for (name, word) in fields {
            let known = shapes.iter().find(|(field, _)| *field == name.item);
            let shape = known.map_or(&SyntaxShape::Any, |(_, shape)| shape);
            record.insert(name.item.clone(), self.word(shape, word)?);
        }
        match shapes.iter().find(|(name, _)| record.get(name).is_none()) {
            None => Ok(Value::Record(record, span)),
            Some((name, shape)) => {
                let label = format!("the record lacks the field `{name}`, {}", noun(shape));
                Err(Fault::Wrong(label, span))
            }
        }
    }

    /// A closure in a word of a shell.
    fn shell_closure(&self, text: &Spanned<String>) -> Result<Value, Fault> {
        let written = text.span.end.saturating_sub(text.span.start);
        // A word that stands in quotes as it is has places inside. One that had to be changed is one place.
        let quotes = written.checked_sub(text.item.len() as u64);
        let exact = quotes.filter(|quotes| *quotes == 0 || *quotes == 2);
        let here = |mut error: LabeledError| {
            if exact.is_none() {
                for label in &mut error.labels {
                    label.span = text.span;
                }
            }
            Fault::Refused(error)
        };
        let start = text.span.start + exact.unwrap_or(0) / 2;
        let mut pipeline = read(&text.item, start).map_err(here)?;
        let stage = pipeline.stages.pop().filter(|_| pipeline.stages.is_empty());
        match stage.map(|mut stage| (stage.words.pop(), stage.words.is_empty())) {
            Some((Some(word @ (Word::Closure(_) | Word::Record(..))), true)) => self
                .word(&SyntaxShape::Closure(None), &word)
                .map_err(|fault| here(fault.labeled())),
            _ => Err(Fault::Wrong(
                "expected a closure and nothing behind it".to_owned(),
                text.span,
            )),
        }
    }

    fn closure(&self, block: &Block) -> Result<Value, Fault> {
        let closure = (self.closure)(block).map_err(Fault::Refused)?;
        Ok(Value::Closure(Box::new(closure), block.span))
    }
}

fn takes_closures(shape: &SyntaxShape) -> bool {
    match shape {
        SyntaxShape::Closure(_) => true,
        SyntaxShape::OneOf(shapes) => shapes.iter().any(takes_closures),
        SyntaxShape::CompleterWrapper(inner, _) | SyntaxShape::Keyword(_, inner) => {
            takes_closures(inner)
        }
        _ => false,
    }
}

fn not(shape: &SyntaxShape, word: &Word) -> Fault {
    let what = match word {
        Word::Quoted(_) => ", not text in quotes",
        Word::List(..) => ", not a list",
        Word::Record(..) => ", not a record",
        Word::Closure(_) => ", not a closure",
        Word::Shell(_) | Word::Bare(_) | Word::Assigned(_) => "",
    };
    Fault::Wrong(format!("{}{what}", expected(shape)), word.span())
}

/// Text in quotes is text: it is neither a number nor a pattern, and as a path it is left as it is.
fn quoted(shape: &SyntaxShape, text: &Spanned<String>) -> Option<Value> {
    let (item, span) = (text.item.clone(), text.span);
    match shape {
        SyntaxShape::String
        | SyntaxShape::ExternalArgument
        | SyntaxShape::Filepath
        | SyntaxShape::Directory => Some(Value::String(item, span)),
        SyntaxShape::GlobPattern => {
            let glob = Glob {
                pattern: item,
                no_expand: true,
            };
            Some(Value::Glob(Box::new(glob), span))
        }
        SyntaxShape::CellPath | SyntaxShape::FullCellPath => {
            let member = PathMember::String {
                val: item,
                span,
                optional: false,
                insensitive: false,
            };
            let members = vec![member];
            Some(Value::CellPath(CellPath { members }, span))
        }
        _ => None,
    }
}

/// The value that a word without quotes looks like in a pipeline.
fn looks_like(word: &str, span: Span) -> Value {
    if let Ok(range) = range::range(word) {
        return Value::Range(Box::new(range), span);
    }
    match number::float(word) {
        Ok(float) if !float.is_finite() && !word.starts_with('+') => Value::Float(float, span),
        _ => any(word, span),
    }
}
