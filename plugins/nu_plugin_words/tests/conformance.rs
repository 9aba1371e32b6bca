//! The plugin keeps every rule of the protocol.
#![cfg(target_os = "linux")]

use pegboard_testkit::conformance::{Options, Outcome, Subject, check};

#[test]
fn every_rule_is_kept() {
    let directory = std::env::current_dir().expect("a directory");
    let program = env!("CARGO_BIN_EXE_nu_plugin_words");
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
