//! What several tests need.

use pegboard_protocol::codec::{self, DecodeError, Decoder, EncodeError, Encoding, Limits, Sender};
use pegboard_protocol::nu::{Dialect, Message};

pub(crate) const BOTH: [Encoding; 2] = [Encoding::Json, Encoding::MsgPack];

/// The dialect of a version, such as `0.115.1`.
pub(crate) fn dialect(version: &str) -> Dialect {
    Dialect::of(&version.parse().unwrap()).unwrap()
}

/// All messages in `bytes`, which must end behind one.
pub(crate) fn decode_all(
    bytes: &[u8],
    sender: Sender,
    encoding: Encoding,
) -> Result<Vec<Message>, DecodeError> {
    let mut decoder = Decoder::new(encoding, sender, Limits::default());
    decoder.feed(bytes);
    let mut messages = Vec::new();
    while let Some(frame) = decoder.next()? {
        messages.push(frame.message);
    }
    decoder.finish()?;
    Ok(messages)
}

/// The only message in `bytes`.
pub(crate) fn decode(
    bytes: &[u8],
    sender: Sender,
    encoding: Encoding,
) -> Result<Message, DecodeError> {
    let mut messages = decode_all(bytes, sender, encoding)?;
    assert_eq!(messages.len(), 1);
    Ok(messages.remove(0))
}

/// What a plugin's JSON means.
pub(crate) fn from_plugin(json: &str) -> Result<Message, DecodeError> {
    decode(json.as_bytes(), Sender::Plugin, Encoding::Json)
}

/// What an engine's JSON means.
pub(crate) fn from_engine(json: &str) -> Result<Message, DecodeError> {
    decode(json.as_bytes(), Sender::Engine, Encoding::Json)
}

pub(crate) fn encode(
    message: &Message,
    sender: Sender,
    encoding: Encoding,
    dialect: Dialect,
) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::new();
    codec::encode(message, sender, encoding, dialect, &mut out)?;
    Ok(out)
}

/// A message as JSON, without its line feed.
pub(crate) fn json(
    message: &Message,
    sender: Sender,
    version: &str,
) -> Result<String, EncodeError> {
    let out = encode(message, sender, Encoding::Json, dialect(version))?;
    Ok(String::from_utf8(out).unwrap().trim_end().to_owned())
}

/// MessagePack of any JSON tree, with floats and keys as they stand.
pub(crate) fn pack(tree: &serde_json::Value, out: &mut Vec<u8>) {
    use serde_json::Value;
    let long = |out: &mut Vec<u8>, marker: u8, length: usize| {
        out.push(marker);
        out.extend_from_slice(&u32::try_from(length).unwrap().to_be_bytes());
    };
    match tree {
        Value::Null => out.push(0xc0),
        Value::Bool(value) => out.push(0xc2 + u8::from(*value)),
        Value::Number(number) => {
            if let Some(number) = number.as_i64() {
                out.push(0xd3);
                out.extend_from_slice(&number.to_be_bytes());
            } else {
                out.push(0xcb);
                out.extend_from_slice(&number.as_f64().unwrap().to_be_bytes());
            }
        }
        Value::String(text) => {
            long(out, 0xdb, text.len());
            out.extend_from_slice(text.as_bytes());
        }
        Value::Array(items) => {
            long(out, 0xdd, items.len());
            items.iter().for_each(|item| pack(item, out));
        }
        Value::Object(fields) => {
            long(out, 0xdf, fields.len());
            for (name, field) in fields {
                pack(&Value::from(name.as_str()), out);
                pack(field, out);
            }
        }
    }
}
