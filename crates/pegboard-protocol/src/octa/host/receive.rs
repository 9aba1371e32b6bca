//! What a plugin's messages do to a host's session.

use super::{Host, HostEvent, HostRole, Ignored, Outcome, Running};
use crate::octa::message::{ExecutionId, FromHost, FromPlugin, PROTOCOL_ERROR, Stream};
use crate::octa::session::{sealed::Acts, violation};
use crate::octa::{Feature, LineError};
use crate::session::{Failure, FailureKind};

/// The longest id of an execution; real ones have 36 bytes.
const LONGEST_ID: usize = 1024;
/// Of how many executions it is remembered that they have ended, to tell late messages from wrong ones.
const REMEMBERED: usize = 256;

impl Acts for HostRole {
    type Incoming = FromPlugin;
    type Outgoing = FromHost;
    type Event = HostEvent;
    type Execution = Running;

    fn message(host: &mut Host, message: FromPlugin) -> Result<(), Failure> {
        host.message(message)
    }

    fn unreadable(host: &mut Host, error: LineError) -> Result<(), Failure> {
        host.unreadable(error)
    }

    fn closed(host: &mut Host) {
        if host.leaving {
            host.shut(None);
        } else {
            host.fail(Failure::new(
                FailureKind::Closed,
                "closed the connection without having been asked to",
            ));
        }
    }

    fn failed(host: &mut Host, failure: Failure) {
        host.events.push_back(HostEvent::Failed(failure.clone()));
        host.end_all(&failure);
    }
}

impl Host {
    fn message(&mut self, message: FromPlugin) -> Result<(), Failure> {
        let message = match message {
            FromPlugin::Output { id, stream, bytes } if let Some(known) = self.find(&id) => {
                return self.output(known, stream, bytes);
            }
            other => other,
        };
        let name = message.name().to_owned();
        match message {
            FromPlugin::Started { id, credit } => self.started(id, credit.unwrap_or(0)),
            FromPlugin::Output { id, .. } => self.stray(&name, Some(&id)),
            FromPlugin::Result { id, value } => match self.find(&id) {
                Some(id) => {
                    self.only_with(Feature::Result, &name)?;
                    let running = self.running(id)?;
                    if std::mem::replace(&mut running.resulted, true) {
                        return Err(violation("sent two results for one execution"));
                    }
                    self.events.push_back(HostEvent::Result { id, value });
                    Ok(())
                }
                None => self.stray(&name, Some(&id)),
            },
            FromPlugin::ExitStatus { id, code } => match self.find(&id) {
                Some(id) => {
                    self.running(id)?;
                    self.end(id, Outcome::Exit(code));
                    Ok(())
                }
                None => self.stray(&name, Some(&id)),
            },
            FromPlugin::Error { id, message } => {
                self.error(id, message);
                Ok(())
            }
            FromPlugin::Credit { id, bytes } => match self.find(&id) {
                Some(id) => self.credit(id, bytes),
                None => self.stray(&name, Some(&id)),
            },
            FromPlugin::Shutdown { message } if self.leaving => {
                self.shut(Some(message));
                Ok(())
            }
            FromPlugin::Shutdown { message } => Err(Failure::new(
                FailureKind::Closed,
                format!("shut down without having been asked to: {message}"),
            )),
            FromPlugin::Unknown { id: Some(id), .. } => self.stray(&name, Some(&id)),
            FromPlugin::Unknown { id: None, .. }
            | FromPlugin::Hello(_)
            | FromPlugin::Schema { .. } => self.stray(&name, None),
        }
    }

    /// A line that is no message. What was to be said of an execution is lost then, and if it was its end, nothing else
    /// would ever say so.
    fn unreadable(&mut self, error: LineError) -> Result<(), Failure> {
        if let Some(id) = error.message_id().and_then(|id| self.find(id)) {
            self.end(id, Outcome::Failed(Failure::from(&error)));
        } else if self.role.waiting.is_empty()
            || error.message_id().is_some_and(|id| self.is_late(id))
        {
            let ignored = Ignored::Unreadable(error);
            self.events.push_back(HostEvent::Ignored(ignored));
        } else {
            return Err(Failure::from(&error));
        }
        Ok(())
    }

    fn started(&mut self, wire: String, credit: u64) -> Result<(), Failure> {
        if wire.len() > LONGEST_ID {
            return Err(Failure::new(
                FailureKind::Limit,
                format!(
                    "started an execution with an id of {} bytes; the limit is {LONGEST_ID}",
                    wire.len()
                ),
            ));
        }
        let id = if self.features.has(Feature::Ids) {
            let id = self.find(&wire);
            id.filter(|id| self.role.waiting.contains(id))
        } else if self.by_wire.contains_key(&wire) {
            None
        } else {
            self.role.waiting.front().copied()
        };
        let Some(id) = id else {
            return self.stray("Started", Some(&wire));
        };
        self.role.waiting.retain(|waiting| *waiting != id);
        let Some(running) = self.executions.get_mut(&id) else {
            return Ok(());
        };
        running.started = true;
        running.wire = Some(wire.clone());
        self.events.push_back(HostEvent::Started { id });
        if running.input_ends {
            let id = wire.clone();
            self.outgoing.push_back(FromHost::StdinEnd { id });
        } else if let Some(window) = &mut running.input {
            window.open(credit);
            if window.was_refused() {
                self.events.push_back(HostEvent::InputWritable { id });
            }
        }
        if !self.features.has(Feature::Ids) {
            if running.cancelled {
                let id = wire.clone();
                self.outgoing.push_back(FromHost::Cancel { id });
            }
            self.by_wire.insert(wire, id);
        }
        Ok(())
    }

