//! Every recording of a host, played to our plugins. What these say again is what was recorded, but for what
//! `replayed.txt` names; the folder and that table have to have the same recordings.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::Shutdown;
use std::panic::catch_unwind;
use std::path::Path;
use std::sync::Mutex;

use pegboard_testkit::peers::shipped;

use super::host::{Plugin, short};
use super::recorded;

/// The recordings, as lines: `<` is of the host, `>` of the plugin, the others tell how it came to that.
const RECORDED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../crates/pegboard-protocol/tests/octa/recorded"
);
/// Where the hosts of the recordings worked.
const PLACES: [&str; 2] = ["/srv/lab/octa-work/projf", "/srv/lab/octa-work/proj"];

/// What is known of a recording.
#[derive(Default)]
struct Known {
    /// Why it is not played.
    left_out: Option<String>,
    /// What our plugin says in place of what was recorded, by the number of the turn.
    ours: BTreeMap<usize, Vec<String>>,
}

#[test]
fn every_recording_of_a_host_is_played_to_a_plugin() {
    let table = table();
    let recorded = recordings();
    let elsewhere: Vec<_> = recorded::names()
        .map(|name| format!("direct {name}"))
        .collect();
    for name in recorded.keys() {
        let is_known = table.contains_key(name) || elsewhere.contains(name);
        assert!(is_known, "the table does not have {name}");
    }
    for name in table.keys().chain(&elsewhere) {
        assert!(recorded.contains_key(name), "there is no recording {name}");
        let twice = table.contains_key(name) && elsewhere.contains(name);
        assert!(!twice, "{name} is in both tables");
    }
    // Built once, before all need it.
    let template = shipped("octa_plugin_tpl");
    let shell = Path::new(env!("CARGO_BIN_EXE_octa_plugin_shell"));
    let played: Vec<_> = table
        .iter()
        .filter(|(_, known)| known.left_out.is_none())
        .collect();
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for lane in 0..6 {
            let (played, recorded, template) = (&played, &recorded, &template);
            let failed = &failed;
            scope.spawn(move || {
                for (name, known) in played.iter().skip(lane).step_by(6) {
                    let is_template = name.ends_with(" tpl");
                    let program = if is_template { template } else { shell };
                    let key = if is_template { "tpl" } else { "shell" };
                    let played = || play(name, &recorded[*name], known, program, key);
                    // All that differ are told, not only the first.
                    if catch_unwind(played).is_err() {
                        failed.lock().unwrap().push((*name).clone());
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "they differ: {failed:?}");
}

fn table() -> BTreeMap<String, Known> {
    let mut table = BTreeMap::<String, Known>::new();
    let (mut name, mut turn, mut reason) = (String::new(), 0, false);
    let lines = include_str!("replayed.txt").lines().skip(4);
    for line in lines.filter(|line| !line.is_empty()) {
        if let Some(text) = line.strip_prefix("  = ") {
            let turns = &mut table.get_mut(&name).expect("a recording").ours;
            assert!(reason, "{name}: there is no reason for {text}");
            turns
                .entry(turn)
                .or_default()
                .extend((text != "nothing").then(|| text.to_owned()));
        } else if let Some(text) = line.strip_prefix("  turn ") {
            let (number, text) = text.split_once(' ').expect("a reason");
            (turn, reason) = (number.parse().unwrap(), text.starts_with("# "));
        } else {
            let (title, left_out) = match line.split_once(": not played, ") {
                Some((title, why)) => (title, Some(why.to_owned())),
                None => (line, None),
            };
            name = title.to_owned();
            let known = Known {
                left_out,
                ..Known::default()
            };
            assert!(table.insert(name.clone(), known).is_none(), "{name} twice");
            reason = false;
        }
    }
    table
}

/// The recordings by their titles.
fn recordings() -> BTreeMap<String, String> {
    let folder = Path::new(RECORDED).read_dir().expect("the recordings");
    let files = folder.map(|entry| entry.unwrap().path());
    let of_hosts = files.filter(|file| file.to_string_lossy().ends_with("_as_plugin.txt"));
    let mut recordings = BTreeMap::new();
    for file in of_hosts {
        let text = format!("\n{}", std::fs::read_to_string(file).unwrap());
        recordings.extend(text.split("\n== ").skip(1).map(|part| {
            let (title, rest) = part.split_once('\n').expect("a title");
            (title.to_owned(), rest.to_owned())
        }));
    }
    recordings
}

/// What a host said, and what it heard then.
#[derive(Default)]
struct Turn {
    said: Vec<u8>,
    heard: Vec<String>,
    closes: bool,
}

fn play(name: &str, script: &str, known: &Known, program: &Path, key: &str) {
    let plugin = Plugin::start_program(program, &[]);
    let place = plugin.directory().to_str().expect("a path that is text");
    let script = PLACES
        .iter()
        .fold(script.to_owned(), |script, old| script.replace(old, place));
    let mut host = plugin.connect();
    let turns = turns(&script, key);
    for number in known.ours.keys() {
        assert!(*number < turns.len(), "{name}: there is no turn {number}");
    }
    let (mut is_over, mut ids) = (false, Vec::new());
    for (number, turn) in turns.iter().enumerate() {
        // The plugin may be gone already, where that is what differs.
        let _ = host.stream.write_all(&turn.said);
        if turn.closes {
            let _ = host.stream.shutdown(Shutdown::Both);
            is_over = true;
            break;
        }
        let real: Vec<_> = turn
            .heard
            .iter()
            .map(|line| short(line, &mut ids))
            .collect();
        let expected = known.ours.get(&number).unwrap_or(&real);
        let what = format!("{name}: turn {number}");
        assert!(
            known.ours.get(&number).is_none_or(|ours| *ours != real),
            "{what} is no different"
        );
        recorded::hear(&mut host, expected, &what);
        is_over |= expected.iter().any(|line| line.starts_with("Shutdown"));
    }
    if is_over {
        assert_eq!(host.hear(), "", "{name}: the end");
    }
    // A host that was killed says nothing more.
    let _ = host.stream.shutdown(Shutdown::Both);
    plugin.end();
}

fn turns(script: &str, key: &str) -> Vec<Turn> {
    let mut turns = vec![Turn::default()];
    for line in script.lines() {
        let said = match line.split_once(' ') {
            Some(("<", text)) => format!("{text}\n").into_bytes(),
            Some(("<|", text)) => text.as_bytes().to_vec(),
            Some(("<x", hex)) => bytes(hex),
            Some((">", text)) => {
                let text = text.replace("\"key\":\"shell\"", &format!("\"key\":\"{key}\""));
                turns.last_mut().expect("a turn").heard.push(text);
                continue;
            }
            _ if line == "do close" => Vec::new(),
            _ => continue,
        };
        if turns.last().is_some_and(|turn| !turn.heard.is_empty()) {
            turns.push(Turn::default());
        }
        let turn = turns.last_mut().expect("a turn");
        turn.said.extend(said);
        turn.closes |= line == "do close";
    }
    turns
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(byte).collect()
}

/// As in `d15-two-connections`: who shuts the plugin down ends the tasks of both.
#[test]
fn a_recording_of_two_hosts() {
    let plugin = Plugin::start();
    let (mut first, mut second) = (plugin.greet(), plugin.greet());
    second.execute("echo on second");
    second.expect(&["0 Started", "0 Stdout \"on second\\n\"", "0 ExitStatus 0"]);
    first.execute("echo on first; sleep 1000");
    first.expect(&["0 Started", "0 Stdout \"on first\\n\""]);
    second.shut_down();
    second.expect(&["Shutdown Plugin shutting down", ""]);
    // The recorded plugin said -1 of a command that a signal had ended.
    first.expect(&["0 ExitStatus 143", "Shutdown Plugin shutting down", ""]);
    plugin.end();
}
