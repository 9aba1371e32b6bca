//! Ends: how long each step of the escalation waits, many at once, and in the middle of other things.

mod hostile_common;

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use hostile_common::{PATIENCE, Rig};
use pegboard_host::{CancelToken, Deadlines, ErrorKind, Flow, Plugin, State, Value};
use pegboard_testkit::tree;

const STEPS: Deadlines = Deadlines {
    encoding: Duration::from_secs(60),
    hello: Duration::from_secs(60),
    connect: Duration::from_secs(60),
    metadata: Duration::from_secs(60),
    signature: Duration::from_secs(60),
    begin: Duration::from_secs(60),
    goodbye: Duration::from_millis(300),
    close: Duration::from_millis(200),
    terminate: Duration::from_millis(250),
};
/// What a busy machine may take in addition.
const BUSY: Duration = Duration::from_secs(3);

fn rig() -> Rig {
    Rig::with(|config| config.deadlines = STEPS)
}

#[test]
fn each_step_of_the_escalation_waits_its_time() {
    let Deadlines {
        goodbye,
        close,
        terminate,
        ..
    } = STEPS;
    let none = Duration::ZERO;
    for (modes, at_least, before) in [
        ("", none, goodbye),
        ("ignores-goodbye", goodbye, goodbye + close),
        (
            "ignores-goodbye-and-eof",
            goodbye + close,
            goodbye + close + terminate,
        ),
        (
            "ignores-goodbye-and-eof,ignores-sigterm",
            goodbye + close + terminate,
            goodbye + close + terminate,
        ),
        // A process that stopped reading sees neither the farewell nor the end of its input.
        (
            "stops-reading",
            goodbye + close,
            goodbye + close + terminate,
        ),
        ("forks,forks-holding-stdout", none, goodbye),
    ] {
        for link in ["", "local-socket,"] {
            let rig = rig();
            let modes = format!("{link}{modes}");
            let plugin = rig.hostile("subject", &[("HOSTILE", &modes)]);
            plugin.start().expect("it starts well");
            let began = Instant::now();
            plugin.stop();
            let took = began.elapsed();
            assert!(took >= at_least, "{modes}: only {took:?}");
            assert!(took < before + BUSY, "{modes}: {took:?}");
            // The process that made room for one with a local socket is not waited for.
            let others = || {
                let mut left = rig.processes();
                left.retain(|pid| is_of(*pid, "hostile") || is_of(*pid, "sleep"));
                left
            };
            let gone = tree::wait_until(PATIENCE, || others().is_empty());
            assert!(gone, "{modes}: {}", hostile_common::describe(&others()));
            assert_eq!(plugin.status().state, State::Stopped);
            rig.end();
        }
    }
}

fn is_of(pid: u32, name: &str) -> bool {
    hostile_common::describe(&[pid]).contains(name)
}

#[test]
fn ten_stubborn_plugins_end_at_once() {
    let rig = rig();
    let plugins: Vec<Plugin> = (0..10)
        .map(|number| {
            let modes = "ignores-goodbye-and-eof,ignores-sigterm";
            rig.hostile(&format!("stubborn{number}"), &[("HOSTILE", modes)])
        })
        .collect();
    for plugin in &plugins {
        plugin.start().expect("it starts well");
    }
    let began = Instant::now();
    rig.engine.shutdown();
    let took = began.elapsed();
    let one = STEPS.goodbye + STEPS.close + STEPS.terminate;
    assert!(took >= one, "{took:?}");
    assert!(took < one + BUSY, "one after the other: {took:?}");
    rig.end();
}

#[test]
fn a_call_that_runs_is_told_of_a_stop() {
    for modes in [
        "never-replies",
        "never-replies,ignores-goodbye-and-eof,ignores-sigterm",
    ] {
        let rig = rig();
        let plugin = rig.hostile("subject", &[("HOSTILE", modes)]);
        thread::scope(|scope| {
            let call = scope.spawn(|| plugin.run("hostile").call());
            let under_way = || plugin.status().active_calls == 1;
            assert!(tree::wait_until(PATIENCE, under_way), "no call");
            plugin.stop();
            let error = call.join().expect("no panic").expect_err("an error");
            assert_eq!(error.kind(), ErrorKind::Gone, "{error}");
            let text = error.to_string();
            assert!(
                text.contains("it was stopped while answering `hostile`"),
                "{text}"
            );
        });
        // That is no crash, and the next use starts it again.
        plugin.start().expect("it starts well");
        assert_eq!(plugin.status().starts, 2);
        rig.end();
    }
}

#[test]
fn a_stop_waits_for_the_calls_of_a_plugin_that_finishes_them() {
    let rig = Rig::with(|config| {
        config.deadlines = Deadlines {
            goodbye: PATIENCE,
            ..STEPS
        };
    });
    let plugin = rig.hostile("subject", &[]);
    let (give, items) = std::sync::mpsc::sync_channel(0);
    thread::scope(|scope| {
        let input = Flow::list(items);
        let call = scope.spawn(|| plugin.run("hostile").input(input).call());
        give.send(Value::int(1)).expect("the call reads");
        let stop = scope.spawn(|| plugin.stop());
        let stopping = || plugin.status().state == State::Stopped;
        assert!(tree::wait_until(PATIENCE, stopping), "it is not stopped");
        give.send(Value::int(2)).expect("the call still reads");
        drop(give);
        let answer = call.join().expect("no panic").and_then(Flow::into_value);
        assert!(matches!(answer, Ok(Value::Int(2, _))), "{answer:?}");
        stop.join().expect("no panic");
    });
    rig.end();
}

