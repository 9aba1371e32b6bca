//! Streams of bytes, out of, into and through every flavour of the reference plugin.

mod common;

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use common::{
    FLAVOURS, PATIENCE, Reference, byte_flow, bytes, check_pattern, error, for_each_flavour,
    pattern, text, value,
};
use pegboard_host::protocol::nu::ByteStreamKind;
use pegboard_host::{ByteStream, Error, ErrorKind, Flow, Value};
use pegboard_testkit::tree::wait_until;

const MIB: usize = 1 << 20;

/// A reader without an end that counts what was read, and says when it is dropped.
#[derive(Clone, Default)]
struct Watched {
    read: Arc<AtomicUsize>,
    dropped: Arc<AtomicBool>,
}

struct WatchedReader(Watched);

impl Read for WatchedReader {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        buffer.fill(b'w');
        self.0.read.fetch_add(buffer.len(), Ordering::SeqCst);
        Ok(buffer.len())
    }
}

impl Drop for WatchedReader {
    fn drop(&mut self) {
        self.0.dropped.store(true, Ordering::SeqCst);
    }
}

#[test]
fn ten_megabytes_come_out_as_they_were() {
    let count = 10 * MIB;
    let reference = Reference::new(FLAVOURS[2]);
    let run = reference
        .run("bytes")
        .argument(Value::int(i64::try_from(count).expect("fits")));
    check_pattern(bytes(run), count, 256);
    reference.rests();
}

#[test]
fn fifty_megabytes_go_through_as_they_were() {
    let reference = Reference::new(FLAVOURS[0]);
    let flow = byte_flow(50 * MIB, ByteStreamKind::Binary);
    check_pattern(bytes(reference.run("echo").input(flow)), 50 * MIB, 251);
    reference.rests();
}

#[test]
fn bytes_pass_through_every_flavour() {
    for_each_flavour(|reference| {
        for count in [0, 1, 8191, 8192, 8193, MIB] {
            let stream = bytes(
                reference
                    .run("echo")
                    .input(byte_flow(count, ByteStreamKind::Binary)),
            );
            assert_eq!(stream.kind, ByteStreamKind::Binary);
            check_pattern(stream, count, 251);
        }
        let run = reference
            .run("collect-bytes")
            .input(byte_flow(MIB / 4, ByteStreamKind::Unknown));
        let Value::Binary(got, _) = value(run) else {
            panic!("no binary")
        };
        check_pattern(&got[..], MIB / 4, 251);
        reference.rests();
    });
}

#[test]
fn chunks_of_any_size_come_out() {
    for_each_flavour(|reference| {
        for (count, chunk) in [(1000, 1), (200_000, 100_000), (10, 100)] {
            let run = reference
                .run("bytes")
                .argument(Value::int(count))
                .flag("chunk", Value::int(chunk));
            let Value::Binary(got, _) = value(run) else {
                panic!("no binary")
            };
            let wanted: Vec<_> = (0..count).map(|n| (n % 256) as u8).collect();
            assert_eq!(got, wanted);
        }
    });
}

#[test]
fn the_kind_of_bytes_is_kept_and_decides_what_they_become() {
    for_each_flavour(|reference| {
        for (name, kind, wanted) in [
            ("binary", ByteStreamKind::Binary, Value::binary(*b"abc")),
            ("string", ByteStreamKind::String, Value::string("abc")),
            ("unknown", ByteStreamKind::Unknown, Value::string("abc")),
        ] {
            let run = reference
                .run("bytes")
                .argument(Value::int(3))
                .flag("type", Value::string(name));
            let stream = bytes(run);
            assert_eq!(stream.kind, kind);
            if kind != ByteStreamKind::Binary {
                assert_eq!(Flow::Bytes(stream).into_value().expect("text"), wanted);
            }
            let echo = reference.run("echo").input(Flow::bytes(&b"abc"[..], kind));
            assert_eq!(value(echo), wanted);
        }
    });
}

#[test]
fn text_that_is_cut_inside_a_letter_comes_back_whole() {
    let wanted = "grüße 🦀 日本語\r\n".repeat(50);
    for_each_flavour(|reference| {
        for size in [1, 2, 3, 5] {
            let chunks: Vec<_> = wanted
                .as_bytes()
                .chunks(size)
                .map(|chunk| Ok(chunk.to_vec()))
                .collect();
            let stream = ByteStream::from_chunks(chunks, ByteStreamKind::String);
            assert_eq!(
                text(&value(reference.run("echo").input(Flow::Bytes(stream)))),
                wanted
            );
        }
    });
}

