//! What supervision needs of a conversation with a plugin, whatever its protocol.

use pegboard_protocol::session::{Failure, FailureKind, Host};
use pegboard_transport::Connection;

use crate::octa::Conversation;

/// A conversation with a plugin.
#[derive(Debug)]
pub(crate) enum Talk {
    Nushell(Connection<Host>),
    Octa(Conversation),
}

/// How the plugin is told to end what nobody waits for any more.
pub(crate) enum Stopping {
    /// By a signal to all that it does.
    Interrupt,
    /// By the number of the call.
    One,
    /// Only with itself.
    Whole,
}

impl Talk {
    /// Why nothing more comes of it, if so.
    pub(crate) fn failure(&self) -> Option<Failure> {
        match self {
            Talk::Nushell(connection) => connection.failure(),
            Talk::Octa(conversation) => conversation.connection().ask(|session| {
                let shut = || Failure::new(FailureKind::Closed, "it has shut down");
                let over = session.is_over().then(shut);
                session.failure().cloned().or(over)
            }),
        }
    }

    /// Ends it at once.
    pub(crate) fn fail(&self, failure: Failure) {
        match self {
            Talk::Nushell(connection) => connection.fail(failure),
            Talk::Octa(conversation) => conversation.connection().fail(failure),
        }
    }

    /// Asks the plugin to end.
    pub(crate) fn goodbye(&self) {
        match self {
            Talk::Nushell(connection) => connection.session(|session| session.goodbye()),
            Talk::Octa(conversation) => {
                let connection = conversation.connection();
                connection.session(|session| session.shut_down());
            }
        }
    }

    /// Ends it without the link, of which the plugin finds the end.
    pub(crate) fn break_off(&self, failure: Failure) {
        match self {
            Talk::Nushell(connection) => {
                connection.session(|session| session.fail(failure));
                connection.close_sink();
            }
            Talk::Octa(conversation) => conversation.connection().fail(failure),
        }
    }

    pub(crate) fn open_streams(&self) -> usize {
        match self {
            Talk::Nushell(connection) => connection.ask(|session| session.open_streams()),
            // What has been written is here, and what is being written belongs to a call.
            Talk::Octa(_) => 0,
        }
    }

    /// The version that the plugin gave.
    pub(crate) fn version(&self) -> String {
        match self {
            Talk::Nushell(connection) => connection.ask(|session| session.peer().version.clone()),
            Talk::Octa(conversation) => conversation.requirement(),
        }
    }

    pub(crate) fn encoding(&self) -> &'static str {
        match self {
            Talk::Nushell(connection) => connection.encoding().name(),
            Talk::Octa(_) => "json",
        }
    }

    /// The names of the abilities beyond the common protocol.
    pub(crate) fn features(&self) -> Vec<String> {
        match self {
            Talk::Nushell(connection) => connection.ask(|session| {
                let features = session.peer().features.iter();
                features.map(|feature| feature.name().to_owned()).collect()
            }),
            Talk::Octa(conversation) => conversation.features(),
        }
    }

    pub(crate) fn stopping(&self) -> Stopping {
        match self {
            Talk::Nushell(_) => Stopping::Interrupt,
            Talk::Octa(conversation) if conversation.can_cancel() => Stopping::One,
            Talk::Octa(_) => Stopping::Whole,
        }
    }
}
