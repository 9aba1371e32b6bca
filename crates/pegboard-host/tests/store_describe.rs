//! Entries made by asking real plugins.

mod common;
mod store_common;

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use common::{OLDEST, Rig};
use pegboard_host::store::{Freshness, describe, signatures};
use pegboard_host::{ErrorKind, Plugin, PluginConfig};
use pegboard_testkit::peers::peer;

fn described(plugin: &Plugin) -> pegboard_host::manifest::Entry {
    describe(plugin, UNIX_EPOCH).expect("an entry")
}

#[test]
fn an_entry_has_what_the_plugin_said() {
    let rig = Rig::new();
    let plugin = rig.load("nu_plugin_reference");
    let entry = described(&plugin);
    assert_eq!(entry.name, "reference");
    assert_eq!(PathBuf::from(&entry.path), plugin.path());
    assert_eq!(entry.kind, "nushell");
    assert_eq!(entry.interpreter, None);
    assert_eq!(entry.protocol.as_deref(), Some("0.115.1"));
    assert_eq!(entry.encoding.as_deref(), Some("msgpack"));
    assert_eq!(entry.features, ["LocalSocket"]);
    assert_eq!(entry.version, plugin.metadata().expect("metadata").version);
    let commands = plugin.signatures().expect("signatures");
    assert_eq!(signatures(&entry).expect("signatures")[..], commands[..]);
    assert!(!commands.is_empty());

    let store = store_common::Scratch::new();
    store.store.add(&entry).expect("added");
    let snapshot = store.read();
    assert_eq!(
        snapshot.signatures("reference").expect("signatures"),
        Some(commands.to_vec())
    );
    let listed = snapshot.index().plugin("reference").expect("a plugin");
    assert_eq!(Freshness::of(listed.path(), listed.file()), Freshness::Same);
    assert_eq!(listed.commands().count(), commands.len());
    assert_eq!(listed.protocol(), Some("0.115.1"));
}

#[test]
fn an_old_plugin_has_an_entry_too() {
    let rig = Rig::new();
    let plugin = rig.engine.load(OLDEST.path()).expect("a plugin");
    let entry = described(&plugin);
    let protocol = entry.protocol.as_deref().unwrap_or_default();
    assert!(protocol.starts_with("0.105."), "{protocol}");
    let commands = plugin.signatures().expect("signatures");
    assert_eq!(signatures(&entry).expect("signatures")[..], commands[..]);
}

#[test]
fn a_plugin_that_was_changed_is_asked_again() {
    let rig = Rig::new();
    let file = rig.scratch.path().join("nu_plugin_mine");
    let source = fs::read_to_string(peer("nu_plugin_pyhand.py")).expect("a plugin");
    fs::write(&file, &source).expect("written");
    let interpreter = ["python3", "-I"].map(OsString::from).to_vec();
    let config = PluginConfig {
        interpreter: Some(interpreter),
        ..PluginConfig::default()
    };
    let plugin = rig.engine.load_with(&file, config).expect("a plugin");
    let first = described(&plugin);
    assert_eq!(
        first.interpreter,
        Some(vec!["python3".to_owned(), "-I".to_owned()])
    );
    let names = |entry| {
        let commands = signatures(entry).expect("signatures");
        commands
            .into_iter()
            .map(|one| one.sig.name)
            .collect::<Vec<_>>()
    };
    assert!(names(&first).contains(&"py sum".to_owned()));
    fs::write(&file, source.replace("\"py sum\"", "\"py total\"")).expect("written");
    assert_eq!(Freshness::of(&first.path, first.file), Freshness::Changed);
    let second = described(&plugin);
    assert!(
        names(&second).contains(&"py total".to_owned()),
        "{:?}",
        names(&second)
    );
    assert!(!names(&second).contains(&"py sum".to_owned()));
    assert_eq!(Freshness::of(&second.path, second.file), Freshness::Same);
}

#[test]
fn a_plugin_that_changes_its_own_file_cannot_be_described() {
    let rig = Rig::new();
    let file = rig.scratch.path().join("nu_plugin_self.py");
    let source = fs::read_to_string(peer("nu_plugin_pyhand.py")).expect("a plugin");
    let changing = source.replacen(
        "import sys\n",
        "import sys\nopen(__file__, 'a').write('#\\n')\n",
        1,
    );
    assert_ne!(changing, source);
    fs::write(&file, changing).expect("written");
    let plugin = rig.engine.load(&file).expect("a plugin");
    let error = describe(&plugin, UNIX_EPOCH).expect_err("it changes");
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(
        error
            .to_string()
            .contains("was changed while it was described"),
        "{error}"
    );
}

#[test]
fn a_path_that_is_no_text_cannot_be_kept() {
    let rig = Rig::new();
    let folder = rig
        .scratch
        .path()
        .join(OsString::from_vec(vec![b'x', 0xff]));
    fs::create_dir(&folder).expect("a directory");
    let file = folder.join("nu_plugin_x.py");
    fs::copy(peer("nu_plugin_pyhand.py"), &file).expect("a copy");
    let plugin = rig.engine.load(&file).expect("a plugin");
    let error = describe(&plugin, UNIX_EPOCH).expect_err("no text");
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("is no Unicode"), "{error}");
}

#[test]
fn a_plugin_that_does_not_start_has_no_entry() {
    let rig = Rig::new();
    let file = rig.scratch.path().join("nu_plugin_broken.py");
    fs::write(&file, "import sys\nsys.exit(3)\n").expect("written");
    let plugin = rig.engine.load(&file).expect("a plugin");
    let error = describe(&plugin, UNIX_EPOCH).expect_err("it ends");
    assert_eq!(error.kind(), ErrorKind::Start, "{error}");
}
