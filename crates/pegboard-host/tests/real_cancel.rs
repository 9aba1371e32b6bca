//! Cancelling from another thread, deadlines of calls, and interrupts, with every flavour of the reference plugin.

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{
    FLAVOURS, NEWEST, PATIENCE, Reference, bytes, error, field, for_each_flavour, impatient, int,
    ints, items, list, value,
};
use pegboard_host::protocol::nu::ByteStreamKind;
use pegboard_host::{AppContext, CancelToken, ErrorKind, Flow, PluginConfig, Value};
use pegboard_testkit::tree::wait_until;

/// Longer than any test may take.
const HOUR: i64 = 3_600_000;
/// Sooner than [`HOUR`], whatever the machine is doing.
const SOON: Duration = Duration::from_secs(30);

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn is_interrupted(slept: &Value) -> bool {
    field(slept, "interrupted") == Value::bool(true)
}

/// Waits until `count` calls are under way that somebody waits for.
fn busy(reference: &Reference, count: usize) {
    assert!(wait_until(PATIENCE, || reference
        .plugin
        .status()
        .active_calls
        == count));
}

/// The interrupts that the plugin has seen.
fn signals(reference: &Reference) -> i64 {
    int(&reference.value("signals"))
}

#[test]
fn a_waiting_call_is_cancelled_from_another_thread() {
    for_each_flavour(|reference| {
        assert_eq!(signals(reference), 0);
        reference.rests();
        let token = CancelToken::new();
        std::thread::scope(|scope| {
            let call = scope.spawn(|| {
                error(
                    reference
                        .run("sleep")
                        .argument(Value::int(HOUR))
                        .cancel(&token),
                )
            });
            busy(reference, 1);
            let began = Instant::now();
            token.cancel();
            let got = call.join().expect("an error");
            assert_eq!(got.kind(), ErrorKind::Cancelled);
            assert!(began.elapsed() < SOON);
        });
        assert!(token.is_cancelled());
        // The plugin had nothing else to do, and was told.
        assert!(wait_until(PATIENCE, || signals(reference) >= 1));
        let slept = value(reference.run("sleep").argument(Value::int(5)));
        assert!(!is_interrupted(&slept));
        assert_eq!(reference.plugin.status().starts, 1);
        // A token stays cancelled.
        let got = error(reference.run("count").cancel(&token));
        assert_eq!(got.kind(), ErrorKind::Cancelled);
    });
}

#[test]
fn a_cancelled_token_starts_nothing() {
    let reference = Reference::new(NEWEST);
    let token = CancelToken::new();
    token.cancel();
    assert_eq!(
        error(reference.run("count").cancel(&token)).kind(),
        ErrorKind::Cancelled
    );
    assert_eq!(reference.plugin.status().starts, 0);
}

#[test]
fn a_stream_that_is_waited_for_is_cancelled_from_another_thread() {
    for flavour in FLAVOURS {
        println!("flavour: {flavour:?}");
        // The plugin sleeps on, and is not waited for.
        let reference = &Reference::with(flavour, PluginConfig::default(), impatient);
        let token = CancelToken::new();
        let run = reference
            .run("endless")
            .flag("sleep", Value::int(HOUR))
            .cancel(&token);
        let mut silent = list(run);
        let run = reference
            .run("bytes")
            .argument(Value::int(10))
            .flag("sleep", Value::int(HOUR));
        let mut silent_bytes = bytes(run.cancel(&token));
        let mut read = list(reference.run("endless").cancel(&token));
        assert!(read.next().is_some_and(|item| item.is_ok()));
        std::thread::scope(|scope| {
            let items = scope.spawn(move || (silent.next(), silent.next().is_none()));
            let chunks = scope.spawn(move || {
                let first = Iterator::next(&mut silent_bytes);
                (first, Iterator::next(&mut silent_bytes).is_none())
            });
            busy(reference, 3);
            token.cancel();
            let (first, ended) = items.join().expect("the end");
            let first = first.expect("an error").expect_err("an error");
            assert_eq!((first.kind(), ended), (ErrorKind::Cancelled, true));
            let (first, ended) = chunks.join().expect("the end");
            let first = first.expect("an error").expect_err("an error");
            assert_eq!((first.kind(), ended), (ErrorKind::Cancelled, true));
        });
        // What was there already may be read, and no more comes.
        let rest: Vec<_> = read.take(1_000).collect();
        assert!(rest.len() < 1_000);
        assert_eq!(
            rest.last()
                .map(|item| item.as_ref().err().map(|e| e.kind())),
            Some(Some(ErrorKind::Cancelled))
        );
        assert_eq!(
            value(reference.run("echo").input(Value::int(1))),
            Value::int(1)
        );
        assert_eq!(reference.plugin.status().starts, 1);
    }
}