#[test]
fn bytes_that_are_no_text_are_an_error_where_text_was_promised() {
    for_each_flavour(|reference| {
        let wrong = [b'a', 0xff, b'b'];
        let run = |kind| {
            let stream = ByteStream::from_chunks([Ok(wrong.to_vec())], kind);
            reference
                .run("echo")
                .input(Flow::Bytes(stream))
                .call()
                .and_then(Flow::into_value)
        };
        assert_eq!(
            run(ByteStreamKind::Unknown).expect("bytes"),
            Value::binary(wrong)
        );
        assert_eq!(
            run(ByteStreamKind::Binary).expect("bytes"),
            Value::binary(wrong)
        );
        let error = run(ByteStreamKind::String).expect_err("this is no text");
        assert!(error.to_string().contains("UTF-8 from byte 1"), "{error}");
    });
}

#[test]
fn an_error_of_the_plugin_inside_bytes_fails_them_there() {
    for_each_flavour(|reference| {
        let mut stream = bytes(reference.run("error").flag("in-bytes", Value::int(2)));
        let mut got = Vec::new();
        let error = loop {
            match stream.next() {
                Some(Ok(chunk)) => got.extend(chunk),
                Some(Err(error)) => break error,
                None => panic!(
                    "the stream ended as if it were complete, after {} bytes",
                    got.len()
                ),
            }
        };
        assert_eq!(got, [b'x'; 32]);
        assert_eq!(error.kind(), ErrorKind::Plugin);
        assert!(stream.next().is_none());
        reference.rests();
    });
}

#[test]
fn an_error_of_our_source_of_bytes_reaches_the_plugin() {
    for_each_flavour(|reference| {
        let chunks = || {
            let error = Error::misuse("the disk is gone");
            Flow::Bytes(ByteStream::from_chunks(
                [Ok(b"abc".to_vec()), Err(error)],
                ByteStreamKind::Binary,
            ))
        };
        let got = error(reference.run("collect-bytes").input(chunks()));
        assert_eq!(got.kind(), ErrorKind::Plugin);
        // The old SDK keeps the kind of the error and no more.
        let told = format!("{got:?}").contains("the disk is gone");
        assert!(told || reference.flavour.is_old(), "{got:?}");
        let mut echo = bytes(reference.run("echo").input(chunks()));
        let got: Vec<_> = Iterator::by_ref(&mut echo)
            .take_while(Result::is_ok)
            .flatten()
            .flatten()
            .collect();
        assert_eq!(got, b"abc");
        drop(echo);
        reference.rests();
    });
}

#[test]
fn bytes_that_are_not_wanted_are_not_read() {
    for_each_flavour(|reference| {
        // 50 chunks may be on the way, and one is in hand.
        let most = 55 * 16384;
        let watched = Watched::default();
        let flow = Flow::bytes(WatchedReader(watched.clone()), ByteStreamKind::Binary);
        let got = value(reference.run("head").argument(Value::int(10)).input(flow));
        assert_eq!(got, Value::binary(*b"wwwwwwwwww"));
        assert!(
            wait_until(PATIENCE, || watched.dropped.load(Ordering::SeqCst)),
            "the input was kept"
        );
        let read = watched.read.load(Ordering::SeqCst);
        assert!(read <= 2 * most, "{read}");

        let watched = Watched::default();
        let flow = Flow::bytes(WatchedReader(watched.clone()), ByteStreamKind::Binary);
        let mut stream = bytes(reference.run("echo").input(flow));
        let mut start = vec![0; 100_000];
        stream.read_exact(&mut start).expect("bytes");
        let mut last = usize::MAX;
        assert!(wait_until(PATIENCE, || {
            let now = watched.read.load(Ordering::SeqCst);
            std::mem::replace(&mut last, now) == now
        }));
        assert!(last <= 100_000 + 2 * most, "{last}");
        drop(stream);
        assert!(
            wait_until(PATIENCE, || watched.dropped.load(Ordering::SeqCst)),
            "the input was kept"
        );
        reference.rests();
    });
}

#[test]
fn bytes_go_through_several_plugins() {
    let all: Vec<_> = FLAVOURS.into_iter().map(Reference::new).collect();
    let through = all.iter().fold(
        byte_flow(MIB / 4, ByteStreamKind::Binary),
        |flow, reference: &Reference| reference.run("echo").input(flow).call().expect("bytes"),
    );
    let Flow::Bytes(stream) = through else {
        panic!("no bytes")
    };
    check_pattern(stream, MIB / 4, 251);
    all.iter().for_each(Reference::rests);
}

#[test]
fn a_read_of_any_size_takes_what_is_there() {
    let reference = Reference::new(FLAVOURS[0]);
    let mut stream = bytes(
        reference
            .run("echo")
            .input(byte_flow(100_000, ByteStreamKind::Binary)),
    );
    let mut got = Vec::new();
    for size in (1..1_000).cycle() {
        let mut buffer = vec![0; size];
        match stream.read(&mut buffer).expect("bytes") {
            0 => break,
            count => got.extend_from_slice(&buffer[..count]),
        }
    }
    let mut wanted = Vec::new();
    pattern(100_000).read_to_end(&mut wanted).expect("bytes");
    assert_eq!(got, wanted);
}
