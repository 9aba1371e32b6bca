//! Reads the registry of a Nushell. One item that cannot be read costs no other.

use super::response::plugin_metadata;
use crate::codec::reader::{Fields, Reader, Result};
use crate::nu::{PluginMetadata, PluginSignature, Registry, RegistryContent, RegistryItem};

/// What is read another time, on its own: its bytes.
type Span = std::ops::Range<usize>;

/// The registry itself, with the places of its items.
pub(in crate::codec) fn registry<'a, R: Reader<'a>>(r: &mut R) -> Result<(Registry, Vec<Span>)> {
    const SHAPE: Fields = Fields::new("a plugin registry", &["nushell_version", "plugins"]);
    let (mut version, mut items) = (None, None);
    r.fields(&SHAPE, |r, index| {
        match index {
            0 => version = Some(r.or_default(R::string)?),
            _ => items = Some(r.list(span)?),
        }
        Ok(())
    })?;
    let registry = Registry {
        nushell_version: r.need(version, "nushell_version", &SHAPE)?,
        ..Registry::default()
    };
    Ok((registry, r.need(items, "plugins", &SHAPE)?))
}

/// An item, with the place of its commands if it has any.
pub(in crate::codec) fn item<'a, R: Reader<'a>>(r: &mut R) -> Result<(RegistryItem, Option<Span>)> {
    const SHAPE: Fields = Fields::new(
        "an installed plugin",
        &["name", "filename", "shell", "metadata", "commands"],
    );
    let (mut name, mut filename, mut shell) = (None, None, None);
    let (mut metadata, mut commands) = (PluginMetadata::default(), None);
    r.fields(&SHAPE, |r, index| {
        match index {
            0 => name = Some(r.string()?),
            1 => filename = Some(r.string()?),
            2 => shell = r.option(R::string)?,
            3 => metadata = r.or_default(plugin_metadata)?,
            _ => commands = Some(span(r)?),
        }
        Ok(())
    })?;
    let content = RegistryContent {
        metadata,
        commands: Vec::new(),
    };
    let item = RegistryItem {
        name: r.need(name, "name", &SHAPE)?,
        filename: r.need(filename, "filename", &SHAPE)?,
        shell,
        content: match commands {
            Some(_) => Ok(content),
            None => Err("it has no commands".to_owned()),
        },
    };
    Ok((item, commands))
}

/// Puts the commands of an item into it, or why there are none.
pub(in crate::codec) fn fill(
    item: &mut RegistryItem,
    commands: std::result::Result<Vec<PluginSignature>, crate::codec::DecodeError>,
) {
    match (&mut item.content, commands) {
        (Ok(content), Ok(commands)) => content.commands = commands,
        (content, Err(error)) => *content = Err(error.to_string()),
        (Err(_), Ok(_)) => {}
    }
}

fn span<'a, R: Reader<'a>>(r: &mut R) -> Result<Span> {
    let start = r.offset();
    r.skip()?;
    Ok(start..r.offset())
}
