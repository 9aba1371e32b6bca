//! Octa plugins: what the engine needs of a plugin, over Octa's protocol.
//!
//! A plugin of Octa's has one command, its key. A run of it is an execution: the answer comes when the plugin has begun
//! with it, and is a stream of what it writes to its standard output. How it ended is known at the end of the stream.

mod arguments;
mod conversation;
mod handler;
mod input;
mod launch;
mod output;
mod result;
mod signature;
mod stderr;

pub(crate) use conversation::Conversation;
pub(crate) use launch::{SocketPlace, dial, place, socket_fits, start};
pub(crate) use output::{Answered, await_begin};
pub use result::TaskResult;

use std::path::Path;

use pegboard_protocol::LabeledError;
use pegboard_protocol::nu::EvaluatedCall;

/// What a plugin speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// That of Nushell's plugins.
    Nushell,
    /// That of the task runner Octa.
    Octa,
}

/// How the files of each protocol's plugins begin.
const PREFIXES: [(&str, Protocol); 2] = [
    ("octa_plugin_", Protocol::Octa),
    ("nu_plugin_", Protocol::Nushell),
];

impl Protocol {
    /// What the name of a plugin's file says: Octa for `octa_plugin_*`, Nushell for all others.
    pub fn of(path: &Path) -> Protocol {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let known = PREFIXES.iter().find(|(prefix, _)| name.starts_with(prefix));
        known.map_or(Protocol::Nushell, |(_, protocol)| *protocol)
    }

    /// Its name in entries of the store: `nushell` or `octa`.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Nushell => "nushell",
            Protocol::Octa => "octa",
        }
    }

    /// The one of a name in entries.
    pub fn from_name(name: &str) -> Option<Protocol> {
        let mut all = PREFIXES.iter().map(|(_, protocol)| *protocol);
        all.find(|protocol| protocol.name() == name)
    }
}

impl std::fmt::Display for Protocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Protocol::Nushell => "Nushell",
            Protocol::Octa => "Octa",
        })
    }
}

/// What is wrong with the arguments of a run, as far as it can be known before the plugin runs.
pub(crate) fn check(call: &EvaluatedCall, directory: &Path) -> Result<(), LabeledError> {
    arguments::execute(call, directory, false).map(drop)
}

/// The stem of a plugin's file without what says what it speaks.
pub(crate) fn plain_name(stem: &str) -> &str {
    let rest = |(prefix, _): &(&str, Protocol)| stem.strip_prefix(prefix);
    PREFIXES.iter().find_map(rest).unwrap_or(stem)
}
