//! Standard input as the input of a command: read only as far as the command wants it.

mod csv;
mod json;
mod mark;
mod msgpack;
mod quotes;
mod stdin;
mod text;
mod unassigned;

use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pegboard_host::protocol::nu::{ByteStreamKind, Signature, Type};
use pegboard_host::{Error, Flow, LabeledError, ListStream, Value};

use crate::options::From;
use mark::Unmarked;
use stdin::Source;

/// Remembers why an input ended too early, which the plugin only sees as a stream that ends with an error.
#[derive(Clone, Default)]
pub(crate) struct Trouble(Arc<Mutex<Option<Error>>>);

impl Trouble {
    /// Keeps an error, if it is the first.
    pub(crate) fn keep(&self, error: &Error) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert_with(|| error.clone());
    }

    /// True if this is what the plugin has made of it.
    pub(crate) fn is_behind(&self, error: &LabeledError) -> bool {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Some say in front of it whose error it was.
        let same = |kept: &Error| error.msg.ends_with(&kept.labeled().msg);
        kept.as_ref().is_some_and(same)
    }

    /// True if it is that a task ended with an exit code.
    pub(crate) fn is_exit_code(&self) -> bool {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().is_some_and(|kept| kept.exit_code().is_some())
    }

    pub(crate) fn take(&self) -> Option<Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Values may be nested this deep: in a message to a plugin each level is three, and 256 of those are allowed.
const DEEPEST: usize = 80;

/// How long more of an input that could be over here may take; then it is taken for one that goes on.
const MORE_COMES: Duration = Duration::from_millis(100);

/// Where the input comes from, and what it is, as far as the caller has said so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    /// A file; `-` for standard input, whatever that is.
    pub(crate) file: Option<&'a Path>,
    pub(crate) from: Option<From>,
}

/// The input for a command.
pub(crate) fn input(
    signature: &Signature,
    wanted: Wanted<'_>,
    trouble: &Trouble,
) -> Result<Flow, Error> {
    let source = || open(wanted.file);
    let unmarked = || source().map(Unmarked::new);
    let no_text = || Flow::value(Value::string(""));
    let text = ByteStreamKind::String;
    match wanted.from.or_else(|| by_extension(wanted.file)) {
        Some(From::Raw) => Ok(text::bytes(source()?, ByteStreamKind::Binary, trouble)),
        Some(From::Text) => text::line_or_stream(source()?, text, no_text(), trouble),
        Some(From::Json) => json::flow(unmarked()?, takes_streams(signature), trouble),
        Some(From::Ndjson) => Ok(json::documents(unmarked()?, trouble)),
        Some(From::Csv) => Ok(csv::flow(source()?, trouble)),
        Some(From::Lines) => Ok(text::lines(unmarked()?, trouble)),
        Some(From::Msgpack) => msgpack::flow(source()?, trouble),
        None if wanted.file.is_none() && nothing_to_read() => Ok(Flow::Empty),
        None => match Taste::of(signature) {
            Taste::Nothing if wanted.file.is_some() => Err(no_input(signature)),
            Taste::Nothing => Ok(Flow::Empty),
            Taste::Bytes => Ok(text::bytes(source()?, ByteStreamKind::Unknown, trouble)),
            Taste::Anything => {
                text::line_or_stream(source()?, ByteStreamKind::Unknown, Flow::Empty, trouble)
            }
            Taste::Text => text::line_or_stream(source()?, text, no_text(), trouble),
            Taste::Structure => match text::bytes(source()?, text, trouble) {
                Flow::Bytes(mut bytes) => match bytes.next() {
                    None => Ok(Flow::Empty),
                    Some(Err(error)) => Err(error),
                    Some(Ok(_)) => Err(not_bytes(signature)),
                },
                other => Ok(other),
            },
        },
    }
}

fn open(file: Option<&Path>) -> Result<Box<dyn Source>, Error> {
    match file {
        Some(path) if path != Path::new("-") => match stdin::file(path) {
            Ok(source) => Ok(Box::new(source)),
            Err(error) => {
                let message = format!("`{}` cannot be read: {error}", path.display());
                let error = LabeledError::new(message).with_code("pegboard::input::unreadable");
                Err(Error::misuse(error))
            }
        },
        _ => match stdin::stdin() {
            Ok(source) => Ok(Box::new(source)),
            Err(error) => Err(unreadable(&error)),
        },
    }
}

/// What the name of a file says about what is in it.
fn by_extension(file: Option<&Path>) -> Option<From> {
    let extension = file?.extension()?.to_str()?.to_ascii_lowercase();
    match extension.as_str() {
        "json" => Some(From::Json),
        "ndjson" | "jsonl" => Some(From::Ndjson),
        "csv" => Some(From::Csv),
        "msgpack" | "mpk" => Some(From::Msgpack),
        _ => None,
    }
}

