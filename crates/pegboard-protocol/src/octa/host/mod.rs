//! The host's side: it starts executions and hears of what becomes of them.

mod event;
mod receive;

use std::collections::{HashMap, VecDeque};

use super::lines::{Account, Window};
use super::message::{
    Execute, ExecutionId, FromHost, FromPlugin, Hello, Refusal, SendError, deeper,
};
use super::{Dialect, Feature, Features, Form, Limits, LineError};
use crate::session::{Failure, FailureKind};

pub use event::{HostEvent, Ignored, Outcome};

#[derive(Debug)]
struct Running {
    /// What it is called on the wire, once that is known.
    wire: Option<String>,
    started: bool,
    cancelled: bool,
    resulted: bool,
    /// None when there is no input, or no more.
    input: Option<Window>,
    /// The end of the input is to be said when the execution starts.
    input_ends: bool,
    output: Account,
}

/// A conversation after the handshake, seen by the host.
///
/// Answers of real plugins come in the order of the executions: the first `Started` is that of the first one that was not
/// started yet, and says what it is called from then on. While an execution waits for it, everything that belongs to no
/// execution breaks the rules; later it is [ignored](HostEvent::Ignored), as real hosts do.
///
/// No time passes in here. Whoever drives it decides how long a start may take ([`Host::unstarted`]), how long an
/// execution, and how long a plugin that was told to shut down.
#[derive(Debug)]
pub struct Host {
    key: String,
    peer: Hello,
    features: Features,
    limits: Limits,
    outgoing: VecDeque<FromHost>,
    events: VecDeque<HostEvent>,
    next: u64,
    executions: HashMap<ExecutionId, Running>,
    by_wire: HashMap<String, ExecutionId>,
    /// Not started, in the order in which they were sent.
    waiting: VecDeque<ExecutionId>,
    ended: VecDeque<String>,
    buffered: usize,
    failure: Option<Failure>,
    leaving: bool,
    over: bool,
}

impl Host {
    pub(super) fn new(key: String, peer: Hello, features: Features, limits: Limits) -> Host {
        Host {
            key,
            peer,
            features,
            limits,
            outgoing: VecDeque::new(),
            events: VecDeque::new(),
            next: 0,
            executions: HashMap::new(),
            by_wire: HashMap::new(),
            waiting: VecDeque::new(),
            ended: VecDeque::new(),
            buffered: 0,
            failure: None,
            leaving: false,
            over: false,
        }
    }

    /// The plugin's key: which attribute of a task is its.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What the plugin said about itself.
    pub fn peer(&self) -> &Hello {
        &self.peer
    }

    /// What both sides agreed on.
    pub fn features(&self) -> Features {
        self.features
    }

    /// How messages for this plugin are to be written.
    pub fn form(&self) -> Form {
        match self.features {
            Features::NONE => Form::Every,
            _ => Form::Only(Dialect::V021),
        }
    }

    /// Why the session can go on no longer, if so.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// Whether nothing more will come: it failed, or the plugin has shut down.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// How many executions are open.
    pub fn open(&self) -> usize {
        self.executions.len()
    }

    /// The execution that has waited longest for its start, if one does.
    pub fn unstarted(&self) -> Option<ExecutionId> {
        self.waiting.front().copied()
    }

    /// How many bytes of output have come that were not given back yet.
    pub fn buffered(&self) -> usize {
        self.buffered
    }

