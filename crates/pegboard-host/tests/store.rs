//! Stores: what is added is found, damage costs only what is damaged and is said, and nothing is lost.

mod store_common;

use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::time::Duration;

use pegboard_host::ErrorKind;
use pegboard_host::manifest::{Entry, FileStamp};
use pegboard_host::store::{Added, Freshness, Store, signatures, signatures_as_json};
use pegboard_host::{Value, protocol};
use store_common::{Scratch, command, entry, names, why};

#[test]
fn a_store_that_is_not_there_has_no_plugins() {
    let scratch = Scratch::new();
    let snapshot = scratch.read();
    assert_eq!(snapshot.index().plugins().len(), 0);
    assert_eq!(why(&snapshot), None);
    assert_eq!(scratch.store.entry("inc").expect("no error"), None);
    assert!(!scratch.store.remove("inc").expect("no error"));
    assert!(
        !scratch.store.directory().exists(),
        "looking leaves nothing behind"
    );
}

#[test]
fn what_is_added_is_found_until_it_is_removed() {
    let scratch = Scratch::new();
    let store = &scratch.store;
    let words = entry("words", &["words", "words count"]);
    assert_eq!(store.add(&words).expect("added"), Added::New);
    assert_eq!(
        store.add(&entry("inc", &["inc"])).expect("added"),
        Added::New
    );
    let snapshot = scratch.read();
    assert_eq!(why(&snapshot), None);
    assert_eq!(names(&snapshot), ["inc", "words"]);
    let (found, used) = snapshot
        .index()
        .longest(&["words", "count", "x"])
        .expect("a command");
    assert_eq!((found.name(), used), ("words count", 2));
    assert_eq!(found.plugin().path(), "/plugins/nu_plugin_words");
    assert_eq!(found.description(), "What words count does.");
    let commands = snapshot.signatures("words").expect("signatures");
    assert_eq!(
        commands,
        Some(vec![command("words"), command("words count")])
    );
    assert_eq!(snapshot.signatures("none").expect("no error"), None);
    assert_eq!(store.entry("words").expect("an entry"), Some(words));

    assert_eq!(
        store.add(&entry("words", &["other"])).expect("added"),
        Added::Replaced
    );
    let replaced = scratch.read();
    assert!(replaced.index().command("words count").is_none());
    assert!(replaced.index().command("other").is_some());
    assert!(
        snapshot.index().command("words count").is_some(),
        "a snapshot stays what it was"
    );

    assert!(store.remove("words").expect("removed"));
    assert!(!store.remove("words").expect("no error"));
    assert!(!store.remove("inc.json").expect("no error"));
    assert_eq!(names(&scratch.read()), ["inc"]);
    assert!(store.remove("inc").expect("removed"));
    assert_eq!(names(&scratch.read()), [] as [&str; 0]);
    assert_eq!(why(&scratch.read()), None);
}

#[test]
fn names_that_are_hard_on_file_systems() {
    let scratch = Scratch::new();
    let hard = [
        "Inc",
        "inc",
        "../../escaped",
        "con",
        "größe",
        ".hidden",
        "a b",
        "%49nc",
    ];
    for name in hard {
        scratch.add(name, &[name]);
    }
    let mut sorted = hard.to_vec();
    sorted.sort_unstable();
    assert_eq!(names(&scratch.read()), sorted);
    fs::remove_file(scratch.file("index")).expect("an index");
    assert_eq!(names(&scratch.read()), sorted);
    for name in hard {
        assert_eq!(
            scratch
                .store
                .entry(name)
                .expect("an entry")
                .map(|it| it.name),
            Some(name.to_owned())
        );
        assert!(scratch.store.remove(name).expect("removed"), "{name}");
    }
    let error = scratch.store.add(&entry("", &[])).expect_err("no name");
    assert_eq!(error.kind(), ErrorKind::Misuse);
}

#[test]
fn the_index_that_was_changed_is_the_one_made_from_all_entries() {
    let scratch = Scratch::new();
    let index = scratch.file("index");
    scratch.add("a", &["x", "a"]);
    scratch.add("b", &["x"]);
    scratch.add("c", &[]);
    scratch.add("b", &["b", "b b"]);
    scratch.store.remove("c").expect("removed");
    let changed = fs::read(&index).expect("an index");
    fs::remove_file(&index).expect("an index");
    assert!(scratch.read().rebuilt().is_some());
    assert_eq!(fs::read(&index).expect("an index"), changed);
    assert_eq!(why(&scratch.read()), None);
}

