//! One message in a few words.

use pegboard_host::protocol::codec::Sender;
use pegboard_host::protocol::nu::{Call, EngineCall, EngineResponse, Message, Response};
use serde_json::Value as Json;

/// What is shown of a message.
pub(super) struct Part {
    /// Its name and number.
    pub(super) name: String,
    /// The rest of it, as JSON.
    pub(super) content: String,
    pub(super) subject: Option<Subject>,
}

/// What a message is a part of, by number. Streams are numbered by each side for itself: true for the engine's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Subject {
    CallBegins(u64),
    CallEnds(u64),
    EngineCallBegins(u64),
    EngineCallEnds(u64),
    Item(u64, bool),
    StreamEnds(u64, bool),
}

impl Subject {
    /// The same, told apart by who produces the stream.
    pub(super) fn of(self, from: Sender) -> Subject {
        let by_engine = from == Sender::Engine;
        match self {
            Subject::Item(id, _) => Subject::Item(id, by_engine),
            Subject::StreamEnds(id, _) => Subject::StreamEnds(id, by_engine),
            other => other,
        }
    }
}

pub(super) fn part(message: &Message, text: &str) -> Part {
    let (name, subject) = match message {
        Message::Hello(_) => ("Hello".to_owned(), None),
        Message::Call(id, call) => (
            format!("Call {id} {}", call_name(call)),
            Some(Subject::CallBegins(id.0)),
        ),
        Message::CallResponse(id, response) => (
            format!("CallResponse {id} {}", response_name(response)),
            Some(Subject::CallEnds(id.0)),
        ),
        Message::EngineCall { context, id, call } => (
            format!("EngineCall {id} {} in call {context}", call.name()),
            Some(Subject::EngineCallBegins(id.0)),
        ),
        Message::EngineCallResponse(id, response) => (
            format!("EngineCallResponse {id} {}", engine_response_name(response)),
            Some(Subject::EngineCallEnds(id.0)),
        ),
        Message::Data(id, _) => (format!("Data {id}"), Some(Subject::Item(id.0, false))),
        Message::End(id) => (format!("End {id}"), Some(Subject::StreamEnds(id.0, false))),
        Message::Drop(id) => (format!("Drop {id}"), None),
        Message::Ack(id) => (format!("Ack {id}"), None),
        Message::Signal(signal) => (format!("Signal {signal:?}"), None),
        Message::Option(_) => ("Option".to_owned(), None),
        Message::Goodbye => ("Goodbye".to_owned(), None),
        Message::Unknown(name) => (name.clone(), None),
    };
    Part {
        name,
        content: content(message, text),
        subject,
    }
}

fn call_name(call: &Call) -> String {
    match call {
        Call::Metadata => "Metadata".to_owned(),
        Call::Signature => "Signature".to_owned(),
        Call::Run(run) => format!("Run `{}`", run.name),
        Call::Completion(completion) => format!("GetCompletion `{}`", completion.name),
        Call::CustomValueOp(value, _) => format!("CustomValueOp on {}", value.item.name),
        Call::Unknown(name) => name.clone(),
    }
}

fn response_name(response: &Response) -> String {
    match response {
        Response::Ok => "Ok".to_owned(),
        Response::Error(error) => format!("Error `{}`", error.msg),
        Response::Metadata(_) => "Metadata".to_owned(),
        Response::Signature(signatures) => format!("Signature of {} commands", signatures.len()),
        Response::Ordering(_) => "Ordering".to_owned(),
        Response::Completions(_) => "CompletionItems".to_owned(),
        Response::Data(_) => "PipelineData".to_owned(),
    }
}

fn engine_response_name(response: &EngineResponse) -> String {
    match response {
        EngineResponse::Error(error) => format!("Error `{}`", error.msg),
        EngineResponse::Data(_) => "PipelineData".to_owned(),
        EngineResponse::Config(_) => "Config".to_owned(),
        EngineResponse::ValueMap(values) => format!("ValueMap of {}", values.len()),
        EngineResponse::Identifier(_) => "Identifier".to_owned(),
        EngineResponse::IrBlock(_) => "IrBlock".to_owned(),
    }
}

/// The innermost part of the message that its name does not tell already.
fn content(message: &Message, text: &str) -> String {
    let told = matches!(
        message,
        Message::Call(_, Call::Metadata | Call::Signature)
            | Message::CallResponse(_, Response::Ok | Response::Signature(_))
            | Message::EngineCall {
                call: EngineCall::GetConfig
                    | EngineCall::GetPluginConfig
                    | EngineCall::GetEnvVars
                    | EngineCall::GetCurrentDir
                    | EngineCall::GetHelp
                    | EngineCall::EnterForeground
                    | EngineCall::LeaveForeground,
                ..
            }
            | Message::End(_)
            | Message::Drop(_)
            | Message::Ack(_)
            | Message::Signal(_)
            | Message::Goodbye
    );
    let Ok(json) = serde_json::from_str::<Json>(text) else {
        return if told {
            String::new()
        } else {
            "(as MessagePack)".to_owned()
        };
    };
    if told {
        String::new()
    } else {
        inner(json).to_string()
    }
}

/// Takes off the names of variants and the numbers that come first.
fn inner(json: Json) -> Json {
    let mut json = json;
    // A message, its kind and its data are at most three names deep.
    for _ in 0..3 {
        json = match json {
            Json::Object(mut object) if object.len() == 1 => match object.iter_mut().next() {
                Some((name, inner)) if name.starts_with(|c: char| c.is_ascii_uppercase()) => {
                    inner.take()
                }
                _ => return Json::Object(object),
            },
            Json::Array(mut items) if items.len() == 2 && items[0].is_u64() => items.remove(1),
            Json::Object(mut object)
                if object.contains_key("context") && object.contains_key("call") =>
            {
                object.remove("call").unwrap_or_default()
            }
            other => return other,
        };
    }
    json
}
