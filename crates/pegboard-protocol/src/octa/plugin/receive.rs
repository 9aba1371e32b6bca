//! What a host's messages do to a plugin's session.

use super::{Plugin, PluginEvent, PluginRole, Running};
use crate::octa::lines::{Account, Lines, Window};
use crate::octa::message::{
    Execute, ExecutionId, FromHost, FromPlugin, PARSE_ERROR, PROTOCOL_ERROR,
};
use crate::octa::session::{sealed::Acts, violation};
use crate::octa::{Feature, LineError, plain_text};
use crate::session::{Failure, FailureKind};

impl Acts for PluginRole {
    type Incoming = FromHost;
    type Outgoing = FromPlugin;
    type Event = PluginEvent;
    type Execution = Running;

    fn message(plugin: &mut Plugin, message: FromHost) -> Result<(), Failure> {
        plugin.message(message)
    }

    /// If it was to be an execution, the host waits for an answer.
    fn unreadable(plugin: &mut Plugin, error: LineError) -> Result<(), Failure> {
        let id = match (error.message_name(), error.message_id()) {
            (Some("Execute"), Some(id)) if plugin.features.has(Feature::Ids) => id,
            _ => PARSE_ERROR,
        };
        plugin.complain(id, format!("Invalid command format: {error}"));
        Ok(())
    }

    fn closed(plugin: &mut Plugin) {
        plugin.fail(Failure::new(
            FailureKind::Closed,
            "closed the connection without `Shutdown`",
        ));
    }

    fn failed(plugin: &mut Plugin, failure: Failure) {
        if !matches!(failure.kind, FailureKind::Closed | FailureKind::Link) {
            let message = match failure.kind {
                FailureKind::Local => failure.message.clone(),
                _ => format!("the host {failure}"),
            };
            plugin.outgoing.push_back(FromPlugin::Shutdown { message });
        }
        plugin.executions.clear();
        plugin.by_wire.clear();
        plugin.events.push_back(PluginEvent::Failed(failure));
    }
}

impl Plugin {
    fn message(&mut self, message: FromHost) -> Result<(), Failure> {
        let name = message.name().to_owned();
        match message {
            // What was sent before the host could know.
            FromHost::Execute(_) if self.leaving => Ok(()),
            FromHost::Execute(execute) => self.execute(*execute),
            FromHost::Shutdown => {
                if !std::mem::replace(&mut self.leaving, true) {
                    self.events.push_back(PluginEvent::ShutDown);
                }
                Ok(())
            }
            FromHost::Cancel { id } if self.features.has(Feature::Cancel) => {
                if let Some(id) = self.find(&id) {
                    self.events.push_back(PluginEvent::Cancel { id });
                }
                Ok(())
            }
            FromHost::Stdin { id, bytes } if self.features.has(Feature::Input) => {
                match self.find(&id) {
                    Some(id) => self.input(id, bytes),
                    None => Ok(()),
                }
            }
            FromHost::StdinEnd { id } if self.features.has(Feature::Input) => {
                if let Some(id) = self.find(&id)
                    && let Some(running) = self.executions.get_mut(&id)
                    && running.input.is_some()
                    && !std::mem::replace(&mut running.input_ended, true)
                {
                    self.events.push_back(PluginEvent::InputEnded { id });
                }
                Ok(())
            }
            FromHost::Credit { id, bytes } if self.features.has(Feature::Credit) => {
                match self.find(&id) {
                    Some(id) => self.credit(id, bytes),
                    None => Ok(()),
                }
            }
            FromHost::Unknown { .. } => {
                let message = format!(
                    "unknown command `{name}`, expected one of `Hello`, `Schema`, `Execute`, `Shutdown`"
                );
                self.complain(PARSE_ERROR, message);
                Ok(())
            }
            _ => {
                self.complain(PROTOCOL_ERROR, format!("Unexpected {name} command"));
                Ok(())
            }
        }
    }

    fn execute(&mut self, mut execute: Execute) -> Result<(), Failure> {
        let asked = execute.id.take();
        let asked = asked.filter(|_| self.features.has(Feature::Ids));
        if let Some(wire) = &asked
            && self.by_wire.contains_key(wire)
        {
            return Err(violation(format!(
                "started the execution `{wire}` while one of that id is running"
            )));
        }
        let id = self.next_id();
        let wire = asked.unwrap_or_else(|| format!("pegboard-{id}"));
        if self.executions.len() >= self.limits.executions {
            let message = format!(
                "{} executions are running, which is the limit (executions)",
                self.limits.executions
            );
            self.complain(&wire, message);
            return Ok(());
        }
        if !self.role.plain {
            execute.text = plain_text(&execute.text).into_owned();
        }
        execute.input &= self.features.has(Feature::Input);
        let window = self.limits.window;
        let running = Running {
            wire: wire.clone(),
            stdout: Lines::default(),
            stderr: Lines::default(),
            window: execute
                .credit
                .filter(|_| self.features.has(Feature::Credit))
                .map(Window::new),
            input: execute.input.then(|| Account::new(window)),
            input_ended: false,
            resulted: false,
        };
        self.executions.insert(id, running);
        self.by_wire.insert(wire.clone(), id);
        let credit = execute.input.then_some(window);
        self.outgoing
            .push_back(FromPlugin::Started { id: wire, credit });
        let execute = Box::new(execute);
        self.events.push_back(PluginEvent::Execute { id, execute });
        Ok(())
    }

    fn input(&mut self, id: ExecutionId, bytes: Vec<u8>) -> Result<(), Failure> {
        let Some(running) = self.executions.get_mut(&id) else {
            return Ok(());
        };
        let Some(account) = running.input.as_mut().filter(|_| !running.input_ended) else {
            return Err(violation(
                "sent input to an execution that has none, or no more",
            ));
        };
        if !account.arrived(bytes.len()) {
            return Err(Failure::new(
                FailureKind::Limit,
                "sent more input than it had credit for (window)",
            ));
        }
        self.events.push_back(PluginEvent::Input { id, bytes });
        Ok(())
    }

    fn credit(&mut self, id: ExecutionId, bytes: u64) -> Result<(), Failure> {
        let Some(window) = self
            .executions
            .get_mut(&id)
            .and_then(|running| running.window.as_mut())
        else {
            return Ok(());
        };
        match window.credit(bytes) {
            Ok(true) => self.events.push_back(PluginEvent::Writable { id }),
            Ok(false) => {}
            Err(()) => return Err(violation("gave credit for more output than was sent")),
        }
        Ok(())
    }

    fn complain(&mut self, id: &str, message: String) {
        let id = id.to_owned();
        self.outgoing.push_back(FromPlugin::Error { id, message });
    }
}
