//! `pegboard inspect`: what a plugin is and which commands it has.

use std::io::{self, Write};

use pegboard_host::protocol::codec::{Encoding, encode_signatures};
use pegboard_host::protocol::nu::{Dialect, PluginSignature};
use pegboard_host::{Error, Plugin, Status, Usage};
use serde_json::{Value as Json, json};

use crate::exit::{Exit, Failure, written};
use crate::options::InspectOptions;
use crate::run::engine;
use crate::terminal;

pub(crate) fn inspect(options: &InspectOptions) -> Result<Exit, Failure> {
    let engine = engine(None)?;
    let plugin = engine.load(&options.plugin)?;
    let signatures = plugin.signatures()?;
    let version = plugin.metadata()?.version;
    let status = plugin.status();
    let text = if options.json {
        let json = as_json(&plugin, version, &status, &signatures)?;
        format!("{json:#}\n")
    } else {
        as_text(&plugin, version, &status, &signatures)
    };
    Ok(written(io::stdout().lock().write_all(text.as_bytes())))
}

fn as_json(
    plugin: &Plugin,
    version: Option<String>,
    status: &Status,
    signatures: &[PluginSignature],
) -> Result<Json, Error> {
    let mut commands = Vec::new();
    let encoded = encode_signatures(signatures, Encoding::Json, Dialect::NEWEST, &mut commands);
    encoded
        .map_err(|error| Error::misuse(format!("the signatures have no form in JSON: {error}")))?;
    let commands: Json = serde_json::from_slice(&commands)
        .map_err(|error| Error::misuse(format!("the signatures have no form in JSON: {error}")))?;
    Ok(json!({
        "name": plugin.name(),
        "path": plugin.path().to_string_lossy(),
        "version": version,
        "protocol_version": status.protocol_version,
        "encoding": status.encoding,
        "features": status.features,
        "commands": commands,
    }))
}

fn as_text(
    plugin: &Plugin,
    version: Option<String>,
    status: &Status,
    signatures: &[PluginSignature],
) -> String {
    let known = |value: Option<String>| value.unwrap_or_else(|| "not known".to_owned());
    let protocol = status.protocol_version.as_ref().map(|version| {
        let encoding = status.encoding.unwrap_or("an unknown encoding");
        format!("Nushell {version}, {encoding}")
    });
    let features = match status.features.as_slice() {
        [] => "none".to_owned(),
        features => features.join(", "),
    };
    let mut text = String::new();
    for (name, value) in [
        ("name", plugin.name().to_owned()),
        ("path", plugin.path().display().to_string()),
        ("version", known(version)),
        ("protocol", known(protocol)),
        ("features", features),
    ] {
        text.push_str(&format!("{name:10}{}\n", shown(&value)));
    }
    text.push_str(if signatures.is_empty() {
        "commands  none\n"
    } else {
        "commands\n"
    });
    let width = terminal::output_width();
    for signature in signatures {
        text.push_str(&format!("  {}\n", Usage::new(signature).line()));
        let description = shown(&signature.sig.description);
        if !description.is_empty() {
            let room = width.max(40) - 6;
            let cut: String = description.chars().take(room).collect();
            text.push_str(&format!(
                "      {}{}\n",
                cut,
                if cut == description { "" } else { "..." }
            ));
        }
    }
    text
}

/// One line of a plugin's own text, without what a terminal would act on.
fn shown(text: &str) -> String {
    text.lines()
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_control())
        .collect()
}
