//! Whatever ends the plugin ends all that it has started.

use pegboard_testkit::tree::wait_until;
use rustix::process::{Pid, Signal, kill_process};

use super::host::{Host, PATIENCE, Plugin};

/// Commands that leave processes in every place that there is: in the group, out of it, without a parent, deaf.
const STUBBORN: [&str; 5] = [
    "sleep 1000",
    "sleep 1000 & sleep 1000 & wait",
    "trap '' TERM INT HUP; sleep 1000; sleep 1000",
    "setsid sleep 1000 & wait",
    "(setsid sh -c 'trap \"\" TERM; sleep 1000; sleep 1000' &) ; sleep 1000",
];

/// Starts a plugin that runs all of these.
fn busy() -> (Plugin, Host) {
    let plugin = Plugin::start();
    let mut host = plugin.greet();
    for command in STUBBORN {
        host.execute(&format!("echo up; {command}"));
    }
    let up = |host: &mut Host| {
        host.hear_until("")
            .pop()
            .unwrap_or_default()
            .contains("Stdout")
    };
    let mut count = 0;
    while count < STUBBORN.len() {
        count += usize::from(up(&mut host));
    }
    // Those that make others have made them.
    assert!(
        wait_until(PATIENCE, || plugin.processes().len() >= 12),
        "{:?}",
        plugin.processes()
    );
    (plugin, host)
}

fn signal(plugin: &Plugin, signal: Signal) {
    let pid = Pid::from_child(&plugin.child);
    kill_process(pid, signal).unwrap();
}

#[test]
fn shutdown() {
    let (plugin, mut host) = busy();
    host.shut_down();
    let heard = host.hear_until("Shutdown");
    let ends = heard.iter().filter(|it| it.contains("ExitStatus")).count();
    assert_eq!(ends, STUBBORN.len(), "{heard:?}");
    assert_eq!(host.hear(), "");
    assert!(plugin.end().success());
}

/// A host that says everything at once gets all answers.
#[test]
fn a_shutdown_right_behind_the_handshake() {
    for _ in 0..50 {
        let plugin = Plugin::start();
        let mut host = plugin.connect();
        host.write(
            b"{\"type\":\"Hello\",\"payload\":{\"version\":\"0.2.1\",\"features\":[]}}\n\
              {\"type\":\"Schema\"}\n{\"type\":\"Shutdown\"}\n",
        );
        host.expect(&["Hello", "Schema shell", "Shutdown Plugin shutting down", ""]);
        assert!(plugin.end().success());
    }
}

#[test]
fn signals() {
    for which in [Signal::TERM, Signal::INT, Signal::HUP] {
        let (plugin, mut host) = busy();
        signal(&plugin, which);
        host.hear_until("Shutdown");
        assert_eq!(host.hear(), "");
        assert!(plugin.end().success());
    }
}

#[test]
fn the_end_of_the_host() {
    let (plugin, host) = busy();
    drop(host);
    assert!(plugin.end().success());
}

#[test]
fn a_host_that_is_killed() {
    // Its end of the socket is closed by the kernel, as that of any process.
    use std::process::{Command, Stdio};
    let plugin = Plugin::start();
    let host = plugin.greet();
    let stream = std::os::fd::OwnedFd::from(host.stream.try_clone().unwrap());
    let mut holder = Command::new("sleep")
        .arg("1000")
        .stdin(Stdio::from(stream))
        .spawn()
        .unwrap();
    drop(host);
    assert!(plugin.processes().contains(&plugin.child.id()));
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(plugin.end().success());
}

#[test]
fn a_plugin_that_is_killed() {
    // As Octa does when a task has failed.
    for _ in 0..3 {
        let (mut plugin, host) = busy();
        plugin.child.kill().unwrap();
        plugin.child.wait().unwrap();
        drop(host);
        let gone = wait_until(PATIENCE, || plugin.processes().is_empty());
        assert!(gone, "left behind: {:?}", plugin.processes());
    }
}

#[test]
fn a_guard_that_was_killed_is_replaced() {
    let mut plugin = Plugin::start();
    let mut host = plugin.greet();
    let pid = plugin.child.id();
    let guard = || {
        let children = std::fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter_map(|entry| {
                let pid = entry.file_name().to_str()?.parse::<i32>().ok()?;
                let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
                let line = std::fs::read_to_string(entry.path().join("cmdline")).ok()?;
                let ours = stat.contains(&format!(" {} ", plugin.child.id()));
                (ours && line.contains("octa-plugin-shell-guard")).then_some(pid)
            });
        children.collect::<Vec<_>>()
    };
    host.execute("true");
    host.expect(&["0 Started", "0 ExitStatus 0"]);
    let first = guard();
    assert_eq!(first.len(), 1, "of {pid}");
    kill_process(Pid::from_raw(first[0]).unwrap(), Signal::KILL).unwrap();
    assert!(wait_until(PATIENCE, || guard().is_empty()));
    host.execute("echo up; sleep 1000");
    host.expect(&["1 Started", "1 Stdout \"up\\n\""]);
    assert_eq!(guard().len(), 1);
    plugin.child.kill().unwrap();
    plugin.child.wait().unwrap();
    let gone = wait_until(PATIENCE, || plugin.processes().is_empty());
    assert!(gone, "left behind: {:?}", plugin.processes());
}

#[test]
fn a_signal_before_anybody_has_connected() {
    let plugin = Plugin::start();
    assert!(wait_until(PATIENCE, || plugin.socket().exists()));
    // Who listens hears signals a moment later.
    let _knock = plugin.connect();
    assert!(wait_until(PATIENCE, || {
        std::fs::read_to_string(format!("/proc/{}/status", plugin.child.id()))
            .unwrap()
            .lines()
            .any(|line| {
                line.strip_prefix("SigCgt:").is_some_and(|bits| {
                    u64::from_str_radix(bits.trim(), 16).unwrap() & (1 << 14) != 0
                })
            })
    }));
    signal(&plugin, Signal::TERM);
    assert!(plugin.end().success());
}

#[test]
fn a_cancelled_execution_ends_alone() {
    // Pegboard's own hosts can cancel one.
    use serde_json::json;
    let plugin = Plugin::start();
    let mut host = plugin.connect();
    let features = ["pegboard-plain-text", "pegboard-cancel"];
    host.say(&json!({"type": "Hello", "payload": {"version": "0.2.1", "features": features}}));
    host.say(&json!({"type": "Schema"}));
    host.expect(&["Hello", "Schema shell"]);
    host.execute("echo up; sleep 1000; :");
    host.expect(&["0 Started", "0 Stdout \"up\\n\""]);
    // The plugin, `sh` and `sleep`.
    let beside = 3;
    assert!(wait_until(PATIENCE, || plugin.processes().len() == beside));
    host.execute(
        "echo up; (setsid sh -c 'trap \"\" TERM; sleep 1000; sleep 1000' &) ; sleep 1000; :",
    );
    host.expect(&["1 Started", "1 Stdout \"up\\n\""]);
    assert!(wait_until(PATIENCE, || plugin.processes().len() >= beside + 4));
    host.say(&json!({"type": "Cancel", "payload": {"id": "pegboard-1"}}));
    host.expect(&["1 ExitStatus 143"]);
    assert!(wait_until(PATIENCE, || plugin.processes().len() == beside));
    host.shut_down();
    host.expect(&["0 ExitStatus 143", "Shutdown Plugin shutting down", ""]);
    assert!(plugin.end().success());
}
