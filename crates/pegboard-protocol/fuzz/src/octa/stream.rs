//! Takes any bytes and panics only if the decoder or a session breaks a promise.

use pegboard_protocol::octa::{
    Decoder, Dialect, Execute, Features, Form, Frame, FromHost, FromPlugin, Hello, Host,
    HostConfig, HostEvent, HostHello, Incoming, Limits, Outgoing, Plugin, PluginConfig,
    PluginHello, encode, plain_text,
};

/// Limits that a fuzzer can reach.
const LIMITS: Limits = Limits {
    line: 4096,
    depth: 20,
    executions: 4,
    buffered: 1024,
    window: 256,
};

/// The first byte says who sends and how the rest is cut. Cut or whole, the same comes out, and each message can be
/// written and read again; and a session that gets all of it ends every execution once.
pub fn stream(bytes: &[u8]) {
    let Some((control, bytes)) = bytes.split_first() else {
        return;
    };
    let piece = usize::from(control >> 1).max(1);
    if control & 1 == 0 {
        let frames = check::<FromPlugin>(bytes, piece);
        for features in [Features::NONE, Features::ALL] {
            host(features, frames.clone());
        }
    } else {
        let frames = check::<FromHost>(bytes, piece);
        for features in [Features::NONE, Features::ALL] {
            plugin(features, frames.clone());
        }
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        plain_text(text);
    }
}

fn check<M>(bytes: &[u8], piece: usize) -> Vec<Frame<M>>
where
    M: Incoming + Outgoing + Clone + PartialEq + std::fmt::Debug,
{
    let cut: Vec<Frame<M>> = read(bytes, piece);
    let whole = read(bytes, bytes.len().max(1));
    assert_eq!(cut, whole);
    for frame in &whole {
        assert!(frame.size <= LIMITS.line);
        match &frame.content {
            Ok(message) => {
                for form in [
                    Form::Every,
                    Form::Only(Dialect::V020),
                    Form::Only(Dialect::V021),
                ] {
                    write_and_read(message, form);
                }
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    whole
}

fn read<M: Incoming>(bytes: &[u8], piece: usize) -> Vec<Frame<M>> {
    let mut decoder = Decoder::new(LIMITS);
    let mut frames = Vec::new();
    for piece in bytes.chunks(piece) {
        decoder.feed(piece);
        while let Some(frame) = decoder.next() {
            let last = matches!(&frame.content, Err(error) if error.is_final());
            frames.push(frame);
            if last {
                return frames;
            }
        }
        assert!(decoder.examined() <= bytes.len() as u64);
    }
    if let Err(error) = decoder.finish() {
        assert!(error.is_final());
    }
    frames
}

fn write_and_read<M>(message: &M, form: Form)
where
    M: Incoming + Outgoing + PartialEq + std::fmt::Debug,
{
    let mut bytes = Vec::new();
    encode(message, form, &mut bytes);
    let mut decoder = Decoder::<M>::new(Limits::default());
    decoder.feed(&bytes);
    let frame = decoder.next().unwrap();
    assert_eq!(frame.content.as_ref(), Ok(message));
    assert_eq!(frame.size + 1, bytes.len());
    assert_eq!(decoder.next(), None);
}

fn host(features: Features, frames: Vec<Frame<FromPlugin>>) {
    let mut host = new_host(features);
    let mut open = 0;
    for frame in frames {
        // Some wait for their start, whatever comes.
        if host.unstarted().is_none() && host.execute(Execute::default()).is_ok() {
            open += 1;
        }
        host.receive(frame.content);
        open -= ended(&mut host);
        assert_eq!(open, host.open());
        assert!(host.buffered() <= 2 * LIMITS.buffered + LIMITS.line);
    }
    host.closed();
    open -= ended(&mut host);
    assert_eq!(open, 0);
    assert!(host.is_over());
}

fn ended(host: &mut Host) -> usize {
    while host.poll_message().is_some() {}
    let mut ended = 0;
    while let Some(event) = host.poll_event() {
        ended += usize::from(matches!(event, HostEvent::Ended { .. }));
    }
    ended
}

fn plugin(features: Features, frames: Vec<Frame<FromHost>>) {
    let mut plugin = new_plugin(features);
    for frame in frames {
        plugin.receive(frame.content);
        while plugin.poll_message().is_some() {}
        while plugin.poll_event().is_some() {}
        assert!(plugin.open() <= LIMITS.executions);
    }
    plugin.goodbye("bye");
    assert!(plugin.is_over());
    assert_eq!(plugin.open(), 0);
}

fn new_host(features: Features) -> Host {
    let config = HostConfig {
        features,
        limits: LIMITS,
        ..HostConfig::default()
    };
    let (host, _) = HostHello::new(config);
    let hello = FromPlugin::Hello(all_features());
    let (host, _) = host.receive(Ok(hello)).unwrap();
    let key = "k".to_owned();
    host.receive(Ok(FromPlugin::Schema { key })).unwrap()
}

fn new_plugin(features: Features) -> Plugin {
    let config = PluginConfig {
        features,
        limits: LIMITS,
        ..PluginConfig::new("k")
    };
    let hello = FromHost::Hello(all_features());
    let (plugin, _) = PluginHello::new(config).receive(Ok(hello)).unwrap();
    plugin.receive(Ok(FromHost::Schema)).unwrap().0
}

fn all_features() -> Hello {
    Hello {
        version: "0.2.1".to_owned(),
        features: Features::ALL
            .iter()
            .map(|feature| feature.name().to_owned())
            .collect(),
    }
}
