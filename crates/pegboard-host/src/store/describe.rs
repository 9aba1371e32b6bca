//! What a plugin says about itself, as an entry and back.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pegboard_manifest::{Entry, FileStamp, index};
use pegboard_protocol::codec::{Encoding, decode_signatures, encode_signatures};
use pegboard_protocol::nu::{Dialect, PluginSignature};
use serde_json::{Value as Json, json};

use super::files::nanoseconds;
use crate::{Error, Plugin};

/// Whether a plugin's file is still the one that was described.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Size and time are the same.
    Same,
    /// It is another one; what is known about the plugin may be wrong.
    Changed,
    /// There is none.
    Gone,
}

impl Freshness {
    /// Looks at the file, once: `plugin.path()` and `plugin.file()` of a plugin in the index, or of an entry.
    pub fn of(path: impl AsRef<Path>, file: FileStamp) -> Freshness {
        match stamp(path.as_ref()) {
            Ok(now) if now == file => Freshness::Same,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Freshness::Gone,
            _ => Freshness::Changed,
        }
    }
}

/// Whether the file of an installed plugin may be run, if it is there: it has the right to be executed, or needs none since
/// an interpreter reads it. [`Freshness`] says nothing about that.
pub fn may_run(plugin: index::Plugin<'_>) -> bool {
    plugin.interpreter().is_some() || crate::engine::may_run(Path::new(plugin.path()))
}

/// Asks a plugin for everything that its entry needs, in a process of its own: one that runs is stopped before, since
/// its file may have been another one when it was started. `now` is what the entry says about when it was added.
///
/// Fails if the plugin's file is changed meanwhile, since nobody could say then which of the two was described.
pub fn describe(plugin: &Plugin, now: SystemTime) -> Result<Entry, Error> {
    let path = plugin.path();
    let look = || {
        stamp(path).map_err(|error| {
            let message = format!("{} cannot be read: {error}", path.display());
            Error::refused(message).of(plugin.name())
        })
    };
    let file = look()?;
    plugin.stop();
    plugin.core.forget_answers();
    plugin.start()?;
    let commands = plugin.signatures()?;
    let metadata = plugin.metadata()?;
    let status = plugin.status();
    if look()? != file {
        let message = format!("{} was changed while it was described", path.display());
        return Err(Error::refused(message).help("try again").of(plugin.name()));
    }
    let text = |path: &std::ffi::OsStr| {
        path.to_str().map(str::to_owned).ok_or_else(|| {
            let message = format!("{} is no Unicode, so it cannot be kept", path.display());
            Error::refused(message).of(plugin.name())
        })
    };
    let mut entry = Entry::new(plugin.name(), text(path.as_os_str())?, file);
    let interpreter = plugin.core.config.interpreter.as_ref();
    entry.interpreter = interpreter
        .map(|words| words.iter().map(|word| text(word)).collect())
        .transpose()?;
    entry.kind = plugin.protocol().name().to_owned();
    entry.version = metadata.version;
    entry.protocol = status.protocol_version;
    entry.encoding = status.encoding.map(str::to_owned);
    entry.features = status.features;
    let since = now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    entry.added = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
    entry.signatures = signatures_as_json(&commands).map_err(|error| error.of(plugin.name()))?;
    Ok(entry)
}

/// The commands that an entry lists.
pub fn signatures(entry: &Entry) -> Result<Vec<PluginSignature>, Error> {
    let wrong = |what: String| {
        Error::refused(format!("its signatures cannot be read: {what}")).of(&entry.name)
    };
    let decoded = match entry.signatures.get("msgpack").and_then(Json::as_str) {
        Some(text) => {
            let bytes = from_hex(text).ok_or_else(|| wrong("that is no hexadecimal".to_owned()))?;
            decode_signatures(&bytes, Encoding::MsgPack)
        }
        None => decode_signatures(entry.signatures.to_string().as_bytes(), Encoding::Json),
    };
    decoded.map_err(|error| wrong(error.to_string()))
}

/// Commands in the form in which [`Entry::signatures`] has them.
pub fn signatures_as_json(commands: &[PluginSignature]) -> Result<Json, Error> {
    let mut bytes = Vec::new();
    if encode_signatures(commands, Encoding::Json, Dialect::NEWEST, &mut bytes).is_ok()
        && let Ok(json) = serde_json::from_slice::<Json>(&bytes)
        && decode_signatures(json.to_string().as_bytes(), Encoding::Json)
            .is_ok_and(|read| read == commands)
    {
        return Ok(json);
    }
    // Infinities in examples, for one, have no form in JSON.
    bytes.clear();
    encode_signatures(commands, Encoding::MsgPack, Dialect::NEWEST, &mut bytes)
        .map_err(|error| Error::refused(format!("its signatures cannot be written: {error}")))?;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(json!({ "msgpack": hex }))
}

/// What tells whether a file is still the same.
pub(super) fn stamp(path: &Path) -> io::Result<FileStamp> {
    let metadata = fs::metadata(path)?;
    Ok(FileStamp {
        size: metadata.len(),
        modified: nanoseconds(metadata.modified()?),
    })
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let byte = |&[high, low]: &[u8; 2]| u8::try_from(digit(high)? << 4 | digit(low)?).ok();
    rest.is_empty().then(|| pairs.iter().map(byte).collect())?
}
