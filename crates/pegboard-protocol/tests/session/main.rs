//! Sessions without links: transcripts, random conversations of two sides, and recorded ones replayed.

mod extensions;
mod fuzz;
mod ops;
mod pair;
mod random;
mod replay;
mod script;
mod transcripts;
mod versions;
mod wire;
