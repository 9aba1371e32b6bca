//! Lists, tables, records and closures.

use pegboard_protocol::{LabeledError, Span, Spanned};

use super::cursor::Cursor;
use super::quoted::quoted;
use super::read::{Inside, pipeline, word};
use super::{Block, fault};
use crate::Word;

/// Reads a list or a table; the cursor stands at its bracket.
pub(super) fn list(cursor: &mut Cursor<'_>) -> Result<Word, LabeledError> {
    cursor.nested(|cursor| {
        let from = cursor.at();
        cursor.next();
        let opened = cursor.span(from);
        let items = items(cursor, opened)?;
        if let [Word::List(columns, _)] = items.as_slice()
            && cursor.take(";")
        {
            let rows = self::items(cursor, opened)?;
            close(cursor, "a table", "]", opened)?;
            let rows = table(columns, rows)?;
            return Ok(Word::List(rows, cursor.span(from)));
        }
        close(cursor, "a list", "]", opened)?;
        Ok(Word::List(items, cursor.span(from)))
    })
}

fn items(cursor: &mut Cursor<'_>, opened: Span) -> Result<Vec<Word>, LabeledError> {
    let mut items = Vec::new();
    loop {
        cursor.separators();
        match cursor.peek() {
            None => return Err(fault::unclosed("a list", "]", opened)),
            Some(']' | '}' | ')' | ';') => return Ok(items),
            Some('|') => {
                let msg = "a list has no stages";
                return Err(fault::syntax(msg, "this has no place in it", cursor.here()));
            }
            Some(_) => items.push(word(cursor, Inside::List)?),
        }
    }
}

fn close(
    cursor: &mut Cursor<'_>,
    what: &str,
    closing: &str,
    opened: Span,
) -> Result<(), LabeledError> {
    if cursor.take(closing) {
        return Ok(());
    }
    match cursor.peek() {
        None => Err(fault::unclosed(what, closing, opened)),
        Some(_) => Err(fault::syntax(
            format!("{what} is not closed"),
            format!("a separator or `{closing}` is needed before this"),
            cursor.here(),
        )),
    }
}

/// The rows of a table as records.
fn table(columns: &[Word], rows: Vec<Word>) -> Result<Vec<Word>, LabeledError> {
    let names = columns.iter().map(|column| match column {
        Word::Bare(name) | Word::Quoted(name) => Ok(name.clone()),
        other => Err(fault::syntax(
            "the name of a column must be text",
            "this is none",
            other.span(),
        )),
    });
    let names: Vec<_> = names.collect::<Result<_, _>>()?;
    let row = |row| match row {
        Word::List(fields, span) if fields.len() == names.len() => Ok(Word::Record(
            names.iter().cloned().zip(fields).collect(),
            span,
        )),
        Word::List(fields, span) => {
            let (has, needs) = (fields.len(), names.len());
            let label = format!("this has {has} fields, the table has {needs} columns");
            Err(fault::syntax("a row does not fit its table", label, span))
        }
        other => Err(fault::syntax(
            "a row of a table must be a list",
            "this is none",
            other.span(),
        )),
    };
    rows.into_iter().map(row).collect()
}

/// Reads a record or a closure; the cursor stands at its brace.
pub(super) fn braces(cursor: &mut Cursor<'_>) -> Result<Word, LabeledError> {
    cursor.nested(|cursor| {
        let from = cursor.at();
        cursor.next();
        let opened = cursor.span(from);
        if is_record(cursor) {
            record(cursor, from, opened)
        } else {
            closure(cursor, from, opened)
        }
    })
}

/// True if a key and a colon come next, or nothing.
fn is_record(cursor: &Cursor<'_>) -> bool {
    let mut ahead = cursor.clone();
    ahead.separators();
    match ahead.peek() {
        Some('}') => true,
        None => false,
        Some(_) => {
            let key = key(&mut ahead);
            ahead.space();
            matches!(key, Ok(Some(_))) && ahead.peek() == Some(':')
        }
    }
}

fn record(cursor: &mut Cursor<'_>, from: usize, opened: Span) -> Result<Word, LabeledError> {
    let mut fields: Vec<(Spanned<String>, Word)> = Vec::new();
    loop {
        cursor.separators();
        if cursor
            .peek()
            .is_none_or(|next| matches!(next, '}' | ']' | ')'))
        {
            close(cursor, "a record", "}", opened)?;
            return Ok(Word::Record(fields, cursor.span(from)));
        }
        let Some(key) = key(cursor)? else {
            let msg = "the name of a field must be text";
            return Err(fault::syntax(msg, "this is none", cursor.here()));
        };
        cursor.space();
        if !cursor.take(":") {
            return Err(fault::syntax(
                "a field lacks its value",
                "a `:` and a value are needed behind this",
                key.span,
            ));
        }
        cursor.space();
        let value = match cursor.peek() {
            None => return Err(fault::unclosed("a record", "}", opened)),
            Some('}' | ']' | ')' | ',' | '|' | ';') => {
                return Err(fault::syntax(
                    "a field lacks its value",
                    "a value is needed behind this",
                    key.span,
                ));
            }
            Some(_) => word(cursor, Inside::Field)?,
        };
        fields.push((key, value));
    }
}

/// The name of a field, in quotes or not.
fn key(cursor: &mut Cursor<'_>) -> Result<Option<Spanned<String>>, LabeledError> {
    let from = cursor.at();
    if let Some(name) = quoted(cursor)? {
        return Ok(Some(Spanned::new(name, cursor.span(from))));
    }
    let is_part = |next: char| !next.is_whitespace() && !":,;|[]{}()\"'`$".contains(next);
    while cursor.peek().is_some_and(is_part) {
        cursor.next();
    }
    let name = cursor.since(from).to_owned();
    Ok(Some(Spanned::new(name, cursor.span(from))).filter(|name| !name.item.is_empty()))
}

fn closure(cursor: &mut Cursor<'_>, from: usize, opened: Span) -> Result<Word, LabeledError> {
    let mut block = Block::default();
    cursor.space();
    if cursor.take("|") {
        block.parameters = parameters(cursor, opened)?;
    }
    block.pipeline = pipeline(cursor)?;
    close(cursor, "a closure", "}", opened)?;
    block.span = cursor.span(from);
    Ok(Word::Closure(Box::new(block)))
}

fn parameters(cursor: &mut Cursor<'_>, opened: Span) -> Result<Vec<Spanned<String>>, LabeledError> {
    let mut names = Vec::new();
    loop {
        cursor.separators();
        if cursor.take("|") {
            return Ok(names);
        }
        match cursor.peek() {
            None => return Err(fault::unclosed("the list of parameters", "|", opened)),
            Some(_) => match parameter(cursor)? {
                Some(name) => names.push(name),
                None => {
                    let msg = "a parameter must be a name";
                    return Err(fault::syntax(msg, "this is none", cursor.here()));
                }
            },
        }
    }
}

/// A name, perhaps with a type, which says nothing here.
fn parameter(cursor: &mut Cursor<'_>) -> Result<Option<Spanned<String>>, LabeledError> {
    let from = cursor.at();
    cursor.take("$");
    let name = cursor.at();
    while cursor
        .peek()
        .is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '-')
    {
        cursor.next();
    }
    let name = cursor.since(name);
    if name.is_empty() {
        return Ok(None);
    }
    let name = Spanned::new(name.to_owned(), cursor.span(from));
    if cursor.peek() == Some(':') {
        return Err(fault::nushell_only(
            "the type of a parameter",
            cursor.here(),
        ));
    }
    Ok(Some(name))
}
