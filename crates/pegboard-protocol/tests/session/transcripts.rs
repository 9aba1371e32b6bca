//! Compares what scripts give with what their files say. `UPDATE_TRANSCRIPTS=1` writes the files anew, to be reviewed.

use std::path::Path;

use super::script;

#[test]
fn handshakes() {
    check("handshakes.txt");
}

#[test]
fn calls() {
    check("calls.txt");
}

#[test]
fn engine_calls() {
    check("engine_calls.txt");
}

#[test]
fn reading() {
    check("reading.txt");
}

#[test]
fn writing() {
    check("writing.txt");
}

#[test]
fn limits() {
    check("limits.txt");
}

#[test]
fn dialects() {
    check("dialects.txt");
}

#[test]
fn undeliverable() {
    check("undeliverable.txt");
}

#[test]
fn extensions() {
    check("extensions.txt");
}

#[test]
fn endings() {
    check("endings.txt");
}

/// Runs each case of a file: a title after `==`, and a script.
fn check(file: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/session/cases")
        .join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    let mut new = String::new();
    for case in text.split_inclusive("\n\n") {
        let (title, steps) = case.split_once('\n').unwrap();
        assert!(
            title.starts_with("== "),
            "{file}: a case must begin with its title: {title}"
        );
        let actual = script::run(steps);
        if std::env::var_os("UPDATE_TRANSCRIPTS").is_none() {
            assert_eq!(actual, steps, "{file}: {title}\nwhat it gives:\n{actual}");
        }
        new += title;
        new += "\n";
        new += &actual;
    }
    if new != text {
        std::fs::write(path, new).unwrap();
    }
}
