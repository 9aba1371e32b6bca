//! What Nushell's own `stress_internals` tests assert of an engine, translated: how often the plugin is started, over
//! which link, and what comes of it.

mod hostile_common;

use std::sync::{Arc, Mutex, PoisonError};

use hostile_common::{Rig, SHORT};
use pegboard_host::ErrorKind::{self, Gone, Start};
use pegboard_host::{Deadlines, Flow, LinkChoice, PluginConfig, Stderr, Value, Versions};

struct Case {
    /// The variables that are set, without `STRESS_`.
    set: &'static [&'static str],
    /// What the answer has in it, or of which kind the error is and what it says.
    outcome: Result<&'static str, (ErrorKind, &'static [&'static str])>,
    /// Starts with `--stdio` and with `--local-socket`.
    starts: (usize, usize),
}

const CASES: &[Case] = &[
    Case {
        set: &[],
        outcome: Ok("local_socket_path: None"),
        starts: (1, 0),
    },
    Case {
        set: &["ADVERTISE_LOCAL_SOCKET"],
        outcome: Ok("local_socket_path: Some"),
        starts: (1, 1),
    },
    // Nushell starts it a third time: the first process is kept until the second has proved itself.
    Case {
        set: &["ADVERTISE_LOCAL_SOCKET", "REFUSE_LOCAL_SOCKET"],
        outcome: Ok("local_socket_path: None"),
        starts: (1, 1),
    },
    // Nushell starts it twice, in case it was the link.
    Case {
        set: &["EXIT_BEFORE_HELLO"],
        outcome: Err((Start, &["before it sent its Hello", "exit code 1"])),
        starts: (1, 0),
    },
    Case {
        set: &["EXIT_EARLY"],
        outcome: Err((Gone, &["it went away", "exit code 1"])),
        starts: (1, 0),
    },
    // Hello came over the local socket, so that the link is not to blame.
    Case {
        set: &["ADVERTISE_LOCAL_SOCKET", "EXIT_EARLY"],
        outcome: Err((Gone, &["it went away", "exit code 1"])),
        starts: (1, 1),
    },
    Case {
        set: &["WRONG_VERSION"],
        outcome: Err((Start, &["version", "0.0.0"])),
        starts: (1, 0),
    },
];

#[test]
fn stress_internals() {
    for case in CASES {
        let (result, starts) = run(case.set, &[], |_| {}, PluginConfig::default());
        let what = case.set;
        match (case.outcome, &result) {
            (Ok(part), Ok(text)) => assert!(text.contains(part), "{what:?}: {text}"),
            (Err((kind, words)), Err(error)) => {
                assert_eq!(error.kind(), kind, "{what:?}: {error}");
                let diagnosis = format!("{error} {:?}", error.diagnosis());
                for word in words {
                    assert!(
                        diagnosis.contains(word),
                        "{what:?}: no `{word}` in {diagnosis}"
                    );
                }
            }
            (_, result) => panic!("{what:?}: {result:?}"),
        }
        assert_eq!(starts, case.starts, "{what:?}");
    }
}

#[test]
fn the_link_can_be_chosen() {
    let with = |link| PluginConfig {
        link,
        ..PluginConfig::default()
    };
    let advertise = &["ADVERTISE_LOCAL_SOCKET"];
    let (result, starts) = run(advertise, &[], |_| {}, with(LinkChoice::Stdio));
    assert!(result.is_ok_and(|text| text.contains("local_socket_path: None")));
    assert_eq!(starts, (1, 0));
    let (result, starts) = run(advertise, &[], |_| {}, with(LinkChoice::LocalSocket));
    assert!(result.is_ok_and(|text| text.contains("local_socket_path: Some")));
    assert_eq!(starts, (0, 1));
    let refuse = &["ADVERTISE_LOCAL_SOCKET", "REFUSE_LOCAL_SOCKET"];
    let (result, starts) = run(refuse, &[], |_| {}, with(LinkChoice::LocalSocket));
    assert!(result.is_ok_and(|text| text.contains("local_socket_path: None")));
    assert_eq!(starts, (1, 1));
}

#[test]
fn an_engine_of_one_version_says_both() {
    let only = |config: &mut pegboard_host::Config| {
        config.versions = Versions::Only("0.110.0".parse().expect("a version"));
    };
    let (result, starts) = run(
        &[],
        &[("HOSTILE_VERSION", "0.115.1")],
        only,
        PluginConfig::default(),
    );
    let error = result.expect_err("an error");
    for word in ["plugin stress", "0.115.1", "0.110.0"] {
        assert!(error.to_string().contains(word), "no `{word}` in {error}");
    }
    assert_eq!(starts, (1, 0));
}

/// Calls the plugin once. Gives the answer, and the starts with `--stdio` and with `--local-socket`.
fn run(
    set: &[&str],
    more: &[(&str, &str)],
    change: impl FnOnce(&mut pegboard_host::Config),
    config: PluginConfig,
) -> (Result<String, pegboard_host::Error>, (usize, usize)) {
    let stderr = Arc::new(Mutex::new(Vec::new()));
    let sink = stderr.clone();
    let rig = Rig::with(|config| {
        config.deadlines = Deadlines {
            goodbye: SHORT.goodbye,
            close: SHORT.close,
            ..Deadlines::default()
        };
        config.stderr = Stderr::Forward(Arc::new(move |_, bytes| {
            let mut all = sink.lock().unwrap_or_else(PoisonError::into_inner);
            all.extend_from_slice(bytes);
        }));
        change(config);
    });
    let names: Vec<String> = set.iter().map(|name| format!("STRESS_{name}")).collect();
    let mut variables = vec![("HOSTILE", "stress-internals-like")];
    variables.extend(names.iter().map(|name| (name.as_str(), "1")));
    variables.extend(more);
    let plugin = rig.hostile_with("stress", &variables, config);
    let result = plugin
        .run("stress_internals")
        .call()
        .and_then(Flow::into_value);
    rig.end();
    let stderr = stderr.lock().unwrap_or_else(PoisonError::into_inner);
    let stderr = String::from_utf8_lossy(&stderr);
    let starts = |argument: &str| {
        let begin = format!("stress_internals: args: [\"{argument}\"");
        stderr
            .lines()
            .filter(|line| line.starts_with(&begin))
            .count()
    };
    let text = result.map(|value| match value {
        Value::String(text, _) => text,
        other => format!("{other:?}"),
    });
    (text, (starts("--stdio"), starts("--local-socket")))
}
