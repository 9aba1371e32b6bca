//! Stores with many users and many plugins: nothing is lost, also when writers are killed, and looking is quick.

mod store_common;

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pegboard_host::manifest::Entry;
use pegboard_host::store::{Added, Store, signatures_as_json};
use store_common::{Scratch, command, entry, names, why};

/// Set for a process that a test has started from this very program: where its store is, and which number it has.
const WORK: &str = "PEGBOARD_STORE_WORK";
/// Long enough for ten processes on a slow disk.
const PATIENCE: Duration = Duration::from_secs(60);
const WORKERS: usize = 10;
const PLUGINS_EACH: usize = 8;

/// Starts this program again, to run the same test as a worker.
fn worker(test: &str, store: &Store, number: usize) -> Child {
    let work = format!("{number}:{}", store.directory().display());
    Command::new(env::current_exe().expect("this program"))
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(WORK, work)
        .stdout(Stdio::piped())
        .spawn()
        .expect("a worker")
}

/// The store and the number of this worker, if it is one.
fn work() -> Option<(usize, Store)> {
    let work = env::var(WORK).ok()?;
    let (number, directory) = work.split_once(':')?;
    Some((
        number.parse().ok()?,
        Store::open(directory).with_patience(PATIENCE),
    ))
}

#[test]
fn ten_processes_at_once_lose_nothing() {
    if let Some((number, store)) = work() {
        return add_and_remove(number, &store);
    }
    let scratch = Scratch::new();
    let start = |number| worker("ten_processes_at_once_lose_nothing", &scratch.store, number);
    let workers: Vec<Child> = (0..WORKERS).map(start).collect();
    for worker in workers {
        let output = worker.wait_with_output().expect("a worker");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}");
    }
    let mut expected = vec!["shared".to_owned()];
    for number in 0..WORKERS {
        let kept = (1..PLUGINS_EACH).step_by(2);
        expected.extend(kept.map(|plugin| format!("p{number}-{plugin}")));
    }
    expected.sort();
    let snapshot = scratch.read();
    assert_eq!(names(&snapshot), expected);
    assert_eq!(why(&snapshot), None);
    assert_eq!(snapshot.index().problems().len(), 0);
    let kept = fs::read(scratch.file("index")).expect("an index");
    fs::remove_file(scratch.file("index")).expect("an index");
    assert_eq!(names(&scratch.read()), expected);
    assert_eq!(fs::read(scratch.file("index")).expect("an index"), kept);
}

/// Adds plugins and removes every other one, and sees at every step what it did itself.
fn add_and_remove(number: usize, store: &Store) {
    let read = || {
        let snapshot = store.read().expect("a store");
        assert_eq!(
            why(&snapshot),
            None,
            "others at work are no reason to make the index again"
        );
        assert_eq!(snapshot.index().problems().len(), 0);
        snapshot
    };
    for plugin in 0..PLUGINS_EACH {
        let name = format!("p{number}-{plugin}");
        let added = store.add(&entry(&name, &[&name, "common"])).expect("added");
        assert_eq!(added, Added::New);
        let snapshot = read();
        let command = snapshot.index().command(&name).expect("its command");
        assert_eq!(command.plugin().name(), name);
        store.add(&entry("shared", &[&name])).expect("added");
        if plugin % 2 == 0 {
            assert!(store.remove(&name).expect("removed"));
            assert!(read().index().plugin(&name).is_none());
        }
    }
}

