//! Streams of values, out of, into and through every flavour of the reference plugin: lazy, in order, held back.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::{
    FLAVOURS, Flavour, PATIENCE, Reference, error, field, for_each_flavour, impatient, int, ints,
    items, list, value,
};
use pegboard_host::protocol::Value;
use pegboard_host::{
    Error, ErrorKind, Flow, LabeledError, ListStream, Plugin, PluginConfig, State,
};
use pegboard_testkit::tree::wait_until;

/// A flavour of each kind: both encodings, both links, both ages. For what takes long.
const SOME: [Flavour; 3] = [FLAVOURS[0], FLAVOURS[3], FLAVOURS[4]];

/// Integers that count how far they were pulled, and say when they are dropped.
#[derive(Clone, Default)]
struct Watched {
    pulled: Arc<AtomicUsize>,
    dropped: Arc<AtomicBool>,
}

struct WatchedItems {
    watched: Watched,
    next: i64,
    end: i64,
}

impl Watched {
    fn flow(&self, count: i64) -> Flow {
        Flow::list(WatchedItems {
            watched: self.clone(),
            next: 0,
            end: count,
        })
    }

    fn pulled(&self) -> usize {
        self.pulled.load(Ordering::SeqCst)
    }

    fn is_dropped(&self) -> bool {
        self.dropped.load(Ordering::SeqCst)
    }
}

impl Iterator for WatchedItems {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        self.watched.pulled.fetch_add(1, Ordering::SeqCst);
        let number = self.next;
        self.next += 1;
        (number < self.end).then(|| Value::int(number))
    }
}

impl Drop for WatchedItems {
    fn drop(&mut self) {
        self.watched.dropped.store(true, Ordering::SeqCst);
    }
}

fn numbers(stream: &mut ListStream, count: usize) -> Vec<i64> {
    stream
        .take(count)
        .map(|item| int(&item.expect("an item")))
        .collect()
}

#[test]
fn a_hundred_thousand_items_come_out_in_order() {
    for flavour in SOME {
        let reference = Reference::new(flavour);
        let stream = list(reference.run("seq").argument(Value::int(100_000)));
        let mut wanted = 0;
        for item in stream {
            assert_eq!(int(&item.expect("an item")), wanted);
            wanted += 1;
        }
        assert_eq!(wanted, 100_000);
        reference.rests();
    }
}

#[test]
fn a_hundred_thousand_items_go_in() {
    for flavour in SOME {
        let reference = Reference::new(flavour);
        let flow = Flow::list(ints(0..100_000));
        assert_eq!(int(&value(reference.run("sum").input(flow))), 4_999_950_000);
    }
}

#[test]
fn items_pass_through_in_order() {
    for_each_flavour(|reference| {
        let mut stream = list(reference.run("echo").input(Flow::list(ints(0..6_000))));
        assert_eq!(
            numbers(&mut stream, usize::MAX),
            (0..6_000).collect::<Vec<_>>()
        );
        let tenth = value(
            reference
                .run("each-tenth")
                .input(Flow::list(ints(0..10_000))),
        );
        let tenth: Vec<_> = items(tenth).iter().map(int).collect();
        assert_eq!(tenth, (0..10_000).step_by(10).collect::<Vec<_>>());
        assert_eq!(
            value(reference.run("count").input(Flow::list(ints(0..1_000)))),
            Value::int(1_000)
        );
    });
}

#[test]
fn sums_take_lists_and_streams_of_integers_and_floats() {
    for_each_flavour(|reference| {
        let floats = || (0..100).map(|n| Value::float(f64::from(n) + 0.5));
        for (input, wanted) in [
            (Flow::value(Value::list(ints(0..100))), Value::int(4950)),
            (Flow::list(ints(0..100)), Value::int(4950)),
            (Flow::value(Value::list(floats())), Value::float(5000.0)),
            (Flow::list(floats()), Value::float(5000.0)),
            (Flow::list([]), Value::int(0)),
            (Flow::value(Value::list([])), Value::int(0)),
            (Flow::Empty, Value::int(0)),
        ] {
            assert_eq!(value(reference.run("sum").input(input)), wanted);
        }
        let got = error(
            reference
                .run("sum")
                .input(Flow::list([Value::int(1), Value::string("two")])),
        );
        assert_eq!(
            (got.kind(), got.to_string().as_str()),
            (ErrorKind::Plugin, "only numbers can be added")
        );
    });
}

