//! Plugins that a line names with `--plugin` and that are not installed. They are asked once, and what they said is kept.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, SystemTime};

use pegboard_host::manifest::Entry;
use pegboard_host::protocol::nu::PluginSignature;
use pegboard_host::store::{Freshness, Snapshot, Store, describe, signatures};
use pegboard_host::{Engine, Error};

use super::ask::{self, PATIENCE};

/// Where in the store the answers are kept. They are no more than a cache.
const ASKED: &str = "asked";

/// How long somebody is waited for who keeps an answer too.
const WRITERS: Duration = Duration::from_millis(100);

/// A plugin that is not installed.
pub(super) struct Given {
    pub(super) path: PathBuf,
    /// The version of the protocol that it speaks.
    pub(super) protocol: Option<String>,
    pub(super) signatures: Vec<PluginSignature>,
}

impl Given {
    fn of(entry: &Entry) -> Option<Given> {
        Some(Given {
            path: PathBuf::from(&entry.path),
            protocol: entry.protocol.clone(),
            signatures: signatures(entry).ok()?,
        })
    }
}

/// What is known of these plugins, but for those that are installed. Whatever is wrong with one, it is left out.
///
/// Only a file whose name says that it is a plugin is started: nobody who presses Tab wants to run any other.
pub(super) fn given(store: &Store, snapshot: &Snapshot, plugins: &[&str]) -> Vec<Given> {
    let asked = Store::open(store.directory().join(ASKED)).with_patience(WRITERS);
    let paths = plugins.iter().filter_map(|plugin| file(plugin));
    let others = paths.filter(|path| {
        let mut installed = snapshot.index().plugins();
        !installed.any(|plugin| path.as_os_str() == plugin.path())
    });
    others.filter_map(|path| one(&asked, path)).collect()
}

/// The file of a plugin, if its name says that it is one.
fn file(plugin: &str) -> Option<PathBuf> {
    // Shells whose words come as typed leave it to others to replace this.
    let path = match plugin.strip_prefix("~/") {
        Some(rest) => PathBuf::from(env::var_os("HOME")?).join(rest),
        None => PathBuf::from(plugin),
    };
    let name = path.file_name()?.to_str()?;
    let is_plugin = name.starts_with("nu_plugin_") || name.starts_with("octa_plugin_");
    let named = plugin.contains('/') && is_plugin && path.is_file();
    // A link of a plugin's name stays one.
    let directory = path.parent()?.canonicalize().ok();
    directory.filter(|_| named).map(|it| it.join(name))
}

fn one(asked: &Store, path: PathBuf) -> Option<Given> {
    let engine = ask::engine().ok()?;
    let name = engine.load(&path).ok()?.name().to_owned();
    let known = asked.entry(&name).ok().flatten();
    let known = known.filter(|entry| path.as_os_str() == entry.path.as_str());
    if let Some(entry) = known
        && Freshness::of(&entry.path, entry.file) == Freshness::Same
    {
        return Given::of(&entry);
    }
    let entry = within_patience(engine, path)?;
    // Nobody needs it to be kept.
    let _ = asked.add(&entry);
    Given::of(&entry)
}

/// Asks a plugin what it can do. One that does not answer in time is ended by what guards it, when this process is gone.
fn within_patience(engine: Engine, path: PathBuf) -> Option<Entry> {
    let (answer, answered) = sync_channel(1);
    let ask = move || {
        let _ = answer.send(asked(&engine, &path));
    };
    thread::Builder::new().name("ask".into()).spawn(ask).ok()?;
    answered.recv_timeout(PATIENCE).ok()?.ok()
}

fn asked(engine: &Engine, path: &Path) -> Result<Entry, Error> {
    describe(&engine.load(path)?, SystemTime::now())
}
