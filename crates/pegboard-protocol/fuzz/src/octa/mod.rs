//! Octa's protocol. The crate's own tests run the same functions over the corpus.

#[path = "../../../tests/octa/fuzz.rs"]
mod fuzz;
#[path = "../../../tests/octa/ops.rs"]
mod ops;
#[path = "../../../tests/octa/pair.rs"]
mod pair;
mod stream;

pub use stream::stream;

/// Two sessions in conversation, as the bytes say.
pub fn session(data: &[u8]) {
    fuzz::octa_session(data);
}
