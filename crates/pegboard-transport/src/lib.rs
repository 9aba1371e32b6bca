//! How messages travel: links carry bytes, a driver runs a session over a link, a recorder writes down what was said.
//!
//! - [`Link`] is a pair of byte streams: a process's standard streams, a local socket, or memory.
//! - [`Connection`] runs a [`pegboard_protocol::session::Session`] over a link, for either role.
//! - [`octa::Connection`] is the same for the protocol of Octa.
//! - [`Flow`] is what such a connection carries in and out of commands: nothing, a value or a stream.
//! - [`Recorder`] writes every message to a trace, which [`trace::Trace`] reads.

mod driver;
mod flow;
mod link;
pub mod octa;
pub mod trace;

pub use driver::{
    Bell, Connection, EngineSettings, Handler, Heard, InStream, Incoming, Job, OutStream,
    PluginSettings, StartError, StartFailure, StreamError, StreamStop, Unwanted,
};
pub use flow::{Broken, ByteStream, Closed, Feed, Flow, Gate, ListStream, Stop, panic_message};
pub use link::{Hangup, Link, Sink, Source};
#[cfg(unix)]
pub use link::{LocalListener, join_group, parent};
pub use trace::Recorder;
