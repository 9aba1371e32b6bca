//! As a plugin of Nushell's, it keeps every rule of that protocol.
#![cfg(target_os = "linux")]

use pegboard_testkit::conformance::{Options, Protocol, Subject, check};

#[test]
fn every_rule_is_kept() {
    let directory = std::env::current_dir().expect("a directory");
    let program = env!("CARGO_BIN_EXE_octa_plugin_shell");
    let mut subject = Subject::new(program, directory, std::env::vars_os());
    subject.protocol = Protocol::Nushell;
    let report = check(&subject, &Options::default()).expect("it can be checked");
    assert!(
        report.passed(),
        "{:#?}",
        report.failed().collect::<Vec<_>>()
    );
}
