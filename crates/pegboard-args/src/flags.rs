//! Flags: long and short, switches and flags with a value, groups of switches.

use std::borrow::Cow;

use pegboard_protocol::nu::{EvaluatedCall, Flag, Signature};
use pegboard_protocol::{LabeledError, Span, Spanned, Value};

use crate::parse::{Parser, part};
use crate::problem::{self, Slot};

/// The name under which a plugin gets a flag.
pub(super) fn name(flag: &Flag) -> Cow<'_, str> {
    match flag.short {
        Some(short) if flag.long.is_empty() => short.to_string().into(),
        _ => flag.long.as_str().into(),
    }
}

/// A flag as people write it.
pub(super) fn written(flag: &Flag) -> String {
    match flag.short {
        Some(short) if flag.long.is_empty() => format!("-{short}"),
        _ => format!("--{}", flag.long),
    }
}

pub(super) fn by_long<'a>(signature: &'a Signature, long: &str) -> Option<&'a Flag> {
    signature
        .named
        .iter()
        .find(|flag| !long.is_empty() && flag.long == long)
}

pub(super) fn by_short(signature: &Signature, short: char) -> Option<&Flag> {
    signature
        .named
        .iter()
        .find(|flag| flag.short == Some(short))
}

/// True when one of the words before `--` is the switch `--help`, or its short form.
pub(super) fn asks_for_help(signature: &Signature, words: &[Spanned<String>]) -> bool {
    help_word(signature, words).is_some()
}

/// The call that asks for nothing but help.
pub(super) fn only_help(
    signature: &Signature,
    head: Span,
    words: &[Spanned<String>],
) -> EvaluatedCall {
    let span = help_word(signature, words).map_or(head, |word| word.span);
    let help = Spanned::new("help".to_owned(), span);
    EvaluatedCall {
        head,
        positional: Vec::new(),
        named: vec![(help, None)],
    }
}

fn help_word<'a>(
    signature: &Signature,
    words: &'a [Spanned<String>],
) -> Option<&'a Spanned<String>> {
    let help = by_long(signature, "help");
    if help.is_some_and(|flag| flag.arg.is_some()) {
        return None;
    }
    let short = help
        .and_then(|flag| flag.short)
        .map(|short| format!("-{short}"));
    words
        .iter()
        .take_while(|word| word.item != "--")
        .find(|word| word.item == "--help" || Some(&word.item) == short.as_ref())
}

impl<'a> Parser<'a> {
    pub(super) fn flag(&mut self, word: &'a Spanned<String>) -> Result<(), LabeledError> {
        match word.item.strip_prefix("--") {
            Some(long) => self.long(word, long),
            None => self.shorts(word),
        }
    }

    fn long(&mut self, word: &'a Spanned<String>, text: &str) -> Result<(), LabeledError> {
        let (long, value) = match text.split_once('=') {
            Some((long, value)) => (long, Some(value)),
            None => (text, None),
        };
        let Some(flag) = by_long(self.signature, long) else {
            if long == "help" && value.is_none() {
                self.push("help", word.span, None);
                return Ok(());
            }
            if self.signature.allows_unknown_args {
                self.call
                    .positional
                    .push(Value::String(word.item.clone(), word.span));
                return Ok(());
            }
            let span = part(word, 0..2 + long.len());
            return Err(problem::unknown_flag(
                self.signature,
                &format!("--{long}"),
                span,
            ));
        };
        self.known(flag, word, 0..2 + long.len(), value)
    }

    fn shorts(&mut self, word: &'a Spanned<String>) -> Result<(), LabeledError> {
        let (group, value) = match word.item[1..].split_once('=') {
            Some((group, value)) => (group, Some(value)),
            None => (&word.item[1..], None),
        };
        let mut shorts = group.char_indices().peekable();
        while let Some((at, short)) = shorts.next() {
            let range = 1 + at..1 + at + short.len_utf8();
            let last = shorts.peek().is_none();
            match by_short(self.signature, short) {
                Some(flag) if last => {
                    let range = if at == 0 { 0..range.end } else { range };
                    self.known(flag, word, range, value)?;
                }
                Some(flag) if flag.arg.is_none() => {
                    self.push(&name(flag), part(word, range), None);
                }
                Some(flag) => {
                    // What follows it directly is its value.
                    let from = range.end;
                    let range = if at == 0 { 0..from } else { range };
                    return self.known(flag, word, range, Some(&word.item[from..]));
                }
                None if self.signature.allows_unknown_args && at == 0 => {
                    self.call
                        .positional
                        .push(Value::String(word.item.clone(), word.span));
                    return Ok(());
                }
                None => {
                    let range = if at == 0 { 0..range.end } else { range };
                    let span = part(word, range);
                    return Err(problem::unknown_flag(
                        self.signature,
                        &format!("-{short}"),
                        span,
                    ));
                }
            }
        }
        Ok(())
    }

    /// A flag of the signature, written at `range` of the word, perhaps with `=value` behind it.
    fn known(
        &mut self,
        flag: &'a Flag,
        word: &'a Spanned<String>,
        range: std::ops::Range<usize>,
        value: Option<&str>,
    ) -> Result<(), LabeledError> {
        let span = part(word, range);
        let slot = Slot::Flag(flag);
        let value_span = || {
            part(
                word,
                word.item.len() - value.map_or(0, str::len)..word.item.len(),
            )
        };
        let value = match (&flag.arg, value) {
            (None, None) => None,
            (None, Some("true")) => Some(Value::Bool(true, value_span())),
            (None, Some("false")) => Some(Value::Bool(false, value_span())),
            (None, Some(_)) => {
                return Err(problem::switch_value(self.signature, flag, value_span()));
            }
            (Some(shape), Some(text)) => Some(self.value(slot, shape, text, value_span())?),
            (Some(shape), None) => {
                let next = self.words.as_slice().first();
                let Some(next) = next.filter(|next| !self.is_flag_of_command(&next.item)) else {
                    return Err(problem::no_value(self.signature, flag, next, span));
                };
                self.words.next();
                Some(self.value(slot, shape, &next.item, next.span)?)
            }
        };
        self.push(&name(flag), span, value);
        Ok(())
    }

    /// True for a word that is clearly meant as a flag rather than as the value of the one before it.
    fn is_flag_of_command(&self, word: &str) -> bool {
        if let Some(long) = word.strip_prefix("--") {
            let long = long.split('=').next().unwrap_or(long);
            return by_long(self.signature, long).is_some();
        }
        let mut shorts = word.strip_prefix('-').unwrap_or_default().chars();
        match (shorts.next(), shorts.next()) {
            (Some(short), None | Some('=')) => by_short(self.signature, short).is_some(),
            _ => false,
        }
    }

    fn push(&mut self, name: &str, span: Span, value: Option<Value>) {
        self.call
            .named
            .push((Spanned::new(name.to_owned(), span), value));
    }
}
