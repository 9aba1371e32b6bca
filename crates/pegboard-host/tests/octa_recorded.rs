//! Every recording of a plugin of Octa's, played again by a process to a host of ours: what that says to it is what was
//! recorded, and what it makes of it stands in `data/octa-recorded.txt`. `UPDATE_TRANSCRIPTS=1` writes that anew.

#![cfg(unix)]

mod hostile_common;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

use pegboard_host::protocol::codec::Sender;
use pegboard_host::trace::{EntryKind, Recorder, Trace};
use pegboard_host::{Deadlines, Error, Flow, Plugin, PluginConfig, Protocol, Run, State, Stderr};
use pegboard_testkit::tree::wait_until;
use serde_json::{Value as Json, json};

use hostile_common::{PATIENCE, Rig, SHORT, Scratch};

/// The recordings, as lines: `>` is of the host, `<` of the plugin, the others tell what becomes of it.
const RECORDED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../pegboard-protocol/tests/octa/recorded"
);
const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/octa-recorded.txt");
/// Of recordings in which nothing was said, with what happened instead.
const WITHOUT_WORDS: &str = "-- ";

#[test]
fn every_recording_of_a_plugin_is_played_to_a_host() {
    let recorded = recordings();
    let table = std::fs::read_to_string(TABLE).unwrap();
    let (silent, known) = parts(&table);
    for line in silent.lines() {
        let line = line.strip_prefix(WITHOUT_WORDS);
        let (name, reason) = line.and_then(|line| line.split_once(": ")).expect("a name");
        assert!(!reason.is_empty(), "{name} has no reason");
        let is_there = recorded.keys().any(|known| known.starts_with(name));
        assert!(!is_there, "{name} can be replayed, since it is there");
    }
    let mut now = BTreeMap::new();
    std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..4)
            .map(|lane| {
                let mine = recorded.iter().skip(lane).step_by(4);
                scope.spawn(move || {
                    mine.map(|(name, script)| (name.clone(), replay(name, script)))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        lanes
            .into_iter()
            .for_each(|lane| now.extend(lane.join().unwrap()));
    });
    if std::env::var_os("UPDATE_TRANSCRIPTS").is_some() {
        let mut text = silent;
        for (name, told) in &now {
            write!(text, "\n== {name}\n{told}").unwrap();
        }
        return std::fs::write(TABLE, text).unwrap();
    }
    for (name, told) in &now {
        let known = known.get(name);
        let known = known.unwrap_or_else(|| panic!("the table does not have {name}:\n{told}"));
        assert_eq!(told, known, "{name}");
    }
    let gone = known.keys().find(|name| !now.contains_key(*name));
    assert_eq!(gone, None, "the table has what was never recorded");
}

/// The recordings by their titles.
fn recordings() -> BTreeMap<String, String> {
    let folder = Path::new(RECORDED).read_dir().expect("the recordings");
    let files = folder.map(|entry| entry.unwrap().path());
    let of_plugins = files.filter(|file| file.to_string_lossy().ends_with("_as_host.txt"));
    let texts = of_plugins.map(|file| std::fs::read_to_string(file).unwrap());
    texts.flat_map(|text| parts(&text).1).collect()
}

/// What stands in front of the first title, and what stands behind each.
fn parts(text: &str) -> (String, BTreeMap<String, String>) {
    let text = format!("\n{text}");
    let mut parts = text.split("\n== ");
    let front = parts.next().expect("what is in front").trim();
    let titled = parts.map(|part| {
        let (title, rest) = part.split_once('\n').expect("a title");
        (title.to_owned(), format!("{}\n", rest.trim_end()))
    });
    (format!("{front}\n"), titled.collect())
}

fn replay(name: &str, script: &str) -> String {
    let files = Scratch::new();
    let file = files.path().join("script");
    std::fs::write(&file, script).unwrap();
    let (trace, stderr) = (Shared::default(), Shared::default());
    let (forward, recorder) = (stderr.clone(), Recorder::new(trace.clone()));
    let rig = Rig::with(|config| {
        config.deadlines = deadlines(script);
        config.recorder = Some(recorder);
        config.stderr = Stderr::Forward(Arc::new(move |_, bytes| forward.push(bytes)));
    });
    let config = PluginConfig {
        protocol: Some(Protocol::Octa),
        ..PluginConfig::default()
    };
    let script_path = file.to_str().expect("a path that is text");
    let plugin = rig.hostile_with("played", &[("HOSTILE_SCRIPT", script_path)], config);
    let mut stage = Stage {
        name,
        plugin,
        trace: trace.clone(),
        runs: Vec::new(),
        ignored: 0,
        told: String::new(),
    };
    stage.walk(&rig, script);
    let mut told = stage.told;
    rig.end();
    let (said, notes) = heard(&trace.text());
    let recorded = script.lines().filter_map(|line| line.strip_prefix("> "));
    let recorded: Vec<_> = recorded.map(plain).collect();
    let mut said = said.as_slice();
    if said.len() == recorded.len() + 1 && said.last() == Some(&json!({"type": "Shutdown"})) {
        // The host of the recording took its leave without a word.
        said = &said[..recorded.len()];
    }
    assert_eq!(said, recorded, "{name}");
    told.push_str(&notes);
    let errors = stderr.text();
    if !errors.is_empty() {
        writeln!(told, "stderr {errors:?}").unwrap();
    }
    told
}

/// Only who says no more where the host waits for it is not waited for long.
fn deadlines(script: &str) -> Deadlines {
    let starts = script.contains("\n! key") || script.contains("\n! no handshake");
    let takes_leave = !script.trim_end().ends_with("> {\"type\":\"Shutdown\"}");
    let or = |is_patient: bool, short| if is_patient { PATIENCE } else { short };
    Deadlines {
        hello: or(starts, Duration::from_secs(2)),
        connect: PATIENCE,
        begin: PATIENCE,
        goodbye: or(takes_leave, SHORT.goodbye),
        ..SHORT
    }
}

/// A recording that is under way.
struct Stage<'a> {
    name: &'a str,
    plugin: Plugin,
    trace: Shared,
    runs: Vec<Running>,
    /// How often the recording has had something that is for nobody.
    ignored: usize,
    told: String,
}

