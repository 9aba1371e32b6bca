//! The host's side: it starts executions and hears of what becomes of them.

mod event;
mod receive;

use std::collections::VecDeque;

use super::lines::{Account, Window};
use super::message::{Execute, ExecutionId, FromHost, Hello, Refusal, SendError, deeper};
use super::session::Session;
use super::wire::encode;
use super::{Dialect, Feature, Features, Form, Limits};
use crate::session::{Failure, FailureKind};

pub use event::{HostEvent, Ignored, Outcome};

/// What a host knows of an execution.
#[derive(Debug)]
pub struct Running {
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
pub type Host = Session<HostRole>;

/// What a session of a host knows beyond that of a plugin.
#[derive(Debug)]
pub struct HostRole {
    key: String,
    /// Not started, in the order in which they were sent.
    waiting: VecDeque<ExecutionId>,
    ended: VecDeque<String>,
    buffered: usize,
}

impl Host {
    pub(super) fn of(key: String, peer: Hello, features: Features, limits: Limits) -> Host {
        let form = match features {
            Features::NONE => Form::Every,
            _ => Form::Only(Dialect::V021),
        };
        let role = HostRole {
            key,
            waiting: VecDeque::new(),
            ended: VecDeque::new(),
            buffered: 0,
        };
        Session::new(role, peer, features, form, limits)
    }

    /// The plugin's key: which attribute of a task is its.
    pub fn key(&self) -> &str {
        &self.role.key
    }

    /// The execution that has waited longest for its start, if one does.
    pub fn unstarted(&self) -> Option<ExecutionId> {
        self.role.waiting.front().copied()
    }

    /// How many bytes of output have come that were not given back yet.
    pub fn buffered(&self) -> usize {
        self.role.buffered
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
        let id = self.next_id();
        execute.id = None;
        execute.credit = self
            .features
            .has(Feature::Credit)
            .then_some(self.limits.window);
        if self.features.has(Feature::Ids) {
            execute.id = Some(id.to_string());
        }
        if self.is_too_long(&execute) {
            return Err(Refusal::TooLong {
                limit: self.limits.line,
            });
        }
        if let Some(wire) = execute.id.clone() {
            self.by_wire.insert(wire, id);
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
        self.role.waiting.push_back(id);
        self.outgoing
            .push_back(FromHost::Execute(Box::new(execute)));
        Ok(id)
    }

    /// Whether an execution would be a longer line than may be, which is known without writing it for all usual ones.
    fn is_too_long(&self, execute: &Execute) -> bool {
        // Written, a byte is six at most, in as many fields as there are forms, beside all that is not the text.
        let (length, limit) = (execute.text.len(), self.limits.line);
        if length <= limit / 16 || length > limit {
            return length > limit;
        }
        let mut line = Vec::new();
        let message = FromHost::Execute(Box::new(execute.clone()));
        encode(&message, self.form(), &mut line);
        line.len() > limit
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
        self.role.buffered = self.role.buffered.saturating_sub(bytes);
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
}
