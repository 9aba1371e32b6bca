//! Calls and engine calls, one after the other and many at once.

use std::sync::mpsc;

use pegboard_protocol::Value;
use pegboard_protocol::nu::{Call, Header, Response, StreamKind};

use super::pair::{Outcome, PATIENCE, check, list, run, try_call, value_of};

#[test]
fn calls_one_after_the_other() {
    check(|pair| {
        for number in 0..100 {
            assert_eq!(
                value_of(&pair.run("echo", Value::int(number))),
                Value::int(number)
            );
        }
        let call = pair.call(Call::Metadata);
        assert!(matches!(
            call.recv_timeout(PATIENCE),
            Ok(Outcome::Response(Response::Ok, None))
        ));
        assert!(matches!(call.recv_timeout(PATIENCE), Ok(Outcome::Closed)));
    });
}

#[test]
fn thousands_of_calls_at_once() {
    check(|pair| {
        std::thread::scope(|scope| {
            for thread in 0..8 {
                scope.spawn(move || {
                    let numbers = thread * 500..(thread + 1) * 500;
                    let calls: Vec<_> = numbers
                        .map(|number| (number, pair.run("echo", Value::int(number))))
                        .collect();
                    for (number, call) in calls {
                        assert_eq!(value_of(&call), Value::int(number));
                    }
                });
            }
        });
        assert_eq!(pair.host.ask(|session| session.open_calls()), 0);
    });
}

#[test]
fn engine_calls_from_many_calls_at_once() {
    check(|pair| {
        let names = (0..500).map(|number| format!("NAME_{number}"));
        let calls: Vec<_> = names
            .map(|name| (name.clone(), pair.run("ask", Value::string(name))))
            .collect();
        for (name, call) in calls {
            assert_eq!(value_of(&call), Value::string(name));
        }
    });
}

#[test]
fn large_values_both_ways() {
    check(|pair| {
        // Far more than the link takes at once.
        let large = Value::string("x".repeat(3 << 20));
        let one = pair.run("echo", large.clone());
        let two = pair.run("echo", large.clone());
        assert_eq!(value_of(&one), large);
        assert_eq!(value_of(&two), large);
    });
}

#[test]
fn calls_made_while_being_told_of_something() {
    check(|pair| {
        let (sender, receiver) = mpsc::channel();
        let (id, out) = pair.host.open_stream(StreamKind::List);
        let (host, side) = (pair.host.clone(), pair.host_side.clone());
        // The plugin drops its input inside its handler, and this is called inside ours.
        out.on_unwanted(move || {
            let call = run("echo", Some(Value::int(5)), Header::Empty);
            let _ = sender.send(try_call(&host, &side, call));
        });
        let call = pair.call(run("drop", None, list(id)));
        assert!(matches!(
            call.recv_timeout(PATIENCE),
            Ok(Outcome::Response(Response::Ok, None))
        ));
        let inner = receiver.recv_timeout(PATIENCE).unwrap().unwrap();
        assert_eq!(value_of(&inner), Value::int(5));
    });
}

#[test]
fn a_panic_in_the_handler_ends_the_session_instead_of_hanging() {
    // It hung: the thread that told what happened was gone, and nobody took its place.
    super::pair::within(PATIENCE, || {
        let link = pegboard_transport::Link::memory();
        let pair = super::pair::Pair::new(link, pegboard_protocol::codec::Encoding::Json, None);
        let call = pair.call(run("panic", None, Header::Empty));
        assert!(matches!(call.recv_timeout(PATIENCE), Ok(Outcome::Failed)));
        assert!(pair.plugin_side.ended().message.contains("panicked"));
        pair.host_side.ended();
    });
}
