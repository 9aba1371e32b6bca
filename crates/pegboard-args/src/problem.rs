//! What is wrong with a command line, in words that help to put it right.

use pegboard_protocol::nu::{Flag, PositionalArg, Signature, SyntaxShape};
use pegboard_protocol::{LabeledError, Span};

use super::describe::noun;
use super::flags::written;
use super::nearest::nearest;
use super::usage::usage_line;
use crate::Word;

/// What a value is for.
#[derive(Clone, Copy)]
pub(super) enum Slot<'a> {
    Positional(&'a PositionalArg),
    Flag(&'a Flag),
}

impl Slot<'_> {
    fn name(self) -> String {
        match self {
            Slot::Positional(argument) => format!("the argument `{}`", argument.name),
            Slot::Flag(flag) => format!("the value of `{}`", written(flag)),
        }
    }

    fn shape(self) -> SyntaxShape {
        match self {
            Slot::Positional(argument) => argument.shape.clone(),
            Slot::Flag(flag) => flag.arg.clone().unwrap_or_default(),
        }
    }
}

fn error(
    signature: &Signature,
    code: &str,
    msg: String,
    label: String,
    span: Span,
) -> LabeledError {
    LabeledError::new(msg)
        .with_code(format!("pegboard::arguments::{code}"))
        .with_label(label, span)
        .with_help(format!("usage: {}", usage_line(signature)))
}

fn also(mut error: LabeledError, advice: &str) -> LabeledError {
    if let Some(help) = &mut error.help {
        *help = format!("{advice}\n{help}");
    }
    error
}

pub(super) fn wrong(
    signature: &Signature,
    slot: Slot<'_>,
    span: Span,
    label: String,
) -> LabeledError {
    let msg = format!("{} must be {}", slot.name(), noun(&slot.shape()));
    error(signature, "wrong_value", msg, label, span)
}

pub(super) fn nothing_follows(signature: &Signature, keyword: &str, span: Span) -> LabeledError {
    let msg = format!("nothing follows the word `{keyword}`");
    let label = "expected a value behind it".to_owned();
    error(signature, "missing_value", msg, label, span)
}

pub(super) fn too_many(signature: &Signature, word: &Word) -> LabeledError {
    let room = signature.required_positional.len() + signature.optional_positional.len();
    let msg = match room {
        0 => format!("`{}` takes no arguments", signature.name),
        1 => format!("`{}` takes only one argument", signature.name),
        room => format!("`{}` takes only {room} arguments", signature.name),
    };
    error(
        signature,
        "too_many",
        msg,
        "one too many".to_owned(),
        word.span(),
    )
}

pub(super) fn missing_arguments(
    signature: &Signature,
    head: Span,
    missing: &[PositionalArg],
) -> LabeledError {
    let names: Vec<_> = missing
        .iter()
        .map(|argument| format!("`{}`", argument.name))
        .collect();
    let noun = if missing.len() == 1 {
        "argument"
    } else {
        "arguments"
    };
    let msg = format!(
        "`{}` lacks the {noun} {}",
        signature.name,
        list(&names, "and")
    );
    let first = &missing[0];
    let label = match first.desc.lines().next().filter(|desc| !desc.is_empty()) {
        Some(desc) => format!("needs `{}`: {desc}", first.name),
        None => format!(
            "needs `{}`: {}",
            first.name,
            super::describe::noun(&first.shape)
        ),
    };
    error(signature, "missing_argument", msg, label, head)
}

pub(super) fn missing_flags(signature: &Signature, head: Span, missing: &[&Flag]) -> LabeledError {
    let names: Vec<_> = missing
        .iter()
        .map(|flag| format!("`{}`", written(flag)))
        .collect();
    let noun = if missing.len() == 1 { "flag" } else { "flags" };
    let msg = format!(
        "`{}` lacks the {noun} {}",
        signature.name,
        list(&names, "and")
    );
    let label = format!("needs {}", list(&names, "and"));
    error(signature, "missing_flag", msg, label, head)
}

pub(super) fn unknown_flag(signature: &Signature, typed: &str, span: Span) -> LabeledError {
    let msg = format!("`{}` has no flag `{typed}`", signature.name);
    let meant = typed
        .strip_prefix("--")
        .and_then(|typed| nearest(typed, signature.named.iter().map(|flag| flag.long.as_str())))
        .filter(|long| !long.is_empty())
        .map(|long| format!("--{long}"));
    // Someone may have written a long flag with a single dash, or a number where none fits.
    let label = match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "unknown flag".to_owned(),
    };
    let error = error(signature, "unknown_flag", msg, label, span);
    also(error, "write `--` before arguments that start with a dash")
}

pub(super) fn switch_value(signature: &Signature, flag: &Flag, span: Span) -> LabeledError {
    let msg = format!(
        "`{}` is a switch: it takes no value but true or false",
        written(flag)
    );
    let label = "expected true or false".to_owned();
    error(signature, "wrong_value", msg, label, span)
}

/// `next` is the word behind the flag, which is a flag itself.
pub(super) fn no_value(
    signature: &Signature,
    flag: &Flag,
    next: Option<&str>,
    span: Span,
) -> LabeledError {
    let name = written(flag);
    let noun = noun(&Slot::Flag(flag).shape());
    let error = error(
        signature,
        "missing_value",
        format!("`{name}` lacks its value"),
        format!("needs {noun}"),
        span,
    );
    match next {
        Some(next) => also(
            error,
            &format!("write `{name}={}` if that is the value", next),
        ),
        None => error,
    }
}

/// `a, b and c`.
pub(super) fn list(words: &[String], joiner: &str) -> String {
    match words {
        [] => String::new(),
        [word] => word.clone(),
        [words @ .., last] => format!("{} {joiner} {last}", words.join(", ")),
    }
}
