//! Words mean what they mean in real Nushell.

use std::process::Command;

use pegboard_testkit::peers::peer;

use crate::support::{Cli, json};

const WORDS: &[&str] = &[
    "5",
    "-5",
    "+5",
    "1_000",
    "0x1f",
    "0o17",
    "0b101",
    "1.5",
    "-1.5e3",
    ".5",
    "5.",
    "true",
    "false",
    "null",
    "10b",
    "10kb",
    "10KB",
    "1.5MiB",
    "1kib",
    "1_000kb",
    "-1.5kb",
    "1.5b",
    "3ns",
    "4us",
    "4\u{b5}s",
    "250ms",
    "5sec",
    "1.5hr",
    "-2min",
    "1day",
    "1wk",
    "1month",
    "0x[ff 00]",
    "0x[fff]",
    "0b[1010 1]",
    "0o[377]",
    "1..5",
    "1..=5",
    "1..<5",
    "1..3..9",
    "5..1",
    "-1..3",
    "1.0..2.5",
    "hello",
    "a.b",
    "1.2.3",
    "../x",
    "10kilo",
];

#[test]
fn anything_is_read_as_nushell_reads_it() {
    // Inside of other values Nushell writes ranges as text.
    let numbers = "if ($x | describe) == range { $x | each {} } else { $x }";
    let script = format!(
        "[{}] | each {{|x| {{v: ({numbers})}}}} | to json --raw",
        WORDS.join(" ")
    );
    let nu = Command::new(peer("nu"))
        .args(["--no-config-file", "--commands", &script])
        .output()
        .expect("nu");
    let theirs = json(&String::from_utf8_lossy(&nu.stdout));
    let mut cli = Cli::run("nu_plugin_reference", "ref args 1");
    for word in WORDS {
        cli = cli.argument("--any").argument(word);
    }
    let ours = json(&cli.out());
    let ours = ours["named"].as_array().expect("flags");
    assert_eq!(ours.len(), WORDS.len());
    for ((word, ours), theirs) in WORDS
        .iter()
        .zip(ours)
        .zip(theirs.as_array().expect("values"))
    {
        assert_eq!(ours["value"], theirs["v"], "{word}");
    }
}
