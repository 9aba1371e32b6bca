//! Crashes: plugins killed under load, and plugins that crash over and over.

mod hostile_common;

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use hostile_common::{PATIENCE, Rig};
use pegboard_host::{
    Deadlines, Error, ErrorKind, Flow, LinkChoice, Plugin, PluginConfig, Restarts, State, Value,
};
use pegboard_testkit::{peers, tree};

/// How often the plugin is killed.
const KILLS: u64 = 12;

/// What came of the calls of one thread, or of all.
#[derive(Default)]
struct Tally {
    good: AtomicU64,
    failed: AtomicU64,
}

#[test]
fn every_call_and_stream_gets_one_error_when_the_plugin_is_killed() {
    for link in [LinkChoice::Stdio, LinkChoice::LocalSocket] {
        let rig = Rig::with(|config| config.deadlines = Deadlines::default());
        let config = PluginConfig {
            link,
            ..PluginConfig::default()
        };
        let path = peers::peer("nu_plugin_reference");
        let plugin = rig.engine.load_with(path, config).expect("a real plugin");
        plugin.start().expect("it starts well");
        let (tally, done) = (Tally::default(), AtomicBool::new(false));
        thread::scope(|scope| {
            for act in [echo, echo, stream_out, stream_out, stream_in, stream_in] {
                let (plugin, tally, done) = (&plugin, &tally, &done);
                scope.spawn(move || {
                    while !done.load(Ordering::Relaxed) {
                        match act(plugin) {
                            Ok(()) => tally.good.fetch_add(1, Ordering::Relaxed),
                            Err(error) => {
                                check(&error);
                                tally.failed.fetch_add(1, Ordering::Relaxed)
                            }
                        };
                    }
                });
            }
            for kill in 0..KILLS {
                // At a moment that depends on the load: after some calls more, with others in the middle.
                let enough = tally.good.load(Ordering::Relaxed) + 5 + kill % 7;
                let loaded = || tally.good.load(Ordering::Relaxed) >= enough;
                assert!(
                    tree::wait_until(PATIENCE, loaded),
                    "nothing goes on after kill {kill}"
                );
                let failed = tally.failed.load(Ordering::Relaxed);
                let pid = plugin.status().pid.expect("it runs");
                let pid = rustix::process::Pid::from_raw(pid as i32).expect("a process");
                rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it runs");
                let noticed = || tally.failed.load(Ordering::Relaxed) > failed;
                assert!(
                    tree::wait_until(PATIENCE, noticed),
                    "nobody noticed kill {kill}"
                );
            }
            done.store(true, Ordering::Relaxed);
        });
        // One process for every kill, and the first; what failed had been made on the one that was killed.
        let (failed, starts) = (tally.failed.into_inner(), plugin.status().starts);
        assert_eq!(starts, KILLS + 1, "{link:?}");
        assert!(
            (KILLS..=KILLS * 6).contains(&failed),
            "{link:?}: {failed} errors for {KILLS} kills"
        );
        echo(&plugin).expect("it works again");
        let quiet = || plugin.status().active_calls == 0;
        assert!(
            tree::wait_until(PATIENCE, quiet),
            "calls are counted that nobody made"
        );
        rig.end();
    }
}

fn check(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Gone, "{error}");
    let text = error.to_string();
    for word in [
        "plugin reference: it went away",
        "killed by signal 9 (SIGKILL)",
    ] {
        assert!(text.contains(word), "no `{word}` in: {text}");
    }
}

fn echo(plugin: &Plugin) -> Result<(), Error> {
    let output = plugin.run("ref echo").input(Value::string("x")).call()?;
    assert!(matches!(output.into_value()?, Value::String(text, _) if text == "x"));
    Ok(())
}

fn stream_out(plugin: &Plugin) -> Result<(), Error> {
    const COUNT: i64 = 300;
    let output = plugin.run("ref seq").argument(Value::int(COUNT)).call()?;
    let Flow::List(mut items) = output else {
        panic!("{output:?}")
    };
    let mut expected = 0;
    for item in items.by_ref() {
        match item {
            Ok(Value::Int(number, _)) => assert_eq!(number, expected),
            Ok(other) => panic!("{other:?}"),
            Err(error) => {
                assert!(items.next().is_none(), "something came after the error");
                return Err(error);
            }
        }
        expected += 1;
    }
    assert_eq!(expected, COUNT, "the stream ended early without an error");
    Ok(())
}

