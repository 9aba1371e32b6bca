//! Replays what real engines and plugins said to each other, with a session of ours in the place of either.

use std::path::Path;

use pegboard_protocol::codec::{Decoder, Encoding, Limits, Sender};
use pegboard_protocol::nu::{CallId, Message, StreamId};
use pegboard_protocol::session::replay;

/// One conversation a file: who, what, and how often in a row. Values are left out, since only the rules matter here.
#[test]
fn recorded_conversations() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/session/recorded");
    let mut messages = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let conversation = conversation(&std::fs::read_to_string(&path).unwrap());
        messages += conversation.len();
        for side in [Sender::Engine, Sender::Plugin] {
            if let Err(difference) = replay(side, conversation.clone()) {
                let said = conversation.get(difference.index);
                panic!("{}, as {side}: {difference}\n{said:?}", path.display());
            }
        }
    }
    assert!(messages > 1_500, "only {messages} messages were replayed");
}

fn conversation(text: &str) -> Vec<(Sender, Message)> {
    let mut messages = Vec::new();
    for line in text.lines() {
        let (sender, rest) = line.split_once(' ').unwrap();
        let sender = match sender {
            "engine" => Sender::Engine,
            _ => Sender::Plugin,
        };
        let (json, times) = match rest.rsplit_once(" x") {
            Some((json, times)) if times.parse::<usize>().is_ok() => (json, times.parse().unwrap()),
            _ => (rest, 1),
        };
        messages.extend(std::iter::repeat_n((sender, decode(sender, json)), times));
    }
    messages
}

fn decode(sender: Sender, json: &str) -> Message {
    let mut decoder = Decoder::new(Encoding::Json, sender, Limits::default());
    decoder.feed(json.as_bytes());
    decoder.next().unwrap().unwrap().message
}

/// A good conversation, in which a message is then left out, doubled or changed.
const GOOD: &[(Sender, &str)] = &[
    (
        Sender::Plugin,
        r#"{"Hello":{"protocol":"nu-plugin","version":"0.115.1","features":[]}}"#,
    ),
    (
        Sender::Engine,
        r#"{"Hello":{"protocol":"nu-plugin","version":"0.115.1","features":[]}}"#,
    ),
    (
        Sender::Engine,
        r#"{"Call":[5,{"Run":{"name":"a","call":{"head":{"start":0,"end":0},"positional":[],"named":[]},"input":{"ListStream":{"id":7,"span":{"start":0,"end":0}}}}}]}"#,
    ),
    (
        Sender::Engine,
        r#"{"Data":[7,{"List":{"Nothing":{"span":{"start":0,"end":0}}}}]}"#,
    ),
    (
        Sender::Plugin,
        r#"{"EngineCall":{"context":5,"id":3,"call":"GetHelp"}}"#,
    ),
    (Sender::Plugin, r#"{"Ack":7}"#),
    (
        Sender::Engine,
        r#"{"EngineCallResponse":[3,{"PipelineData":"Empty"}]}"#,
    ),
    (Sender::Plugin, r#"{"Drop":7}"#),
    (
        Sender::Plugin,
        r#"{"CallResponse":[5,{"PipelineData":{"ByteStream":{"id":9,"span":{"start":0,"end":0},"type":"Binary"}}}]}"#,
    ),
    (Sender::Engine, r#"{"End":7}"#),
    (Sender::Plugin, r#"{"Data":[9,{"Raw":{"Ok":[1,2]}}]}"#),
    (Sender::Engine, r#"{"Ack":9}"#),
    (Sender::Plugin, r#"{"End":9}"#),
    (Sender::Engine, r#"{"Drop":9}"#),
    (Sender::Engine, r#""Goodbye""#),
];

#[test]
fn differences() {
    check(|_| {}, None, None);
    let left_out = |at: usize| move |all: &mut Vec<_>| drop(all.remove(at));
    check(
        left_out(9),
        Some("14: it was never said: End(StreamId(0))"),
        None,
    );
    check(
        left_out(2),
        Some("2: stream 7 was not announced"),
        Some("2: the other side broke the rules: sent an item"),
    );
    check(
        left_out(4),
        Some("5: the session did not say EngineCallResponse"),
        Some("5: the other side broke the rules: answered engine call 3"),
    );
    check(
        left_out(8),
        Some("9: the other side"),
        Some("9: stream 9 was not announced"),
    );
    check(left_out(0), Some("0: both sides"), Some("0: both sides"));
    let doubled =
        |at: usize| move |all: &mut Vec<(Sender, Message)>| all.insert(at, all[at].clone());
    check(
        doubled(8),
        Some("9: the other side broke the rules"),
        Some("9: the call that it belongs to is over"),
    );
    check(
        doubled(12),
        Some("13: the other side broke the rules"),
        Some("13: the session did not say End(StreamId(0))"),
    );
    let changed = |at: usize, message: Message| {
        move |all: &mut Vec<(Sender, Message)>| all[at].1 = message.clone()
    };
    let response = Message::CallResponse(CallId(6), pegboard_protocol::nu::Response::Ok);
    check(
        changed(8, response),
        Some("8: the other side broke the rules: answered call 6"),
        Some("8: the call"),
    );
    check(
        changed(5, Message::Ack(StreamId(8))),
        None,
        Some("5: there is no stream 8"),
    );
}

/// Expects a difference at each side, or none.
fn check(change: impl Fn(&mut Vec<(Sender, Message)>), engine: Option<&str>, plugin: Option<&str>) {
    let mut messages: Vec<_> = GOOD
        .iter()
        .map(|(sender, text)| (*sender, decode(*sender, text)))
        .collect();
    change(&mut messages);
    for (side, expected) in [(Sender::Engine, engine), (Sender::Plugin, plugin)] {
        let text = replay(side, messages.clone())
            .err()
            .map(|error| error.to_string());
        let expected = expected.map(|expected| format!("message {expected}"));
        match (&text, &expected) {
            (None, None) => {}
            (Some(text), Some(expected)) if text.starts_with(expected.as_str()) => {}
            _ => panic!("as {side}: {text:?} instead of {expected:?}"),
        }
    }
}