    fn output(&mut self, id: ExecutionId, stream: Stream, bytes: Vec<u8>) -> Result<(), Failure> {
        let credit = self.features.has(Feature::Credit);
        let running = self.running(id)?;
        if credit && !running.output.arrived(bytes.len()) {
            return Err(Failure::new(
                FailureKind::Limit,
                "sent more output than it had credit for (window)",
            ));
        }
        if !self.features.has(Feature::Bytes) && std::str::from_utf8(&bytes).is_err() {
            return Err(violation("sent output that is not text"));
        }
        self.role.buffered += bytes.len();
        if self.role.buffered > self.limits.buffered {
            return Err(Failure::new(
                FailureKind::Limit,
                format!(
                    "sent more than {} bytes of output that nobody has taken yet, which is the limit (buffered)",
                    self.limits.buffered
                ),
            ));
        }
        self.events
            .push_back(HostEvent::Output { id, stream, bytes });
        Ok(())
    }

    /// An error ends its execution. One of no known execution is the answer to the execution that waits longest: so a
    /// plugin says that it could not read it. Only [`PROTOCOL_ERROR`] never is, for an execution is always in place.
    fn error(&mut self, wire: String, message: String) {
        let known = self.find(&wire);
        let started = known.is_some_and(|id| !self.role.waiting.contains(&id));
        if let (Some(id), true) = (known, started) {
            self.end(id, Outcome::Error(message));
        } else if known.is_none() && self.is_late(&wire) {
            let name = "Error".to_owned();
            self.events
                .push_back(HostEvent::Ignored(Ignored::Late { name }));
        } else if let Some(id) = known.or(self.role.waiting.front().copied())
            && wire != PROTOCOL_ERROR
        {
            self.end(id, Outcome::Refused(message));
        } else {
            let ignored = Ignored::Complaint { id: wire, message };
            self.events.push_back(HostEvent::Ignored(ignored));
        }
    }

    fn credit(&mut self, id: ExecutionId, bytes: u64) -> Result<(), Failure> {
        self.only_with(Feature::Input, "Credit")?;
        let running = self.running(id)?;
        // After the end of the input there is nothing that it could be of use for.
        let Some(window) = &mut running.input else {
            return Ok(());
        };
        match window.credit(bytes) {
            Ok(true) => self.events.push_back(HostEvent::InputWritable { id }),
            Ok(false) => {}
            Err(()) => return Err(violation("gave credit for more input than was sent")),
        }
        Ok(())
    }

    /// Something that belongs to no execution that is open.
    fn stray(&mut self, name: &str, wire: Option<&str>) -> Result<(), Failure> {
        let late = wire.is_some_and(|wire| self.is_late(wire));
        let known = wire.is_some_and(|wire| self.by_wire.contains_key(wire));
        // A second `Started` with an id in use may be meant for the execution that waits.
        let harmless = late || known && name != "Started" || self.role.waiting.is_empty();
        if !harmless {
            return Err(violation(match known {
                true => "started two executions under one id".to_owned(),
                false => format!("sent `{name}` where `Started` must come first"),
            }));
        }
        let name = name.to_owned();
        let ignored = match late {
            true => Ignored::Late { name },
            false => Ignored::Stray { name },
        };
        self.events.push_back(HostEvent::Ignored(ignored));
        Ok(())
    }

    fn shut(&mut self, message: Option<String>) {
        self.over = true;
        self.outgoing.clear();
        let failure = Failure::new(
            FailureKind::Local,
            "shut down, as it was asked to, before the execution ended",
        );
        self.end_all(&failure);
        self.events.push_back(HostEvent::ShutDown { message });
    }

    fn end_all(&mut self, failure: &Failure) {
        let open: Vec<_> = self.executions.keys().copied().collect();
        for id in open {
            self.end(id, Outcome::Failed(failure.clone()));
        }
    }

    fn end(&mut self, id: ExecutionId, outcome: Outcome) {
        let Some(running) = self.executions.remove(&id) else {
            return;
        };
        self.role.waiting.retain(|waiting| *waiting != id);
        if let Some(wire) = running.wire {
            self.by_wire.remove(&wire);
            if self.role.ended.len() == REMEMBERED {
                self.role.ended.pop_front();
            }
            self.role.ended.push_back(wire);
        }
        self.events.push_back(HostEvent::Ended { id, outcome });
    }

    /// Whether an execution of that id is over.
    fn is_late(&self, wire: &str) -> bool {
        self.role.ended.iter().any(|ended| ended == wire)
    }

    /// An execution that must have been started for what is said of it.
    fn running(&mut self, id: ExecutionId) -> Result<&mut Running, Failure> {
        self.executions
            .get_mut(&id)
            .filter(|running| running.started)
            .ok_or_else(|| violation("spoke of an execution before it said `Started`"))
    }

    fn only_with(&self, feature: Feature, name: &str) -> Result<(), Failure> {
        match self.features.has(feature) {
            true => Ok(()),
            false => Err(violation(format!(
                "sent `{name}`, which needs the feature `{}`",
                feature.name()
            ))),
        }
    }
}
