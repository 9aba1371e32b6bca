//! A host that lives long: starts and stops leave no descriptor, thread, memory or dead process behind. One test, since
//! all of them are the process's.

mod hostile_common;

use std::fs;
use std::thread;

use hostile_common::{PATIENCE, Rig};
use pegboard_host::{Flow, Plugin, PluginConfig, Protocol, Value};
use pegboard_testkit::tree;

/// How often plugins are started and stopped.
const CYCLES: usize = 500;
/// What the memory of this process may grow by, however often.
const GROWTH: u64 = 6 << 20;

/// What a process has that it may forget to give back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Holdings {
    descriptors: usize,
    threads: usize,
    zombies: usize,
    children: usize,
}

#[test]
fn starts_stops_crashes_and_engines_leave_nothing_behind() {
    let rig = Rig::with(|config| config.restarts.allowed = u32::MAX);
    let plugins = [
        rig.hostile("stdio", &[]),
        rig.hostile("socket", &[("HOSTILE", "local-socket")]),
        rig.hostile("forking", &[("HOSTILE", "forks")]),
        rig.hostile("dying", &[("HOSTILE", "dies-mid-stream")]),
        rig.hostile("failing", &[("HOSTILE", "exit-before-hello")]),
        octa(&rig, ""),
        octa(&rig, "forks"),
        octa(&rig, "dies-before-started"),
        octa(&rig, "never-ends"),
        octa(&rig, "exit-at-start"),
    ];
    let cycle = |number: usize| {
        let plugin = &plugins[number % plugins.len()];
        if plugin.protocol() == Protocol::Octa {
            let run = || plugin.run("hostile").argument("misbehave").call();
            // Two at once, which nobody reads.
            drop((run(), run()));
            return plugin.stop();
        }
        let input = Flow::list((0..3).map(Value::int));
        // What comes of it is the matter of other tests.
        let _ = plugin
            .run("hostile")
            .input(input)
            .call()
            .and_then(Flow::into_value);
        plugin.stop();
    };
    (0..50).for_each(cycle);
    let (before, memory) = (settled(None), resident());
    (0..CYCLES).for_each(cycle);
    let after = settled(Some(before));
    assert_eq!(after, before);
    let grown = resident().saturating_sub(memory);
    println!("{CYCLES} cycles: {after:?}, grown by {} KiB", grown >> 10);
    assert!(grown < GROWTH, "grew by {} KiB", grown >> 10);

    // Many engines in one process, several at once.
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let rig = Rig::new();
                    let plugin = rig.hostile("guest", &[("HOSTILE", "local-socket,forks")]);
                    plugin.run("hostile").call().expect("a good plugin");
                    rig.end();
                }
            });
        }
    });
    assert_eq!(settled(Some(before)), before);
    rig.end();
    let all_gone = || {
        let now = holdings();
        now.zombies == 0 && now.children == 0
    };
    assert!(tree::wait_until(PATIENCE, all_gone), "{:?}", holdings());
}

/// The hostile plugin as one of Octa's.
fn octa(rig: &Rig, mode: &str) -> Plugin {
    let config = PluginConfig {
        protocol: Some(Protocol::Octa),
        ..PluginConfig::default()
    };
    rig.hostile_with(&format!("octa-{mode}"), &[("HOSTILE", mode)], config)
}

/// What this process has once nothing more happens: as much as is expected, or what stays the same for a while.
fn settled(expected: Option<Holdings>) -> Holdings {
    let (mut last, mut same) = (holdings(), 0);
    tree::wait_until(PATIENCE, || {
        let now = holdings();
        same = if now == last { same + 1 } else { 0 };
        last = now;
        expected.map_or(same > 50, |expected| now == expected)
    });
    last
}

fn holdings() -> Holdings {
    let count = |path: &str| fs::read_dir(path).expect("Linux").count();
    let mine = std::process::id().to_string();
    let states: Vec<String> = fs::read_dir("/proc")
        .expect("Linux")
        .flatten()
        .filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok())
        .filter_map(|stat| {
            let mut words = stat.rsplit_once(')')?.1.split_whitespace();
            let state = words.next()?.to_owned();
            (words.next()? == mine).then_some(state)
        })
        .collect();
    Holdings {
        descriptors: count("/proc/self/fd"),
        threads: count("/proc/self/task"),
        zombies: states.iter().filter(|state| *state == "Z").count(),
        children: states.len(),
    }
}

fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line
        .expect("its memory")
        .trim()
        .trim_end_matches("kB")
        .trim();
    kib.parse::<u64>().expect("a number") << 10
}
