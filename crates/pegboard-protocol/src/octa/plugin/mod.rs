//! The plugin's side: it is told what to execute, and says what becomes of it.

mod event;
mod receive;

use std::collections::{BTreeMap, HashMap, VecDeque};

use serde_json::Value;

use super::lines::{Account, Lines, Window};
use super::message::{
    ExecutionId, FromHost, FromPlugin, Hello, Refusal, SendError, Stream, deeper,
};
use super::{Dialect, Feature, Features, Form, Limits, LineError};
use crate::session::{Failure, FailureKind};

pub use event::PluginEvent;

#[derive(Debug)]
struct Running {
    wire: String,
    stdout: Lines,
    stderr: Lines,
    /// None if the host wants no credit.
    window: Option<Window>,
    input: Option<Account>,
    input_ended: bool,
    resulted: bool,
}

/// A conversation after the handshake, seen by the plugin.
///
/// Every execution is started as it comes, so that the host hears of the starts in its own order; whoever drives this may
/// let it wait nevertheless. Executions run beside each other.
#[derive(Debug)]
pub struct Plugin {
    host: Hello,
    features: Features,
    /// The host sends texts as they are.
    plain: bool,
    limits: Limits,
    outgoing: VecDeque<FromPlugin>,
    events: VecDeque<PluginEvent>,
    next: u64,
    executions: BTreeMap<ExecutionId, Running>,
    by_wire: HashMap<String, ExecutionId>,
    failure: Option<Failure>,
    leaving: bool,
    over: bool,
}

impl Plugin {
    pub(super) fn new(host: Hello, features: Features, plain: bool, limits: Limits) -> Plugin {
        Plugin {
            host,
            features,
            plain,
            limits,
            outgoing: VecDeque::new(),
            events: VecDeque::new(),
            next: 0,
            executions: BTreeMap::new(),
            by_wire: HashMap::new(),
            failure: None,
            leaving: false,
            over: false,
        }
    }

    /// What the host said about itself.
    pub fn peer(&self) -> &Hello {
        &self.host
    }

    /// Whether the host is Pegboard's own.
    pub fn host_is_ours(&self) -> bool {
        self.plain
    }

    /// What both sides agreed on.
    pub fn features(&self) -> Features {
        self.features
    }

    /// How messages for this host are to be written.
    pub fn form(&self) -> Form {
        match self.plain {
            true => Form::Only(Dialect::V021),
            false => Form::Every,
        }
    }

    /// Why the session can go on no longer, if so.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// Whether nothing more will be said: it failed, or said goodbye.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// How many executions are owed an end.
    pub fn open(&self) -> usize {
        self.executions.len()
    }

