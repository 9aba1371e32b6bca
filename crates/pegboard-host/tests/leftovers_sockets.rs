//! What an engine has left that was killed together with its guard is cleared away by the next one, and nothing else.

#![cfg(unix)]

mod hostile_common;

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use pegboard_host::{Engine, remove_stale_sockets};
use pegboard_testkit::tree::wait_until;

use hostile_common::{PATIENCE, Scratch, config, link_plugin, unique};

/// A directory as engines make it, with a socket in it.
fn directory(scratch: &Scratch, name: &str) -> PathBuf {
    let path = scratch.path().join(name);
    DirBuilder::new().mode(0o700).create(&path).unwrap();
    fs::create_dir(path.join("0")).unwrap();
    File::create_new(path.join("0/octa.sock")).unwrap();
    path
}

/// The file that a living engine has locked.
fn owner(path: &Path) -> File {
    File::create_new(path.join("owner")).unwrap()
}

fn stale(scratch: &Scratch, number: u8) -> PathBuf {
    let path = directory(scratch, &format!("pegboard.1.000000000000000{number}"));
    owner(&path);
    path
}

#[test]
fn an_engine_clears_away_what_others_have_left() {
    let scratch = Scratch::new();
    let left = [stale(&scratch, 1), stale(&scratch, 2)];
    let engine = Engine::new(config(&scratch, &unique(), |_| {})).unwrap();
    assert!(left.iter().all(|path| path.exists()), "nothing has started");
    engine.shutdown();
    let program = link_plugin(&scratch, "any", &pegboard_testkit::peers::hostile());
    // On a busy machine one may have no time for it.
    assert!(wait_until(PATIENCE, || {
        let engine = Engine::new(config(&scratch, &unique(), |_| {})).unwrap();
        engine.load(&program).unwrap().start().unwrap();
        engine.shutdown();
        left.iter().all(|path| !path.exists())
    }));
    assert_eq!(scratch.contents(), [] as [PathBuf; 0]);
}

#[test]
fn nothing_else_is_touched() {
    let scratch = Scratch::new();
    let name = |number: u8| format!("pegboard.1.000000000000000{number}");
    let living = directory(&scratch, &name(1));
    let lock = owner(&living);
    lock.try_lock().unwrap();
    // Nobody knows whose it is, or somebody is about to lock it.
    directory(&scratch, &name(2));
    let young = scratch.path().join(name(3));
    DirBuilder::new().mode(0o700).create(&young).unwrap();
    let open = stale(&scratch, 4);
    fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
    let elsewhere = directory(&scratch, "elsewhere");
    owner(&elsewhere);
    symlink(&elsewhere, scratch.path().join(name(5))).unwrap();
    let before = contents(scratch.path());
    let removed = remove_stale_sockets(scratch.path(), PATIENCE);
    assert_eq!(removed, [] as [PathBuf; 0]);
    assert_eq!(contents(scratch.path()), before);
    // Its engine has come to its end.
    drop(lock);
    assert_eq!(remove_stale_sockets(scratch.path(), PATIENCE), [living]);
    // Whoever has removed the rest of it was killed before the end.
    let old = SystemTime::now() - Duration::from_secs(3600);
    File::open(&young).unwrap().set_modified(old).unwrap();
    assert_eq!(remove_stale_sockets(scratch.path(), PATIENCE), [young]);
}

#[test]
fn it_takes_no_longer_than_it_may() {
    let scratch = Scratch::new();
    let left = stale(&scratch, 1);
    assert!(remove_stale_sockets(scratch.path(), Duration::ZERO).is_empty());
    assert!(left.exists());
    // Nor does it matter where there is nothing.
    let nowhere = scratch.path().join("nowhere");
    assert!(remove_stale_sockets(&nowhere, PATIENCE).is_empty());
}

/// A living engine's directory is left alone by other engines.
#[test]
fn a_living_engine_keeps_its_own() {
    let scratch = Scratch::new();
    let engine = Engine::new(config(&scratch, &unique(), |_| {})).unwrap();
    let shell = pegboard_testkit::peers::shipped("octa_plugin_shell");
    let plugin = engine.load(shell).unwrap();
    plugin.start().unwrap();
    let before = contents(scratch.path());
    assert!(
        before.iter().any(|path| path.ends_with("octa.sock")),
        "{before:?}"
    );
    assert!(remove_stale_sockets(scratch.path(), PATIENCE).is_empty());
    assert_eq!(contents(scratch.path()), before);
    engine.shutdown();
    assert_eq!(scratch.contents(), [] as [PathBuf; 0]);
}

/// Everything below a directory.
fn contents(path: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(path).unwrap().flatten() {
        all.push(entry.path());
        if entry.file_type().unwrap().is_dir() {
            all.extend(contents(&entry.path()));
        }
    }
    all.sort();
    all
}
