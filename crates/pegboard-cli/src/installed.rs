//! The plugins that are installed for the user: where, and what their index says.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pegboard_host::manifest::{Entry, index};
use pegboard_host::protocol::nu::PluginSignature;
use pegboard_host::store::{Added, Freshness, Snapshot, Store, describe, signatures};
use pegboard_host::{Engine, Error, LabeledError, LinkChoice, Plugin, PluginConfig, Protocol};

use crate::exit::{Failure, print_error};
use crate::terminal;

/// The variable that names the directory of the installed plugins.
pub(crate) const HOME: &str = "PEGBOARD_HOME";

/// The user's store. Nothing is read or made yet.
pub(crate) fn store() -> Result<Store, Failure> {
    let absolute = |name: &str| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    if let Some(path) = env::var_os(HOME).filter(|path| !path.is_empty()) {
        let here = env::current_dir().unwrap_or_default();
        return Ok(Store::open(here.join(path)));
    }
    let data = absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")));
    match data {
        Some(data) => Ok(Store::open(data.join("pegboard"))),
        None => {
            let error = LabeledError::new("there is no home directory to keep plugins in")
                .with_code("pegboard::store::no_home")
                .with_help(format!("set HOME, or {HOME} to a directory"));
            Err(Failure::misuse(error))
        }
    }
}

/// The name that a word without a slash is. Whether a plugin of that name is installed is another question; a file in the
/// current directory is named as `./FILE`, so that no file is run by chance.
pub(crate) fn name(plugin: &Path) -> Option<&str> {
    plugin.to_str().filter(|name| !name.contains('/'))
}

/// What is installed now. Says so if the index had to be made again, and which entries cannot be read.
pub(crate) fn read(store: &Store) -> Result<Snapshot, Failure> {
    let snapshot = store.read().map_err(Failure::of_store)?;
    if let Some(rebuilt) = snapshot.rebuilt() {
        print_error(&format!("note: {rebuilt}\n"));
    }
    for problem in snapshot.index().problems() {
        let place = store.directory().join("plugins").join(problem.file);
        print_error(&format!(
            "warning: {} is left out: {}\n",
            place.display(),
            problem.what
        ));
    }
    Ok(snapshot)
}

/// Installs a plugin. One of the same name is replaced, but for one that speaks another protocol: `nu_plugin_x` and
/// `octa_plugin_x` have one name, and are two plugins.
pub(crate) fn keep(store: &Store, entry: &Entry) -> Result<Added, Failure> {
    // What cannot be read is replaced, too.
    let other = store.entry(&entry.name).ok().flatten();
    let other = other.filter(|it| it.kind != entry.kind && Path::new(&it.path).exists());
    let Some(other) = other else {
        return store.add(entry).map_err(Failure::of_store);
    };
    let (name, path) = (&entry.name, &other.path);
    let kind = Protocol::from_name(&other.kind).map(|kind| format!(" of {kind}'s"));
    let kind = kind.unwrap_or_default();
    let error = LabeledError::new(format!(
        "{} is not installed: there is a plugin{kind} of the same name, `{name}`, in {path}",
        entry.path
    ))
    .with_code("pegboard::store::name_taken")
    .with_help(format!(
        "give one of them another name, which is that of its file or of a link to it, without `nu_plugin_` or \
         `octa_plugin_` and the extension; or take that one out with `pegboard remove {name}`"
    ));
    Err(Failure::misuse(error))
}

/// Loads an installed plugin and gives what it can do. It is started only if its file has changed since it was added:
/// then its entry is made again.
pub(crate) fn load(
    engine: &Engine,
    store: &Store,
    snapshot: &Snapshot,
    plugin: index::Plugin<'_>,
    patience: Option<Duration>,
) -> Result<(Plugin, Vec<PluginSignature>), Failure> {
    let loaded = try_load(engine, store, snapshot, plugin, patience);
    loaded.map_err(|error| Failure::of_plugin(error, Protocol::from_name(plugin.kind())))
}

fn try_load(
    engine: &Engine,
    store: &Store,
    snapshot: &Snapshot,
    plugin: index::Plugin<'_>,
    patience: Option<Duration>,
) -> Result<(Plugin, Vec<PluginSignature>), Error> {
    let freshness = Freshness::of(plugin.path(), plugin.file());
    if freshness == Freshness::Gone {
        let error = LabeledError::new(format!(
            "the file of the plugin {} is gone: {}",
            plugin.name(),
            plugin.path()
        ))
        .with_code("pegboard::store::gone")
        .with_help(format!(
            "put it back, `pegboard add` it where it is now, or `pegboard remove {}`",
            plugin.name()
        ));
        return Err(Error::misuse(error));
    }
    let loaded = load_as_is(engine, store, plugin)?;
    if freshness == Freshness::Same
        && let Some(known) = snapshot.signatures(plugin.name())?
    {
        return Ok((loaded, known));
    }
    signatures_of(&loaded, patience)?;
    let entry = describe(&loaded, SystemTime::now())?;
    let known = signatures(&entry)?;
    match store.add(&entry) {
        Ok(_) => print_error(&format!(
            "note: the plugin {} has changed since it was added, so it was asked again\n",
            plugin.name()
        )),
        Err(error) => {
            let report = error.report(None, terminal::report_style());
            print_error(&format!(
                "warning: what has changed in a plugin is not kept\n{report}"
            ));
        }
    }
    Ok((loaded, known))
}

/// Loads an installed plugin without looking at what has become of its file.
pub(crate) fn load_as_is(
    engine: &Engine,
    store: &Store,
    plugin: index::Plugin<'_>,
) -> Result<Plugin, Error> {
    engine.load_with(plugin.path(), config(store, plugin))
}

/// What commands a plugin has, if it says so in time.
pub(crate) fn signatures_of(
    plugin: &Plugin,
    patience: Option<Duration>,
) -> Result<Arc<[PluginSignature]>, Error> {
    match patience {
        Some(patience) => plugin.signatures_within(patience),
        None => plugin.signatures(),
    }
}

/// How an installed plugin is run. One that is known to be able to use a local socket need not be asked first.
pub(crate) fn config(store: &Store, plugin: index::Plugin<'_>) -> PluginConfig {
    let interpreter = plugin
        .interpreter()
        .map(|words| words.map(OsString::from).collect());
    let entry = store.entry(plugin.name()).ok().flatten();
    let socket = entry.is_some_and(|entry| entry.features.iter().any(|it| it == "LocalSocket"));
    PluginConfig {
        interpreter,
        protocol: Protocol::from_name(plugin.kind()),
        link: if socket {
            LinkChoice::LocalSocket
        } else {
            LinkChoice::Auto
        },
        ..PluginConfig::default()
    }
}
