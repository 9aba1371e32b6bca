//! Embed plugins written in any language in a command-line application.
//!
//! An [`Engine`] owns plugins. It starts one when it is first used, keeps it warm, stops it when it is idle, and leaves
//! nothing behind. The library prints nothing, never exits, and takes environment and directories as values. It runs
//! any real Nushell plugin, speaking to each in the version that the plugin was built for, and the plugins of the task
//! runner Octa.
//!
//! ```no_run
//! use pegboard_host::{Config, Engine, Value};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let engine = Engine::new(Config::new(std::env::current_dir()?, std::env::vars_os()))?;
//! let inc = engine.load("nu_plugin_inc")?; // not started yet
//! let output = inc.run("inc").switch("minor").input(Value::string("1.2.3")).call()?;
//! assert_eq!(output.into_value()?, Value::string("1.3.0"));
//! # Ok(())
//! # }
//! ```
//!
//! - [`Run`] puts a call together: arguments, input, context, deadline, a token to cancel it. Input and output are a
//!   [`Flow`]: nothing, a value, a stream of values or a stream of bytes, all lazy, with back-pressure from end to end.
//! - [`Context`] answers what plugins ask while a command runs. [`AppContext`] is one made of values and functions;
//!   what it was not given is refused, and the plugin is told so.
//! - [`parse_arguments`] turns the words of a command line into arguments by a command's signature, and [`Usage`] is its
//!   help.
//! - [`store`] keeps installed plugins in a directory and finds commands among them without starting anything.
//! - [`Error`] says who is to blame, and [`Error::report`] shows it with the source text underlined.
//! - [`RawProcess`] is a plugin's program to which nothing has been said, for tools that test plugins.
//!
//! Many threads may use an engine, its plugins and one plugin at once. Calls block; a [`CancelToken`] ends them from
//! another thread.

mod args;
mod call;
mod complete;
mod config;
mod context;
mod crashes;
mod custom;
mod custom_ops;
mod engine;
mod engine_calls;
mod engine_config;
mod error;
mod flow;
mod instance;
mod launch;
mod octa;
mod plugin;
mod pump;
mod raw;
mod report;
mod runner;
mod sockets;
mod sources;
mod stderr;
pub mod store;
mod supervisor;

pub use args::{Caller, Usage, parse_arguments};
pub use call::{CancelToken, Run};
pub use config::{
    Config, Deadlines, Idle, LinkChoice, PluginConfig, Restarts, Stderr, StderrFn, Terminal,
    Versions,
};
pub use context::{AppContext, ClosureFn, CommandFn, Context, NoContext};
pub use engine::{Command, Engine};
pub use error::{Diagnosis, Error, ErrorKind};
pub use flow::{ByteStream, Flow, ListStream};
pub use octa::{Protocol, TaskResult};
pub use plugin::{Plugin, State, Status};
pub use raw::{RawEnd, RawProcess, RawStart};
pub use report::ReportStyle;
pub use sockets::remove_stale_sockets;
pub use sources::{Place, Sources};

pub use pegboard_manifest as manifest;
pub use pegboard_protocol as protocol;
pub use pegboard_protocol::{LabeledError, Record, Span, Value};
#[cfg(unix)]
pub use pegboard_transport::octa::Listener as SocketListener;
pub use pegboard_transport::trace;
pub use pegboard_transport::{Link, Recorder};
