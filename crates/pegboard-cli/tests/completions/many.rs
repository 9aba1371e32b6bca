//! Many plugins cost nothing, and plugins that misbehave do no harm.

use std::time::{Duration, Instant};

use pegboard_host::protocol::nu::{PositionalArg, Signature, SyntaxShape};

use crate::support::{Home, command};

/// How much more completion may take with many plugins. It is far less, but the machine has other things to do and the
/// program under test is not optimised.
const BOUND: Duration = Duration::from_millis(20);

fn fastest(home: &Home, line: &[&str]) -> Duration {
    let runs = (0..15).map(|_| {
        let start = Instant::now();
        home.complete(line);
        start.elapsed()
    });
    runs.min().expect("a run")
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
    let more = fastest(&full, &line).saturating_sub(fastest(&empty, &line));
    assert!(more < BOUND, "{more:?}");
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
        assert!(took < Duration::from_secs(10), "{plugin}: {took:?}");
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
