//! The conversation: a state machine for either role that takes messages in and gives messages and events out.
//!
//! A [`Session`] waits for nothing and knows no clock, link or thread. Whoever drives it hands it each message that
//! arrives ([`Session::receive`]), writes out what [`Session::poll_message`] gives, and acts on what
//! [`Session::poll_event`] gives; both are to be polled until they are empty after every other call.
//!
//! The first cause of a failure is kept, and every call and stream that was waiting is told of it once.

mod core;
mod event;
mod failure;
mod handshake;
mod host;
mod outgoing;
mod plugin;
mod replay;
mod stream;

pub use core::{Role, Session};
pub use event::{Event, ReaderId};
pub use failure::{Failure, FailureKind, Refusal};
pub use handshake::{
    EngineHandshake, EnginePolicy, HandshakeError, PluginHandshake, PluginMirror, PluginPolicy,
    compatible,
};
pub use host::Host;
pub use plugin::Plugin;
pub use replay::{Difference, replay};
pub use stream::{FlowLimits, SendError};
