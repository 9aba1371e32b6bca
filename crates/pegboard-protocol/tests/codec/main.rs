//! Tests of the codecs.

mod common;
mod decoder;
mod dialects;
mod limits;
mod replay;
mod seed;
mod text_forms;
mod tolerant;
