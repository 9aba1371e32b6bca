//! Memory under attack: whatever a plugin sends, this process stays small. One test, since memory is the process's.

mod hostile_common;

use std::fs;
use std::time::Duration;

use hostile_common::{PATIENCE, Rig};
use pegboard_host::{Config, Deadlines, Error, ErrorKind, Flow, Plugin, State, Value};
use pegboard_testkit::tree;

const MIB: u64 = 1 << 20;

struct Attack {
    modes: &'static str,
    encoding: &'static str,
    /// How the call ends.
    kinds: &'static [ErrorKind],
    /// The limit that the error names, if one ends the call.
    limit: &'static str,
    /// What this process may need for it, beside what it needs anyway.
    bound: u64,
}

const fn attack(
    modes: &'static str,
    encoding: &'static str,
    limit: &'static str,
    bound: u64,
) -> Attack {
    let kinds = &[ErrorKind::Gone];
    Attack {
        modes,
        encoding,
        kinds,
        limit,
        bound,
    }
}

/// The limits of the engine under attack. What waits in a stream has its size on the wire; values in memory are larger,
/// by a factor of 4 for the smallest ones.
fn limit(config: &mut Config) {
    config.deadlines = Deadlines {
        goodbye: Duration::from_millis(100),
        ..Deadlines::default()
    };
    config.limits.frame = 8 << 20;
    config.limits.collection = 100_000;
    config.flow.beyond_credit = 4 << 20;
    config.flow.engine_calls = 200;
}

const ATTACKS: &[Attack] = &[
    attack("huge-frame", "json", "(frame)", 16 * MIB),
    attack("huge-frame", "msgpack", "(frame)", 8 * MIB),
    attack("huge-collection-claim", "json", "(collection)", 16 * MIB),
    attack("huge-collection-claim", "msgpack", "(collection)", 8 * MIB),
    attack("deep-nesting", "json", "(depth)", 16 * MIB),
    attack("deep-nesting", "msgpack", "(depth)", 16 * MIB),
    attack("floods-stream", "json", "(beyond_credit)", 16 * MIB),
    attack("floods-stream", "msgpack", "(beyond_credit)", 16 * MIB),
    attack("floods-bytes", "json", "(beyond_credit)", 16 * MIB),
    attack("floods-bytes", "msgpack", "(beyond_credit)", 16 * MIB),
    attack("floods-unknown-stream", "json", "never announced", 8 * MIB),
    Attack {
        kinds: &[ErrorKind::Gone, ErrorKind::TimedOut],
        ..attack("floods-engine-calls", "json", "(engine_calls)", 16 * MIB)
    },
    Attack {
        kinds: &[ErrorKind::Gone, ErrorKind::TimedOut],
        ..attack(
            "stops-reading,floods-engine-calls",
            "json",
            "(engine_calls)",
            16 * MIB,
        )
    },
];

#[test]
fn this_process_stays_small() {
    warm_up();
    for attack in ATTACKS {
        let Attack {
            modes, encoding, ..
        } = attack;
        let rig = Rig::with(limit);
        let variables = [("HOSTILE", *modes), ("HOSTILE_ENCODING", *encoding)];
        let plugin = rig.hostile("subject", &variables);
        plugin.start().expect("it starts well");
        let (result, grown) = peak(|| endure(&plugin));
        let error = result.expect_err("an error");
        assert!(
            attack.kinds.contains(&error.kind()),
            "{modes} ({encoding}): {error}"
        );
        if error.kind() == ErrorKind::Gone {
            let text = error.to_string();
            assert!(text.contains(attack.limit), "{modes} ({encoding}): {text}");
        }
        println!("{modes} ({encoding}): {} KiB: {error}", grown >> 10);
        assert!(
            grown < attack.bound,
            "{modes} ({encoding}): grew by {} KiB",
            grown >> 10
        );
        rig.end();
    }
    forty_megabytes_of_stderr();
    a_long_stream_in_proper_order();
}

/// Calls the plugin and reads a stream in the answer only once its plugin is gone.
fn endure(plugin: &Plugin) -> Result<(), Error> {
    let output = plugin
        .run("hostile")
        .deadline(Duration::from_secs(2))
        .call()?;
    let gone = || plugin.status().state == State::Stopped;
    assert!(tree::wait_until(PATIENCE, gone), "the flood goes on");
    match output {
        Flow::List(mut items) => items.try_for_each(|item| item.map(drop)),
        Flow::Bytes(mut chunks) => chunks.try_for_each(|chunk| chunk.map(drop)),
        Flow::Empty | Flow::Value(..) => Ok(()),
    }
}

fn forty_megabytes_of_stderr() {
    let rig = Rig::with(limit);
    let plugin = rig.hostile("noisy", &[("HOSTILE", "noisy-stderr")]);
    let (_, grown) = peak(|| {
        for _ in 0..20 {
            plugin.run("hostile").call().expect("noise does not hurt");
        }
    });
    assert!(grown < 8 * MIB, "noise: grew by {} KiB", grown >> 10);
    assert_eq!(plugin.status().starts, 1);
    rig.end();
}

/// A consumer that is slower than the plugin holds it back.
fn a_long_stream_in_proper_order() {
    const TOTAL: i64 = 24 << 20;
    let rig = Rig::with(limit);
    let plugin = rig
        .engine
        .load(pegboard_testkit::peers::peer("nu_plugin_reference"))
        .expect("a real plugin");
    let (total, grown) = peak(|| {
        let bytes = plugin
            .run("ref bytes")
            .argument(Value::int(TOTAL))
            .flag("chunk", Value::int(64 << 10))
            .call();
        match bytes.expect("a stream") {
            Flow::Bytes(chunks) => chunks
                .map(|chunk| chunk.expect("a chunk").len())
                .sum::<usize>(),
            other => panic!("{other:?}"),
        }
    });
    assert_eq!(total as i64, TOTAL);
    // At most 50 chunks are under way.
    println!("stream: {} KiB", grown >> 10);
    assert!(grown < 24 * MIB, "stream: grew by {} KiB", grown >> 10);
    rig.end();
}

/// What every engine needs is there before anything is measured.
fn warm_up() {
    let rig = Rig::with(limit);
    let plugin = rig.hostile("good", &[]);
    plugin.run("hostile").call().expect("a good plugin");
    rig.end();
}

/// Does something, and says by how many bytes the memory of this process grew at the most.
fn peak<T>(act: impl FnOnce() -> T) -> (T, u64) {
    // Has the kernel forget the peak so far.
    fs::write("/proc/self/clear_refs", "5").expect("Linux");
    let before = resident("VmHWM:");
    let result = act();
    (result, resident("VmHWM:").saturating_sub(before))
}

fn resident(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .expect("its memory");
    let kib: u64 = line
        .trim()
        .trim_end_matches("kB")
        .trim()
        .parse()
        .expect("a number");
    kib << 10
}
