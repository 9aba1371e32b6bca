//! `pegboard list`: the installed plugins, from the index.

use pegboard_host::ReportStyle;
use pegboard_host::manifest::index::Plugin;
use pegboard_host::store::{Freshness, Snapshot, may_run};
use serde_json::{Value as Json, json};

use crate::exit::{Exit, Failure, print_error, write_out};
use crate::installed;
use crate::listing::{commands, escaped};
use crate::options::ListOptions;
use crate::output::text_table;

pub(crate) fn list(options: &ListOptions) -> Result<Exit, Failure> {
    let store = installed::store()?;
    let snapshot = installed::read(&store)?;
    if options.json {
        let plugins: Vec<Json> = snapshot.index().plugins().map(as_json).collect();
        return Ok(write_out(&escaped(&format!("{:#}\n", json!(plugins)))));
    }
    if snapshot.index().plugins().len() == 0 {
        print_error("no plugins are installed; `pegboard add PATH` installs one\n");
        return Ok(Exit::Done);
    }
    let text = match options.commands {
        true => with_commands(&snapshot)?,
        false => plugins(&snapshot),
    };
    Ok(write_out(&text))
}

fn as_json(plugin: Plugin<'_>) -> Json {
    let names: Vec<&str> = plugin.commands().map(|command| command.name()).collect();
    json!({
        "name": plugin.name(),
        "version": plugin.version(),
        "kind": plugin.kind(),
        "protocol_version": plugin.protocol(),
        "path": plugin.path(),
        "file": state(plugin),
        "commands": names,
    })
}

fn plugins(snapshot: &Snapshot) -> String {
    let rows: Vec<[String; 5]> = snapshot
        .index()
        .plugins()
        .map(|plugin| {
            [
                plugin.name().to_owned(),
                plugin.version().unwrap_or_default().to_owned(),
                plugin.commands().count().to_string(),
                state(plugin).to_owned(),
                plugin.path().to_owned(),
            ]
        })
        .collect();
    text_table(["name", "version", "commands", "file", "path"], &rows)
}

fn with_commands(snapshot: &Snapshot) -> Result<String, Failure> {
    let mut text = String::new();
    for plugin in snapshot.index().plugins() {
        let signatures = snapshot.signatures(plugin.name())?.unwrap_or_default();
        text.push_str(&format!(
            "{}\n{}",
            ReportStyle::harmless(plugin.name()),
            commands(&signatures)
        ));
    }
    Ok(text)
}

/// What has become of a plugin's file since it was added.
pub(crate) fn state(plugin: Plugin<'_>) -> &'static str {
    match Freshness::of(plugin.path(), plugin.file()) {
        Freshness::Gone => "gone",
        Freshness::Same | Freshness::Changed if !may_run(plugin) => "not executable",
        Freshness::Changed => "changed",
        Freshness::Same => "ok",
    }
}
