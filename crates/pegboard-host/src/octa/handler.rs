//! What an Octa plugin says, as what became of calls.

use std::sync::{Arc, Weak};

use pegboard_protocol::LabeledError;
use pegboard_protocol::nu::{ByteStreamKind, CallId, Header, Response, StreamId};
use pegboard_protocol::octa::{ExecutionId, HostEvent, Outcome};
use pegboard_protocol::{Span, session::Failure};
use pegboard_transport::Incoming;
use pegboard_transport::octa::Handler;
use serde_json::json;

use super::conversation::Board;
use crate::instance::{End, Instance};
use crate::{Error, ErrorKind};

/// Hands what comes in to an instance, without keeping it alive.
pub(super) struct OctaHandler {
    pub(super) instance: Weak<Instance>,
    pub(super) board: Arc<Board>,
}

impl Handler<HostEvent> for OctaHandler {
    fn handle(&self, event: HostEvent) {
        let Some(instance) = self.instance.upgrade() else {
            return;
        };
        match event {
            HostEvent::Started { id } => {
                if let Some((call, output)) = self.board.begun(id) {
                    instance.handle(Incoming::Response {
                        id: call,
                        response: Response::Data(stream()),
                        output: Some(output),
                    });
                }
            }
            HostEvent::Output { id, bytes, .. } => {
                if let Some(conversation) = instance.octa() {
                    self.board.said.say(conversation.connection(), id, bytes);
                }
            }
            HostEvent::Ended { id, outcome } => self.ended(&instance, id, outcome),
            HostEvent::Failed(failure) => instance.handle(Incoming::Failed(failure)),
            HostEvent::Ignored(ignored) => {
                instance.note("ignored", json!({ "what": ignored.to_string() }));
            }
            HostEvent::Result { id, value } => {
                let call = self.board.call_of(id);
                if let Some(call) = call
                    && let Some(result) = instance.result_of(call)
                    && let Err(error) = result.put(value)
                {
                    instance.end_call(call, End::Failed(error.of(&instance.name)));
                }
            }
            HostEvent::InputWritable { .. } | HostEvent::ShutDown { .. } => {}
        }
    }
}

impl OctaHandler {
    fn ended(&self, instance: &Arc<Instance>, id: ExecutionId, outcome: Outcome) {
        let Some(execution) = self.board.ended(id) else {
            return;
        };
        let call = execution.call;
        instance.end_input(call);
        let answered = execution.output.is_none();
        if let Outcome::Refused(message) = outcome {
            let response = Response::Error(Box::new(LabeledError::new(message)));
            instance.handle(Incoming::Response {
                id: call,
                response,
                output: None,
            });
            return instance.handle(Incoming::CallClosed { id: call });
        }
        if let Some(end) = end_of(instance, call, outcome) {
            instance.end_call(call, end);
        }
        instance.handle(match answered {
            true => Incoming::CallClosed { id: call },
            false => Incoming::CallFailed { id: call },
        });
    }
}

/// What an end makes of the call, if it is no good one.
fn end_of(instance: &Instance, call: CallId, outcome: Outcome) -> Option<End> {
    let error = match outcome {
        Outcome::Exit(0) => return None,
        Outcome::Exit(code) => {
            let command = instance.command_of(call);
            let message = format!("`{command}` ended with exit code {code}");
            Error::new(ErrorKind::Plugin, message.into()).exit(code)
        }
        Outcome::Error(message) | Outcome::Refused(message) => {
            Error::new(ErrorKind::Plugin, message.into())
        }
        Outcome::Failed(failure) if is_of_all(instance, &failure) => {
            return Some(End::Gone(failure));
        }
        Outcome::Failed(failure) => {
            let message = format!("it broke the rules: it {failure}");
            Error::new(ErrorKind::Protocol, message.into())
                .help("this is a mistake in the plugin; it goes on running")
        }
    };
    Some(End::Failed(error.of(&instance.name)))
}

/// Whether a failure is not only that of one execution.
fn is_of_all(instance: &Instance, failure: &Failure) -> bool {
    instance.was_asked_to_end() || instance.failed_with().is_some_and(|known| known == failure)
}

/// The header of an answer: a stream of which nobody said what is in it.
fn stream() -> Header {
    Header::ByteStream {
        id: StreamId(0),
        span: Span::UNKNOWN,
        kind: ByteStreamKind::Unknown,
        metadata: None,
    }
}