#[test]
fn files_are_replaced_as_a_whole() {
    let scratch = Scratch::new();
    scratch.add("inc", &["inc"]);
    for file in ["plugins/inc.json", "index"] {
        let place = scratch.file(file);
        let before = fs::read(&place).expect("a file");
        let mut opened = fs::File::open(&place).expect("a file");
        scratch.add("inc", &["inc", file]);
        let mut read = Vec::new();
        opened.read_to_end(&mut read).expect("a file");
        assert!(read == before, "{file} was written over");
        assert_ne!(fs::read(&place).expect("a file"), before);
    }
    // What a killed writer left beside is not taken for anything.
    for beside in ["entry.new", "index.new"] {
        fs::write(scratch.file(beside), "torn").expect("written");
    }
    assert_eq!(why(&scratch.read()), None);
    scratch.add("other", &["other"]);
    assert_eq!(names(&scratch.read()), ["inc", "other"]);
}

#[test]
fn an_index_that_cannot_be_used_is_made_again_and_that_is_said() {
    let check = |reason: &str, spoil: &dyn Fn(&Scratch)| {
        let scratch = Scratch::new();
        scratch.add("inc", &["inc"]);
        spoil(&scratch);
        let snapshot = scratch.read();
        let said = why(&snapshot).unwrap_or_default();
        let expected = format!("the index of installed plugins was made again: {reason}");
        assert!(said.starts_with(&expected), "{said}");
        assert!(snapshot.index().command("inc").is_some(), "{reason}");
        let again = scratch.read();
        assert_eq!(why(&again), None, "{reason}");
        assert!(again.index().command("inc").is_some(), "{reason}");
    };
    let write = |scratch: &Scratch, change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = fs::read(scratch.file("index")).expect("an index");
        change(&mut bytes);
        fs::write(scratch.file("index"), bytes).expect("written");
    };
    check("there was none", &|it| {
        fs::remove_file(it.file("index")).expect("an index")
    });
    check("it does not begin as an index does", &|it| {
        write(it, &Vec::clear)
    });
    check("it does not begin as an index does", &|it| {
        write(it, &|bytes| *bytes = b"something else".to_vec());
    });
    check("its checksum does not match its bytes", &|it| {
        write(it, &|bytes| bytes[60] ^= 1)
    });
    check(
        "it has format 9, another one than this version writes",
        &|it| {
            write(it, &|bytes| bytes[8] = 9);
        },
    );
    check("it is 80 bytes long and should be", &|it| {
        write(it, &|bytes| bytes.truncate(80))
    });
    check("the entries have changed since", &|it| {
        let more = it.file("plugins/more.json");
        fs::write(more, entry("more", &["more"]).print()).expect("written");
    });
    check("the entries have changed since", &|it| {
        // As large as before, and at the same place.
        let place = it.file("plugins/inc.json");
        let text = fs::read_to_string(&place).expect("an entry");
        fs::write(place, text.replace("1.0.0", "1.0.1")).expect("written");
    });
}

#[test]
fn entries_that_people_remove_are_gone() {
    let scratch = Scratch::new();
    scratch.add("inc", &["inc"]);
    fs::remove_file(scratch.file("plugins/inc.json")).expect("an entry");
    let snapshot = scratch.read();
    assert_eq!(names(&snapshot), [] as [&str; 0]);
    assert!(snapshot.rebuilt().is_some());
    assert_eq!(why(&scratch.read()), None);
}

#[test]
fn signatures_that_are_damaged_in_the_index_are_taken_from_the_entry() {
    let scratch = Scratch::new();
    scratch.add("inc", &["inc"]);
    let mut bytes = fs::read(scratch.file("index")).expect("an index");
    *bytes.last_mut().expect("bytes") ^= 1;
    fs::write(scratch.file("index"), bytes).expect("written");
    let snapshot = scratch.read();
    assert_eq!(why(&snapshot), None);
    assert_eq!(
        snapshot.signatures("inc").expect("signatures"),
        Some(vec![command("inc")])
    );
    // The next change does not carry the damage on.
    scratch.add("other", &["other"]);
    let snapshot = scratch.read();
    let inc = snapshot.index().plugin("inc").expect("a plugin");
    assert!(inc.signatures().is_ok());
}

