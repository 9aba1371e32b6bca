//! Streams in and out, lazily, with early ends from either side.

use std::io::Read;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex};

use pegboard_plugin::protocol::nu::{ByteStreamKind, Metadata, Signal};
use pegboard_plugin::protocol::{Bound, Range};
use pegboard_plugin::{Command, Input, LabeledError, Output, Plugin, Span, Value};

use super::bench::{Bench, NEWEST, PATIENCE, check, none};

fn plugin() -> Plugin {
    Plugin::new("test", "1")
        .command(Command::new("echo", "Gives its input").run(|call| Ok(call.input())))
        .command(Command::new("double", "Doubles numbers").run(|call| {
            let items = call.input().into_items().map(|item| match item? {
                Value::Int(number, span) => Ok(Value::Int(number * 2, span)),
                other => Err(LabeledError::new("no number").with_label("this", other.span())),
            });
            Ok(Output::List(pegboard_transport::ListStream::new(items)))
        }))
        .command(Command::new("length", "Counts bytes").run(|call| {
            let Input::Bytes(mut bytes) = call.input() else {
                return Err(LabeledError::new("bytes are needed"));
            };
            let mut all = Vec::new();
            bytes.read_to_end(&mut all)?;
            Ok(Value::int(all.len().try_into().unwrap_or(i64::MAX)))
        }))
        .command(
            Command::new("items", "Its items as they come")
                .run(|call| Ok(Value::list(call.items().collect::<Result<Vec<_>, _>>()?))),
        )
        .command(Command::new("lines", "Its lines as they come").run(|call| {
            let lines = call.lines().map(|line| Ok(Value::string(line?)));
            Ok(Output::try_list(lines))
        }))
        .command(Command::new("zeros", "A million zeros").run(|_| {
            let zeros = std::io::repeat(0).take(1_000_000);
            Ok(Output::bytes(zeros, ByteStreamKind::Binary))
        }))
        .command(Command::new("first", "The first item").run(|call| {
            call.input()
                .into_items()
                .next()
                .unwrap_or_else(|| Ok(Value::nothing()))
        }))
        .command(Command::new("ignore", "Reads nothing").run(|_| Ok(Value::int(1))))
}

fn numbers(count: i64) -> Input {
    Input::list((0..count).map(Value::int))
}

/// An input that tells when it was let go of.
struct Endless(i64, SyncSender<()>);

impl Iterator for Endless {
    type Item = Value;
    fn next(&mut self) -> Option<Value> {
        self.0 += 1;
        Some(Value::int(self.0 - 1))
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        let _ = self.1.try_send(());
    }
}

fn endless() -> (Input, Receiver<()>) {
    let (sender, dropped) = mpsc::sync_channel(1);
    (Input::list(Endless(0, sender)), dropped)
}

#[test]
fn lists_both_ways() {
    check(plugin, |bench| {
        let doubled = bench.value("double", none(), numbers(5000)).unwrap();
        assert_eq!(
            doubled,
            Value::list((0..5000).map(|number| Value::int(number * 2)))
        );
        let list = Value::list([1, 2].map(Value::int));
        let doubled = bench.value("double", none(), list).unwrap();
        assert_eq!(doubled, Value::list([2, 4].map(Value::int)));
        assert_eq!(bench.value("echo", none(), numbers(0)), Ok(Value::list([])));
        assert_eq!(
            bench.value("echo", none(), Input::Empty),
            Ok(Value::nothing())
        );
    });
}

#[test]
fn bytes_both_ways() {
    check(plugin, |bench| {
        let size = if bench.is_json() { 100_000 } else { 3_000_000 };
        let input = || Input::bytes(std::io::repeat(b'a').take(size), ByteStreamKind::String);
        let length = bench.value("length", none(), input()).unwrap();
        assert_eq!(length, Value::int(size.try_into().unwrap()));
        let echoed = bench.value("echo", none(), input()).unwrap();
        assert_eq!(echoed, Value::string("a".repeat(size.try_into().unwrap())));
        let zeros = bench.value("zeros", none(), Input::Empty).unwrap();
        assert_eq!(zeros, Value::binary(vec![0; 1_000_000]));
    });
}

