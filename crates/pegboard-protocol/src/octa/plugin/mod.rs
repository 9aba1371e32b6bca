//! The plugin's side: it is told what to execute, and says what becomes of it.

mod event;
mod receive;

use serde_json::Value;

use super::lines::{Account, Lines, Window};
use super::message::{ExecutionId, FromPlugin, Hello, Refusal, SendError, Stream, deeper};
use super::session::Session;
use super::{Dialect, Feature, Features, Form, Limits};

pub use event::PluginEvent;

/// What a plugin knows of an execution.
#[derive(Debug)]
pub struct Running {
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
pub type Plugin = Session<PluginRole>;

/// What a session of a plugin knows beyond that of a host.
#[derive(Debug)]
pub struct PluginRole {
    /// The host sends texts as they are.
    plain: bool,
}

impl Plugin {
    pub(super) fn of(host: Hello, features: Features, plain: bool, limits: Limits) -> Plugin {
        let form = match plain {
            true => Form::Only(Dialect::V021),
            false => Form::Every,
        };
        Session::new(PluginRole { plain }, host, features, form, limits)
    }

    /// Whether the host is Pegboard's own.
    pub fn host_is_ours(&self) -> bool {
        self.role.plain
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
        self.check_failure()?;
        self.need(Feature::Result)?;
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

    /// Sends what was held back, and forgets an execution. Gives its id.
    fn end(&mut self, id: ExecutionId) -> Result<String, Refusal> {
        self.check_failure()?;
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
