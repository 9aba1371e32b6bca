//! What a plugin asks of its engine.

use pegboard_plugin::protocol::Opaque;
use pegboard_plugin::protocol::nu::{EvaluatedCall, PluginOption};
use pegboard_plugin::{Call, Command, Input, LabeledError, Output, Plugin, SyntaxShape, Value};
use pegboard_testkit::PluginTest;

use super::bench::PATIENCE;

/// Asks everything, one after the other.
fn ask_all(call: &Call) -> Result<Vec<Value>, LabeledError> {
    let engine = call.engine();
    let mut seen = vec![
        engine.env("HOME")?.unwrap_or_default_value(),
        engine.env("MISSING")?.unwrap_or_default_value(),
        Value::record(engine.envs()?),
        Value::string(engine.current_dir()?.display().to_string()),
        Value::string(engine.help()?),
        engine.plugin_config()?.unwrap_or_default_value(),
        Value::binary(engine.span_contents(call.head())?),
    ];
    engine.set_env("NAME", Value::int(1))?;
    seen.push(Value::bool(matches!(engine.config()?, Opaque::Map(_))));
    seen.push(Value::bool(engine.block_ir(3).is_err()));
    let found = engine.find_command("known")?;
    seen.push(Value::bool(found.is_some()));
    seen.push(Value::bool(engine.find_command("missing")?.is_some()));
    let id = found.ok_or_else(|| LabeledError::new("not found"))?;
    let echoed = engine.call_command(id, EvaluatedCall::default(), Value::int(8))?;
    seen.push(echoed.into_value()?);
    let items = Output::list((0..500).map(Value::int));
    let echoed = engine.eval(call.closure("closure")?, vec![Value::int(1)], items)?;
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

fn with_closure(name: &str, description: &str) -> Command {
    Command::new(name, description).required("closure", SyntaxShape::Closure(None), "A closure")
}

fn plugin() -> Plugin {
    Plugin::new("test", "1")
        .command(with_closure("ask", "Asks everything").run(|call| ask_all(&call).map(Value::list)))
        .command(
            Command::new("ask late", "Asks from inside its output").run(|call| {
                let engine = call.engine().clone();
                Ok(Output::list((0..300).map(
                    move |_| match engine.env("HOME") {
                        Ok(value) => value.unwrap_or_default_value(),
                        Err(error) => Value::error(error),
                    },
                )))
            }),
        )
        .command(with_closure("each", "A closure for each item").run(|call| {
            let (engine, closure) = (call.engine().clone(), call.closure("closure")?);
            let items = call
                .input()
                .into_items()
                .map(move |item| engine.eval(closure.clone(), vec![], item?)?.into_value());
            Ok(Output::List(pegboard_transport::ListStream::new(items)))
        }))
        .command(
            with_closure("through", "A closure for the whole input").run(|call| {
                let (closure, input) = (call.closure("closure")?, call.input());
                call.engine().eval(closure, vec![], input)
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
                Ok(Value::int(1))
            }),
        )
}

static KEPT: std::sync::Mutex<Vec<std::sync::mpsc::Receiver<()>>> =
    std::sync::Mutex::new(Vec::new());

/// Runs a case in both encodings.
fn check(case: impl Fn(&PluginTest)) {
    for test in [PluginTest::new(plugin()), PluginTest::new(plugin()).json()] {
        let test = test
            .patience(PATIENCE)
            .env("HOME", "home")
            .directory("/here")
            .plugin_config(5)
            .config(serde_json::json!({"a": 1}))
            .command("known", |input, _| Ok(input));
        case(&test);
        test.end().expect("it ends well");
    }
}

#[test]
fn every_engine_call() {
    check(|test| {
        let seen = test.line("ask { known }").unwrap();
        let Value::List(seen, _) = seen else {
            panic!("{seen:?}")
        };
        assert!(
            matches!(&seen[4], Value::String(help, _) if help.contains("Usage:\n  ask [flags] <closure>"))
        );
        let expected = [
            Value::string("home"),
            Value::nothing(),
            Value::record([("HOME", Value::string("home"))]),
            Value::string("/here"),
            seen[4].clone(),
            Value::int(5),
            Value::binary(*b"ask"),
            Value::bool(true),
            Value::bool(true),
            Value::bool(true),
            Value::bool(false),
            Value::int(8),
            Value::int(500),
            Value::string("a test has no terminal"),
        ];
        assert_eq!(seen, expected);
        assert_eq!(test.options(), [PluginOption::GcDisabled(true)]);
        assert_eq!(test.environment()["NAME"], Value::int(1));
    });
}

#[test]
fn engine_calls_from_inside_an_output_stream() {
    check(|test| {
        let homes = test.run("ask late").value().unwrap();
        assert_eq!(homes, Value::from(vec!["home"; 300]));
    });
}

#[test]
fn closures_for_streams_and_for_each_item_of_them() {
    check(|test| {
        let numbers = || (0..400).map(Value::int);
        for name in ["each", "through"] {
            let closure = test.closure(|_, input| Ok(input));
            let run = test.run(name).arg(closure).input(Input::list(numbers()));
            assert_eq!(run.value(), Ok(Value::list(numbers())));
        }
    });
}

#[test]
fn an_engine_of_a_call_that_is_over_refuses() {
    check(|test| {
        assert_eq!(test.run("keep").value(), Ok(Value::int(1)));
        let kept = KEPT.lock().unwrap().pop().unwrap();
        kept.recv_timeout(PATIENCE).expect("it is refused");
    });
}
