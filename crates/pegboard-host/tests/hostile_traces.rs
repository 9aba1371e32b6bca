//! What a trace says about starts that fail, ends that nobody wanted, and several processes of one plugin.

mod hostile_common;

use std::io;
use std::sync::{Arc, Mutex};

use hostile_common::Rig;
use pegboard_host::Recorder;
use pegboard_host::trace::{Entry, EntryKind, Trace};
use pegboard_testkit::peers;
use serde_json::Value as Json;

/// Somewhere to write that can be looked at.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl io::Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("the page").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Page {
    fn trace(&self) -> Trace {
        let bytes = self.0.lock().expect("the page").clone();
        Trace::parse(&String::from_utf8(bytes).expect("text")).expect("a trace")
    }
}

#[test]
fn an_upgrade_that_fails_says_so() {
    let trace = trace("local-socket-refuse");
    assert_eq!(notes(&trace, "start").len(), 2);
    let failed = notes(&trace, "failed");
    let [(entry, details)] = failed[..] else {
        panic!("not one failure: {failed:?}");
    };
    assert_eq!(entry.instance, Some(2));
    holds(details, "exit", "exit code 1");
    let upgrades = notes(&trace, "upgrade failed");
    let (entry, details) = upgrades.first().expect("a note");
    assert_eq!(entry.instance, Some(1));
    holds(details, "goes_on_with", "stdio");
}

/// The trace of one call of the hostile plugin, whatever comes of it.
fn trace(modes: &str) -> Trace {
    let page = Page::default();
    let recorder = Recorder::new(page.clone());
    let rig = Rig::with(|config| config.recorder = Some(recorder));
    let plugin = rig.hostile("subject", &[("HOSTILE", modes)]);
    let _ = plugin.run("hostile").call();
    rig.end();
    page.trace()
}

fn notes<'a>(trace: &'a Trace, wanted: &str) -> Vec<(&'a Entry, &'a Json)> {
    let of = |entry: &'a Entry| match &entry.kind {
        EntryKind::Note { note, details } if note == wanted => Some((entry, details)),
        _ => None,
    };
    trace.entries.iter().filter_map(of).collect()
}

#[track_caller]
fn holds(details: &Json, key: &str, part: &str) {
    let text = details[key].as_str().unwrap_or_default();
    assert!(text.contains(part), "no `{part}` in `{key}` of {details}");
}

#[test]
fn a_start_that_fails_leaves_its_reason_and_what_came() {
    for (modes, reason, received) in [
        ("bad-hello-json", "Hello makes no sense", "json"),
        (
            "prints-text-first",
            "not a plugin",
            "Hello! This is an ordinary program.",
        ),
        ("wrong-version", "0.0.0", "Hello"),
        ("silent", "did not send its encoding", ""),
        ("exit-before-hello", "before it sent its Hello", ""),
    ] {
        println!("{modes}");
        let trace = trace(modes);
        let notes = notes(&trace, "failed");
        let (entry, details) = notes.first().expect("a note");
        assert!(entry.instance.is_some());
        holds(details, "reason", reason);
        if !received.is_empty() {
            let hex: String = received.bytes().map(|byte| format!("{byte:02x}")).collect();
            let text = details["received"].as_str().unwrap_or_default();
            let bytes = details["received_hex"].as_str().unwrap_or_default();
            assert!(text.contains(received) || bytes.contains(&hex), "{details}");
        }
        if modes == "exit-before-hello" {
            holds(details, "exit", "exit code 42");
            assert_eq!(details["stderr"][0], "hostile: exiting before Hello");
        }
    }
}

#[test]
fn an_end_says_how_and_whether_it_was_wanted() {
    let crashed = trace("dies-on-run");
    let notes_of = notes(&crashed, "ended");
    let (_, details) = notes_of.first().expect("a note");
    assert_eq!(details["unexpected"], true);
    holds(details, "exit", "exit code 42");
    let peaceful = trace("");
    let notes_of = notes(&peaceful, "ended");
    let (_, details) = notes_of.first().expect("a note");
    assert_eq!(details["unexpected"], false);
    holds(details, "exit", "exit code 0");
}

#[test]
fn processes_of_one_plugin_are_told_apart() {
    let page = Page::default();
    let recorder = Recorder::new(page.clone());
    let rig = Rig::with(|config| config.recorder = Some(recorder));
    let plugin = rig
        .engine
        .load(peers::peer("nu_plugin_reference"))
        .expect("a real plugin");
    plugin.signatures().expect("its commands");
    rig.end();
    let trace = page.trace();
    let starts: Vec<_> = notes(&trace, "start")
        .iter()
        .map(|(entry, _)| entry.instance.expect("a number"))
        .collect();
    assert_eq!(starts, [1, 2]);
    let upgrades = notes(&trace, "upgrade");
    let [(entry, details)] = upgrades[..] else {
        panic!("not one upgrade: {upgrades:?}");
    };
    assert_eq!(entry.instance, Some(1));
    holds(details, "to", "local socket");
    // The first one ends while the second one works: each conversation is whole.
    let conversations = trace.conversations();
    let instances: Vec<_> = conversations.iter().map(|one| one.instance).collect();
    assert_eq!(instances, [Some(1), Some(2)]);
    for conversation in conversations {
        conversation
            .replay(pegboard_host::protocol::codec::Sender::Engine)
            .expect("a conversation that can be replayed");
    }
    assert!(trace.entries.iter().all(|entry| entry.instance.is_some()));
}
