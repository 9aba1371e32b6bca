//! Checking a program, and telling what came of it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pegboard_testkit::conformance::{Options, Outcome, Report, Subject, check};

/// How long the runner waits for an answer. With several times, each but the last is only a try: what answers may look
/// silent while the machine is busy, and is then given more time.
pub(crate) type Timeouts = &'static [Duration];

/// For faults that let the runner wait.
pub(crate) const SHORT: Timeouts = &[
    Duration::from_millis(400),
    Duration::from_secs(2),
    Duration::from_secs(10),
];
/// For faults that show, however busy the machine is.
pub(crate) const LONG: Timeouts = &[Duration::from_secs(60)];
/// For faults that show if the plugin is on time, which a busy machine may keep it from.
pub(crate) const TRIES: Timeouts = &[Duration::from_secs(20); 5];
/// As many faults are checked at once: mostly they let the runner wait.
const AT_ONCE: usize = 8;

/// A program to be checked.
pub(crate) struct Checked<'a> {
    program: &'a Path,
    environment: Vec<(String, String)>,
    options: Options,
}

impl<'a> Checked<'a> {
    pub(crate) fn new(program: &'a Path) -> Checked<'a> {
        Checked {
            program,
            environment: Vec::new(),
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
        let subject = Subject::new(self.program, "/", environment.chain(path));
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

/// What is wrong with the verdicts on a fault, which should be that it breaks these rules, when it is given the last of
/// these times.
pub(crate) fn tried(
    fault: &str,
    timeouts: Timeouts,
    rules: &[&str],
    report: impl Fn(Duration) -> Report,
) -> Option<String> {
    let expected: BTreeSet<&str> = rules.iter().copied().collect();
    let mut wrong = None;
    for timeout in timeouts {
        let report = report(*timeout);
        let found = broken(&report);
        if found == expected {
            return None;
        }
        let told = told(&report);
        wrong = Some(format!(
            "{fault}: {found:?} instead of {expected:?}\n{told}"
        ));
    }
    wrong
}

/// Looks at all of these, several at once, and fails with what is wrong.
pub(crate) fn wrong_of_all<T: Copy + Sync>(all: &[T], wrong: impl Fn(T) -> Option<String> + Sync) {
    let (next, faults) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(it) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let wrong = wrong(*it);
                    faults.lock().expect("the faults").extend(wrong);
                }
            });
        }
    });
    let faults = faults.into_inner().expect("the faults");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
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
