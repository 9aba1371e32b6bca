//! How a plugin's process comes alive and ends, with everything that it started.
//!
//! Every process that an engine starts carries a mark in its environment, by which its whole tree is found again even
//! when parts of it have left their process group.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(crate) use other::{Guard, Process, give_terminal, spawn, take_terminal};
#[cfg(unix)]
pub(crate) use unix::{Guard, Process, give_terminal, spawn, take_terminal};

use std::ffi::OsString;
use std::path::PathBuf;

use pegboard_transport::{Hangup, Link, Source};

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
    /// Whether the standard streams are the link, or the application's own.
    pub(crate) piped: bool,
    pub(crate) stderr: StderrTo,
}

/// Where the standard error of a process goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StderrTo {
    Pipe,
    Inherit,
}

/// A process that was started.
pub(crate) struct Spawned {
    pub(crate) process: Process,
    pub(crate) link: Option<Link>,
    pub(crate) stderr: Option<(Box<dyn Source>, Hangup)>,
}
