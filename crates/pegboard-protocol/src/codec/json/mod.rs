//! JSON: reading, writing, and finding where a message ends.

mod read;
mod scan;
mod write;

pub(super) use read::JsonReader;
pub(super) use scan::JsonScanner;
pub(super) use write::JsonWriter;
