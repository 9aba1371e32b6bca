//! Writes messages. One definition for both encodings, exactly as the real peers of each version write.
//!
//! Where a version has no word for a thing, the nearest that it reads is written: see [`types`] for shapes, types,
//! categories and operators, [`header`] for metadata, [`signature`] for completions. Messages and calls that a version
//! does not have are errors.

mod call;
mod header;
mod message;
mod registry;
mod response;
mod signature;
mod types;
mod value;

pub(super) use message::message;
pub(super) use registry::registry;
pub(super) use signature::signatures;
pub(super) use value::value;
