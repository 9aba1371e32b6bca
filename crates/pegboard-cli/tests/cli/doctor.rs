//! What `pegboard doctor` finds.

use std::fs;

use pegboard_testkit::peers::peer;

use crate::support::{Cli, Folder, json};

fn at<const N: usize>(home: &Folder, arguments: [&str; N]) -> Cli {
    Cli::new(arguments).variable("PEGBOARD_HOME", &home.file("store").display().to_string())
}

/// A copy of a plugin under a name of its own.
fn installed(home: &Folder, name: &str) -> std::path::PathBuf {
    let path = home.file(name);
    fs::copy(peer("nu_plugin_nodehand.js"), &path).expect("a copy");
    at(home, ["add"]).argument(&path).out();
    path
}

/// What was found, as `subject state`.
fn states(found: &serde_json::Value) -> Vec<String> {
    let found = found.as_array().expect("findings");
    let shown = found.iter().map(|it| {
        format!(
            "{} {}",
            it["subject"].as_str().expect("text"),
            it["state"].as_str().expect("text")
        )
    });
    shown.collect()
}

#[test]
fn all_is_well() {
    let home = Folder::new("doctor-well");
    at(&home, ["add"]).argument(peer("nu_plugin_inc")).out();
    let out = at(&home, ["doctor"]).out();
    let lines: Vec<&str> = out.lines().collect();
    let place = home.file("store");
    assert_eq!(
        lines[0],
        format!(
            "ok        store    1 plugin with 1 command in {}",
            place.display()
        )
    );
    assert!(
        lines[2].starts_with("ok        inc      1 command after "),
        "{out}"
    );
    assert!(lines[2].ends_with("; Nushell 0.115.1, json"), "{out}");
    assert_eq!(lines[3], "0 problems, 0 warnings");
    let out = at(&home, ["doctor"])
        .variable("XDG_RUNTIME_DIR", "/proc")
        .out();
    assert!(
        out.contains("warning   sockets  none can be made in /proc"),
        "{out}"
    );
}

#[test]
fn what_is_wrong_is_told_with_what_to_do() {
    let home = Folder::new("doctor-wrong");
    let gone = installed(&home, "nu_plugin_gone.js");
    let broken = installed(&home, "nu_plugin_broken.js");
    installed(&home, "nu_plugin_same.js");
    fs::remove_file(&gone).expect("removed");
    fs::write(&broken, "#!/bin/sh\nexit 3\n").expect("a broken script");
    fs::write(home.file("store/plugins/damaged.json"), "{").expect("a damaged entry");
    let ran = at(&home, ["doctor", "--json"]).end();
    assert_eq!((ran.code, ran.err.as_str()), (Some(1), ""));
    let found = json(&ran.out);
    assert_eq!(
        states(&found),
        [
            "store warning",
            "store problem",
            "sockets ok",
            "commands warning",
            "broken problem",
            "gone problem",
            "same ok",
        ]
    );
    let of = |subject: &str, field: &str| {
        let mut found = found.as_array().expect("findings").iter();
        let one = found
            .rfind(|it| it["subject"] == subject)
            .expect("a finding");
        one[field].as_str().unwrap_or_default().to_owned()
    };
    assert!(
        of("broken", "what").contains("exit code 3"),
        "{}",
        of("broken", "what")
    );
    assert!(of("gone", "advice").contains("`pegboard remove gone`"));
    assert!(of("store", "advice").contains("`pegboard remove damaged`"));
    let shared = of("commands", "what");
    assert!(
        shared.starts_with("broken and gone and same have the same commands: `node cwd`"),
        "{shared}"
    );
}

#[test]
fn nothing_is_started_where_that_is_not_wanted() {
    let home = Folder::new("doctor-unasked");
    let changed = installed(&home, "nu_plugin_changed.js");
    fs::write(&changed, "#!/bin/sh\nexit 3\n").expect("a broken script");
    let ran = at(&home, ["doctor", "--unasked", "--json", "changed"]).end();
    assert_eq!(ran.code, Some(0));
    let found = json(&ran.out);
    assert_eq!(
        states(&found).last().map(String::as_str),
        Some("changed warning")
    );
    let unknown = at(&home, ["doctor", "chnged"]).fails(2);
    assert!(unknown.contains("did you mean `changed`?"), "{unknown}");
}