fn no_input(signature: &Signature) -> Error {
    let error = LabeledError::new(format!("`{}` takes no input", signature.name))
        .with_code("pegboard::input::not_taken")
        .with_help("leave `--input` out");
    Error::misuse(error)
}

/// What a command takes, as far as it matters to untyped bytes.
#[derive(Debug, PartialEq)]
enum Taste {
    Nothing,
    Bytes,
    /// Text among others, or nothing, or it does not say.
    Anything,
    Text,
    Structure,
}

impl Taste {
    fn of(signature: &Signature) -> Taste {
        let takes = |wanted: fn(&Type) -> bool| takes(signature, wanted);
        let types = &signature.input_output_types;
        if takes(|input| *input == Type::Binary) {
            Taste::Bytes
        } else if types.is_empty()
            || takes(|input| matches!(input, Type::Any | Type::Custom(_) | Type::Unknown(_)))
        {
            Taste::Anything
        } else if takes(|input| matches!(input, Type::String | Type::Glob)) {
            if takes(|input| *input == Type::Nothing) {
                Taste::Anything
            } else {
                Taste::Text
            }
        } else if types.iter().all(|(input, _)| *input == Type::Nothing) {
            Taste::Nothing
        } else {
            Taste::Structure
        }
    }
}

fn takes(signature: &Signature, wanted: fn(&Type) -> bool) -> bool {
    let types = &signature.input_output_types;
    types.iter().any(|(input, _)| any_of(input, wanted))
}

/// True if a stream of values may be an input, as far as is known.
fn takes_streams(signature: &Signature) -> bool {
    let stream = |input: &Type| {
        matches!(
            input,
            Type::Any | Type::Unknown(_) | Type::List(_) | Type::Table(_) | Type::ListStream
        )
    };
    signature.input_output_types.is_empty() || takes(signature, stream)
}

fn any_of(of: &Type, wanted: fn(&Type) -> bool) -> bool {
    match of {
        Type::OneOf(types) => types.iter().any(|one| any_of(one, wanted)),
        other => wanted(other),
    }
}

fn not_bytes(signature: &Signature) -> Error {
    let lines = takes(signature, |input| match input {
        Type::List(item) => matches!(**item, Type::String | Type::Any),
        _ => false,
    });
    let lines = if lines {
        ", or `--from lines` for its lines"
    } else {
        ""
    };
    let error = LabeledError::new(format!(
        "`{}` does not take plain text or bytes as its input",
        signature.name
    ))
    .with_code("pegboard::input::untyped")
    .with_help(format!(
        "add `--from json` (before the command) if the input is JSON{lines}"
    ));
    Error::misuse(error)
}

/// All of standard input, exactly, as the text of a task.
pub(crate) fn text_of_task() -> Result<String, Error> {
    text::whole(open(None)?)
}

/// True for a terminal, and for a device that never gives anything.
pub(crate) fn nothing_to_read() -> bool {
    io::stdin().is_terminal() || is_null_device().unwrap_or(false)
}

#[cfg(unix)]
fn is_null_device() -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let stdin = rustix::fs::fstat(io::stdin()).map_err(io::Error::from)?;
    let null = std::fs::metadata("/dev/null")?;
    Ok(stdin.st_mode & 0o170_000 == 0o020_000 && stdin.st_rdev == null.rdev())
}

#[cfg(not(unix))]
fn is_null_device() -> io::Result<bool> {
    Ok(false)
}

/// A stream that ends at the first error and keeps it.
fn stream(
    mut items: impl Iterator<Item = Result<Value, Error>> + Send + 'static,
    trouble: &Trouble,
) -> Flow {
    let trouble = trouble.clone();
    let mut failed = false;
    Flow::List(ListStream::new(std::iter::from_fn(move || {
        let item = if failed { None } else { items.next() };
        if let Some(Err(error)) = &item {
            trouble.keep(error);
            failed = true;
        }
        item
    })))
}

fn unreadable(error: &io::Error) -> Error {
    Error::misuse(format!("reading the input failed: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_tells_what_untyped_input_is() {
        let list = || Type::List(Box::new(Type::Any));
        for (types, taste) in [
            (vec![], Taste::Anything),
            (vec![Type::Any], Taste::Anything),
            (vec![Type::Nothing], Taste::Nothing),
            (vec![Type::String, Type::Nothing], Taste::Anything),
            (vec![Type::String], Taste::Text),
            (vec![Type::String, Type::Binary], Taste::Bytes),
            (
                vec![Type::OneOf(vec![Type::Int, Type::String])],
                Taste::Text,
            ),
            (vec![Type::Int, list()], Taste::Structure),
            (vec![Type::Nothing, list()], Taste::Structure),
        ] {
            let input_output_types = types
                .iter()
                .map(|input| (input.clone(), Type::Any))
                .collect();
            let signature = Signature {
                input_output_types,
                ..Signature::default()
            };
            assert_eq!(Taste::of(&signature), taste, "{types:?}");
        }
    }
}
