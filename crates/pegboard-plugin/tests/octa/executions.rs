//! Executions from their beginning to their end.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use pegboard_plugin::octa::{Execution, Key};
use pegboard_plugin::protocol::octa::{Execute, HostEvent, Outcome};
use pegboard_plugin::{LabeledError, Plugin};
use serde_json::json;

use super::host::{PATIENCE, Ran, serve, text};

fn plugin<S: Into<pegboard_plugin::octa::ExitStatus>>(
    handler: impl Fn(Execution) -> Result<S, pegboard_plugin::octa::Error> + Send + Sync + 'static,
) -> Plugin {
    Plugin::new("test", "1.0.0").octa(Key::new("test", "For tests").execute(handler))
}

#[test]
fn a_handler_gets_everything_and_gives_everything() {
    let mut served = serve(plugin(|execution| {
        let (mut out, mut err) = (execution.stdout(), execution.stderr());
        writeln!(out, "{} {:?}", execution.text(), execution.args())?;
        writeln!(out, "{} {:?}", execution.dir().display(), execution.envs())?;
        write!(out, "{:?}", execution.var::<Vec<i64>>("v")?)?;
        writeln!(
            err,
            "{} {}",
            execution.is_dry(),
            execution.stdin().is_none()
        )?;
        Ok(7)
    }));
    let ran = served.run(Execute {
        args: vec!["a".to_owned()],
        envs: BTreeMap::from([("N".to_owned(), "V".to_owned())]),
        vars: json!({"v": [1, 2]}).as_object().expect("an object").clone(),
        dry: true,
        ..text("hi \"you\"\nthere")
    });
    assert_eq!(
        ran,
        Ran {
            stdout: "hi \"you\"\nthere [\"a\"]\n/tmp {\"N\": \"V\"}\nSome([1, 2])\n".to_owned(),
            stderr: "true true\n".to_owned(),
            outcome: Outcome::Exit(7),
        }
    );
    assert_eq!(served.shut_down().as_deref(), Some("Plugin shutting down"));
}

#[test]
fn every_end_of_a_handler_is_one_of_the_execution() {
    let mut served = serve(plugin(|execution| match execution.text() {
        "number" => Ok(-1),
        "error" => Err("no luck".into()),
        "parse" => Ok("x".parse::<i32>()?),
        "labeled" => Err(LabeledError::new("no luck").with_help("try again").into()),
        "exit" => Err(LabeledError::from(pegboard_plugin::octa::ExitStatus::from(3)).into()),
        "panic" => panic!("oh no"),
        "variable" => Ok(execution.var::<i32>("v")?.unwrap_or(9)),
        other => Err(format!("{other}?").into()),
    }));
    let mut check = |word: &str, outcome: Outcome| {
        let vars = json!({"v": "text"}).as_object().expect("an object").clone();
        let ran = served.run(Execute { vars, ..text(word) });
        assert_eq!(ran.outcome, outcome, "{word}");
    };
    let error = |message: &str| Outcome::Error(message.to_owned());
    check("number", Outcome::Exit(-1));
    check("error", error("no luck"));
    check("parse", error("invalid digit found in string"));
    check("labeled", error("no luck\nhelp: try again"));
    check("exit", Outcome::Exit(3));
    check(
        "panic",
        error(
            "the plugin's code panicked: oh no\nhelp: this is a mistake in the plugin; its authors would want to know",
        ),
    );
    check(
        "variable",
        error("`v`: invalid type: string \"text\", expected i32"),
    );
    // The plugin is none the worse for it.
    check("number", Outcome::Exit(-1));
}

#[test]
fn executions_run_side_by_side() {
    let (sender, receiver) = sync_channel::<()>(1);
    let receiver = std::sync::Mutex::new(receiver);
    let mut served = serve(plugin(move |execution| {
        match execution.text() {
            "first" => receiver.lock().expect("only one").recv_timeout(PATIENCE)?,
            _ => sender.send(())?,
        }
        write!(execution.stdout(), "{}", execution.text())?;
        Ok(())
    }));
    let (first, first_output) = served.begin(text("first"));
    let second = served.run(text("second"));
    assert_eq!(second.stdout, "second\n");
    assert_eq!(served.follow(first, first_output).stdout, "first\n");
}

