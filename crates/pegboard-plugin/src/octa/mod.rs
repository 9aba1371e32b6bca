//! The same plugin for Octa, a task runner.
//!
//! ```no_run
//! use std::io::Write;
//!
//! use pegboard_plugin::Plugin;
//! use pegboard_plugin::octa::Key;
//!
//! fn main() -> std::process::ExitCode {
//!     Plugin::new("greet", env!("CARGO_PKG_VERSION"))
//!         .octa(
//!             Key::new("greet", "Greets people")
//!                 .requires(">=0.2.0, <0.3.0")
//!                 .execute(|execution| {
//!                     writeln!(execution.stdout(), "Hello, {}!", execution.text())?;
//!                     Ok(0)
//!                 }),
//!         )
//!         .serve()
//! }
//! ```
//!
//! A plugin has one [`Key`], an attribute of tasks. What a task says there is an [`Execution`]: a text goes in, output
//! and an [`ExitStatus`] come out. [`Plugin::serve`](crate::Plugin::serve) tells by its arguments which world has started
//! it: `--socket-path PATH` (and perhaps `--log-dir DIRECTORY`) is Octa, `--stdio` and `--local-socket` are Nushell.
//!
//! **A key in Nushell** is a command of the same name, with the text as its argument and the flags `--dir`, `--env`, `--var`
//! and `--dry`. Standard output is its output, a stream of bytes; its input is the execution's; an exit status other than
//! zero is an error with the code `octa::exit_status::N`.
//!
//! **A command in Octa** runs under a key with [`Key::command`]. Without any key, the plugin's name is the key of the command
//! with that name, or of its only command. The text is what would be typed behind the command's name, or a pipeline
//! that names the plugin's commands: `--loud`, or `'you' | hello --loud`. Text and bytes are written as they are, other
//! values as JSON, the items of lists and streams on lines of their own. An error is an error of the execution, unless it
//! [stands for an exit status](ExitStatus): then its message, if it has one of its own, goes to standard error first. The command may ask for variables of the environment and for the directory;
//! other engine calls are errors. A dry run checks the text, and says on standard error which commands would
//! run.
//!
//! # How it ends
//!
//! When the host shuts the plugin down or is gone, and at SIGTERM, SIGINT and SIGHUP, every execution is
//! [cancelled](Cancellation). Handlers have 0.8 s to end; then all processes that they have started, and what these have
//! started, are killed, the host is told, the socket is removed, and `serve` returns.

mod as_command;
mod bridge;
mod cancel;
#[cfg(unix)]
pub(crate) mod children;
mod execution;
#[cfg(unix)]
mod input;
pub(crate) mod key;
mod log;
mod output;
#[cfg(unix)]
pub(crate) mod serve;
#[cfg(unix)]
mod session;
mod start;
mod status;
#[cfg(feature = "tokio")]
mod tasks;

pub(crate) use as_command::command;
pub(crate) use bridge::start as start_command;
pub use cancel::{Cancellation, Cancelled, OnCancel};
pub use execution::{Execution, Stdin};
pub use key::Key;
pub use log::Log;
pub use output::Writer;
pub(crate) use start::Started;
pub use status::ExitStatus;

/// What a handler fails with: any error. One that is a [`crate::LabeledError`] keeps its labels and its help.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
