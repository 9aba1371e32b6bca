//! What a plugin asks of its engine.

use pegboard_plugin::protocol::nu::{EvaluatedCall, PluginOption};
use pegboard_plugin::protocol::{Closure, Spanned};
use pegboard_plugin::{Command, Engine, Input, LabeledError, Output, Plugin, Span, Value};

use super::bench::{Did, check, none};

fn closure() -> Spanned<Closure> {
    let closure = Closure {
        block_id: 1,
        captures: vec![],
    };
    Spanned::new(closure, Span::UNKNOWN)
}

/// Asks everything, one after the other.
fn ask_all(engine: &Engine) -> Result<Vec<Value>, LabeledError> {
    let mut seen = vec![
        engine.env("HOME")?.unwrap_or_default_value(),
        engine.env("MISSING")?.unwrap_or_default_value(),
        Value::record(engine.envs()?),
        Value::string(engine.current_dir()?.display().to_string()),
        Value::string(engine.help()?),
        engine.plugin_config()?.unwrap_or_default_value(),
        Value::binary(engine.span_contents(Span::new(0, 3))?),
    ];
    engine.set_env("NAME", Value::int(1))?;
    engine.config()?;
    engine.block_ir(3)?;
    let found = engine.find_command("known")?;
    seen.push(Value::bool(found.is_some()));
    seen.push(Value::bool(engine.find_command("missing")?.is_some()));
    let id = found.ok_or_else(|| LabeledError::new("not found"))?;
    let echoed = engine.call_command(id, EvaluatedCall::default(), Value::int(8))?;
    seen.push(echoed.into_value()?);
    let items = Output::list((0..500).map(Value::int));
    let echoed = engine.eval(closure(), vec![Value::int(1)], items)?;
    let count = echoed.into_items().filter(Result::is_ok).count();
    seen.push(Value::int(count.try_into().unwrap_or(-1)));
    let refused = engine.enter_foreground().err();
    seen.push(Value::string(
        refused.map(|error| error.msg).unwrap_or_default(),
    ));
    engine.set_gc_disabled(true)?;
    Ok(seen)
}

trait OrNothing {
    fn unwrap_or_default_value(self) -> Value;
}

impl OrNothing for Option<Value> {
    fn unwrap_or_default_value(self) -> Value {
        self.unwrap_or_else(Value::nothing)
    }
}

fn plugin() -> Plugin {
    Plugin::new("test", "1")
        .command(
            Command::new("ask", "Asks everything")
                .run(|call| ask_all(call.engine()).map(Value::list)),
        )
        .command(
            Command::new("ask late", "Asks from inside its output").run(|call| {
                let engine = call.engine().clone();
                Ok::<_, LabeledError>(Output::list((0..300).map(
                    move |_| match engine.env("HOME") {
                        Ok(value) => value.unwrap_or_default_value(),
                        Err(error) => Value::error(error),
                    },
                )))
            }),
        )
        .command(Command::new("each", "A closure for each item").run(|call| {
            let engine = call.engine().clone();
            let items = call
                .input()
                .into_items()
                .map(move |item| engine.eval(closure(), vec![], item?)?.into_value());
            Ok::<_, LabeledError>(Output::List(pegboard_transport::ListStream::new(items)))
        }))
        .command(
            Command::new("through", "A closure for the whole input").run(|call| {
                let input = call.input();
                call.engine().eval(closure(), vec![], input)
            }),
        )
        .command(
            Command::new("keep", "Asks when the call is over").run(|call| {
                let engine = call.engine().clone();
                let (over, is_over) = std::sync::mpsc::sync_channel(1);
                std::thread::spawn(move || {
                    // Until the answer is complete, it may be asked.
                    while engine.env("HOME").is_ok() {}
                    over.send(())
                });
                KEPT.lock().unwrap().push(is_over);
                Ok::<_, LabeledError>(Value::int(1))
            }),
        )
}

static KEPT: std::sync::Mutex<Vec<std::sync::mpsc::Receiver<()>>> =
    std::sync::Mutex::new(Vec::new());

#[test]
fn every_engine_call() {
    check(plugin, |bench| {
        let seen = bench.value("ask", none(), Input::Empty).unwrap();
        let expected = Value::list([
            Value::string("home"),
            Value::nothing(),
            Value::record([("ONE", Value::int(1))]),
            Value::string("/here"),
            Value::string("help text"),
            Value::int(5),
            Value::binary(*b"xxx"),
            Value::bool(true),
            Value::bool(false),
            Value::int(8),
            Value::int(500),
            Value::string("no terminal"),
        ]);
        assert_eq!(seen, expected);
        let did = bench.did();
        assert!(did.contains(&Did::Wished(PluginOption::GcDisabled(true))));
        assert!(did.contains(&Did::Asked("AddEnvVar".to_owned())));
    });
}

#[test]
fn engine_calls_from_inside_an_output_stream() {
    check(plugin, |bench| {
        let homes = bench.value("ask late", none(), Input::Empty).unwrap();
        assert_eq!(homes, Value::list(vec![Value::string("home"); 300]));
    });
}

#[test]
fn closures_for_streams_and_for_each_item_of_them() {
    check(plugin, |bench| {
        let numbers = || Input::list((0..400).map(Value::int));
        let expected = Value::list((0..400).map(Value::int));
        for name in ["each", "through"] {
            assert_eq!(bench.value(name, none(), numbers()), Ok(expected.clone()));
        }
    });
}

#[test]
fn an_engine_of_a_call_that_is_over_refuses() {
    check(plugin, |bench| {
        assert_eq!(bench.value("keep", none(), Input::Empty), Ok(Value::int(1)));
        let kept = KEPT.lock().unwrap().pop().unwrap();
        kept.recv_timeout(super::bench::PATIENCE)
            .expect("it is refused");
    });
}