#[test]
fn empty_streams_are_streams() {
    for_each_flavour(|reference| {
        let mut stream = list(reference.run("seq").argument(Value::int(0)));
        assert!(stream.next().is_none());
        assert!(stream.next().is_none());
        let mut stream = list(reference.run("echo").input(Flow::list([])));
        assert!(stream.next().is_none());
        reference.rests();
    });
}

#[test]
fn the_first_item_of_an_endless_stream_is_there_at_once() {
    for_each_flavour(|reference| {
        let mut endless = list(reference.run("endless"));
        assert_eq!(numbers(&mut endless, 3), [0, 1, 2]);
        // Held unread, it is in nobody's way.
        assert_eq!(
            int(&value(
                reference.run("sum").input(Flow::list(ints(0..1_000)))
            )),
            499_500
        );
        assert_eq!(numbers(&mut endless, 200), (3..203).collect::<Vec<_>>());
        assert_eq!(reference.plugin.status().active_calls, 1);
        drop(endless);
        reference.rests();

        // An item passes through although the next one is not there yet.
        let (give, take) = std::sync::mpsc::channel();
        let mut echo = list(reference.run("echo").input(Flow::list(take)));
        give.send(Value::int(1)).expect("somebody who waits");
        assert_eq!(numbers(&mut echo, 1), [1]);
        give.send(Value::int(2)).expect("somebody who waits");
        assert_eq!(numbers(&mut echo, 1), [2]);
        drop(give);
        assert!(echo.next().is_none());
    });
}

#[test]
fn describing_a_stream_reads_none_of_it() {
    for_each_flavour(|reference| {
        for _ in 0..10 {
            let watched = Watched::default();
            let got = value(reference.run("describe").input(watched.flow(i64::MAX)));
            assert_eq!(field(&got, "kind"), Value::string("list stream"));
            assert!(
                wait_until(PATIENCE, || watched.is_dropped()),
                "the input was kept"
            );
            assert!(watched.pulled() <= 110, "{}", watched.pulled());
        }
        reference.rests();
        assert_eq!(reference.plugin.status().starts, 1);
    });
}

#[test]
fn what_is_not_wanted_is_not_produced() {
    for_each_flavour(|reference| {
        let watched = Watched::default();
        let got = value(
            reference
                .run("head")
                .argument(Value::int(5))
                .input(watched.flow(i64::MAX)),
        );
        assert_eq!(items(got), ints(0..5).collect::<Vec<_>>());
        assert!(
            wait_until(PATIENCE, || watched.is_dropped()),
            "the input was kept"
        );
        assert!(watched.pulled() <= 5 + 110, "{}", watched.pulled());

        let watched = Watched::default();
        let got = value(reference.run("ignore").input(watched.flow(i64::MAX)));
        assert_eq!(got, Value::string("ignored"));
        assert!(
            wait_until(PATIENCE, || watched.is_dropped()),
            "the input was kept"
        );
        assert!(watched.pulled() <= 110, "{}", watched.pulled());
        reference.rests();
    });
}

#[test]
fn a_source_is_pulled_no_further_than_its_credit() {
    for_each_flavour(|reference| {
        let watched = Watched::default();
        let mut stream = list(reference.run("echo").input(watched.flow(i64::MAX)));
        let mut read = 0;
        for more in [1, 10, 200, 1_000] {
            numbers(&mut stream, more);
            read += more;
            // The item in hand, 100 on the way to the plugin, one in its hands, 100 on the way back.
            let most = read + 2 * 100 + 5;
            let mut last = usize::MAX;
            // It comes to rest, and where it does is the most it ever was.
            assert!(wait_until(PATIENCE, || std::mem::replace(
                &mut last,
                watched.pulled()
            ) == last));
            assert!(
                watched.pulled() <= most,
                "{} pulled for {read} that were read",
                watched.pulled()
            );
            assert!(watched.pulled() >= read);
        }
        drop(stream);
        assert!(
            wait_until(PATIENCE, || watched.is_dropped()),
            "the input was kept"
        );
        assert!(
            watched.pulled() <= read + 2 * 100 + 10,
            "{} pulled for {read}",
            watched.pulled()
        );
        reference.rests();
    });
}

