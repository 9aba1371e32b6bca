//! `pegboard trace replay` of conversations with plugins of Octa's, of Octa's own kind and of the SDK's.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use pegboard_testkit::peers::{example, shipped};
use rustix::process::Signal;

use crate::octa::plugin;
use crate::support::{Cli, Folder, Ran, finish, signal};

/// Runs a task of a plugin, and records that.
fn run(plugin: &Path, file: &Path, words: &[&str]) -> Cli {
    let cli = Cli::new(["run", "--trace"]).argument(file);
    let cli = cli.argument("--plugin").argument(plugin);
    words.iter().fold(cli, Cli::argument)
}

fn record(folder: &Folder, plugin: &Path, words: &[&str]) -> PathBuf {
    let file = folder.file("trace");
    // Whatever came of it is what is recorded.
    run(plugin, &file, words).end();
    file
}

fn replay(file: &Path, plugin: &Path) -> Cli {
    let cli = Cli::new(["trace", "replay"]).argument(file);
    cli.argument("--plugin").argument(plugin)
}

fn is_same(told: &str, whose: &str) {
    let expected = format!("same: the {whose} has said again what was recorded (");
    assert!(told.starts_with(&expected), "{told}");
}

const TASKS: [&[&str]; 5] = [
    &["shell", "echo hi; echo oops >&2; exit 3"],
    &["shell", "yes | head -c 20000"],
    &["shell", "echo {{ nobody }}"],
    &["shell", "printf 'a\\377b'"],
    &["shell", "pwd", "--dir", "/", "--var", "a=[1]", "--dry"],
];

#[test]
fn plugins_say_again_what_they_said() {
    let folder = Folder::new("octa-replay-same");
    for plugin in [plugin(), shipped("octa_plugin_shell")] {
        for task in TASKS {
            let file = record(&folder, &plugin, task);
            let told = replay(&file, &plugin).out();
            is_same(&told, "plugin");
        }
    }
    let sum = example("pegboard-plugin", "octa_plugin_sum");
    let file = record(&folder, &sum, &["sum", "1 2"]);
    is_same(&replay(&file, &sum).out(), "plugin");
}

#[test]
fn an_input_is_played_again() {
    let folder = Folder::new("octa-replay-input");
    let (file, shell) = (folder.file("trace"), shipped("octa_plugin_shell"));
    let input = "x".repeat(300_000);
    let out = run(&shell, &file, &["shell", "wc -c"]).input(input).out();
    assert_eq!(out.trim(), "300000");
    is_same(&replay(&file, &shell).out(), "plugin");
}

#[test]
fn a_task_that_was_cancelled_is_cancelled_again() {
    let folder = Folder::new("octa-replay-cancel");
    let (file, shell) = (folder.file("trace"), shipped("octa_plugin_shell"));
    let task = ["shell", "echo on; exec sleep 1000"];
    let mut child = run(&shell, &file, &task).start_with(None, Stdio::piped());
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().expect("its output"));
    out.read_line(&mut line).expect("a line");
    signal(child.id(), Signal::INT);
    finish(child);
    let trace = fs::read_to_string(&file).expect("the trace");
    assert!(trace.contains("\"type\":\"Cancel\""), "{trace}");
    is_same(&replay(&file, &shell).out(), "plugin");
}

#[test]
fn the_first_difference_is_told() {
    let folder = Folder::new("octa-replay-different");
    let shell = shipped("octa_plugin_shell");
    let file = record(&folder, &shell, &["shell", "echo hi; exit 3"]);
    let text = fs::read_to_string(&file).expect("the trace");
    let told = |old: &str, new: &str| {
        let line = text.lines().position(|line| line.contains(old));
        let line = line.unwrap_or_else(|| panic!("{old} in {text}")) + 1;
        fs::write(&file, text.replace(old, new)).expect("the trace");
        let told = replay(&file, &shell).end();
        assert_eq!(told.code, Some(1), "{told:?}");
        let place = format!("different: line {line} of the trace: ");
        let (_, rest) = told.out.split_once(&place).expect(&told.out);
        rest.to_owned()
    };
    let found = told(r#""line":"hi\n""#, r#""line":"ho\n""#);
    assert!(
        found.starts_with("byte 1 of it was 111 and is 105\n  recorded  <- Stdout "),
        "{found}"
    );
    assert!(found.contains("\n  now       <- Stdout "), "{found}");
    let found = told(r#""code":3"#, r#""code":4"#);
    assert!(found.contains("code was 4 and is 3\n"), "{found}");
    let found = told(r#""key":"shell""#, r#""key":"tool""#);
    assert!(
        found.contains(r#"key was "tool" and is "shell""#),
        "{found}"
    );
    // Of Octa's own kind there is another version, and none of the features.
    fs::write(&file, &text).expect("the trace");
    let told = replay(&file, &plugin()).end();
    assert_eq!(told.code, Some(1), "{told:?}");
    assert!(
        told.out.contains("the plugin fits the versions"),
        "{told:?}"
    );
    let told = replay(&file, &plugin()).argument("--any-version").end();
    assert_eq!(told.code, Some(1), "{told:?}");
    assert!(
        told.out.contains("it does not have the feature `pegboard-"),
        "{told:?}"
    );
}

#[test]
fn a_plugin_is_made_of_a_trace() {
    let folder = Folder::new("octa-replay-made");
    let (made, report) = (folder.file("octa_plugin_shell"), folder.file("report"));
    let again = |task: &[&str]| -> Ran {
        let cli = Cli::new(["run", "--plugin"]).argument(&made);
        task.iter().fold(cli, Cli::argument).end()
    };
    for plugin in [plugin(), shipped("octa_plugin_shell")] {
        for task in TASKS {
            let file = folder.file("trace");
            let first = run(&plugin, &file, task).end();
            let cli = Cli::new(["trace", "replay"]).argument(&file);
            let cli = cli.argument("--make-plugin").argument(&made);
            let cli = cli.argument("--report").argument(&report);
            assert!(cli.out().contains("octa_plugin_shell plays the plugin"));
            let second = again(task);
            assert_eq!((first.code, first.out), (second.code, second.out));
            is_same(&fs::read_to_string(&report).expect("the report"), "engine");
        }
        let other = again(&["shell", "echo other"]);
        assert_ne!(other.code, Some(0), "{other:?}");
        let report = fs::read_to_string(&report).expect("the report");
        assert!(
            report.contains(r#"was "pwd" and is "echo other""#),
            "{report}"
        );
    }
}

#[test]
fn a_plugin_of_octas_has_to_be_told_where_to_listen() {
    let folder = Folder::new("octa-replay-where");
    let file = record(&folder, &plugin(), &["shell", "true"]);
    let cli = Cli::new(["trace", "replay", "--as-plugin"]).argument(&file);
    let error = cli.fails(2);
    assert!(error.contains("`--socket-path PATH`"), "{error}");
}
