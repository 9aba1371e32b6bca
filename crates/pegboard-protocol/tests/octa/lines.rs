//! Output for hosts that know only lines, whatever pieces it was written in.

use pegboard_protocol::octa::{
    ExecutionId, Features, FromHost, FromPlugin, Hello, Plugin, PluginConfig, PluginEvent,
    PluginHello, Stream,
};

const LONGEST: usize = 1 << 20;

/// A plugin that runs one execution for a real host.
fn running() -> (Plugin, ExecutionId) {
    let hello = Hello {
        version: "0.2.1".to_owned(),
        features: Vec::new(),
    };
    let plugin = PluginHello::new(PluginConfig::new("k"));
    let (plugin, _) = plugin.receive(Ok(FromHost::Hello(hello))).unwrap();
    let (mut plugin, _) = plugin.receive(Ok(FromHost::Schema)).unwrap();
    assert_eq!(plugin.features(), Features::NONE);
    plugin.receive(Ok(FromHost::Execute(Box::default())));
    match plugin.poll_event() {
        Some(PluginEvent::Execute { id, .. }) => (plugin, id),
        other => panic!("{other:?}"),
    }
}

/// What is sent when `bytes` are written in pieces.
fn sent(bytes: &[u8], piece: usize) -> Vec<Vec<u8>> {
    let (mut plugin, id) = running();
    for piece in bytes.chunks(piece) {
        assert_eq!(plugin.output(id, Stream::Stdout, piece), Ok(piece.len()));
    }
    plugin.exit(id, 0).unwrap();
    let messages = std::iter::from_fn(|| plugin.poll_message());
    messages
        .filter_map(|message| match message {
            FromPlugin::Output { bytes, .. } => Some(bytes),
            _ => None,
        })
        .collect()
}

#[test]
fn lines_stay_lines() {
    let text = "one\n\n  three \r\nfoür\nno end";
    for piece in 1..text.len() {
        let lines: Vec<&[u8]> = text.split_inclusive('\n').map(str::as_bytes).collect();
        assert_eq!(sent(text.as_bytes(), piece), lines);
    }
}

/// As real plugins send it.
#[test]
fn a_long_line_stays_whole() {
    let mut line = "x".repeat(LONGEST - 1);
    line.push('\n');
    assert_eq!(sent(line.as_bytes(), 4096), [line.into_bytes()]);
}

/// What never ends does not gather without end, and is not cut inside of a character, wherever that stands.
#[test]
fn an_endless_line_is_cut() {
    for c in ["é", "€", "😀"] {
        for before in 0..c.len() {
            let text = "x".repeat(before) + &c.repeat(LONGEST / c.len() + 10);
            let sent = sent(text.as_bytes(), 65_537);
            assert_eq!(sent.len(), 2);
            assert!(LONGEST - sent[0].len() < c.len());
            assert!(sent.concat() == text.as_bytes());
        }
    }
}

#[test]
fn what_is_no_text_is_replaced() {
    let text = ["a\u{fffd}\u{fffd}\n", "b\u{fffd}"].map(str::as_bytes);
    assert_eq!(sent(b"a\xff\xc3\nb\xe2\x82", 1), text);
}
