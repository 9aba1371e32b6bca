//! `pegboard add`: plugins are started, asked what they can do, and kept in the index.

use std::path::Path;
use std::time::SystemTime;

use pegboard_host::manifest::Entry;
use pegboard_host::store::{Added, Store, describe};
use pegboard_host::{Engine, PluginConfig, Protocol, ReportStyle};
use serde_json::{Value as Json, json};

use crate::exit::{Exit, Failure, print_error, write_out};
use crate::installed;
use crate::listing::escaped;
use crate::options::{AddOptions, Spoken};
use crate::run::engine;
use crate::terminal::Progress;

pub(crate) fn add(options: &AddOptions) -> Result<Exit, Failure> {
    let store = installed::store()?;
    let engine = engine(None)?;
    let mut progress = Progress::new("asking", options.plugins.len());
    let (mut text, mut documents) = (String::new(), Vec::new());
    let mut failed: Option<Failure> = None;
    for path in &options.plugins {
        progress.next(&path.display().to_string());
        match one(&store, &engine, path, options) {
            Ok((entry, added)) => {
                text.push_str(&line(&entry, added));
                documents.push(document(&entry, added));
            }
            Err(failure) => {
                progress.clear();
                // The others are installed all the same; the first error tells how it ends.
                failure.show();
                failed.get_or_insert(failure);
            }
        }
    }
    progress.clear();
    let written = write_out(&match options.json {
        true => escaped(&format!("{:#}\n", json!(documents))),
        false => text,
    });
    if let Some(failure) = failed {
        let (all, done) = (options.plugins.len(), documents.len());
        if all > 1 {
            print_error(&format!("{done} of {all} plugins were installed\n"));
        }
        return Ok(failure.exit());
    }
    Ok(written)
}

fn one(
    store: &Store,
    engine: &Engine,
    path: &Path,
    options: &AddOptions,
) -> Result<(Entry, Added), Failure> {
    let interpreter = options.interpreter.as_ref();
    let config = PluginConfig {
        interpreter: interpreter.map(|program| vec![program.into()]),
        protocol: options.protocol.map(Spoken::protocol),
        ..PluginConfig::default()
    };
    let plugin = engine.load_with(path, config)?;
    let described = describe(&plugin, SystemTime::now());
    plugin.stop();
    let entry = described?;
    let added = installed::keep(store, &entry)?;
    Ok((entry, added))
}

fn line(entry: &Entry, added: Added) -> String {
    let did = match added {
        Added::New => "added",
        Added::Replaced => "renewed",
    };
    let version = entry.version.as_deref().unwrap_or("");
    let space = if version.is_empty() { "" } else { " " };
    let names = command_names(entry);
    let count = names.len();
    let commands = if count == 1 { "command" } else { "commands" };
    // The key of a plugin of Octa's is no part of its name, which nobody would guess.
    let key = match names.as_slice() {
        [key] if entry.kind == Protocol::Octa.name() && *key != entry.name => format!(", `{key}`"),
        _ => String::new(),
    };
    ReportStyle::harmless(&format!(
        "{did} {}{space}{version} with {count} {commands}{key}\n",
        entry.name
    ))
}

/// What was installed, for scripts.
pub(crate) fn document(entry: &Entry, added: Added) -> Json {
    json!({
        "name": entry.name,
        "version": entry.version,
        "path": entry.path,
        "commands": command_names(entry),
        "replaced": added == Added::Replaced,
    })
}

/// The names of the commands of an entry.
fn command_names(entry: &Entry) -> Vec<String> {
    let signatures = pegboard_host::store::signatures(entry).unwrap_or_default();
    signatures.into_iter().map(|it| it.sig.name).collect()
}
