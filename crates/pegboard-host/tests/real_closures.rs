//! Closures: functions of the application that every flavour of the reference plugin has evaluated, with values and
//! streams, from inside streams, nested, and calling the plugin again.

mod common;

use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use common::{
    NEWEST, OLDEST, PATIENCE, Reference, byte_flow, bytes, check_pattern, error, for_each_flavour,
    int, ints, items, list, value,
};
use pegboard_host::protocol::Closure;
use pegboard_host::protocol::nu::ByteStreamKind;
use pegboard_host::{AppContext, Error, ErrorKind, Flow, LabeledError, ListStream, Span, Value};
use pegboard_testkit::tree::wait_until;

fn word(word: &str) -> Value {
    Value::string(word)
}

/// A closure that gives its arguments and its input, collected.
fn tell(context: &AppContext) -> Value {
    context.closure(|arguments, input| {
        let kind = match &input {
            Flow::Empty => "nothing",
            Flow::Value(..) => "value",
            Flow::List(_) => "list stream",
            Flow::Bytes(_) => "byte stream",
        };
        let input = input.into_value().map_err(Error::into_labeled)?;
        Ok(Value::list([Value::list(arguments), word(kind), input]).into())
    })
}

/// A closure that doubles the items of its input as they come.
fn double(context: &AppContext) -> Value {
    context.closure(|_, input| {
        let Flow::List(stream) = input else {
            return Err("a stream is needed".into());
        };
        let double = |item: Result<Value, Error>| item.map(|item| Value::int(int(&item) * 2));
        Ok(Flow::List(ListStream::new(stream.map(double))))
    })
}

#[test]
fn a_closure_gets_arguments_and_input_as_they_are() {
    for_each_flavour(|reference| {
        let context = Arc::new(AppContext::new());
        let closure = tell(&context);
        let eval = |command: &str, input: Flow| {
            let run = reference
                .run(command)
                .argument(closure.clone())
                .argument(Value::int(1))
                .argument(word("two"));
            value(run.input(input).context(context.clone()))
        };
        let told = |kind: &str, input: Value| {
            Value::list([Value::list([Value::int(1), word("two")]), word(kind), input])
        };
        let three = || Value::list(ints(0..3));
        for command in ["engine eval", "engine eval-value"] {
            assert_eq!(
                eval(command, Flow::Empty),
                told("nothing", Value::nothing())
            );
            assert_eq!(eval(command, word("in").into()), told("value", word("in")));
        }
        assert_eq!(
            eval("engine eval", Flow::list(ints(0..3))),
            told("list stream", three())
        );
        assert_eq!(
            eval("engine eval-value", Flow::list(ints(0..3))),
            told("value", three())
        );
        let text = || Flow::bytes(&b"text"[..], ByteStreamKind::String);
        assert_eq!(
            eval("engine eval", text()),
            told("byte stream", word("text"))
        );
        assert_eq!(
            eval("engine eval-value", text()),
            told("value", word("text"))
        );
    });
}

#[test]
fn a_closures_streams_are_lazy_both_ways() {
    for_each_flavour(|reference| {
        let context = Arc::new(AppContext::new());
        let eval = |closure: Value| {
            reference
                .run("engine eval")
                .argument(closure)
                .context(context.clone())
        };
        let mut stream = list(eval(double(&context)).input(Flow::list(ints(0..i64::MAX))));
        for wanted in 0..500 {
            assert_eq!(
                stream.next().and_then(Result::ok),
                Some(Value::int(wanted * 2))
            );
        }
        drop(stream);
        reference.rests();

        let whole = value(eval(double(&context)).input(Flow::list(ints(0..2_000))));
        assert_eq!(
            items(whole),
            (0..2_000).map(|n| Value::int(n * 2)).collect::<Vec<_>>()
        );

        let same = context.closure(|_, input| Ok(input));
        let stream = bytes(eval(same).input(byte_flow(100_000, ByteStreamKind::Binary)));
        check_pattern(stream, 100_000, 251);
        let own = context.closure(|_, _| Ok(byte_flow(100_000, ByteStreamKind::Binary)));
        check_pattern(bytes(eval(own)), 100_000, 251);
        let part = context.closure(|_, input| {
            let Flow::Bytes(mut stream) = input else {
                return Err("bytes are needed".into());
            };
            let mut start = [0; 10];
            stream
                .read_exact(&mut start)
                .map_err(|error| LabeledError::new(error.to_string()))?;
            Ok(Value::binary(start).into())
        });
        let got = value(eval(part).input(byte_flow(1_000_000, ByteStreamKind::Binary)));
        assert_eq!(got, Value::binary((0..10).collect::<Vec<u8>>()));
        reference.rests();
    });
}

