//! Conversations of real hosts and real plugins, replayed to our side of each.

use std::path::Path;

use pegboard_protocol::octa::{
    Decoder, Dialect, Form, FromHost, FromPlugin, Incoming, Limits, Outgoing, encode,
};

use super::transcripts;

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/octa/recorded"))
}

#[test]
fn replayed() {
    for file in [
        "direct_as_host.txt",
        "direct_as_plugin.txt",
        "fake_as_host.txt",
        "host_as_host.txt",
        "host_as_plugin.txt",
        "hybrid_as_host.txt",
        "hybrid_as_plugin.txt",
    ] {
        transcripts::check(&folder().join(file));
    }
}

/// What real peers wrote is, byte for byte, what we write for peers of their dialect.
#[test]
fn written_again() {
    let plugins = lines("direct_as_host.txt").chain(lines("host_as_host.txt"));
    let count = plugins
        .map(|line| again::<FromPlugin>(&line))
        .sum::<usize>();
    assert!(count > 400, "only {count} lines of plugins");
    let hosts = lines("host_as_plugin.txt").chain(lines("hybrid_as_plugin.txt"));
    let count = hosts.map(|line| again::<FromHost>(&line)).sum::<usize>();
    assert!(count > 150, "only {count} lines of hosts");
}

/// What a script that speaks both dialects at once wrote is what we write for everybody.
#[test]
fn both_dialects_at_once() {
    let mut count = 0;
    for line in lines("hybrid_as_host.txt") {
        let message: FromPlugin = read(&line);
        assert_eq!(written(&message, Form::Every), line);
        count += 1;
    }
    assert_eq!(count, 12);
}

fn lines(file: &str) -> impl Iterator<Item = String> + use<> {
    let text = std::fs::read_to_string(folder().join(file)).unwrap();
    let lines: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("< "))
        .map(str::to_owned)
        .collect();
    lines.into_iter()
}

/// Reads a line and writes each message in it again.
fn again<M: Incoming + Outgoing>(line: &str) -> usize {
    let mut decoder = Decoder::<M>::new(Limits::default());
    decoder.feed(line.as_bytes());
    let mut messages = Vec::new();
    while let Some(frame) = decoder.next() {
        messages.push(frame.content.unwrap());
    }
    let written = |dialect| -> String {
        let form = Form::Only(dialect);
        messages
            .iter()
            .map(|message| written(message, form))
            .collect()
    };
    assert!(
        written(Dialect::V021) == line || written(Dialect::V020) == line,
        "{line}\nwritten again is\n{}",
        written(Dialect::V021)
    );
    messages.len()
}

fn read<M: Incoming>(line: &str) -> M {
    let mut decoder = Decoder::new(Limits::default());
    decoder.feed(line.as_bytes());
    decoder.next().unwrap().content.unwrap()
}

/// Without its line feed.
fn written<M: Outgoing>(message: &M, form: Form) -> String {
    let mut bytes = Vec::new();
    encode(message, form, &mut bytes);
    assert_eq!(bytes.pop(), Some(b'\n'));
    String::from_utf8(bytes).unwrap()
}
