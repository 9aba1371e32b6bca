//! The first cause of a failure is kept, told once, and nothing is sent after it.

use pegboard_protocol::octa::{
    Execute, Features, FromHost, FromPlugin, Hello, Host, HostConfig, HostEvent, HostHello, Limits,
    Outcome, Plugin, PluginConfig, PluginEvent, PluginHello, Refusal, SendError, Stream, encode,
};
use pegboard_protocol::session::{Failure, FailureKind};

fn sessions() -> (Host, Plugin) {
    sessions_with(HostConfig::default())
}

fn sessions_with(config: HostConfig) -> (Host, Plugin) {
    let features = config.features;
    let (host, hello) = HostHello::new(config);
    let config = PluginConfig {
        features,
        ..PluginConfig::new("k")
    };
    let (plugin, reply) = PluginHello::new(config).receive(Ok(hello)).unwrap();
    let (host, schema) = host.receive(Ok(reply)).unwrap();
    let (plugin, reply) = plugin.receive(Ok(schema)).unwrap();
    let host = host.receive(Ok(reply)).unwrap();
    (host, plugin)
}

fn timeout() -> Failure {
    Failure::new(FailureKind::Local, "took too long")
}

/// The longest text of a line is sent, whatever it takes to write it.
#[test]
fn a_text_that_is_too_long_is_refused() {
    let limits = Limits {
        line: 1000,
        ..Limits::default()
    };
    for (features, character, most) in [
        (Features::ALL, "x", 8..=9),
        (Features::ALL, "\n", 4..=5),
        (Features::ALL, "\u{1}", 1..=2),
        (Features::NONE, "x", 4..=5),
    ] {
        let config = || HostConfig {
            features,
            limits,
            ..HostConfig::default()
        };
        let sent = (0..20).take_while(|hundreds| {
            let (mut host, _) = sessions_with(config());
            let text = character.repeat(hundreds * 100);
            match host.execute(Execute {
                text,
                ..Execute::default()
            }) {
                Ok(_) => {
                    let mut line = Vec::new();
                    let message = host.poll_message().expect("an execution");
                    encode(&message, host.form(), &mut line);
                    assert!(line.len() <= 1000, "{} bytes", line.len());
                    true
                }
                Err(refusal) => {
                    assert_eq!(refusal, Refusal::TooLong { limit: 1000 });
                    assert_eq!(host.poll_message(), None);
                    false
                }
            }
        });
        let sent = sent.last().expect("the empty one");
        assert!(most.contains(&sent), "{character:?}: {sent}");
    }
}

#[test]
fn of_a_host() {
    let (mut host, _) = sessions();
    assert_eq!(host.features(), Features::ALL);
    let first = host.execute(Execute::default()).unwrap();
    let second = host
        .execute(Execute {
            input: true,
            ..Execute::default()
        })
        .unwrap();
    host.fail(timeout());
    host.fail(Failure::new(FailureKind::Link, "broken pipe"));
    host.closed();
    host.shut_down();
    host.receive(Ok(FromPlugin::Started {
        id: "0".to_owned(),
        credit: None,
    }));
    assert_eq!(host.poll_message(), None);
    let ended = |id| HostEvent::Ended {
        id,
        outcome: Outcome::Failed(timeout()),
    };
    let events: Vec<_> = std::iter::from_fn(|| host.poll_event()).collect();
    assert_eq!(
        events,
        [HostEvent::Failed(timeout()), ended(first), ended(second)]
    );
    assert_eq!(host.failure(), Some(&timeout()));
    assert!(host.is_over());
    let refused = Err(Refusal::Over(timeout()));
    assert_eq!(host.execute(Execute::default()).map(|_| ()), refused);
    assert_eq!(host.cancel(first), refused);
    assert_eq!(host.input(second, b"x"), Err(SendError::Closed));
    host.end_input(second);
    host.consumed(first, 10);
    assert_eq!(host.poll_message(), None);
}

#[test]
fn of_a_plugin() {
    let (_, mut plugin) = sessions();
    plugin.receive(Ok(FromHost::Execute(Box::default())));
    let Some(PluginEvent::Execute { id, .. }) = plugin.poll_event() else {
        panic!("nothing to execute");
    };
    plugin.fail(timeout());
    plugin.fail(Failure::new(FailureKind::Link, "broken pipe"));
    plugin.closed();
    plugin.goodbye("bye");
    plugin.receive(Ok(FromHost::Shutdown));
    // The host learns of it, and of nothing that was under way.
    let shutdown = FromPlugin::Shutdown {
        message: "took too long".to_owned(),
    };
    assert_eq!(plugin.poll_message(), Some(shutdown));
    assert_eq!(plugin.poll_message(), None);
    assert_eq!(plugin.poll_event(), Some(PluginEvent::Failed(timeout())));
    assert_eq!(plugin.poll_event(), None);
    assert_eq!(plugin.failure(), Some(&timeout()));
    assert_eq!(plugin.exit(id, 0), Err(Refusal::Over(timeout())));
    assert_eq!(
        plugin.output(id, Stream::Stdout, b"x"),
        Err(SendError::Closed)
    );
    assert_eq!(plugin.result(id, 1.into()), Err(Refusal::Over(timeout())));
}

/// Nobody is there any more to be told.
#[test]
fn of_a_link() {
    let (_, mut plugin) = sessions();
    plugin.fail(Failure::new(FailureKind::Link, "broken pipe"));
    assert_eq!(plugin.poll_message(), None);
}

/// A host that hears of a plugin's failure tells it.
#[test]
fn of_the_other_side() {
    let (mut host, mut plugin) = sessions();
    let id = host.execute(Execute::default()).unwrap();
    plugin.fail(timeout());
    host.receive(Ok(plugin.poll_message().unwrap()));
    let told = Failure::new(
        FailureKind::Closed,
        "shut down without having been asked to: took too long",
    );
    assert_eq!(host.failure(), Some(&told));
    assert_eq!(host.poll_event(), Some(HostEvent::Failed(told.clone())));
    let outcome = Outcome::Failed(told);
    assert_eq!(host.poll_event(), Some(HostEvent::Ended { id, outcome }));
}

/// Names that are not known are no reason for anything.
#[test]
fn not_of_unknown_features() {
    let (host, _) = HostHello::new(HostConfig::default());
    let hello = Hello {
        version: "*".to_owned(),
        features: vec!["LocalSocket".to_owned(), "pegboard-ids".to_owned()],
    };
    let (host, _) = host.receive(Ok(FromPlugin::Hello(hello))).unwrap();
    let key = "k".to_owned();
    let host = host.receive(Ok(FromPlugin::Schema { key })).unwrap();
    assert_eq!(
        host.features(),
        Features::from_names(["pegboard-ids", "never heard of"])
    );
}
