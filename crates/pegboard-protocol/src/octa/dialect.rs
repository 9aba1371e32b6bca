//! What the released Octa and the later one write differently: one table, for reading and writing.

/// A generation of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// What Octa 0.2.0 speaks, the release.
    V020,
    /// What Octa's main branch speaks since, as 0.2.1.
    V021,
}

/// For whom messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// For peers of any dialect: what stands in different places is written in each of them.
    Every,
    /// Exactly as a real peer of one dialect writes.
    Only(Dialect),
}

/// Where the fields of a plugin's message stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Beside `type`.
    Flat,
    /// Inside of `payload`, where a host's always are.
    Nested,
}

/// A row: how one dialect writes.
#[derive(Debug)]
pub(super) struct Row {
    dialect: Dialect,
    pub(super) replies: Layout,
    /// The key of an execution's text.
    pub(super) text: &'static str,
}

pub(super) const TABLE: [Row; 2] = [
    Row {
        dialect: Dialect::V021,
        replies: Layout::Nested,
        text: "params",
    },
    Row {
        dialect: Dialect::V020,
        replies: Layout::Flat,
        text: "command",
    },
];

impl Form {
    pub(super) fn rows(self) -> impl Iterator<Item = &'static Row> {
        TABLE.iter().filter(move |row| match self {
            Form::Every => true,
            Form::Only(dialect) => row.dialect == dialect,
        })
    }
}