#[test]
fn an_engine_goes_while_calls_run() {
    let rig = rig();
    let hanging = rig.hostile("hanging", &[("HOSTILE", "never-replies")]);
    let flooding = rig.hostile("flooding", &[("HOSTILE", "late-data-after-drop")]);
    let Rig {
        engine,
        mark,
        scratch,
    } = rig;
    thread::scope(|scope| {
        let calls: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| hanging.run("hostile").call()))
            .collect();
        let streams: Vec<_> = (0..2)
            .map(|_| match flooding.run("hostile").call() {
                // The plugin has one stream at a time.
                Ok(Flow::List(items)) => Some(scope.spawn(|| items.last())),
                _ => None,
            })
            .collect();
        let under_way = || hanging.status().active_calls == 6;
        assert!(
            tree::wait_until(PATIENCE, under_way),
            "the calls are not under way"
        );
        let began = Instant::now();
        drop(engine);
        assert!(
            began.elapsed() < Duration::from_secs(1) + BUSY,
            "{:?}",
            began.elapsed()
        );
        for call in calls {
            let error = call.join().expect("no panic").expect_err("an error");
            assert_eq!(error.kind(), ErrorKind::Gone, "{error}");
        }
        for stream in streams.into_iter().flatten() {
            let last = stream.join().expect("no panic").expect("a last item");
            assert!(last.is_err(), "the stream ended well");
        }
    });
    let error = hanging.run("hostile").call().expect_err("an error");
    assert_eq!(error.kind(), ErrorKind::Misuse);
    assert!(error.to_string().contains("shut down"), "{error}");
    assert!(tree::processes_with_env(hostile_common::MARK, &mark).is_empty());
    assert!(scratch.contents().is_empty());
}

#[test]
fn an_engine_goes_in_the_middle_of_a_start() {
    for modes in [
        "silent,forks",
        "encoding-then-silent",
        "local-socket-never-connects,forks",
        "socket-connects-once",
    ] {
        let rig = rig();
        let plugin = rig.hostile("subject", &[("HOSTILE", modes)]);
        let Rig {
            engine,
            mark,
            scratch,
        } = rig;
        thread::scope(|scope| {
            let starts: Vec<_> = (0..3).map(|_| scope.spawn(|| plugin.start())).collect();
            let processes = || tree::processes_with_env(hostile_common::MARK, &mark);
            let started = || plugin.status().state == State::Starting && !processes().is_empty();
            assert!(tree::wait_until(PATIENCE, started), "{modes}: no start");
            let began = Instant::now();
            drop(engine);
            assert!(
                began.elapsed() < Duration::from_secs(1) + BUSY,
                "{modes}: {:?}",
                began.elapsed()
            );
            for start in starts {
                let error = start.join().expect("no panic").expect_err("an error");
                assert_eq!(error.kind(), ErrorKind::Misuse, "{modes}: {error}");
                assert!(error.to_string().contains("shut down"), "{modes}: {error}");
            }
        });
        let left = tree::processes_with_env(hostile_common::MARK, &mark);
        assert!(
            left.is_empty(),
            "{modes}: {}",
            hostile_common::describe(&left)
        );
        assert!(
            scratch.contents().is_empty(),
            "{modes}: {:?}",
            scratch.contents()
        );
    }
}

#[test]
fn a_stop_in_the_middle_of_a_start_stops_what_it_brings() {
    let rig = Rig::new();
    let plugin = rig.hostile("subject", &[("HOSTILE", "local-socket-never-connects")]);
    let both = Barrier::new(2);
    thread::scope(|scope| {
        let start = scope.spawn(|| {
            both.wait();
            plugin.start()
        });
        both.wait();
        let starting = || plugin.status().state != State::Stopped;
        assert!(tree::wait_until(PATIENCE, starting), "no start");
        plugin.stop();
        assert_eq!(plugin.status().state, State::Stopped);
        start.join().expect("no panic").expect("it started");
    });
    rig.end();
}

#[test]
fn a_caller_gives_up_in_the_middle_of_a_start() {
    let rig = rig();
    let plugin = rig.hostile("subject", &[("HOSTILE", "silent")]);
    let deadline = Duration::from_millis(100);
    let error = plugin
        .run("hostile")
        .deadline(deadline)
        .call()
        .expect_err("an error");
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    let text = error.to_string();
    assert!(
        text.contains("starting it for a call took longer than 100ms"),
        "{text}"
    );

    // The start goes on, and others may wait for it.
    assert_eq!(plugin.status().state, State::Starting);
    let token = CancelToken::new();
    thread::scope(|scope| {
        let call = scope.spawn(|| plugin.run("hostile").cancel(&token).call());
        let began = Instant::now();
        token.cancel();
        let error = call.join().expect("no panic").expect_err("an error");
        assert!(began.elapsed() < BUSY);
        assert_eq!(error.kind(), ErrorKind::Cancelled);
    });
    assert!(plugin.status().starts <= 1);
    rig.end();
}

#[test]
fn a_call_that_is_cancelled_comes_back_at_once_and_the_plugin_goes_on() {
    let rig = rig();
    let plugin = rig.hostile("subject", &[("HOSTILE", "never-replies")]);
    plugin.start().expect("it starts well");
    let token = CancelToken::new();
    thread::scope(|scope| {
        let call = scope.spawn(|| plugin.run("hostile").cancel(&token).call());
        let under_way = || plugin.status().active_calls == 1;
        assert!(tree::wait_until(PATIENCE, under_way), "no call");
        let began = Instant::now();
        token.cancel();
        let error = call.join().expect("no panic").expect_err("an error");
        assert!(began.elapsed() < BUSY);
        assert_eq!(error.kind(), ErrorKind::Cancelled);
    });
    assert_eq!(plugin.status().active_calls, 0);
    assert_eq!(plugin.signatures().expect("it still answers").len(), 1);
    assert_eq!(plugin.status().starts, 1);
    rig.end();
}
