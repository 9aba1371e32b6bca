//! Ways in which a conversation ends that was not over.

use pegboard_protocol::octa::{Features, HostEvent, Ignored, Outcome};
use pegboard_protocol::session::{Failure, FailureKind};
use pegboard_transport::Link;

use super::pair::{deadline, joined, read, scripted};

const STARTED: &str = "{\"type\":\"Started\",\"id\":\"a\"}\n";

/// A plugin that says this after an execution, and goes. The execution fails with an error of this kind.
fn fails(said: &'static [u8], kind: FailureKind, message: &str) {
    let (hosting, script) = scripted(move |peer| {
        peer.expect("Execute");
        peer.say(said);
    });
    let (id, output) = hosting.execute("x");
    read(output);
    let failure = hosting.failure();
    assert_eq!(failure.kind, kind, "{failure}");
    assert!(failure.message.contains(message), "{failure}");
    assert_eq!(hosting.outcome(id), Outcome::Failed(failure.clone()));
    assert_eq!(hosting.host.failure(), Some(failure));
    script.join().unwrap();
}

#[test]
fn a_plugin_that_goes_before_it_starts_or_in_the_middle_fails_what_runs() {
    fails(b"", FailureKind::Closed, "closed the connection");
    fails(
        STARTED.as_bytes(),
        FailureKind::Closed,
        "closed the connection",
    );
    fails(
        b"{\"type\":\"Started\",\"id\":",
        FailureKind::Closed,
        "broke off",
    );
}

#[test]
fn a_plugin_that_breaks_the_rules_fails_what_runs() {
    fails(b"\xff\xfe\n", FailureKind::Undecodable, "not UTF-8");
    fails(
        b"{\"type\":\"Stdout\",\"id\":\"z\",\"line\":\"\"}\n",
        FailureKind::Violation,
        "where `Started` must come first",
    );
    fails(
        b"{\"type\":\"Shutdown\",\"message\":\"bye\"}\n",
        FailureKind::Closed,
        "without having been asked to",
    );
}

#[test]
fn what_a_plugin_said_before_it_went_is_there() {
    let (hosting, script) = scripted(|peer| {
        peer.expect("Execute");
        peer.say(STARTED);
        peer.say("{\"type\":\"Stdout\",\"id\":\"a\",\"line\":\"last\"}\n");
    });
    let (_, output) = hosting.execute("x");
    script.join().unwrap();
    assert_eq!(read(output), "last\n");
}

#[test]
fn a_bad_line_beside_an_execution_is_told_and_ignored() {
    let (hosting, script) = scripted(|peer| {
        peer.expect("Execute");
        peer.say(STARTED);
        peer.say("what?\n");
        peer.say("{\"type\":\"ExitStatus\",\"id\":\"a\",\"code\":0}\n");
        peer.expect("Shutdown");
    });
    let (_, outcome) = {
        let (id, output) = hosting.execute("x");
        let ignored = hosting.await_event(|event| match event {
            HostEvent::Ignored(ignored) => Some(ignored),
            _ => None,
        });
        assert!(matches!(ignored, Ignored::Unreadable(_)), "{ignored}");
        (read(output), hosting.outcome(id))
    };
    assert_eq!(outcome, Outcome::Exit(0));
    hosting.host.session(|session| session.shut_down());
    // A plugin that closes instead of answering has shut down as well.
    hosting
        .await_event(|event| matches!(event, HostEvent::ShutDown { message: None }).then_some(()));
    script.join().unwrap();
}

#[test]
fn a_host_that_fails_its_session_ends_every_wait_of_both_sides() {
    let (hosting, plugin) = joined(Link::memory(), Features::ALL);
    let (id, output) = hosting.execute("flood 100000");
    let (waiting, _output) = hosting.execute("wait");
    hosting
        .host
        .fail(Failure::new(FailureKind::Local, "enough"));
    let failed = Outcome::Failed(Failure::new(FailureKind::Local, "enough"));
    assert_eq!(hosting.outcome(id), failed);
    assert_eq!(hosting.outcome(waiting), failed);
    read(output);
    // The other side finds its end too.
    while plugin.failure().is_none() {
        assert!(std::time::Instant::now() < deadline(), "it goes on");
        std::thread::yield_now();
    }
}

#[test]
fn closing_the_sink_ends_the_plugin() {
    let (hosting, plugin) = joined(Link::memory(), Features::ALL);
    hosting.host.close_sink();
    let failure = hosting.failure();
    assert_eq!(failure.kind, FailureKind::Closed, "{failure}");
    assert_eq!(plugin.failure().unwrap().kind, FailureKind::Closed);
}

#[test]
fn a_peer_that_does_not_read_does_not_keep_what_was_asked_of_it() {
    let (hosting, script) = scripted(|peer| {
        peer.expect("Execute");
        peer.say(STARTED);
    });
    // More than the link holds, to a peer that then goes.
    let (_, output) = hosting.execute(&"x".repeat(1 << 20));
    read(output);
    assert_eq!(hosting.failure().kind, FailureKind::Closed);
    script.join().unwrap();
}
