//! Starts that fail: what the other side said instead of its encoding and Hello.

use std::time::Duration;

use pegboard_protocol::codec::Encoding;
use pegboard_protocol::session::{EnginePolicy, PluginPolicy};
use pegboard_transport::{Connection, EngineSettings, Link, PluginSettings, StartError};

use super::pair::{HostSide, PATIENCE, PluginSide, engine_settings, plugin_settings, within};

const SOON: Duration = Duration::from_millis(30);

/// Starts an engine with a plugin that says some bytes and, unless it stays, closes.
fn engine(bytes: &'static [u8], stays: bool, policy: EnginePolicy) -> StartError {
    within(PATIENCE, move || {
        let (one, two) = Link::memory();
        let Link {
            source: _source,
            mut sink,
            hangup: _hangup,
        } = two;
        if !bytes.is_empty() {
            assert_eq!(sink.write(bytes, None).unwrap(), bytes.len());
        }
        let sink = stays.then_some(sink);
        let timeout = if stays { SOON } else { PATIENCE };
        let settings = EngineSettings {
            policy,
            encoding_timeout: timeout,
            hello_timeout: timeout,
            ..engine_settings()
        };
        let side = std::sync::Arc::<HostSide>::default();
        let error = Connection::start_engine(one, settings, |_| side).unwrap_err();
        drop(sink);
        error
    })
}

fn plugin(bytes: &'static [u8], stays: bool, policy: PluginPolicy) -> StartError {
    within(PATIENCE, move || {
        let (one, two) = Link::memory();
        let Link {
            source: _source,
            mut sink,
            hangup: _hangup,
        } = two;
        if !bytes.is_empty() {
            assert_eq!(sink.write(bytes, None).unwrap(), bytes.len());
        }
        let sink = stays.then_some(sink);
        let hello_timeout = if stays { SOON } else { PATIENCE };
        let settings = PluginSettings {
            policy,
            hello_timeout,
            ..plugin_settings(Encoding::Json)
        };
        let side = std::sync::Arc::<PluginSide>::default();
        let error = Connection::start_plugin(one, settings, |_| side).unwrap_err();
        drop(sink);
        error
    })
}

fn mirror() -> EnginePolicy {
    EnginePolicy::Mirror {
        wait: Duration::ZERO,
        otherwise: "0.115.1".parse().unwrap(),
    }
}

fn exactly() -> EnginePolicy {
    EnginePolicy::Exactly("0.115.1".parse().unwrap())
}

#[test]
fn of_engines() {
    const STAYS: bool = true;
    const CLOSES: bool = false;
    check(
        engine(b"", STAYS, mirror()),
        "it did not send its encoding within 30ms",
    );
    check(
        engine(b"\x04js", STAYS, mirror()),
        "it did not send its encoding within 30ms",
    );
    check(
        engine(b"\x04json", STAYS, mirror()),
        "it did not send its Hello within 30ms",
    );
    check(
        engine(b"\x04json{\"Hello\":", STAYS, mirror()),
        "it did not send its Hello within 30ms",
    );
    check(
        engine(b"", CLOSES, mirror()),
        "it closed the connection before it sent its encoding",
    );
    check(
        engine(b"\x04json", CLOSES, mirror()),
        "it closed the connection before it sent its Hello",
    );
    check(
        engine(b"\x04json{\"Hello\":", CLOSES, exactly()),
        "it closed the connection before it sent its Hello",
    );
    check(
        engine(b"Hello, world\n", CLOSES, mirror()),
        "what it sent for its encoding makes no sense",
    );
    check(
        engine(b"\x04jsonHello, world\n", CLOSES, mirror()),
        "what it sent for its Hello makes no sense",
    );
    check(
        engine(b"\x04json{\"CallResponse\":[0,\"Ok\"]}", CLOSES, mirror()),
        "the first message was `CallResponse`",
    );
    let error = engine(
        b"\x04json{\"Hello\":{\"protocol\":\"nu-plugin\",\"version\":\"0.99.1\",\"features\":[]}}",
        CLOSES,
        exactly(),
    );
    assert_eq!(error.version.as_deref(), Some("0.99.1"));
    check(
        error,
        "it speaks the protocol of Nushell 0.99.1, which does not go with 0.115.1",
    );
}

#[test]
fn of_plugins() {
    let strict = PluginPolicy::Strict;
    check(
        plugin(b"", true, strict),
        "it did not send its Hello within 30ms",
    );
    check(
        plugin(b"", false, strict),
        "it closed the connection before it sent its Hello",
    );
    check(
        plugin(b"\x04json", false, strict),
        "what it sent for its Hello makes no sense",
    );
    check(
        plugin(b"\"Goodbye\"", false, strict),
        "the first message was `Goodbye`",
    );
    check(
        plugin(
            b"{\"Hello\":{\"protocol\":\"nu-plugin\",\"version\":\"0.114.1\",\"features\":[]}}",
            false,
            strict,
        ),
        "it speaks the protocol of Nushell 0.114.1, which does not go with 0.115.1",
    );
}

fn check(error: StartError, expected: &str) {
    let text = error.to_string();
    assert!(text.starts_with(expected), "{text}\ninstead of\n{expected}");
}

#[test]
fn a_plugin_that_waits_for_the_engine_to_speak_first() {
    within(PATIENCE, || {
        let (one, two) = Link::memory();
        let plugin = std::thread::spawn(move || {
            let Link {
                mut source,
                mut sink,
                hangup: _hangup,
            } = two;
            sink.write(b"\x04json", None).unwrap();
            let mut buffer = [0; 1000];
            let count = source.read(&mut buffer, None).unwrap();
            let said = String::from_utf8_lossy(&buffer[..count]).into_owned();
            let hello = r#"{"Hello":{"protocol":"nu-plugin","version":"0.114.0","features":[]}}"#;
            sink.write(hello.as_bytes(), None).unwrap();
            said
        });
        let side = std::sync::Arc::<HostSide>::default();
        let policy = EnginePolicy::Mirror {
            wait: SOON,
            otherwise: "0.115.1".parse().unwrap(),
        };
        let settings = EngineSettings {
            policy,
            ..engine_settings()
        };
        let host = Connection::start_engine(one, settings, |_| side.clone()).unwrap();
        assert!(plugin.join().unwrap().contains(r#""version":"0.115.1""#));
        assert_eq!(
            host.ask(|session| session.peer().version.clone()),
            "0.114.0"
        );
        assert_eq!(host.ask(|session| session.dialect().minor()), 114);
        side.ended();
    });
}
