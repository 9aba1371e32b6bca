//! The engine's role: it makes calls and answers engine calls.

use std::collections::HashMap;

use super::core::{Role, Session, header_of, stream_of, unexpected};
use super::{Event, Failure, FailureKind, Refusal};
use crate::LabeledError;
use crate::codec::Sender;
use crate::nu::{
    Call, CallId, Change, CustomValueOp, EngineCall, EngineCallId, EngineResponse, Message,
    Response, Signal,
};

/// The role of the engine.
#[derive(Debug, Default)]
pub struct Host {
    next_call: u64,
    calls: HashMap<CallId, Calling>,
    /// How many engine calls of each number wait for an answer. Nothing forbids a plugin to use one several times.
    engine_calls: HashMap<EngineCallId, usize>,
    unanswered: usize,
}

#[derive(Debug, Default)]
struct Calling {
    answered: bool,
    open_streams: usize,
}

impl Session<Host> {
    /// Makes a call. Its streams, if any, must have been opened and be named in its header.
    pub fn call(&mut self, call: Call) -> Result<CallId, Refusal> {
        let (what, change) = requirement(&call);
        self.check(what, change)?;
        if self.is_leaving() {
            return Err(Refusal::Over(Failure::new(
                FailureKind::Local,
                "the plugin was told that no more calls come",
            )));
        }
        let id = CallId(self.role.next_call);
        self.role.next_call += 1;
        self.role.calls.insert(id, Calling::default());
        let stream = match &call {
            Call::Run(run) => stream_of(Some(&run.input)),
            _ => None,
        };
        self.push_header(Message::Call(id, call), stream, None);
        Ok(id)
    }

    /// Answers an engine call. Does nothing if it has been answered.
    pub fn answer(&mut self, id: EngineCallId, response: EngineResponse) {
        let Some(waiting) = self.role.engine_calls.get_mut(&id) else {
            return self.retract(header_of(&response));
        };
        *waiting -= 1;
        if *waiting == 0 {
            self.role.engine_calls.remove(&id);
        }
        self.role.unanswered -= 1;
        let stream = stream_of(header_of(&response));
        self.push_header(Message::EngineCallResponse(id, response), stream, None);
    }

    /// Tells the plugin of an interrupt, or of its end. Does nothing if the plugin's version knows no signals.
    pub fn signal(&mut self, signal: Signal) {
        if self.check("Signal", Some(Change::Signals)).is_ok() {
            self.push(Message::Signal(signal));
        }
    }

    /// Tells the plugin, once, that no more calls come.
    pub fn goodbye(&mut self) {
        if self.failure().is_none() && self.leave() {
            self.push(Message::Goodbye);
        }
    }

    /// How many calls are unanswered or have an open stream.
    pub fn open_calls(&self) -> usize {
        self.role.calls.len()
    }

    fn response(&mut self, id: CallId, response: Response) -> Result<(), Failure> {
        match self.role.calls.get(&id) {
            None => {
                return Err(Failure::violation(format!(
                    "answered call {id}, which was never made or is over"
                )));
            }
            Some(calling) if calling.answered => {
                return Err(Failure::violation(format!("answered call {id} twice")));
            }
            Some(_) => {}
        }
        let output = self.open_reader(response.header(), Some(id))?;
        if let Some(calling) = self.role.calls.get_mut(&id) {
            calling.answered = true;
            calling.open_streams = usize::from(output.is_some());
        }
        self.events.push_back(Event::Response {
            id,
            response,
            output,
        });
        self.close_if_over(id);
        Ok(())
    }

    fn engine_call(
        &mut self,
        context: CallId,
        id: EngineCallId,
        call: EngineCall,
    ) -> Result<(), Failure> {
        if !self.role.calls.contains_key(&context) {
            return Err(Failure::violation(format!(
                "made the engine call {} for call {context}, which is not running",
                call.name()
            )));
        }
        if self.role.unanswered >= self.limits.engine_calls {
            return Err(Failure::new(
                FailureKind::Limit,
                format!(
                    "has {} engine calls waiting for an answer, which is the limit (engine_calls)",
                    self.limits.engine_calls
                ),
            ));
        }
        self.role.unanswered += 1;
        *self.role.engine_calls.entry(id).or_default() += 1;
        let input = self.open_reader(call.input(), None)?;
        self.events.push_back(Event::EngineCall {
            context,
            id,
            call,
            input,
        });
        Ok(())
    }

    fn close_if_over(&mut self, id: CallId) {
        if self
            .role
            .calls
            .get(&id)
            .is_some_and(|calling| calling.answered && calling.open_streams == 0)
        {
            self.role.calls.remove(&id);
            self.events.push_back(Event::CallClosed { id });
        }
    }
}

impl Role for Host {
    const SENDER: Sender = Sender::Engine;

    fn receive(session: &mut Session<Host>, message: Message) -> Result<(), Failure> {
        match message {
            Message::CallResponse(id, response) => session.response(id, response),
            Message::EngineCall { context, id, call } => session.engine_call(context, id, call),
            Message::Option(option) => {
                session.events.push_back(Event::Option(option));
                Ok(())
            }
            other => Err(unexpected(&other)),
        }
    }

    fn undeliverable(
        session: &mut Session<Host>,
        message: &Message,
        error: LabeledError,
    ) -> Option<Message> {
        let error = Box::new(error);
        match message {
            Message::Call(id, call) => {
                if let Call::Run(run) = call {
                    session.retract(Some(&run.input));
                }
                session.role.calls.remove(id);
                let response = Response::Error(error);
                session.events.push_back(Event::Response {
                    id: *id,
                    response,
                    output: None,
                });
                session.events.push_back(Event::CallClosed { id: *id });
                None
            }
            Message::EngineCallResponse(id, response) => {
                session.retract(header_of(response));
                Some(Message::EngineCallResponse(
                    *id,
                    EngineResponse::Error(error),
                ))
            }
            _ => None,
        }
    }

    fn stream_ended(session: &mut Session<Host>, call: CallId) {
        if let Some(calling) = session.role.calls.get_mut(&call) {
            calling.open_streams = calling.open_streams.saturating_sub(1);
        }
        session.close_if_over(call);
    }

    fn fail(session: &mut Session<Host>) {
        session.role.engine_calls.clear();
        session.role.unanswered = 0;
        let mut calls: Vec<_> = session.role.calls.drain().collect();
        calls.sort_by_key(|(id, _)| *id);
        for (id, calling) in calls {
            session.events.push_back(if calling.answered {
                Event::CallClosed { id }
            } else {
                Event::CallFailed { id }
            });
        }
    }
}

fn requirement(call: &Call) -> (&str, Option<Change>) {
    match call {
        Call::Metadata => ("Metadata", Some(Change::MetadataCall)),
        Call::Completion(_) => ("GetCompletion", Some(Change::DynamicCompletion)),
        Call::CustomValueOp(_, CustomValueOp::Save { .. }) => ("Save", Some(Change::CustomPaths)),
        Call::Signature | Call::Run(_) | Call::CustomValueOp(..) | Call::Unknown(_) => ("", None),
    }
}