#[test]
fn a_plugin_that_consumes_slowly_slows_its_source() {
    for_each_flavour(|reference| {
        // It stops reading after one item, and goes on to hold the stream while a closure waits.
        let watched = Watched::default();
        let context = pegboard_host::AppContext::new();
        let (go, gone) = std::sync::mpsc::channel::<()>();
        let gone = std::sync::Mutex::new(gone);
        let closure = context.closure(move |_, input| {
            drop(input);
            let _ = gone.lock().expect("the only user").recv();
            Ok(Flow::Empty)
        });
        let run = reference
            .run("nested")
            .argument(closure)
            .input(watched.flow(i64::MAX));
        let mut stream = list(run.context(Arc::new(context)));
        let mut last = usize::MAX;
        assert!(wait_until(PATIENCE, || {
            let now = watched.pulled();
            now >= 100 && std::mem::replace(&mut last, now) == now
        }));
        assert!(watched.pulled() <= 105, "{}", watched.pulled());
        drop(go);
        assert_eq!(stream.next().map(Result::ok), Some(Some(Value::nothing())));
        drop(stream);
        assert!(
            wait_until(PATIENCE, || watched.is_dropped()),
            "the input was kept"
        );
    });
}

#[test]
fn dropping_a_stream_early_ends_its_producer() {
    for_each_flavour(|reference| {
        for _ in 0..10 {
            let mut stream = list(reference.run("endless"));
            assert!(stream.next().is_some());
        }
        for _ in 0..10 {
            drop(list(reference.run("seq").argument(Value::int(1_000_000))));
        }
        reference.rests();
        assert_eq!(reference.plugin.status().starts, 1);
    });
}

#[test]
fn an_error_inside_a_stream_is_an_item_in_its_place() {
    for_each_flavour(|reference| {
        let got = items(value(
            reference.run("error").flag("in-stream", Value::int(2)),
        ));
        assert_eq!(got[..2], [Value::int(0), Value::int(1)]);
        assert!(
            matches!(&got[2], Value::Error(error, _) if error.msg == "reference error"),
            "{:?}",
            got[2]
        );
        assert_eq!(got[3..], [Value::string("after the error")]);
    });
}

#[test]
fn an_error_of_the_source_reaches_the_plugin_and_ends_the_stream() {
    for_each_flavour(|reference| {
        let broken = || -> Flow {
            let error =
                Error::misuse(LabeledError::new("the file is gone").with_code("test::gone"));
            Flow::List(ListStream::new([
                Ok(Value::int(1)),
                Err(error),
                Ok(Value::int(2)),
            ]))
        };
        let got = error(reference.run("sum").input(broken()));
        assert_eq!(
            (got.kind(), got.to_string().as_str()),
            (ErrorKind::Plugin, "the file is gone")
        );
        let got = items(value(reference.run("echo").input(broken())));
        assert_eq!(got.len(), 2, "{got:?}");
        assert!(
            matches!(&got[1], Value::Error(error, _) if error.code.as_deref() == Some("test::gone"))
        );
        reference.rests();
    });
}

#[test]
fn a_plugin_that_dies_inside_a_stream_fails_it_there() {
    for_each_flavour(|reference| {
        let run = reference
            .run("crash")
            .argument(Value::string("mid-stream"))
            .argument(Value::int(3));
        let mut stream = list(run);
        let mut got = 0;
        let error = loop {
            match stream.next() {
                Some(Ok(item)) => assert_eq!(int(&item), got),
                Some(Err(error)) => break error,
                None => panic!("the stream ended as if it were complete"),
            }
            got += 1;
        };
        assert!(got <= 3, "{got}");
        assert_eq!(error.kind(), ErrorKind::Gone);
        let exit = error
            .diagnosis()
            .and_then(|diagnosis| diagnosis.exit.clone());
        assert_eq!(exit.as_deref(), Some("exit code 1"), "{error}");
        assert!(stream.next().is_none());
        assert_eq!(reference.value("count"), Value::int(0));
        assert_eq!(reference.plugin.status().starts, 2);
    });
}

/// Runs a stream through one plugin after the other.
fn pipe(plugins: &[&Plugin], flow: Flow) -> Flow {
    plugins.iter().fold(flow, |flow, plugin| {
        plugin
            .run("ref echo")
            .input(flow)
            .call()
            .expect("the stream goes on")
    })
}