struct Running {
    begun: Shared,
    output: Shared,
    /// How much of it the recording has so far.
    expected: usize,
    end: Option<JoinHandle<Result<(), Error>>>,
}

impl Stage<'_> {
    fn walk(&mut self, rig: &Rig, script: &str) {
        let key = match self.plugin.signatures() {
            Ok(signatures) => signatures[0].sig.name.clone(),
            Err(error) => return writeln!(self.told, "no start: {error}").unwrap(),
        };
        writeln!(self.told, "key {key}").unwrap();
        let mut lines = script.lines().peekable();
        while let Some(line) = lines.next() {
            let is_too_early = lines.peek() == Some(&"= there is no session");
            if let Some(execute) = line.strip_prefix("do execute ").filter(|_| !is_too_early) {
                self.execute(&key, &serde_json::from_str(execute).unwrap());
            } else if line.starts_with("= execution ") {
                // The next one is to come behind it.
                let count = self.runs.len();
                self.wait("its Execute", |stage| {
                    stage.trace.count("\"Execute\"") == count
                });
            } else if line == "do shutdown" {
                rig.engine.shutdown();
            } else if line.starts_with("! failed") {
                // Whoever comes later gets another process.
                self.wait("its end", |stage| {
                    stage.plugin.status().state != State::Running
                });
                break;
            } else if let Some(event) = line.strip_prefix("! ") {
                self.await_event(event);
            }
        }
        rig.engine.shutdown();
        for (number, run) in self.runs.iter_mut().enumerate() {
            let end = run.end.take().expect("one end").join().unwrap();
            let output = run.output.text();
            if !output.is_empty() {
                writeln!(self.told, "{number} says {output:?}").unwrap();
            }
            match end {
                Ok(()) => writeln!(self.told, "{number} ends").unwrap(),
                Err(error) => writeln!(self.told, "{number} {:?}: {error}", error.kind()).unwrap(),
            }
        }
    }

    fn execute(&mut self, key: &str, execute: &Json) {
        let text = execute.get("params").or_else(|| execute.get("command"));
        let mut run = self
            .plugin
            .run(key)
            .argument(text.unwrap().as_str().unwrap());
        for (name, value) in execute["envs"].as_object().unwrap() {
            run = run.flag("env", format!("{name}={}", value.as_str().unwrap()));
        }
        for (name, value) in execute["vars"].as_object().unwrap() {
            run = run.flag("var", format!("{name}={value}"));
        }
        if execute["dry"] == true {
            run = run.switch("dry");
        }
        let (begun, output) = (Shared::default(), Shared::default());
        let end = spawn({
            let (begun, output) = (begun.clone(), output.clone());
            move || follow(run, &begun, &output)
        });
        self.runs.push(Running {
            begun,
            output,
            expected: 0,
            end: Some(end),
        });
    }

    /// Waits until what the recording tells of an execution has happened.
    fn await_event(&mut self, event: &str) {
        if event.starts_with("ignored") {
            self.ignored += 1;
            let note = "\"note\":\"ignored\"";
            return self.wait(event, |stage| stage.trace.count(note) >= stage.ignored);
        }
        let mut words = event.splitn(3, ' ');
        let number = words.next().and_then(|word| word.parse::<usize>().ok());
        let (Some(number), Some(kind)) = (number, words.next()) else {
            return;
        };
        match kind {
            "started" => self.wait(event, |stage| !stage.runs[number].begun.is_empty()),
            "Stdout" => {
                let said: String = serde_json::from_str(words.next().unwrap()).unwrap();
                self.runs[number].expected += said.len();
                self.wait(event, |stage| {
                    let run = &stage.runs[number];
                    run.output.text().len() >= run.expected
                });
            }
            "Stderr" => {}
            _ => self.wait(event, |stage| {
                let end = stage.runs[number].end.as_ref();
                end.is_some_and(JoinHandle::is_finished)
            }),
        }
    }

    fn wait(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let name = self.name;
        assert!(wait_until(PATIENCE, || condition(self)), "{name}: {what}");
    }
}

