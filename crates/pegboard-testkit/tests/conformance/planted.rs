//! The hostile plugin: which rules each of its modes breaks, and that the others are kept.

use std::collections::BTreeSet;
use std::time::Duration;

use pegboard_testkit::conformance::{Fault, Outcome, Protocol, Report, rules};
use pegboard_testkit::hostile::{MODES, Mode};
use pegboard_testkit::peers::hostile;

use crate::support::{
    Checked, LONG, SHORT, TRIES, Timeouts, broken, left_out, told, tried, wrong_of_all,
};

/// The rules that a mode breaks, and how long the runner waits.
fn row(mode: Mode) -> (Timeouts, &'static [&'static str]) {
    match mode {
        Mode::ExitBeforeEncoding => (LONG, &["encoding", "hello"]),
        Mode::ExitBeforeHello => (LONG, &["hello"]),
        Mode::ExitAfterHello | Mode::CrashLoop => {
            (LONG, &["goodbye", "goodbye-twice", "metadata", "signature"])
        }
        Mode::Silent => (SHORT, &["encoding", "hello"]),
        Mode::EncodingThenSilent => (SHORT, &["hello"]),
        Mode::UnknownEncoding | Mode::PrintsTextFirst => (LONG, &["encoding", "hello"]),
        Mode::WrongProtocol | Mode::WrongVersion => (LONG, &["hello"]),
        Mode::StrictVersion | Mode::ReadsFirst => (LONG, &[]),
        Mode::BadHelloJson => (LONG, &["hello", "only-messages"]),
        Mode::HelloTwice => (LONG, &["hello-once"]),
        Mode::MessageBeforeHello => (LONG, &["hello-first"]),
        Mode::GcDisabled => (LONG, &[]),
        Mode::OptionUnknown | Mode::UnknownMessage => (LONG, &["message-form"]),

        Mode::NeverReplies => (SHORT, &["commands-run"]),
        Mode::NeverRepliesSignature => (SHORT, &["signature"]),
        Mode::WrongResponseKind => (LONG, &["response-kind"]),
        Mode::ResponseTwice => (LONG, &["response-once"]),
        Mode::ResponseUnknownId => (LONG, &["response-known"]),
        Mode::InvalidSpanLabels => (LONG, &["spans-forward"]),
        Mode::ErrorWithoutLabelsNull => (LONG, &["message-form"]),
        Mode::PrintsToStdout => (LONG, &["commands-run", "only-messages"]),

        Mode::HugeFrame | Mode::HugeCollectionClaim | Mode::DeepNesting => {
            (LONG, &["commands-run", "message-size"])
        }
        Mode::BadUtf8String => (LONG, &["commands-run", "only-messages"]),
        Mode::SlowDrip | Mode::SplitWrites => (LONG, &[]),
        Mode::GluedWrites => (LONG, &["json-lines"]),

        // The streams of one number that are open at once are a fault of their own.
        Mode::FloodsStream | Mode::FloodsBytes => {
            (LONG, &["stream-announced", "stream-credit", "stream-waits"])
        }
        Mode::FloodsUnknownStream => (SHORT, &["commands-run", "stream-announced"]),
        Mode::DiesMidStream => (LONG, &["commands-run"]),
        Mode::LateDataAfterDrop => (LONG, &["stream-announced", "stream-credit"]),
        Mode::NeverEnds => (SHORT, &["commands-run"]),
        Mode::DataAfterEnd | Mode::EndWithoutStart => (LONG, &["stream-announced"]),
        Mode::ListItemInByteStream | Mode::RawInListStream => (LONG, &["stream-kind"]),

        Mode::StopsReading => (
            SHORT,
            &[
                "goodbye",
                "goodbye-twice",
                "input-closed",
                "metadata",
                "nothing-left",
                "signature",
            ],
        ),
        Mode::StopsReadingMidInput => (SHORT, &["input-bytes", "input-list", "input-unwanted"]),
        Mode::NoAck => (SHORT, &["input-bytes", "input-list"]),
        Mode::ExtraAcks => (LONG, &["ack-once"]),
        Mode::AckUnknown => (LONG, &["input-known"]),
        Mode::DropInputEarly | Mode::SlowReader => (LONG, &[]),

        Mode::FloodsEngineCalls => (SHORT, &["commands-run", "engine-call-refused"]),
        Mode::EngineCallUnknown => (LONG, &["message-form"]),
        Mode::EngineCallBadContext | Mode::EngineCallAfterResponse => {
            (LONG, &["engine-call-context"])
        }
        Mode::TakesForeground => (LONG, &[]),

        Mode::DiesOnRun | Mode::AbortsOnRun => (LONG, &["commands-run"]),
        Mode::DiesMidMessage => (LONG, &["commands-run", "whole-messages"]),

        Mode::IgnoresGoodbye => (SHORT, &["goodbye", "goodbye-finishes", "goodbye-twice"]),
        Mode::IgnoresGoodbyeAndEof => (
            SHORT,
            &[
                "goodbye",
                "goodbye-finishes",
                "goodbye-twice",
                "input-closed",
                "nothing-left",
            ],
        ),
        Mode::IgnoresSigterm | Mode::NoisyStderr | Mode::NonUtf8Stderr => (LONG, &[]),
        Mode::Forks | Mode::ForksHoldingStdout => (SHORT, &["nothing-left"]),

        Mode::LocalSocket => (LONG, &[]),
        Mode::LocalSocketRefuse => (LONG, &["local-socket"]),
        Mode::LocalSocketNeverConnects | Mode::SocketConnectsOnce => (SHORT, &["local-socket"]),
        Mode::EmptyError => (LONG, &["errors-in-words"]),
        Mode::CustomValue => (LONG, &["custom-values"]),
        Mode::EndsTwice => (LONG, &["stream-ends-once"]),
        Mode::IgnoresDrop => (SHORT, &["commands-run", "stream-dropped"]),
        Mode::HangsOnRefusal => (SHORT, &["engine-call-refused"]),

        Mode::SameCommandTwice => (LONG, &["command-names"]),
        Mode::SameArgumentTwice => (LONG, &["argument-names"]),
        Mode::SameFlagTwice => (LONG, &["flags"]),
        Mode::ForeignExample => (LONG, &["examples"]),
        Mode::FalseExample => (LONG, &["examples-hold"]),

        Mode::WaitsWithoutArguments => (SHORT, &["help-without-engine"]),
        Mode::ExpectsSilence => (
            TRIES,
            &[
                "engine-first",
                "goodbye",
                "goodbye-twice",
                "input-closed",
                "metadata",
                "nothing-left",
                "signature",
            ],
        ),
        Mode::RefusesUnknownFeatures => (LONG, &["unknown-features"]),
        Mode::HangsOnOtherVersion => (SHORT, &["other-version"]),
        Mode::SmallCallNumbers => (LONG, &["call-numbers"]),
        Mode::TiresOfCalls => (SHORT, &["parallel-calls"]),
        Mode::RunsOnce => (LONG, &["parallel-runs"]),
        Mode::DiesWithoutArgument => (LONG, &["missing-argument"]),
        Mode::SmallReader => (LONG, &["huge-argument"]),
        Mode::ShallowReader => (LONG, &["deep-argument"]),
        Mode::HalfMessages => (TRIES, &["split-message"]),
        Mode::StrictFields => (LONG, &["unknown-fields"]),
        Mode::HangsOnUnknown => (SHORT, &["unknown-call", "unknown-message"]),
        Mode::HangsOnStrays => (SHORT, &["stray-reply", "unknown-stream"]),
        Mode::BearsInvalidBytes => (SHORT, &["invalid-bytes"]),
        // As real engines know it: it ends, with a word, on every message that it does not know.
        Mode::StressInternalsLike => (
            LONG,
            &[
                "completion",
                "input-bytes",
                "input-error",
                "input-list",
                "input-unwanted",
                "interrupt",
                "reset",
                "stray-acks",
                "unknown-command",
            ],
        ),
    }
}

