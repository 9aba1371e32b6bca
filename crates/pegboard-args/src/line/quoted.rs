//! Text in quotes.

use std::ops::RangeInclusive;

use pegboard_protocol::LabeledError;

use super::cursor::Cursor;
use super::fault;

/// Reads a quoted text, if one begins here.
pub(super) fn quoted(cursor: &mut Cursor<'_>) -> Result<Option<String>, LabeledError> {
    let from = cursor.at();
    match cursor.peek() {
        Some('"') => escaped(cursor).map(Some),
        Some(quote @ ('\'' | '`')) => {
            cursor.next();
            let inside = cursor.at();
            while let Some(next) = cursor.next() {
                if next == quote {
                    let text = cursor.since(inside);
                    return Ok(Some(text[..text.len() - 1].to_owned()));
                }
            }
            let opened = cursor.span_of(from, from + 1);
            Err(fault::unclosed("a text", &quote.to_string(), opened))
        }
        Some('r') => raw(cursor),
        _ => Ok(None),
    }
}

/// `r#'...'#`, with any number of `#`.
fn raw(cursor: &mut Cursor<'_>) -> Result<Option<String>, LabeledError> {
    let from = cursor.at();
    let hashes = cursor.rest()[1..].bytes().take_while(|byte| *byte == b'#');
    let hashes = "#".repeat(hashes.count());
    if hashes.is_empty() || !cursor.take(&format!("r{hashes}'")) {
        return Ok(None);
    }
    let (inside, closing) = (cursor.at(), format!("'{hashes}"));
    let opened = cursor.span(from);
    while cursor.peek().is_some() {
        let end = cursor.at();
        if cursor.take(&closing) {
            let text = cursor.since(inside);
            return Ok(Some(text[..end - inside].to_owned()));
        }
        cursor.next();
    }
    Err(fault::unclosed("a text", &closing, opened))
}

/// Text in double quotes.
fn escaped(cursor: &mut Cursor<'_>) -> Result<String, LabeledError> {
    let from = cursor.at();
    cursor.next();
    let opened = cursor.span(from);
    let mut text = String::new();
    loop {
        let place = cursor.at();
        match cursor.next() {
            None => return Err(fault::unclosed("a text", "\"", opened)),
            Some('"') => return Ok(text),
            Some('\\') if cursor.peek().is_none() => {
                return Err(fault::unclosed("a text", "\"", opened));
            }
            Some('\\') => match escape(cursor) {
                Some(character) => text.push(character),
                None => {
                    return Err(fault::syntax(
                        "an unknown escape sequence",
                        "write `\\\\` for a backslash",
                        cursor.span(place),
                    ));
                }
            },
            Some(other) => text.push(other),
        }
    }
}

/// What stands behind a backslash.
fn escape(cursor: &mut Cursor<'_>) -> Option<char> {
    Some(match cursor.next()? {
        plain @ ('"' | '\'' | '\\' | '/' | '(' | ')' | '{' | '}' | '$' | '^' | '#' | '|' | '~') => {
            plain
        }
        'a' => '\u{7}',
        'b' => '\u{8}',
        'e' => '\u{1b}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'x' => char::from_u32(digits(cursor, 2..=2)?).filter(char::is_ascii)?,
        'u' => {
            cursor.take("{").then_some(())?;
            let character = char::from_u32(digits(cursor, 1..=6)?)?;
            cursor.take("}").then_some(character)?
        }
        _ => return None,
    })
}

/// A hexadecimal number with so many digits.
fn digits(cursor: &mut Cursor<'_>, count: RangeInclusive<usize>) -> Option<u32> {
    let from = cursor.at();
    while cursor.at() - from < *count.end() && cursor.peek().is_some_and(|c| c.is_ascii_hexdigit())
    {
        cursor.next();
    }
    let digits = cursor.since(from);
    count.contains(&digits.len()).then_some(())?;
    u32::from_str_radix(digits, 16).ok()
}
