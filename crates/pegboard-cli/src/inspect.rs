//! `pegboard inspect`: what a plugin is and which commands it has.

use pegboard_host::protocol::codec::{Encoding, encode_signatures};
use pegboard_host::protocol::nu::{Dialect, PluginSignature};
use pegboard_host::{Error, Plugin, Status};
use serde_json::{Value as Json, json};

use crate::exit::{Exit, Failure, write_out};
use crate::listing::{commands, first_line};
use crate::options::InspectOptions;
use crate::run::engine;

pub(crate) fn inspect(options: &InspectOptions) -> Result<Exit, Failure> {
    let engine = engine(None)?;
    let plugin = engine.load(&options.plugin)?;
    let signatures = plugin.signatures()?;
    let version = plugin.metadata()?.version;
    let status = plugin.status();
    let text = if options.json {
        let json = as_json(&plugin, version, &status, &signatures)?;
        escaped(&format!("{json:#}\n"))
    } else {
        as_text(&plugin, version, &status, &signatures)
    };
    Ok(write_out(&text))
}

fn as_json(
    plugin: &Plugin,
    version: Option<String>,
    status: &Status,
    signatures: &[PluginSignature],
) -> Result<Json, Error> {
    let mut commands = Vec::new();
    let mut signatures = signatures.to_vec();
    signatures.sort_by(|a, b| a.sig.name.cmp(&b.sig.name));
    let encoded = encode_signatures(&signatures, Encoding::Json, Dialect::NEWEST, &mut commands);
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
        text.push_str(&format!("{name:10}{}\n", first_line(&value)));
    }
    text.push_str(if signatures.is_empty() {
        "commands  none\n"
    } else {
        "commands\n"
    });
    text + &commands(signatures)
}

/// JSON in which characters that a terminal would act on are written as their codes.
pub(crate) fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '\u{7f}'..='\u{9f}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => text.push_str(&format!("\\u{:04x}", u32::from(character))),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_stays_what_it_is() {
        let json = json!({"a": "x\u{202e}y\u{9b}\u{7f}\u{1b}\u{fc}"});
        let text = escaped(&json.to_string());
        assert_eq!(text, "{\"a\":\"x\\u202ey\\u009b\\u007f\\u001b\u{fc}\"}");
        assert_eq!(serde_json::from_str::<Json>(&text).expect("JSON"), json);
    }
}
