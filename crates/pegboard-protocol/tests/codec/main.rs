//! Tests of the codecs.

mod arbitrary;
mod common;
mod corpus;
mod decoder;
mod dialects;
mod extensions;
mod limits;
mod property;
mod replay;
mod seed;
mod text_forms;
mod tolerant;
