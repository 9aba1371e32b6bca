//! The help of every command, as printed. `UPDATE_SNAPSHOTS=1` writes it anew.

use std::path::Path;

use crate::support::Cli;

#[test]
fn help_is_as_written() {
    for (name, arguments) in [
        ("pegboard", &["--help"][..]),
        ("add", &["add", "--help"]),
        ("complete", &["complete", "--help"]),
        ("completions", &["completions", "--help"]),
        ("doctor", &["doctor", "--help"]),
        ("export", &["export", "--help"]),
        ("help", &["help", "--help"]),
        ("import", &["import", "--help"]),
        ("list", &["list", "--help"]),
        ("man", &["man", "--help"]),
        ("remove", &["remove", "--help"]),
        ("run", &["run", "--help"]),
        ("inspect", &["inspect", "--help"]),
        ("test", &["test", "--help"]),
        ("trace", &["trace", "--help"]),
        ("trace-show", &["trace", "show", "--help"]),
        ("trace-replay", &["trace", "replay", "--help"]),
    ] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/help/{name}.txt"));
        let help = Cli::new(arguments).out();
        if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
            std::fs::write(&file, &help).expect("the snapshot is written");
        }
        let snapshot = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(
            help == snapshot,
            "{} differs from what is printed:\n{help}",
            file.display()
        );
    }
}

#[test]
fn help_is_given_by_name_too() {
    for (words, flag) in [
        (&["help"][..], &["--help"][..]),
        (&["help", "run"], &["run", "--help"]),
    ] {
        assert_eq!(Cli::new(words).out(), Cli::new(flag).out());
    }
    assert!(
        Cli::new(["help", "nothing"])
            .fails(2)
            .contains("no plugin is installed")
    );
}

#[test]
fn the_version_is_the_packages() {
    assert_eq!(
        Cli::new(["--version"]).out(),
        format!("pegboard {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn a_commands_own_help() {
    let expected = "\
Increment a value or version. Optionally use the column of a table.

Usage:
  inc [flags] [cell_path]

Arguments:
  [cell_path] (cell-path)  Cell path to update.

Flags:
  -h, --help   Display the help message for this command
  -M, --major  Increment the major version (eg 1.2.1 -> 2.0.0).
  -m, --minor  Increment the minor version (eg 1.2.1 -> 1.3.0).
  -p, --patch  Increment the patch version (eg 1.2.1 -> 1.2.2).
";
    for line in ["inc --help", "inc -h", "inc a b c --help"] {
        assert_eq!(Cli::run("nu_plugin_inc", line).out(), expected, "{line}");
    }
    // What is required otherwise is not for help.
    assert!(
        Cli::run("nu_plugin_reference", "ref required --help")
            .out()
            .contains("--level <int>")
    );
}
