//! What a Pegboard host and a plugin say to each other: values, messages, codecs and sessions.
//!
//! Nothing here waits. There is no IO, clock, thread, lock or environment in this crate: bytes and the time come in
//! as arguments, messages and events come out. `pegboard-transport` connects it to pipes and sockets.
//!
//! - [`Value`] and its parts are what commands take and give; [`to_value`] and [`from_value`] convert users' own types.
//! - [`nu`] holds the messages of the Nushell plugin protocol and the table of what each version changed.
//! - [`codec`] turns bytes into messages and back, in JSON and MessagePack.
//! - [`octa`] is the plugin protocol of Octa: messages, bytes and conversation.
//! - [`session`] is the conversation: handshake, calls, engine calls and streams, for both roles.

pub mod codec;
pub mod nu;
pub mod octa;
pub mod session;
mod value;

pub use value::{
    Bound, CellPath, Closure, ConvertError, CustomValue, ErrorLabel, Glob, JSON_RANGE_LIMIT,
    LabeledError, Opaque, Owner, PathMember, Range, Record, Span, Spanned, Value, from_json,
    from_value, from_value_ref, to_json, to_value,
};
