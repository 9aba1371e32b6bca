//! The structured result of a task, beside what it writes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pegboard_protocol::{Value, from_json};
use serde_json::Value as Json;

use crate::{Error, ErrorKind};

/// Where the structured result of a task is put, for [`crate::Run::result`]. Copies stand for the same place.
///
/// Octa's own plugins have no such results: their tasks only write text and have an exit code. Those of Pegboard's SDK
/// may give one, `Execution::result`, and commands of Nushell's that serve as tasks give one where they answer with a
/// record.
#[derive(Clone, Debug, Default)]
pub struct TaskResult {
    value: Arc<Mutex<Option<Value>>>,
}

impl TaskResult {
    /// A place with nothing in it.
    pub fn new() -> TaskResult {
        TaskResult::default()
    }

    /// The result. It is complete when the task has ended, which is when its output has: none if it gave none, nor any
    /// time before it gave it.
    pub fn value(&self) -> Option<Value> {
        self.lock().clone()
    }

    /// Forgets the result of an earlier run.
    pub(crate) fn clear(&self) {
        *self.lock() = None;
    }

    pub(super) fn put(&self, result: Json) -> Result<(), Error> {
        let value = from_json(result).map_err(|error| {
            let message = format!("its result cannot be taken: {error}");
            Error::new(ErrorKind::Protocol, message.into())
        })?;
        *self.lock() = Some(value);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Value>> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
