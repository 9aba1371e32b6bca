//! How connections end: everybody who waits is told, whatever breaks and whenever.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Instant;

use pegboard_protocol::Value;
use pegboard_protocol::codec::Encoding;
use pegboard_protocol::nu::{StreamItem, StreamKind};
use pegboard_protocol::session::{Failure, FailureKind, Session};
use pegboard_transport::{Link, Sink, Source, StreamError};

use super::pair::{
    BOTH, Outcome, PATIENCE, Pair, deadline, output_of, start_host, value_of, within,
};

/// Runs a case that ends the connection itself, in both encodings.
fn check(case: impl Fn(Pair) + Send + Sync + 'static) {
    let case = std::sync::Arc::new(case);
    for encoding in BOTH {
        let case = case.clone();
        within(PATIENCE, move || {
            case(Pair::new(Link::memory(), encoding, None))
        });
    }
}

fn int(number: i64) -> StreamItem {
    StreamItem::List(Value::int(number))
}

fn unplugged() -> Failure {
    Failure::new(FailureKind::Local, "it was unplugged")
}

#[test]
fn all_that_waits_is_told() {
    check(|pair| {
        let silent = pair.run("silence", Value::int(1));
        let (held, out) = pair.feed("hold", StreamKind::List);
        assert!(matches!(
            held.recv_timeout(PATIENCE),
            Ok(Outcome::Response(..))
        ));
        let (passing, input) = pair.feed("pass", StreamKind::List);
        let mut output = output_of(&passing);
        let (watched, unwanted) = mpsc::channel();
        input.on_unwanted(move || watched.send(()).unwrap());
        std::thread::scope(|scope| {
            let producer = scope.spawn(move || while out.send(int(1)).is_ok() {});
            let consumer = scope.spawn(move || {
                assert_eq!(
                    output.next_item(None),
                    Some(Err(StreamError::Failed(unplugged())))
                );
                assert_eq!(output.next_item(None), None);
            });
            pair.host.fail(unplugged());
            producer.join().unwrap();
            consumer.join().unwrap();
        });
        unwanted.recv_timeout(PATIENCE).unwrap();
        assert!(matches!(silent.recv_timeout(PATIENCE), Ok(Outcome::Failed)));
        assert_eq!(pair.host_side.ended(), unplugged());
        assert_eq!(pair.host.failure(), Some(unplugged()));
        assert_eq!(pair.plugin_side.ended().kind, FailureKind::Closed);
    });
}

#[test]
fn what_is_opened_after_the_end_does_not_wait() {
    // A stream could be opened and took items until its credit was used up, and then waited for ever.
    check(|pair| {
        pair.host.fail(unplugged());
        let (_, out) = pair.host.open_stream(StreamKind::List);
        assert!((0..200).all(|number| out.send(int(number)).is_err()));
    });
}

#[test]
fn closing_sends_first_what_is_queued() {
    check(|pair| {
        let large = Value::string("x".repeat(2 << 20));
        let _calls = [
            pair.run("silence", large.clone()),
            pair.run("silence", large),
        ];
        pair.host.session(Session::goodbye);
        pair.host.close_sink();
        assert_eq!(pair.plugin_side.ended().kind, FailureKind::Closed);
        assert_eq!(pair.plugin_side.calls.load(Ordering::Relaxed), 2);
    });
}

#[test]
fn nothing_more_is_sent_after_closing_and_nobody_is_blamed_for_it() {
    // The host took its own closed link for the plugin's and ended the session after a grace.
    check(|pair| {
        pair.host.close_sink();
        pair.host
            .session(|session| session.signal(pegboard_protocol::nu::Signal::Reset));
        assert_eq!(
            pair.plugin_side.ended().message,
            "the connection was closed"
        );
        assert_eq!(pair.host_side.ended().message, "the connection was closed");
    });
}

/// A sink that breaks in a way of its own at some byte.
struct Breaking {
    sink: Box<dyn Sink>,
    left: usize,
    how: io::ErrorKind,
}

impl Sink for Breaking {
    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(self.how.into());
        }
        let count = self.sink.try_write(&bytes[..bytes.len().min(self.left)])?;
        self.left -= count;
        Ok(count)
    }

    fn write(&mut self, bytes: &[u8], _: Option<Instant>) -> io::Result<usize> {
        self.try_write(bytes)
    }
}