fn stream_in(plugin: &Plugin) -> Result<(), Error> {
    let input = Flow::list((0..300).map(Value::int));
    let output = plugin.run("ref count").input(input).call()?;
    assert!(matches!(output.into_value()?, Value::Int(300, _)));
    Ok(())
}

const STRICT: Restarts = Restarts {
    allowed: 2,
    window: Duration::from_secs(600),
    pause: Duration::from_millis(400),
    longest_pause: Duration::from_millis(800),
};

fn call(plugin: &Plugin) -> Error {
    plugin.run("hostile").call().expect_err("it crashes")
}

#[test]
fn a_crash_loop_is_paused_and_says_so() {
    let rig = Rig::with(|config| config.restarts = STRICT);
    let plugin = rig.hostile("subject", &[("HOSTILE", "crash-loop")]);
    for _ in 0..=STRICT.allowed {
        assert_eq!(call(&plugin).kind(), ErrorKind::Gone);
    }
    let error = call(&plugin);
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    let text = error.to_string();
    for word in [
        "plugin subject",
        "crashed 3 times",
        "2 within 600s",
        "not started again for 0.",
    ] {
        assert!(text.contains(word), "no `{word}` in: {text}");
    }
    assert!(error.labeled().help.is_some());
    assert_eq!(plugin.status().state, State::Paused);
    assert_eq!(plugin.status().starts, 3);
    // It is started again after the pause, once.
    let allowed_again = || call(&plugin).kind() == ErrorKind::Gone;
    assert!(tree::wait_until(PATIENCE, allowed_again), "it stays down");
    assert_eq!(plugin.status().starts, 4);
    let text = call(&plugin).to_string();
    assert!(text.contains("crashed 4 times"), "{text}");
    rig.end();
}

#[test]
fn many_threads_do_not_start_a_crashing_plugin_more_often() {
    for modes in [
        "crash-loop",
        "exit-before-encoding",
        "exit-before-hello",
        "exit-after-hello",
        "dies-on-run",
    ] {
        let rig = Rig::with(|config| {
            config.restarts = Restarts {
                pause: Duration::from_secs(600),
                longest_pause: Duration::from_secs(600),
                ..STRICT
            };
        });
        let plugin = rig.hostile("subject", &[("HOSTILE", modes)]);
        let all = Barrier::new(12);
        thread::scope(|scope| {
            for _ in 0..12 {
                scope.spawn(|| {
                    all.wait();
                    while call(&plugin).kind() != ErrorKind::Refused {}
                });
            }
        });
        assert_eq!(plugin.status().starts, 3, "{modes}");
        rig.end();
    }
}

#[test]
fn callers_at_once_share_one_start_and_its_failure() {
    for (modes, starts) in [("silent", Err(ErrorKind::Start)), ("reads-first", Ok(()))] {
        let rig = Rig::new();
        let plugin = rig.hostile("subject", &[("HOSTILE", modes)]);
        let all = Barrier::new(12);
        thread::scope(|scope| {
            for _ in 0..12 {
                scope.spawn(|| {
                    all.wait();
                    assert_eq!(
                        plugin.start().map_err(|error| error.kind()),
                        starts,
                        "{modes}"
                    );
                });
            }
        });
        assert_eq!(plugin.status().starts, 1, "{modes}");
        rig.end();
    }
}

#[test]
fn a_program_that_cannot_be_started_is_no_crash() {
    let rig = Rig::with(|config| config.restarts = STRICT);
    let config = PluginConfig {
        interpreter: Some(vec!["no-such-interpreter".into()]),
        ..PluginConfig::default()
    };
    let plugin = rig
        .engine
        .load_with(peers::hostile(), config)
        .expect("a file");
    for _ in 0..6 {
        let error = plugin.start().expect_err("no such interpreter");
        assert_eq!(error.kind(), ErrorKind::Start, "{error}");
        assert!(error.to_string().contains("no-such-interpreter"), "{error}");
    }
    rig.end();
}
