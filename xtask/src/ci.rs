//! `cargo xtask ci`: every check and every test; its last line sums up the tests.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::{bench, disk, peers, run, shells, tidy};

/// What a whole run writes on a fresh clone, with room to spare; measured, in bytes.
const ROOM: u64 = 5 << 30;

/// Runs every step even after one has failed, so that one run tells everything.
///
/// The last line on standard output is `N passed, N failed, N skipped`. A step that fails without
/// a failing test counts as one failure.
pub(crate) fn ci(root: &Path) -> Result<(), String> {
    run::build_lean();
    let mut report = Report::new(root);
    let cargo = |arguments: &[&str]| {
        let mut cargo = run::cargo();
        cargo.args(arguments).current_dir(root);
        cargo
    };

    report.step("format", || {
        run::shown(&mut cargo(&["fmt", "--all", "--check"])).into()
    });
    report.step("clippy", || {
        let arguments = [
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ];
        run::shown(&mut cargo(&arguments)).into()
    });
    report.step("rustdoc", || {
        let mut doc = cargo(&["doc", "--workspace", "--no-deps"]);
        run::shown(doc.env("RUSTDOCFLAGS", "-D warnings")).into()
    });
    report.step("tidy", || tidy::tidy(root).into());
    report.step("peers", || {
        peers::build(root, &[])
            .and_then(|()| peers::drop_objects(root))
            .into()
    });
    report.step("shells", || shells::install().into());
    report.step("doc tests", || {
        counted(&mut cargo(&[
            "test",
            "--workspace",
            "--doc",
            "--no-fail-fast",
        ]))
    });
    report.step("tests", || {
        counted(&mut cargo(&[
            "test",
            "--workspace",
            "--all-targets",
            "--no-fail-fast",
        ]))
    });
    // What only exists with a feature that no crate of the workspace asks for.
    report.step("tests of features", || {
        counted(&mut cargo(&[
            "test",
            "--package",
            "pegboard-plugin",
            "--features",
            "tokio",
            "--test",
            "octa",
        ]))
    });
    // Only whether it works; it costs seconds, for its programs are built already.
    report.step("bench", || {
        let outcomes = bench::Task::SMOKE.map(|task| bench::bench(root, &task));
        outcomes.into_iter().collect::<Result<(), _>>().into()
    });
    // Optimised, and counted rather than timed: the same on a busy machine.
    report.step("counts", || {
        bench::bench(root, &bench::Task::Counts(bench::Use::Check)).into()
    });
    report.finish()
}

/// Tests that ran, from the lines that the test harness prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    /// Reads `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out`.
    fn of_line(line: &str) -> Option<Self> {
        let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
        let mut tally = Self::default();
        for part in counts.split(';') {
            let mut words = part.split_whitespace();
            let (Some(number), Some(what)) = (words.next(), words.next()) else {
                continue;
            };
            let Ok(number) = number.parse::<u64>() else {
                continue;
            };
            match what {
                "passed" => tally.passed += number,
                "failed" => tally.failed += number,
                "ignored" => tally.skipped += number,
                _ => {}
            }
        }
        Some(tally)
    }
}

/// A step's tests, and why it failed if it did.
struct Outcome {
    tally: Tally,
    failure: Option<String>,
}

/// A step that runs no tests.
impl From<Result<(), String>> for Outcome {
    fn from(result: Result<(), String>) -> Self {
        Self {
            tally: Tally::default(),
            failure: result.err(),
        }
    }
}

/// Runs cargo's tests, passes their output on as it comes, and counts.
fn counted(command: &mut Command) -> Outcome {
    count(command).unwrap_or_else(|failure| Err(failure).into())
}

fn count(command: &mut Command) -> Result<Outcome, String> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| run::cannot_start(command, &error))?;
    let mut tally = Tally::default();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n') {
            let mut line = line.map_err(|error| error.to_string())?;
            if let Some(found) = Tally::of_line(&String::from_utf8_lossy(&line)) {
                tally.add(found);
            }
            line.push(b'\n');
            std::io::stdout()
                .write_all(&line)
                .map_err(|error| error.to_string())?;
        }
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    let failure = (!status.success()).then(|| format!("cargo test: {status}"));
    Ok(Outcome { tally, failure })
}

/// What has run so far.
struct Report<'a> {
    root: &'a Path,
    total: Tally,
    rows: Vec<(&'static str, Duration, Option<String>)>,
}

impl<'a> Report<'a> {
    /// Says how much room there is first: a full disk makes steps fail in many strange ways.
    fn new(root: &'a Path) -> Self {
        if let Some(free) = disk::free(root) {
            let doubt = if free < ROOM {
                format!("; a fresh clone needs about {}", disk::gibibytes(ROOM))
            } else {
                String::new()
            };
            println!("disk: {} free{doubt}", disk::gibibytes(free));
        }
        Self {
            root,
            total: Tally::default(),
            rows: Vec::new(),
        }
    }

    fn step(&mut self, name: &'static str, run: impl FnOnce() -> Outcome) {
        println!("\n==> {name}");
        let start = Instant::now();
        let Outcome { mut tally, failure } = run();
        let took = start.elapsed();
        if failure.is_some() && tally.failed == 0 {
            tally.failed = 1;
        }
        let verdict = if failure.is_some() { "FAILED" } else { "ok" };
        let free = disk::free(self.root).map_or_else(String::new, |free| {
            format!(", {} of disk free", disk::gibibytes(free))
        });
        println!("==> {name}: {verdict} in {:.1} s{free}", took.as_secs_f64());
        self.total.add(tally);
        self.rows.push((name, took, failure));
    }

    fn finish(self) -> Result<(), String> {
        println!();
        for (name, took, failure) in &self.rows {
            let verdict = failure.as_deref().unwrap_or("ok");
            println!("{name:10} {:7.1} s  {verdict}", took.as_secs_f64());
        }
        let failed: Vec<_> = self
            .rows
            .iter()
            .filter(|(.., why)| why.is_some())
            .map(|(name, ..)| *name)
            .collect();
        let Tally {
            passed,
            failed: failing,
            skipped,
        } = self.total;
        if !failed.is_empty() {
            println!("failed: {}", failed.join(", "));
        }
        println!("{passed} passed, {failing} failed, {skipped} skipped");
        // An empty reason: all is said above, and nothing may follow the sum.
        if failed.is_empty() {
            Ok(())
        } else {
            Err(String::new())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Option<(u64, u64, u64)>) {
        let expected = expected.map(|(passed, failed, skipped)| Tally {
            passed,
            failed,
            skipped,
        });
        assert_eq!(Tally::of_line(line), expected, "{line}");
    }

    #[test]
    fn counts_the_lines_of_the_test_harness() {
        check(
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; \
             finished in 0.01s",
            Some((12, 0, 1)),
        );
        check(
            "test result: FAILED. 1 passed; 2 failed; 0 ignored;",
            Some((1, 2, 0)),
        );
        check("test tally ... ok", None);
        check("running 3 tests", None);
    }

    #[test]
    fn a_step_that_fails_without_a_failing_test_counts_as_one_failure() {
        let mut report = Report::new(Path::new("."));
        report.step("format", || Err("not formatted".to_owned()).into());
        assert_eq!(report.total.failed, 1);
        assert!(report.finish().is_err());
    }
}
