//! How long real plugins run: warm between calls, stopped when idle, started again, started once, gone with the engine.

mod common;

use std::sync::Barrier;
use std::time::Duration;

use common::{
    FLAVOURS, NEWEST, PATIENCE, Reference, Rig, error, field, for_each_flavour, impatient, int,
    ints, list, shared, value,
};
use pegboard_host::{
    AppContext, Engine, ErrorKind, Flow, Idle, Plugin, PluginConfig, State, Value,
};
use pegboard_testkit::tree::{is_alive, wait_until};

/// An idle time that tests need not wait long for.
const SHORT: Duration = Duration::from_millis(50);
/// Long enough to see that a plugin is not stopped after [`SHORT`].
const WHILE: Duration = Duration::from_millis(400);

fn idle(idle: Idle) -> PluginConfig {
    PluginConfig {
        idle,
        ..PluginConfig::default()
    }
}

fn is_stopped(plugin: &Plugin) -> bool {
    plugin.status().state == State::Stopped
}

fn stops(plugin: &Plugin) -> bool {
    wait_until(PATIENCE, || is_stopped(plugin))
}

/// True if it stops although it should not.
fn stops_meanwhile(plugin: &Plugin) -> bool {
    wait_until(WHILE, || is_stopped(plugin))
}

#[test]
fn a_plugin_is_started_when_it_is_needed_and_kept() {
    for_each_flavour(|reference| {
        let status = reference.plugin.status();
        assert_eq!(
            (status.state, status.pid, status.starts),
            (State::Stopped, None, 0)
        );
        assert!(reference.rig.processes().is_empty());
        let pid = reference.pid();
        for _ in 0..20 {
            assert_eq!(reference.pid(), pid);
        }
        reference.plugin.signatures().expect("signatures");
        let status = reference.plugin.status();
        assert_eq!(
            (status.state, status.pid, status.starts),
            (State::Running, Some(pid), 1)
        );
    });
}

#[test]
fn a_stopped_plugin_is_started_again_by_the_next_use() {
    for_each_flavour(|reference| {
        let first = reference.pid();
        reference.plugin.stop();
        assert!(!is_alive(first));
        assert!(is_stopped(&reference.plugin));
        let second = reference.pid();
        assert_ne!(first, second);
        assert_eq!(reference.plugin.status().starts, 2);
        // Stopping what does not run is nothing.
        reference.plugin.stop();
        reference.plugin.stop();
        assert!(!is_alive(second));
        assert!(wait_until(PATIENCE, || reference
            .rig
            .processes()
            .is_empty()));
        reference.plugin.start().expect("started without a call");
        assert_eq!(reference.plugin.status().state, State::Running);
    });
}

#[test]
fn the_status_tells_what_there_is_to_know() {
    for_each_flavour(|reference| {
        let version = if reference.flavour.is_old() {
            "0.105.1"
        } else {
            "0.115.1"
        };
        reference.plugin.start().expect("started");
        let before = reference.plugin.status();
        assert_eq!(before.protocol_version.as_deref(), Some(version));
        assert_eq!((before.calls, before.active_calls), (0, 0));
        assert!(
            before.memory.is_some_and(|bytes| bytes > 1 << 20),
            "{before:?}"
        );
        let pid = reference.pid();
        assert_eq!(before.pid, Some(pid));
        let held = [
            list(reference.run("endless")),
            list(reference.run("endless")),
        ];
        let status = reference.plugin.status();
        assert_eq!((status.calls, status.active_calls), (3, 2));
        assert!(status.running_for >= before.running_for);
        drop(held);
        reference.rests();
        reference.plugin.stop();
        let after = reference.plugin.status();
        assert_eq!(
            (
                after.protocol_version,
                after.memory,
                after.running_for,
                after.pid
            ),
            (None, None, None, None)
        );
    });
}

#[test]
fn an_idle_plugin_is_stopped_and_the_next_call_starts_it() {
    for flavour in FLAVOURS {
        println!("flavour: {flavour:?}");
        let reference = Reference::with(flavour, idle(Idle::After(SHORT)), |_| {});
        let pid = reference.pid();
        assert!(stops(&reference.plugin), "it still runs");
        assert!(
            wait_until(PATIENCE, || !is_alive(pid)),
            "its process still runs"
        );
        assert_ne!(reference.pid(), pid);
        assert!(stops(&reference.plugin), "it still runs");
    }
}

