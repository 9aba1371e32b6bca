//! Octa's protocol without sockets: transcripts, recorded conversations, random ones, and bytes of every kind.

mod bytes;
mod failures;
mod fuzz;
mod lines;
mod ops;
mod pair;
mod params;
mod random;
mod recorded;
mod script;
#[path = "../../fuzz/src/octa/stream.rs"]
#[expect(unreachable_pub, reason = "the fuzz crate exports it")]
mod stream;
mod tolerant;
mod transcripts;
mod versions;
