//! Completion of arguments by the plugin itself, since Nushell 0.109.

use super::{DeclId, Type};
use crate::{Opaque, Span};

/// A request for candidates for one argument of a command.
#[derive(Clone, Debug, PartialEq)]
pub struct CompletionCall {
    /// The command's full name.
    pub name: String,
    /// Which argument.
    pub target: CompletionTarget,
    /// The call as parsed so far; its shape belongs to the engine's parser.
    pub call: Opaque,
    /// The last character was put in by the engine and is to be left out.
    pub strip: bool,
    /// The byte offset of the cursor in the engine's source text.
    pub pos: u64,
}

/// The argument that is being completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompletionTarget {
    /// The value of a flag, by its long name.
    Flag(String),
    /// A positional argument, counted from 0.
    Positional(u64),
}

/// One candidate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Suggestion {
    /// What is put into the line.
    pub value: String,
    /// What is shown instead of the value.
    pub display_override: Option<String>,
    /// A remark for the user.
    pub description: Option<String>,
    /// More lines for the user.
    pub extra: Option<Vec<String>>,
    /// Put a space behind it.
    pub append_whitespace: bool,
    /// Which characters of the value matched what was typed.
    pub match_indices: Option<Vec<u64>>,
    /// What part of the line it replaces.
    pub span: Option<Span>,
    /// What sort of thing it is.
    pub kind: Option<SuggestionKind>,
}

/// What sort of thing a candidate is.
#[derive(Clone, Debug, PartialEq)]
pub enum SuggestionKind {
    /// A command, with the name of its type and perhaps its number.
    Command(String, Option<DeclId>),
    /// A value of a type.
    Value(Type),
    /// A path to a cell.
    CellPath,
    /// A directory.
    Directory,
    /// A file.
    File,
    /// A flag.
    Flag,
    /// A module.
    Module,
    /// An operator.
    Operator,
    /// A variable.
    Variable,
}