#[test]
fn the_idle_time_is_the_plugins_own_or_the_engines() {
    for (own, engines, ends) in [
        (Idle::Engine, Some(SHORT), true),
        (Idle::Engine, None, false),
        (Idle::Never, Some(SHORT), false),
        (Idle::After(SHORT), None, true),
        (Idle::After(Duration::ZERO), None, true),
        (Idle::After(Duration::from_secs(60)), Some(SHORT), false),
    ] {
        let reference = Reference::with(NEWEST, idle(own), |config| config.idle = engines);
        reference.pid();
        if ends {
            assert!(stops(&reference.plugin), "{own:?} {engines:?}");
        } else {
            assert!(!stops_meanwhile(&reference.plugin), "{own:?} {engines:?}");
        }
    }
}

#[test]
fn an_open_stream_holds_the_idle_stop_off() {
    let reference = Reference::with(NEWEST, idle(Idle::After(SHORT)), |_| {});
    let out = list(reference.run("endless"));
    assert!(!stops_meanwhile(&reference.plugin));
    drop(out);
    assert!(stops(&reference.plugin));
    // A stream that ends slowly, read to its end.
    let slow = reference
        .run("seq")
        .argument(Value::int(10))
        .flag("sleep", Value::int(30));
    assert_eq!(list(slow).filter_map(Result::ok).count(), 10);
    assert_eq!(reference.plugin.status().starts, 2);
    assert!(stops(&reference.plugin));
    // An input that goes on although the answer is there.
    let (give, take) = std::sync::mpsc::channel();
    let mut echo = list(reference.run("echo").input(Flow::list(take)));
    assert!(!stops_meanwhile(&reference.plugin));
    give.send(Value::int(1)).expect("somebody who waits");
    assert_eq!(echo.next().and_then(Result::ok), Some(Value::int(1)));
    drop(give);
    assert!(echo.next().is_none());
    assert!(stops(&reference.plugin));
}

#[test]
fn a_running_call_holds_the_idle_stop_off() {
    let reference = Reference::with(NEWEST, idle(Idle::After(Duration::from_millis(10))), |_| {});
    let slept = value(reference.run("stubborn").argument(Value::int(300)));
    assert_eq!(field(&slept, "interrupted"), Value::bool(false));
    assert_eq!(reference.plugin.status().starts, 1);
    assert!(stops(&reference.plugin));
}

#[test]
fn a_plugin_may_ask_not_to_be_stopped() {
    for flavour in [FLAVOURS[0], FLAVOURS[5]] {
        let reference = Reference::with(flavour, idle(Idle::After(SHORT)), |_| {});
        let gc = |state: &str| value(reference.run("gc").argument(Value::string(state)));
        gc("off");
        assert!(!stops_meanwhile(&reference.plugin));
        gc("on");
        assert!(stops(&reference.plugin));
        // The wish was that process's.
        gc("off");
        reference.plugin.stop();
        reference.pid();
        assert!(stops(&reference.plugin));
    }
}

#[test]
fn many_first_users_start_it_once() {
    for_each_flavour(|reference| {
        let barrier = Barrier::new(32);
        let pids: Vec<u32> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..32)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        reference.pid()
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("a process id"))
                .collect()
        });
        assert!(pids.iter().all(|pid| *pid == pids[0]), "{pids:?}");
        assert_eq!(reference.plugin.status().starts, 1);
        assert!(
            wait_until(PATIENCE, || reference.rig.processes() == [pids[0]]),
            "{:?}",
            reference.rig.processes()
        );
    });
}

