//! Executions: what they write, how they end, side by side.

use std::sync::Arc;

use pegboard_protocol::octa::{Execute, Feature, Features, HostEvent, Outcome, Stream};
use pegboard_transport::octa::{Connection, Handler};
use pegboard_transport::{Link, Recorder};

use super::pair::{
    Doer, Hosting, Script, Tell, check, deadline, host_settings, joined, read, scripted,
};

#[test]
fn what_an_execution_writes_comes_as_a_stream_and_ends_after_its_outcome() {
    check(|hosting| {
        let (id, output) = hosting.execute("out one\ntwo\n");
        assert_eq!(read(output), "one\ntwo\n");
        // It has been told by the time that the output has ended.
        let told: Vec<_> = hosting.told.try_iter().collect();
        assert!(
            told.contains(&HostEvent::Ended {
                id,
                outcome: Outcome::Exit(0)
            }),
            "{told:?}"
        );
    });
}

#[test]
fn exit_codes_and_errors_are_told() {
    check(|hosting| {
        assert_eq!(hosting.run("exit 7"), (String::new(), Outcome::Exit(7)));
        let (_, outcome) = hosting.run("error no such thing");
        assert_eq!(outcome, Outcome::Error("no such thing".into()));
    });
}

#[test]
fn standard_error_is_told_and_given_back() {
    check(|hosting| {
        let (id, output) = hosting.execute("err oops\n");
        let (stream, bytes) = hosting.await_event(|event| match event {
            HostEvent::Output { stream, bytes, .. } => Some((stream, bytes)),
            _ => None,
        });
        assert_eq!((stream, &bytes[..]), (Stream::Stderr, &b"oops\n"[..]));
        assert_eq!(hosting.host.ask(|session| session.buffered()), 5);
        hosting.host.consumed(id, bytes.len());
        assert_eq!(hosting.host.ask(|session| session.buffered()), 0);
        assert_eq!(read(output), "");
    });
}

#[test]
fn executions_run_side_by_side() {
    check(|hosting| {
        let waiting = (0..20).map(|_| hosting.execute("wait"));
        let waiting: Vec<_> = waiting.collect();
        for i in 0..20 {
            let (text, outcome) = hosting.run(&format!("out {i}\n"));
            assert_eq!((text, outcome), (format!("{i}\n"), Outcome::Exit(0)));
        }
        assert_eq!(hosting.host.ask(|session| session.open()), waiting.len());
    });
}

#[test]
fn one_execution_is_cancelled_and_its_neighbour_goes_on() {
    let (hosting, _plugin) = joined(Link::memory(), Features::ALL);
    let (one, _one_output) = hosting.execute("wait");
    let (two, _two_output) = hosting.execute("wait");
    hosting.host.session(|session| session.cancel(one)).unwrap();
    assert_eq!(hosting.outcome(one), Outcome::Exit(130));
    assert_eq!(hosting.host.ask(|session| session.open()), 1);
    hosting.host.session(|session| session.cancel(two)).unwrap();
    assert_eq!(hosting.outcome(two), Outcome::Exit(130));
}

#[test]
fn input_of_any_size_comes_back() {
    let (hosting, _plugin) = joined(Link::memory(), Features::ALL);
    let execute = Execute {
        text: "cat".into(),
        dir: "/".into(),
        input: true,
        ..Execute::default()
    };
    let begun = hosting.host.execute(execute, |id, output| (id, output));
    let (id, output) = begun.unwrap();
    let sent: String = (0..200_000).map(|i| format!("{i}\n")).collect();
    let reading = std::thread::spawn(move || read(output));
    hosting
        .host
        .input(id, sent.as_bytes(), Some(deadline()))
        .unwrap();
    hosting.host.session(|session| session.end_input(id));
    assert_eq!(reading.join().unwrap(), sent);
    assert_eq!(hosting.outcome(id), Outcome::Exit(0));
}

#[test]
fn a_trace_has_both_sides_words_and_no_value_of_the_environment() {
    #[derive(Clone, Default)]
    struct Written(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);
    impl std::io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let written = Written::default();
    let (one, two) = Link::memory();
    let plugin = std::thread::spawn(|| Doer::start(two));
    let recorder = Recorder::new(written.clone());
    let hosting = Hosting::start(one, Features::ALL, Some(recorder));
    let _plugin = plugin.join().unwrap();
    let execute = Execute {
        text: "out hi\n".into(),
        dir: "/".into(),
        envs: [("TOKEN".to_owned(), "hunter2".to_owned())].into(),
        ..Execute::default()
    };
    let output = hosting.host.execute(execute, |_, output| output).unwrap();
    assert_eq!(read(output), "hi\n");
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    for part in [
        r#""from":"engine","octa":{"type":"Hello""#,
        r#""from":"plugin","octa":{"type":"Schema""#,
        r#""from":"engine","octa":{"type":"Execute""#,
        r#""from":"plugin","octa":{"type":"ExitStatus""#,
        r#""TOKEN":"[redacted]""#,
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
    assert!(
        hosting
            .host
            .ask(|session| session.features().has(Feature::Ids))
    );
}

const TOGETHER: &str = r#"{"type":"Started","id":"a"}
{"type":"Stderr","id":"a","line":"one"}
{"type":"Stdout","id":"a","line":"1"}
{"type":"Stdout","id":"a","line":"2\n"}
{"type":"Stderr","id":"a","line":"two\n"}
{"type":"Stderr","id":"a","line":"three"}
{"type":"ExitStatus","id":"a","code":3}
"#;

#[test]
fn what_comes_together_keeps_its_order_and_its_lines() {
    let (hosting, script) = scripted(|peer| {
        peer.expect("Execute");
        peer.say(TOGETHER);
    });
    let (id, output) = hosting.execute("x");
    assert_eq!(read(output), "1\n2\n");
    let mut said = Vec::new();
    let outcome = hosting.await_event(|event| match event {
        HostEvent::Output { stream, bytes, .. } => {
            assert_eq!(stream, Stream::Stderr);
            said.extend(bytes);
            None
        }
        HostEvent::Ended { outcome, .. } => Some(outcome),
        _ => None,
    });
    assert_eq!(String::from_utf8_lossy(&said), "one\ntwo\nthree\n");
    assert_eq!(outcome, Outcome::Exit(3));
    hosting.host.consumed(id, said.len());
    assert_eq!(hosting.host.ask(|session| session.buffered()), 0);
    script.join().unwrap();
}

/// Tells everything, but panics where an execution starts.
struct Panics(Arc<Tell<HostEvent>>);

impl Handler<HostEvent> for Panics {
    fn handle(&self, event: HostEvent) {
        assert!(!matches!(event, HostEvent::Started { .. }), "on purpose");
        self.0.handle(event);
    }
}

#[test]
fn a_handler_that_panics_is_told_what_else_has_come() {
    let (one, two) = Link::memory();
    let script = std::thread::spawn(move || {
        let mut peer = Script(two);
        peer.greet();
        peer.expect("Execute");
        peer.say(TOGETHER);
    });
    let (tell, told) = Tell::new();
    let settings = host_settings(Features::ALL);
    let host = Connection::start_host(one, settings, |_| Arc::new(Panics(tell))).unwrap();
    let hosting = Hosting { host, told };
    let (id, output) = hosting.execute("x");
    assert_eq!(read(output), "1\n2\n");
    assert_eq!(hosting.outcome(id), Outcome::Exit(3));
    assert!(hosting.failure().message.contains("panicked"));
    script.join().unwrap();
}
