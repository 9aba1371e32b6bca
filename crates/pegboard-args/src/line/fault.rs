//! What is wrong with a pipeline.

use pegboard_protocol::{LabeledError, Span};

/// The code of an error about what only Nushell itself can read.
pub const NUSHELL_ONLY: &str = "pegboard::line::nushell_only";
/// The code of an error about a command that is not there.
pub const UNKNOWN_COMMAND: &str = "pegboard::line::unknown_command";

/// The text breaks a rule of the language.
pub(super) fn syntax(msg: impl Into<String>, label: impl Into<String>, at: Span) -> LabeledError {
    LabeledError::new(msg)
        .with_code("pegboard::line::syntax")
        .with_label(label, at)
}

/// The text may be right, but it takes Nushell to know.
pub(super) fn nushell_only(what: &str, at: Span) -> LabeledError {
    LabeledError::new(format!("{what} can be used only in Nushell's own language"))
        .with_code(NUSHELL_ONLY)
        .with_label("this", at)
        .with_help("a pipeline may be made of literals, commands and closures of these")
}

pub(super) fn unclosed(what: &str, closing: &str, opened: Span) -> LabeledError {
    syntax(
        format!("{what} is not closed"),
        format!("there is no `{closing}` to this"),
        opened,
    )
}
