//! Streams both ways, in order, held back, given up and stopped.

use std::sync::mpsc;

use pegboard_protocol::Value;
use pegboard_protocol::nu::{StreamItem, StreamKind};
use pegboard_transport::{StreamError, Unwanted};

use super::pair::{Outcome, PATIENCE, check, deadline, output_of, sum, value_of};

fn int(number: i64) -> StreamItem {
    StreamItem::List(Value::int(number))
}

#[test]
fn a_long_list_both_ways_at_once() {
    const ITEMS: i64 = 100_000;
    check(|pair| {
        let (call, out) = pair.feed("pass", StreamKind::List);
        let mut output = output_of(&call);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                for number in 0..ITEMS {
                    out.send(int(number)).unwrap();
                }
            });
            for number in 0..ITEMS {
                assert_eq!(output.next_item(deadline()), Some(Ok(int(number))));
            }
        });
        assert_eq!(output.next_item(deadline()), None);
        assert_eq!(output.next_item(deadline()), None);
        assert!(matches!(call.recv_timeout(PATIENCE), Ok(Outcome::Closed)));
    });
}

#[test]
fn items_sent_together_come_one_by_one() {
    const ITEMS: i64 = 10_000;
    check(|pair| {
        let (call, out) = pair.feed("pass", StreamKind::List);
        let mut output = output_of(&call);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let mut next = 0;
                // Batches of all sizes, also of more than a message takes.
                for count in (0..400).cycle().step_by(7) {
                    let end = ITEMS.min(next + count);
                    out.send(StreamItem::Items((next..end).map(Value::int).collect()))
                        .unwrap();
                    next = end;
                    if next == ITEMS {
                        break;
                    }
                }
            });
            for number in 0..ITEMS {
                assert_eq!(output.next_item(deadline()), Some(Ok(int(number))));
            }
        });
        assert_eq!(output.next_item(deadline()), None);
    });
}

#[test]
fn bytes_both_ways_with_a_checksum() {
    check(|pair| {
        let (call, out) = pair.feed("pass", StreamKind::Raw);
        let output = output_of(&call);
        let chunks: Vec<Vec<u8>> = (0..600u32)
            .map(|n| {
                (0..n * 7)
                    .map(|at| (at.wrapping_mul(31) ^ n) as u8)
                    .collect()
            })
            .collect();
        let expected: i64 = chunks.iter().flatten().map(|byte| i64::from(*byte)).sum();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                for chunk in chunks {
                    out.send(StreamItem::Raw(chunk)).unwrap();
                }
            });
            assert_eq!(sum(output), expected);
        });
    });
}

#[test]
fn many_streams_at_once() {
    check(|pair| {
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let (call, out) = pair.feed("sum", StreamKind::List);
                    for number in 0..2_000 {
                        out.send(int(number)).unwrap();
                    }
                    drop(out);
                    assert_eq!(value_of(&call), Value::int(1_999_000));
                });
                scope.spawn(|| {
                    let call = pair.run("count", Value::int(2_000));
                    assert_eq!(sum(output_of(&call)), 1_999_000);
                });
            }
        });
    });
}

#[test]
fn who_stops_reading_stalls_its_producer_only() {
    check(|pair| {
        let call = pair.run("count", Value::int(1_000));
        let mut unread = output_of(&call);
        assert_eq!(unread.next_item(deadline()), Some(Ok(int(0))));
        let (held, out) = pair.feed("hold", StreamKind::List);
        assert!(matches!(
            held.recv_timeout(PATIENCE),
            Ok(Outcome::Response(..))
        ));
        let (sent, full) = mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let sent_all = (0..100_000).all(|number| {
                    let _ = sent.send(number);
                    out.send(int(number)).is_ok()
                });
                assert!(!sent_all, "nobody reads, so the credit does not suffice");
            });
            // The item that is one too many is being waited for.
            assert!(full.iter().any(|number| number == 100));
            for number in 0..200 {
                assert_eq!(
                    value_of(&pair.run("echo", Value::int(number))),
                    Value::int(number)
                );
            }
            assert_eq!(
                sum(output_of(&pair.run("count", Value::int(5_000)))),
                12_497_500
            );
            // Giving the input up wakes its producer.
            pair.plugin_side.held.lock().unwrap().clear();
        });
        for number in 1..1_000 {
            assert_eq!(unread.next_item(deadline()), Some(Ok(int(number))));
        }
        assert_eq!(unread.next_item(deadline()), None);
    });
}

