//! Sessions without links: transcripts, random conversations of two sides, and recorded ones replayed.

mod script;
mod transcripts;
mod versions;
