//! The plugin protocol of Octa, a task runner: messages, bytes, and the conversation of either side.
//!
//! A plugin has a *key*, the attribute of a task that it serves, and runs *executions*: a text goes in, lines and an
//! exit code come out. The plugin listens on a local socket, the host connects and speaks first: Hello, Schema, then
//! any number of executions, then Shutdown. Each message is one line of JSON.
//!
//! Like [`crate::session`], nothing here waits. Bytes go into a [`Decoder`]; what comes out of it goes into
//! [`HostHello`] or [`PluginHello`], and then into the [`Host`] or [`Plugin`] that the handshake ends in. What
//! `poll_message` gives is to be written with [`encode`], in the session's [`Form`]; what `poll_event` gives is to be
//! acted on. Both are to be polled until they are empty after every other call.
//!
//! Real peers are of two dialects, which do not understand each other; [`Form::Every`] is understood by both. Two sides of
//! Pegboard's own can more, which they agree on in Hello: see [`Feature`].

mod decoder;
mod dialect;
mod error;
mod features;
mod handshake;
mod host;
mod limits;
mod lines;
mod message;
mod params;
mod plugin;
mod session;
mod version;
mod wire;

pub use decoder::{Decoder, Frame};
pub use dialect::{Dialect, Form};
pub use error::{LineError, LineErrorKind};
pub use features::{Feature, Features};
pub use handshake::{
    HandshakeError, HostConfig, HostHello, HostSchema, PluginConfig, PluginHello, PluginSchema,
};
pub use host::{Host, HostEvent, Ignored, Outcome};
pub use limits::Limits;
pub use message::{
    Execute, ExecutionId, FromHost, FromPlugin, Hello, PARSE_ERROR, PROTOCOL_ERROR, Refusal,
    SendError, Stream,
};
pub use params::plain_text;
pub use plugin::{Plugin, PluginEvent};
pub use session::{Role, Session};
pub use version::{CLAIMED, SPOKEN, VersionError, default_requirement, meets};
pub use wire::{Incoming, Outgoing, encode};
