//! Leaves the values of environment variables out of a trace.

use std::collections::HashMap;

use pegboard_protocol::Value;
use pegboard_protocol::nu::{EngineCall, EngineCallId, EngineResponse, Header, Message};

const HIDDEN: &str = "[redacted]";

/// Knows which answers of one conversation hold values of environment variables.
#[derive(Debug, Default)]
pub(super) struct Redaction {
    // bounded by: the engine calls that the session lets wait for an answer
    asked: HashMap<EngineCallId, Asked>,
}

/// Engine calls of one number that wait for an answer. Nothing forbids a plugin to use a number several times at once.
#[derive(Debug, Default)]
struct Asked {
    calls: usize,
    secret: bool,
}

impl Redaction {
    /// The message with what must not be shown replaced, if there is anything of the kind.
    pub(super) fn apply(&mut self, message: &Message) -> Option<Message> {
        match message {
            Message::EngineCall { context, id, call } => {
                let asked = self.asked.entry(*id).or_default();
                asked.calls += 1;
                asked.secret |= matches!(call, EngineCall::GetEnvVar(_));
                let EngineCall::AddEnvVar(name, value) = call else {
                    return None;
                };
                let call = EngineCall::AddEnvVar(name.clone(), hide(value));
                Some(Message::EngineCall {
                    context: *context,
                    id: *id,
                    call,
                })
            }
            Message::EngineCallResponse(id, response) => {
                let secret = self.answered(*id);
                let response = match response {
                    EngineResponse::ValueMap(values) => {
                        let values = values
                            .iter()
                            .map(|(name, value)| (name.clone(), hide(value)));
                        EngineResponse::ValueMap(values.collect())
                    }
                    EngineResponse::Data(Header::Value(value, metadata)) if secret => {
                        EngineResponse::Data(Header::Value(hide(value), metadata.clone()))
                    }
                    _ => return None,
                };
                Some(Message::EngineCallResponse(*id, response))
            }
            _ => None,
        }
    }

    /// Whether an answer with this number may be to a question for an environment variable.
    fn answered(&mut self, id: EngineCallId) -> bool {
        let Some(asked) = self.asked.get_mut(&id) else {
            return false;
        };
        let secret = asked.secret;
        asked.calls -= 1;
        if asked.calls == 0 {
            self.asked.remove(&id);
        }
        secret
    }
}

fn hide(value: &Value) -> Value {
    Value::string(HIDDEN).at(value.span())
}
