//! Registered in a real shell: started when needed, stopped, started again; interrupted.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use pegboard_testkit::tree::{is_alive, wait_until};

use super::PLUGIN;
use super::shell::{Shell, in_every_version};

/// Nothing takes nearly as long. What waits longer has hung.
const PATIENCE: Duration = Duration::from_secs(60);

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
        // The column is called so since 0.101.
        let running = match shell.minor {
            ..101 => "$it.is_running",
            _ => "$it.status == running",
        };
        let is_running = format!("plugin list | any {{|it| {running}}}");
        let stopped_by_file = format!(
            "showcase numbers 1 | ignore; let before = ({is_running}); plugin stop {PLUGIN:?}; [$before ({is_running})] | to nuon"
        );
        let cases = [
            ("plugin list | get name | to nuon", "[showcase]"),
            ("plugin list | get version.0", env!("CARGO_PKG_VERSION")),
            // Nothing has needed it yet.
            (&is_running, "false"),
            ("help showcase tally | str contains 'Makes a tally'", "true"),
            ("showcase numbers 3 | to nuon", "[0, 1, 2]"),
            (
                "let a = (showcase engine process); [1 2 3] | par-each { showcase engine process } | all {|b| $a == $b}",
                "true",
            ),
            (
                "let a = (showcase engine process); plugin stop showcase; $a == (showcase engine process)",
                "false",
            ),
            (&stopped_by_file, "[true, false]"),
            // Values outlive the process that made them.
            (
                "let sheep = (showcase tally sheep 7); plugin stop showcase; $sheep.next.count",
                "8",
            ),
            (
                "let sheep = (showcase tally sheep 7); plugin stop showcase; ($sheep + 1).count",
                "8",
            ),
            (
                "let sheep = (showcase tally sheep 7); plugin stop showcase; $sheep == 7",
                "true",
            ),
            (
                "let sheep = (showcase tally sheep 7); plugin stop showcase; $sheep | to json | from json | to nuon",
                "{name: sheep, count: 7}",
            ),
            (
                "let sheep = (showcase tally sheep 7); plugin stop showcase; showcase tally read $sheep | to json | from json | to nuon",
                "{name: sheep, count: 7}",
            ),
        ];
        let script: String = cases
            .iter()
            .map(|(line, _)| format!("print (do {{ {line} }})\n"))
            .collect();
        let printed = registered(shell, &script);
        assert_eq!(
            printed.lines().count(),
            cases.len(),
            "0.{}: {printed}",
            shell.minor
        );
        for ((line, expected), printed) in cases.iter().zip(printed.lines()) {
            assert_eq!(printed, *expected, "0.{}: {line}", shell.minor);
        }
    });
}

#[test]
fn an_interrupt_ends_endless_output_and_the_plugin_ends_with_the_shell() {
    in_every_version(PLUGIN, |shell| {
        let script = "
            print (showcase engine process)
            showcase numbers --wait 1ms | each {|x| print $x}";
        // As when somebody types Ctrl-C: for the whole group, in which the plugin is not.
        let mut nu = shell.at_home(Command::new(shell.program()));
        nu.args(shell.arguments(script)).process_group(0);
        let mut nu = nu
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the shell starts");
        let mut lines = BufReader::new(nu.stdout.take().expect("it is piped")).lines();
        let mut line = || lines.next().expect("a line").expect("a line");
        let plugin: u32 = line().parse().expect("a number");
        assert_eq!(line(), "0", "0.{}", shell.minor);
        let group = format!("-{}", nu.id());
        let killed = Command::new("kill").args(["-INT", "--", &group]).status();
        assert!(killed.expect("kill runs").success());
        // Otherwise the shell would wait for somebody to read.
        std::thread::spawn(move || lines.for_each(drop));
        let ended = wait_until(PATIENCE, || nu.try_wait().expect("a child").is_some());
        if !ended {
            nu.kill().expect("a child");
        }
        assert!(ended, "0.{}", shell.minor);
        let gone = wait_until(PATIENCE, || !is_alive(plugin));
        assert!(gone, "0.{}: the plugin goes on", shell.minor);
    });
}
