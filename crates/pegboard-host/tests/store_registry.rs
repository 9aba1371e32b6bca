//! The registry of real Nushells, both ways: what `nu` wrote is read, and what was written here `nu` reads and uses.

mod common;
mod store_common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use common::{Rig, Scratch as Directory};
use pegboard_host::store::registry::{self, Registry, RegistryItem};
use pegboard_host::store::{Freshness, describe, signatures};
use pegboard_testkit::peers::{peer, peer_in};
use semver::Version;

/// A real Nushell, and plugins that it runs. Those that speak one version are told which.
struct Nu {
    version: &'static str,
    program: PathBuf,
    plugins: Vec<PathBuf>,
}

fn oldest() -> Nu {
    Nu {
        version: "0.98.0",
        program: peer_in("bin-0.98.0", "nu"),
        plugins: vec![peer("nu_plugin_pyhand.py")],
    }
}

fn newest() -> Nu {
    let plugins = [
        "nu_plugin_pyhand.py",
        "nu_plugin_inc",
        "nu_plugin_reference",
        "nu_plugin_formats",
    ];
    Nu {
        version: "0.115.1",
        program: peer("nu"),
        plugins: plugins.map(peer).to_vec(),
    }
}

impl Nu {
    fn version(&self) -> Version {
        Version::parse(self.version).expect("a version")
    }

    /// What a script prints.
    fn run(&self, registry: &Path, script: &str) -> String {
        let output = Command::new(&self.program)
            .args(["--no-std-lib", "--plugin-config"])
            .arg(registry)
            .args(["-c", script])
            .env("HAND_VERSION", self.version)
            .output()
            .expect("a real Nushell");
        let (said, failed) = (output.stdout, output.stderr);
        let failed = String::from_utf8_lossy(&failed);
        assert!(output.status.success(), "{script}: {failed}");
        assert_eq!(failed, "", "{script}");
        String::from_utf8(said).expect("text").trim().to_owned()
    }

    /// A registry with its plugins, as it writes it.
    fn add_all(&self, registry: &Path) -> Vec<u8> {
        for plugin in &self.plugins {
            self.run(registry, &format!("plugin add '{}'", plugin.display()));
        }
        fs::read(registry).expect("a registry")
    }

    /// The names of the commands that it has by plugins, sorted.
    fn commands(&self, registry: &Path) -> Vec<String> {
        let script = "scope commands | where type == plugin | get name | sort | to json --raw";
        serde_json::from_str(&self.run(registry, script)).expect("a list of names")
    }
}

fn names(registry: &Registry) -> Vec<String> {
    let commands = registry.plugins.iter().flat_map(|item| {
        let content = item.content.as_ref().expect("a valid item");
        content
            .commands
            .iter()
            .map(|command| command.sig.name.clone())
    });
    let mut names: Vec<String> = commands.collect();
    names.sort();
    names
}

fn decompressed(bytes: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    std::io::Read::read_to_end(&mut brotli::Decompressor::new(bytes, 4096), &mut content)
        .expect("brotli");
    content
}

#[test]
fn what_nushell_wrote_is_read_and_written_the_same() {
    for nu in [oldest(), newest()] {
        let scratch = Directory::new();
        let file = scratch.path().join("plugin.msgpackz");
        let theirs = nu.add_all(&file);
        let read = registry::read(&theirs).expect("a registry");
        assert_eq!(read.nushell_version, nu.version);
        assert_eq!(read.problems, [] as [&str; 0]);
        assert_eq!(read.plugins.len(), nu.plugins.len());
        for item in &read.plugins {
            assert!(
                nu.plugins
                    .iter()
                    .any(|plugin| plugin == Path::new(&item.filename))
            );
        }
        assert_eq!(names(&read), nu.commands(&file), "{}", nu.version);
        let ours = registry::write(&read, &nu.version()).expect("a registry");
        assert!(
            decompressed(&ours) == decompressed(&theirs),
            "{}: other bytes",
            nu.version
        );
    }
}

