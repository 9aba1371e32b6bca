//! A text taken apart: stages, and the words they are made of.

use pegboard_protocol::{LabeledError, Spanned};

use super::collection::{braces, list};
use super::cursor::Cursor;
use super::quoted::quoted;
use super::{Pipeline, Stage, fault};
use crate::Word;
use crate::word::Assigned;

/// Takes a text apart. `start` is its place in the source, to which all spans refer.
///
/// An empty text is an error, as is more than one pipeline. Each error has a label at its place.
pub fn read(text: &str, start: u64) -> Result<Pipeline, LabeledError> {
    let mut cursor = Cursor::new(text, start);
    let pipeline = pipeline(&mut cursor)?;
    if cursor.peek().is_some() {
        let msg = "a bracket is closed that was not opened";
        return Err(fault::syntax(msg, "too much", cursor.here()));
    }
    if pipeline.stages.is_empty() {
        return Err(fault::syntax(
            "there is nothing to be done",
            "empty",
            cursor.span(0),
        ));
    }
    Ok(pipeline)
}

/// Reads stages up to the end of the text or a closing bracket.
pub(super) fn pipeline(cursor: &mut Cursor<'_>) -> Result<Pipeline, LabeledError> {
    let mut pipeline = Pipeline::default();
    cursor.space();
    if ends(cursor) {
        return Ok(pipeline);
    }
    loop {
        pipeline.stages.push(stage(cursor)?);
        // A bar may stand at the beginning of the next line.
        let broken = cursor.peek() == Some('\n');
        while cursor.peek() == Some(';') || cursor.peek() == Some('\n') {
            cursor.next();
            cursor.space();
        }
        if ends(cursor) {
            return Ok(pipeline);
        }
        let bar = cursor.at();
        if !cursor.take("|") {
            let what = if broken { "the next line" } else { "this" };
            return Err(fault::syntax(
                "there may be only one pipeline",
                format!("{what} begins another one"),
                cursor.here(),
            ));
        }
        if cursor.take("|") {
            return Err(fault::nushell_only("the operator `||`", cursor.span(bar)));
        }
        let bar = cursor.span(bar);
        cursor.space();
        if ends(cursor) {
            let msg = "a stage of the pipeline is empty";
            return Err(fault::syntax(msg, "nothing comes behind this", bar));
        }
    }
}

fn ends(cursor: &Cursor<'_>) -> bool {
    matches!(cursor.peek(), None | Some('}' | ']' | ')'))
}

fn stage(cursor: &mut Cursor<'_>) -> Result<Stage, LabeledError> {
    let from = cursor.at();
    let (mut words, mut to) = (Vec::new(), from);
    loop {
        cursor.blanks();
        if ends(cursor) || matches!(cursor.peek(), Some('\n' | ';' | '|')) {
            break;
        }
        words.push(word(cursor, Inside::Stage)?);
        to = cursor.at();
    }
    if words.is_empty() {
        let msg = "a stage of the pipeline is empty";
        return Err(fault::syntax(
            msg,
            "nothing comes before this",
            cursor.here(),
        ));
    }
    Ok(Stage {
        words,
        span: cursor.span_of(from, to),
    })
}

/// What a word stands in, which says what ends it.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Inside {
    Stage,
    List,
    /// A value of a record.
    Field,
}

impl Inside {
    fn ended_by(self, next: char) -> bool {
        match next {
            ' ' | '\t' | '\r' | '\n' | ';' | '|' | ']' | '}' | ')' => true,
            ',' => self != Inside::Stage,
            _ => false,
        }
    }
}

