//! What the two sides say.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use super::Feature;
use crate::session::Failure;

/// The id in an [`FromPlugin::Error`] about a line that could not be read.
pub const PARSE_ERROR: &str = "parse_error";
/// The id in an [`FromPlugin::Error`] about a message that has no place where it came.
pub const PROTOCOL_ERROR: &str = "protocol_error";

/// What a host says.
#[derive(Clone, Debug, PartialEq)]
pub enum FromHost {
    /// Its version, first of all.
    Hello(Hello),
    /// Asks for the plugin's key.
    Schema,
    /// Starts an execution.
    Execute(Box<Execute>),
    /// Asks the plugin to end what runs, and itself.
    Shutdown,
    /// Asks to end one execution. Needs [`Feature::Cancel`].
    Cancel {
        /// The execution.
        id: String,
    },
    /// More of an execution's input. Needs [`Feature::Input`].
    Stdin {
        /// The execution.
        id: String,
        /// The bytes; text unless [`Feature::Bytes`] was agreed on.
        bytes: Vec<u8>,
    },
    /// The end of an execution's input. Needs [`Feature::Input`].
    StdinEnd {
        /// The execution.
        id: String,
    },
    /// The plugin may send more output. Needs [`Feature::Credit`].
    Credit {
        /// The execution.
        id: String,
        /// How many bytes more.
        bytes: u64,
    },
    /// A message that is not known here.
    Unknown {
        /// Its kind.
        name: String,
    },
}

/// What a plugin says.
#[derive(Clone, Debug, PartialEq)]
pub enum FromPlugin {
    /// Which hosts it fits, in answer to Hello.
    Hello(Hello),
    /// Which tasks are its, in answer to Schema.
    Schema {
        /// The attribute of a task.
        key: String,
    },
    /// The first word on an execution.
    Started {
        /// What the execution is called from now on.
        id: String,
        /// How many bytes of input may be sent until there is [`FromPlugin::Credit`]. Needs [`Feature::Input`].
        credit: Option<u64>,
    },
    /// Output: `Stdout` or `Stderr` on the wire.
    Output {
        /// The execution.
        id: String,
        /// Where it was written to.
        stream: Stream,
        /// The bytes; text unless [`Feature::Bytes`] was agreed on. A line with its end, as real plugins send it, but any
        /// part of a line or several lines are allowed.
        bytes: Vec<u8>,
    },
    /// A structured result, at most once for an execution. Needs [`Feature::Result`].
    Result {
        /// The execution.
        id: String,
        /// The result.
        value: Value,
    },
    /// The end of an execution that came to its own end.
    ExitStatus {
        /// The execution.
        id: String,
        /// Zero for success.
        code: i32,
    },
    /// The end of an execution that failed; or, with a reserved id, a complaint: [`PARSE_ERROR`], [`PROTOCOL_ERROR`].
    Error {
        /// The execution.
        id: String,
        /// What happened.
        message: String,
    },
    /// The host may send more input. Needs [`Feature::Input`].
    Credit {
        /// The execution.
        id: String,
        /// How many bytes more.
        bytes: u64,
    },
    /// The last word.
    Shutdown {
        /// For people.
        message: String,
    },
    /// A message that is not known here.
    Unknown {
        /// Its kind.
        name: String,
        /// The execution that it names, if any.
        id: Option<String>,
    },
}

/// What a side says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// From a host: its version. From a plugin: the versions of hosts that it fits, as a requirement.
    pub version: String,
    /// Names of abilities; see [`super::Features`].
    pub features: Vec<String>,
}

