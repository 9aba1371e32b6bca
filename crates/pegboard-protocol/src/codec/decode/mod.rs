//! Reads messages. One definition for both encodings, tolerant of every form that some version or author writes.

mod call;
mod completion;
mod header;
mod message;
mod registry;
mod response;
mod signature;
mod types;
mod value;

pub(super) use message::message;
pub(super) use registry::{fill, item, registry};
pub(super) use signature::signatures;
pub(super) use value::value;
