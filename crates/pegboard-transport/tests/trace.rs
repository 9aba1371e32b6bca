//! Traces: what two connections said, written down, read back and replayed.

#[path = "driver/pair.rs"]
#[expect(dead_code, reason = "shared with the tests of the driver")]
mod pair;

use std::io;
use std::sync::{Arc, Mutex};

use pegboard_protocol::Value;
use pegboard_protocol::codec::{Encoding, Sender};
use pegboard_protocol::nu::{EngineResponse, Header, Message, StreamItem, StreamKind};
use pegboard_protocol::session::{Failure, FailureKind};
use pegboard_transport::trace::{EntryKind, Trace};
use pegboard_transport::{Link, Recorder};

use pair::{BOTH, PATIENCE, Pair, output_of, sum, value_of, within};

/// Somewhere to write that can be looked at.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl io::Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Page {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Records a case on the host's side.
fn record(encoding: Encoding, redacts: bool, case: impl FnOnce(&Pair) + Send + 'static) -> String {
    within(PATIENCE, move || {
        let page = Page::default();
        let recorder = match redacts {
            true => Recorder::new(page.clone()),
            false => Recorder::with_environment(page.clone()),
        };
        let pair = Pair::new(Link::memory(), encoding, Some(recorder));
        case(&pair);
        pair.host.fail(Failure::new(FailureKind::Local, "enough"));
        pair.host_side.ended();
        page.text()
    })
}

fn messages(trace: &Trace) -> Vec<(Sender, Message)> {
    let message = |entry: &pegboard_transport::trace::Entry| match &entry.kind {
        EntryKind::Message { from, message, .. } => Some((*from, (**message).clone())),
        EntryKind::Note { .. } | EntryKind::Octa { .. } => None,
    };
    trace.entries.iter().filter_map(message).collect()
}

#[test]
fn what_was_said_is_read_back_and_replayed() {
    for encoding in BOTH {
        let text = record(encoding, true, |pair| {
            let value = Value::float(0.1 + 0.2);
            assert_eq!(value_of(&pair.run("echo", value.clone())), value);
            let (call, out) = pair.feed("pass", StreamKind::List);
            let output = output_of(&call);
            (0..150).for_each(|number| out.send(StreamItem::List(Value::int(number))).unwrap());
            drop(out);
            assert_eq!(sum(output), 11_175);
            value_of(&pair.run("ask", Value::string("HOME")));
            let unread = pair.run("count", Value::int(1_000));
            drop(output_of(&unread));
            while !matches!(unread.recv_timeout(PATIENCE), Ok(pair::Outcome::Closed)) {}
        });
        let trace = Trace::parse(&text).unwrap();
        let said = messages(&trace);
        assert!(said.len() > 500);
        assert_eq!(
            said.iter()
                .filter(|(_, message)| matches!(message, Message::Hello(_)))
                .count(),
            2
        );
        assert!(
            said.iter()
                .any(|(_, message)| format!("{message:?}").contains("0.30000000000000004"))
        );
        let last = trace.entries.last().unwrap();
        let EntryKind::Note { note, details } = &last.kind else {
            panic!("{last:?}")
        };
        assert_eq!(
            (note.as_str(), details["reason"].as_str()),
            ("closed", Some("enough"))
        );
        assert!(trace.entries.is_sorted_by_key(|entry| entry.time));
        let conversations = trace.conversations();
        assert_eq!(conversations.len(), 1);
        for side in [Sender::Engine, Sender::Plugin] {
            conversations[0].replay(side).unwrap();
        }
    }
}

#[test]
fn values_of_environment_variables_are_left_out() {
    let case = |pair: &Pair| {
        // The engine of this test gives a variable's name as its value.
        let call = pair.run("ask", Value::string("secret-1"));
        assert_eq!(value_of(&call), Value::string("secret-1"));
    };
    let kept = record(Encoding::Json, false, case);
    let answer = |text: &str| {
        let said = messages(&Trace::parse(text).unwrap());
        let answer = said.into_iter().find_map(|(_, message)| match message {
            Message::EngineCallResponse(_, EngineResponse::Data(Header::Value(value, _))) => {
                Some(value)
            }
            _ => None,
        });
        answer.unwrap()
    };
    assert_eq!(answer(&kept), Value::string("secret-1"));
    assert_eq!(
        answer(&record(Encoding::Json, true, case)),
        Value::string("[redacted]")
    );
}

