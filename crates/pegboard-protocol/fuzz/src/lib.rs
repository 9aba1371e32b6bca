//! What the fuzz targets check. The crate's own tests run the same functions over the corpus.

#[path = "../../tests/session/fuzz.rs"]
mod fuzz;
pub mod octa;
#[path = "../../tests/session/ops.rs"]
mod ops;
#[path = "../../tests/session/pair.rs"]
mod pair;
mod targets;
#[path = "../../tests/session/wire.rs"]
mod wire;

pub use targets::{stream_json, stream_msgpack, text, value};

/// Two sessions in conversation, as the bytes say.
pub fn session(data: &[u8]) {
    fuzz::session(data);
}