#[test]
fn a_reader_that_goes_ends_the_producer() {
    check(|pair| {
        let call = pair.run("count", Value::int(i64::MAX));
        let mut output = output_of(&call);
        for number in 0..250 {
            assert_eq!(output.next_item(deadline()), Some(Ok(int(number))));
        }
        drop(output);
        // The call is over as soon as the producer has said so.
        assert!(matches!(call.recv_timeout(PATIENCE), Ok(Outcome::Closed)));
    });
}

#[test]
fn a_stop_from_another_thread() {
    check(|pair| {
        let (call, out) = pair.feed("pass", StreamKind::List);
        let mut output = output_of(&call);
        let stop = output.stop_handle();
        assert!(!stop.is_over());
        std::thread::scope(|scope| {
            let reader = scope.spawn(move || {
                let first = output.next_item(deadline());
                let second = output.next_item(deadline());
                (first, second, output.next_item(deadline()))
            });
            scope.spawn(move || stop.stop());
            let (first, second, third) = reader.join().unwrap();
            assert_eq!(first, Some(Err(StreamError::Stopped)));
            assert_eq!((second, third), (None, None));
        });
        // The stopped reader is gone, and the plugin's producer with it; so is its input.
        while out.send(int(1)).is_ok() {}
        assert!(matches!(call.recv_timeout(PATIENCE), Ok(Outcome::Closed)));
    });
}

#[test]
fn a_deadline_passes_and_the_stream_goes_on() {
    check(|pair| {
        let (call, out) = pair.feed("pass", StreamKind::List);
        let mut output = output_of(&call);
        let now = Some(std::time::Instant::now());
        assert_eq!(output.next_item(now), Some(Err(StreamError::TimedOut)));
        out.send(int(1)).unwrap();
        assert_eq!(output.next_item(deadline()), Some(Ok(int(1))));
    });
}

#[test]
fn a_watcher_is_called_once() {
    check(|pair| {
        let (call, out) = pair.feed("drop", StreamKind::List);
        let (sender, receiver) = mpsc::channel();
        out.on_unwanted(move || sender.send(()).unwrap());
        receiver.recv_timeout(PATIENCE).unwrap();
        assert!(
            receiver.recv_timeout(PATIENCE).is_err(),
            "the watcher is gone once it was called"
        );
        assert_eq!(out.send(int(1)), Err(Unwanted));
        assert!(matches!(
            call.recv_timeout(PATIENCE),
            Ok(Outcome::Response(..))
        ));
    });
}

#[test]
fn a_watcher_that_comes_too_late_is_called_all_the_same() {
    // It was not: the consumer had gone before anybody watched.
    check(|pair| {
        let (_call, out) = pair.feed("drop", StreamKind::List);
        while out.send(int(1)).is_ok() {}
        let (sender, receiver) = mpsc::channel();
        out.on_unwanted(move || sender.send(()).unwrap());
        receiver.recv_timeout(PATIENCE).unwrap();
    });
}

#[test]
fn a_stream_whose_header_was_refused_is_not_heard_of() {
    // Its End was sent, which is a violation to a peer that never heard of the stream.
    check(|pair| {
        let call = pair.run("echo", Value::int(1));
        value_of(&call);
        let (id, out) = pair.plugin.open_stream(StreamKind::List);
        let response = pegboard_protocol::nu::Response::Data(super::pair::list(id));
        let refused = pair
            .plugin
            .session(|session| session.respond(pegboard_protocol::nu::CallId(99), response));
        assert!(refused.is_err());
        drop(out);
        assert_eq!(value_of(&pair.run("echo", Value::int(2))), Value::int(2));
    });
}

#[test]
fn a_wrong_item_breaks_its_stream_only() {
    check(|pair| {
        let (call, out) = pair.feed("sum", StreamKind::List);
        out.send(int(4)).unwrap();
        out.send(StreamItem::Raw(vec![1])).unwrap();
        assert_eq!(value_of(&call), Value::int(4));
        assert_eq!(value_of(&pair.run("echo", Value::int(2))), Value::int(2));
    });
}
