//! The SDK against an engine in the same process: what plugins are promised, without starting one.

mod arguments;
mod bench;
mod customs;
mod engine;
mod life;
mod streams;
mod versions;
