//! Whether two messages say the same, and where they differ.

use pegboard_protocol::Value;
use pegboard_protocol::codec::{self, Encoding, Sender};
use pegboard_protocol::nu::{
    Call, CallId, Dialect, EngineCall, EngineCallId, EngineResponse, Header, Message, Metadata,
    Response, StreamId,
};
use serde_json::Value as Json;

use crate::trace::play::json::json_difference;
use crate::trace::redact::HIDDEN;

/// The first difference between what was recorded and what is said now, in words.
///
/// Numbers of calls and streams never count. Places in source text count for plugins, which got them from the engine,
/// and not for engines, where they depend on what else was typed.
pub(super) fn difference(recorded: &Message, now: &Message, from: Sender) -> Option<String> {
    let recorded = plain(recorded);
    let mut now = plain(now);
    if let (
        Message::EngineCall {
            call: EngineCall::AddEnvVar(_, old),
            ..
        },
        Message::EngineCall {
            call: EngineCall::AddEnvVar(_, new),
            ..
        },
    ) = (&recorded, &mut now)
        && is_hidden(old)
    {
        *new = old.clone();
    }
    match (json(&recorded, from), json(&now, from)) {
        (Some(recorded), Some(now)) => json_difference(&recorded, &now),
        // What JSON cannot carry; every NaN is like every other.
        _ if format!("{recorded:?}") == format!("{now:?}") => None,
        _ => Some("the messages differ".to_owned()),
    }
}

pub(super) fn is_hidden(value: &Value) -> bool {
    matches!(value, Value::String(text, _) if text == HIDDEN)
}

/// The message without its numbers and without metadata that says nothing, and what has no order in order.
fn plain(message: &Message) -> Message {
    let mut message = message.clone();
    let header = match &mut message {
        Message::Call(id, call) => {
            *id = CallId(0);
            match call {
                Call::Run(run) => Some(&mut run.input),
                _ => None,
            }
        }
        Message::CallResponse(id, response) => {
            *id = CallId(0);
            match response {
                Response::Data(header) => Some(header),
                // Real plugins keep their commands in a hash table.
                Response::Signature(signatures) => {
                    signatures.sort_by(|a, b| a.sig.name.cmp(&b.sig.name));
                    None
                }
                _ => None,
            }
        }
        Message::EngineCall { context, id, call } => {
            (*context, *id) = (CallId(0), EngineCallId(0));
            match call {
                EngineCall::EvalClosure(eval) => Some(&mut eval.input),
                EngineCall::CallDecl(call) => Some(&mut call.input),
                _ => None,
            }
        }
        Message::EngineCallResponse(id, response) => {
            *id = EngineCallId(0);
            match response {
                EngineResponse::Data(header) => Some(header),
                EngineResponse::ValueMap(values) => {
                    values.sort_by(|a, b| a.0.cmp(&b.0));
                    None
                }
                _ => None,
            }
        }
        Message::Data(id, _) | Message::End(id) | Message::Drop(id) | Message::Ack(id) => {
            *id = StreamId(0);
            None
        }
        _ => None,
    };
    match header {
        Some(Header::ListStream { id, metadata, .. } | Header::ByteStream { id, metadata, .. }) => {
            *id = StreamId(0);
            forget_nothing(metadata);
        }
        Some(Header::Value(_, metadata)) => forget_nothing(metadata),
        Some(Header::Empty) | None => {}
    }
    message
}

fn forget_nothing(metadata: &mut Option<Box<Metadata>>) {
    if metadata.as_deref() == Some(&Metadata::default()) {
        *metadata = None;
    }
}

fn json(message: &Message, from: Sender) -> Option<Json> {
    let mut bytes = Vec::new();
    codec::encode(message, from, Encoding::Json, Dialect::NEWEST, &mut bytes).ok()?;
    let json = serde_json::from_slice(&bytes).ok()?;
    Some(match from {
        Sender::Engine => without_spans(json),
        Sender::Plugin => json,
    })
}

/// Nothing but a span has these two keys with numbers: values have the name of their type in front.
fn without_spans(json: Json) -> Json {
    match json {
        Json::Object(fields)
            if fields.len() == 2
                && ["start", "end"]
                    .iter()
                    .all(|key| fields.get(*key).is_some_and(Json::is_u64)) =>
        {
            Json::Null
        }
        Json::Object(fields) => {
            let fields = fields.into_iter();
            Json::Object(
                fields
                    .map(|(key, field)| (key, without_spans(field)))
                    .collect(),
            )
        }
        Json::Array(items) => items.into_iter().map(without_spans).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use pegboard_protocol::Span;
    use pegboard_protocol::nu::{EvaluatedCall, RunCall, StreamItem};

    use super::*;

    fn run(id: u64, input: Header, at: u64) -> Message {
        let head = Span {
            start: at,
            end: at + 1,
        };
        let call = EvaluatedCall {
            head,
            ..EvaluatedCall::default()
        };
        let name = "a".to_owned();
        Message::Call(
            CallId(id),
            Call::Run(Box::new(RunCall { name, call, input })),
        )
    }

    fn answer(value: Value) -> Message {
        Message::CallResponse(CallId(1), Response::Data(Header::Value(value, None)))
    }

    #[test]
    fn what_counts_and_what_does_not() {
        let nothing = Header::Value(Value::nothing(), Some(Box::default()));
        let same = Header::Value(Value::nothing(), None);
        let (a, b) = (run(1, nothing, 7), run(2, same, 9));
        assert_eq!(difference(&a, &b, Sender::Engine), None);
        let other = run(1, Header::Empty, 7);
        assert!(difference(&a, &other, Sender::Engine).is_some());

        let at = |at| answer(Value::int(1).at(Span { start: at, end: at }));
        let found = difference(&at(1), &at(2), Sender::Plugin).expect("a difference");
        assert_eq!(
            found,
            "CallResponse.1.PipelineData.Value.0.Int.span.start was 1 and is 2"
        );
    }

    #[test]
    fn the_place_is_told() {
        let record = |keys: [&str; 2]| answer(Value::record(keys.map(|key| (key, Value::int(1)))));
        for (old, new, expected) in [
            (
                answer(Value::list([Value::int(1)])),
                answer(Value::list([])),
                "CallResponse.1.PipelineData.Value.0.List.vals.0 was {\"Int\":{\"val\":1,\"span\":{\"start\":0,\"end\":0}}} and is nothing",
            ),
            (
                answer(Value::float(f64::NAN)),
                answer(Value::float(f64::INFINITY)),
                "the messages differ",
            ),
        ] {
            let found = difference(&old, &new, Sender::Plugin);
            assert_eq!(found.as_deref(), Some(expected));
        }
        let found = difference(&record(["a", "b"]), &record(["b", "a"]), Sender::Plugin);
        assert!(found.is_some_and(|found| found.contains("Record.val was {\"a\"")));
        let nan = answer(Value::float(f64::NAN));
        assert_eq!(difference(&nan, &nan.clone(), Sender::Plugin), None);
        let item = |value| Message::Data(StreamId(3), StreamItem::List(value));
        let (one, two) = (item(Value::int(1)), item(Value::int(2)));
        let found = difference(&one, &two, Sender::Plugin);
        assert_eq!(found.as_deref(), Some("Data.1.List.Int.val was 1 and is 2"));
    }
}
