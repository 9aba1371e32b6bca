//! Flags: long and short, switches and flags with a value, groups of switches.

use std::borrow::Cow;

use pegboard_protocol::nu::{EvaluatedCall, Flag, Signature};
use pegboard_protocol::{LabeledError, Span, Spanned, Value};

use crate::Word;
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
pub(super) fn asks_for_help(signature: &Signature, words: &[Word]) -> bool {
    help_word(signature, words).is_some()
}

/// The call that asks for nothing but help.
pub(super) fn only_help(signature: &Signature, head: Span, words: &[Word]) -> EvaluatedCall {
    let span = help_word(signature, words).map_or(head, |word| word.span);
    let help = Spanned::new("help".to_owned(), span);
    EvaluatedCall {
        head,
        positional: Vec::new(),
        named: vec![(help, None)],
    }
}

fn help_word<'a>(signature: &Signature, words: &'a [Word]) -> Option<&'a Spanned<String>> {
    let help = by_long(signature, "help");
    if help.is_some_and(|flag| flag.arg.is_some()) {
        return None;
    }
    let short = help
        .and_then(|flag| flag.short)
        .map(|short| format!("-{short}"));
    words
        .iter()
        .filter_map(Word::unquoted)
        .take_while(|word| word.item != "--")
        .find(|word| word.item == "--help" || Some(&word.item) == short.as_ref())
}

impl<'a> Parser<'a> {
    /// A word that is a flag, or several, and its text.
    pub(super) fn flag(
        &mut self,
        word: &'a Word,
        text: &'a Spanned<String>,
    ) -> Result<(), LabeledError> {
        // What stands behind the `=`.
        let (names, value) = match (word, text.item.split_once('=')) {
            (Word::Assigned(assigned), _) => {
                (&text.item[..assigned.name], Some(assigned.value.clone()))
            }
            (_, Some((names, value))) => {
                let place = part(text, names.len() + 1..text.item.len());
                let value = Spanned::new(value.to_owned(), place);
                (names, Some(word.same_way(value)))
            }
            (_, None) => (text.item.as_str(), None),
        };
        match names.strip_prefix("--") {
            Some(long) => self.long(text, long, value),
            None => self.shorts(word, text, &names[1..], value),
        }
    }

    fn long(
        &mut self,
        word: &'a Spanned<String>,
        long: &str,
        value: Option<Word>,
    ) -> Result<(), LabeledError> {
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

    fn shorts(
        &mut self,
        whole: &'a Word,
        word: &'a Spanned<String>,
        group: &str,
        value: Option<Word>,
    ) -> Result<(), LabeledError> {
        let mut shorts = group.char_indices().peekable();
        while let Some((at, short)) = shorts.next() {
            let range = 1 + at..1 + at + short.len_utf8();
            let last = shorts.peek().is_none();
            match by_short(self.signature, short) {
                Some(flag) if last => {
                    let range = if at == 0 { 0..range.end } else { range };
                    return self.known(flag, word, range, value);
                }
                Some(flag) if flag.arg.is_none() => {
                    self.push(&name(flag), part(word, range), None);
                }
                Some(flag) => {
                    // What follows it directly is its value.
                    let from = range.end;
                    let range = if at == 0 { 0..from } else { range };
                    let place = part(word, from..word.item.len());
                    let value = Spanned::new(word.item[from..].to_owned(), place);
                    return self.known(flag, word, range, Some(whole.same_way(value)));
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
        value: Option<Word>,
    ) -> Result<(), LabeledError> {
        let span = part(word, range);
        let slot = Slot::Flag(flag);
        let value = match (&flag.arg, value) {
            (None, None) => None,
            (None, Some(word)) => match word.unquoted().map(|text| text.item.as_str()) {
                Some("true") => Some(Value::Bool(true, word.span())),
                Some("false") => Some(Value::Bool(false, word.span())),
                _ => return Err(problem::switch_value(self.signature, flag, word.span())),
            },
            (Some(shape), Some(word)) => Some(self.value(slot, shape, &word)?),
            (Some(shape), None) => {
                let next = self.words.as_slice().first();
                let text = next.and_then(Word::unquoted).map(|text| text.item.as_str());
                let text = text.filter(|text| self.is_flag_of_command(text));
                let Some(next) = next.filter(|_| text.is_none()) else {
                    return Err(problem::no_value(self.signature, flag, text, span));
                };
                self.words.next();
                Some(self.value(slot, shape, next)?)
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
