//! Leaves the values of environment variables out of a trace.

use std::collections::HashMap;

use pegboard_protocol::Value;
use pegboard_protocol::nu::{EngineCall, EngineCallId, EngineResponse, Header, Message};

pub(super) const HIDDEN: &str = "[redacted]";

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

#[cfg(test)]
mod tests {
    use pegboard_protocol::LabeledError;
    use pegboard_protocol::nu::CallId;

    use super::*;

    fn asks(id: u64, call: EngineCall) -> Message {
        let (context, id) = (CallId(0), EngineCallId(id));
        Message::EngineCall { context, id, call }
    }

    fn answers(id: u64, response: EngineResponse) -> Message {
        Message::EngineCallResponse(EngineCallId(id), response)
    }

    fn data(text: &str) -> EngineResponse {
        EngineResponse::Data(Header::Value(Value::string(text), None))
    }

    fn variable() -> EngineCall {
        EngineCall::GetEnvVar("A".to_owned())
    }

    /// Passes messages through; those that hold a secret have to come out without it, the others as they are.
    fn check(messages: Vec<Message>) {
        let mut redaction = Redaction::default();
        for message in messages {
            let shown = redaction.apply(&message);
            let text = format!("{message:?}");
            let shown = shown.map_or(text.clone(), |shown| format!("{shown:?}"));
            assert!(!shown.contains("secret"), "{shown}");
            assert_eq!(
                shown.contains(HIDDEN),
                text.contains("secret"),
                "{text} became {shown}"
            );
        }
        assert!(redaction.asked.is_empty());
    }

    #[test]
    fn secrets_are_hidden_and_nothing_else() {
        check(vec![
            asks(0, variable()),
            asks(1, EngineCall::GetCurrentDir),
            answers(1, data("plain")),
            answers(0, data("secret")),
            asks(0, EngineCall::GetHelp),
            answers(0, data("plain")),
        ]);
        check(vec![
            asks(0, EngineCall::GetEnvVars),
            answers(
                0,
                EngineResponse::ValueMap(vec![("A".to_owned(), Value::string("secret"))]),
            ),
            asks(
                1,
                EngineCall::AddEnvVar("A".to_owned(), Value::string("secret")),
            ),
            answers(1, EngineResponse::Data(Header::Empty)),
        ]);
        check(vec![
            asks(0, variable()),
            answers(0, EngineResponse::Error(Box::new(LabeledError::new("no")))),
            asks(0, EngineCall::GetHelp),
            answers(0, data("plain")),
        ]);
        // The same number for several at once: which answer is whose is not known. The second secret was shown.
        check(vec![
            asks(0, variable()),
            asks(0, variable()),
            answers(0, data("secret")),
            answers(0, data("secret")),
        ]);
        check(vec![
            asks(0, EngineCall::GetHelp),
            asks(0, variable()),
            answers(0, data("secret or not")),
            answers(0, data("secret or not")),
        ]);
    }
}
