//! What the tests of stores share: entries to install, and looking at what is installed.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test program uses a part of it"
)]

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use pegboard_host::manifest::{Entry, FileStamp};
use pegboard_host::protocol::nu::{PluginSignature, Signature};
use pegboard_host::store::{Snapshot, Store, signatures_as_json};

/// A store in a directory that goes away with it.
pub struct Scratch {
    pub directory: PathBuf,
    pub store: Store,
}

impl Scratch {
    pub fn new() -> Scratch {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("pegboard-store.{}.{number}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        let store = Store::open(directory.join("store"));
        std::fs::create_dir_all(&directory).expect("a directory for the test");
        Scratch { directory, store }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.store.directory().join(name)
    }

    pub fn read(&self) -> Snapshot {
        self.store.read().expect("a store that can be read")
    }

    pub fn add(&self, name: &str, commands: &[&str]) {
        self.store.add(&entry(name, commands)).expect("added");
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// An entry with these commands.
pub fn entry(name: &str, commands: &[&str]) -> Entry {
    let file = FileStamp {
        size: 1,
        modified: 2,
    };
    let commands: Vec<PluginSignature> = commands.iter().map(|name| command(name)).collect();
    let mut entry = Entry::new(name, format!("/plugins/nu_plugin_{name}"), file);
    entry.signatures = signatures_as_json(&commands).expect("signatures");
    entry.version = Some("1.0.0".to_owned());
    entry
}

pub fn command(name: &str) -> PluginSignature {
    PluginSignature {
        sig: Signature {
            name: name.to_owned(),
            description: format!("What {name} does."),
            ..Signature::default()
        },
        examples: Vec::new(),
    }
}

/// The names of the installed plugins.
pub fn names(snapshot: &Snapshot) -> Vec<String> {
    let plugins = snapshot.index().plugins();
    plugins.map(|plugin| plugin.name().to_owned()).collect()
}

/// Why the index was made again, if it was.
pub fn why(snapshot: &Snapshot) -> Option<String> {
    snapshot.rebuilt().map(ToString::to_string)
}
