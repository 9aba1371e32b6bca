//! Leaves the values of environment variables out of a trace.

use std::collections::HashSet;

use pegboard_protocol::Value;
use pegboard_protocol::nu::{EngineCall, EngineCallId, EngineResponse, Header, Message};

const HIDDEN: &str = "[redacted]";

/// Knows which answers hold values of environment variables.
#[derive(Debug, Default)]
pub(super) struct Redaction {
    // bounded by: the engine calls that the session lets wait for an answer
    asked: HashSet<(String, EngineCallId)>,
}

impl Redaction {
    /// The message with what must not be shown replaced, if there is anything of the kind.
    pub(super) fn apply(&mut self, plugin: &str, message: &Message) -> Option<Message> {
        match message {
            Message::EngineCall {
                id,
                call: EngineCall::GetEnvVar(_),
                ..
            } => {
                self.asked.insert((plugin.to_owned(), *id));
                None
            }
            Message::EngineCall {
                context,
                id,
                call: EngineCall::AddEnvVar(name, value),
            } => {
                let call = EngineCall::AddEnvVar(name.clone(), hide(value));
                Some(Message::EngineCall {
                    context: *context,
                    id: *id,
                    call,
                })
            }
            Message::EngineCallResponse(id, EngineResponse::ValueMap(values)) => {
                let values = values
                    .iter()
                    .map(|(name, value)| (name.clone(), hide(value)))
                    .collect();
                Some(Message::EngineCallResponse(
                    *id,
                    EngineResponse::ValueMap(values),
                ))
            }
            Message::EngineCallResponse(id, response)
                if self.asked.remove(&(plugin.to_owned(), *id)) =>
            {
                match response {
                    EngineResponse::Data(Header::Value(value, metadata)) => {
                        let header = Header::Value(hide(value), metadata.clone());
                        Some(Message::EngineCallResponse(
                            *id,
                            EngineResponse::Data(header),
                        ))
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

fn hide(value: &Value) -> Value {
    Value::string(HIDDEN).at(value.span())
}
