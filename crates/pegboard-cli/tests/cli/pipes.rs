//! Commands that `|` joins.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use pegboard_testkit::peers::peer;

use crate::support::{Cli, finish, signal};

const REF: &str = "nu_plugin_reference";

#[test]
fn what_one_command_gives_the_next_one_takes() {
    for (line, expected) in [
        ("ref seq 3 | ref echo", "0\n1\n2\n"),
        (
            "ref seq 3 | ref echo | ref describe | ref echo",
            "list stream",
        ),
        ("ref bytes 3 --type string | ref echo", "abc"),
        ("ref values int | ref echo", "42\n"),
    ] {
        let out = Cli::run(REF, line).out();
        assert!(out.contains(expected), "{line}: {out}");
    }
    let input = Cli::run(REF, "ref echo | ref echo").input("a\nb\n");
    assert_eq!(input.out(), "a\nb\n");
}

#[test]
fn plugins_of_several_files_are_joined() {
    let out = Cli::run_with(
        REF,
        &["--plugin", &peer("nu_plugin_inc").display().to_string()],
        "ref values semver | inc --major",
    );
    let ran = out.end();
    // There is no such value: the other plugin is not even called.
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let out = Cli::run_with(
        REF,
        &["--plugin", &peer("nu_plugin_inc").display().to_string()],
        "inc --major | ref echo",
    );
    assert_eq!(out.input("1.2.3\n").out(), "2.0.0");
}

#[test]
fn custom_values_pass_from_one_command_to_the_next() {
    let out = Cli::run(REF, "ref custom make x | ref echo | ref echo").out();
    assert_eq!(out, "{\"label\":\"x\",\"count\":0,\"notify\":false}\n");
}

#[test]
fn an_endless_stream_goes_through_and_ends_with_its_reader() {
    let cli = Cli::run(REF, "ref seq 1000000000 | ref echo | ref echo");
    let mut child = cli.start_with(None, Stdio::piped());
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    out.read_line(&mut line).expect("a line");
    assert_eq!(line, "0\n");
    drop(out);
    let ran = finish(child);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
}

#[test]
fn an_interrupt_ends_all_of_them() {
    let cli = Cli::run(REF, "ref seq 1000000000 | ref echo");
    let mut child = cli.start_with(None, Stdio::piped());
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    out.read_line(&mut String::new()).expect("a line");
    signal(child.id(), rustix::process::Signal::INT);
    // The pipe is not to be full meanwhile.
    std::thread::spawn(move || out.lines().for_each(drop));
    assert_eq!(finish(child).code, Some(130));
}

#[test]
fn an_error_is_told_by_the_command_that_had_it() {
    let other = peer("nu_plugin_nodehand.js").display().to_string();
    let options = ["--plugin", other.as_str()];
    let ran = Cli::run_with(REF, &options, "ref crash mid-stream 2 | node sum").end();
    assert_eq!(ran.code, Some(3), "{ran:?}");
    let told = "error: plugin reference: it went away before its output was complete\n";
    assert_eq!(ran.err.matches("error").count(), 1, "{}", ran.err);
    assert!(ran.err.starts_with(told), "{}", ran.err);
    let ran = Cli::run(REF, "ref error | ref echo").end();
    assert_eq!(ran.code, Some(1), "{ran:?}");
}

#[test]
fn wrong_places_are_underlined() {
    assert_eq!(
        Cli::run(REF, "ref seq 3 |").fails(2),
        r"error[pegboard::run::no_command]: there is no command behind a `|`
 |
 | ref seq 3 '|'
 |           ^^^ behind this
 |
 = help: a `|` that is an argument is written as '\|'
"
    );
    let wrong = Cli::run(REF, "ref seq 3 | ref seq x").fails(2);
    assert!(
        wrong.contains("| ref seq 3 '|' ref seq x\n |                       ^"),
        "{wrong}"
    );
    assert!(
        Cli::run(REF, "ref seq 3 | nothing")
            .fails(2)
            .contains("no command `nothing`")
    );
    // A bar that is an argument.
    let bar = Cli::run(REF, r"ref engine span-contents \|").out();
    assert_eq!(bar, r"'\|'");
}
