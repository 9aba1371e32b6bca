//! `pegboard import` and `pegboard export`: the list of plugins that Nushell keeps.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use pegboard_host::manifest::{Entry, index};
use pegboard_host::store::registry::{self, Registry, RegistryItem};
use pegboard_host::store::{Added, describe};
use pegboard_host::{Engine, Error, LabeledError, PluginConfig, Protocol, ReportStyle};
use semver::Version;
use serde_json::json;

use crate::add::document;
use crate::exit::{Exit, Failure, print_error, write_out, written};
use crate::installed;
use crate::listing::escaped;
use crate::options::{ExportOptions, ImportOptions};
use crate::run::engine;
use crate::terminal::Progress;

/// The version of Nushell that a registry is for if no plugin tells.
const USUAL: Version = Version::new(0, 115, 1);

/// A registry of this size is none.
const LARGEST: u64 = 256 << 20;

pub(crate) fn import(options: &ImportOptions) -> Result<Exit, Failure> {
    let path = match &options.registry {
        Some(path) => path.clone(),
        None => usual_place().ok_or_else(|| {
            let error = LabeledError::new("there is no home directory to look for the registry in");
            Failure::misuse(error.with_help("name the file: `pegboard import FILE`"))
        })?,
    };
    let registry = read(&path)?;
    let store = installed::store()?;
    let engine = engine(None)?;
    let mut progress = Progress::new("asking", registry.plugins.len());
    let (mut text, mut documents) = (String::new(), Vec::new());
    let mut failed: Option<Failure> = None;
    for item in &registry.plugins {
        progress.next(&item.name);
        let taken = taken_over(&engine, item, options.unasked).map_err(Failure::from);
        match taken.and_then(|entry| {
            let added = installed::keep(&store, &entry)?;
            Ok((entry, added))
        }) {
            Ok((entry, added)) => {
                documents.push(document(&entry, added));
                let did = match added {
                    Added::New => "added",
                    Added::Replaced => "renewed",
                };
                text.push_str(&format!("{did} {}\n", entry.name));
            }
            Err(failure) => {
                progress.clear();
                failure.show();
                failed.get_or_insert(failure);
            }
        }
    }
    progress.clear();
    let all = registry.plugins.len();
    text.push_str(&format!(
        "took over {} of {all} plugins of {}\n",
        documents.len(),
        path.display()
    ));
    let written = write_out(&match options.json {
        true => escaped(&format!("{:#}\n", json!(documents))),
        false => ReportStyle::harmless(&text),
    });
    Ok(failed.map_or(written, |failure| failure.exit()))
}

/// A plugin of the registry: as it says itself, or, unasked, as the registry says.
fn taken_over(engine: &Engine, item: &RegistryItem, unasked: bool) -> Result<Entry, Error> {
    if unasked {
        return registry::entry_of(item, SystemTime::now());
    }
    let config = PluginConfig {
        interpreter: item.shell.as_ref().map(|shell| vec![OsString::from(shell)]),
        ..PluginConfig::default()
    };
    let plugin = engine.load_with(&item.filename, config)?;
    let described = describe(&plugin, SystemTime::now());
    plugin.stop();
    described
}

