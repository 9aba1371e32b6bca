//! Compares what scripts give with what their files say. `UPDATE_TRANSCRIPTS=1` writes the files anew, to be reviewed.

use std::path::{Path, PathBuf};

use super::script;

#[test]
fn handshakes() {
    check(&case("handshakes.txt"));
}

#[test]
fn executions() {
    check(&case("executions.txt"));
}

#[test]
fn misbehaviour() {
    check(&case("misbehaviour.txt"));
}

#[test]
fn plugins() {
    check(&case("plugins.txt"));
}

#[test]
fn extensions() {
    check(&case("extensions.txt"));
}

#[test]
fn endings() {
    check(&case("endings.txt"));
}

fn case(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/octa/cases")
        .join(file)
}

/// Runs each case of a file: a title after `==`, and a script.
pub(crate) fn check(path: &Path) {
    let text = std::fs::read_to_string(path).unwrap();
    let mut new = String::new();
    for case in text.split_inclusive("\n\n") {
        let (title, steps) = case.split_once('\n').unwrap();
        assert!(
            title.starts_with("== "),
            "{}: a case must begin with its title: {title}",
            path.display()
        );
        let actual = script::run(steps);
        if std::env::var_os("UPDATE_TRANSCRIPTS").is_none() {
            let path = path.display();
            assert_eq!(actual, steps, "{path}: {title}\nwhat it gives:\n{actual}");
        }
        new += title;
        new += "\n";
        new += &actual;
    }
    if new != text {
        std::fs::write(path, new).unwrap();
    }
}
