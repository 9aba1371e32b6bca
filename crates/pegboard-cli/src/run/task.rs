//! Tasks of Octa plugins: their text may be standard input, and what else their command line has to keep apart.

use std::io;
use std::path::Path;

use pegboard_host::protocol::nu::{EvaluatedCall, Signature};
use pegboard_host::{
    ByteStream, Engine, Error, Flow, LabeledError, ListStream, Protocol, Span, TaskResult, Value,
};

use crate::input::{Trouble, nothing_to_read, text_of_task};
use crate::options::RunOptions;
use crate::output::Outcome;

/// What is written in place of a text that is standard input.
const STDIN: &str = "-";

/// What is said where a text is missing.
const HINT: &str = "its text may also come from standard input";

/// A text that is standard input, or would be.
pub(super) struct Text {
    /// The word that asks for it, or the name of the command.
    place: Span,
    /// What is wrong if there is none, which was not asked for.
    missing: Option<LabeledError>,
}

/// Whether the options say that standard input is the input of the first command, so that no task can have it as its text.
pub(super) fn stdin_is_input(options: &RunOptions) -> bool {
    match &options.input {
        Some(file) => file == Path::new(STDIN),
        None => options.from.is_some(),
    }
}

/// The text of a task if it is standard input. Of what was typed.
pub(super) fn text_asked_for(arguments: &EvaluatedCall) -> Option<Text> {
    match arguments.positional.first() {
        Some(Value::String(text, place)) if text == STDIN => Some(Text {
            place: *place,
            missing: None,
        }),
        _ => None,
    }
}

/// Tries again with a task whose arguments are wrong, and perhaps only because its text was left out.
pub(super) fn without_text(
    mut error: LabeledError,
    signature: &Signature,
    parse: impl FnOnce(&Signature) -> Result<EvaluatedCall, LabeledError>,
) -> Result<(EvaluatedCall, Text), LabeledError> {
    if error.code.as_deref() != Some("pegboard::arguments::missing_argument") {
        return Err(error);
    }
    let usage = error.help.unwrap_or_default();
    error.help = Some(format!("{HINT}\n{usage}"));
    if nothing_to_read() {
        return Err(error);
    }
    let mut relaxed = signature.clone();
    relaxed.optional_positional = std::mem::take(&mut relaxed.required_positional);
    let mut arguments = parse(&relaxed)?;
    let place = arguments.head;
    arguments.positional.push(Value::string(STDIN));
    let missing = Some(error);
    Ok((arguments, Text { place, missing }))
}

/// Writes the structured result of a task, or its text if it gives none, also if the task fails. What fails in another way
/// has no text: a part of it would look like all of it.
pub(super) fn write_result(
    output: Flow,
    result: &TaskResult,
    write: impl FnOnce(Flow) -> Result<Outcome, Error>,
) -> Result<Outcome, Error> {
    let (text, failure) = match output {
        Flow::Bytes(mut chunks) => {
            let mut bytes = Vec::new();
            let end = chunks.try_for_each(|chunk| chunk.map(|chunk| bytes.extend(chunk)));
            (text_or_bytes(bytes), end.err())
        }
        other => (other.into_value()?, None),
    };
    let (value, failure) = match (result.value(), failure) {
        (Some(result), failure) => (result, failure),
        (None, Some(error)) if error.exit_code().is_none() => return Err(error),
        (None, failure) => (text, failure),
    };
    match (write(Flow::value(value))?, failure) {
        // That the reader has had enough does not change how the task ended.
        (Outcome::Unwritable(error), Some(failure))
            if error.kind() == io::ErrorKind::BrokenPipe =>
        {
            Err(failure)
        }
        (Outcome::Written { .. }, Some(failure)) => Err(failure),
        (outcome, _) => Ok(outcome),
    }
}

/// What commands behind a task have made of its output: also of that of a task that ended with an exit code, which they see
/// as an error at the end of their input.
pub(super) fn made_of_output(output: Flow, trouble: &Trouble) -> Flow {
    let trouble = trouble.clone();
    let is_end = move || trouble.is_exit_code();
    match output {
        Flow::List(items) => {
            let items = items.take_while(move |item| item.is_ok() || !is_end());
            Flow::List(ListStream::new(items))
        }
        Flow::Bytes(chunks) => {
            let kind = chunks.kind;
            let chunks = chunks.take_while(move |chunk| chunk.is_ok() || !is_end());
            Flow::Bytes(ByteStream::from_chunks(chunks, kind))
        }
        other => other,
    }
}

fn text_or_bytes(bytes: Vec<u8>) -> Value {
    match String::from_utf8(bytes) {
        Ok(text) => Value::string(text),
        Err(error) => Value::binary(error.into_bytes()),
    }
}

/// Whether an exit code could be that of a task: one of Octa's plugins was used, or was to be.
pub(super) fn is_of_tasks(options: &RunOptions, engine: &Engine) -> bool {
    let used = engine.plugins();
    let mut named = options.plugins.iter().map(|path| Protocol::of(path));
    used.iter()
        .any(|plugin| plugin.protocol() == Protocol::Octa)
        || named.any(|protocol| protocol == Protocol::Octa)
}

impl Text {
    /// What is wrong with it if standard input is something else.
    pub(super) fn refused(self, why: &str) -> LabeledError {
        let Some(mut missing) = self.missing else {
            return LabeledError::new("standard input cannot be the text of this task")
                .with_code("pegboard::run::stdin_taken")
                .with_label(why, self.place);
        };
        if let Some(help) = &mut missing.help {
            *help = help.replacen(HINT, &format!("standard input is not its text: {why}"), 1);
        }
        missing
    }

    /// Reads it to its end, and puts it into the arguments.
    pub(super) fn read(self, arguments: &mut EvaluatedCall) -> Result<(), Error> {
        let text = text_of_task()?;
        match self.missing {
            Some(missing) if text.is_empty() => return Err(Error::misuse(missing)),
            _ => {}
        }
        if let Some(placeholder) = arguments.positional.first_mut() {
            *placeholder = Value::String(text, self.place);
        }
        Ok(())
    }
}