#[test]
fn a_link_that_breaks_while_writing() {
    // Nobody was told: the failure was found in the last write, after the last look at what is to be told.
    within(PATIENCE, || {
        // Somewhere in the call, behind the Hello.
        for left in [80, 100, 150] {
            let (one, two) = Link::memory();
            let how = io::ErrorKind::StorageFull;
            let sink = Box::new(Breaking {
                sink: one.sink,
                left,
                how,
            });
            let one = Link {
                source: one.source,
                sink,
                hangup: one.hangup,
            };
            let pair = Pair::new((one, two), Encoding::Json, None);
            let call = pair.run("echo", Value::int(1));
            assert_eq!(pair.host_side.ended().kind, FailureKind::Link);
            assert!(matches!(call.recv_timeout(PATIENCE), Ok(Outcome::Failed)));
            pair.plugin_side.ended();
        }
    });
}

#[test]
fn a_peer_that_closes_its_input_only() {
    within(PATIENCE, || {
        let (one, two) = Link::memory();
        let Link {
            source,
            mut sink,
            hangup: _hangup,
        } = two;
        drop(source);
        sink.write(b"\x04json", None).unwrap();
        let hello = r#"{"Hello":{"protocol":"nu-plugin","version":"0.115.1","features":[]}}"#;
        sink.write(hello.as_bytes(), None).unwrap();
        let (host, side) = start_host(one, None);
        let failure = side.ended();
        assert_eq!(failure.message, "it closed its input and went on running");
        assert_eq!(host.failure(), Some(failure));
        drop(sink);
    });
}

