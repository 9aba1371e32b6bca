//! Rules about engines that are odd, newer, or broken.

use pegboard_host::RawStart;
use pegboard_protocol::Value;
use pegboard_protocol::codec::Encoding;
use pegboard_protocol::nu::{Call, EvaluatedCall, Header, Message, StreamId, StreamItem};
use serde_json::json;

use super::calls::NOBODYS;
use crate::conformance::nushell::stage::Stage;
use crate::conformance::play::Played;

/// A number that no stream or engine call has.
const NOBODY: u64 = 9_999;
/// How many lists are inside each other.
const DEPTH: usize = 24;

pub(super) fn split_message(stage: &mut Stage) -> Played {
    stage.talk(|it| {
        let id = it.new_call();
        it.say_message_in_pieces(&Message::Call(id, Call::Signature))?;
        it.answer(id).map(drop)
    })
}

pub(super) fn huge_argument(stage: &mut Stage) -> Played {
    argument(stage, Value::string("x".repeat(1 << 20)))
}

pub(super) fn deep_argument(stage: &mut Stage) -> Played {
    argument(
        stage,
        (0..DEPTH).fold(Value::int(1), |value, _| Value::list([value])),
    )
}

/// Runs a command that no plugin has, with an argument: it has to be read, and does nothing.
fn argument(stage: &mut Stage, value: Value) -> Played {
    stage.talk(|it| {
        let call = EvaluatedCall {
            positional: vec![value],
            ..EvaluatedCall::default()
        };
        let id = it.run_with(NOBODYS, call, Header::Empty);
        it.answer(id)?;
        it.goes_on()
    })
}

pub(super) fn unknown_fields(stage: &mut Stage) -> Played {
    let span = json!({"start": 0, "end": 0, "file": 7});
    stage.talk(|it| {
        let id = it.new_call();
        it.say_tree(&json!({"Call": [id.0, {"Run": {
            "name": NOBODYS,
            "call": {"head": span, "positional": [], "named": [], "mood": "good"},
            "input": "Empty",
            "urgency": 5,
        }}]}));
        it.answer(id)?;
        it.goes_on()
    })
}

pub(super) fn unknown_call(stage: &mut Stage) -> Played {
    stage.talk(|it| {
        let id = it.new_call();
        it.say_tree(&json!({"Call": [id.0, {"MakeCoffee": {"strong": true}}]}));
        it.goes_on_or_ends_in_words()
    })
}

pub(super) fn unknown_message(stage: &mut Stage) -> Played {
    stage.talk(|it| {
        it.say_tree(&json!({"Coffee": {"ready": true}}));
        it.goes_on_or_ends_in_words()
    })
}

pub(super) fn unknown_stream(stage: &mut Stage) -> Played {
    stage.talk(|it| {
        let item = StreamItem::List(Value::int(1));
        // What the plugin says about the stream is no fault of its own.
        it.expect_input(StreamId(NOBODY));
        it.say(&Message::Data(StreamId(NOBODY), item));
        it.goes_on_or_ends_in_words()
    })
}

pub(super) fn stray_acks(stage: &mut Stage) -> Played {
    stage.talk(|it| {
        it.say(&Message::Ack(StreamId(NOBODY)));
        it.say(&Message::Drop(StreamId(NOBODY)));
        it.goes_on()
    })
}

pub(super) fn stray_reply(stage: &mut Stage) -> Played {
    stage.talk(|it| {
        it.say_tree(&json!({"EngineCallResponse": [NOBODY, {"PipelineData": "Empty"}]}));
        it.goes_on_or_ends_in_words()
    })
}

pub(super) fn invalid_bytes(stage: &mut Stage) -> Played {
    let version = stage.version()?;
    stage.signatures()?;
    stage.raw(RawStart::Stdio, |it| {
        let encoding = it.announcement()?;
        it.say_hello(&version);
        it.hear_hello()?;
        it.say_bytes(match encoding {
            Encoding::Json => b"}{ this is no message \xff\xfe\n",
            // 0xc1 is the one byte that MessagePack never uses.
            Encoding::MsgPack => &[0xc1; 16],
        });
        it.ended_in_words()
    })
}