    /// The next message to send.
    pub fn poll_message(&mut self) -> Option<FromPlugin> {
        self.outgoing.pop_front()
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<PluginEvent> {
        self.events.pop_front()
    }

    /// Sends output. Gives how many bytes were taken; when they are not all, go on after [`PluginEvent::Writable`].
    ///
    /// Hosts that know only lines of text get lines of text: what has no line feed yet is held back until it has, is 1 MiB
    /// long or the execution ends, and what is not UTF-8 is replaced. Other hosts get all bytes at once.
    pub fn output(
        &mut self,
        id: ExecutionId,
        stream: Stream,
        bytes: &[u8],
    ) -> Result<usize, SendError> {
        let running = self.executions.get_mut(&id).ok_or(SendError::Closed)?;
        let outgoing = &mut self.outgoing;
        let wire = &running.wire;
        let mut send = |bytes| {
            let id = wire.clone();
            outgoing.push_back(FromPlugin::Output { id, stream, bytes });
        };
        if !self.features.has(Feature::Bytes) {
            match stream {
                Stream::Stdout => running.stdout.push(bytes, send),
                Stream::Stderr => running.stderr.push(bytes, send),
            }
            return Ok(bytes.len());
        }
        let mut sent = 0;
        while sent < bytes.len() {
            let rest = &bytes[sent..];
            let taken = match &mut running.window {
                Some(window) => window.take(rest),
                None => super::lines::boundary(rest, super::lines::LONGEST),
            };
            if taken == 0 {
                break;
            }
            send(rest[..taken].to_vec());
            sent += taken;
        }
        match sent {
            0 if !bytes.is_empty() => Err(SendError::Full),
            sent => Ok(sent),
        }
    }

    /// The same, but hosts that know only lines of text get the whole in one message, up to 1 MiB. Octa's take white space off
    /// both ends of each message, so this is how lines keep their indentation.
    pub fn whole(
        &mut self,
        id: ExecutionId,
        stream: Stream,
        bytes: &[u8],
    ) -> Result<usize, SendError> {
        if self.features.has(Feature::Bytes) || bytes.len() > super::lines::LONGEST_LINE {
            return self.output(id, stream, bytes);
        }
        let running = self.executions.get_mut(&id).ok_or(SendError::Closed)?;
        let lines = match stream {
            Stream::Stdout => &mut running.stdout,
            Stream::Stderr => &mut running.stderr,
        };
        let whole = (!bytes.is_empty()).then(|| super::lines::text(bytes.to_vec()));
        for bytes in lines.finish().into_iter().chain(whole) {
            let id = running.wire.clone();
            self.outgoing
                .push_back(FromPlugin::Output { id, stream, bytes });
        }
        Ok(bytes.len())
    }

    /// Sends the structured result of an execution, at most once.
    pub fn result(&mut self, id: ExecutionId, value: Value) -> Result<(), Refusal> {
        self.check()?;
        if !self.features.has(Feature::Result) {
            return Err(Refusal::Unsupported(Feature::Result));
        }
        // Around it are the message and its payload.
        let limit = self.limits.depth().saturating_sub(2);
        if deeper(&value, limit) {
            return Err(Refusal::TooDeep { limit });
        }
        let running = self.executions.get_mut(&id).ok_or(Refusal::NotRunning)?;
        if std::mem::replace(&mut running.resulted, true) {
            return Err(Refusal::SaidAlready);
        }
        let id = running.wire.clone();
        self.outgoing.push_back(FromPlugin::Result { id, value });
        Ok(())
    }

    /// Ends an execution with an exit code.
    pub fn exit(&mut self, id: ExecutionId, code: i32) -> Result<(), Refusal> {
        let id = self.end(id)?;
        self.outgoing.push_back(FromPlugin::ExitStatus { id, code });
        Ok(())
    }

    /// Ends an execution that failed, with a message for the user.
    pub fn error(&mut self, id: ExecutionId, message: impl Into<String>) -> Result<(), Refusal> {
        let id = self.end(id)?;
        let message = message.into();
        self.outgoing.push_back(FromPlugin::Error { id, message });
        Ok(())
    }

    /// Says that input was taken, or thrown away.
    pub fn consumed(&mut self, id: ExecutionId, bytes: usize) {
        if let Some(running) = self.executions.get_mut(&id)
            && let Some(bytes) = running.input.as_mut().and_then(|i| i.consumed(bytes))
        {
            let id = running.wire.clone();
            self.outgoing.push_back(FromPlugin::Credit { id, bytes });
        }
    }

    /// Says, once, that nothing more comes. Executions that are still open fail.
    pub fn goodbye(&mut self, message: impl Into<String>) {
        if self.over {
            return;
        }
        let open: Vec<_> = self.executions.keys().copied().collect();
        for id in open {
            // It is open, so this cannot be refused.
            let _ = self.error(id, "the plugin shuts down");
        }
        self.over = true;
        let message = message.into();
        self.outgoing.push_back(FromPlugin::Shutdown { message });
    }

    /// Takes what a [`super::Decoder`] gives.
    pub fn receive(&mut self, message: Result<FromHost, LineError>) {
        if self.over {
            return;
        }
        let result = match message {
            Ok(message) => self.message(message),
            Err(error) if error.is_final() => Err(Failure::from(&error)),
            Err(error) => {
                self.unreadable(&error);
                Ok(())
            }
        };
        if let Err(failure) = result {
            self.fail(failure);
        }
    }

    /// Says that the host has closed the connection.
    pub fn closed(&mut self) {
        self.fail(Failure::new(
            FailureKind::Closed,
            "closed the connection without `Shutdown`",
        ));
    }

    /// Ends the session. The first failure is kept, and told to the host if it still listens.
    pub fn fail(&mut self, failure: Failure) {
        if self.over {
            return;
        }
        self.over = true;
        self.failure = Some(failure.clone());
        self.outgoing.clear();
        if !matches!(failure.kind, FailureKind::Closed | FailureKind::Link) {
            let message = match failure.kind {
                FailureKind::Local => failure.message.clone(),
                _ => format!("the host {failure}"),
            };
            self.outgoing.push_back(FromPlugin::Shutdown { message });
        }
        self.executions.clear();
        self.by_wire.clear();
        self.events.push_back(PluginEvent::Failed(failure));
    }

    fn check(&self) -> Result<(), Refusal> {
        match &self.failure {
            Some(failure) => Err(Refusal::Over(failure.clone())),
            None => Ok(()),
        }
    }

    /// Sends what was held back, and forgets an execution. Gives its id.
    fn end(&mut self, id: ExecutionId) -> Result<String, Refusal> {
        self.check()?;
        let mut running = self.executions.remove(&id).ok_or(Refusal::NotRunning)?;
        self.by_wire.remove(&running.wire);
        for (stream, lines) in [
            (Stream::Stdout, &mut running.stdout),
            (Stream::Stderr, &mut running.stderr),
        ] {
            if let Some(bytes) = lines.finish() {
                let id = running.wire.clone();
                self.outgoing
                    .push_back(FromPlugin::Output { id, stream, bytes });
            }
        }
        Ok(running.wire)
    }
}
