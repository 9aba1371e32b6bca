//! Writes the registry of a Nushell, as that version does.

use super::signature::signatures;
use crate::codec::writer::{Result, Writer};
use crate::nu::{Change, Registry};

pub(in crate::codec) fn registry<W: Writer>(w: &mut W, registry: &Registry) -> Result {
    w.map(2)?;
    w.key("nushell_version");
    w.text(&registry.nushell_version);
    w.key("plugins");
    w.list(&registry.plugins, |w, item| {
        let described = w.has(Change::MetadataCall);
        let content = item.content.as_ref();
        w.map(3 + content.map_or(0, |_| 1 + usize::from(described)))?;
        w.key("name");
        w.text(&item.name);
        w.key("filename");
        w.text(&item.filename);
        w.option_text("shell", item.shell.as_deref());
        if let Ok(content) = content {
            if described {
                w.key("metadata");
                w.map(1)?;
                w.option_text("version", content.metadata.version.as_deref());
                w.end_map();
            }
            w.key("commands");
            signatures(w, &content.commands)?;
        }
        w.end_map();
        Ok(())
    })?;
    w.end_map();
    Ok(())
}
