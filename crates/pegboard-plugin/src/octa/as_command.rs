//! A key's handler as a command of Nushell's.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use pegboard_protocol::nu::{ByteStreamKind, SyntaxShape, Type};
use pegboard_protocol::octa::{Execute, Stream};
use pegboard_protocol::{LabeledError, Record, Value, from_json, to_json};
use pegboard_transport::ByteStream;
use serde_json::Map;

use super::key::{Done, Outcome, Start};
use super::output::Wire;
use super::{Cancellation, Error, Execution, Log, Stdin};
use crate::engine::OnInterrupt;
use crate::{Call, Command, Input, Output};

/// So many pieces of output wait to be read before writing waits.
const PIECES: usize = 16;

/// The command that runs a key's handler.
pub(crate) fn command(name: &str, description: &str, start: Arc<Start>) -> Command {
    Command::new(name, description)
        .details(
            "This is a plugin for Octa. What it writes to its standard output is the output, as it comes; what it writes \
             to standard error is the plugin's. An exit status other than zero is an error.",
        )
        .types(Type::Any, Type::Any)
        .required("text", SyntaxShape::String, "What to do, as in a task")
        .rest("args", SyntaxShape::String, "Arguments, for those keys that take any")
        .flag("dir", None, SyntaxShape::Directory, "The directory to work in, in place of the current one")
        .flag("env", None, SyntaxShape::Any, "Environment variables: a record, or NAME=VALUE")
        .flag("var", None, SyntaxShape::Any, "Variables: a record, or NAME=JSON")
        .switch("dry", None, "Only show what would be done, for those keys that can")
        .run(move |call| run(&call, &*start))
}

fn run(call: &Call, start: &Start) -> Result<Output, LabeledError> {
    let execute = execute(call)?;
    let stdin = stdin(call.input());
    let (sender, pieces) = sync_channel(PIECES);
    let cancellation = Cancellation::default();
    let interrupted = cancellation.clone();
    let guard = Guard {
        _interrupt: call.engine().on_interrupt(move || interrupted.cancel()),
        cancellation: cancellation.clone(),
    };
    let stop = cancellation.clone();
    let wire = Arc::new(Pieces(sender.clone()));
    let execution = Execution::new(execute, stdin, wire, Log::default(), cancellation);
    let done = Done::new(&execution, move |outcome| {
        // Nobody may be reading any more.
        let _ = sender.send(Piece::End(outcome));
    });
    start(execution, done);
    let head = call.head();
    let chunks = Chunks {
        pieces,
        _guard: guard,
    };
    let chunks = chunks.map(move |chunk| {
        chunk.map_err(|error: LabeledError| match error.labels.is_empty() {
            true => {
                let label = error.msg.clone();
                error.with_label(label, head)
            }
            false => error,
        })
    });
    let output = Output::try_bytes(chunks, ByteStreamKind::Unknown);
    Ok(output.stopped_by(Arc::new(move || stop.cancel())))
}

fn execute(call: &Call) -> Result<Execute, LabeledError> {
    let dir = match call.get::<PathBuf>("dir")? {
        Some(_) => call.path("dir")?,
        None => call.engine().current_dir()?,
    };
    let mut envs = BTreeMap::new();
    for (name, value) in named(call, "env", |text| Ok(Value::string(text)))? {
        let value = match value {
            Value::String(text, _) => text,
            other => to_json(&other)
                .map_err(|error| LabeledError::new(format!("`env.{name}`: {error}")))?
                .to_string(),
        };
        envs.insert(name, value);
    }
    let mut vars = Map::new();
    for (name, value) in named(call, "var", json)? {
        let value =
            to_json(&value).map_err(|error| LabeledError::new(format!("`var.{name}`: {error}")))?;
        vars.insert(name, value);
    }
    Ok(Execute {
        text: call.need("text")?,
        args: call.rest()?,
        dir: dir.to_string_lossy().into_owned(),
        envs,
        vars,
        dry: call.has("dry"),
        ..Execute::default()
    })
}

/// What the flags of this name say, in whichever form and however often it was given: records, or texts `NAME=VALUE`.
fn named(
    call: &Call,
    flag: &str,
    read: impl Fn(&str) -> Result<Value, LabeledError>,
) -> Result<Record, LabeledError> {
    let mut all = Record::new();
    let given = call.arguments.named.iter();
    let given = given.filter(|(name, _)| name.item == flag);
    for value in given.filter_map(|(_, value)| value.as_ref()) {
        match value {
            Value::Record(record, _) => {
                for (name, value) in record.clone() {
                    all.insert(name, value);
                }
            }
            Value::String(text, span) => {
                let wrong = |message: String| {
                    let error = LabeledError::new(format!("`{flag}`: {message}"));
                    error.with_label("given here", *span)
                };
                let missing = || wrong(format!("`{text}` has no `=` behind a name"));
                let (name, value) = text.split_once('=').ok_or_else(missing)?;
                let value = read(value).map_err(|error| wrong(error.msg))?;
                all.insert(name, value);
            }
            other => {
                let error = LabeledError::new(format!("`{flag}`: neither a record nor NAME=VALUE"));
                return Err(error.with_label("given here", other.span()));
            }
        }
    }
    Ok(all)
}

fn json(text: &str) -> Result<Value, LabeledError> {
    let value: serde_json::Value = serde_json::from_str(text)
        .map_err(|error| LabeledError::new(format!("`{text}` is no JSON: {error}")))?;
    from_json(value).map_err(|error| LabeledError::new(error.to_string()))
}

/// What flows in, as bytes: text and binaries as they are, of anything else the lines.
fn stdin(input: Input) -> Option<Stdin> {
    Some(match input {
        Input::Empty | Input::Value(Value::Nothing(_), _) => return None,
        Input::Bytes(stream) => Stdin::new(stream),
        Input::Value(Value::String(text, _), _) => Stdin::new(Cursor::new(text)),
        Input::Value(Value::Binary(bytes, _), _) => Stdin::new(Cursor::new(bytes)),
        other => {
            let lines = other.into_lines().map(|line| {
                let mut line = line?.into_bytes();
                line.push(b'\n');
                Ok::<_, LabeledError>(line)
            });
            Stdin::new(ByteStream::from_chunks(lines, ByteStreamKind::Unknown))
        }
    })
}

enum Piece {
    Output(Vec<u8>),
    End(Outcome),
}

struct Pieces(SyncSender<Piece>);

impl Wire for Pieces {
    fn output(&self, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        match stream {
            Stream::Stdout => {
                let sent = self.0.send(Piece::Output(bytes.to_vec()));
                sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
            }
            Stream::Stderr => io::stderr().write_all(bytes),
        }
    }

    fn result(&self, _: serde_json::Value) -> Result<(), Error> {
        Err("the host takes no result with a structure".into())
    }
}

/// Ends the execution when nobody wants its output any more.
struct Guard {
    _interrupt: OnInterrupt,
    cancellation: Cancellation,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.cancellation.cancel();
    }
}

struct Chunks {
    pieces: Receiver<Piece>,
    _guard: Guard,
}

impl Iterator for Chunks {
    type Item = Result<Vec<u8>, LabeledError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.pieces.recv() {
            Ok(Piece::Output(bytes)) => Some(Ok(bytes)),
            Ok(Piece::End(Ok(status))) if status.is_success() => None,
            Ok(Piece::End(Ok(status))) => Some(Err(status.into())),
            Ok(Piece::End(Err(error))) => Some(Err(error)),
            Err(_) => None,
        }
    }
}