fn checked(mode: Mode, encoding: &str, timeout: Duration) -> Report {
    let commands: &[&str] = match mode {
        Mode::StressInternalsLike => &["stress_internals"],
        Mode::DiesWithoutArgument => &["hostile 1"],
        // Its example is run.
        Mode::FalseExample => &[],
        _ => &["hostile"],
    };
    let pause = match mode {
        Mode::NoAck => "60000",
        _ => "1",
    };
    Checked::new(&hostile())
        .with("HOSTILE", mode.name())
        .with("HOSTILE_ENCODING", encoding)
        .with("HOSTILE_PAUSE_MS", pause)
        .commands(commands)
        .timeout(timeout)
        .report()
}

#[test]
fn each_planted_fault_is_found_and_nothing_else() {
    wrong_of_all(MODES, |mode| {
        let (timeouts, rules) = row(mode);
        let encoding = match mode {
            // In JSON all that it claims would have to come.
            Mode::HugeCollectionClaim => "msgpack",
            mode => ["json", "msgpack", "json"][mode as usize % 3],
        };
        let applies = |rule: &&str| encoding == "json" || *rule != "json-lines";
        let rules: Vec<&str> = rules.iter().copied().filter(applies).collect();
        tried(
            &format!("{mode} in {encoding}"),
            timeouts,
            &rules,
            |timeout| checked(mode, encoding, timeout),
        )
    });
}

