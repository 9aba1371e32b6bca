//! MessagePack: reading, writing, and finding where a message ends.

mod plain;
mod quick;
mod read;
mod scan;
mod write;

pub(super) use read::MsgPackReader;
pub(super) use scan::{MsgPackScanner, Progress};
pub(super) use write::MsgPackWriter;
