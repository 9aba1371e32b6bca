//! The same binary in Pegboard's own engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pegboard_host::{AppContext, Config, Engine, Flow, Plugin, Value};
use pegboard_plugin::protocol::Spanned;
use pegboard_plugin::protocol::nu::{ByteStreamKind, CustomValueOp};
use pegboard_testkit::tree::wait_until;

/// No case takes nearly as long. What waits longer has hung.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a case with the plugin in an engine of its own.
fn check(case: impl FnOnce(&Engine, &Plugin)) {
    let directory = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let engine = Engine::new(Config::new(directory, std::env::vars_os())).expect("an engine");
    let plugin = engine
        .load(env!("CARGO_BIN_EXE_nu_plugin_showcase"))
        .expect("a plugin");
    case(&engine, &plugin);
    engine.shutdown();
}

fn value(plugin: &Plugin, command: &str, input: impl Into<Flow>) -> Value {
    let output = plugin.run(command).input(input).call();
    output
        .and_then(Flow::into_value)
        .unwrap_or_else(|error| panic!("{command}: {error}"))
}

fn numbers(end: i64) -> Flow {
    Flow::list((0..end).map(Value::int))
}

#[test]
fn every_value_comes_back_as_it_went() {
    check(|_, plugin| {
        let Value::Record(values, _) = value(plugin, "showcase values", Flow::Empty) else {
            panic!("no record")
        };
        assert!(values.len() > 25);
        for (name, sent) in values.iter() {
            let got = value(plugin, "showcase echo", sent.clone());
            assert_eq!(got, *sent, "{name}");
        }
    });
}

#[test]
fn streams_both_ways_and_their_early_ends() {
    check(|_, plugin| {
        let doubled = value(plugin, "showcase double", numbers(5000));
        assert_eq!(
            doubled,
            Value::list((0..5000).map(|number| Value::int(number * 2)))
        );
        let sum = value(plugin, "showcase sum", numbers(1000));
        assert_eq!(sum, Value::int(499_500));
        let endless = plugin.run("showcase numbers").call().expect("a stream");
        let first: Result<Vec<_>, _> = endless.into_items().take(3).collect();
        assert_eq!(first.expect("three items"), [0, 1, 2].map(Value::int));

        let dropped = Arc::new(AtomicBool::new(false));
        struct Mark(Arc<AtomicBool>);
        impl Drop for Mark {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Release);
            }
        }
        let mark = Mark(dropped.clone());
        let input = Flow::list((0..).map(move |number| {
            let _kept = &mark;
            Value::int(number)
        }));
        let output = plugin
            .run("showcase first")
            .argument(Value::int(2))
            .input(input)
            .call();
        let first = output.and_then(Flow::into_value).expect("a list");
        assert_eq!(first, Value::list([0, 1].map(Value::int)));
        let let_go = wait_until(PATIENCE, || dropped.load(Ordering::Acquire));
        assert!(let_go, "the input is kept");

        let text = std::io::Cursor::new("Hello\n".repeat(100_000));
        let rotated = value(
            plugin,
            "showcase rotate",
            Flow::bytes(text, ByteStreamKind::String),
        );
        assert_eq!(rotated, Value::string("Uryyb\n".repeat(100_000)));
    });
}

#[test]
fn engine_calls_are_answered_by_the_application() {
    check(|_, plugin| {
        let version = value(plugin, "showcase engine version", Flow::Empty);
        assert_eq!(version, Value::string("0.115.1"));
        let refused = plugin.run("showcase engine directory").call();
        let refused = refused.expect_err("nobody said where").to_string();
        assert!(refused.contains("does not provide"), "{refused}");

        let context = Arc::new(AppContext::new().with_directory("/here"));
        let told = plugin.run("showcase engine directory").context(context);
        let here = told.call().and_then(Flow::into_value).expect("it is told");
        let Value::String(here, _) = here else {
            panic!("{here:?}")
        };
        assert_eq!(here, "/here");
    });
}

#[test]
fn custom_values() {
    check(|engine, plugin| {
        let made = plugin
            .run("showcase tally")
            .argument(Value::string("sheep"))
            .argument(Value::int(7));
        let made = made.call().and_then(Flow::into_value).expect("a tally");
        let plain = engine.to_base_value(made.clone()).expect("plain data");
        let fields = [("name", Value::string("sheep")), ("count", Value::int(7))];
        assert_eq!(format!("{plain:?}"), format!("{:?}", Value::record(fields)));
        let column = Spanned::new("next".to_owned(), pegboard_plugin::Span::UNKNOWN);
        let next = CustomValueOp::FollowPathString {
            column,
            optional: false,
            insensitive: false,
        };
        let next = engine
            .custom_value_op(&made, next)
            .and_then(Flow::into_value);
        let read = plugin
            .run("showcase tally read")
            .input(next.expect("the next"))
            .call();
        let Value::Record(read, _) = read.and_then(Flow::into_value).expect("a record") else {
            panic!("no record")
        };
        assert_eq!(read.get("count"), Some(&Value::int(8)));
    });
}

#[test]
fn errors_and_prints_cost_nothing_else() {
    check(|_, plugin| {
        let error = plugin.run("showcase error").call().expect_err("it fails");
        assert!(error.to_string().contains("the showcase failed"), "{error}");
        let error = plugin.run("showcase panic").call().expect_err("it panics");
        assert!(
            error.to_string().contains("as the user asked for"),
            "{error}"
        );
        let before = value(plugin, "showcase engine process", Flow::Empty);
        assert_eq!(value(plugin, "showcase print", Flow::Empty), Value::int(1));
        assert_eq!(
            value(plugin, "showcase engine process", Flow::Empty),
            before
        );
    });
}
