//! A command of the plugin's as a key of Octa's: each execution is a conversation with an engine of its own.

mod engine;
mod text;

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use pegboard_protocol::nu::{ByteStreamKind, CustomValueOp};
use pegboard_protocol::{LabeledError, Spanned, Value, to_json};
use pegboard_transport::panic_message;

use super::key::{Done, Start};
use super::{Error, Execution, ExitStatus};
use crate::runtime::Definition;
use crate::runtime::pool::Pool;
use crate::{Input, Output};
use engine::Engine;

/// Makes what runs an execution of a command: one of the plugin's, which the text has to mean unless it names another.
pub(crate) fn start(definition: Arc<Definition>, command: String) -> Arc<Start> {
    let pool = Pool::default();
    Arc::new(move |execution: Execution, done: Done| {
        let (definition, command) = (definition.clone(), command.clone());
        pool.run(move || {
            let run = || run(&definition, &command, &execution);
            match catch_unwind(AssertUnwindSafe(run)) {
                Ok(result) => done.end(result.map(|()| ExitStatus::SUCCESS)),
                Err(panic) => done.panicked(panic_message(&*panic)),
            }
        });
    })
}

fn run(definition: &Arc<Definition>, command: &str, execution: &Execution) -> Result<(), Error> {
    let stages = text::read(definition, command, execution)?;
    if execution.is_dry() {
        let names = stages.iter().filter_map(text::Stage::command);
        let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
        writeln!(execution.stderr(), "would run {}", names.join(" | "))?;
        return Ok(());
    }
    let engine = Engine::start(definition.clone(), execution.clone())?;
    let interrupted = engine.clone();
    let _interrupt = execution
        .cancellation()
        .on_cancel(move || interrupted.interrupt());
    let mut flow = match execution.stdin() {
        none if none.is_none() => Input::Empty,
        some => Input::bytes(some, ByteStreamKind::Unknown),
    };
    for stage in stages {
        flow = match stage {
            text::Stage::Value(value) => value.into(),
            text::Stage::Call(run) => engine.run(run, flow)?,
        };
    }
    let written = write(&engine, flow, execution);
    match execution.cancellation().is_cancelled() {
        true => Err("the execution was cancelled".into()),
        false => written,
    }
}

/// Writes an output as text: that of strings as it is, other values as JSON, items on lines of their own.
fn write(engine: &Arc<Engine>, output: Output, execution: &Execution) -> Result<(), Error> {
    let mut stdout = execution.stdout();
    match output {
        Output::Empty | Output::Value(Value::Nothing(_), _) => {}
        Output::Value(Value::Binary(bytes, _), _) => stdout.write_all(&bytes)?,
        Output::Bytes(stream) => {
            for chunk in stream {
                stdout.write_all(&chunk?)?;
                stdout.flush()?;
            }
        }
        Output::Value(value @ (Value::Record(..) | Value::Custom(..)), _) => {
            let value = plain(engine, value)?;
            // Octa has no results with a structure; there the text has to do.
            let _ = execution.result(json(&value)?);
            line(engine, value, &mut stdout)?;
        }
        other => {
            for item in other.into_items() {
                line(engine, item?, &mut stdout)?;
            }
        }
    }
    Ok(())
}

fn line(engine: &Arc<Engine>, value: Value, out: &mut impl Write) -> Result<(), Error> {
    let bytes = match plain(engine, value)? {
        Value::Error(error, _) => return Err((*error).into()),
        Value::Nothing(_) => Vec::new(),
        Value::String(text, _) => text.into_bytes(),
        Value::Binary(bytes, _) => bytes,
        other => json(&other)?.to_string().into_bytes(),
    };
    write_line(out, bytes)?;
    Ok(())
}

fn write_line(out: &mut impl Write, mut bytes: Vec<u8>) -> io::Result<()> {
    if !bytes.ends_with(b"\n") {
        bytes.push(b'\n');
    }
    out.write_all(&bytes)
}

fn json(value: &Value) -> Result<serde_json::Value, LabeledError> {
    to_json(value).map_err(|error| LabeledError::new(format!("the output is no text: {error}")))
}

/// The value behind a custom one, to which its plugin knows the way.
fn plain(engine: &Arc<Engine>, value: Value) -> Result<Value, LabeledError> {
    match value {
        Value::Custom(custom, span) => {
            let custom = Box::new(Spanned::new(*custom, span));
            engine.operate(custom, CustomValueOp::ToBaseValue)
        }
        other => Ok(other),
    }
}