#[test]
fn what_is_written_nushell_reads_and_runs() {
    for nu in [oldest(), newest()] {
        let rig = Rig::with(|config| common::set(config, "HAND_VERSION", nu.version));
        let plugin = rig.engine.load(&nu.plugins[0]).expect("a plugin");
        let entry = describe(&plugin, UNIX_EPOCH + Duration::from_millis(5)).expect("an entry");
        assert_eq!((entry.name.as_str(), entry.added), ("pyhand", 5));
        assert_eq!(entry.version.as_deref(), Some("0.1.0"));
        assert_eq!(entry.protocol.as_deref(), Some(nu.version));
        assert_eq!(entry.encoding.as_deref(), Some("json"));
        assert_eq!(Freshness::of(&entry.path, entry.file), Freshness::Same);
        assert_eq!(
            signatures(&entry).expect("signatures")[..],
            plugin.signatures().expect("signatures")[..]
        );

        // Through a store, as a user's plugins go.
        let store = store_common::Scratch::new();
        store.store.add(&entry).expect("added");
        let stored = store
            .store
            .entry("pyhand")
            .expect("an entry")
            .expect("an entry");
        assert_eq!(stored, entry);
        let item = registry::item_of(&stored).expect("an item");
        let registry = Registry {
            plugins: vec![item],
            ..Registry::default()
        };
        let bytes = registry::write(&registry, &nu.version()).expect("a registry");
        let file = rig.scratch.path().join("plugin.msgpackz");
        fs::write(&file, &bytes).expect("written");
        assert_eq!(nu.commands(&file), names(&registry), "{}", nu.version);
        assert_eq!(nu.run(&file, "plugin list | get 0.name"), "pyhand");
        assert_eq!(nu.run(&file, "[1 2 3] | py sum"), "6");
        // It wrote the same itself.
        let other = rig.scratch.path().join("theirs.msgpackz");
        nu.run(&other, &format!("plugin add '{}'", nu.plugins[0].display()));
        let theirs = fs::read(&other).expect("a registry");
        assert!(
            decompressed(&bytes) == decompressed(&theirs),
            "{}: other bytes",
            nu.version
        );
    }
}

#[test]
fn a_registry_with_a_bad_item_gives_the_others() {
    let nu = newest();
    let scratch = Directory::new();
    let file = scratch.path().join("plugin.msgpackz");
    let mut registry = registry::read(&nu.add_all(&file)).expect("a registry");
    registry.plugins[0].content = Err("spoilt".to_owned());
    let invalid = registry.plugins[0].name.clone();
    let bytes = registry::write(&registry, &nu.version()).expect("a registry");
    let read = registry::read(&bytes).expect("a registry");
    let whole = |item: &&RegistryItem| item.content.is_ok();
    assert_eq!(
        read.plugins.iter().filter(whole).count(),
        nu.plugins.len() - 1
    );
    let error = registry::entry_of(&read.plugins[0], UNIX_EPOCH).expect_err("an invalid item");
    assert_eq!(error.plugin(), Some(invalid.as_str()));
    let entry = registry::entry_of(&read.plugins[1], UNIX_EPOCH).expect("an entry");
    assert_eq!(Freshness::of(&entry.path, entry.file), Freshness::Same);
    assert_eq!(registry::item_of(&entry).expect("an item"), read.plugins[1]);
}

#[test]
fn interpreters_go_both_ways() {
    let scratch = store_common::Scratch::new();
    let plugin = scratch.directory.join("nu_plugin_x");
    fs::write(&plugin, "").expect("written");
    let mut entry = store_common::entry("x", &["x"]);
    entry.path = plugin.to_str().expect("text").to_owned();
    entry.interpreter = Some(vec!["python3".to_owned()]);
    let item = registry::item_of(&entry).expect("an item");
    assert_eq!(item.shell.as_deref(), Some("python3"));
    let back = registry::entry_of(&item, UNIX_EPOCH).expect("an entry");
    assert_eq!(back.interpreter, entry.interpreter);
    entry.interpreter = Some(vec!["python3".to_owned(), "-I".to_owned()]);
    let error = registry::item_of(&entry).expect_err("Nushell has no place for it");
    assert!(
        error.to_string().contains("python3 with further arguments"),
        "{error}"
    );
    fs::remove_file(&plugin).expect("a file");
    let error = registry::entry_of(&item, UNIX_EPOCH).expect_err("no file");
    assert!(error.to_string().contains("cannot be read"), "{error}");
}

#[test]
fn what_is_no_registry_is_refused() {
    assert_eq!(
        registry::read(b"").expect("an empty registry"),
        Registry::default()
    );
    let compressed = |bytes: &[u8]| {
        let mut writer = brotli::CompressorWriter::new(Vec::new(), 4096, 3, 20);
        std::io::Write::write_all(&mut writer, bytes).expect("compressed");
        writer.into_inner()
    };
    // A little that becomes more than there may be.
    let bomb = compressed(&vec![0; (64 << 20) + 1]);
    for (bytes, reason) in [
        (b"junk".to_vec(), "cannot be decompressed"),
        (compressed(b"\xc0"), "a plugin registry"),
        (compressed(b""), "ends inside"),
        (bomb, "more than 67108864 bytes"),
    ] {
        let error = registry::read(&bytes).expect_err(reason).to_string();
        assert!(error.contains(reason), "{error}");
    }
    let version = Version::new(0, 90, 0);
    let error = registry::write(&Registry::default(), &version).expect_err("too old");
    assert!(error.to_string().contains("0.90.0"), "{error}");
}
