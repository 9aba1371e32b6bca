//! `pegboard inspect`: what a plugin is and which commands it has.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use pegboard_host::protocol::codec::{Encoding, Sender, encode_signatures};
use pegboard_host::protocol::nu::{Dialect, Feature, Hello, Message, PluginSignature};
use pegboard_host::trace::{EntryKind, Trace};
use pegboard_host::{Error, Plugin, Recorder, Usage};
use serde_json::{Value as Json, json};

use crate::exit::{Exit, Failure, written};
use crate::options::InspectOptions;
use crate::run::engine;
use crate::terminal;

pub(crate) fn inspect(options: &InspectOptions) -> Result<Exit, Failure> {
    let said = Said::default();
    let engine = engine(Some(Recorder::new(said.clone())))?;
    let plugin = engine.load(&options.plugin)?;
    let signatures = plugin.signatures()?;
    let version = plugin.metadata()?.version;
    let hello = said.hello();
    let text = if options.json {
        let json = as_json(&plugin, version, hello.as_ref(), &signatures)?;
        format!("{json:#}\n")
    } else {
        as_text(&plugin, version, hello.as_ref(), &signatures)
    };
    Ok(written(io::stdout().lock().write_all(text.as_bytes())))
}

fn as_json(
    plugin: &Plugin,
    version: Option<String>,
    hello: Option<&Hello>,
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
        "protocol_version": hello.map(|hello| &hello.version),
        "features": hello.map(features).unwrap_or_default(),
        "commands": commands,
    }))
}

fn as_text(
    plugin: &Plugin,
    version: Option<String>,
    hello: Option<&Hello>,
    signatures: &[PluginSignature],
) -> String {
    let unknown = || "not known".to_owned();
    let features = hello.map(features).unwrap_or_default().join(", ");
    let mut text = String::new();
    for (name, value) in [
        ("name", plugin.name().to_owned()),
        ("path", plugin.path().display().to_string()),
        ("version", version.unwrap_or_else(unknown)),
        (
            "protocol",
            hello.map_or_else(unknown, |hello| format!("Nushell {}", hello.version)),
        ),
        (
            "features",
            if features.is_empty() {
                "none".to_owned()
            } else {
                features
            },
        ),
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

fn features(hello: &Hello) -> Vec<&str> {
    hello.features.iter().map(Feature::name).collect()
}

/// What was said, kept in memory.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl Said {
    /// What the plugin said about itself first.
    fn hello(&self) -> Option<Hello> {
        let text = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let trace = Trace::parse(&String::from_utf8_lossy(&text)).ok()?;
        trace
            .entries
            .into_iter()
            .find_map(|entry| match entry.kind {
                EntryKind::Message {
                    from: Sender::Plugin,
                    message,
                    ..
                } => match *message {
                    Message::Hello(hello) => Some(hello),
                    _ => None,
                },
                _ => None,
            })
    }
}

impl Write for Said {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
