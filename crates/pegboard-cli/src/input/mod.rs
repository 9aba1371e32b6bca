//! Standard input as the input of a command: read only as far as the command wants it.

mod json;
mod stdin;
mod text;

use std::io::{self, IsTerminal, Read};
use std::sync::{Arc, Mutex, PoisonError};

use pegboard_host::protocol::nu::{ByteStreamKind, Signature, Type};
use pegboard_host::{Error, Flow, LabeledError};

use crate::options::From;

/// Remembers why the input could not be read, which the plugin only sees as a stream that ends with an error.
#[derive(Clone, Default)]
pub(crate) struct InputError(Arc<Mutex<Option<Error>>>);

impl InputError {
    fn keep(&self, error: &Error) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert_with(|| error.clone());
    }

    pub(crate) fn take(&self) -> Option<Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The input for a command.
pub(crate) fn input(
    signature: &Signature,
    from: Option<From>,
    trouble: &InputError,
) -> Result<Flow, Error> {
    let stdin = || stdin::stdin().map_err(|error| unreadable(&error));
    match from {
        Some(From::Raw) => Ok(Flow::bytes(stdin()?, ByteStreamKind::Binary)),
        Some(From::Text) => text::line_or_stream(stdin()?),
        Some(From::Json) => json::flow(stdin()?, trouble),
        None if nothing_to_read() => Ok(Flow::Empty),
        None => match Taste::of(signature) {
            Taste::Nothing => Ok(Flow::Empty),
            Taste::Bytes => Ok(Flow::bytes(stdin()?, ByteStreamKind::Unknown)),
            Taste::Anything => Ok(text::stream(stdin()?, ByteStreamKind::Unknown)),
            Taste::PerhapsText => Ok(text::stream(stdin()?, ByteStreamKind::String)),
            Taste::Text => text::line_or_stream(stdin()?),
            Taste::Structure if is_empty()? => Ok(Flow::Empty),
            Taste::Structure => Err(not_bytes(signature)),
        },
    }
}

/// What a command takes, as far as it matters to untyped bytes.
#[derive(Debug, PartialEq)]
enum Taste {
    Nothing,
    Bytes,
    Anything,
    Text,
    /// Text or nothing: whether the input is read at all is up to the command.
    PerhapsText,
    Structure,
}

impl Taste {
    fn of(signature: &Signature) -> Taste {
        let types = &signature.input_output_types;
        let takes =
            |wanted: fn(&Type) -> bool| types.iter().any(|(input, _)| any_of(input, wanted));
        if takes(|input| *input == Type::Binary) {
            Taste::Bytes
        } else if types.is_empty()
            || takes(|input| matches!(input, Type::Any | Type::Custom(_) | Type::Unknown(_)))
        {
            Taste::Anything
        } else if takes(|input| matches!(input, Type::String | Type::Glob)) {
            if takes(|input| *input == Type::Nothing) {
                Taste::PerhapsText
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

fn any_of(of: &Type, wanted: fn(&Type) -> bool) -> bool {
    match of {
        Type::OneOf(types) => types.iter().any(|one| any_of(one, wanted)),
        other => wanted(other),
    }
}

fn not_bytes(signature: &Signature) -> Error {
    let error = LabeledError::new(format!(
        "`{}` does not take plain text or bytes as its input",
        signature.name
    ))
    .with_code("pegboard::input::untyped")
    .with_help("add `--from json` (before the command) if the input is JSON");
    Error::misuse(error)
}

/// True for a terminal, and for a device that never gives anything.
fn nothing_to_read() -> bool {
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

/// True when there is no input at all, not even one byte. Waits for the first one.
fn is_empty() -> Result<bool, Error> {
    let read = io::stdin().lock().read(&mut [0]);
    read.map(|count| count == 0)
        .map_err(|error| unreadable(&error))
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
            (vec![Type::String, Type::Nothing], Taste::PerhapsText),
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
