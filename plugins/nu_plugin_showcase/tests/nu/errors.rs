//! Errors as people see them, and a plugin that goes on after them.

use super::PLUGIN;
use super::shell::{case, in_every_version};

#[test]
fn errors_are_shown_with_all_they_say() {
    in_every_version(PLUGIN, |shell| {
        let output = shell.run("showcase error [1 2]");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success());
        for part in [
            "showcase::failed",
            "the showcase failed",
            "by this command",
            "for this value",
            "it always does",
        ] {
            assert!(stderr.contains(part), "0.{}: {part}: {stderr}", shell.minor);
        }
    });
}

#[test]
fn a_plugin_goes_on_after_errors_and_panics() {
    in_every_version(PLUGIN, |shell| {
        let same = "let before = (showcase engine process); \
                    try { showcase panic }; try { showcase error }; try { showcase panic --late | math sum }; \
                    $before == (showcase engine process)";
        shell.check(&[
            case("showcase error", "ERROR the showcase failed"),
            case(
                "showcase error late | math sum",
                "ERROR the showcase failed",
            ),
            case("showcase error late | first 3", "[0, 1, 2]"),
            case(
                "showcase panic",
                "ERROR the plugin's code panicked: as the user asked for",
            ),
            case("showcase panic --late | first 3", "[0, 1, 2]"),
            case(same, "true"),
        ]);
    });
}

/// Nushell shows the source that a label points at, whatever is there.
#[test]
fn a_panic_is_shown_where_the_command_stands() {
    in_every_version(PLUGIN, |shell| {
        for line in ["showcase panic", "showcase panic --late | math sum"] {
            let output = shell.run(&format!("let secret = 'hidden'\n{line}"));
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success());
            let shown: Vec<_> = stderr.lines().collect();
            let label = shown.iter().position(|line| line.contains("during this"));
            let label = label.unwrap_or_else(|| panic!("0.{}: no label: {stderr}", shell.minor));
            let source = shown[..label]
                .iter()
                .rev()
                .find(|shown| shown.contains(line));
            assert!(source.is_some(), "0.{}: {stderr}", shell.minor);
            assert!(stderr.contains("a mistake in the plugin"), "{stderr}");
        }
    });
}

/// What is handed over differs: old versions make what is not quoted absolute, new ones nothing.
#[test]
fn paths_start_where_the_caller_is() {
    in_every_version(PLUGIN, |shell| {
        let home = shell.home.display();
        let in_usr =
            |line: &str, expected: &str| case(format!("cd /usr; {line}"), format!("[{expected}]"));
        let all = "/usr/lib, /usr/share, /usr/a, /usr/b";
        let under_home = format!("\"{home}/x\", \"{home}/y\"");
        shell.check(&[
            in_usr("showcase path lib", "/usr/lib"),
            in_usr("showcase path 'lib'", "/usr/lib"),
            in_usr("let path = 'lib'; showcase path $path", "/usr/lib"),
            in_usr("showcase path ../etc", "/etc"),
            in_usr("showcase path /bin", "/bin"),
            in_usr("showcase path ~/x '~/y'", &under_home),
            in_usr("showcase path lib -i share a 'b'", all),
        ]);
    });
}

#[test]
fn what_the_plugin_and_its_children_print_is_not_in_the_way() {
    in_every_version(PLUGIN, |shell| {
        let output =
            shell.run("print $'result (showcase print) (showcase print) (showcase numbers 2)'");
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            stdout.contains("result 1 1 [0, 1]"),
            "0.{}: {stdout}{stderr}",
            shell.minor
        );
        for part in ["printed by the plugin", "printed by its child"] {
            let count = format!("{stdout}{stderr}").matches(part).count();
            assert_eq!(count, 2, "0.{}: {part}", shell.minor);
        }
    });
}
