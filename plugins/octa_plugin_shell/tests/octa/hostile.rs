//! Hosts that do what none should.

use std::io::{ErrorKind, Write};
use std::net::Shutdown;
use std::time::Duration;

use pegboard_testkit::tree::wait_until;
use serde_json::json;

use super::host::{PATIENCE, Plugin};

const HELLO: &[u8] = b"{\"type\":\"Hello\",\"payload\":{\"version\":\"0.2.1\",\"features\":[]}}\n";

/// A host that begins like this is told so, and the plugin ends, with an error for whoever reads its standard error.
fn refused(first: &[u8], answers: &[&str], complaint: &str) {
    let mut plugin = Plugin::start();
    let mut host = plugin.connect();
    host.write(first);
    for answer in answers {
        let message = host.hear();
        assert!(message.starts_with(answer), "{message} instead of {answer}");
    }
    assert_eq!(host.hear(), "");
    let stderr = plugin.stderr();
    assert!(stderr.contains(complaint), "{stderr}");
    assert!(!plugin.end().success());
}

#[test]
fn a_wrong_beginning_ends_the_plugin() {
    refused(b"hello?\n", &["parse_error Error"], "handshake broke off");
    refused(b"\xff\xfe\n", &["parse_error Error"], "not UTF-8");
    refused(
        b"{\"type\":\"Schema\"}\n",
        &["protocol_error Error"],
        "expected `Hello`, got `Schema`",
    );
    let execute = b"{\"type\":\"Execute\",\"payload\":{\"params\":\"echo x\",\"args\":[],\"dir\":\"/\",\"envs\":{},\"vars\":{},\"dry\":false}}\n";
    refused(
        execute,
        &["protocol_error Error"],
        "expected `Hello`, got `Execute`",
    );
    let twice = [HELLO, HELLO].concat();
    refused(
        &twice,
        &["Hello", "protocol_error Error"],
        "expected `Schema`, got `Hello`",
    );
    let late = [HELLO, execute.as_slice()].concat();
    refused(
        &late,
        &["Hello", "protocol_error Error"],
        "expected `Schema`, got `Execute`",
    );
    let future = b"{\"type\":\"Hello\",\"payload\":{\"version\":\"9.0.0\",\"features\":[]}}\n";
    refused(future, &["protocol_error Error"], "the host is Octa 9.0.0");
}

#[test]
fn half_a_message_is_none() {
    let mut plugin = Plugin::start();
    let host = plugin.connect();
    (&host.stream)
        .write_all(b"{\"type\":\"Hello\",\"pay")
        .unwrap();
    host.stream.shutdown(Shutdown::Write).unwrap();
    assert!(plugin.stderr().contains("inside a message"));
    drop(host);
    assert!(!plugin.end().success());

    let plugin = Plugin::start();
    let mut host = plugin.greet();
    host.execute("echo up; sleep 1000");
    host.expect(&["0 Started", "0 Stdout \"up\\n\""]);
    host.write(b"{\"type\":\"Execute\",\"payload\":{\"par");
    drop(host);
    assert!(plugin.end().success());
}

#[test]
fn who_only_knocks_is_no_host() {
    let plugin = Plugin::start();
    drop(plugin.connect());
    let mut host = plugin.greet();
    host.execute("echo hi");
    host.expect(&["0 Started", "0 Stdout \"hi\\n\"", "0 ExitStatus 0"]);
}

#[test]
fn bad_lines_in_the_middle_are_told_and_cost_nothing_else() {
    let plugin = Plugin::start();
    let mut host = plugin.greet();
    host.execute("read x; echo never; exit 1");
    host.expect(&["0 Started", "0 ExitStatus 1"][..1]);
    host.write(b"what?\n[]\n{\"type\":\"Nonsense\"}\n");
    host.write(HELLO);
    let heard = host.hear_until("protocol_error");
    assert_eq!(
        heard
            .iter()
            .filter(|it| it.starts_with("parse_error Error"))
            .count(),
        3,
        "{heard:?}"
    );
    host.execute("echo fine");
    let heard = host.hear_until("1 ExitStatus 0");
    assert!(
        heard.contains(&"1 Stdout \"fine\\n\"".to_owned()),
        "{heard:?}"
    );
}

#[test]
fn a_line_that_is_no_text_ends_the_conversation() {
    let plugin = Plugin::start();
    let mut host = plugin.greet();
    host.execute("echo up; sleep 1000");
    host.expect(&["0 Started", "0 Stdout \"up\\n\""]);
    host.write(b"\xff\xfe\n");
    let last = host.hear();
    assert!(last.starts_with("Shutdown the host"), "{last}");
    assert_eq!(host.hear(), "");
    plugin.end();
}

#[test]
fn a_host_that_never_reads_holds_nobody_up() {
    let plugin = Plugin::start();
    let mut deaf = plugin.greet();
    deaf.execute("yes");
    // The command has stopped when there is nowhere to put more.
    let mut other = plugin.greet();
    other.execute("echo fine");
    other.expect(&["0 Started", "0 Stdout \"fine\\n\"", "0 ExitStatus 0"]);
    other.shut_down();
    other.expect(&["Shutdown Plugin shutting down", ""]);
    assert!(plugin.end().success());
}

#[test]
fn a_host_that_never_reads_makes_the_plugin_no_larger() {
    let plugin = Plugin::start();
    let mut deaf = plugin.greet();
    deaf.execute("yes");
    let memory = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", plugin.child.id()));
        let status = status.unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
        kilobytes.parse::<u64>().unwrap()
    };
    // `yes` is stopped by its pipe: it sleeps, and goes on sleeping.
    let asleep = || {
        plugin.processes().iter().any(|pid| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            stat.contains("(yes) S")
        })
    };
    let mut times = 0;
    assert!(wait_until(PATIENCE, || {
        times = if asleep() { times + 1 } else { 0 };
        times > 20
    }));
    assert!(memory() < 40_000, "{} kB", memory());
}

#[test]
fn a_flood_of_executions_is_refused_beyond_the_limit() {
    let plugin = Plugin::start();
    let mut host = plugin.greet();
    let execute = json!({"type": "Execute", "payload": {
        "params": "sleep 1000", "args": [], "dir": "/tmp", "envs": {}, "vars": {}, "dry": false,
    }});
    let flood = format!("{execute}\n").repeat(1100);
    let mut stream = host.stream.try_clone().unwrap();
    let writer = std::thread::spawn(move || stream.write_all(flood.as_bytes()));
    let heard = host.hear_until("pegboard-1024 Error");
    assert!(
        heard
            .last()
            .unwrap()
            .contains("1024 executions are running, which is the limit")
    );
    drop(host);
    match writer.join().unwrap() {
        Ok(()) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::BrokenPipe),
    }
    plugin.end();
}

#[test]
fn a_plugin_that_nobody_wants_does_not_wait_for_ever() {
    // The wait itself is 30 seconds: only that there is one is seen here, by its being no reason to stay busy.
    let plugin = Plugin::start();
    assert!(wait_until(PATIENCE, || plugin.socket().exists()));
    let ticks = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", plugin.child.id())).unwrap();
        let (_, rest) = stat.rsplit_once(')').unwrap();
        let mut fields = rest.split_ascii_whitespace().skip(11);
        fields.next().unwrap().parse::<u64>().unwrap()
    };
    let before = ticks();
    assert!(!wait_until(Duration::from_millis(300), || ticks() > before + 5));
}