#[test]
fn calls_at_the_moment_of_the_idle_stop_never_fail() {
    for (flavour, threads) in [(FLAVOURS[0], 1), (FLAVOURS[3], 1), (FLAVOURS[0], 3)] {
        let idle_time = Duration::from_millis(4);
        let reference = Reference::with(flavour, idle(Idle::After(idle_time)), |_| {});
        std::thread::scope(|scope| {
            for thread in 0..threads {
                let reference = &reference;
                scope.spawn(move || {
                    let mut round = 0;
                    // Alone, until it was stopped often enough; with others, whose calls keep it running, for a while.
                    while round < 60 || (threads == 1 && reference.plugin.status().starts < 5) {
                        let own = Value::int(thread * 1_000 + round);
                        assert_eq!(value(reference.run("echo").input(own.clone())), own);
                        let input = Flow::list(ints(0..20));
                        assert_eq!(int(&value(reference.run("sum").input(input))), 190);
                        // A pause around the idle time.
                        let pause = u64::try_from((round * 7 + thread * 3) % 10).expect("small");
                        wait_until(Duration::from_millis(pause), || false);
                        round += 1;
                        assert!(round < 10_000, "it was never stopped");
                    }
                });
            }
        });
    }
}

#[test]
fn calls_at_the_moment_of_a_stop_end_one_way_or_the_other() {
    let reference = Reference::new(NEWEST);
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..50 {
                        match reference.run("echo").input(Value::int(1)).call() {
                            Ok(flow) => {
                                assert_eq!(flow.into_value().expect("a value"), Value::int(1))
                            }
                            Err(error) => assert_eq!(error.kind(), ErrorKind::Gone, "{error}"),
                        }
                    }
                })
            })
            .collect();
        while callers.iter().any(|caller| !caller.is_finished()) {
            reference.plugin.stop();
        }
    });
    assert_eq!(
        value(reference.run("echo").input(Value::int(2))),
        Value::int(2)
    );
}

#[test]
fn the_engine_leaves_nothing_behind() {
    for flavour in FLAVOURS {
        println!("flavour: {flavour:?}");
        let reference = Reference::with(flavour, PluginConfig::default(), impatient);
        let Reference { plugin, rig, .. } = reference;
        let pid = int(&field(&value(plugin.run("ref state")), "pid"));
        // A grandchild in a session of its own, which holds the plugin's streams open.
        let run = plugin
            .run("ref spawn-child")
            .switch("setsid")
            .switch("hold");
        let child = u32::try_from(int(&value(run))).expect("a process id");
        // A program that has only just been started has no environment for a moment.
        let both = || {
            let processes = rig.processes();
            [pid, i64::from(child)]
                .iter()
                .all(|of| processes.iter().any(|process| i64::from(*process) == *of))
        };
        assert!(
            wait_until(PATIENCE, both),
            "{pid} and {child}, not {:?}",
            rig.processes()
        );
        let held = list(plugin.run("ref endless"));
        let Rig {
            engine,
            mark,
            scratch,
        } = rig;
        drop(engine);
        assert_eq!(
            pegboard_testkit::tree::processes_with_env(common::MARK, &mark),
            Vec::<u32>::new()
        );
        assert!(!is_alive(child));
        let left: Vec<_> = std::fs::read_dir(scratch.path())
            .expect("a directory")
            .flatten()
            .collect();
        assert!(left.is_empty(), "{left:?}");
        // A stream that was cut off does not look as if it were complete.
        let last = held.last().expect("more than the items that were there");
        assert_eq!(
            last.expect_err("an end before its time").kind(),
            ErrorKind::Gone
        );
        let got = plugin
            .run("ref echo")
            .call()
            .expect_err("the engine is gone");
        assert_eq!(got.kind(), ErrorKind::Misuse);
    }
}

#[test]
fn a_stop_ends_what_the_plugin_started() {
    for flavour in [FLAVOURS[0], FLAVOURS[3]] {
        let reference = Reference::new(flavour);
        let child =
            |run: pegboard_host::Run| u32::try_from(int(&value(run))).expect("a process id");
        let children = [
            child(reference.run("spawn-child")),
            child(reference.run("spawn-child").switch("setsid")),
            child(reference.run("spawn-child").switch("hold")),
            child(reference.run("spawn-child").switch("setsid").switch("hold")),
        ];
        assert!(children.iter().all(|child| is_alive(*child)));
        reference.plugin.stop();
        assert!(
            children.iter().all(|child| !is_alive(*child)),
            "{children:?}"
        );
        assert!(reference.rig.processes().is_empty());
    }
}

