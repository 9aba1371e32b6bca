//! The arguments of a run as an execution. Nothing goes to the plugin but what the caller names.

use std::path::Path;

use pegboard_protocol::nu::EvaluatedCall;
use pegboard_protocol::octa::Execute;
use pegboard_protocol::{LabeledError, Span, Spanned, Value, to_json};
use serde_json::Value as Json;

use super::signature::{DIRECTORY, DRY, ENVIRONMENT, VARIABLE};

/// Makes an execution of a call. It works in `directory` unless the call says otherwise.
pub(super) fn execute(
    call: &EvaluatedCall,
    directory: &Path,
    input: bool,
) -> Result<Execute, LabeledError> {
    let mut words = call.positional.iter();
    let Some(text) = words.next() else {
        return Err(LabeledError::new("it needs the text of the task")
            .with_label("this has none", call.head));
    };
    let mut execute = Execute {
        text: word(text)?,
        args: words.map(word).collect::<Result<_, _>>()?,
        input,
        ..Execute::default()
    };
    let mut wanted = directory.to_owned();
    let mut place = (call.head, "without `--dir`, it would work there");
    for (name, value) in &call.named {
        match (name.item.as_str(), value) {
            (DIRECTORY, Some(value)) => {
                let text = word(value)?;
                if text.is_empty() {
                    let message = format!("the directory of `--{DIRECTORY}` has no name");
                    let error = wrong(message, "this is empty", value.span());
                    return Err(error.with_help("without it, the current directory is taken"));
                }
                (wanted, place) = (directory.join(text), (value.span(), "this one"));
            }
            (ENVIRONMENT, Some(value)) => pairs(value, name, &mut |name, value, at| {
                let text = match value {
                    Given::Text(text) => text,
                    Given::Value(value) => word(value)?,
                };
                if name.is_empty() || name.contains('=') {
                    let message = format!("`{name}` is no name of an environment variable");
                    return Err(wrong(message, "this name", at));
                }
                if text.contains('\0') || name.contains('\0') {
                    let message = "an environment variable cannot have a zero byte in it";
                    return Err(wrong(message.to_owned(), "here", at));
                }
                execute.envs.insert(name, text);
                Ok(())
            })?,
            (VARIABLE, Some(value)) => pairs(value, name, &mut |name, value, at| {
                let value = match value {
                    Given::Text(text) => json(&text, at)?,
                    Given::Value(value) => to_json(value).map_err(|error| {
                        LabeledError::new(error.to_string()).with_label("this has no JSON", at)
                    })?,
                };
                execute.vars.insert(name, value);
                Ok(())
            })?,
            (DRY, value) => execute.dry = !matches!(value, Some(Value::Bool(false, _))),
            _ => {
                let message = format!("there is no flag `--{}`", name.item);
                return Err(LabeledError::new(message).with_label("unknown flag", name.span));
            }
        }
    }
    execute.dir = existing(&wanted, place)?;
    Ok(execute)
}

/// What stands behind a name: a text behind a `=`, or the field of a record.
enum Given<'a> {
    Text(String),
    Value(&'a Value),
}

/// Takes apart what a flag that can be repeated was given: `NAME=...`, a list of these, or a record.
fn pairs(
    value: &Value,
    flag: &Spanned<String>,
    take: &mut dyn FnMut(String, Given<'_>, Span) -> Result<(), LabeledError>,
) -> Result<(), LabeledError> {
    match value {
        Value::Record(record, at) => {
            let mut fields = record.iter();
            fields.try_for_each(|(name, value)| take(name.to_owned(), Given::Value(value), *at))
        }
        Value::List(values, _) => values.iter().try_for_each(|one| pairs(one, flag, take)),
        value => {
            let (text, flag, at) = (word(value)?, &flag.item, value.span());
            let Some((name, text)) = text.split_once('=').filter(|(name, _)| !name.is_empty())
            else {
                let message = format!("`--{flag}` needs a name and a value, `--{flag} NAME=...`");
                return Err(wrong(message, "no `=` behind a name", at));
            };
            if !name.chars().all(is_of_name) {
                let message = format!("`{name}` is no name of a variable");
                let error = wrong(message, "the name ends at the first `=`", at);
                return Err(error.with_help(format!(
                    "`--{flag} NAME=...` is for one variable; for several, repeat it"
                )));
            }
            take(name.to_owned(), Given::Text(text.to_owned()), at)
        }
    }
}

/// True for what may be in a name that was typed: whoever types a list or a record would get a variable that nobody finds.
fn is_of_name(c: char) -> bool {
    !c.is_whitespace() && !c.is_control() && !"[]{}\"'`".contains(c)
}

fn wrong(message: String, label: &str, at: Span) -> LabeledError {
    LabeledError::new(message)
        .with_code("pegboard::arguments::wrong_value")
        .with_label(label, at)
}

fn json(text: &str, at: Span) -> Result<Json, LabeledError> {
    serde_json::from_str(text).map_err(|error| {
        let quoted = Json::from(text);
        let message = format!("the value of a variable has to be JSON: {error}");
        wrong(message, "this is none", at)
            .with_help(format!("if it is to be a text, write it as {quoted}"))
    })
}

/// A value as text, as it would be typed.
fn word(value: &Value) -> Result<String, LabeledError> {
    Ok(match value {
        Value::String(text, _) => text.clone(),
        Value::Int(number, _) => number.to_string(),
        Value::Float(number, _) => number.to_string(),
        Value::Bool(flag, _) => flag.to_string(),
        other => {
            let message = "expected a text";
            return Err(LabeledError::new(message).with_label("this is none", other.span()));
        }
    })
}

/// The directory without links and dots, as plugins expect it.
fn existing(directory: &Path, (at, label): (Span, &str)) -> Result<String, LabeledError> {
    let shown = directory.display();
    let wrong = |message: String| wrong(message, label, at);
    let plain = directory
        .canonicalize()
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => wrong(format!("there is no directory {shown}")),
            _ => wrong(format!("the directory {shown} cannot be used: {error}")),
        })?;
    if !plain.is_dir() {
        return Err(wrong(format!("{shown} is not a directory")));
    }
    let text = plain.to_str().map(str::to_owned);
    text.ok_or_else(|| {
        wrong(format!(
            "the directory {shown} has a name that is no Unicode, which Octa cannot be told"
        ))
    })
}
