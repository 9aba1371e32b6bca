//! Messages that real peers exchanged: each is read, and written again gives the very bytes that were recorded.

use std::path::Path;

use pegboard_protocol::codec::{self, Decoder, EncodeErrorKind, Encoding, Limits, Sender};
use pegboard_protocol::nu::{Dialect, Message};

/// Reads one message, which must be all there is.
fn decode(bytes: &[u8], sender: Sender, encoding: Encoding) -> Message {
    let mut decoder = Decoder::new(encoding, sender, Limits::default());
    decoder.feed(bytes);
    let frame = match decoder.next() {
        Ok(Some(frame)) => frame,
        Ok(None) => panic!("incomplete: {}", String::from_utf8_lossy(bytes)),
        Err(error) => panic!("{error}\n{}", String::from_utf8_lossy(bytes)),
    };
    assert_eq!(decoder.pending(), 0);
    frame.message
}

/// Whether the writer is the real one, whose bytes ours must equal.
#[derive(Clone, Copy, PartialEq)]
enum Writer {
    Rust,
    Script,
}

fn check(bytes: &[u8], sender: Sender, encoding: Encoding, dialect: Dialect, writer: Writer) {
    let message = decode(bytes, sender, encoding);
    assert!(!matches!(message, Message::Unknown(_)), "{message:?}");
    let mut written = Vec::new();
    codec::encode(&message, sender, encoding, dialect, &mut written).unwrap();
    if encoding == Encoding::Json {
        assert_eq!(written.pop(), Some(b'\n'));
    }
    if writer == Writer::Rust {
        if encoding == Encoding::Json {
            assert_eq!(
                String::from_utf8_lossy(&written),
                String::from_utf8_lossy(bytes)
            );
        }
        assert_eq!(written, bytes, "{message:?}");
    } else {
        assert_eq!(decode(&written, sender, encoding), message);
    }
    // What one encoding carries, the other carries too.
    let other = match encoding {
        Encoding::Json => Encoding::MsgPack,
        Encoding::MsgPack => Encoding::Json,
    };
    let mut translated = Vec::new();
    match codec::encode(&message, sender, other, dialect, &mut translated) {
        Ok(()) => {}
        Err(error) if error.kind() == EncodeErrorKind::NonFinite => return,
        Err(error) => panic!("{error}"),
    }
    if other == Encoding::Json {
        assert_eq!(translated.pop(), Some(b'\n'));
    }
    assert_eq!(decode(&translated, sender, other), message);
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn records(path: &Path) -> Vec<serde_json::Value> {
    std::fs::read_to_string(path)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn recorded_sessions() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/transcripts");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let script = ["js", "py", "nu_example", "localsocket", "stress"]
            .iter()
            .any(|prefix| name.starts_with(prefix));
        for record in records(&path) {
            let sender = match record["from"].as_str().unwrap() {
                "engine" => Sender::Engine,
                _ => Sender::Plugin,
            };
            let writer = if script && sender == Sender::Plugin {
                Writer::Script
            } else {
                Writer::Rust
            };
            let dialect = Dialect::NEWEST;
            if let Some(hex) = record["announce"].as_str() {
                let bytes = unhex(hex);
                let (encoding, used) = codec::parse_announcement(&bytes).unwrap().unwrap();
                assert_eq!(used, bytes.len());
                assert_eq!(encoding.announcement(), bytes);
            } else if let Some(text) = record["json"].as_str() {
                check(text.as_bytes(), sender, Encoding::Json, dialect, writer);
            } else {
                let bytes = unhex(record["msgpack"].as_str().unwrap());
                check(&bytes, sender, Encoding::MsgPack, dialect, writer);
            }
            count += 1;
        }
    }
    assert!(count > 500, "only {count} messages");
}

/// Messages that the real encoder of each version wrote.
#[test]
fn golden_messages() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_none_or(|extension| extension != "jsonl")
        {
            continue;
        }
        let version = path.file_stem().unwrap().to_str().unwrap();
        let dialect = Dialect::of(&version.parse().unwrap()).unwrap();
        for record in records(&path) {
            let name = record["name"].as_str().unwrap();
            let sender = match record["side"].as_str().unwrap() {
                "input" => Sender::Engine,
                _ => Sender::Plugin,
            };
            println!("{version} {name}");
            let text = record["json"].as_str().unwrap().trim_end().as_bytes();
            let packed = unhex(record["msgpack"].as_str().unwrap());
            if NON_FINITE.iter().any(|what| name.ends_with(what)) {
                non_finite(text, &packed, sender, dialect);
            } else {
                check(text, sender, Encoding::Json, dialect, Writer::Rust);
                check(&packed, sender, Encoding::MsgPack, dialect, Writer::Rust);
            }
            count += 1;
        }
    }
    assert!(count > 1000, "only {count} messages");
}

const NON_FINITE: [&str; 3] = ["float-inf", "float--inf", "float-NaN"];

/// Infinity and NaN travel in MessagePack only. Real peers write null for them in JSON, which nobody can read.
fn non_finite(text: &[u8], packed: &[u8], sender: Sender, dialect: Dialect) {
    let message = decode(packed, sender, Encoding::MsgPack);
    let mut out = Vec::new();
    codec::encode(&message, sender, Encoding::MsgPack, dialect, &mut out).unwrap();
    assert_eq!(out, packed);
    out.clear();
    let error = codec::encode(&message, sender, Encoding::Json, dialect, &mut out).unwrap_err();
    assert_eq!(error.kind(), EncodeErrorKind::NonFinite);
    assert!(out.is_empty());
    let mut decoder = Decoder::new(Encoding::Json, sender, Limits::default());
    decoder.feed(text);
    let error = decoder.next().unwrap_err().to_string();
    assert!(error.contains("infinity"), "{error}");
}
