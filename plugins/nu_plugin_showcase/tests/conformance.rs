//! The plugin keeps every rule of the protocol.
#![cfg(target_os = "linux")]

use pegboard_testkit::conformance::{Options, Outcome, Subject, check};

#[test]
fn every_rule_is_kept() {
    let directory = std::env::current_dir().expect("a directory");
    let program = env!("CARGO_BIN_EXE_nu_plugin_showcase");
    let subject = Subject::new(program, directory, std::env::vars_os());
    let report = check(&subject, &Options::default()).expect("it can be checked");
    assert!(
        report.passed(),
        "{:#?}",
        report.failed().collect::<Vec<_>>()
    );
    let examples = report.rules.iter().find(|it| it.rule == "examples-hold");
    assert_eq!(examples.expect("the rule").outcome, Outcome::Passed);
}

/// Commands for the rules that the examples leave out.
const COMMANDS: [&str; 9] = [
    "showcase numbers 500",
    "showcase bytes 1000000",
    "showcase echo",
    "showcase kind",
    "showcase engine directory",
    "showcase error",
    "showcase error late",
    "showcase tally sheep 7",
    "[1 2 3] | showcase first 2",
];

#[test]
fn every_rule_applies_and_is_kept() {
    let directory = std::env::current_dir().expect("a directory");
    let program = env!("CARGO_BIN_EXE_nu_plugin_showcase");
    let subject = Subject::new(program, directory, std::env::vars_os());
    let options = Options {
        commands: COMMANDS.map(str::to_owned).into(),
        ..Options::default()
    };
    let report = check(&subject, &options).expect("it can be checked");
    assert!(
        report.passed(),
        "{:#?}",
        report.failed().collect::<Vec<_>>()
    );
    let left_out = report
        .rules
        .iter()
        .filter(|it| matches!(it.outcome, Outcome::NotApplicable(_)));
    let left_out: Vec<_> = left_out.map(|it| it.rule).collect();
    // Examples are run where no commands are named.
    assert_eq!(left_out, ["examples-hold"]);
}