#[test]
fn one_token_ends_many_calls_and_others_go_on() {
    let reference = Reference::new(NEWEST);
    let (token, other) = (CancelToken::new(), CancelToken::new());
    std::thread::scope(|scope| {
        let sleep = |token: &CancelToken| {
            let run = reference
                .run("sleep")
                .argument(Value::int(HOUR))
                .cancel(token);
            scope.spawn(move || error(run).kind())
        };
        let many: Vec<_> = (0..16).map(|_| sleep(&token)).collect();
        let one = sleep(&other);
        busy(&reference, 17);
        token.cancel();
        for call in many {
            assert_eq!(call.join().expect("an error"), ErrorKind::Cancelled);
        }
        // The one that somebody waits for was not interrupted.
        assert_eq!(reference.plugin.status().active_calls, 1);
        assert_eq!(signals(&reference), 0);
        assert!(!one.is_finished());
        other.cancel();
        assert_eq!(one.join().expect("an error"), ErrorKind::Cancelled);
    });
    assert!(wait_until(PATIENCE, || signals(&reference) >= 1));
}

#[test]
fn what_was_given_up_is_interrupted_when_nobody_waits_for_anything_else() {
    for_each_flavour(|reference| {
        assert_eq!(signals(reference), 0);
        reference.rests();
        let context = Arc::new(AppContext::new());
        let (go, gone) = std::sync::mpsc::channel::<()>();
        let gone = std::sync::Mutex::new(gone);
        let wait = context.closure(move |_, _| {
            let _ = gone.lock().expect("the only user").recv();
            Ok(Value::string("done").into())
        });
        std::thread::scope(|scope| {
            let run = reference
                .run("engine eval")
                .argument(wait)
                .context(context.clone());
            let held = scope.spawn(move || value(run));
            busy(reference, 1);
            let sleep = reference
                .run("sleep")
                .argument(Value::int(HOUR))
                .deadline(ms(50));
            assert_eq!(error(sleep).kind(), ErrorKind::TimedOut);
            drop(go);
            assert_eq!(held.join().expect("an answer"), Value::string("done"));
        });
        // Otherwise it would sleep on, for nobody.
        assert!(
            wait_until(PATIENCE, || signals(reference) >= 1),
            "it was not interrupted"
        );
        assert_eq!(reference.plugin.status().starts, 1);
    });
}

#[test]
fn a_deadline_ends_a_call_and_the_plugin_is_interrupted() {
    for_each_flavour(|reference| {
        assert_eq!(signals(reference), 0);
        let began = Instant::now();
        let got = error(
            reference
                .run("sleep")
                .argument(Value::int(HOUR))
                .deadline(ms(100)),
        );
        assert_eq!(got.kind(), ErrorKind::TimedOut);
        assert!(began.elapsed() >= ms(100) && began.elapsed() < SOON);
        for part in ["ref sleep", "reference", "100ms"] {
            assert!(got.to_string().contains(part), "{got}");
        }
        assert!(wait_until(PATIENCE, || signals(reference) >= 1));
        assert_eq!(
            value(reference.run("echo").input(Value::int(1))),
            Value::int(1)
        );
        reference.rests();
        assert_eq!(reference.plugin.status().starts, 1);
    });
}

#[test]
fn a_plugin_that_does_not_listen_is_left_to_itself() {
    for_each_flavour(|reference| {
        let got = error(
            reference
                .run("stubborn")
                .argument(Value::int(100))
                .deadline(ms(20)),
        );
        assert_eq!(got.kind(), ErrorKind::TimedOut);
        // Its late answer is nobody's, and others have theirs.
        let slept = value(reference.run("stubborn").argument(Value::int(200)));
        assert!(!is_interrupted(&slept));
        // An answer that is a stream, which comes too late, is dropped.
        let late = reference
            .run("engine eval")
            .argument(Value::int(1))
            .deadline(ms(0));
        assert_ne!(error(late).kind(), ErrorKind::Gone);
        reference.rests();
        assert_eq!(reference.plugin.status().starts, 1);
    });
}

#[test]
fn a_deadline_that_is_kept_changes_nothing() {
    for_each_flavour(|reference| {
        let run = reference
            .run("seq")
            .argument(Value::int(100))
            .flag("sleep", Value::int(1))
            .deadline(SOON);
        assert_eq!(items(value(run)), ints(0..100).collect::<Vec<_>>());
        assert_eq!(signals(reference), 0);
    });
}

