//! Limits hold while bytes arrive, name themselves, and protect memory and stack.

use pegboard_protocol::codec::{
    self, DecodeError, DecodeErrorKind, Decoder, EncodeErrorKind, Encoding, Limits, Sender,
};
use pegboard_protocol::nu::Dialect;
use pegboard_protocol::{LabeledError, Value};

use crate::common::{BOTH, pack};

const SMALL: Limits = Limits {
    frame: 1000,
    depth: 10,
    collection: 20,
};

/// Feeds bytes in pieces and gives the error that they must lead to, with how many bytes had come.
fn refused(bytes: &[u8], piece: usize, encoding: Encoding, limits: Limits) -> (DecodeError, usize) {
    let mut decoder = Decoder::new(encoding, Sender::Plugin, limits);
    let mut fed = 0;
    for piece in bytes.chunks(piece) {
        decoder.feed(piece);
        fed += piece.len();
        match decoder.next() {
            Ok(frame) => assert_eq!(frame, None),
            Err(error) => return (error, fed),
        }
    }
    panic!("accepted {} bytes", bytes.len());
}

fn in_both(json: &str) -> [(Encoding, Vec<u8>); 2] {
    let mut packed = Vec::new();
    pack(&serde_json::from_str(json).unwrap(), &mut packed);
    [
        (Encoding::Json, json.as_bytes().to_vec()),
        (Encoding::MsgPack, packed),
    ]
}