#[test]
fn each_rule_is_broken_by_a_mode() {
    let mut left: BTreeSet<&str> = rules(Protocol::Nushell)
        .iter()
        .map(|rule| rule.name)
        .collect();
    for rule in MODES.iter().flat_map(|mode| row(*mode).1) {
        left.remove(rule);
    }
    assert_eq!(left, BTreeSet::new());
}

#[test]
fn a_fault_says_where() {
    let report = checked(Mode::DiesMidStream, "json", LONG[0]);
    let fault = fault(&report, "commands-run");
    assert_eq!(
        fault.what,
        "it ends (exit code 42) when it should end stream 0"
    );
    assert_eq!(fault.exit.as_deref(), Some("exit code 42"));
    assert_eq!(fault.stderr, ["hostile: exiting in the middle of a stream"]);
    let said: Vec<String> = fault.conversation.iter().map(ToString::to_string).collect();
    assert_eq!(said[0], r"   1 <- 5 bytes: \u{4}json");
    assert!(
        said[3].starts_with(r#"   4 -> {"Call":[0,{"Run":{"name":"hostile""#),
        "{said:#?}"
    );
    let last = r#"   9 -> {"Ack":0}"#;
    assert!(said.iter().any(|line| line == last), "{said:#?}");
}

#[test]
fn only_the_rules_that_are_asked_for() {
    let path = hostile();
    let report = Checked::new(&path)
        .with("HOSTILE", "hello-twice,ignores-goodbye")
        .rules(&["hello", "hello-once"])
        .timeout(Duration::from_secs(2))
        .report();
    let names: Vec<&str> = report.rules.iter().map(|verdict| verdict.rule).collect();
    assert_eq!(names, ["hello", "hello-once"]);
    assert_eq!(broken(&report), BTreeSet::from(["hello-once"]));
}

#[test]
fn a_plugin_may_take_its_time_for_each_message() {
    let path = hostile();
    let rules = ["stray-acks"];
    let report = Checked::new(&path)
        .with("HOSTILE", "slow-reader")
        // Its four messages take longer than one may.
        .with("HOSTILE_PAUSE_MS", "300")
        .rules(&rules)
        .timeout(Duration::from_secs(1))
        .report();
    assert_eq!(broken(&report), BTreeSet::new(), "{}", told(&report));
    assert_eq!(left_out(&report, "stray-acks"), None);
}

#[test]
fn an_example_is_compared_unless_it_needs_more_than_there_is() {
    let path = hostile();
    let judge = |modes| {
        let checked = Checked::new(&path).with("HOSTILE", modes);
        checked.rules(&["commands-run", "examples-hold"]).report()
    };
    // The directory is told.
    let report = judge("hangs-on-refusal,false-example");
    let fault = fault(&report, "examples-hold");
    assert_eq!(
        fault.what,
        "the example `hostile` gives something else than it promises: \"friendly\" is expected, not \
         \"{\\\"PipelineData\\\":{\\\"Value\\\":[{\\\"String\\\":{\\\"val\\\":\\\"/\\\",\\\"span\\\":{\\\"start\\\":0,\\\"end\\\":0}}},null]}}\""
    );
    assert_eq!(broken(&report), BTreeSet::from(["examples-hold"]));
    // The terminal is not given.
    let report = judge("takes-foreground,false-example");
    assert_eq!(broken(&report), BTreeSet::new(), "{}", told(&report));
    assert_eq!(
        left_out(&report, "examples-hold"),
        Some("the example `hostile` makes engine calls that were refused")
    );
}

#[test]
fn what_is_printed_is_told_as_such() {
    let report = checked(Mode::PrintsToStdout, "json", LONG[0]);
    for rule in ["commands-run", "only-messages"] {
        let what = &fault(&report, rule).what;
        let hint = "it prints to standard output, which is for messages only";
        assert!(what.contains(hint), "{what}");
    }
}

fn fault<'a>(report: &'a Report, rule: &str) -> &'a Fault {
    let verdict = report.rules.iter().find(|verdict| verdict.rule == rule);
    match &verdict.expect(rule).outcome {
        Outcome::Failed(fault) => fault,
        other => panic!("{rule}: {other:?}"),
    }
}
