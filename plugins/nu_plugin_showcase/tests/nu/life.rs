//! Registered in a real shell: started when needed, stopped, started again; interrupted.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use super::PLUGIN;
use super::shell::{Shell, in_every_version};

/// Runs a script with the plugins of the shell's own registry.
pub(crate) fn registered(shell: &Shell, script: &str) -> String {
    let registry = shell.home.join("plugins.msgpackz");
    let mut nu = shell.command();
    nu.arg("--no-std-lib").arg("--plugin-config").arg(&registry);
    let output = nu.args(["-c", script]).output().expect("the shell starts");
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "0.{}: {script}: {stdout}{stderr}",
        shell.minor
    );
    stdout.trim_end().to_owned()
}

#[test]
fn added_used_and_stopped() {
    in_every_version(PLUGIN, |shell| {
        registered(shell, &format!("plugin add {PLUGIN:?}"));
        for (script, expected) in [
            ("showcase numbers 3 | to nuon", "[0, 1, 2]"),
            ("plugin list | get name | to nuon", "[showcase]"),
            ("plugin list | get version.0", env!("CARGO_PKG_VERSION")),
            ("help showcase tally | str contains 'Makes a tally'", "true"),
            // Its help has an example with a custom value.
            ("help showcase tally | str contains 'Seven sheep'", "true"),
            (
                "(showcase engine process) == (showcase engine process)",
                "true",
            ),
            (
                "let a = (showcase engine process); plugin stop showcase; $a == (showcase engine process)",
                "false",
            ),
            (
                "let sheep = (showcase tally sheep 7); plugin stop showcase; $sheep.next.count",
                "8",
            ),
        ] {
            assert_eq!(
                registered(shell, script),
                expected,
                "0.{}: {script}",
                shell.minor
            );
        }
    });
}

#[test]
fn an_interrupt_ends_endless_output() {
    in_every_version(PLUGIN, |shell| {
        let mut nu = shell
            .script("showcase numbers --wait 1ms | each {|x| print $x}")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the shell starts");
        let mut lines = BufReader::new(nu.stdout.take().expect("it is piped"));
        let mut first = String::new();
        lines.read_line(&mut first).expect("a line");
        assert_eq!(first, "0\n", "0.{}", shell.minor);
        let pid = nu.id().to_string();
        let killed = Command::new("kill").args(["-INT", &pid]).status();
        assert!(killed.expect("kill runs").success());
        // Ends only when the shell has.
        lines.read_to_end(&mut Vec::new()).expect("the rest");
        nu.wait().expect("it has ended");
    });
}
