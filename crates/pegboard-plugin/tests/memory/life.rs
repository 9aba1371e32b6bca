//! How plugins end, and what they make of what they do not know.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use pegboard_plugin::protocol::codec::{self, Decoder, Encoding, Limits, Sender};
use pegboard_plugin::protocol::nu::{CallId, Dialect, Message, Response};
use pegboard_plugin::{Command, Input, Output, Plugin, Value};
use pegboard_transport::Link;

use super::bench::{Bench, NEWEST, PATIENCE, none, output};

/// A plugin with a command that waits to be let go of, and says when it began.
fn waiting() -> (Plugin, mpsc::SyncSender<()>, mpsc::Receiver<()>) {
    let (go, wait) = mpsc::sync_channel(1);
    let (began, begins) = mpsc::sync_channel(1);
    let wait = Arc::new(Mutex::new(wait));
    let plugin = Plugin::new("test", "1").command(Command::new("wait", "Waits").run(move |_| {
        let _ = began.send(());
        let _ = wait.lock().unwrap().recv();
        Ok(Output::list((0..1000).map(Value::int)))
    }));
    (plugin, go, begins)
}

#[test]
fn goodbye_lets_what_runs_finish() {
    let (plugin, go, begins) = waiting();
    let bench = Bench::new(plugin, NEWEST);
    let answer = bench.start_run("wait", none(), Input::Empty);
    begins.recv_timeout(PATIENCE).unwrap();
    bench.host.session(|session| session.goodbye());
    go.send(()).unwrap();
    let items = output(&answer).unwrap().into_items();
    assert_eq!(items.filter(Result::is_ok).count(), 1000);
    bench.over();
}

#[test]
fn the_end_of_the_link_ends_the_plugin() {
    let (plugin, go, begins) = waiting();
    let bench = Bench::new(plugin, NEWEST);
    let answer = bench.start_run("wait", none(), Input::Empty);
    begins.recv_timeout(PATIENCE).unwrap();
    bench.host.close_sink();
    go.send(()).unwrap();
    drop(answer);
    bench.over();
}

#[test]
fn a_plugin_whose_engine_is_gone_tells_those_who_wait_for_it() {
    let (told, tells) = mpsc::sync_channel(1);
    let (began, begins) = mpsc::sync_channel(1);
    let plugin = Plugin::new("test", "1").command(Command::new("wait", "Waits").run(move |call| {
        let _ = began.send(());
        let error = call.input().into_value().unwrap_err();
        let late = call.engine().env("HOME").unwrap_err();
        let _ = told.send((error.msg.clone(), late.msg));
        Err::<Value, _>(error)
    }));
    let bench = Bench::new(plugin, NEWEST);
    let (feed, source) = mpsc::sync_channel::<Value>(1);
    let source = Mutex::new(source);
    let input = Input::list(std::iter::from_fn(move || {
        source.lock().unwrap().recv().ok()
    }));
    let _answer = bench.start_run("wait", none(), input);
    begins.recv_timeout(PATIENCE).unwrap();
    bench.host.close_sink();
    let (error, late) = tells.recv_timeout(PATIENCE).expect("it is told");
    assert!(!error.is_empty() && !late.is_empty());
    drop(feed);
    bench.over();
}

/// Talks to a plugin in plain JSON lines, as an engine that says anything at all.
fn talk(lines: &[&str]) -> Vec<Message> {
    let (ours, theirs) = Link::memory();
    let plugin = std::thread::spawn(move || {
        let echo = Command::new("echo", "Gives its input").run(|call| Ok(call.input()));
        Plugin::new("test", "1")
            .json()
            .command(echo)
            .serve_on(theirs)
    });
    let Link {
        mut source,
        mut sink,
        hangup: _hangup,
    } = ours;
    let deadline = Some(std::time::Instant::now() + PATIENCE);
    let hello = r#"{"Hello":{"protocol":"nu-plugin","version":"0.115.1","features":[{"name":"New","x":1}]}}"#;
    for line in [&[hello], lines].concat() {
        let mut bytes = line.as_bytes();
        while !bytes.is_empty() {
            let count = sink.write(bytes, deadline).unwrap();
            bytes = &bytes[count..];
        }
        sink.write(b"\n", deadline).unwrap();
    }
    let mut said = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match source.read(&mut buffer, deadline).unwrap() {
            0 => break,
            count => said.extend_from_slice(&buffer[..count]),
        }
    }
    plugin.join().unwrap().unwrap();
    let (encoding, used) = codec::parse_announcement(&said).unwrap().unwrap();
    assert_eq!(encoding, Encoding::Json);
    let mut decoder = Decoder::new(encoding, Sender::Plugin, Limits::default());
    decoder.set_dialect(Dialect::NEWEST);
    decoder.feed(&said[used..]);
    let mut messages = Vec::new();
    while let Some(frame) = decoder.next().unwrap() {
        messages.push(frame.message);
    }
    messages
}

#[test]
fn what_is_not_known_is_answered_or_ignored() {
    let messages = talk(&[
        r#"{"NewMessage":[1,2,{"a":null}]}"#,
        r#"{"Call":[0,{"NewCall":{"x":1}}]}"#,
        r#"{"Signal":"Reset"}"#,
        r#"{"Ack":77}"#,
        r#"{"Drop":77}"#,
        r#"{"Call":[1,"Metadata"]}"#,
        r#""Goodbye""#,
        r#""Goodbye""#,
    ]);
    assert!(matches!(messages[0], Message::Hello(_)), "{messages:?}");
    let Message::CallResponse(CallId(0), Response::Error(error)) = &messages[1] else {
        panic!("{messages:?}")
    };
    assert!(error.msg.contains("NewCall"), "{error:?}");
    assert!(
        matches!(
            messages[2],
            Message::CallResponse(CallId(1), Response::Metadata(_))
        ),
        "{messages:?}"
    );
    assert_eq!(messages.len(), 3);
}

#[test]
fn a_wrong_start_is_an_error() {
    for (hello, expected) in [
        (
            r#"{"Hello":{"protocol":"nu-plugin","version":"0.93.0","features":[]}}"#,
            "Nushell 0.93.0 speaks a protocol from before 0.94, which is not supported; the engine has to be a newer one",
        ),
        (
            r#"{"Hello":{"protocol":"other","version":"0.115.0","features":[]}}"#,
            "other",
        ),
        (r#""Goodbye""#, "Goodbye"),
        ("nonsense", "no sense"),
    ] {
        let (ours, theirs) = Link::memory();
        let plugin = std::thread::spawn(move || Plugin::new("test", "1").json().serve_on(theirs));
        let Link { mut sink, .. } = ours;
        let line = format!("{hello}\n");
        sink.write(line.as_bytes(), None).unwrap();
        drop(sink);
        let error = plugin.join().unwrap().unwrap_err().to_string();
        assert!(error.contains(expected), "{hello}: {error}");
    }
}