#[test]
fn a_damaged_entry_costs_only_itself() {
    let scratch = Scratch::new();
    scratch.add("inc", &["inc"]);
    let foreign = entry("another", &[]).print();
    let torn = &foreign[..foreign.len() / 2];
    let newer = foreign.replace("\"format\": 1", "\"format\": 7");
    let mut unreadable = entry("unreadable", &[]);
    unreadable.signatures = serde_json::json!([{ "sig": 1 }]);
    for (file, content, what) in [
        (
            "Moved.json",
            foreign.as_str(),
            "it says that it is `another`, whose entry is another.json",
        ),
        ("newer.json", &newer, "from a newer Pegboard"),
        ("torn.json", torn, "EOF while parsing"),
        (
            "unreadable.json",
            &unreadable.print(),
            "its signatures cannot be read",
        ),
    ] {
        fs::write(scratch.file("plugins").join(file), content).expect("written");
        for read in ["made again", "from the index"] {
            let snapshot = scratch.read();
            assert_eq!(names(&snapshot), ["inc"], "{file}, {read}");
            let problems: Vec<_> = snapshot.index().problems().collect();
            assert_eq!(problems.len(), 1, "{file}, {read}: {problems:?}");
            assert_eq!(problems[0].file, file);
            assert!(problems[0].what.contains(what), "{}", problems[0].what);
        }
        // Other changes keep it, and it is removed by its name.
        scratch.add("other", &["other"]);
        assert_eq!(scratch.read().index().problems().len(), 1, "{file}");
        assert!(scratch.store.remove("other").expect("removed"));
        let name = file.trim_end_matches(".json");
        assert!(scratch.store.remove(name).expect("removed"), "{file}");
        assert_eq!(scratch.read().index().problems().len(), 0, "{file}");
        assert_eq!(names(&scratch.read()), ["inc"], "{file}");
    }
}

#[test]
fn a_damaged_entry_is_named_with_its_place_and_replaced_by_adding() {
    let scratch = Scratch::new();
    scratch.add("inc", &["inc"]);
    let place = scratch.file("plugins/inc.json");
    fs::write(&place, "{").expect("written");
    let error = scratch.store.entry("inc").expect_err("damaged");
    assert!(
        error.labeled().msg.contains(&place.display().to_string()),
        "{error}"
    );
    assert_eq!(error.plugin(), Some("inc"));
    scratch.add("inc", &["inc again"]);
    let snapshot = scratch.read();
    assert_eq!(snapshot.index().problems().len(), 0);
    assert!(snapshot.index().command("inc again").is_some());
}

#[test]
fn what_lies_among_the_entries_and_is_none_is_left_alone_or_named() {
    let scratch = Scratch::new();
    scratch.add("inc", &["inc"]);
    let plugins = scratch.file("plugins");
    for file in ["notes.txt", ".inc.json.swp", ".x.json"] {
        fs::write(plugins.join(file), "x").expect("written");
    }
    assert_eq!(why(&scratch.read()), None);
    fs::create_dir(plugins.join("folder.json")).expect("a directory");
    symlink("nowhere", plugins.join("link.json")).expect("a link");
    let snapshot = scratch.read();
    let problems: Vec<_> = snapshot
        .index()
        .problems()
        .map(|one| (one.file, one.what))
        .collect();
    assert_eq!(
        problems,
        [
            ("folder.json", "it is no file"),
            ("link.json", "it is no file")
        ]
    );
    assert_eq!(names(&snapshot), ["inc"]);
    assert_eq!(why(&scratch.read()), None);
    for file in ["notes.txt", ".inc.json.swp", ".x.json"] {
        assert!(plugins.join(file).exists());
    }
}

#[test]
fn where_no_index_can_be_written_it_is_used_from_memory_and_that_is_said() {
    let check = |said: &str, spoil: &dyn Fn(&Scratch)| {
        let scratch = Scratch::new();
        scratch.add("inc", &["inc"]);
        fs::remove_file(scratch.file("index")).expect("an index");
        spoil(&scratch);
        for _ in 0..2 {
            let snapshot = scratch.read();
            assert!(snapshot.index().command("inc").is_some());
            let unwritten = snapshot.rebuilt().and_then(|rebuilt| rebuilt.unwritten());
            let unwritten = unwritten.unwrap_or_default();
            assert!(unwritten.contains(said), "{unwritten}");
        }
    };
    check("cannot be written", &|it| {
        fs::create_dir(it.file("index.new")).expect("a directory")
    });
    check("cannot be locked", &|it| {
        fs::remove_file(it.file("lock")).expect("a lock");
        fs::create_dir(it.file("lock")).expect("a directory");
    });
    // What is added all the same is there.
    let scratch = Scratch::new();
    scratch.add("inc", &["inc"]);
    fs::create_dir(scratch.file("index.new")).expect("a directory");
    scratch.add("other", &["other"]);
    assert_eq!(names(&scratch.read()), ["inc", "other"]);
}

