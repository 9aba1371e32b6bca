//! Embed plugins written in any language in a command-line application.
//!
//! An [`Engine`] owns plugins. It starts one when it is first used, keeps it warm, stops it when it is idle, and leaves
//! nothing behind. The library prints nothing, never exits, and takes environment and directories as values.

mod args;
mod call;
mod config;
mod context;
mod custom;
mod custom_ops;
mod engine;
mod engine_calls;
mod engine_config;
mod error;
mod flow;
mod instance;
mod launch;
mod plugin;
mod pump;
mod report;
mod runner;
mod sources;
mod stderr;
mod supervisor;

pub use args::{Caller, Usage, parse_arguments};
pub use call::{CancelToken, Run};
pub use config::{Config, Deadlines, Idle, LinkChoice, PluginConfig, Restarts, Stderr, Versions};
pub use context::{AppContext, ClosureFn, CommandFn, Context, NoContext};
pub use engine::{Command, Engine};
pub use error::{Diagnosis, Error, ErrorKind};
pub use flow::{ByteStream, Flow, ListStream};
pub use plugin::{Plugin, State, Status};
pub use report::ReportStyle;
pub use sources::{Place, Sources};

pub use pegboard_protocol as protocol;
pub use pegboard_protocol::{LabeledError, Record, Span, Value};
pub use pegboard_transport::Recorder;
pub use pegboard_transport::trace;