#[test]
fn streams_go_through_several_plugins_at_once() {
    let all: Vec<_> = FLAVOURS.into_iter().map(Reference::new).collect();
    let plugins: Vec<_> = all.iter().map(|reference| &reference.plugin).collect();
    for count in [2, 3, plugins.len()] {
        let source = list(plugins[0].run("ref seq").argument(Value::int(5_000)));
        let through = pipe(&plugins[..count], Flow::List(source));
        let Flow::List(mut stream) = through else {
            panic!("no list stream")
        };
        assert_eq!(
            numbers(&mut stream, usize::MAX),
            (0..5_000).collect::<Vec<_>>()
        );

        let watched = Watched::default();
        let Flow::List(mut stream) = pipe(&plugins[..count], watched.flow(i64::MAX)) else {
            panic!("no list stream")
        };
        assert_eq!(numbers(&mut stream, 10), (0..10).collect::<Vec<_>>());
        assert!(
            watched.pulled() <= 10 + (count + 1) * 105,
            "{}",
            watched.pulled()
        );
        drop(stream);
        assert!(
            wait_until(PATIENCE, || watched.is_dropped()),
            "the input was kept"
        );
        all.iter().for_each(Reference::rests);
    }
}

#[test]
fn a_stream_goes_through_the_same_plugin_again() {
    for_each_flavour(|reference| {
        let plugins = vec![&reference.plugin; 5];
        let Flow::List(mut stream) = pipe(&plugins, Flow::list(ints(0..600))) else {
            panic!("no list stream")
        };
        assert_eq!(
            numbers(&mut stream, usize::MAX),
            (0..600).collect::<Vec<_>>()
        );
        // A source that ends late is let go of in time, however long it is silent.
        let source = list(reference.run("endless").flag("sleep", Value::int(20)));
        let Flow::List(mut stream) = pipe(&plugins, Flow::List(source)) else {
            panic!("no list stream")
        };
        assert_eq!(numbers(&mut stream, 1), [0]);
        drop(stream);
        reference.rests();
    });
}

#[test]
fn a_stream_that_waits_for_its_source_lets_go_of_it_when_it_is_dropped() {
    let make = |flavour| Reference::with(flavour, PluginConfig::default(), impatient);
    let all: Vec<_> = FLAVOURS.into_iter().map(make).collect();
    for pair in all.windows(2) {
        let [source, sink] = pair else {
            panic!("no pair")
        };
        // The source gives nothing for an hour, and the thread that feeds the sink waits for it.
        let hour = Value::int(3_600_000);
        let silent = list(source.run("endless").flag("sleep", hour));
        let got = value(sink.run("ignore").input(Flow::List(silent)));
        assert_eq!(got, Value::string("ignored"));
        sink.rests();
        let began = Instant::now();
        source.plugin.stop();
        assert!(began.elapsed() < Duration::from_secs(10));
        assert_eq!(source.plugin.status().state, State::Stopped);
    }
}

#[test]
fn sixty_four_threads_at_once_on_one_plugin_and_on_several() {
    let all: Vec<_> = FLAVOURS.into_iter().map(Reference::new).collect();
    std::thread::scope(|scope| {
        for thread in 0..64_usize {
            let all = &all;
            scope.spawn(move || {
                for round in 0..6 {
                    // The first plugin gets half of all calls.
                    let place = thread + round;
                    let reference = &all[if place % 2 == 0 {
                        0
                    } else {
                        1 + place / 2 % (all.len() - 1)
                    }];
                    let own = i64::try_from(thread * 1_000 + round).expect("a small number");
                    match round % 3 {
                        0 => {
                            let run = reference.run("echo").input(Value::int(own));
                            assert_eq!(value(run), Value::int(own));
                        }
                        1 => {
                            let run = reference.run("sum").input(Flow::list(ints(own..own + 300)));
                            assert_eq!(int(&value(run)), (own..own + 300).sum::<i64>());
                        }
                        _ => {
                            let run = reference
                                .run("seq")
                                .argument(Value::int(300))
                                .flag("start", Value::int(own));
                            let got = numbers(&mut list(run), usize::MAX);
                            assert_eq!(got, (own..own + 300).collect::<Vec<_>>());
                        }
                    }
                }
            });
        }
    });
    for reference in &all {
        reference.rests();
        assert_eq!(reference.plugin.status().starts, 1);
    }
}