#[test]
fn a_writer_that_is_killed_leaves_a_store_that_can_be_used() {
    if let Some((_, store)) = work() {
        return add_for_ever(&store);
    }
    let scratch = Scratch::new();
    for round in 0..50_u32 {
        let test = "a_writer_that_is_killed_leaves_a_store_that_can_be_used";
        let mut worker = worker(test, &scratch.store, 0);
        let output = BufReader::new(worker.stdout.take().expect("its output"));
        let mut done = output.lines().map_while(Result::ok);
        let mut said = done.by_ref().find(|line| line == "kept added");
        // At another point each time: adding takes some milliseconds.
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_micros(u64::from(round) * 300) {
            std::hint::spin_loop();
        }
        worker.kill().expect("killed");
        worker.wait().expect("its end");
        said = done.filter(|line| line.ends_with("ed")).last().or(said);

        let store = &scratch.store;
        let snapshot = scratch.read();
        assert_eq!(snapshot.index().problems().len(), 0, "round {round}");
        assert_eq!(names(&snapshot), entries(&scratch), "round {round}");
        let is_there = |name| snapshot.index().plugin(name).is_some();
        assert!(is_there("kept"), "round {round}: what was added is lost");
        let signatures = snapshot.signatures("kept").expect("signatures");
        assert_eq!(signatures.map(|all| all.len()), Some(1), "round {round}");
        // After these words it goes on with the other plugin.
        if said.as_deref() == Some("gone removed") {
            assert!(!is_there("gone"), "round {round}: what was removed is back");
        }
        assert_eq!(why(&scratch.read()), None, "round {round}");
        // Nothing is in the way of the next one.
        let after = format!("after-{round}");
        store.add(&entry(&after, &["x"])).expect("added");
        assert!(store.remove("kept").expect("removed"));
        store.remove("gone").expect("removed, if it was there");
    }
    let mut expected: Vec<String> = (0..50).map(|round| format!("after-{round}")).collect();
    expected.sort();
    assert_eq!(names(&scratch.read()), expected);
    assert_eq!(entries(&scratch), expected);
}

/// Adds two plugins, of which it removes one, again and again, and says what it has done.
fn add_for_ever(store: &Store) {
    let (kept, gone) = (large("kept"), large("gone"));
    loop {
        store.add(&kept).expect("added");
        println!("\nkept added");
        store.add(&gone).expect("added");
        println!("\ngone added");
        assert!(store.remove("gone").expect("removed"));
        println!("\ngone removed");
    }
}

/// An entry that takes a while to be written.
fn large(name: &str) -> Entry {
    let mut command = command(name);
    command.sig.description = "much to say ".repeat(20_000);
    let mut entry = entry(name, &[]);
    entry.signatures = signatures_as_json(&[command]).expect("signatures");
    entry
}

/// The names of the entries' files, without their ending.
fn entries(scratch: &Scratch) -> Vec<String> {
    let files = fs::read_dir(scratch.file("plugins")).expect("entries");
    let name = |file: std::io::Result<fs::DirEntry>| {
        let name = file.expect("an entry").file_name();
        name.to_string_lossy().replace(".json", "")
    };
    let mut names: Vec<String> = files.map(name).collect();
    names.sort();
    names
}

#[test]
fn looking_among_five_hundred_plugins_takes_no_time() {
    let empty = Scratch::new();
    let scratch = Scratch::new();
    fs::create_dir_all(scratch.file("plugins")).expect("a directory");
    for plugin in 0..500 {
        let name = format!("plugin{plugin}");
        let commands: Vec<String> = (0..10).map(|it| format!("{name} group{it} do")).collect();
        let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
        let place = scratch.file("plugins").join(format!("{name}.json"));
        fs::write(place, entry(&name, &commands).print()).expect("written");
    }
    assert!(scratch.read().rebuilt().is_some());
    let look = |store: &Store| {
        let begin = Instant::now();
        let snapshot = Store::open(store.directory()).read().expect("a store");
        let found = snapshot
            .index()
            .longest(&["plugin321", "group7", "do", "it"])
            .map(|(command, used)| (command.plugin().name().to_owned(), used));
        assert_eq!(why(&snapshot), None);
        (begin.elapsed(), found)
    };
    // The best of some, because other tests run as well.
    let best = |store: &Store| (0..20).map(|_| look(store)).min().expect("some");
    let ((full, found), (nothing, missing)) = (best(&scratch.store), best(&empty.store));
    assert_eq!(found, Some(("plugin321".to_owned(), 3)));
    assert_eq!(missing, None);
    println!("500 plugins: {full:?}, none: {nothing:?}");
    let more = full.saturating_sub(nothing);
    // Optimized it is 1.3 ms, and may be 5 ms.
    assert!(more < Duration::from_millis(20), "{more:?}");
}