#[test]
fn a_busy_plugin_is_forced_to_end_within_its_deadlines() {
    for flavour in FLAVOURS {
        println!("flavour: {flavour:?}");
        let reference = Reference::with(flavour, PluginConfig::default(), impatient);
        std::thread::scope(|scope| {
            let call =
                scope.spawn(|| error(reference.run("stubborn").argument(Value::int(3_600_000))));
            assert!(wait_until(PATIENCE, || reference
                .plugin
                .status()
                .active_calls
                == 1));
            reference.rig.engine.shutdown();
            let got = call.join().expect("an error");
            assert_eq!(got.kind(), ErrorKind::Gone, "{got}");
        });
        assert!(reference.rig.processes().is_empty());
        let got = error(reference.run("echo"));
        assert_eq!(got.kind(), ErrorKind::Misuse);
        assert!(got.to_string().contains("shut down"), "{got}");
    }
}

#[test]
fn an_engine_lives_as_long_as_its_last_copy() {
    let reference = Reference::new(NEWEST);
    let copy: Engine = reference.rig.engine.clone();
    let Reference { plugin, rig, .. } = reference;
    let Rig {
        engine, scratch, ..
    } = rig;
    let pid = plugin.status().pid;
    drop(engine);
    assert_eq!(
        value(plugin.run("ref echo").input(Value::int(1))),
        Value::int(1)
    );
    assert_ne!(plugin.status().pid, pid);
    drop(copy);
    assert_eq!(plugin.status().state, State::Stopped);
    drop(scratch);
}

#[test]
fn loading_a_file_again_gives_the_same_plugin() {
    let reference = Reference::new(NEWEST);
    let pid = reference.pid();
    let again = reference
        .rig
        .engine
        .load(NEWEST.path())
        .expect("the same plugin");
    assert_eq!(again.status().pid, Some(pid));
    assert_eq!(reference.rig.engine.plugins().len(), 1);
    let other = reference
        .rig
        .engine
        .load(FLAVOURS[2].path())
        .expect_err("the name is taken");
    assert_eq!(other.kind(), ErrorKind::Misuse);
    assert!(other.to_string().contains("loaded already"), "{other}");
    let text = reference.rig.scratch.path().join("nu_plugin_text");
    std::fs::write(&text, "no program").expect("a file");
    for path in [
        "/nowhere/nu_plugin_x".as_ref(),
        "/".as_ref(),
        text.as_path(),
    ] {
        let got = reference
            .rig
            .engine
            .load(path)
            .expect_err("that is no plugin");
        assert_eq!(got.kind(), ErrorKind::Misuse, "{}: {got}", path.display());
    }
}

#[test]
fn a_crash_is_told_with_its_end_and_the_next_use_starts_again() {
    for flavour in FLAVOURS {
        println!("flavour: {flavour:?}");
        let reference = Reference::with(flavour, PluginConfig::default(), |config| {
            config.restarts.allowed = 100
        });
        for (how, exit, words) in [
            (vec![Value::string("now")], "killed by signal 9", ""),
            (vec![Value::string("abort")], "killed by signal 6", ""),
            (
                vec![Value::string("exit"), Value::int(7)],
                "exit code 7",
                "",
            ),
            (
                vec![Value::string("panic")],
                "exit code 1",
                "asked to panic",
            ),
        ] {
            let starts = reference.plugin.status().starts;
            let call = common::headed(pegboard_host::Span::UNKNOWN, how);
            let context = shared(AppContext::new());
            let got = error(reference.run("crash").arguments(call).context(context));
            assert_eq!(got.kind(), ErrorKind::Gone, "{got}");
            let diagnosis = got.diagnosis().expect("a diagnosis");
            assert!(
                diagnosis
                    .exit
                    .as_deref()
                    .is_some_and(|told| told.starts_with(exit)),
                "{diagnosis:?}"
            );
            assert!(
                diagnosis.stderr.iter().any(|line| line.contains(words)) || words.is_empty(),
                "{diagnosis:?}"
            );
            assert_eq!(
                value(reference.run("echo").input(Value::int(1))),
                Value::int(1)
            );
            // The crash may have been the start's first call, whose process was the first.
            assert_eq!(reference.plugin.status().starts, starts.max(1) + 1);
        }
    }
}