#[test]
fn a_closure_is_evaluated_for_each_item_while_the_answer_streams() {
    for_each_flavour(|reference| {
        let context = Arc::new(AppContext::new());
        let calls = Arc::new(AtomicUsize::new(0));
        let count = calls.clone();
        let square = context.closure(move |arguments, input| {
            count.fetch_add(1, Ordering::SeqCst);
            let input = input.into_value().map_err(Error::into_labeled)?;
            Ok(Value::int(int(&arguments[0]) * int(&input)).into())
        });
        let nested = |count: i64| {
            let run = reference.run("nested").argument(square.clone());
            list(
                run.input(Flow::list(ints(0..count)))
                    .context(context.clone()),
            )
        };
        let all: Vec<_> = nested(300)
            .map(|item| int(&item.expect("an item")))
            .collect();
        assert_eq!(all, (0..300).map(|n| n * n).collect::<Vec<_>>());
        assert_eq!(calls.swap(0, Ordering::SeqCst), 300);

        // No further than the answer is read, plus the credit.
        let mut stream = nested(i64::MAX);
        assert_eq!(stream.by_ref().take(5).count(), 5);
        drop(stream);
        reference.rests();
        assert!(calls.load(Ordering::SeqCst) <= 5 + 105, "{calls:?}");
    });
}

#[test]
fn an_error_of_a_closure_is_the_commands_error() {
    for_each_flavour(|reference| {
        let context = Arc::new(AppContext::new());
        let fails = context.closure(|_, _| {
            Err(LabeledError::new("not today")
                .with_code("app::no")
                .with_help("tomorrow"))
        });
        let eval = |closure: Value| {
            reference
                .run("engine eval")
                .argument(closure)
                .context(context.clone())
        };
        let got = error(eval(fails.clone()));
        assert_eq!(
            (got.kind(), got.to_string().as_str()),
            (ErrorKind::Plugin, "not today")
        );
        assert_eq!(got.labeled().code.as_deref(), Some("app::no"));
        assert_eq!(got.labeled().help.as_deref(), Some("tomorrow"));

        let unknown = Value::Closure(
            Box::new(Closure {
                block_id: 1 << 40,
                captures: Vec::new(),
            }),
            Span::UNKNOWN,
        );
        let got = error(eval(unknown));
        assert!(
            got.to_string().contains("no closure with the number"),
            "{got}"
        );

        // Inside a stream it is one item's.
        let run = reference
            .run("nested")
            .argument(fails)
            .input(Flow::list(ints(0..3)));
        let got = items(value(run.context(context.clone())));
        assert_eq!(got.len(), 3);
        assert!(
            got.iter()
                .all(|item| matches!(item, Value::Error(error, _) if error.msg == "not today"))
        );
        assert_eq!(reference.plugin.status().starts, 1);
    });
}

#[test]
fn closures_and_commands_call_each_other_twenty_deep() {
    for_each_flavour(|reference| {
        let context = Arc::new(AppContext::new());
        let own: Arc<OnceLock<(Weak<AppContext>, Value)>> = Arc::default();
        let (plugin, found) = (reference.plugin.clone(), own.clone());
        let closure = context.closure(move |arguments, _| {
            let depth = int(&arguments[0]);
            if depth == 0 {
                return Ok(word("the bottom").into());
            }
            let (context, closure) = found.get().expect("it was set");
            let command = if depth % 2 == 0 {
                "ref engine eval"
            } else {
                "ref engine eval-value"
            };
            let run = plugin
                .run(command)
                .argument(closure.clone())
                .argument(Value::int(depth - 1));
            let context = context
                .upgrade()
                .expect("the context of the outermost call");
            run.context(context).call().map_err(Error::into_labeled)
        });
        own.set((Arc::downgrade(&context), closure.clone()))
            .expect("it was not set");
        let run = reference
            .run("engine eval")
            .argument(closure)
            .argument(Value::int(20));
        assert_eq!(value(run.context(context)), word("the bottom"));
        reference.rests();
        assert_eq!(reference.plugin.status().starts, 1);
    });
}

