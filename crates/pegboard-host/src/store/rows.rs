//! What the index says about each entry.

use std::io;

use pegboard_manifest::Entry;
use pegboard_manifest::index::{IndexBuilder, Listed};
use pegboard_protocol::codec::{Encoding, encode_signatures};
use pegboard_protocol::nu::Dialect;

use super::describe::signatures;
use super::files::{self, Files, Stamp};

/// Reads entries, and what their files add up to. A damaged entry is listed as a problem.
pub(super) fn read(files: &Files, names: &[String]) -> (IndexBuilder, Stamp) {
    let mut builder = IndexBuilder::new();
    let mut stamp = Stamp::default();
    for file in names {
        let (entry, number) = match files.read_entry(file) {
            Ok((bytes, number)) => (parse(file, &bytes), Some(number)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => (
                Err(error.to_string()),
                files.stamp(file).unwrap_or_default(),
            ),
        };
        stamp = stamp.with(number);
        match entry.and_then(|entry| Ok((listed(file, &entry)?, entry.name))) {
            Ok((listed, name)) => builder.plugin(name, listed),
            Err(what) => builder.problem(file, what),
        };
    }
    (builder, stamp)
}

/// The entry that a file of this name contains.
pub(super) fn parse(file: &str, bytes: &[u8]) -> Result<Entry, String> {
    let entry = Entry::parse(bytes).map_err(|error| error.to_string())?;
    match files::name_of(&entry.name) {
        Ok(expected) if expected == file => Ok(entry),
        Ok(expected) => Err(format!(
            "it says that it is `{}`, whose entry is {expected}",
            entry.name
        )),
        Err(error) => Err(error.labeled().msg.clone()),
    }
}

/// What the index says about an entry.
pub(super) fn listed(file: &str, entry: &Entry) -> Result<Listed, String> {
    let signatures = signatures(entry).map_err(|error| error.labeled().msg.clone())?;
    let mut encoded = Vec::new();
    encode_signatures(
        &signatures,
        Encoding::MsgPack,
        Dialect::NEWEST,
        &mut encoded,
    )
    .map_err(|error| format!("its signatures have no form in MessagePack: {error}"))?;
    let commands = signatures
        .into_iter()
        .map(|command| (command.sig.name, command.sig.description));
    Ok(Listed {
        entry: file.to_owned(),
        path: entry.path.clone(),
        interpreter: entry.interpreter.clone(),
        kind: entry.kind.clone(),
        file: entry.file,
        version: entry.version.clone(),
        protocol: entry.protocol.clone(),
        commands: commands.collect(),
        signatures: encoded,
    })
}
