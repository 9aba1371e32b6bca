//! How a plugin's process comes alive and ends, with everything that it started.
//!
//! Every process that an engine starts carries a mark in its environment, by which its whole tree is found again even
//! when parts of it have left their process group.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(crate) use other::{Alarm, Guard, Process, give_terminal, spawn, take_terminal};
#[cfg(unix)]
pub(crate) use unix::{Alarm, Guard, Process, give_terminal, spawn, take_terminal};

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use pegboard_transport::{Hangup, Link, Source};

/// Writes where a process writes to that has the application's standard error as its own.
pub(crate) fn to_own_stderr(bytes: &[u8]) {
    use std::io::Write;
    // Nobody is told when that fails, as with a process.
    let _ = std::io::stderr().lock().write_all(bytes);
}

/// The environment variable that marks an engine's processes.
pub(crate) const MARK: &str = "PEGBOARD_INSTANCE";

/// A process to be started.
#[derive(Debug)]
pub(crate) struct Launch {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) environment: Vec<(OsString, OsString)>,
    pub(crate) directory: PathBuf,
    /// The value of [`MARK`]; no other process has it.
    pub(crate) mark: String,
    pub(crate) streams: Streams,
    pub(crate) stderr: StderrTo,
}

/// What the standard input and output of a process are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Streams {
    /// The link.
    Link,
    /// The application's own.
    Shared,
    /// No input, and an output that goes where standard error goes.
    Apart,
}

/// Where the standard error of a process goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StderrTo {
    Pipe,
    Inherit,
}

/// The right to end a process, which ends with all that it started when this is dropped.
#[derive(Debug)]
pub(crate) struct Owned(Arc<Process>);

impl Owned {
    /// Something to watch the process by.
    pub(crate) fn share(&self) -> Arc<Process> {
        self.0.clone()
    }
}

impl std::ops::Deref for Owned {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.0
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.0.end_tree();
    }
}

/// A process that was started.
pub(crate) struct Spawned {
    pub(crate) process: Owned,
    pub(crate) link: Option<Link>,
    pub(crate) stderr: Option<(Box<dyn Source>, Hangup)>,
}
