//! Paths to a place inside a value.

use super::Span;

/// A path to a place inside a value, such as `a.0?.b!`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CellPath {
    /// The steps, outermost first. None stands for the value itself.
    pub members: Vec<PathMember>,
}

/// One step of a cell path.
#[derive(Clone, Debug, PartialEq)]
pub enum PathMember {
    /// Into a record, or a column of a table.
    String {
        /// The field's name.
        val: String,
        /// Where it was written. Lost on the wire since Nushell 0.114.
        span: Span,
        /// A missing field gives nothing rather than an error.
        optional: bool,
        /// Upper and lower case are the same.
        insensitive: bool,
    },
    /// Into a list, counted from 0.
    Int {
        /// The index.
        val: u64,
        /// Where it was written. Lost on the wire since Nushell 0.114.
        span: Span,
        /// A missing item gives nothing rather than an error.
        optional: bool,
    },
}
