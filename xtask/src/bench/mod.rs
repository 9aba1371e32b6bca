//! `cargo xtask bench`: how fast Pegboard is, beside bare pipes and Nushell's own engine, in one run.

mod counts;
mod growth;
mod machine;
mod plan;
mod programs;
mod report;
mod results;
mod targets;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

pub(crate) use counts::Use;
use machine::Machine;
use plan::{MEASURES, SIDES};
use programs::Programs;
use results::Results;

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Times, beside what cannot be beaten and what is replaced.
    Compare(Options),
    /// Instructions, beside the committed ones.
    Counts(Use),
    /// Where the instructions of one work are spent.
    Profile(String),
    /// What things cost when there is more of them.
    Report(Options),
}

impl Task {
    /// Whether measuring works.
    pub(crate) const SMOKE: [Task; 2] =
        [Task::Compare(Options::SMOKE), Task::Report(Options::SMOKE)];

    pub(crate) fn parse(words: &[&str]) -> Result<Task, String> {
        Ok(match words {
            ["--counts"] => Task::Counts(Use::Show),
            ["--counts", "--check"] => Task::Counts(Use::Check),
            ["--counts", "--update"] => Task::Counts(Use::Update),
            ["--counts", ..] => return Err("--counts takes --check or --update".to_owned()),
            ["--profile", work] => Task::Profile((*work).to_owned()),
            ["--profile", ..] => return Err("--profile takes what to profile".to_owned()),
            ["--report", words @ ..] => {
                let options = Options::parse(words)?;
                if options.json.is_some() {
                    return Err("--report writes files of its own, and no JSON".to_owned());
                }
                Task::Report(options)
            }
            words => Task::Compare(Options::parse(words)?),
        })
    }
}

/// How to compare.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// One short round with programs that are not optimised, to see that it works.
    pub(crate) quick: bool,
    /// Whether to build Nushell's engine and SDK, and to compare with them.
    pub(crate) engine: bool,
    /// Where to write everything as JSON.
    pub(crate) json: Option<PathBuf>,
}

impl Options {
    /// Whether measuring works.
    const SMOKE: Options = Options {
        quick: true,
        engine: false,
        json: None,
    };

    /// Our programs only, as a release has them.
    const OURS: Options = Options {
        quick: false,
        engine: false,
        json: None,
    };

    fn parse(words: &[&str]) -> Result<Options, String> {
        let mut options = Options {
            quick: false,
            engine: true,
            json: None,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--quick" => options.quick = true,
                "--without-engine" => options.engine = false,
                "--json" => {
                    let file = words.next().ok_or("--json needs a file")?;
                    options.json = Some(file.into());
                }
                other => {
                    return Err(format!(
                        "bench has no `{other}`, but --quick, --without-engine and --json FILE; --counts, --profile or --report come first"
                    ));
                }
            }
        }
        Ok(options)
    }

    fn rounds(&self) -> usize {
        if self.quick { 1 } else { 5 }
    }

    /// How long one side is measured in one round.
    fn milliseconds(&self) -> u64 {
        if self.quick { 10 } else { 300 }
    }
}

/// Builds what is needed, measures and prints.
pub(crate) fn bench(root: &Path, task: &Task) -> Result<(), String> {
    if !cfg!(target_os = "linux") {
        return Err("bench needs Linux: it reads /proc and pins processes with taskset".to_owned());
    }
    match task {
        Task::Compare(options) => compare(root, options),
        Task::Counts(purpose) => counts::counts(root, *purpose),
        Task::Report(options) => growth::report(root, options),
        Task::Profile(work) => counts::profile(root, work),
    }
}

/// Lets the sides take turns, and prints the comparison. A target that is missed is no failure.
fn compare(root: &Path, options: &Options) -> Result<(), String> {
    let programs = Programs::build(root, options)?;
    let mut machine = Machine::look(options);
    let mut results = Results::default();
    let begin = Instant::now();
    for measure in MEASURES {
        eprintln!(
            "bench: {} ({:.0} s)",
            measure.title,
            begin.elapsed().as_secs_f64()
        );
        for _ in 0..options.rounds() {
            let sides = SIDES
                .iter()
                .filter(|side| measure.sides.contains(&side.key))
                .filter(|side| options.engine || side.is_ours());
            for side in sides {
                let figures = programs.run(side, measure, options)?;
                results.add(measure.key, side.key, figures);
            }
        }
    }
    machine.look_again();
    print!("{}", report::text(&machine, &results));
    if !options.quick {
        print!("{}", report::verdicts(&results));
    }
    if let Some(file) = &options.json {
        fs::write(file, report::json(&machine, &results))
            .map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &[&str], expected: Option<Task>) {
        assert_eq!(Task::parse(words).ok(), expected, "{words:?}");
    }

    #[test]
    fn options() {
        let options = |quick, engine, json: Option<&str>| {
            Some(Task::Compare(Options {
                quick,
                engine,
                json: json.map(PathBuf::from),
            }))
        };
        check(&[], options(false, true, None));
        check(&["--without-engine", "--quick"], options(true, false, None));
        check(&["--json", "out"], options(false, true, Some("out")));
        check(&["--json"], None);
        check(&["--fast"], None);
        check(&["--counts"], Some(Task::Counts(Use::Show)));
        check(&["--counts", "--check"], Some(Task::Counts(Use::Check)));
        check(&["--counts", "--update"], Some(Task::Counts(Use::Update)));
        check(&["--counts", "--quick"], None);
        check(&["--check"], None);
        check(
            &["--profile", "call"],
            Some(Task::Profile("call".to_owned())),
        );
        check(&["--profile"], None);
        check(
            &["--report", "--quick", "--without-engine"],
            Some(Task::Report(Options::SMOKE)),
        );
        check(&["--report", "--json", "out"], None);
    }
}
