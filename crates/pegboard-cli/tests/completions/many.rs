//! Many plugins cost nothing, and plugins that misbehave do no harm.

use std::time::{Duration, Instant};

use pegboard_host::protocol::nu::{PositionalArg, Signature, SyntaxShape};

use crate::support::{Home, command};

/// How much more completion may take with many plugins.
const BOUND: Duration = Duration::from_millis(5);

/// How often it is tried to stay below that, on a machine that has other things to do.
const RUNS: usize = 200;

fn took(home: &Home, line: &[&str]) -> Duration {
    let start = Instant::now();
    home.complete(line);
    start.elapsed()
}

#[test]
fn five_hundred_plugins() {
    let (empty, full) = (Home::new("none"), Home::new("many"));
    for number in 0..500 {
        // Without a file: to start one would fail, and to ask one would give nothing.
        let plugin = format!("p{number}");
        let path = format!("/nowhere/nu_plugin_{plugin}");
        full.install(&plugin, &path, &[command(&format!("many cmd{number}"))]);
    }
    let line = ["plain", "--", "pegboard", "run", "many", "cmd49"];
    assert_eq!(full.complete(&line).split(',').count(), 11);
    // The fastest runs of both, in turn, are what it takes where nothing else is done.
    let (mut least, mut most) = (Duration::MAX, Duration::MAX);
    let enough = (0..RUNS).any(|run| {
        least = least.min(took(&empty, &line));
        most = most.min(took(&full, &line));
        run >= 10 && most.saturating_sub(least) <= BOUND
    });
    assert!(enough, "{most:?} rather than {least:?}");
}

fn asked(name: &str) -> Signature {
    let argument = PositionalArg {
        name: "x".to_owned(),
        shape: SyntaxShape::String,
        ..PositionalArg::default()
    };
    Signature {
        required_positional: vec![argument],
        ..command(name)
    }
}

#[test]
fn nothing_is_started_but_the_plugin_that_completes_the_value() {
    let home = Home::new("started");
    let mark = home.file("started");
    let text = format!("#!/bin/sh\n: > '{}'\n", mark.display());
    let path = home.program("nu_plugin_marks", &text).display().to_string();
    home.install("marks", &path, &[asked("marks it"), command("marks")]);
    home.install("other", "/nowhere/nu_plugin_other", &[asked("other")]);
    for (line, expected) in [
        (&["run", ""][..], "marks,other"),
        (&["run", "marks", ""], "it,--help"),
        (&["run", "marks", "it", "-"], "--help"),
        (&["run", "marks", "it", "x", "|", "other", ""], "files"),
        (&["inspect", "m"], "marks,files"),
        (&["help", "marks", ""], "it"),
    ] {
        let line: Vec<&str> = ["plain", "pegboard"].iter().chain(line).copied().collect();
        assert_eq!(home.complete(&line), expected, "{line:?}");
        assert!(!mark.exists(), "{line:?}");
    }
    let line = ["plain", "pegboard", "run", "marks", "it", ""];
    assert_eq!(home.complete(&line), "files");
    assert!(mark.exists(), "the one that is to be asked");
}

#[test]
fn a_plugin_that_does_not_answer_is_given_up() {
    let home = Home::new("silent");
    for (plugin, text) in [
        ("silent", "#!/bin/sh\nexec cat > /dev/null\n"),
        (
            "loud",
            "#!/bin/sh\necho out; echo err >&2; exec cat > /dev/null\n",
        ),
        ("short", "#!/bin/sh\necho err >&2; exit 3\n"),
    ] {
        let path = home.program(&format!("nu_plugin_{plugin}"), text);
        home.install(plugin, &path.display().to_string(), &[asked(plugin)]);
        let start = Instant::now();
        // What is left are the names of files.
        assert_eq!(
            home.complete(&["plain", "pegboard", "run", plugin, ""]),
            "files"
        );
        let took = start.elapsed();
        assert!(took < Duration::from_secs(6), "{plugin}: {took:?}");
    }
}

#[test]
fn a_damaged_store_is_silent() {
    let home = Home::with_plugins("damaged");
    let line = ["plain", "pegboard", "run", "wo"];
    std::fs::write(home.file("store/index"), "junk").expect("a file");
    assert_eq!(home.complete(&line), "words");
    std::fs::write(home.file("store/plugins/words.json"), "{").expect("a file");
    assert_eq!(home.complete(&line), "");
}
