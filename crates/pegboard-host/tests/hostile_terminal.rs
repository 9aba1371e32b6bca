//! The terminal: whatever becomes of a plugin that has it, the application gets it back. In a terminal of its own.

mod hostile_common;

use std::path::{Path, PathBuf};

use hostile_common::{MARK, Scratch, describe, example, link_plugin, unique};
use pegboard_testkit::terminal::{self, Terminal};
use pegboard_testkit::{peers, tree};

struct Case {
    modes: &'static str,
    cancel_after: Option<&'static str>,
    says: &'static [&'static str],
}

const CASES: &[Case] = &[
    Case {
        modes: "takes-foreground",
        cancel_after: None,
        // An empty answer means that it has got it.
        says: &["value: String", "PipelineData", "Empty"],
    },
    Case {
        modes: "takes-foreground,dies-on-run",
        cancel_after: None,
        says: &[
            "error: Gone: plugin",
            "it went away",
            "exit code 42",
            "hostile: exiting with the terminal",
        ],
    },
    Case {
        modes: "takes-foreground,never-replies",
        cancel_after: Some("has the terminal"),
        says: &["error: Cancelled: plugin"],
    },
];

#[test]
fn the_terminal_comes_back() {
    for case in CASES {
        let scratch = Scratch::new();
        let plugin = link_plugin(&scratch, "subject", &peers::hostile());
        let said = in_terminal(
            &plugin,
            "hostile",
            &[("HOSTILE", case.modes)],
            case.cancel_after,
        );
        let modes = case.modes;
        for words in [&["before: own", "after: own", "end: own"], case.says].concat() {
            assert!(said.contains(words), "{modes}: no `{words}` in: {said}");
        }
    }
}

#[test]
fn a_real_plugin_has_the_terminal_and_gives_it_back() {
    let plugin = peers::peer("nu_plugin_reference");
    let said = in_terminal(&plugin, "ref engine foreground", &[], None);
    for words in ["before: own", "value: Record", "after: own", "end: own"] {
        assert!(said.contains(words), "no `{words}` in: {said}");
    }
}

#[test]
fn an_application_in_the_background_has_no_terminal_to_give() {
    let scratch = Scratch::new();
    let plugin = link_plugin(&scratch, "subject", &peers::hostile());
    let wrapped = background(&scratch, &example("foreground"));
    let variables = [("HOSTILE", "takes-foreground")];
    let said = in_terminal_with(&wrapped, &plugin, "hostile", &variables, None);
    for words in [
        "before: other",
        "EnterForeground: there is no terminal to give",
        "after: other",
    ] {
        assert!(said.contains(words), "no `{words}` in: {said}");
    }
}

/// A program that runs another one as a shell runs a job in the background.
fn background(scratch: &Scratch, program: &Path) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = scratch.path().join("background.sh");
    let script = format!(
        "#!/bin/sh\nset -m\n'{}' \"$@\" &\nwait\n",
        program.display()
    );
    std::fs::write(&path, script).expect("a script");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("its rights");
    // A link to it does not count as left behind.
    path
}

fn in_terminal(
    plugin: &Path,
    command: &str,
    variables: &[(&str, &str)],
    cancel_after: Option<&str>,
) -> String {
    in_terminal_with(
        &example("foreground"),
        plugin,
        command,
        variables,
        cancel_after,
    )
}

/// Runs a host as the first program of a new terminal, and gives what it wrote there.
fn in_terminal_with(
    host: &Path,
    plugin: &Path,
    command_name: &str,
    variables: &[(&str, &str)],
    cancel_after: Option<&str>,
) -> String {
    let mark = unique();
    let mut command = terminal::command(host);
    command
        .arg(plugin)
        .arg(command_name)
        .args(cancel_after)
        .env(MARK, &mark)
        .envs(variables.iter().copied());
    let (_, said) = Terminal::start(command, 80).end();
    let gone = || tree::processes_with_env(MARK, &mark).is_empty();
    let left = || describe(&tree::processes_with_env(MARK, &mark));
    assert!(
        tree::wait_until(hostile_common::PATIENCE, gone),
        "left behind: {}",
        left()
    );
    said
}
