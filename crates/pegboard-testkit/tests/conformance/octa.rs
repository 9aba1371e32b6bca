//! Octa plugins: those of this repository keep every rule, and a fault is told with its place.

use std::collections::BTreeSet;
use std::time::Duration;

use pegboard_testkit::conformance::{Outcome, Protocol, Report};
use pegboard_testkit::hostile::octa::Mode;
use pegboard_testkit::peers::{hostile, shipped};

use crate::support::{Checked, broken, left_out, told};

#[test]
fn the_plugins_of_this_repository_keep_every_rule() {
    for (name, text) in [
        ("octa_plugin_shell", "echo one; echo two >&2; exit 3"),
        ("octa_plugin_shell", "sleep 1 & sleep 1"),
        ("octa_plugin_tpl", "so {{ 1 + 1 }}"),
    ] {
        let report = Checked::new(&shipped(name)).commands(&[text]).report();
        assert_eq!(broken(&report), BTreeSet::new(), "{}", told(&report));
        assert_eq!(report.counts().passed, report.rules.len(), "{report:#?}");
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

fn checked(mode: Option<Mode>, timeout: u64) -> Report {
    Checked::new(&hostile())
        .speaking(Protocol::Octa)
        .with("HOSTILE", mode.map_or("", Mode::name))
        .commands(&["misbehave"])
        .timeout(Duration::from_millis(timeout))
        .report()
}

#[test]
fn a_fault_says_where() {
    let report = checked(Some(Mode::DiesInExecution), 3_000);
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