/// Reads one word. The cursor stands at its beginning.
pub(super) fn word(cursor: &mut Cursor<'_>, inside: Inside) -> Result<Word, LabeledError> {
    let from = cursor.at();
    let word = match cursor.peek() {
        Some('[') => list(cursor)?,
        Some('{') => braces(cursor)?,
        _ => match quoted(cursor)? {
            Some(text) => Word::Quoted(Spanned::new(text, cursor.span(from))),
            None => return bare(cursor, from, inside),
        },
    };
    match cursor.peek() {
        None => Ok(word),
        Some(next) if inside.ended_by(next) => Ok(word),
        // The first member of a cell path may be in quotes.
        Some('.' | '?' | '!') if matches!(word, Word::Quoted(_)) => bare(cursor, from, inside),
        Some(_) => Err(fault::syntax(
            "a blank is missing",
            "this stands right behind a closing quote or bracket",
            cursor.here(),
        )),
    }
}

/// Reads on to the end of a word that begins at `from` and is not in quotes as a whole.
fn bare(cursor: &mut Cursor<'_>, from: usize, inside: Inside) -> Result<Word, LabeledError> {
    if let Some(what) = special(cursor) {
        cursor.next();
        return Err(fault::nushell_only(what, cursor.span(from)));
    }
    let is_flag =
        inside == Inside::Stage && cursor.since(from).is_empty() && cursor.peek() == Some('-');
    while let Some(next) = cursor.peek().filter(|next| !inside.ended_by(*next)) {
        match next {
            '"' | '\'' | '`' => drop(quoted(cursor)?),
            '[' | '{' => brackets(cursor)?,
            '(' => {
                let place = cursor.here();
                return Err(fault::nushell_only("a subexpression", place));
            }
            '=' if is_flag => {
                let name = cursor.at() - from;
                cursor.next();
                if let Some('"' | '\'' | '`' | '[' | '{') = cursor.peek() {
                    let value = word(cursor, inside)?;
                    let raw = Spanned::new(cursor.since(from).to_owned(), cursor.span(from));
                    let assigned = Assigned { raw, name, value };
                    return Ok(Word::Assigned(Box::new(assigned)));
                }
            }
            _ => drop(cursor.next()),
        }
    }
    let text = cursor.since(from);
    if let Some(what) = redirection(text).filter(|_| inside == Inside::Stage) {
        return Err(fault::nushell_only(what, cursor.span(from)));
    }
    Ok(Word::Bare(Spanned::new(text.to_owned(), cursor.span(from))))
}

/// Passes over brackets inside of a word, as in `0x[ff 00]` or `*.{rs,toml}`.
fn brackets(cursor: &mut Cursor<'_>) -> Result<(), LabeledError> {
    let opened = cursor.here();
    let mut closing = Vec::new();
    loop {
        if quoted(cursor)?.is_some() {
            continue;
        }
        match cursor.next() {
            None => {
                let last = closing.pop().unwrap_or("]");
                return Err(fault::unclosed("a bracket", last, opened));
            }
            Some('[') => closing.push("]"),
            Some('{') => closing.push("}"),
            Some(bracket @ (']' | '}')) => {
                if closing.pop().is_none_or(|last| !last.contains(bracket)) {
                    return Err(fault::syntax(
                        "brackets are closed in the wrong order",
                        "inside of this",
                        opened,
                    ));
                }
                if closing.is_empty() {
                    return Ok(());
                }
            }
            Some(_) => {}
        }
    }
}

/// What a word begins with that only Nushell understands.
fn special(cursor: &Cursor<'_>) -> Option<&'static str> {
    let rest = cursor.rest();
    if rest.starts_with("$\"") || rest.starts_with("$'") {
        Some("an interpolated text")
    } else if rest.starts_with('$') && !rest.starts_with("$.") {
        Some("a variable")
    } else if rest.starts_with('(') {
        Some("a subexpression")
    } else if rest.starts_with("...$") || rest.starts_with("...[") || rest.starts_with("...(") {
        Some("a spread operator")
    } else {
        None
    }
}

fn redirection(text: &str) -> Option<&'static str> {
    let names = ["o", "out", "e", "err", "o+e", "e+o", "out+err", "err+out"];
    let target = text.strip_suffix(">>").or_else(|| text.strip_suffix('>'))?;
    names.contains(&target).then_some("a redirection")
}