    /// The next message to send.
    pub fn poll_message(&mut self) -> Option<FromHost> {
        self.outgoing.pop_front()
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<HostEvent> {
        self.events.pop_front()
    }

    /// Starts an execution. Its `id` is chosen here.
    pub fn execute(&mut self, mut execute: Execute) -> Result<ExecutionId, Refusal> {
        self.check()?;
        if execute.input {
            self.need(Feature::Input)?;
        }
        if self.executions.len() >= self.limits.executions {
            return Err(Refusal::TooMany {
                limit: self.limits.executions,
            });
        }
        // Around a variable are the message, its payload, and the variables.
        let limit = self.limits.depth().saturating_sub(3);
        if execute.vars.values().any(|value| deeper(value, limit)) {
            return Err(Refusal::TooDeep { limit });
        }
        let id = ExecutionId(self.next);
        self.next += 1;
        execute.id = None;
        execute.credit = self
            .features
            .has(Feature::Credit)
            .then_some(self.limits.window);
        if self.features.has(Feature::Ids) {
            let wire = id.to_string();
            self.by_wire.insert(wire.clone(), id);
            execute.id = Some(wire);
        }
        let running = Running {
            wire: execute.id.clone(),
            started: false,
            cancelled: false,
            resulted: false,
            // The plugin gives credit when it starts.
            input: execute.input.then(|| Window::new(0)),
            input_ends: false,
            output: Account::new(self.limits.window),
        };
        self.executions.insert(id, running);
        self.waiting.push_back(id);
        self.outgoing
            .push_back(FromHost::Execute(Box::new(execute)));
        Ok(id)
    }

    /// Asks the plugin to end an execution; how it ends is the plugin's to say. Asking again does nothing.
    pub fn cancel(&mut self, id: ExecutionId) -> Result<(), Refusal> {
        self.check_failure()?;
        self.need(Feature::Cancel)?;
        let running = self.executions.get_mut(&id).ok_or(Refusal::NotRunning)?;
        if !std::mem::replace(&mut running.cancelled, true)
            && let Some(wire) = running.wire.clone()
        {
            self.outgoing.push_back(FromHost::Cancel { id: wire });
        }
        Ok(())
    }

    /// Sends input to an execution that was started with it. Gives how many bytes were taken; when they are not all, go on
    /// after [`HostEvent::InputWritable`]. It takes none before the execution has started.
    pub fn input(&mut self, id: ExecutionId, bytes: &[u8]) -> Result<usize, SendError> {
        let running = self.executions.get_mut(&id).ok_or(SendError::Closed)?;
        let window = running.input.as_mut().ok_or(SendError::Closed)?;
        if bytes.is_empty() {
            return Ok(0);
        }
        let Some(wire) = running.wire.as_ref().filter(|_| running.started) else {
            window.refuse();
            return Err(SendError::Full);
        };
        let mut sent = 0;
        while sent < bytes.len() {
            let taken = window.take(&bytes[sent..]);
            if taken == 0 {
                break;
            }
            let bytes = bytes[sent..sent + taken].to_vec();
            let id = wire.clone();
            self.outgoing.push_back(FromHost::Stdin { id, bytes });
            sent += taken;
        }
        match sent {
            0 => Err(SendError::Full),
            sent => Ok(sent),
        }
    }

    /// Ends the input of an execution. Does nothing if it has none or has ended.
    pub fn end_input(&mut self, id: ExecutionId) {
        let Some(running) = self.executions.get_mut(&id) else {
            return;
        };
        if running.input.take().is_none() {
            return;
        }
        match (&running.wire, running.started) {
            (Some(wire), true) => {
                let id = wire.clone();
                self.outgoing.push_back(FromHost::StdinEnd { id });
            }
            _ => running.input_ends = true,
        }
    }

    /// Says that output was taken, or thrown away. To be said of all of it, also after the end of its execution.
    pub fn consumed(&mut self, id: ExecutionId, bytes: usize) {
        self.buffered = self.buffered.saturating_sub(bytes);
        if !self.features.has(Feature::Credit) {
            return;
        }
        if let Some(running) = self.executions.get_mut(&id)
            && let Some(bytes) = running.output.consumed(bytes)
            && let Some(wire) = &running.wire
        {
            let id = wire.clone();
            self.outgoing.push_back(FromHost::Credit { id, bytes });
        }
    }

    /// Asks the plugin, once, to end all executions and itself. No execution can be started any more.
    pub fn shut_down(&mut self) {
        if !self.over && !std::mem::replace(&mut self.leaving, true) {
            self.outgoing.push_back(FromHost::Shutdown);
        }
    }

    /// Takes what a [`super::Decoder`] gives.
    pub fn receive(&mut self, message: Result<FromPlugin, LineError>) {
        if self.over {
            return;
        }
        let result = match message {
            Ok(message) => self.message(message),
            Err(error) if error.is_final() => Err(Failure::from(&error)),
            Err(error) => self.unreadable(error),
        };
        if let Err(failure) = result {
            self.fail(failure);
        }
    }

    /// Says that the plugin has closed the connection.
    pub fn closed(&mut self) {
        if self.over {
            return;
        }
        if self.leaving {
            self.shut(None);
        } else {
            self.fail(Failure::new(
                FailureKind::Closed,
                "closed the connection without having been asked to",
            ));
        }
    }

    /// Ends the session. The first failure is kept, and told to every execution that is open.
    pub fn fail(&mut self, failure: Failure) {
        if self.over {
            return;
        }
        self.over = true;
        self.failure = Some(failure.clone());
        self.outgoing.clear();
        self.events.push_back(HostEvent::Failed(failure.clone()));
        self.end_all(&failure);
    }

    fn check_failure(&self) -> Result<(), Refusal> {
        match &self.failure {
            Some(failure) => Err(Refusal::Over(failure.clone())),
            None => Ok(()),
        }
    }

    fn check(&self) -> Result<(), Refusal> {
        self.check_failure()?;
        if self.leaving {
            return Err(Refusal::Over(Failure::new(
                FailureKind::Local,
                "the plugin was told to shut down",
            )));
        }
        Ok(())
    }

    fn need(&self, feature: Feature) -> Result<(), Refusal> {
        match self.features.has(feature) {
            true => Ok(()),
            false => Err(Refusal::Unsupported(feature)),
        }
    }
}
