//! A conversation after the handshake, as far as it is the same for both roles.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt::Debug;

use super::message::{ExecutionId, Hello, Refusal};
use super::{Feature, Features, Form, Limits, LineError};
use crate::session::{Failure, FailureKind};

/// A conversation after the handshake: [`super::Host`] or [`super::Plugin`].
#[derive(Debug)]
pub struct Session<R: Role> {
    pub(super) peer: Hello,
    pub(super) features: Features,
    form: Form,
    pub(super) limits: Limits,
    pub(super) outgoing: VecDeque<R::Outgoing>,
    pub(super) events: VecDeque<R::Event>,
    next: u64,
    // bounded by: the limit of executions
    pub(super) executions: BTreeMap<ExecutionId, R::Execution>,
    /// What executions are called on the wire, as far as that is known.
    pub(super) by_wire: HashMap<String, ExecutionId>,
    pub(super) failure: Option<Failure>,
    /// The host has asked the plugin to shut down.
    pub(super) leaving: bool,
    pub(super) over: bool,
    pub(super) role: R,
}

/// A role in a conversation: that of a [`super::Host`] or of a [`super::Plugin`].
pub trait Role: sealed::Acts {}

impl<R: sealed::Acts> Role for R {}

pub(super) mod sealed {
    use super::*;

    pub trait Acts: Debug + Sized {
        type Incoming;
        type Outgoing: Debug;
        type Event: Debug;
        /// What is known of an execution.
        type Execution: Debug;

        /// Acts on what the other side says.
        fn message(session: &mut Session<Self>, message: Self::Incoming) -> Result<(), Failure>;

        /// The same for a line that is no message.
        fn unreadable(session: &mut Session<Self>, error: LineError) -> Result<(), Failure>;

        /// The other side has closed the connection.
        fn closed(session: &mut Session<Self>);

        /// The session has failed, and nothing is to be said any more but what is said here.
        fn failed(session: &mut Session<Self>, failure: Failure);
    }
}

impl<R: Role> Session<R> {
    pub(super) fn new(
        role: R,
        peer: Hello,
        features: Features,
        form: Form,
        limits: Limits,
    ) -> Session<R> {
        Session {
            peer,
            features,
            form,
            limits,
            outgoing: VecDeque::new(),
            events: VecDeque::new(),
            next: 0,
            executions: BTreeMap::new(),
            by_wire: HashMap::new(),
            failure: None,
            leaving: false,
            over: false,
            role,
        }
    }

    /// What the other side said about itself.
    pub fn peer(&self) -> &Hello {
        &self.peer
    }

    /// What both sides agreed on.
    pub fn features(&self) -> Features {
        self.features
    }

    /// How messages for the other side are to be written.
    pub fn form(&self) -> Form {
        self.form
    }

    /// Why the session can go on no longer, if so.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// Whether nothing more will be said: it failed, or the plugin has shut down.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// How many executions are open: they are owed an end.
    pub fn open(&self) -> usize {
        self.executions.len()
    }

    /// The next message to send.
    pub fn poll_message(&mut self) -> Option<R::Outgoing> {
        self.outgoing.pop_front()
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<R::Event> {
        self.events.pop_front()
    }

    /// Takes what a [`super::Decoder`] gives.
    pub fn receive(&mut self, message: Result<R::Incoming, LineError>) {
        if self.over {
            return;
        }
        let result = match message {
            Ok(message) => R::message(self, message),
            Err(error) if error.is_final() => Err(Failure::from(&error)),
            Err(error) => R::unreadable(self, error),
        };
        if let Err(failure) = result {
            self.fail(failure);
        }
    }

    /// Says that the other side has closed the connection.
    pub fn closed(&mut self) {
        if !self.over {
            R::closed(self);
        }
    }

    /// Ends the session. The first failure is kept, and told to whom it matters: a host's executions that are open, or a
    /// plugin's host if it still listens.
    pub fn fail(&mut self, failure: Failure) {
        if self.over {
            return;
        }
        self.over = true;
        self.failure = Some(failure.clone());
        self.outgoing.clear();
        R::failed(self, failure);
    }

    pub(super) fn next_id(&mut self) -> ExecutionId {
        let id = ExecutionId(self.next);
        self.next += 1;
        id
    }

    pub(super) fn find(&self, wire: &str) -> Option<ExecutionId> {
        self.by_wire.get(wire).copied()
    }

    pub(super) fn check_failure(&self) -> Result<(), Refusal> {
        match &self.failure {
            Some(failure) => Err(Refusal::Over(failure.clone())),
            None => Ok(()),
        }
    }

    pub(super) fn need(&self, feature: Feature) -> Result<(), Refusal> {
        match self.features.has(feature) {
            true => Ok(()),
            false => Err(Refusal::Unsupported(feature)),
        }
    }
}

pub(super) fn violation(message: impl Into<String>) -> Failure {
    Failure::new(FailureKind::Violation, message)
}
