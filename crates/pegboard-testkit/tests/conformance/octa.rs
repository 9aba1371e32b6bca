//! Octa plugins: those of this repository keep every rule, and each planted fault is found.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use pegboard_testkit::conformance::{Outcome, Protocol, Report, rules};
use pegboard_testkit::hostile::octa::{MODES, Mode};
use pegboard_testkit::peers::{hostile, shipped};

use crate::support::{
    Checked, LONG, SHORT, TRIES, Timeouts, broken, left_out, told, tried, wrong_of_all,
};

#[test]
fn the_plugins_of_this_repository_keep_every_rule() {
    for (name, text) in [
        ("octa_plugin_shell", "echo one; echo two >&2; exit 3"),
        ("octa_plugin_shell", "sleep 1 & sleep 1"),
        ("octa_plugin_tpl", "so {{ 1 + 1 }}"),
    ] {
        let report = Checked::new(&shipped(name)).commands(&[text]).report();
        assert_all_kept(&report);
    }
}

#[test]
fn nothing_is_run_that_was_not_named() {
    let report = Checked::new(&shipped("octa_plugin_shell")).report();
    for rule in ["execution", "shutdown-running", "nothing-left"] {
        let why = "no text is known to be harmless; name one that may be run";
        assert_eq!(left_out(&report, rule), Some(why));
    }
    assert_eq!(broken(&report), BTreeSet::new(), "{}", told(&report));
}

/// The rules that a mode breaks, and how long the runner waits.
fn row(mode: Mode) -> (Timeouts, &'static [&'static str]) {
    const RUNS: &[&str] = &["execution", "nothing-left", "shutdown-running"];
    match mode {
        Mode::ExitAtStart => (LONG, &["hello", "key", "listen"]),
        Mode::NeverListens => (SHORT, &["hello", "key", "listen"]),
        Mode::NeverAccepts | Mode::ClosesAtOnce | Mode::Silent | Mode::UnfinishedHello => {
            (SHORT, &["hello", "key"])
        }
        Mode::RefusesHello => (LONG, &["hello", "key"]),
        Mode::GarbageHello => (LONG, &["hello", "key", "only-messages"]),
        Mode::WrongHello => (LONG, &["hello", "key", "started-once"]),
        Mode::HelloWithoutFeatures => (LONG, &["hello", "key", "message-form"]),
        Mode::NoSchema => (SHORT, &["key"]),
        Mode::ExitsAfterHello => (LONG, &["key"]),
        Mode::BadRequirement | Mode::UnmetRequirement => (LONG, &["hello"]),
        Mode::EmptyKey => (LONG, &["key"]),
        Mode::StrictArguments => (LONG, &["unknown-arguments"]),
        Mode::StrictHello => (LONG, &["unknown-features"]),
        Mode::HelloAlone => (LONG, &["pipelined"]),
        Mode::ReleasedForm => (LONG, &["later-octa"]),
        Mode::LaterForm => (LONG, &["released-octa"]),

        Mode::DiesOfDry => (LONG, &["dry"]),
        Mode::OneAtATime => (LONG, &["side-by-side"]),
        Mode::StrictLineEnds => (LONG, &["carriage-returns"]),
        Mode::HalfLines => (TRIES, &["split-line"]),
        Mode::SmallReader => (LONG, &["large-text"]),
        Mode::StrictFields => (LONG, &["unknown-fields"]),
        Mode::TakesMissingText => (LONG, &["missing-text"]),
        Mode::DiesOfBadLines => (LONG, &["malformed-line"]),
        Mode::DiesOfUnknown => (LONG, &["unknown-message"]),
        Mode::DiesOfSecondHello => (LONG, &["second-hello"]),

        Mode::NeverStarts | Mode::StopsReading => (SHORT, RUNS),
        Mode::RefusesExecution
        | Mode::DiesBeforeStarted
        | Mode::ClosesInExecution
        | Mode::ShutsDownInExecution
        | Mode::Floods
        | Mode::Forks => (SHORT, RUNS),
        Mode::DiesInExecution => (LONG, &["execution", "shutdown-running"]),
        Mode::HalfALine => (LONG, &["execution", "lines", "shutdown-running"]),
        Mode::NeverEnds => (SHORT, &["execution"]),
        Mode::EndlessLine => (
            LONG,
            &["execution", "lines", "nothing-left", "shutdown-running"],
        ),
        Mode::HugeCode | Mode::MissingField => (
            LONG,
            &[
                "execution",
                "message-form",
                "nothing-left",
                "shutdown-running",
            ],
        ),
        Mode::MissingLine => (LONG, &["message-form"]),
        Mode::BadUtf8 => (LONG, &["unicode"]),
        Mode::BadLine => (LONG, &["only-messages"]),
        Mode::Glued => (LONG, &["lines"]),
        Mode::OutputBeforeStarted => (LONG, &["started-first"]),
        Mode::StartedTwice => (LONG, &["started-once"]),
        Mode::UnknownExecution => (LONG, &["known-execution"]),
        Mode::LateOutput | Mode::TwoEnds => (LONG, &["last-word"]),
        // Hosts take what comes, however much or slowly, and pass over new kinds of messages.
        Mode::UnknownMessage | Mode::SlowDrip | Mode::Prints | Mode::FloodsStderr => (LONG, &[]),

        Mode::Works => (SHORT, &["execution", "nothing-left"]),
        Mode::DiesOfShutdown => (LONG, &["shutdown"]),
        Mode::DiesOfLaterShutdown => (LONG, &["shutdown-running"]),
        Mode::LeavesSocket => (LONG, &["socket-removed"]),
        Mode::LeavesChild => (LONG, &["nothing-left"]),
        Mode::BearsSigint => (SHORT, &["interrupt"]),
        Mode::BearsSigterm => (SHORT, &["terminate"]),
        Mode::StaysWithoutHost => (SHORT, &["connection-closed"]),
        Mode::IgnoresShutdown => (
            SHORT,
            &[
                "connection-closed",
                "nothing-left",
                "shutdown",
                "shutdown-running",
                "socket-removed",
            ],
        ),
        Mode::IgnoresSigterm => (
            SHORT,
            &[
                "connection-closed",
                "nothing-left",
                "shutdown",
                "shutdown-running",
                "socket-removed",
                "terminate",
            ],
        ),
    }
}

