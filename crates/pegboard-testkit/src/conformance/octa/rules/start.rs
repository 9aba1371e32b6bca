//! Rules about starting, and about the first messages.

use pegboard_protocol::octa::{Dialect, SPOKEN};
use semver::VersionReq;
use serde_json::json;

use crate::conformance::octa::conversation::hello as host_hello;
use crate::conformance::octa::stage::{Stage, VERSION};
use crate::conformance::play::{Played, Stop, broken};

pub(super) fn listen(stage: &mut Stage) -> Played {
    stage.raw(&[], |_| Ok(()))
}

pub(super) fn unknown_arguments(stage: &mut Stage) -> Played {
    stage.key()?;
    stage.raw(&["--octa-of-tomorrow", "yes"], |it| {
        it.greet(VERSION).map(drop)
    })
}

pub(super) fn hello(stage: &mut Stage) -> Played {
    stage.raw(&[], |it| {
        let version = it.hello(VERSION)?.version;
        let Ok(requirement) = VersionReq::parse(&version) else {
            return broken(format!(
                "its version `{version}` is no requirement such as `>=0.2.0, <0.3.0`: real hosts crash on it"
            ));
        };
        match SPOKEN.iter().find(|spoken| !requirement.matches(spoken)) {
            Some(spoken) => broken(format!("it requires `{version}`, which {spoken} is not")),
            None => Ok(()),
        }
    })
}

pub(super) fn key(stage: &mut Stage) -> Played {
    let key = stage.raw(&[], |it| it.greet(VERSION))?;
    if key.is_empty() {
        return broken("its key is empty");
    }
    let file = stage.program.file_name().unwrap_or_default();
    let file = file.to_string_lossy();
    let Some(suffix) = file.strip_prefix("octa_plugin_") else {
        let why = "its file is not called octa_plugin_KEY, so real hosts do not find it";
        return Err(Stop::NotApplicable(why.to_owned()));
    };
    let stem = suffix.split_once('.').map_or(suffix, |(stem, _)| stem);
    if key != suffix && key != stem {
        return broken(format!(
            "its key is `{key}`, and its file {file}: in real hosts its tasks do nothing"
        ));
    }
    Ok(())
}

pub(super) fn released(stage: &mut Stage) -> Played {
    with_real(stage, Dialect::V020)
}

pub(super) fn later(stage: &mut Stage) -> Played {
    with_real(stage, Dialect::V021)
}

/// Talks as the real host of one generation, and reads as it does.
fn with_real(stage: &mut Stage, dialect: Dialect) -> Played {
    let (version, other) = match dialect {
        Dialect::V020 => ("0.2.0", "params"),
        Dialect::V021 => ("0.2.1", "command"),
    };
    stage.executing()?;
    let mut dry = stage.dry();
    if let Some(fields) = dry["payload"].as_object_mut() {
        fields.remove(other);
    }
    stage.raw(&[], |it| {
        it.reader = Some(dialect);
        it.greet(version)?;
        it.goes_on(&dry)
    })
}

pub(super) fn unknown_features(stage: &mut Stage) -> Played {
    stage.executing()?;
    let dry = stage.dry();
    stage.raw(&[], |it| {
        it.say(&json!({
            "type": "Hello",
            "payload": {"version": VERSION, "features": ["telepathy"], "mood": {"good": true}},
            "since": "yesterday",
        }));
        it.next("answer Hello")?;
        it.say(&json!({"type": "Schema"}));
        it.schema()?;
        it.goes_on(&dry)
    })
}

pub(super) fn pipelined(stage: &mut Stage) -> Played {
    stage.executing()?;
    let dry = stage.dry();
    stage.raw(&[], |it| {
        let order = it.expect();
        let schema = json!({"type": "Schema"});
        it.say_line(&format!("{}\n{schema}\n{dry}\n", host_hello(VERSION)));
        it.next("answer Hello")?;
        it.schema()?;
        it.finished(order).map(drop)
    })
}