#[test]
fn an_input_is_let_go_of_when_its_call_is_given_up() {
    for_each_flavour(|reference| {
        let alive = Arc::new(());
        let held = alive.clone();
        let input = (0..).map(move |number| {
            let _held = &held;
            Value::int(number)
        });
        let token = CancelToken::new();
        std::thread::scope(|scope| {
            // It never ends by itself: there is always more to count.
            let run = reference
                .run("count")
                .input(Flow::list(input))
                .cancel(&token);
            let call = scope.spawn(move || error(run).kind());
            busy(reference, 1);
            token.cancel();
            assert_eq!(call.join().expect("an error"), ErrorKind::Cancelled);
        });
        assert!(
            wait_until(PATIENCE, || Arc::strong_count(&alive) == 1),
            "the input is still pulled"
        );
        reference.rests();
        assert_eq!(
            value(reference.run("echo").input(Value::int(1))),
            Value::int(1)
        );
        assert_eq!(reference.plugin.status().starts, 1);
    });
}

#[test]
fn an_interrupt_reaches_what_runs_and_not_what_comes_after() {
    for_each_flavour(|reference| {
        let engine = &reference.rig.engine;
        let sleep = |milliseconds| value(reference.run("sleep").argument(Value::int(milliseconds)));
        let mut endless = list(reference.run("endless"));
        assert!(endless.next().is_some());
        std::thread::scope(|scope| {
            let sleeping = scope.spawn(|| sleep(HOUR));
            busy(reference, 2);
            engine.interrupt();
            assert!(is_interrupted(&sleeping.join().expect("an answer")));
        });
        // The stream comes to its end.
        assert!(endless.all(|item| item.is_ok()));
        assert!(!is_interrupted(&sleep(5)));
        assert_eq!(signals(reference), 1);
        engine.interrupt();
        engine.reset();
        assert!(!is_interrupted(&sleep(5)));
        engine.interrupt();
        engine.interrupt();
        assert!(!is_interrupted(&sleep(5)));
        assert_eq!(reference.plugin.status().starts, 1);
    });
}

#[test]
fn an_interrupt_is_no_matter_to_plugins_that_do_not_run() {
    let reference = Reference::new(NEWEST);
    reference.rig.engine.interrupt();
    assert_eq!(reference.plugin.status().starts, 0);
    assert_eq!(value(reference.run("count")), Value::int(0));
}

#[test]
fn giving_one_call_up_never_interrupts_another() {
    let reference = Reference::new(NEWEST);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            for _ in 0..300 {
                let slept = value(reference.run("sleep").argument(Value::int(1)));
                assert!(!is_interrupted(&slept), "{slept:?}");
            }
        });
        let mut round = 0;
        while !waiting.is_finished() {
            round += 1;
            let run = reference
                .run("sleep")
                .argument(Value::int(HOUR))
                .deadline(ms(round % 4));
            assert_eq!(error(run).kind(), ErrorKind::TimedOut);
        }
    });
    assert_eq!(reference.plugin.status().starts, 1);
}

#[test]
fn cancelling_at_any_moment_ends_one_way_or_the_other() {
    for_each_flavour(|reference| {
        reference.plugin.start().expect("started");
        for round in 0..40 {
            let token = CancelToken::new();
            std::thread::scope(|scope| {
                let run = reference.run("echo").cancel(&token);
                let run = match round % 3 {
                    0 => run.input(Value::int(1)),
                    1 => run.input(Flow::list(ints(0..500))),
                    _ => run.input(common::byte_flow(100_000, ByteStreamKind::Binary)),
                };
                let call = scope.spawn(move || run.call().and_then(Flow::into_value));
                wait_until(Duration::from_micros(round * 100), || false);
                token.cancel();
                match call.join().expect("an outcome") {
                    Ok(_) => {}
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}"),
                }
            });
        }
        reference.rests();
        assert_eq!(
            value(reference.run("echo").input(Value::int(1))),
            Value::int(1)
        );
        assert_eq!(reference.plugin.status().starts, 1);
    });
}

#[test]
fn a_command_that_a_plugin_calls_is_given_up_with_its_caller() {
    for_each_flavour(|reference| {
        let call = || {
            let run = reference
                .run("engine call-decl")
                .argument(Value::string("ref sleep"));
            run.argument(Value::int(HOUR))
        };
        let began = Instant::now();
        assert_eq!(error(call().deadline(ms(100))).kind(), ErrorKind::TimedOut);
        reference.rests();
        let token = CancelToken::new();
        std::thread::scope(|scope| {
            let run = call().cancel(&token);
            let call = scope.spawn(move || error(run).kind());
            busy(reference, 2);
            token.cancel();
            assert_eq!(call.join().expect("an error"), ErrorKind::Cancelled);
        });
        assert!(began.elapsed() < SOON);
        reference.rests();
        assert!(wait_until(PATIENCE, || signals(reference) >= 1));
        assert_eq!(reference.plugin.status().starts, 1);
    });
}