/// What an execution is to do. The parts mean what the plugin makes of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Execute {
    /// What the task says under the plugin's key: `params` or `command` on the wire.
    pub text: String,
    /// Arguments. Real hosts send none; what users typed is in `vars` as `COMMAND_ARGS`.
    pub args: Vec<String>,
    /// The directory to work in, absolute.
    pub dir: String,
    /// Environment variables of the task.
    pub envs: BTreeMap<String, String>,
    /// Variables of all kinds. Real hosts put their whole environment in here too.
    pub vars: Map<String, Value>,
    /// Only say or pretend what would be done.
    pub dry: bool,
    /// What the execution is to be called; filled in by the session. Needs [`Feature::Ids`].
    pub id: Option<String>,
    /// Whether input will be sent; without it there is none. Needs [`Feature::Input`].
    pub input: bool,
    /// How many bytes of output may be sent until there is [`FromHost::Credit`]; filled in by the session. Needs
    /// [`Feature::Credit`].
    pub credit: Option<u64>,
}

/// Where output was written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output, which becomes the result of a task.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A session's own number for an execution, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExecutionId(pub(super) u64);

impl fmt::Display for ExecutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a request was not sent. Nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The other side has not agreed to a feature that it needs.
    Unsupported(Feature),
    /// The execution is over.
    NotRunning,
    /// The execution has a result already.
    SaidAlready,
    /// As many executions as may be are open.
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// Variables or a result with more arrays and maps inside each other than may be.
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// A text that would make the message a longer line than may be.
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// The session has failed or is closing.
    Over(Failure),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Unsupported(feature) => write!(
                f,
                "the other side did not agree to the feature `{}`, which this needs",
                feature.name()
            ),
            Refusal::NotRunning => f.write_str("the execution is over"),
            Refusal::SaidAlready => f.write_str("the execution has a result already"),
            Refusal::TooMany { limit } => {
                write!(
                    f,
                    "{limit} executions are open, which is the limit (executions)"
                )
            }
            Refusal::TooDeep { limit } => write!(
                f,
                "more than {limit} arrays and maps inside each other, which is the limit (depth)"
            ),
            Refusal::TooLong { limit } => write!(
                f,
                "the text would make a message of more than {limit} bytes, which is the limit (line)"
            ),
            Refusal::Over(failure) => failure.fmt(f),
        }
    }
}

impl std::error::Error for Refusal {}

/// Why bytes were not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The credit is used up; go on after the event `Writable`.
    Full,
    /// The execution is over, or nobody takes its input.
    Closed,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SendError::Full => "the other side has not taken what was sent before",
            SendError::Closed => "nobody takes it any more",
        })
    }
}

impl std::error::Error for SendError {}

impl FromHost {
    /// Its kind, as it is on the wire.
    pub fn name(&self) -> &str {
        match self {
            FromHost::Hello(_) => "Hello",
            FromHost::Schema => "Schema",
            FromHost::Execute(_) => "Execute",
            FromHost::Shutdown => "Shutdown",
            FromHost::Cancel { .. } => "Cancel",
            FromHost::Stdin { .. } => "Stdin",
            FromHost::StdinEnd { .. } => "StdinEnd",
            FromHost::Credit { .. } => "Credit",
            FromHost::Unknown { name } => name,
        }
    }
}

impl FromPlugin {
    /// Its kind, as it is on the wire.
    pub fn name(&self) -> &str {
        match self {
            FromPlugin::Hello(_) => "Hello",
            FromPlugin::Schema { .. } => "Schema",
            FromPlugin::Started { .. } => "Started",
            FromPlugin::Output {
                stream: Stream::Stdout,
                ..
            } => "Stdout",
            FromPlugin::Output {
                stream: Stream::Stderr,
                ..
            } => "Stderr",
            FromPlugin::Result { .. } => "Result",
            FromPlugin::ExitStatus { .. } => "ExitStatus",
            FromPlugin::Error { .. } => "Error",
            FromPlugin::Credit { .. } => "Credit",
            FromPlugin::Shutdown { .. } => "Shutdown",
            FromPlugin::Unknown { name, .. } => name,
        }
    }
}

/// Whether a value has more than `limit` arrays and maps inside each other.
pub(super) fn deeper(value: &Value, limit: usize) -> bool {
    match value {
        Value::Array(items) => limit == 0 || items.iter().any(|item| deeper(item, limit - 1)),
        Value::Object(map) => limit == 0 || map.values().any(|item| deeper(item, limit - 1)),
        _ => false,
    }
}
