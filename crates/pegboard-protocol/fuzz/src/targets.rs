//! Each function takes any bytes and panics only if the codec breaks a promise.

use pegboard_protocol::codec::{self, Decoder, EncodeErrorKind, Encoding, Limits, Sender};
use pegboard_protocol::nu::{Dialect, Message};
use pegboard_protocol::{CellPath, Range};

/// Limits that a fuzzer can reach.
const LIMITS: Limits = Limits {
    frame: 4096,
    depth: 40,
    collection: 64,
};

/// A stream of JSON messages.
pub fn stream_json(bytes: &[u8]) {
    stream(bytes, Encoding::Json);
}

/// A stream of MessagePack messages.
pub fn stream_msgpack(bytes: &[u8]) {
    stream(bytes, Encoding::MsgPack);
}

/// The first byte says who sends and how the rest is cut. Cut or whole, the same messages come out, and each can be
/// written and read again.
fn stream(bytes: &[u8], encoding: Encoding) {
    let Some((control, bytes)) = bytes.split_first() else {
        return;
    };
    let sender = match control & 1 {
        0 => Sender::Engine,
        _ => Sender::Plugin,
    };
    let piece = usize::from(control >> 1).max(1);
    let (cut, cut_failed) = read(bytes, piece, sender, encoding);
    let (whole, whole_failed) = read(bytes, bytes.len().max(1), sender, encoding);
    // What is wrong may be seen at different places, after different messages; what was read must agree.
    assert!(
        cut.iter()
            .zip(&whole)
            .all(|(cut, whole)| format!("{cut:?}") == format!("{whole:?}"))
    );
    if !cut_failed && !whole_failed {
        assert_eq!(cut.len(), whole.len());
    }
    for message in whole {
        write_and_read(&message, sender);
    }
}

/// The messages before the first error, and whether there was one.
fn read(bytes: &[u8], piece: usize, sender: Sender, encoding: Encoding) -> (Vec<Message>, bool) {
    let mut decoder = Decoder::new(encoding, sender, LIMITS);
    let mut messages = Vec::new();
    for piece in bytes.chunks(piece) {
        decoder.feed(piece);
        loop {
            match decoder.next() {
                Ok(Some(frame)) => {
                    assert!(frame.size <= LIMITS.frame);
                    messages.push(frame.message);
                }
                Ok(None) => break,
                Err(error) => {
                    assert!(!error.to_string().is_empty());
                    return (messages, true);
                }
            }
        }
        assert!(decoder.examined() <= 4 * bytes.len() as u64 + 64);
    }
    let _ = decoder.finish();
    (messages, false)
}

/// What was read can be written, but for what has no form, and then is stable.
fn write_and_read(message: &Message, sender: Sender) {
    for encoding in [Encoding::Json, Encoding::MsgPack] {
        let mut first = Vec::new();
        match codec::encode(message, sender, encoding, Dialect::NEWEST, &mut first) {
            Ok(()) => {}
            Err(error) => {
                assert_ne!(error.kind(), EncodeErrorKind::NeedsVersion);
                assert_ne!(error.kind(), EncodeErrorKind::WrongSender);
                assert!(first.is_empty());
                continue;
            }
        }
        let mut decoder = Decoder::new(encoding, sender, Limits::default());
        decoder.feed(&first);
        let again = decoder.next().unwrap().unwrap().message;
        assert_eq!(decoder.next().unwrap(), None);
        decoder.finish().unwrap();
        let mut second = Vec::new();
        codec::encode(&again, sender, encoding, Dialect::NEWEST, &mut second).unwrap();
        assert_eq!(first, second);
    }
}

/// A lone value in either encoding, and what a plugin says first.
pub fn value(bytes: &[u8]) {
    let _ = codec::parse_announcement(bytes);
    for encoding in [Encoding::Json, Encoding::MsgPack] {
        let _ = codec::decode_signatures(bytes, encoding);
        let _ = codec::decode_registry(bytes);
        let Ok(value) = codec::decode_value(bytes, encoding) else {
            continue;
        };
        let mut out = Vec::new();
        if codec::encode_value(&value, Encoding::MsgPack, Dialect::NEWEST, &mut out).is_ok() {
            codec::decode_value(&out, Encoding::MsgPack).unwrap();
        }
    }
}

/// The text forms of ranges and cell paths.
pub fn text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(path) = text.parse::<CellPath>() {
        assert_eq!(path.to_string().parse(), Ok(path));
    }
    if let Ok(range) = text.parse::<Range>() {
        let _ = range.to_string().parse::<Range>();
    }
}
