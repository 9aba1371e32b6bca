//! `pegboard inspect`: what a plugin is and which commands it has.

use std::path::Path;
use std::time::SystemTime;

use pegboard_host::manifest::Entry;
use pegboard_host::protocol::codec::{Encoding, encode_signatures};
use pegboard_host::protocol::nu::{Dialect, PluginSignature};
use pegboard_host::store::{describe, signatures};
use pegboard_host::{Error, Protocol};
use serde_json::{Value as Json, json};

use crate::exit::{Exit, Failure, write_out};
use crate::installed;
use crate::list::state;
use crate::listing::{commands, escaped, first_line};
use crate::options::InspectOptions;
use crate::remove::unknown;
use crate::run::engine;

pub(crate) fn inspect(options: &InspectOptions) -> Result<Exit, Failure> {
    let (entry, state) = match by_name(&options.plugin)? {
        Some((entry, state)) => (entry, Some(state)),
        None => {
            let engine = engine(None)?;
            let plugin = engine.load(&options.plugin)?;
            (describe(&plugin, SystemTime::now())?, None)
        }
    };
    let signatures = signatures(&entry)?;
    let text = match options.json {
        true => escaped(&format!("{:#}\n", as_json(&entry, state, signatures)?)),
        false => as_text(&entry, state, &signatures),
    };
    Ok(write_out(&text))
}

/// An installed plugin, if that is what is meant, and what has become of its file.
fn by_name(plugin: &Path) -> Result<Option<(Entry, &'static str)>, Failure> {
    let Some(name) = installed::name(plugin) else {
        return Ok(None);
    };
    let store = installed::store()?;
    let snapshot = installed::read(&store)?;
    let entry = match snapshot.index().plugin(name) {
        Some(known) => store.entry(name)?.map(|entry| (entry, state(known))),
        None => None,
    };
    match entry {
        Some(entry) => Ok(Some(entry)),
        None if plugin.exists() => Ok(None),
        None => Err(unknown(&store, name)?),
    }
}

fn as_json(
    entry: &Entry,
    state: Option<&'static str>,
    mut signatures: Vec<PluginSignature>,
) -> Result<Json, Error> {
    signatures.sort_by(|a, b| a.sig.name.cmp(&b.sig.name));
    let mut commands = Vec::new();
    let encoded = encode_signatures(&signatures, Encoding::Json, Dialect::NEWEST, &mut commands);
    encoded
        .map_err(|error| Error::misuse(format!("the signatures have no form in JSON: {error}")))?;
    let commands: Json = serde_json::from_slice(&commands)
        .map_err(|error| Error::misuse(format!("the signatures have no form in JSON: {error}")))?;
    let mut json = json!({
        "name": entry.name,
        "path": entry.path,
        "version": entry.version,
        "kind": entry.kind,
        "protocol_version": entry.protocol,
        "encoding": entry.encoding,
        "features": entry.features,
        "commands": commands,
    });
    if let Some(state) = state {
        json["file"] = state.into();
    }
    Ok(json)
}

fn as_text(entry: &Entry, state: Option<&'static str>, signatures: &[PluginSignature]) -> String {
    let known = |value: &Option<String>| value.clone().unwrap_or_else(|| "not known".to_owned());
    let protocol = entry.protocol.as_ref().map(|version| {
        let encoding = entry.encoding.as_deref().unwrap_or("an unknown encoding");
        let protocol = Protocol::from_name(&entry.kind).unwrap_or(Protocol::Nushell);
        format!("{protocol} {version}, {encoding}")
    });
    let features = match entry.features.as_slice() {
        [] => "none".to_owned(),
        features => features.join(", "),
    };
    let mut lines = vec![
        ("name", entry.name.clone()),
        ("path", entry.path.clone()),
        ("version", known(&entry.version)),
        ("protocol", known(&protocol)),
        ("features", features),
    ];
    match state {
        Some("changed") => lines.push(("file", "changed since it was added".to_owned())),
        Some("not executable") => lines.push(("file", "may not be executed any more".to_owned())),
        Some("gone") => lines.push(("file", "gone since it was added".to_owned())),
        _ => {}
    }
    let mut text = String::new();
    for (name, value) in lines {
        text.push_str(&format!("{name:10}{}\n", first_line(&value)));
    }
    text.push_str(if signatures.is_empty() {
        "commands  none\n"
    } else {
        "commands\n"
    });
    text + &commands(signatures)
}
