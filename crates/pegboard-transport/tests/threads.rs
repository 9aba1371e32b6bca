//! Nothing is left of a connection that has ended: no thread and no descriptor. Alone in its process, to count them.
#![cfg(target_os = "linux")]

#[path = "driver/pair.rs"]
#[expect(dead_code, reason = "shared with the tests of the driver")]
mod pair;

use std::fs;
use std::time::Instant;

use pegboard_protocol::Value;
use pegboard_protocol::session::{Failure, FailureKind};
use pegboard_transport::Link;

use pair::{BOTH, PATIENCE, Pair, value_of};

fn pipes() -> (Link, Link) {
    let (one_reads, two_writes) = std::io::pipe().unwrap();
    let (two_reads, one_writes) = std::io::pipe().unwrap();
    (
        Link::from_fds(one_reads.into(), one_writes.into()).unwrap(),
        Link::from_fds(two_reads.into(), two_writes.into()).unwrap(),
    )
}

/// The threads of connections, and the descriptors that are open.
fn left() -> (usize, usize) {
    let name =
        |task: fs::DirEntry| fs::read_to_string(task.path().join("comm")).unwrap_or_default();
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let threads = tasks
        .flatten()
        .map(name)
        .filter(|name| name.starts_with("pegboard"));
    (
        threads.count(),
        fs::read_dir("/proc/self/fd").unwrap().count(),
    )
}

#[test]
fn nothing_is_left() {
    let before = left();
    assert_eq!(before.0, 0);
    for round in 0..20 {
        let pair = Pair::new(pipes(), BOTH[round % 2], None);
        // More than a pipe holds, so that both sides get their writer thread.
        let large = Value::string("x".repeat(1 << 20));
        assert_eq!(value_of(&pair.run("echo", large.clone())), large);
        match round % 4 {
            0 => pair.end(),
            1 => pair.host.fail(Failure::new(FailureKind::Local, "enough")),
            2 => pair.plugin.fail(Failure::new(FailureKind::Local, "enough")),
            _ => {
                // Both writers are stuck, since nobody takes the answer out of the way.
                let _calls = [pair.run("echo", large.clone()), pair.run("echo", large)];
                pair.host.fail(Failure::new(FailureKind::Local, "enough"));
                pair.plugin_side.ended();
            }
        }
    }
    let end = Instant::now() + PATIENCE;
    while left() != before {
        assert!(
            Instant::now() < end,
            "{:?} are left, and there were {before:?}",
            left()
        );
        std::thread::yield_now();
    }
}
