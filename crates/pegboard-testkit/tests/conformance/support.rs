//! Checking a program, and telling what came of it.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use pegboard_testkit::conformance::{Options, Outcome, Protocol, Report, Subject, check};

/// A program to be checked.
pub(crate) struct Checked<'a> {
    program: &'a Path,
    environment: Vec<(String, String)>,
    protocol: Protocol,
    options: Options,
}

impl<'a> Checked<'a> {
    pub(crate) fn new(program: &'a Path) -> Checked<'a> {
        Checked {
            program,
            environment: Vec::new(),
            protocol: Protocol::of(program),
            options: Options {
                timeout: Duration::from_secs(20),
                ..Options::default()
            },
        }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Checked<'a> {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn speaking(mut self, protocol: Protocol) -> Checked<'a> {
        self.protocol = protocol;
        self
    }

    /// For programs that let the runner wait.
    pub(crate) fn timeout(mut self, timeout: Duration) -> Checked<'a> {
        self.options.timeout = timeout;
        self
    }

    pub(crate) fn commands(mut self, commands: &[&str]) -> Checked<'a> {
        self.options.commands = commands.iter().map(ToString::to_string).collect();
        self
    }

    pub(crate) fn rules(mut self, rules: &[&str]) -> Checked<'a> {
        self.options.rules = rules.iter().map(ToString::to_string).collect();
        self
    }

    pub(crate) fn report(self) -> Report {
        let path = std::env::var_os("PATH").map(|path| ("PATH".into(), path));
        let own = self.environment.into_iter();
        let environment = own.map(|(name, value)| (name.into(), value.into()));
        let mut subject = Subject::new(self.program, "/", environment.chain(path));
        subject.protocol = self.protocol;
        let begin = Instant::now();
        let report = check(&subject, &self.options).expect("it can be checked");
        // Each rule waits a few times at the most.
        assert!(
            begin.elapsed() < self.options.timeout * 200,
            "it takes too long"
        );
        report
    }
}

/// The rules that were broken.
pub(crate) fn broken(report: &Report) -> BTreeSet<&'static str> {
    report.failed().map(|verdict| verdict.rule).collect()
}

/// What was found, for the message of a test that fails.
pub(crate) fn told(report: &Report) -> String {
    let lines = report
        .rules
        .iter()
        .filter_map(|verdict| match &verdict.outcome {
            Outcome::Failed(fault) => {
                let said = fault.conversation.iter().rev().take(4).rev();
                let said: String = said.map(|said| format!("  {said}\n")).collect();
                let (rule, what) = (verdict.rule, &fault.what);
                let (exit, stderr) = (&fault.exit, &fault.stderr);
                Some(format!("{rule}: {what}\n{said}  {exit:?} {stderr:?}\n"))
            }
            Outcome::Passed | Outcome::NotApplicable(_) | Outcome::NotChecked(_) => None,
        });
    lines.collect()
}

/// Why a rule was not applied; none if it was.
pub(crate) fn left_out<'a>(report: &'a Report, rule: &str) -> Option<&'a str> {
    let verdict = report.rules.iter().find(|verdict| verdict.rule == rule);
    match &verdict.expect(rule).outcome {
        Outcome::NotApplicable(why) | Outcome::NotChecked(why) => Some(why),
        Outcome::Passed | Outcome::Failed(_) => None,
    }
}
