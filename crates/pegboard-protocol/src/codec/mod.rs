//! Codecs: bytes to messages and back, in JSON and MessagePack, for every version since Nushell 0.94.
//!
//! Reading is tolerant: one reader takes every form that some version, the published examples or the authors of
//! plugins use, and ignores keys that it does not know. Writing is strict: what is written for a [`Dialect`] is, byte
//! for byte, what the real peers of that version write.
//!
//! [`Decoder`] takes bytes as they arrive and gives messages as soon as their last byte is there. [`encode`] appends a
//! message to a buffer. [`parse_announcement`] reads what a plugin says first.

mod announce;
mod copy;
mod decode;
mod decoder;
mod encode;
mod error;
mod json;
mod msgpack;
mod reader;
mod writer;

use std::fmt;

pub use announce::parse_announcement;
pub use decoder::{Decoder, Frame};
pub use error::{DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind};

use crate::Value;
use crate::nu::{Dialect, Message, PluginSignature, Registry};
use json::{JsonReader, JsonWriter};
use msgpack::{MsgPackReader, MsgPackWriter};
use reader::Reader;

/// How messages are written as bytes. The plugin chooses, for both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// One JSON value after the other; a line each when written.
    Json,
    /// One MessagePack object after the other.
    MsgPack,
}

impl Encoding {
    /// The name that a plugin announces.
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Json => "json",
            Encoding::MsgPack => "msgpack",
        }
    }

    /// The very first bytes of a plugin: the length of the name, and the name.
    pub fn announcement(self) -> &'static [u8] {
        match self {
            Encoding::Json => b"\x04json",
            Encoding::MsgPack => b"\x07msgpack",
        }
    }
}

/// Who wrote a message, which decides what it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sender {
    /// The application that calls.
    Engine,
    /// The plugin that answers.
    Plugin,
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Sender::Engine => "the engine",
            Sender::Plugin => "a plugin",
        })
    }
}

/// How large what is read may be. The bounds hold while the bytes arrive, before anything is built from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of one message.
    pub frame: usize,
    /// The most arrays and maps inside each other. A list inside a list takes three. Reading recurses once for each,
    /// so this is also what bounds the stack.
    pub depth: usize,
    /// The most entries of one list, record or map. Integers do not count, since the bytes of a binary are written as
    /// an array of integers; the frame bounds them.
    pub collection: usize,
}

impl Default for Limits {
    /// 256 MiB, 256 levels, 16 Mi entries: far beyond what real plugins send (Nushell's own JSON reader stops at 128
    /// levels), and safe on a thread with 512 KiB of stack even without optimization.
    fn default() -> Limits {
        Limits {
            frame: 256 << 20,
            depth: 256,
            collection: 16 << 20,
        }
    }
}

impl Limits {
    #[cold]
    fn too_deep(&self, offset: usize) -> DecodeError {
        DecodeError::new(
            DecodeErrorKind::Limit,
            offset,
            format!(
                "more than {} arrays and maps inside each other, which is the limit (depth)",
                self.depth
            ),
        )
    }

    #[cold]
    fn too_many(&self, offset: usize) -> DecodeError {
        DecodeError::new(
            DecodeErrorKind::Limit,
            offset,
            format!(
                "more than {} entries in one list or record, which is the limit (collection); send a stream instead",
                self.collection
            ),
        )
    }

    #[cold]
    fn too_large(&self, offset: usize) -> DecodeError {
        DecodeError::new(
            DecodeErrorKind::Limit,
            offset,
            format!(
                "the message has more than {} bytes, which is the limit (frame); send a stream instead",
                self.frame
            ),
        )
    }
}

/// How bytes are written in MessagePack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BytesForm {
    /// As an array of integers, as real peers do; bytes from 128 up take two.
    #[default]
    Integers,
    /// As MessagePack's own `bin`: smaller and faster. For peers that are known to read it, see
    /// [`Session::encode_options`](crate::session::Session::encode_options).
    Native,
}

/// Everything that decides how a message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodeOptions {
    /// Who writes.
    pub sender: Sender,
    /// As what.
    pub encoding: Encoding,
    /// For which version of Nushell.
    pub dialect: Dialect,
    /// The form of bytes.
    pub bytes: BytesForm,
}

impl EncodeOptions {
    /// What the real peers of a version write, for a peer of which nothing else is known.
    pub fn new(sender: Sender, encoding: Encoding, dialect: Dialect) -> EncodeOptions {
        EncodeOptions {
            sender,
            encoding,
            dialect,
            bytes: BytesForm::Integers,
        }
    }

    /// Appends a message to `out`. After an error `out` is as it was.
    pub fn encode(&self, message: &Message, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        let result = match self.encoding {
            Encoding::Json => {
                let mut w = JsonWriter::new(out, self.dialect);
                encode::message(&mut w, message, self.sender)
            }
            Encoding::MsgPack => {
                let mut w = MsgPackWriter::new(out, self.dialect, self.bytes);
                encode::message(&mut w, message, self.sender)
            }
        };
        match (&result, self.encoding) {
            (Ok(()), Encoding::Json) => out.push(b'\n'),
            (Ok(()), Encoding::MsgPack) => {}
            (Err(_), _) => out.truncate(start),
        }
        result
    }
}