#[test]
fn closures_call_the_same_plugin_from_inside_a_stream() {
    for_each_flavour(|reference| {
        let context = Arc::new(AppContext::new());
        let plugin = reference.plugin.clone();
        let sums = context.closure(move |arguments, _| {
            let input = Flow::list(ints(0..int(&arguments[0])));
            plugin
                .run("ref sum")
                .input(input)
                .call()
                .map_err(Error::into_labeled)
        });
        let run = reference
            .run("nested")
            .argument(sums)
            .input(Flow::list(ints(0..50)));
        let got: Vec<_> = items(value(run.context(context))).iter().map(int).collect();
        assert_eq!(got, (0..50).map(|n| n * (n - 1) / 2).collect::<Vec<_>>());
    });
}

#[test]
fn a_closure_pipes_one_plugin_through_another() {
    let (new, old) = (Reference::new(NEWEST), Reference::new(OLDEST));
    let context = Arc::new(AppContext::new());
    let plugin = old.plugin.clone();
    let through = context.closure(move |_, input| {
        plugin
            .run("ref each-tenth")
            .input(input)
            .call()
            .map_err(Error::into_labeled)
    });
    let run = new
        .run("engine eval")
        .argument(through)
        .input(Flow::list(ints(0..i64::MAX)));
    let mut stream = list(run.context(context));
    for wanted in 0..100 {
        assert_eq!(
            stream.next().and_then(Result::ok),
            Some(Value::int(wanted * 10))
        );
    }
    drop(stream);
    new.rests();
    old.rests();
}

#[test]
fn many_closures_run_at_once() {
    let reference = Reference::new(NEWEST);
    let context = Arc::new(AppContext::new());
    let closure = context.closure(|arguments, _| Ok(arguments[0].clone().into()));
    std::thread::scope(|scope| {
        for thread in 0..32 {
            let (reference, context, closure) = (&reference, &context, &closure);
            scope.spawn(move || {
                for round in 0..10 {
                    let own = Value::int(thread * 100 + round);
                    let run = reference
                        .run("engine eval")
                        .argument(closure.clone())
                        .argument(own.clone());
                    assert_eq!(value(run.context(context.clone())), own);
                }
            });
        }
    });
    reference.rests();
}

#[test]
fn a_context_is_let_go_of_when_its_call_and_its_streams_are_over() {
    for_each_flavour(|reference| {
        let context = Arc::new(AppContext::new());
        let closure = context.closure(|arguments, _| Ok(arguments[0].clone().into()));
        let run = reference
            .run("nested")
            .argument(closure)
            .input(Flow::list(ints(0..3)));
        let stream = list(run.context(context.clone()));
        assert!(Arc::strong_count(&context) > 1);
        drop(stream);
        assert!(
            wait_until(PATIENCE, || Arc::strong_count(&context) == 1),
            "it is still held"
        );
    });
}

#[test]
fn an_application_that_panics_costs_the_call_and_nothing_more() {
    for_each_flavour(|reference| {
        let context = Arc::new(AppContext::new());
        let panics = context.closure(|_, _| panic!("on purpose, in a closure"));
        let run = |command: &str| {
            let run = reference.run(command).argument(panics.clone());
            run.input(Flow::list(ints(0..2))).context(context.clone())
        };
        let got = error(run("engine eval"));
        assert_eq!(got.kind(), ErrorKind::Plugin);
        assert!(
            got.to_string()
                .contains("EvalClosure: the application panicked"),
            "{got}"
        );
        let got = items(value(run("nested")));
        assert_eq!(got.len(), 2);
        assert!(
            got.iter().all(|item| matches!(item, Value::Error(..))),
            "{got:?}"
        );

        // A source that panics does not look like one that has come to its end.
        let source = || {
            Flow::list((0..10).map(|n| {
                if n < 3 {
                    Value::int(n)
                } else {
                    panic!("on purpose, in a source")
                }
            }))
        };
        let got = error(reference.run("sum").input(source()));
        assert!(
            got.to_string()
                .contains("the source of the stream panicked"),
            "{got}"
        );
        assert_eq!(items(value(reference.run("echo").input(source()))).len(), 4);
        reference.rests();
        assert_eq!(reference.plugin.status().starts, 1);
    });
}
