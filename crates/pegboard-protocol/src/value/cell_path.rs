//! Paths to a place inside a value.

use std::fmt::{self, Write as _};
use std::iter::Peekable;
use std::str::{Chars, FromStr};

use super::Span;

/// A path to a place inside a value, such as `a.0?.b!`.
///
/// Its text begins with `$.`, which may be left out when it is read; steps are joined by dots. A step is a number or a
/// name, quoted where needed, then `!` if upper and lower case are the same and `?` if the step is optional.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CellPath {
    /// The steps, outermost first. None stands for the value itself.
    pub members: Vec<PathMember>,
}

/// One step of a cell path.
#[derive(Clone, Debug, PartialEq)]
pub enum PathMember {
    /// Into a record, or a column of a table.
    String {
        /// The field's name.
        val: String,
        /// Where it was written. Lost on the wire since Nushell 0.114.
        span: Span,
        /// A missing field gives nothing rather than an error.
        optional: bool,
        /// Upper and lower case are the same.
        insensitive: bool,
    },
    /// Into a list, counted from 0.
    Int {
        /// The index.
        val: u64,
        /// Where it was written. Lost on the wire since Nushell 0.114.
        span: Span,
        /// A missing item gives nothing rather than an error.
        optional: bool,
    },
}

impl fmt::Display for CellPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('$')?;
        for member in &self.members {
            write!(f, ".{member}")?;
        }
        if self.members.is_empty() {
            f.write_char('.')?;
        }
        Ok(())
    }
}

impl fmt::Display for PathMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let optional = match self {
            PathMember::Int { val, optional, .. } => {
                write!(f, "{val}")?;
                *optional
            }
            PathMember::String {
                val,
                optional,
                insensitive,
                ..
            } => {
                if needs_quotes(val) {
                    f.write_char('"')?;
                    for c in val.chars() {
                        if let '"' | '\\' = c {
                            f.write_char('\\')?;
                        }
                        f.write_char(c)?;
                    }
                    f.write_char('"')?;
                } else {
                    f.write_str(val)?;
                }
                if *insensitive {
                    f.write_char('!')?;
                }
                *optional
            }
        };
        if optional {
            f.write_char('?')?;
        }
        Ok(())
    }
}

/// The same names as Nushell quotes: empty ones, words that mean something in its data notation, and everything with
/// syntax, digits or white space in it.
fn needs_quotes(name: &str) -> bool {
    if let "" | "true" | "false" | "null" | "&&" = name {
        return true;
    }
    let special = |c: char| {
        matches!(
            c,
            '[' | ']'
                | ':'
                | '`'
                | '{'
                | '}'
                | '#'
                | '\''
                | '"'
                | ';'
                | '('
                | ')'
                | '|'
                | '$'
                | ','
                | '.'
                | '!'
                | '?'
                | '='
        ) || c.is_numeric()
            || c.is_whitespace()
    };
    let unsigned = name.strip_prefix(['+', '-']).unwrap_or(name);
    name.contains(special)
        || ["inf", "infinity", "nan"]
            .iter()
            .any(|word| unsigned.eq_ignore_ascii_case(word))
}

/// Text that is no cell path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseCellPathError(String);

impl fmt::Display for ParseCellPathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a cell path, such as `$.a.0`", self.0)
    }
}

impl std::error::Error for ParseCellPathError {}

impl FromStr for CellPath {
    type Err = ParseCellPathError;

    /// Reads a path. The places of its steps are unknown.
    fn from_str(text: &str) -> Result<CellPath, ParseCellPathError> {
        let steps = text.strip_prefix("$.").unwrap_or(text);
        let mut chars = steps.chars().peekable();
        let mut members = Vec::new();
        while chars.peek().is_some() {
            match member(&mut chars) {
                Some(member) => members.push(member),
                None => return Err(ParseCellPathError(text.to_owned())),
            }
        }
        Ok(CellPath { members })
    }
}

/// Reads one step and the dot behind it.
fn member(chars: &mut Peekable<Chars<'_>>) -> Option<PathMember> {
    let (name, quoted) = match chars.peek()? {
        '\'' | '`' => {
            let quote = chars.next()?;
            let mut name = String::new();
            loop {
                match chars.next()? {
                    c if c == quote => break,
                    c => name.push(c),
                }
            }
            (name, true)
        }
        '"' => (double_quoted(chars)?, true),
        _ => {
            let mut name = String::new();
            while let Some(c) =
                chars.next_if(|c| !matches!(c, ' ' | '\n' | '\t' | '!' | '?' | '.' | '(' | ')'))
            {
                name.push(c);
            }
            (name, false)
        }
    };
    let (mut optional, mut insensitive) = (false, false);
    loop {
        match chars.next() {
            None | Some('.') => break,
            Some('?') if !optional => optional = true,
            Some('!') if !insensitive => insensitive = true,
            Some(_) => return None,
        }
    }
    if !quoted && let Some(val) = number(&name) {
        return Some(PathMember::Int {
            val,
            span: Span::UNKNOWN,
            optional,
        });
    }
    Some(PathMember::String {
        val: name,
        span: Span::UNKNOWN,
        optional,
        insensitive,
    })
}

fn double_quoted(chars: &mut Peekable<Chars<'_>>) -> Option<String> {
    chars.next();
    let mut name = String::new();
    loop {
        match chars.next()? {
            '"' => return Some(name),
            '\\' => {
                let escaped = match chars.peek()? {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    c @ ('\\' | '/' | '"') => *c,
                    _ => {
                        name.push('\\');
                        continue;
                    }
                };
                chars.next();
                name.push(escaped);
            }
            c => name.push(c),
        }
    }
}

/// An index, in any of Nushell's notations.
fn number(text: &str) -> Option<u64> {
    let (radix, digits) = match text.get(..2) {
        Some("0b") => (2, &text[2..]),
        Some("0o") => (8, &text[2..]),
        Some("0x") => (16, &text[2..]),
        _ => (10, text),
    };
    if digits.starts_with('+') {
        return None;
    }
    u64::from_str_radix(&digits.replace('_', ""), radix).ok()
}