#[test]
fn floats_that_json_cannot_carry() {
    let text = record(Encoding::MsgPack, true, |pair| {
        let call = pair.run("echo", Value::float(f64::INFINITY));
        assert_eq!(value_of(&call), Value::float(f64::INFINITY));
    });
    assert!(text.contains(r#""msgpack":"#));
    let said = messages(&Trace::parse(&text).unwrap());
    let infinite = said
        .iter()
        .filter(|(_, message)| format!("{message:?}").contains("inf"));
    assert_eq!(infinite.count(), 2);
}

#[test]
fn deeply_nested_values() {
    // Such a line could be written and not be read.
    let deep = (0..60).fold(Value::int(1), |value, _| Value::list(vec![value]));
    let copy = deep.clone();
    let text = record(Encoding::Json, true, move |pair| {
        assert_eq!(value_of(&pair.run("echo", copy.clone())), copy);
    });
    assert_eq!(messages(&Trace::parse(&text).unwrap()).len(), 4);
}

#[test]
fn an_output_that_fails_ends_the_trace_and_nothing_else() {
    struct Full(usize);
    impl io::Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self
                .0
                .checked_sub(bytes.len())
                .ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    within(PATIENCE, || {
        let recorder = Recorder::new(Full(500));
        let pair = Pair::new(Link::memory(), Encoding::Json, Some(recorder.clone()));
        for number in 0..100 {
            assert_eq!(
                value_of(&pair.run("echo", Value::int(number))),
                Value::int(number)
            );
        }
        pair.end();
        assert_eq!(
            recorder.take_error().map(|error| error.kind()),
            Some(io::ErrorKind::StorageFull)
        );
    });
}

const FIRST: &str = r#"{"trace":"pegboard","format":1,"began":5}"#;
const GOOD: &str = r#"{"t":0.5,"plugin":"p","from":"engine","message":"Goodbye"}"#;
const NOTE: &str = r#"{"t":1,"plugin":"p","note":"start","details":{"argv":["p"]}}"#;

#[test]
fn lines() {
    let good = format!("{FIRST}\n{GOOD}\n\n{NOTE}\n");
    let trace = Trace::parse(&good).unwrap();
    assert_eq!((trace.began, trace.entries.len()), (5, 2));
    assert_eq!(trace.entries[0].time, std::time::Duration::from_millis(500));
    assert_eq!(trace.entries[0].plugin, "p");
    assert!(
        matches!(&trace.entries[0].kind, EntryKind::Message { text, .. } if text == r#""Goodbye""#)
    );

    check("", "line 1: this is not a Pegboard trace");
    check("{}\n", "line 1: this is not a Pegboard trace");
    check(
        r#"{"trace":"pegboard","format":9}"#,
        "line 1: the trace has format 9; this program reads 1",
    );
    // A last line that was cut off is left out; in between it is an error.
    check(&format!("{FIRST}\n{GOOD}\n{}", &GOOD[..30]), "1 entries");
    check(
        &format!("{FIRST}\n{}\n{GOOD}\n", &GOOD[..30]),
        "line 2: control character",
    );
    check(
        &format!("{FIRST}\n{GOOD}\n{}\n", &GOOD[..30]),
        "line 3: control character",
    );
    check(&format!("{FIRST}\n{GOOD}"), "1 entries");
    let changed = |from, to| format!("{FIRST}\n{}\n", GOOD.replace(from, to));
    check(
        &changed("0.5", "-1"),
        "line 2: `t` must be a number of seconds",
    );
    check(
        &changed("0.5", "null"),
        "line 2: `t` must be a number of seconds",
    );
    check(
        &changed(r#""plugin":"p","#, ""),
        "line 2: `plugin` must be a name",
    );
    check(
        &changed("engine", "nobody"),
        "line 2: `from` must be `engine` or `plugin`",
    );
    check(
        &changed(r#","message":"Goodbye""#, ""),
        "line 2: it has neither `message` nor `note`",
    );
    check(&changed(r#""Goodbye""#, r#"{"Ack":"no"}"#), "line 2: ");
    check(
        &changed(r#""message":"Goodbye""#, r#""msgpack":"a7""#),
        "line 2: the message is cut off",
    );
    check(
        &changed(r#""message":"Goodbye""#, r#""msgpack":"xx""#),
        "line 2: `msgpack` must be hexadecimal",
    );
    check(
        &changed(r#""message":"Goodbye""#, r#""msgpack":"a7476f6f64627965""#),
        "1 entries",
    );
}

/// Expects a number of entries or an error that begins in a certain way.
fn check(text: &str, expected: &str) {
    let result = match Trace::parse(text) {
        Ok(trace) => format!("{} entries", trace.entries.len()),
        Err(error) => error.to_string(),
    };
    assert!(
        result.starts_with(expected),
        "{result}\ninstead of\n{expected}\nfor\n{text}"
    );
}

#[test]
fn conversations_of_several_plugins_and_starts() {
    let said = |plugin: &str, from: &str, message: &str| {
        format!(r#"{{"t":0,"plugin":"{plugin}","from":"{from}","message":{message}}}"#) + "\n"
    };
    let hello = r#"{"Hello":{"protocol":"nu-plugin","version":"0.115.1","features":[]}}"#;
    let text = FIRST.to_owned()
        + "\n"
        + &said("a", "plugin", hello)
        + &said("b", "plugin", hello)
        + &said("a", "engine", hello)
        + &said("b", "engine", hello)
        + &said("a", "engine", r#"{"Call":[0,"Metadata"]}"#)
        + &said("a", "engine", r#""Goodbye""#)
        + &said("a", "plugin", hello)
        + &said("a", "engine", hello)
        + &said("b", "plugin", r#"{"CallResponse":[0,"Ok"]}"#);
    let conversations = Trace::parse(&text).unwrap().conversations();
    let shape: Vec<_> = conversations
        .iter()
        .map(|one| (one.plugin.as_str(), one.messages.len()))
        .collect();
    assert_eq!(shape, [("a", 4), ("b", 3), ("a", 2)]);
    assert_eq!(conversations[1].messages[2].0, 8);
    conversations[0].replay(Sender::Engine).unwrap();
    let difference = conversations[1].replay(Sender::Engine).unwrap_err();
    assert_eq!(difference.index, 2);
}
