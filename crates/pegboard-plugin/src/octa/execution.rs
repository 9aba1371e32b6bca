//! One run of a plugin's key: what is to be done, and where to write.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use pegboard_protocol::octa::{Execute, Stream};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::output::Wire;
use super::{Cancellation, Error, Log, Writer};

/// One run of a plugin's key. Copies stand for the same run.
#[derive(Clone)]
pub struct Execution(Arc<Shared>);

struct Shared {
    execute: Execute,
    input: Mutex<Option<Stdin>>,
    wire: Arc<dyn Wire>,
    stdout: Writer,
    stderr: Writer,
    log: Log,
    cancellation: Cancellation,
}

impl Execution {
    pub(crate) fn new(
        execute: Execute,
        input: Option<Stdin>,
        wire: Arc<dyn Wire>,
        log: Log,
        cancellation: Cancellation,
    ) -> Execution {
        Execution(Arc::new(Shared {
            execute,
            input: Mutex::new(input),
            stdout: Writer::new(wire.clone(), Stream::Stdout),
            stderr: Writer::new(wire.clone(), Stream::Stderr),
            wire,
            log,
            cancellation,
        }))
    }

    /// What the task says under the plugin's key, as its author wrote it.
    pub fn text(&self) -> &str {
        &self.0.execute.text
    }

    /// Arguments. Octa sends none: what its users typed behind `--` is the variable `COMMAND_ARGS`.
    pub fn args(&self) -> &[String] {
        &self.0.execute.args
    }

    /// The directory to work in; absolute. The plugin's own working directory is another one.
    pub fn dir(&self) -> &Path {
        Path::new(&self.0.execute.dir)
    }

    /// Environment variables for this run, beside those of the plugin itself. From Octa, those in the task's `env`.
    pub fn envs(&self) -> &BTreeMap<String, String> {
        &self.0.execute.envs
    }

    /// Variables. From Octa, those of the task and everything around it, and all of Octa's environment.
    pub fn vars(&self) -> &Map<String, Value> {
        &self.0.execute.vars
    }

    /// The variable of this name as any type that serde can read.
    pub fn var<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        let Some(value) = self.vars().get(name) else {
            return Ok(None);
        };
        let value = T::deserialize(value).map_err(|error| format!("`{name}`: {error}"))?;
        Ok(Some(value))
    }

    /// Whether only to show what would be done.
    pub fn is_dry(&self) -> bool {
        self.0.execute.dry
    }

    /// What flows in; nothing the second time. Octa never sends anything.
    pub fn stdin(&self) -> Stdin {
        let mut input = self.0.input.lock().unwrap_or_else(PoisonError::into_inner);
        input.take().unwrap_or_default()
    }

    /// Where output goes: in Octa it is the result of the task.
    pub fn stdout(&self) -> Writer {
        self.0.stdout.clone()
    }

    /// Where messages for people go.
    pub fn stderr(&self) -> Writer {
        self.0.stderr.clone()
    }

    /// Gives a result with a structure, beside the output and at most once. An error if the host cannot take one, as
    /// Octa cannot: a plugin for every host writes what matters to [`Execution::stdout`].
    pub fn result(&self, value: impl Serialize) -> Result<(), Error> {
        self.0.wire.result(serde_json::to_value(value)?)
    }

    /// The plugin's log.
    pub fn log(&self) -> &Log {
        &self.0.log
    }

    /// Says when this run is to end early.
    pub fn cancellation(&self) -> &Cancellation {
        &self.0.cancellation
    }

    /// Sends what is held back. Nobody may be left who wants it.
    pub(crate) fn flush(&self) {
        let _ = self.stdout().flush();
        let _ = self.stderr().flush();
    }
}

impl fmt::Debug for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The variables may hold anything, also secrets.
        write!(f, "Execution({:?})", self.text())
    }
}

/// What flows into an execution: bytes, perhaps not there yet.
#[derive(Default)]
pub struct Stdin(Option<Box<dyn Read + Send>>);

impl Stdin {
    pub(crate) fn new(reader: impl Read + Send + 'static) -> Stdin {
        Stdin(Some(Box::new(reader)))
    }

    /// Whether there is nothing, and there will be nothing.
    pub fn is_none(&self) -> bool {
        self.0.is_none()
    }
}

impl Read for Stdin {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.0 {
            Some(reader) => reader.read(buffer),
            None => Ok(0),
        }
    }
}

impl fmt::Debug for Stdin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stdin({})", self.0.is_some())
    }
}
