//! More output than is taken: it waits at the plugin, and a neighbour is not kept waiting.

use std::time::Instant;

use pegboard_protocol::octa::{Features, Outcome};
use pegboard_transport::Link;

use super::pair::{PATIENCE, deadline, joined, read, scripted};

#[test]
fn credit_keeps_what_waits_small() {
    let (hosting, _plugin) = joined(Link::memory(), Features::ALL);
    let (id, output) = hosting.execute("flood 200");
    // The neighbour comes and goes while the flood stands still.
    for _ in 0..50 {
        assert_eq!(hosting.run("out hi\n").0, "hi\n");
        let buffered = hosting.host.ask(|session| session.buffered());
        assert!(buffered <= 300 << 10, "{buffered}");
    }
    assert_eq!(read(output).len(), 200 << 16);
    assert_eq!(hosting.outcome(id), Outcome::Exit(0));
}

#[test]
fn a_real_plugin_that_waits_for_nobody_is_read_no_further_than_needed() {
    let line = format!(
        "{{\"type\":\"Stdout\",\"id\":\"a\",\"line\":\"{}\\n\"}}\n",
        "x".repeat(1 << 16)
    );
    let (hosting, script) = scripted(move |peer| {
        peer.expect("Execute");
        peer.say("{\"type\":\"Started\",\"id\":\"a\"}\n");
        for _ in 0..400 {
            peer.say(&line);
        }
        peer.say("{\"type\":\"ExitStatus\",\"id\":\"a\",\"code\":0}\n");
    });
    let (id, output) = hosting.execute("yes");
    // It comes to a stand by itself, long before the plugin has said all.
    while hosting.host.ask(|session| session.buffered()) < 4 << 20 {
        assert!(Instant::now() < deadline(), "it does not read so far");
        std::thread::yield_now();
    }
    assert!(hosting.host.ask(|session| session.buffered()) < 5 << 20);
    assert_eq!(read(output).len(), 400 * ((1 << 16) + 1));
    assert_eq!(hosting.outcome(id), Outcome::Exit(0));
    script.join().unwrap();
}

#[test]
fn a_flood_that_stands_still_lets_a_neighbour_start_and_be_served() {
    let line = format!(
        "{{\"type\":\"Stdout\",\"id\":\"a\",\"line\":\"{}\\n\"}}\n",
        "x".repeat(1 << 16)
    );
    let (full, filled) = std::sync::mpsc::channel();
    let (hosting, script) = scripted(move |peer| {
        peer.expect("Execute");
        peer.say("{\"type\":\"Started\",\"id\":\"a\"}\n");
        for _ in 0..64 {
            peer.say(&line);
        }
        full.send(()).unwrap();
        peer.expect("Execute");
        peer.say("{\"type\":\"Started\",\"id\":\"b\"}\n");
        peer.say("{\"type\":\"Stdout\",\"id\":\"b\",\"line\":\"hi\"}\n");
        peer.say("{\"type\":\"ExitStatus\",\"id\":\"b\",\"code\":0}\n");
        peer.say("{\"type\":\"ExitStatus\",\"id\":\"a\",\"code\":0}\n");
    });
    let (_, flood) = hosting.execute("yes");
    filled.recv_timeout(PATIENCE).unwrap();
    // Real plugins need not say where a line ends.
    assert_eq!(hosting.run("other"), ("hi\n".into(), Outcome::Exit(0)));
    assert_eq!(read(flood).len(), 64 * ((1 << 16) + 1));
    script.join().unwrap();
}

#[test]
fn what_nobody_wants_is_thrown_away() {
    let (hosting, _plugin) = joined(Link::memory(), Features::ALL);
    let (id, output) = hosting.execute("flood 500");
    drop(output);
    assert_eq!(hosting.outcome(id), Outcome::Exit(0));
    assert_eq!(hosting.host.ask(|session| session.buffered()), 0);
}