#[test]
fn limits_name_themselves() {
    let long = format!(r#"{{"More":"{}"}}"#, "x".repeat(1000));
    let deep = format!(r#"{{"More":{}{}}}"#, "[".repeat(10), "]".repeat(10));
    let deep = deep.replace("[]", "[0]");
    let many = format!(
        r#"{{"Data":[0,{{"List":{{"List":{{"vals":[{}{{}}]}}}}}}]}}"#,
        r#"{},"#.repeat(20)
    );
    for (json, name, value) in [
        (long, "frame", "1000"),
        (deep, "depth", "10"),
        (many, "collection", "20"),
    ] {
        for (encoding, bytes) in in_both(&json) {
            for piece in [1, 3, 1 << 20] {
                if name == "collection" && piece > 3 {
                    continue;
                }
                let (error, _) = refused(&bytes, piece, encoding, SMALL);
                assert_eq!(error.kind(), DecodeErrorKind::Limit, "{json} {error}");
                let shown = error.to_string();
                assert!(shown.contains(name) && shown.contains(value), "{shown}");
            }
        }
    }
}

#[test]
fn a_collection_is_refused_when_read_at_once() {
    let values = r#"{"Nothing":[[0,0]]},"#.repeat(20);
    let json = format!(
        r#"{{"Data":[0,{{"List":{{"List":{{"vals":[{values}{{"Nothing":[[0,0]]}}]}}}}}}]}}"#
    );
    for (encoding, bytes) in in_both(&json) {
        let limits = Limits {
            frame: 1 << 20,
            ..SMALL
        };
        let (error, _) = refused(&bytes, bytes.len(), encoding, limits);
        assert_eq!(error.kind(), DecodeErrorKind::Limit);
        assert!(error.what().contains("20 entries"), "{error}");
    }
}

#[test]
fn headers_that_claim_too_much_fail_at_once() {
    let open = b"\x81\xa4Data\x92\0\x81\xa4List\x81\xa4List\x81\xa4vals";
    for claim in [
        &b"\xdd\xff\xff\xff\xff"[..],
        b"\xdf\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\xc9\xff\xff\xff\xff\x01",
        b"\xdd\x7f\xff\xff\xff",
    ] {
        let bytes = [&open[..], claim].concat();
        for piece in [1, 100] {
            let mut decoder = Decoder::new(Encoding::MsgPack, Sender::Plugin, Limits::default());
            let result = bytes.chunks(piece).try_for_each(|piece| {
                decoder.feed(piece);
                decoder.next().map(|frame| assert_eq!(frame, None))
            });
            let kind = result.unwrap_err().kind();
            assert!(
                matches!(
                    kind,
                    DecodeErrorKind::Limit | DecodeErrorKind::WrongType | DecodeErrorKind::Syntax
                ),
                "{claim:x?}: {kind:?}"
            );
            assert!(decoder.capacity() < 1 << 16);
        }
    }
}

/// The bytes of a binary are no collection, though they are written as an array of integers.
#[test]
fn binaries_are_bounded_by_the_frame_alone() {
    let bytes = "200,".repeat(100);
    let json = format!(r#"{{"Data":[0,{{"Raw":{{"Ok":[{bytes}1]}}}}]}}"#);
    for (encoding, bytes) in in_both(&json) {
        for piece in [1, 1 << 20] {
            let limits = Limits {
                frame: 1 << 20,
                ..SMALL
            };
            let mut decoder = Decoder::new(encoding, Sender::Plugin, limits);
            let mut seen = 0;
            for piece in bytes.chunks(piece) {
                decoder.feed(piece);
                seen += usize::from(decoder.next().unwrap().is_some());
            }
            assert_eq!(seen, 1);
        }
    }
}

#[test]
fn an_endless_message_stops_at_the_frame() {
    let endless = [
        (
            Encoding::Json,
            [
                &b"{\"Data\":[0,{\"List\":{\"String\":{\"val\":\""[..],
                &[b'x'; 5000],
            ]
            .concat(),
        ),
        // As many integers as would just fit if each were one byte.
        (
            Encoding::MsgPack,
            [&b"\x81\xa4More\xdc\x03\x00"[..], &b"\xcc\xff".repeat(2000)].concat(),
        ),
    ];
    for (encoding, bytes) in endless {
        let (error, fed) = refused(&bytes, 100, encoding, SMALL);
        assert_eq!(error.kind(), DecodeErrorKind::Limit, "{error}");
        assert!(fed <= 1200, "{fed}");
    }
}

/// The deepest trees that the default limits allow, of each recursive part, on a small stack.
#[test]
fn the_depth_limit_protects_the_stack() {
    let run = std::thread::Builder::new()
        .stack_size(512 << 10)
        .spawn(|| {
            let nest = |open: &str, middle: &str, close: &str, times: usize| {
                format!("{}{middle}{}", open.repeat(times), close.repeat(times))
            };
            let list = |times| nest(r#"{"List":{"vals":["#, r#"{"Nothing":[[0,0]]}"#, r#"],"span":[0,0]}}"#, times);
            let record = nest(r#"{"Record":{"val":{"a":"#, r#"{"Nothing":[[0,0]]}"#, r#"},"span":[0,0]}}"#, 82);
            let closure = nest(
                r#"{"Closure":{"val":{"block_id":1,"captures":[[1,"#,
                r#"{"Nothing":[[0,0]]}"#,
                r#"]]},"span":[0,0]}}"#,
                48,
            );
            let error = nest(r#"{"msg":"m","inner":["#, r#"{"msg":"m"}"#, "]}", 123);
            let ty = nest(r#"{"List":"#, r#""Int""#, "}", 245);
            let opaque = nest("[", "0", "]", 252);
            let messages = [
                (Sender::Plugin, format!(r#"{{"Data":[0,{{"List":{}}}]}}"#, list(82))),
                (Sender::Plugin, format!(r#"{{"Data":[0,{{"List":{record}}}]}}"#)),
                (Sender::Plugin, format!(r#"{{"Data":[0,{{"List":{closure}}}]}}"#)),
                (Sender::Plugin, format!(r#"{{"CallResponse":[0,{{"Error":{error}}}]}}"#)),
                (Sender::Plugin, format!(r#"{{"CallResponse":[0,{{"Signature":[{{"sig":{{"name":"c","input_output_types":[["Any",{ty}]]}}}}]}}]}}"#)),
                (Sender::Plugin, format!(r#"{{"CallResponse":[0,{{"Signature":[{{"sig":{{"name":"c","named":[{{"long":"f","arg":{ty}}}]}}}}]}}]}}"#)),
                (Sender::Engine, format!(r#"{{"EngineCallResponse":[0,{{"Config":{opaque}}}]}}"#)),
                (Sender::Plugin, format!(r#"{{"More":{opaque}}}"#)),
            ];
            for (sender, json) in messages {
                let mut decoder = Decoder::new(Encoding::Json, sender, Limits::default());
                decoder.feed(json.as_bytes());
                let message = decoder.next().unwrap().unwrap().message;
                for encoding in BOTH {
                    let mut out = Vec::new();
                    let written = codec::encode(&message, sender, encoding, Dialect::NEWEST, &mut out);
                    if written.is_ok() {
                        let mut decoder = Decoder::new(encoding, sender, Limits::default());
                        decoder.feed(&out);
                        assert_eq!(decoder.next().unwrap().unwrap().message, message);
                    }
                }
            }
            let too_deep = format!(r#"{{"Data":[0,{{"List":{}}}]}}"#, list(90));
            let mut decoder = Decoder::new(Encoding::Json, Sender::Plugin, Limits::default());
            decoder.feed(too_deep.as_bytes());
            assert_eq!(decoder.next().unwrap_err().kind(), DecodeErrorKind::Limit);
        })
        .unwrap();
    run.join().unwrap();
}

#[test]
fn what_is_too_deep_is_not_written() {
    let mut value = Value::nothing();
    let mut error = LabeledError::new("m");
    for _ in 0..200 {
        value = Value::list([value]);
        error = LabeledError::new("m").with_inner(error);
    }
    for encoding in BOTH {
        for value in [value.clone(), Value::error(error.clone())] {
            let mut out = Vec::new();
            let error =
                codec::encode_value(&value, encoding, Dialect::NEWEST, &mut out).unwrap_err();
            assert_eq!(error.kind(), EncodeErrorKind::TooDeep);
            assert!(out.is_empty());
        }
    }
}
