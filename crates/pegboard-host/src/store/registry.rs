//! Nushell's own list of installed plugins, its file `plugin.msgpackz`: read what a real `nu` wrote, write what it reads.

use std::io::{self, Read, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use brotli::{CompressorWriter, Decompressor};
use pegboard_manifest::Entry;
use pegboard_protocol::codec::{decode_registry, encode_registry};
use pegboard_protocol::nu::{Dialect, PluginMetadata};
pub use pegboard_protocol::nu::{Registry, RegistryContent, RegistryItem};
use semver::Version;

use super::describe::{signatures, signatures_as_json, stamp};
use crate::{Error, Protocol};

/// The most bytes that a registry may have when it is decompressed. Real ones have a few megabytes.
const LARGEST: u64 = 64 << 20;
/// As Nushell does it: bytes at once, quality, and size of the window.
const COMPRESSION: (usize, u32, u32) = (65536, 3, 20);

/// Reads the content of a registry file. An empty one is an empty registry, as Nushell takes it. Plugins that cannot be
/// read are in their places with the reason.
pub fn read(bytes: &[u8]) -> Result<Registry, Error> {
    if bytes.is_empty() {
        return Ok(Registry::default());
    }
    let wrong =
        |what: String| Error::refused(format!("this is no plugin registry of Nushell: {what}"));
    let mut content = Vec::new();
    Decompressor::new(bytes, COMPRESSION.0)
        .take(LARGEST + 1)
        .read_to_end(&mut content)
        .map_err(|error| wrong(format!("it cannot be decompressed: {error}")))?;
    if content.len() as u64 > LARGEST {
        return Err(wrong(format!(
            "it has more than {LARGEST} bytes when it is decompressed"
        )));
    }
    decode_registry(&content).map_err(|error| wrong(error.to_string()))
}

/// The content of a registry file as the Nushell of this version writes it: plugins and commands are sorted, and
/// `nushell_version` is this one.
pub fn write(registry: &Registry, version: &Version) -> Result<Vec<u8>, Error> {
    let dialect = Dialect::of(version).map_err(|error| Error::misuse(error.to_string()))?;
    let mut registry = registry.clone();
    registry.nushell_version = version.to_string();
    registry.plugins.sort_by(|a, b| a.name.cmp(&b.name));
    for content in registry
        .plugins
        .iter_mut()
        .flat_map(|plugin| &mut plugin.content)
    {
        content.commands.sort_by(|a, b| a.sig.name.cmp(&b.sig.name));
    }
    let mut content = Vec::new();
    encode_registry(&registry, dialect, &mut content)
        .map_err(|error| Error::refused(format!("Nushell {version} could not read it: {error}")))?;
    compress(&content).map_err(|error| Error::refused(format!("it cannot be compressed: {error}")))
}

/// An installed plugin as Nushell lists it. Fails for one of Octa's, and if its interpreter has arguments, which Nushell
/// cannot give it.
pub fn item_of(entry: &Entry) -> Result<RegistryItem, Error> {
    if Protocol::from_name(&entry.kind) == Some(Protocol::Octa) {
        let message = "Nushell cannot run plugins of Octa's";
        return Err(Error::refused(message).of(&entry.name));
    }
    let shell = match entry.interpreter.as_deref() {
        None | Some([]) => None,
        Some([program]) => Some(program.clone()),
        Some([program, ..]) => {
            let message = format!("Nushell cannot start {program} with further arguments");
            return Err(Error::refused(message).of(&entry.name));
        }
    };
    let metadata = PluginMetadata {
        version: entry.version.clone(),
    };
    let commands = signatures(entry)?;
    Ok(RegistryItem {
        name: entry.name.clone(),
        filename: entry.path.clone(),
        shell,
        content: Ok(RegistryContent { metadata, commands }),
    })
}

/// A plugin that Nushell lists, as an entry. Fails for one that could not be read, and for one whose file is not there.
///
/// Nushell does not notice when a plugin's file changes, so the commands may be those of an older one; to be sure,
/// start the plugin and [describe](super::describe()) it instead.
pub fn entry_of(item: &RegistryItem, now: SystemTime) -> Result<Entry, Error> {
    let failed = |what: String| Error::refused(what).of(&item.name);
    let content = item.content.as_ref().map_err(|what| failed(what.clone()))?;
    let file = stamp(item.filename.as_ref())
        .map_err(|error| failed(format!("{} cannot be read: {error}", item.filename)))?;
    let mut entry = Entry::new(&item.name, &item.filename, file);
    entry.interpreter = item.shell.clone().map(|shell| vec![shell]);
    entry.version = content.metadata.version.clone();
    let since = now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    entry.added = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
    entry.signatures = signatures_as_json(&content.commands)?;
    Ok(entry)
}

fn compress(content: &[u8]) -> io::Result<Vec<u8>> {
    let (buffer, quality, window) = COMPRESSION;
    let mut writer = CompressorWriter::new(Vec::new(), buffer, quality, window);
    writer.write_all(content)?;
    writer.flush()?;
    Ok(writer.into_inner())
}
