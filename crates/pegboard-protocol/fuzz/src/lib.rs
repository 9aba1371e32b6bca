//! What the fuzz targets check. The crate's own tests run the same functions over the corpus.

mod targets;

pub use targets::{stream_json, stream_msgpack, text, value};
