//! Rules about starting, and about the first messages.

use std::time::Instant;

use pegboard_host::RawStart;
use pegboard_protocol::nu::Dialect;
use semver::Version;
use serde_json::json;

use crate::conformance::nushell::stage::{Stage, meet};
use crate::conformance::play::{Played, Stop, broken};

/// The version of an engine that no plugin can be for.
const OTHER: Version = Version::new(0, 1, 0);

pub(super) fn by_hand(stage: &mut Stage) -> Played {
    let started = stage.grounds.start(RawStart::Bare);
    let process = started.map_err(Stop::Broken)?;
    let within = stage.grounds.timeout;
    match process.wait(Instant::now() + within) {
        Some(end) if end.code.is_none() => {
            broken(format!("it does not end by itself: {}", end.words))
        }
        Some(_) => Ok(()),
        None => broken(format!(
            "it still runs after {within:?}, and whoever started it does not know what it waits for"
        )),
    }
}

pub(super) fn encoding(stage: &mut Stage) -> Played {
    stage.raw(RawStart::Stdio, |it| it.announcement().map(drop))
}

pub(super) fn hello(stage: &mut Stage) -> Played {
    stage.raw(RawStart::Stdio, |it| {
        let hello = meet(it)?;
        if hello.protocol != "nu-plugin" {
            return broken(format!("its protocol is `{}`", hello.protocol));
        }
        let Ok(version) = Version::parse(&hello.version) else {
            return broken(format!(
                "its version `{}` does not have three numbers with dots between them",
                hello.version
            ));
        };
        if let Err(error) = Dialect::of(&version) {
            return broken(error.to_string());
        }
        Ok(())
    })
}

pub(super) fn engine_first(stage: &mut Stage) -> Played {
    stage.greet(|_| Ok(()))
}

pub(super) fn unknown_features(stage: &mut Stage) -> Played {
    let version = stage.version()?;
    stage.signatures()?;
    stage.raw(RawStart::Stdio, |it| {
        it.announcement()?;
        it.say_tree(&json!({"Hello": {
            "protocol": "nu-plugin",
            "version": version.to_string(),
            "features": [{"name": "LocalSocket"}, {"name": "Telepathy", "range": 5}],
            "mood": {"good": true},
        }}));
        it.hear_hello()?;
        it.goes_on()
    })
}

pub(super) fn other_version(stage: &mut Stage) -> Played {
    stage.signatures()?;
    stage.raw(RawStart::Stdio, |it| {
        it.announcement()?;
        it.say_hello(&OTHER);
        it.goes_on_or_ends_after_hello()
    })
}