/// The hostile plugin by a name by which real hosts would find it.
fn plugin() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let (path, new) = (
            folder.join("octa_plugin_hostile"),
            folder.join(format!("octa_plugin_hostile.{}", std::process::id())),
        );
        symlink(hostile(), &new).expect("a link to the plugin");
        fs::rename(&new, &path).expect("the link in its place");
        path
    })
}

fn checked(mode: Option<Mode>, timeout: Duration) -> Report {
    Checked::new(plugin())
        .with("HOSTILE", mode.map_or("", Mode::name))
        .with("HOSTILE_ITEMS", "1000")
        .commands(&["misbehave"])
        .timeout(timeout)
        .report()
}

#[test]
fn without_a_fault_every_rule_is_kept() {
    assert_all_kept(&checked(None, LONG[0]));
}

#[test]
fn each_planted_fault_is_found_and_nothing_else() {
    wrong_of_all(MODES, |mode| {
        let (timeouts, rules) = row(mode);
        tried(mode.name(), timeouts, rules, |timeout| {
            checked(Some(mode), timeout)
        })
    });
}

#[test]
fn for_each_rule_there_is_a_fault_that_breaks_it_alone() {
    let alone = |rule: &str| MODES.iter().any(|mode| row(*mode).1 == [rule]);
    let names = rules(Protocol::Octa).iter().map(|rule| rule.name);
    let left: Vec<&str> = names.filter(|rule| !alone(rule)).collect();
    // Who does not listen says neither Hello nor a key.
    assert_eq!(left, ["listen"]);
    assert_eq!(row(Mode::ExitAtStart).1, ["hello", "key", "listen"]);
}

#[test]
fn a_fault_says_where() {
    let report = checked(Some(Mode::DiesInExecution), LONG[0]);
    let verdict = report.failed().find(|verdict| verdict.rule == "execution");
    let Some(Outcome::Failed(fault)) = verdict.map(|verdict| &verdict.outcome) else {
        panic!("{report:#?}");
    };
    assert_eq!(
        fault.what,
        "it ends (exit code 42) when it should end the execution"
    );
    assert_eq!(fault.stderr, ["hostile: dead in the middle"]);
    assert!(!fault.conversation.is_empty());
}

fn assert_all_kept(report: &Report) {
    assert_eq!(broken(report), BTreeSet::new(), "{}", told(report));
    assert_eq!(report.counts().passed, report.rules.len(), "{report:#?}");
}
