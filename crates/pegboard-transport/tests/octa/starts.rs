//! Starts that do not come to anything, on either side.

use std::time::Duration;

use pegboard_protocol::octa::{Features, Host, HostConfig, Plugin};
use pegboard_transport::Link;
use pegboard_transport::octa::{Connection, HostSettings, PluginSettings, StartError};

use super::pair::{Script, Tell, host_settings, plugin_settings};

fn host(link: Link) -> Result<Connection<Host>, StartError> {
    let settings = HostSettings {
        hello_timeout: Duration::from_millis(100),
        ..host_settings(Features::ALL)
    };
    Connection::start_host(link, settings, |_| Tell::new().0)
}

/// What a host says of a plugin that answers its first messages so and then waits.
fn refused(answers: &'static [&'static str], awaited: &str, message: &str) {
    let (one, two) = Link::memory();
    let (done, wait) = std::sync::mpsc::channel::<()>();
    let script = std::thread::spawn(move || {
        let mut peer = Script(two);
        for (answer, asked) in answers.iter().zip(["Hello", "Schema"]) {
            peer.expect(asked);
            peer.say(answer);
        }
        let _ = wait.recv();
    });
    let error = host(one).unwrap_err();
    assert_eq!(error.awaited, awaited, "{error}");
    assert!(error.to_string().contains(message), "{error}");
    assert!(answers.is_empty() || error.received.starts_with(answers[0].as_bytes()));
    drop(done);
    script.join().unwrap();
}

const HELLO: &str = "{\"type\":\"Hello\",\"version\":\">=0.2.0\",\"features\":[]}\n";

#[test]
fn a_host_says_what_it_waited_for_and_what_came() {
    refused(&[], "Hello", "did not send its Hello within 100ms");
    refused(&["what?\n"], "Hello", "no message");
    refused(
        &["{\"type\":\"Hello\",\"version\":\"nonsense\",\"features\":[]}\n"],
        "Hello",
        "not a requirement",
    );
    refused(
        &["{\"type\":\"Error\",\"id\":\"x\",\"message\":\"not today\"}\n"],
        "Hello",
        "not today",
    );
    refused(&[HELLO], "Schema", "did not send its Schema within 100ms");
    refused(&[HELLO, HELLO], "Schema", "expected `Schema`, got `Hello`");
}

#[test]
fn a_host_says_that_the_plugin_has_closed() {
    let (one, two) = Link::memory();
    drop(two);
    let error = host(one).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("closed the connection before it sent its Hello"),
        "{error}"
    );
}

#[test]
fn a_plugin_tells_a_host_that_it_does_not_fit_why() {
    let (one, two) = Link::memory();
    let mut settings: PluginSettings = plugin_settings();
    settings.config.requirement = "=9.9.9".parse().unwrap();
    let plugin = std::thread::spawn(|| {
        Connection::<Plugin>::start_plugin(two, settings, |_| Tell::new().0).unwrap_err()
    });
    let settings = HostSettings {
        config: HostConfig {
            features: Features::NONE,
            ..HostConfig::default()
        },
        ..host_settings(Features::NONE)
    };
    let error = Connection::<Host>::start_host(one, settings, |_| Tell::new().0).unwrap_err();
    assert!(error.to_string().contains("=9.9.9"), "{error}");
    let error = plugin.join().unwrap();
    assert!(error.to_string().contains("=9.9.9"), "{error}");
}

#[test]
fn a_plugin_gives_up_on_a_host_that_says_nothing() {
    let (_host, two) = Link::memory();
    let settings = PluginSettings {
        hello_timeout: Duration::from_millis(50),
        ..plugin_settings()
    };
    let error = Connection::<Plugin>::start_plugin(two, settings, |_| Tell::new().0).unwrap_err();
    assert!(error.to_string().contains("within 50ms"), "{error}");
}