#[test]
fn text_comes_in_characters_and_lines() {
    // The ö is cut in two.
    let text = |kind| {
        let chunks = [&b"one\nzw\xc3"[..], b"\xb6lf\n"];
        Input::try_bytes(chunks.map(|chunk| Ok(chunk.to_vec())), kind)
    };
    let lines = Ok(Value::from(["one", "zwölf"]));
    check(plugin, |bench| {
        for kind in [ByteStreamKind::Unknown, ByteStreamKind::String] {
            let items = bench.value("items", none(), text(kind));
            assert_eq!(items, Ok(Value::from(["one\nzw", "ölf\n"])));
            assert_eq!(bench.value("lines", none(), text(kind)), lines);
        }
        let list = Input::list(["one", "zwölf"].map(Value::string));
        assert_eq!(bench.value("lines", none(), list), lines);
        let whole = Value::string("one\nzwölf\n");
        assert_eq!(bench.value("lines", none(), whole), lines);
    });
}

#[test]
fn an_error_in_bytes_is_not_lost_by_reading_them() {
    let failed = LabeledError::new("the source failed").with_label("this", Span::new(3, 7));
    check(plugin, |bench| {
        let chunks = [Ok(vec![0]), Err(failed.clone())];
        let input = Input::try_bytes(chunks, ByteStreamKind::Binary);
        assert_eq!(bench.value("length", none(), input), Err(failed.clone()));
    });
}

#[test]
fn metadata_stays_with_a_stream() {
    check(plugin, |bench| {
        let metadata = Metadata {
            content_type: Some("text/plain".to_owned()),
            ..Metadata::default()
        };
        let mut input = numbers(3);
        if let Input::List(stream) = &mut input {
            stream.metadata = Some(metadata.clone());
        }
        let output = bench.run("echo", none(), input).unwrap();
        assert_eq!(output.metadata(), Some(&metadata));
    });
}

#[test]
fn an_error_in_the_input_is_the_error_of_the_output() {
    check(plugin, |bench| {
        let items = [
            Ok(Value::int(1)),
            Err(LabeledError::new("the source failed")),
        ];
        let input = Input::List(pegboard_transport::ListStream::new(items));
        let output = bench.value("double", none(), input).unwrap();
        // An error is an item like others to a list stream, and no number.
        let Value::List(items, _) = output else {
            panic!("{output:?}")
        };
        assert_eq!(items[0], Value::int(2));
        assert!(matches!(items[1], Value::Error(..)), "{items:?}");
        assert_eq!(items.len(), 2);
    });
}

#[test]
fn who_drops_the_output_ends_the_input() {
    check(plugin, |bench| {
        for name in ["double", "echo"] {
            let (input, dropped) = endless();
            let mut items = bench.run(name, none(), input).unwrap().into_items();
            assert_eq!(items.next(), Some(Ok(Value::int(0))));
            drop(items);
            dropped
                .recv_timeout(PATIENCE)
                .expect("the input is let go of");
        }
    });
}

#[test]
fn a_command_that_does_not_read_on_ends_the_input() {
    check(plugin, |bench| {
        for (name, expected) in [("first", 0), ("ignore", 1)] {
            let (input, dropped) = endless();
            assert_eq!(bench.value(name, none(), input), Ok(Value::int(expected)));
            dropped
                .recv_timeout(PATIENCE)
                .expect("the input is let go of");
        }
    });
}

#[test]
fn an_interrupt_ends_output_and_input() {
    check(plugin, |bench| {
        let endless = |bench: &Bench| {
            let (input, dropped) = endless();
            let mut items = bench.run("double", none(), input).unwrap().into_items();
            assert_eq!(items.next(), Some(Ok(Value::int(0))));
            (items, dropped)
        };
        let (items, dropped) = endless(bench);
        bench.signal(Signal::Interrupt);
        // What was under way still comes.
        assert!(items.count() < 1000);
        dropped
            .recv_timeout(PATIENCE)
            .expect("the input is let go of");
        bench.signal(Signal::Reset);
        assert_eq!(
            bench.value("double", none(), numbers(2)),
            Ok(Value::list([0, 2].map(Value::int)))
        );
    });
}

