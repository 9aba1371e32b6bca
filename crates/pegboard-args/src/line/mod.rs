//! Pipelines written as text, such as `"a b" | words count --top 2`: the part of Nushell's language that calls commands.
//!
//! [`read`] takes a text apart, [`resolve`] gives each stage its meaning by the signatures of commands. There are
//! literals, commands with their arguments, and closures made of the same; what needs the rest of the language
//! (variables, operators, subexpressions, redirections) is an error with the code [`NUSHELL_ONLY`].

mod collection;
mod cursor;
mod fault;
mod quoted;
mod read;
mod resolve;
#[cfg(test)]
mod tests;

use pegboard_protocol::{Span, Spanned};

use crate::Word;

pub use fault::{NUSHELL_ONLY, UNKNOWN_COMMAND};
pub use read::read;
pub use resolve::{Resolved, Scope, resolve};

/// Stages, each of which gets what the one before it gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pipeline {
    /// At least one; none only in a closure that does nothing.
    pub stages: Vec<Stage>,
}

/// One stage of a pipeline: a literal, or a command and what is written behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// At least one. Which of them are the command's name is not known yet.
    pub words: Vec<Word>,
    /// From the first word to the last.
    pub span: Span,
}

/// A closure: `{ words upper | words count }`, perhaps with parameters, as in `{|line| words count }`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    /// The names between the bars.
    pub parameters: Vec<Spanned<String>>,
    /// What is done.
    pub pipeline: Pipeline,
    /// From brace to brace.
    pub span: Span,
}