fn follow(run: Run, begun: &Shared, output: &Shared) -> Result<(), Error> {
    let Flow::Bytes(chunks) = run.call()? else {
        panic!("the output is a stream");
    };
    begun.push(b"begun");
    for chunk in chunks {
        output.push(&chunk?);
    }
    Ok(())
}

/// From a trace: what the host said, and what it noted about the plugin.
fn heard(trace: &str) -> (Vec<Json>, String) {
    let (mut said, mut notes) = (Vec::new(), String::new());
    for entry in Trace::parse(trace).unwrap().entries {
        match entry.kind {
            EntryKind::Octa {
                from: Sender::Engine,
                text,
                ..
            } => said.push(plain(&text)),
            EntryKind::Note { note, details } if note == "ignored" => {
                writeln!(notes, "ignored {}", details["what"].as_str().unwrap()).unwrap();
            }
            _ => {}
        }
    }
    (said, notes)
}

/// What a host says, without what is of this test: its directory, its environment, its abilities.
fn plain(line: &str) -> Json {
    let mut message: Json = serde_json::from_str(line).unwrap();
    let payload = &mut message["payload"];
    match payload.as_object_mut() {
        Some(fields) => {
            fields.remove("dir");
            fields.remove("features");
            if let Some(envs) = fields.get_mut("envs").and_then(Json::as_object_mut) {
                envs.values_mut().for_each(|value| *value = Json::Null);
            }
        }
        None => {
            message.as_object_mut().unwrap().remove("payload");
        }
    }
    message
}

/// Bytes that one thread writes and another looks at.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn push(&self, bytes: &[u8]) {
        self.0.lock().unwrap().extend_from_slice(bytes);
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }

    fn count(&self, words: &str) -> usize {
        self.text().matches(words).count()
    }

    fn is_empty(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
