//! What holds for every message: it survives both encodings, all dialects and any cut; garbage is an error.

use pegboard_protocol::codec::{
    self, BytesForm, Decoder, EncodeErrorKind, EncodeOptions, Encoding, Limits, Sender,
};
use pegboard_protocol::nu::{Dialect, Message};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::arbitrary::{message, value};
use crate::common::{BOTH, decode, dialect, encode};

fn encoding() -> impl Strategy<Value = Encoding> {
    select(BOTH.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 192,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn messages_survive((sender, message) in message()) {
        for encoding in BOTH {
            let bytes = encode(&message, sender, encoding, Dialect::NEWEST).unwrap();
            prop_assert_eq!(decode(&bytes, sender, encoding).unwrap(), message.clone());
        }
        let native = EncodeOptions {
            bytes: BytesForm::Native,
            ..EncodeOptions::new(sender, Encoding::MsgPack, Dialect::NEWEST)
        };
        let mut bytes = Vec::new();
        native.encode(&message, &mut bytes).unwrap();
        prop_assert_eq!(decode(&bytes, sender, Encoding::MsgPack).unwrap(), message);
    }

    /// What a version cannot say is lost once; what it can say comes back as the same bytes.
    #[test]
    fn dialects_are_stable((sender, message) in message(), minor in 94u64..=116) {
        let dialect = dialect(&format!("0.{minor}.1"));
        let mut meant: Option<Message> = None;
        for encoding in BOTH {
            let bytes = match encode(&message, sender, encoding, dialect) {
                Ok(bytes) => bytes,
                Err(error) => {
                    prop_assert_eq!(error.kind(), EncodeErrorKind::NeedsVersion);
                    continue;
                }
            };
            let read = decode(&bytes, sender, encoding).unwrap();
            prop_assert_eq!(encode(&read, sender, encoding, dialect).unwrap(), bytes);
            // Both encodings say the same.
            if let Some(meant) = &meant {
                prop_assert_eq!(&read, meant);
            }
            meant = Some(read);
        }
    }

    /// The text equals what a JSON library makes of the same tree.
    #[test]
    fn json_is_compact((sender, message) in message()) {
        let bytes = encode(&message, sender, Encoding::Json, Dialect::NEWEST).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let tree: serde_json::Value = serde_json::from_str(&text).unwrap();
        if !is_beyond_serde_json(&message) {
            prop_assert_eq!(format!("{tree}\n"), text);
        }
    }

    #[test]
    fn cuts_do_not_matter(
        messages in vec(message(), 1..5),
        cuts in vec(any::<Index>(), 0..12),
        encoding in encoding(),
        glue in any::<bool>(),
    ) {
        let sender = messages[0].0;
        let messages: Vec<Message> = messages
            .into_iter()
            .filter(|(other, _)| *other == sender)
            .map(|(_, message)| message)
            .collect();
        let mut bytes = Vec::new();
        for message in &messages {
            bytes.extend(encode(message, sender, encoding, Dialect::NEWEST).unwrap());
            if glue && encoding == Encoding::Json {
                bytes.pop();
            }
        }
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let mut decoder = Decoder::new(encoding, sender, Limits::default());
        let mut read = Vec::new();
        for pair in cuts.windows(2) {
            decoder.feed(&bytes[pair[0]..pair[1]]);
            while let Some(frame) = decoder.next().unwrap() {
                read.push(frame.message);
            }
        }
        decoder.finish().unwrap();
        prop_assert_eq!(read, messages);
        prop_assert!(decoder.examined() <= 3 * bytes.len() as u64 + 64);
    }

    #[test]
    fn truncated_input_is_no_message(
        (sender, message) in message(),
        cut in any::<Index>(),
        encoding in encoding(),
    ) {
        let mut bytes = encode(&message, sender, encoding, Dialect::NEWEST).unwrap();
        if encoding == Encoding::Json {
            bytes.pop();
        }
        bytes.truncate(cut.index(bytes.len()));
        let mut decoder = Decoder::new(encoding, sender, Limits::default());
        decoder.feed(&bytes);
        prop_assert_eq!(decoder.next().unwrap(), None);
        prop_assert_eq!(decoder.finish().is_ok(), bytes.is_empty());
    }

    #[test]
    fn garbage_never_panics(
        bytes in vec(any::<u8>(), 0..200),
        encoding in encoding(),
        piece in 1..50usize,
    ) {
        read_garbage(&bytes, encoding, piece);
    }

    /// Garbage that looks much like a message: one with some bytes changed.
    #[test]
    fn damaged_messages_never_panic(
        (sender, message) in message(),
        damage in vec((any::<Index>(), any::<u8>()), 1..4),
        encoding in encoding(),
        piece in 1..200usize,
    ) {
        let mut bytes = encode(&message, sender, encoding, Dialect::NEWEST).unwrap();
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        read_garbage(&bytes, encoding, piece);
    }

    #[test]
    fn values_survive(value in value()) {
        for encoding in BOTH {
            let mut bytes = Vec::new();
            codec::encode_value(&value, encoding, Dialect::NEWEST, &mut bytes).unwrap();
            prop_assert_eq!(codec::decode_value(&bytes, encoding).unwrap(), value.clone());
            bytes.push(b'1');
            prop_assert!(codec::decode_value(&bytes, encoding).is_err());
        }
    }
}

/// What `serde_json` does not give back as it read it: keys that come twice in a tree that only the engine
/// understands, and some floats, which it reads inexactly.
fn is_beyond_serde_json(message: &Message) -> bool {
    let shown = format!("{message:?}");
    ["Map(", "Float("].iter().any(|name| shown.contains(name))
}

fn read_garbage(bytes: &[u8], encoding: Encoding, piece: usize) {
    for sender in [Sender::Engine, Sender::Plugin] {
        let mut decoder = Decoder::new(encoding, sender, Limits::default());
        for piece in bytes.chunks(piece) {
            decoder.feed(piece);
            loop {
                match decoder.next() {
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(error) => {
                        assert!(!error.to_string().is_empty());
                        return;
                    }
                }
            }
        }
        let _ = decoder.finish();
    }
}
