//! What a host's session tells its driver.

use std::fmt;

use serde_json::Value;

use crate::octa::{ExecutionId, LineError, Stream};
use crate::session::Failure;

/// Something that happened to a host.
#[derive(Clone, Debug, PartialEq)]
pub enum HostEvent {
    /// The plugin has begun with an execution.
    Started {
        /// The execution.
        id: ExecutionId,
    },
    /// An execution wrote something. Its size is to be given back to [`super::Host::consumed`].
    Output {
        /// The execution.
        id: ExecutionId,
        /// Where to.
        stream: Stream,
        /// What: from a real plugin a line, with or without its end.
        bytes: Vec<u8>,
    },
    /// An execution has a structured result.
    Result {
        /// The execution.
        id: ExecutionId,
        /// The result.
        value: Value,
    },
    /// More input of an execution may be sent.
    InputWritable {
        /// The execution.
        id: ExecutionId,
    },
    /// An execution is over. Said once for each, and the last that is said of it.
    Ended {
        /// The execution.
        id: ExecutionId,
        /// How.
        outcome: Outcome,
    },
    /// Something came that has no effect. Real plugins do such things; it is of use to whoever looks for an error.
    Ignored(Ignored),
    /// The plugin has shut down, as it was asked to.
    ShutDown {
        /// What it said; nothing if it just closed the connection.
        message: Option<String>,
    },
    /// The session failed; said once, before the ends of all executions that were open.
    Failed(Failure),
}

/// How an execution ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With an exit code.
    Exit(i32),
    /// The plugin said what went wrong.
    Error(String),
    /// The plugin did not begin with it, and said why.
    Refused(String),
    /// It could not be followed to its end.
    Failed(Failure),
}

/// Something that has no effect.
#[derive(Clone, Debug, PartialEq)]
pub enum Ignored {
    /// A line that is no message.
    Unreadable(LineError),
    /// An error that belongs to no execution.
    Complaint {
        /// The id in it.
        id: String,
        /// What the plugin says.
        message: String,
    },
    /// A message about an execution that is over.
    Late {
        /// Its kind.
        name: String,
    },
    /// A message that is not known, or is of no use where it came.
    Stray {
        /// Its kind.
        name: String,
    },
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ignored::Unreadable(error) => write!(f, "a line that is no message: {error}"),
            Ignored::Complaint { id, message } => {
                write!(f, "the plugin complains ({id}): {message}")
            }
            Ignored::Late { name } => write!(f, "`{name}` for an execution that is over"),
            Ignored::Stray { name } => write!(f, "`{name}`, which has no place here"),
        }
    }
}