#[test]
fn an_interrupt_ends_the_wait_for_input() {
    let (entered, reads) = mpsc::sync_channel(1);
    let plugin = Plugin::new("test", "1").command(Command::new("wait", "Waits for input").run(
        move |call| {
            let mut items = call.input().into_items();
            let first = items.next();
            let _ = entered.send(());
            let second = items.next();
            assert_eq!(first, Some(Ok(Value::int(1))));
            second.unwrap_or_else(|| Ok(Value::string("ended")))
        },
    ));
    let bench = Bench::new(plugin, NEWEST);
    let (feed, source) = mpsc::sync_channel(1);
    let input = Input::list(std::iter::from_fn({
        let source = Mutex::new(source);
        move || source.lock().unwrap().recv().ok()
    }));
    let answer = bench.start_run("wait", none(), input);
    feed.send(Value::int(1)).unwrap();
    reads.recv_timeout(PATIENCE).unwrap();
    bench.signal(Signal::Interrupt);
    let error = super::bench::output(&answer).unwrap_err();
    assert_eq!(error.msg, "interrupted");
    drop(feed);
    bench.end();
}

#[test]
fn an_interrupt_ends_the_items_of_an_endless_range() {
    let (entered, reads) = mpsc::sync_channel(1);
    let plugin = Plugin::new("test", "1").command(Command::new("count", "Counts its input").run(
        move |call| {
            let mut count = 0;
            for item in call.items() {
                item?;
                let _ = entered.try_send(());
                count += 1;
            }
            Ok(Value::int(count))
        },
    ));
    let bench = Bench::new(plugin, NEWEST);
    let range = |end| {
        Value::Range(
            Box::new(Range::Int {
                start: 1,
                step: 1,
                end,
            }),
            Span::UNKNOWN,
        )
    };
    for (input, count) in [
        (range(Bound::Included(5)).into(), 5),
        (Value::list([Value::int(1), Value::int(2)]).into(), 2),
        (Value::int(1).into(), 1),
        (Input::Empty, 0),
        (numbers(4), 4),
    ] {
        assert_eq!(bench.value("count", none(), input), Ok(Value::int(count)));
    }
    reads.recv_timeout(PATIENCE).unwrap();
    let answer = bench.start_run("count", none(), range(Bound::Unbounded));
    reads.recv_timeout(PATIENCE).unwrap();
    bench.signal(Signal::Interrupt);
    let error = super::bench::output(&answer).unwrap_err();
    assert_eq!(error.msg, "interrupted");
    bench.end();
}

#[test]
fn functions_are_called_at_interrupts_until_they_are_taken_back() {
    let (called, calls) = mpsc::sync_channel(10);
    let (stop, stopped) = mpsc::sync_channel::<()>(0);
    let stopped = Arc::new(Mutex::new(stopped));
    let (ready, is_ready) = mpsc::sync_channel(1);
    let plugin =
        Plugin::new("test", "1").command(Command::new("listen", "Listens").run(move |call| {
            let (called, engine) = (called.clone(), call.engine().clone());
            let _one = call.engine().on_interrupt(move || {
                // It may ask the engine things, so nobody who reads may wait for it.
                let _ = called.send(engine.current_dir().is_ok());
            });
            let _two = call.engine().on_interrupt(|| panic!("in a listener"));
            let _ = ready.send(());
            let _ = stopped.lock().unwrap().recv();
            Ok(Value::bool(call.engine().is_interrupted()))
        }));
    let bench = Bench::new(plugin, NEWEST);
    let answer = bench.start_run("listen", none(), Input::Empty);
    is_ready.recv_timeout(PATIENCE).unwrap();
    bench.signal(Signal::Interrupt);
    assert_eq!(calls.recv_timeout(PATIENCE), Ok(true));
    stop.send(()).unwrap();
    assert_eq!(
        super::bench::output(&answer).and_then(Input::into_value),
        Ok(Value::bool(true))
    );
    bench.signal(Signal::Interrupt);
    bench.end();
    assert!(calls.try_recv().is_err());
}
