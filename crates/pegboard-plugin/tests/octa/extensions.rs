//! What Pegboard's own hosts can beyond Octa's protocol.

use std::io::{Read, Write};

use pegboard_plugin::Plugin;
use pegboard_plugin::octa::Key;
use pegboard_plugin::protocol::octa::{Execute, Features, HostEvent, Outcome};
use serde_json::json;

use super::host::{PATIENCE, Served, read, serve, serve_with, text};

fn plugin() -> Plugin {
    let key = Key::new("test", "For tests").execute(|execution| {
        match execution.text() {
            "echo" => {
                std::io::copy(&mut execution.stdin(), &mut execution.stdout())?;
            }
            "bytes" => execution.stdout().write_all(b"\xff\x00\n\xfe")?,
            "result" => execution.result(json!({"n": 1}))?,
            "wait" => {
                execution.cancellation().wait(PATIENCE);
                return Ok(130);
            }
            "read" => {
                let mut buffer = [0; 1];
                let error = execution
                    .stdin()
                    .read(&mut buffer)
                    .expect_err("it was cancelled");
                return Err(error.into());
            }
            other => return Err(format!("{other}?").into()),
        }
        Ok(0)
    });
    Plugin::new("test", "1.0.0").octa(key)
}

fn started(served: &mut Served) {
    served.await_event(|event| matches!(event, HostEvent::Started { .. }));
}

#[test]
fn input_reaches_the_handler_and_bytes_come_back() {
    let served = serve_with(plugin(), Features::ALL);
    let (id, output) = served.begin(Execute {
        input: true,
        ..text("echo")
    });
    let host = served.host.clone();
    // More than there is credit for, so that giving it back is tested too.
    let bytes: Vec<u8> = (0..1_000_000u32)
        .map(|number| (number % 251) as u8)
        .collect();
    let sent = bytes.clone();
    let writer = std::thread::spawn(move || {
        host.input(id, &sent, None).expect("a plugin that reads");
        host.session(|session| session.end_input(id));
    });
    assert!(read(output) == bytes);
    writer.join().expect("no panic");
}

#[test]
fn bytes_that_are_no_text_arrive_as_they_are_or_not_at_all() {
    let served = serve_with(plugin(), Features::ALL);
    let (_, output) = served.begin(text("bytes"));
    assert_eq!(read(output), b"\xff\x00\n\xfe");
    let served = serve(plugin());
    let (_, output) = served.begin(text("bytes"));
    assert_eq!(
        String::from_utf8(read(output)).expect("text"),
        "\u{fffd}\0\n\u{fffd}\n"
    );
}

#[test]
fn one_execution_is_cancelled_and_the_other_is_not() {
    let mut served = serve_with(plugin(), Features::ALL);
    let (first, first_output) = served.begin(text("wait"));
    let (second, second_output) = served.begin(Execute {
        input: true,
        ..text("echo")
    });
    started(&mut served);
    started(&mut served);
    served
        .host
        .session(|session| session.cancel(first))
        .expect("it is agreed on");
    assert_eq!(
        served.follow(first, first_output).outcome,
        Outcome::Exit(130)
    );
    served
        .host
        .input(second, b"still here", None)
        .expect("it runs");
    served.host.session(|session| session.end_input(second));
    let ran = served.follow(second, second_output);
    assert_eq!(
        (ran.stdout.as_str(), ran.outcome),
        ("still here", Outcome::Exit(0))
    );
}

#[test]
fn who_waits_for_input_is_woken_by_a_cancellation() {
    let mut served = serve_with(plugin(), Features::ALL);
    let (id, output) = served.begin(Execute {
        input: true,
        ..text("read")
    });
    started(&mut served);
    served
        .host
        .session(|session| session.cancel(id))
        .expect("it is agreed on");
    let ran = served.follow(id, output);
    let message = "the execution is to end, and so does its input".to_owned();
    assert_eq!(ran.outcome, Outcome::Error(message));
}

#[test]
fn results_have_a_structure_where_the_host_takes_one() {
    let mut served = serve_with(plugin(), Features::ALL);
    let ran = served.run(text("result"));
    assert_eq!(ran.outcome, Outcome::Exit(0));
    let event = served.await_event(|event| matches!(event, HostEvent::Result { .. }));
    assert!(matches!(event, HostEvent::Result { value, .. } if value == json!({"n": 1})));

    let mut served = serve(plugin());
    let Outcome::Error(message) = served.run(text("result")).outcome else {
        panic!("Octa takes no results");
    };
    assert!(
        message.contains("did not agree to the feature `pegboard-result`"),
        "{message}"
    );
}