/// Appends a message to `out`, for a peer of which nothing but its version is known. JSON ends in a line feed.
///
/// Fails when the dialect has no such message or part, when it may not come from `sender`, and for floats that JSON
/// cannot express. After an error `out` is as it was.
pub fn encode(
    message: &Message,
    sender: Sender,
    encoding: Encoding,
    dialect: Dialect,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    EncodeOptions::new(sender, encoding, dialect).encode(message, out)
}

/// Appends one value to `out`, without a line feed. After an error `out` is as it was.
pub fn encode_value(
    value: &Value,
    encoding: Encoding,
    dialect: Dialect,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let start = out.len();
    match encoding {
        Encoding::Json => encode::value(&mut JsonWriter::new(out, dialect), value),
        Encoding::MsgPack => {
            let mut w = MsgPackWriter::new(out, dialect, BytesForm::Integers);
            encode::value(&mut w, value)
        }
    }
    .inspect_err(|_| out.truncate(start))
}

/// Reads bytes that are one value and nothing else, within the default limits.
pub fn decode_value(bytes: &[u8], encoding: Encoding) -> Result<Value, DecodeError> {
    let limits = Limits::default();
    match encoding {
        Encoding::Json => alone(
            bytes,
            JsonReader::new(bytes, limits, Dialect::NEWEST),
            decode::value,
        ),
        Encoding::MsgPack => alone(
            bytes,
            MsgPackReader::new(bytes, limits, Dialect::NEWEST),
            decode::value,
        ),
    }
    .map_err(|error| error.with_excerpt(bytes, encoding))
}

/// Appends a list of commands to `out`, without a line feed. After an error `out` is as it was.
pub fn encode_signatures(
    signatures: &[PluginSignature],
    encoding: Encoding,
    dialect: Dialect,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let start = out.len();
    match encoding {
        Encoding::Json => encode::signatures(&mut JsonWriter::new(out, dialect), signatures),
        Encoding::MsgPack => {
            let mut w = MsgPackWriter::new(out, dialect, BytesForm::Integers);
            encode::signatures(&mut w, signatures)
        }
    }
    .inspect_err(|_| out.truncate(start))
}

/// Reads bytes that are one list of commands and nothing else, within the default limits.
pub fn decode_signatures(
    bytes: &[u8],
    encoding: Encoding,
) -> Result<Vec<PluginSignature>, DecodeError> {
    let limits = Limits::default();
    match encoding {
        Encoding::Json => alone(
            bytes,
            JsonReader::new(bytes, limits, Dialect::NEWEST),
            decode::signatures,
        ),
        Encoding::MsgPack => alone(
            bytes,
            MsgPackReader::new(bytes, limits, Dialect::NEWEST),
            decode::signatures,
        ),
    }
    .map_err(|error| error.with_excerpt(bytes, encoding))
}

/// Appends the registry of a Nushell to `out`, in MessagePack, as that version writes it before it compresses it. After
/// an error `out` is as it was.
pub fn encode_registry(
    registry: &Registry,
    dialect: Dialect,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let start = out.len();
    let mut w = MsgPackWriter::new(out, dialect, BytesForm::Integers);
    encode::registry(&mut w, registry).inspect_err(|_| out.truncate(start))
}

/// Reads bytes that are the registry of a Nushell, in MessagePack, and nothing else, within the default limits. What of
/// it cannot be read is said in its place and costs nothing else.
pub fn decode_registry(bytes: &[u8]) -> Result<Registry, DecodeError> {
    let limits = Limits::default();
    let msgpack = |bytes| MsgPackReader::new(bytes, limits, Dialect::NEWEST);
    let (mut registry, items) = alone(bytes, msgpack(bytes), decode::registry)?;
    for (index, span) in items.into_iter().enumerate() {
        let bytes = &bytes[span];
        match alone(bytes, msgpack(bytes), decode::item) {
            Ok((mut item, commands)) => {
                if let Some(commands) = commands {
                    let commands = decode_signatures(&bytes[commands], Encoding::MsgPack);
                    decode::fill(&mut item, commands);
                }
                registry.plugins.push(item);
            }
            Err(error) => registry
                .problems
                .push(format!("plugin number {}: {error}", index + 1)),
        }
    }
    Ok(registry)
}

/// Reads what is the only thing in `bytes`.
fn alone<'a, R: Reader<'a>, T>(
    bytes: &[u8],
    mut r: R,
    read: impl FnOnce(&mut R) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    let limits = Limits::default();
    if bytes.len() > limits.frame {
        return Err(limits.too_large(limits.frame));
    }
    let thing = read(&mut r)?;
    let rest = &bytes[r.offset()..];
    if rest.iter().all(u8::is_ascii_whitespace) {
        Ok(thing)
    } else {
        r.fail(DecodeErrorKind::Syntax, "there is more behind the end")
    }
}
