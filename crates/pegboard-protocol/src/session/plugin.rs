//! The plugin's role: it answers calls and makes engine calls.

use std::collections::HashSet;

use super::core::{Role, Session, header_of, stream_of, unexpected};
use super::{Event, Failure, Refusal};
use crate::LabeledError;
use crate::codec::Sender;
use crate::nu::{
    Call, CallId, Change, EngineCall, EngineCallId, EngineResponse, Message, PluginOption, Response,
};

/// The role of the plugin.
#[derive(Debug, Default)]
pub struct Plugin {
    next_engine_call: u64,
    calls: HashSet<CallId>,
    engine_calls: HashSet<EngineCallId>,
}

impl Session<Plugin> {
    /// Answers a call. A stream in the answer must have been opened and be named in its header.
    pub fn respond(&mut self, id: CallId, response: Response) -> Result<(), Refusal> {
        self.check("", None)?;
        if !self.role.calls.remove(&id) {
            return Err(Refusal::NotRunning);
        }
        let stream = stream_of(response.header());
        self.push_header(Message::CallResponse(id, response), stream, Some(id));
        Ok(())
    }

    /// Asks the engine for something on behalf of a call that is unanswered or whose answer is still streaming.
    pub fn engine_call(
        &mut self,
        context: CallId,
        call: EngineCall,
    ) -> Result<EngineCallId, Refusal> {
        self.check(call.name(), requirement(&call))?;
        if !self.role.calls.contains(&context) && !self.streams.is_answering(context) {
            return Err(Refusal::NotRunning);
        }
        let id = EngineCallId(self.role.next_engine_call);
        self.role.next_engine_call += 1;
        self.role.engine_calls.insert(id);
        let stream = stream_of(call.input());
        self.push_header(Message::EngineCall { context, id, call }, stream, None);
        Ok(id)
    }

    /// Sends a wish about how the engine is to treat this plugin.
    pub fn option(&mut self, option: PluginOption) -> Result<(), Refusal> {
        self.check("", None)?;
        self.push(Message::Option(option));
        Ok(())
    }

    /// How many calls are not answered yet.
    pub fn open_calls(&self) -> usize {
        self.role.calls.len()
    }
}

impl Role for Plugin {
    const SENDER: Sender = Sender::Plugin;

    fn receive(session: &mut Session<Plugin>, message: Message) -> Result<(), Failure> {
        match message {
            Message::Call(id, call) => {
                if !session.role.calls.insert(id) {
                    return Err(Failure::violation(format!(
                        "made call {id} while a call of that number is running"
                    )));
                }
                let header = match &call {
                    Call::Run(run) => Some(&run.input),
                    _ => None,
                };
                let input = session.open_reader(header, None)?;
                session.events.push_back(Event::Call { id, call, input });
            }
            Message::EngineCallResponse(id, response) => {
                if !session.role.engine_calls.remove(&id) {
                    return Err(Failure::violation(format!(
                        "answered engine call {id}, which was never made or is over"
                    )));
                }
                let output = session.open_reader(header_of(&response), None)?;
                session.events.push_back(Event::EngineResponse {
                    id,
                    response,
                    output,
                });
            }
            Message::Signal(signal) => session.events.push_back(Event::Signal(signal)),
            Message::Goodbye => {
                if session.leave() {
                    session.events.push_back(Event::Goodbye);
                }
            }
            // A newer engine may say things that this version does not know; it must not lose the plugin for that.
            Message::Unknown(_) => {}
            other => return Err(unexpected(&other)),
        }
        Ok(())
    }

    fn undeliverable(
        session: &mut Session<Plugin>,
        message: &Message,
        error: LabeledError,
    ) -> Option<Message> {
        let error = Box::new(error);
        match message {
            Message::CallResponse(id, response) => {
                session.retract(response.header());
                Some(Message::CallResponse(*id, Response::Error(error)))
            }
            Message::EngineCall { id, call, .. } => {
                session.retract(call.input());
                session.role.engine_calls.remove(id);
                let response = EngineResponse::Error(error);
                session.events.push_back(Event::EngineResponse {
                    id: *id,
                    response,
                    output: None,
                });
                None
            }
            _ => None,
        }
    }

    fn stream_ended(_: &mut Session<Plugin>, _: CallId) {}

    fn fail(session: &mut Session<Plugin>) {
        session.role.calls.clear();
        let mut waiting: Vec<_> = session.role.engine_calls.drain().collect();
        waiting.sort();
        session
            .events
            .extend(waiting.into_iter().map(|id| Event::EngineCallFailed { id }));
    }
}

fn requirement(call: &EngineCall) -> Option<Change> {
    match call {
        EngineCall::FindDecl(_) | EngineCall::CallDecl(_) => Some(Change::Declarations),
        EngineCall::GetBlockIr(_) => Some(Change::BlockIr),
        _ => None,
    }
}
