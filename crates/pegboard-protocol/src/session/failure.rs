//! Why a conversation came to an end, and why a request was not sent.

use std::fmt;

use crate::codec::{DecodeError, DecodeErrorKind};

/// Why a session can go on no longer. The first cause is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Who is to blame.
    pub kind: FailureKind,
    /// What happened, in one sentence.
    pub message: String,
}

/// Who ended a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The peer sent bytes that are no message.
    Undecodable,
    /// The peer sent a message that breaks the rules of the conversation.
    Violation,
    /// The peer went beyond a limit.
    Limit,
    /// The peer closed the link.
    Closed,
    /// The link broke.
    Link,
    /// We ended it.
    Local,
}

impl Failure {
    /// A failure of the given kind.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Failure {
        Failure {
            kind,
            message: message.into(),
        }
    }

    pub(super) fn violation(message: impl Into<String>) -> Failure {
        Failure::new(FailureKind::Violation, message)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Why a request could not be sent. Nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The peer's version does not know the request.
    Unsupported {
        /// The request.
        what: String,
        /// The version that brought it.
        since: String,
        /// The version that the session speaks.
        version: String,
    },
    /// The call that the request belongs to is over.
    NotRunning,
    /// The session has failed or is closing.
    Over(Failure),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Unsupported {
                what,
                since,
                version,
            } => {
                write!(
                    f,
                    "{what} exists since Nushell {since}, and the other side speaks {version}"
                )
            }
            Refusal::NotRunning => f.write_str("the call that it belongs to is over"),
            Refusal::Over(failure) => failure.fmt(f),
        }
    }
}

impl std::error::Error for Refusal {}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Failure {
        let kind = match error.kind() {
            DecodeErrorKind::Limit => FailureKind::Limit,
            DecodeErrorKind::Truncated => {
                return Failure::new(FailureKind::Closed, format!("broke off: {error}"));
            }
            _ => FailureKind::Undecodable,
        };
        Failure::new(kind, format!("sent something that is no message: {error}"))
    }
}