#[test]
fn a_host_that_goes_cancels_what_runs() {
    let (sender, cancelled) = sync_channel(1);
    let mut served = serve(plugin(move |execution| {
        sender.send(execution.cancellation().wait(PATIENCE))?;
        Ok(())
    }));
    let (_id, output) = served.begin(text("wait"));
    served.await_event(|event| matches!(event, HostEvent::Started { .. }));
    served.host.close_sink();
    assert_eq!(cancelled.recv_timeout(PATIENCE), Ok(true));
    drop(output);
    served.join();
}

#[test]
fn shutting_down_cancels_what_runs_and_waits_for_its_end() {
    let mut served = serve(plugin(|execution| {
        execution.cancellation().wait(PATIENCE);
        write!(execution.stdout(), "cleaned up")?;
        Ok(4)
    }));
    let (id, output) = served.begin(text("wait"));
    served.await_event(|event| matches!(event, HostEvent::Started { .. }));
    served.host.session(|session| session.shut_down());
    let ran = served.follow(id, output);
    assert_eq!(
        (ran.stdout.as_str(), ran.outcome),
        ("cleaned up\n", Outcome::Exit(4))
    );
    served.await_event(|event| matches!(event, HostEvent::ShutDown { message: Some(_) }));
    served.join();
}

#[test]
fn a_handler_that_does_not_listen_is_given_up() {
    let (sender, receiver) = sync_channel::<()>(0);
    let receiver = std::sync::Mutex::new(receiver);
    let mut served = serve(plugin(move |_| {
        // Until the test is over.
        let _ = receiver.lock().expect("only one").recv_timeout(PATIENCE);
        Ok(())
    }));
    let (id, output) = served.begin(text("wait"));
    served.await_event(|event| matches!(event, HostEvent::Started { .. }));
    served.host.session(|session| session.shut_down());
    let ran = served.follow(id, output);
    assert_eq!(
        ran.outcome,
        Outcome::Error("the plugin shuts down".to_owned())
    );
    drop(sender);
    served.join();
}

#[test]
fn much_output_waits_for_whoever_reads() {
    const LINES: usize = 10_000;
    let mut served = serve(plugin(|execution| {
        let mut stdout = execution.stdout();
        for number in 0..LINES {
            writeln!(stdout, "{number:01000}")?;
        }
        Ok(())
    }));
    let ran = served.run(text("count"));
    assert_eq!(ran.stdout.lines().count(), LINES);
    assert!(ran.stdout.ends_with("9999\n"));
    assert_eq!(ran.outcome, Outcome::Exit(0));
}

#[test]
fn output_that_nobody_wants_any_more_is_an_error() {
    let (sender, failed) = sync_channel(1);
    let mut served = serve(plugin(move |execution| {
        let cancellation = execution.cancellation();
        assert!(cancellation.wait(PATIENCE));
        // The connection is over a moment after the cancellation at the latest.
        let mut stdout = execution.stdout();
        let error = loop {
            match writeln!(stdout, "more") {
                Ok(()) => cancellation.wait(Duration::ZERO),
                Err(error) => break error,
            };
        };
        sender.send(error.kind())?;
        Err::<(), _>(error.into())
    }));
    let (_id, output) = served.begin(text("wait"));
    served.await_event(|event| matches!(event, HostEvent::Started { .. }));
    drop(output);
    served.host.close_sink();
    let kind = failed.recv_timeout(PATIENCE).expect("it was told");
    assert_eq!(kind, std::io::ErrorKind::BrokenPipe);
    served.join();
}

#[test]
fn a_plugin_for_other_hosts_says_so() {
    let key = Key::new("test", "For tests")
        .requires("^9")
        .execute(|_| Ok(()));
    let plugin = Plugin::new("test", "1.0.0").octa(key);
    let (ours, theirs) = pegboard_transport::Link::memory();
    let plugin = std::thread::spawn(move || plugin.serve_octa_on(theirs));
    let settings = pegboard_transport::octa::HostSettings {
        name: "test".to_owned(),
        config: pegboard_plugin::protocol::octa::HostConfig::default(),
        hello_timeout: PATIENCE,
        recorder: None,
    };
    struct Deaf;
    impl pegboard_transport::octa::Handler<HostEvent> for Deaf {
        fn handle(&self, _: HostEvent) {}
    }
    let started = pegboard_transport::octa::Connection::start_host(ours, settings, |_| {
        std::sync::Arc::new(Deaf)
    });
    let error = started.expect_err("it does not fit").to_string();
    assert!(error.contains("`^9`"), "{error}");
    let error = plugin
        .join()
        .expect("no panic")
        .expect_err("it does not fit");
    assert!(error.msg.contains("`^9`"), "{error}");
}
