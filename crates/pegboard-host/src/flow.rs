//! What flows into and out of a command, with this crate's error.

use crate::Error;

/// What flows into or out of a command: nothing, a value, a stream of values or a stream of bytes, all lazy.
pub type Flow = pegboard_transport::Flow<Error>;
/// A stream of values. Dropping it tells the producer to stop.
pub type ListStream = pegboard_transport::ListStream<Error>;
/// A stream of bytes. Dropping it tells the producer to stop.
pub type ByteStream = pegboard_transport::ByteStream<Error>;
