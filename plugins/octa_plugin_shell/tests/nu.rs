//! Commands in real Nushells of seven versions.

#![cfg(unix)]

#[path = "../../nu_plugin_showcase/tests/nu/shell.rs"]
mod shell;

use std::path::Path;
use std::sync::LazyLock;

use shell::{case, in_every_version};

/// Nushell takes only programs whose names begin with `nu_plugin_`, and older ones look where a symbolic link leads.
static PLUGIN: LazyLock<String> = LazyLock::new(|| {
    let link = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nu_plugin_shell");
    // From an earlier run, of a program that may lie elsewhere.
    let _ = std::fs::remove_file(&link);
    std::fs::hard_link(env!("CARGO_BIN_EXE_octa_plugin_shell"), &link).unwrap();
    link.to_string_lossy().into_owned()
});

#[test]
fn tasks() {
    in_every_version(&PLUGIN, |shell| {
        shell.check(&[
            case("shell 'echo hi; echo there' | lines", "[hi, there]"),
            case("'a b' | shell cat", "\"a b\""),
            case("[a b] | shell 'sort -r' | lines", "[b, a]"),
            case(
                "shell 'echo $A {{ v }}' --env {A: b} --var {v: [1 2]} | str trim",
                "\"b [1, 2]\"",
            ),
            case("cd /; shell pwd | str trim", "/"),
            case("shell --dir /tmp pwd | str trim", "/tmp"),
            case("shell --dry 'echo {{ 1 + 1 }}' | str trim", "\"echo 2\""),
            case(
                "shell 'exit 3' | str trim",
                "ERROR ended with exit status 3",
            ),
            case(
                "shell '{{ nope }}' | str trim",
                "ERROR the template cannot be rendered: Variable `nope` not found in context",
            ),
            // A writer that never ends is ended.
            case("shell yes | lines | first 2", "[y, y]"),
        ]);
        let help = shell.run("help shell");
        let help = String::from_utf8_lossy(&help.stdout);
        assert!(help.contains("Runs a command with sh"), "{help}");
    });
}
