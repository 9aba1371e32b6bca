//! The examples: they do what they say, and the documentation shows them as they are.

mod hostile_common;

use std::path::Path;
use std::process::{Command, Output};

use hostile_common::{Scratch, example, link_plugin};
use pegboard_testkit::peers;

/// The blocks of Rust in a page that are whole programs.
fn programs(page: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(page);
    let text = std::fs::read_to_string(path).expect("a page");
    let blocks = text.split("```rust\n").skip(1);
    blocks
        .map(|rest| rest.split("```").next().unwrap_or_default().to_owned())
        .collect()
}

fn source(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    std::fs::read_to_string(folder.join(format!("{name}.rs"))).expect("an example")
}

#[test]
fn the_documentation_shows_the_examples_as_they_are() {
    assert_eq!(programs("README.md"), [source("inc")]);
    assert_eq!(
        programs("docs/guide/embed.md"),
        [source("hello"), source("control")]
    );
}

fn run(name: &'static str, words: &[&str], folder: &Path, modes: &str) -> Output {
    let mut command = Command::new(example(name));
    command
        .args(words)
        .current_dir(folder)
        .env("HOSTILE", modes);
    command.output().expect("the example runs")
}

#[track_caller]
fn says(text: &[u8], parts: &[&str]) {
    let text = String::from_utf8_lossy(text);
    for part in parts {
        assert!(text.contains(part), "no `{part}` in: {text}");
    }
}

#[test]
fn the_examples_work() {
    let inc = peers::peer("nu_plugin_inc");
    let output = run("inc", &[], inc.parent().expect("its folder"), "");
    says(&output.stdout, &["1.3.0"]);
    let scratch = Scratch::new();
    let nowhere = run("inc", &[], scratch.path(), "");
    assert_eq!(nowhere.status.code(), Some(1));
    says(
        &nowhere.stderr,
        &["error: there is no file", "nu_plugin_inc"],
    );

    link_plugin(&scratch, "subject", &peers::hostile());
    // A path that is relative to the directory.
    let words = ["nu_plugin_subject", "hostile", "x"];
    let output = run("hello", &words, scratch.path(), "");
    says(&output.stdout, &["String"]);
    let output = run("hello", &words, scratch.path(), "dies-on-run");
    assert_eq!(output.status.code(), Some(1));
    says(
        &output.stderr,
        &["error: plugin subject: it went away", "exit code 42"],
    );

    let output = run("control", &words[..2], scratch.path(), "never-replies");
    says(
        &output.stderr,
        &["took longer than 2s", "the call was cancelled"],
    );
}
