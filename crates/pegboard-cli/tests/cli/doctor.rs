//! What `pegboard doctor` finds.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use pegboard_testkit::peers::{peer, shipped};
use pegboard_testkit::tree::wait_until;
use rustix::process::Signal;

use crate::support::{Cli, Folder, PATIENCE, json, signal};

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
fn a_directory_for_sockets_may_have_too_long_a_path() {
    let home = Folder::new("doctor-long");
    let long = home.file(&"x".repeat(100));
    fs::create_dir(&long).expect("a directory");
    let cli = |words: &[&str]| {
        Cli::new(words)
            .variable("PEGBOARD_HOME", &home.file("store").display().to_string())
            .variable("XDG_RUNTIME_DIR", &long.display().to_string())
    };
    let out = cli(&["doctor"]).out();
    let place = long.display();
    let said =
        format!("warning   sockets  made in {place}; the path is too long for plugins of Octa's");
    assert!(out.contains(&said), "{out}");
    // It is as it says, with the same advice.
    let failed = cli(&["add"]).argument(shipped("octa_plugin_tpl")).fails(3);
    for said in [out, failed] {
        let advice = "set XDG_RUNTIME_DIR to a directory with a shorter path";
        assert!(said.contains(advice), "{said}");
    }
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
    fs::set_permissions(&changed, fs::Permissions::from_mode(0o644)).expect("its owner");
    let ran = at(&home, ["doctor", "--unasked", "changed"]).end();
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.out.contains("nu_plugin_changed.js may not be executed"),
        "{ran:?}"
    );
    let listed = json(&at(&home, ["list", "--json"]).out());
    assert_eq!(listed[0]["file"], "not executable");
    let shown = at(&home, ["inspect", "changed"]).out();
    assert!(
        shown.contains("file      may not be executed any more"),
        "{shown}"
    );
    let unknown = at(&home, ["doctor", "chnged"]).fails(2);
    assert!(unknown.contains("did you mean `changed`?"), "{unknown}");
}

/// What is killed at once with all that could clear up after it leaves its sockets; they are seen to later.
#[test]
fn what_killed_engines_have_left_is_removed() {
    let home = Folder::new("doctor-killed");
    let shell = shipped("octa_plugin_shell");
    let runtime = home.file("run");
    fs::create_dir(&runtime).expect("a directory");
    let place = runtime.to_str().expect("a plain path");
    let run = |text: &str| {
        let cli = Cli::new(["run", "--plugin"]).argument(&shell);
        cli.argument("shell")
            .argument(text)
            .variable("XDG_RUNTIME_DIR", place)
    };
    let left = || fs::read_dir(&runtime).expect("the directory").count();
    let kill = || {
        let cli = run("echo on; exec sleep 1000");
        let mut child = cli.start_with(None, Stdio::piped());
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("its output"));
        out.read_line(&mut line).expect("a line");
        // It cannot replace the guard while it stands still.
        signal(child.id(), Signal::STOP);
        let started = children(child.id());
        assert!(started.len() > 1, "{started:?}");
        started.into_iter().for_each(|id| signal(id, Signal::KILL));
        signal(child.id(), Signal::KILL);
        child.wait().expect("its end");
    };
    kill();
    assert_eq!(left(), 1);
    // On a busy machine one may have no time for it.
    assert!(wait_until(PATIENCE, || {
        assert_eq!(run("echo next").out(), "next\n");
        left() == 0
    }));
    kill();
    let out = at(&home, ["doctor"])
        .variable("XDG_RUNTIME_DIR", place)
        .out();
    let expected = format!(
        "ok  sockets  made in {place}; removed what an engine that was killed had left there"
    );
    let lines: Vec<String> = out
        .lines()
        .map(|line| {
            line.splitn(2, "  ")
                .map(str::trim)
                .collect::<Vec<_>>()
                .join("  ")
        })
        .collect();
    assert!(lines.contains(&expected), "{out}");
    assert_eq!(left(), 0);
}

/// The processes that one has started.
fn children(process: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).expect("its threads");
    let lists = threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let ids = lists.flat_map(|list| {
        let ids = list.split_whitespace().map(str::parse);
        ids.collect::<Result<Vec<u32>, _>>().expect("numbers")
    });
    ids.collect()
}
