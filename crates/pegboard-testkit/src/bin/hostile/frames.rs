//! The family of modes whose bytes are too many, too deep, or wrong.

use std::thread;

use pegboard_testkit::hostile::Mode;
use serde_json::{Value, json};

use crate::codec;
use crate::messages;
use crate::plugin::{Plugin, Reaction};
use crate::settings::Encoding;
use crate::wire::Wire;

/// Stands for the place where bytes are put by hand.
const MARK: &str = "@@HERE@@";
/// How many lists `deep-nesting` puts inside each other.
const DEPTH: usize = 100_000;
/// How much of an endless message is written at once.
const PIECE: usize = 64 * 1024;

pub(crate) fn on_run(plugin: &mut Plugin, call: u64, mode: Mode) -> Reaction {
    let wire = &plugin.wire;
    let encoding = plugin.settings.encoding;
    let around = |value: Value| around_mark(encoding, &wire.encode(&messages::answer(call, value)));
    let list_of = |items: Value| json!({"List": {"vals": items, "span": {"start": 0, "end": 0}}});
    match (mode, encoding) {
        (Mode::HugeFrame, Encoding::Json) => {
            let (before, _) = around(json!({"String": {"val": MARK}}));
            endless(wire, [&before, &b"\""[..]].concat(), vec![b'a'; PIECE]);
        }
        (Mode::HugeFrame, Encoding::Msgpack) => {
            let (before, _) = around(json!({"Binary": {"val": MARK}}));
            let claim = b"\xc6\xff\xff\xff\xff";
            endless(wire, [&before, &claim[..]].concat(), vec![0; PIECE]);
        }
        (Mode::HugeCollectionClaim, Encoding::Json) => {
            let (before, _) = around(list_of(json!(MARK)));
            let item = format!("{},", messages::int(1));
            let items = item.repeat(PIECE / item.len()).into_bytes();
            endless(wire, [&before, &b"["[..]].concat(), items);
        }
        (Mode::HugeCollectionClaim, Encoding::Msgpack) => {
            let (before, _) = around(list_of(json!(MARK)));
            wire.bytes(&[&before, &b"\xdd\xff\xff\xff\xff"[..]].concat());
        }
        (Mode::DeepNesting, _) => {
            let (start, end) = around(json!(MARK));
            let (open, close) =
                around_mark(encoding, &codec::encode(encoding, &list_of(json!([MARK]))));
            let inner = codec::encode(encoding, &messages::int(1));
            let (open, close) = (open.repeat(DEPTH), close.repeat(DEPTH));
            let bytes = [start, open, inner, close, end].concat();
            wire.bytes(&bytes);
        }
        (Mode::BadUtf8String, _) => {
            let mut bytes = wire.encode(&messages::answer(call, messages::string(MARK)));
            let at = position(&bytes);
            bytes[at..at + MARK.len()].copy_from_slice(b"bad: \xff\xfe\xc0");
            wire.bytes(&bytes);
        }
        _ => return Reaction::GoOn,
    }
    Reaction::Done
}

/// Writes the start and then the same piece again and again, while the plugin goes on reading.
fn endless(wire: &Wire, start: Vec<u8>, piece: Vec<u8>) {
    let wire = wire.clone();
    thread::spawn(move || {
        wire.bytes(&start);
        wire.forever(&piece)
    });
}

/// The bytes before and after the text [`MARK`], without the quotes or the length that belong to it.
fn around_mark(encoding: Encoding, bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let at = position(bytes);
    let end = at + MARK.len() + usize::from(encoding == Encoding::Json);
    (bytes[..at - 1].to_vec(), bytes[end..].to_vec())
}

fn position(bytes: &[u8]) -> usize {
    let found = bytes
        .windows(MARK.len())
        .position(|it| it == MARK.as_bytes());
    found.expect("the mark is in the message")
}