#[test]
fn the_last_words_of_a_peer_that_closed_its_input_count() {
    within(PATIENCE, || {
        let (one, two) = Link::memory();
        let Link {
            source,
            mut sink,
            hangup: _hangup,
        } = two;
        sink.write(b"\x04json", None).unwrap();
        let hello = r#"{"Hello":{"protocol":"nu-plugin","version":"0.115.1","features":[]}}"#;
        sink.write(hello.as_bytes(), None).unwrap();
        let (host, side) = start_host(one, None);
        let call = super::pair::run("echo", None, Default::default());
        let call = super::pair::try_call(&host, &side, call).unwrap();
        drop(source);
        host.session(|session| session.signal(pegboard_protocol::nu::Signal::Reset));
        sink.write(br#"{"CallResponse":[0,{"PipelineData":{"Value":[{"Bool":{"val":true,"span":{"start":0,"end":0}}},null]}}]}"#, None).unwrap();
        assert_eq!(value_of(&call), Value::bool(true));
        drop(sink);
        assert_eq!(side.ended().message, "the connection was closed");
    });
}

#[test]
fn a_violation_ends_the_link_too() {
    // The link stayed open, so that the peer and a writer that was stuck waited for ever.
    check(|pair| {
        let (held, out) = pair.feed("hold", StreamKind::Raw);
        assert!(matches!(
            held.recv_timeout(PATIENCE),
            Ok(Outcome::Response(..))
        ));
        // A second Hello of another version.
        pair.host.session(|session| {
            let hello = pegboard_protocol::nu::Hello {
                protocol: "nu-plugin".to_owned(),
                version: "0.99.0".to_owned(),
                features: Vec::new(),
            };
            session.receive(pegboard_protocol::nu::Message::Hello(hello), 1);
        });
        assert_eq!(pair.host_side.ended().kind, FailureKind::Violation);
        while out.send(StreamItem::Raw(vec![0; 1 << 16])).is_ok() {}
        assert_eq!(pair.plugin_side.ended().kind, FailureKind::Closed);
        assert_eq!(pair.host_side.ended().kind, FailureKind::Violation);
    });
}

#[test]
fn a_hangup_while_the_writer_is_stuck() {
    within(PATIENCE, || {
        let (one, two) = Link::memory();
        let Link {
            source: _source,
            mut sink,
            hangup: _hangup,
        } = two;
        sink.write(b"\x04json", None).unwrap();
        let hello = r#"{"Hello":{"protocol":"nu-plugin","version":"0.115.1","features":[]}}"#;
        sink.write(hello.as_bytes(), None).unwrap();
        let hangup = one.hangup.clone();
        let (host, side) = start_host(one, None);
        // Nobody reads this, and it is more than fits.
        let large = Value::string("x".repeat(2 << 20));
        let call = super::pair::run("echo", Some(large), Default::default());
        let call = super::pair::try_call(&host, &side, call).unwrap();
        let (id, out) = host.open_stream(StreamKind::List);
        let feed = super::pair::run("hold", None, super::pair::list(id));
        let feed = super::pair::try_call(&host, &side, feed).unwrap();
        std::thread::scope(|scope| {
            let producer = scope.spawn(|| while out.send(int(1)).is_ok() {});
            // The session did not hear of a hangup that was not its own.
            hangup.hang_up();
            producer.join().unwrap();
        });
        assert_eq!(side.ended().message, "the link was hung up");
        assert!(matches!(call.recv_timeout(PATIENCE), Ok(Outcome::Failed)));
        assert!(matches!(feed.recv_timeout(PATIENCE), Ok(Outcome::Failed)));
    });
}

/// Gives so many bytes and then the end.
struct Cut {
    source: Box<dyn Source>,
    left: usize,
}

impl Source for Cut {
    fn read(&mut self, buffer: &mut [u8], deadline: Option<Instant>) -> io::Result<usize> {
        let most = self.left.min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let count = self.source.read(&mut buffer[..most], deadline)?;
        self.left -= count;
        Ok(count)
    }
}

#[test]
fn a_plugin_that_vanishes_at_every_byte() {
    at_every_byte(|encoding, left| vanish(encoding, left, usize::MAX));
}

#[test]
fn a_host_that_vanishes_at_every_byte() {
    at_every_byte(|encoding, left| vanish(encoding, usize::MAX, left));
}

fn at_every_byte(case: impl Fn(Encoding, usize) -> bool + Copy + Send + 'static) {
    for encoding in BOTH {
        // Longer than all that is said.
        let finished = within(PATIENCE, move || {
            (0..2_000).any(|left| case(encoding, left))
        });
        assert!(finished, "the conversation is longer than that");
    }
}

fn cut(link: Link, left: usize) -> Link {
    let source = Box::new(Cut {
        source: link.source,
        left,
    });
    Link {
        source,
        sink: link.sink,
        hangup: link.hangup,
    }
}

/// Runs a conversation of which each side hears so many bytes; true if that is all.
fn vanish(encoding: Encoding, host_hears: usize, plugin_hears: usize) -> bool {
    let (one, two) = Link::memory();
    let (one, two) = (cut(one, host_hears), cut(two, plugin_hears));
    std::thread::scope(|scope| {
        let plugin = scope.spawn(move || {
            let side = std::sync::Arc::<super::pair::PluginSide>::default();
            pegboard_transport::Connection::start_plugin(
                two,
                super::pair::plugin_settings(encoding),
                |connection| {
                    side.connect(connection);
                    side.clone()
                },
            )
            .ok()
            .map(|connection| (connection, side))
        });
        let side = std::sync::Arc::<super::pair::HostSide>::default();
        let started = pegboard_transport::Connection::start_engine(
            one,
            super::pair::engine_settings(),
            |connection| {
                side.connect(connection);
                side.clone()
            },
        );
        let Ok(host) = started else {
            if let Some((_, side)) = plugin.join().unwrap() {
                side.ended();
            }
            return false;
        };
        let call = |name, input| {
            let call = super::pair::run(name, Some(Value::string("A")), input);
            super::pair::try_call(&host, &side, call).ok()
        };
        let (id, out) = host.open_stream(StreamKind::List);
        let calls = [
            call("pass", super::pair::list(id)),
            call("ask", Default::default()),
            call("echo", Default::default()),
        ];
        let _ = (0..5).all(|number| out.send(int(number)).is_ok());
        drop(out);
        let mut complete = true;
        for call in calls {
            let Some(call) = call else {
                complete = false;
                continue;
            };
            loop {
                match call.recv_timeout(PATIENCE).unwrap() {
                    Outcome::Response(_, output) => {
                        let mut output = output;
                        while let Some(item) =
                            output.as_mut().and_then(|out| out.next_item(deadline()))
                        {
                            complete &= item.is_ok();
                        }
                    }
                    Outcome::Closed => break,
                    Outcome::Failed => {
                        complete = false;
                        break;
                    }
                }
            }
        }
        host.fail(unplugged());
        side.ended();
        if let Some((_, side)) = plugin.join().unwrap() {
            side.ended();
        }
        complete
    })
}