#[test]
fn who_waits_in_vain_is_told_for_whom() {
    let scratch = Scratch::new();
    scratch.add("inc", &["inc"]);
    let lock = fs::File::open(scratch.file("lock")).expect("a lock");
    lock.lock().expect("locked");
    let hasty = Store::open(scratch.store.directory()).with_patience(Duration::from_millis(20));
    let error = hasty.add(&entry("other", &[])).expect_err("locked");
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    let said = error.to_string();
    let holder = format!("another process ({})", std::process::id());
    assert!(said.starts_with(&holder), "{said}");
    assert_eq!(
        hasty.remove("inc").expect_err("locked").kind(),
        ErrorKind::TimedOut
    );
    // Readers do not wait for a lock, unless the index does not fit; then it is used from memory.
    assert_eq!(why(&hasty.read().expect("a store")), None);
    fs::remove_file(scratch.file("index")).expect("an index");
    let snapshot = hasty.read().expect("a store");
    assert_eq!(names(&snapshot), ["inc"]);
    let said = why(&snapshot).unwrap_or_default();
    assert!(said.contains("it was not kept: another process"), "{said}");
    drop(lock);
    assert_eq!(hasty.add(&entry("other", &[])).expect("added"), Added::New);
}

#[test]
fn fresh_is_what_has_its_size_and_time() {
    let scratch = Scratch::new();
    let file = scratch.directory.join("nu_plugin_x");
    fs::write(&file, "1234").expect("written");
    let metadata = fs::metadata(&file).expect("a file");
    let since = metadata
        .modified()
        .expect("a time")
        .duration_since(std::time::UNIX_EPOCH);
    let stamp = FileStamp {
        size: 4,
        modified: i64::try_from(since.expect("after 1970").as_nanos()).expect("a time of today"),
    };
    assert_eq!(Freshness::of(&file, stamp), Freshness::Same);
    let later = FileStamp {
        modified: stamp.modified + 1,
        ..stamp
    };
    assert_eq!(Freshness::of(&file, later), Freshness::Changed);
    let longer = FileStamp { size: 5, ..stamp };
    assert_eq!(Freshness::of(&file, longer), Freshness::Changed);
    fs::remove_file(&file).expect("a file");
    assert_eq!(Freshness::of(&file, stamp), Freshness::Gone);
}

#[test]
fn signatures_without_a_form_in_json_are_kept() {
    let mut infinite = command("limits");
    infinite.examples.push(protocol::nu::Example {
        example: "limits".to_owned(),
        description: String::new(),
        result: Some(Value::float(f64::INFINITY)),
    });
    let commands = vec![infinite];
    let mut entry = entry("limits", &[]);
    entry.signatures = signatures_as_json(&commands).expect("signatures");
    assert!(
        entry.signatures.get("msgpack").is_some(),
        "{}",
        entry.signatures
    );
    let scratch = Scratch::new();
    scratch.store.add(&entry).expect("added");
    let kept = scratch
        .store
        .entry("limits")
        .expect("an entry")
        .expect("an entry");
    assert_eq!(signatures(&kept).expect("signatures"), commands);
    assert_eq!(
        scratch.read().signatures("limits").expect("signatures"),
        Some(commands)
    );
    for text in ["0", "zz", "ä"] {
        entry.signatures = serde_json::json!({ "msgpack": text });
        let error = scratch.store.add(&entry).expect_err("no hexadecimal");
        assert_eq!(error.kind(), ErrorKind::Misuse, "{error}");
    }
}

#[test]
fn what_a_newer_version_wrote_into_an_entry_is_kept() {
    let scratch = Scratch::new();
    let mut newer: Entry = entry("inc", &["inc"]);
    newer
        .other
        .insert("grants".to_owned(), serde_json::json!(["net"]));
    scratch.store.add(&newer).expect("added");
    assert_eq!(scratch.store.entry("inc").expect("an entry"), Some(newer));
}
