//! What is typed, read by the signatures of commands.
//!
//! - [`parse_arguments`] turns the words behind a command's name into its arguments.
//! - [`mod@line`] reads whole pipelines written as text.
//! - [`Usage`] is the help text of a command.
//! - [`nearest`] finds the name that was probably meant, [`harmless`] makes text from plugins safe to show, and
//!   [`literal`] shows a value much as it would be typed.
//!
//! Everything here is a function of its arguments: directories come as values, and nothing is looked up anywhere.

mod describe;
mod flags;
mod harmless;
pub mod line;
mod literal;
mod nearest;
mod parse;
mod problem;
mod shape;
#[cfg(test)]
pub(crate) mod tests;
mod usage;
mod word;

pub use harmless::harmless;
pub use literal::literal;
pub use nearest::nearest;
pub use parse::{Caller, parse_arguments, parse_words};
pub use usage::Usage;
pub use word::{Assigned, Word};