pub(crate) fn export(options: &ExportOptions) -> Result<Exit, Failure> {
    let store = installed::store()?;
    let snapshot = installed::read(&store)?;
    let mut registry = Registry::default();
    let mut left_out = false;
    let is_of_nushell = |plugin: &index::Plugin<'_>| plugin.kind() == Protocol::Nushell.name();
    let (plugins, others): (Vec<_>, Vec<_>) = snapshot.index().plugins().partition(is_of_nushell);
    if !others.is_empty() {
        let names: Vec<&str> = others.iter().map(|plugin| plugin.name()).collect();
        print_error(&format!(
            "note: Nushell cannot run plugins of Octa's, so these are left out: {}\n",
            names.join(", ")
        ));
    }
    for plugin in &plugins {
        let item = store
            .entry(plugin.name())
            .and_then(|entry| entry.map(|entry| registry::item_of(&entry)).transpose());
        match item {
            Ok(item) => registry.plugins.extend(item),
            Err(error) => {
                Failure::from(error).show();
                left_out = true;
            }
        }
    }
    let spoken = plugins.iter().filter_map(|plugin| {
        // A Nushell runs plugins of its own version, so that is probably the one there is.
        plugin.protocol()?.parse::<Version>().ok()
    });
    let version = options.nushell.clone().or_else(|| spoken.max());
    let version = version.unwrap_or(USUAL);
    let bytes = registry::write(&registry, &version)?;
    let exit = if options.file == Path::new("-") {
        let mut stdout = io::stdout().lock();
        written(stdout.write_all(&bytes).and_then(|()| stdout.flush()))
    } else {
        write(&options.file, &bytes, options.force)?;
        let count = registry.plugins.len();
        let plugins = if count == 1 { "plugin" } else { "plugins" };
        write_out(&format!(
            "wrote {count} {plugins} for Nushell {version} to {}\n",
            options.file.display()
        ))
    };
    match (exit, left_out) {
        (Exit::Done, true) => Ok(Exit::Failed),
        (exit, _) => Ok(exit),
    }
}

fn read(path: &Path) -> Result<Registry, Failure> {
    let unreadable = |error: &io::Error| {
        let message = format!("`{}` cannot be read: {error}", path.display());
        Failure::misuse(LabeledError::new(message).with_code("pegboard::registry::unreadable"))
    };
    let file = fs::File::open(path).map_err(|error| unreadable(&error))?;
    let mut bytes = Vec::new();
    file.take(LARGEST)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(&error))?;
    registry::read(&bytes).map_err(|error| {
        let message = format!("`{}`: {}", path.display(), error.labeled().msg);
        Failure::misuse(LabeledError::new(message).with_code("pegboard::registry::unreadable"))
    })
}

/// Writes a file as a whole or not at all. A link stays one: what it points to is replaced.
fn write(path: &Path, bytes: &[u8], force: bool) -> Result<(), Failure> {
    let failed = |error: io::Error| {
        Failure::unwritten(format!("`{}` cannot be written: {error}", path.display()))
    };
    let there = match fs::metadata(path) {
        Ok(metadata) => Some(metadata),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
    };
    if there.as_ref().is_some_and(|there| !there.is_file()) {
        let error = LabeledError::new(format!("`{}` is no file", path.display()))
            .with_code("pegboard::registry::no_file")
            .with_help("write to standard output instead: `pegboard export -`");
        return Err(Failure::misuse(error));
    }
    if there.is_some() && !force {
        let error = LabeledError::new(format!("`{}` is there already", path.display()))
            .with_code("pegboard::registry::exists")
            .with_help("`--force` replaces it; the plugins that only it lists are lost then");
        return Err(Failure::misuse(error));
    }
    let target = match there {
        Some(_) => fs::canonicalize(path).map_err(failed)?,
        None => path.to_owned(),
    };
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = target.with_file_name(name);
    fs::write(&new, bytes).map_err(failed)?;
    let kept = there.map_or(Ok(()), |there| {
        fs::set_permissions(&new, there.permissions())
    });
    kept.and_then(|()| fs::rename(&new, &target))
        .map_err(|error| {
            if fs::remove_file(&new).is_err() {
                print_error(&format!("note: {} is left behind\n", new.display()));
            }
            failed(error)
        })
}

/// Where Nushell keeps its registry.
fn usual_place() -> Option<PathBuf> {
    let absolute = |name: &str| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let config = absolute("XDG_CONFIG_HOME").or_else(|| {
        let home = absolute("HOME")?;
        Some(match cfg!(target_os = "macos") {
            true => home.join("Library/Application Support"),
            false => home.join(".config"),
        })
    });
    Some(config?.join("nushell").join("plugin.msgpackz"))
}
