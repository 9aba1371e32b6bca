//! `cargo xtask bench --counts`: instructions and system calls for each call, item and so on, against committed figures.

mod callgrind;
mod figures;
mod plan;
mod profile;

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Map, Value};

use callgrind::{Pair, Spent};
use figures::{Committed, End, Figure, Kind, Verdict, verdict};
use plan::{WORKS, Work};
pub(super) use profile::profile;

use super::machine;
use super::programs::Programs;
use super::results::median;
use crate::shells;

/// What to do with the figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Show them beside the committed ones.
    Show,
    /// Fail if one is above the committed one by more than its tolerance.
    Check,
    /// Write them into the file.
    Update,
}

/// Where the committed figures are.
const FILE: &str = "xtask/bench-counts.json";

/// How often each work is counted. Shown and compared is the median.
const ROUNDS: usize = 3;

/// Counts everything, prints the figures beside the committed ones, and does with them what is asked.
pub(super) fn counts(root: &Path, purpose: Use) -> Result<(), String> {
    shells::need("valgrind")?;
    let programs = Programs::build(root, &super::Options::OURS)?;
    let tools = machine::tools();
    let committed = Committed::read(&root.join(FILE))?;
    let counted = all(&programs, &root.join("target/bench/counts"))?;
    let figures: Vec<Figure> = counted.iter().map(Counted::figure).collect();
    println!("For each call, item, KiB, execution or line, the median of {ROUNDS} runs:\n");
    print!("{}", table(&counted, &committed));
    if committed.tools != tools && !committed.tools.is_empty() {
        println!(
            "\nThe committed figures were taken with other tools, which makes some difference:"
        );
        println!(
            "  committed  {}\n  now        {}",
            said(&committed.tools),
            said(&tools)
        );
    }
    match purpose {
        Use::Show => Ok(()),
        Use::Check => check(&committed, &figures),
        Use::Update => {
            let file = root.join(FILE);
            let text = committed.with(&figures, &tools);
            std::fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
            println!("\n{FILE} has these figures now");
            Ok(())
        }
    }
}

/// One figure, run by run.
struct Counted {
    work: &'static Work,
    kind: Kind,
    end: End,
    runs: Vec<f64>,
}

impl Counted {
    fn figure(&self) -> Figure {
        Figure {
            work: self.work.key.to_owned(),
            kind: self.kind,
            end: self.end,
            number: median(self.runs.clone()).unwrap_or_default(),
        }
    }
}

/// Each work in each round: on every core one at a time, which changes no counts.
fn all(programs: &Programs, directory: &Path) -> Result<Vec<Counted>, String> {
    let turns: Vec<(usize, usize)> = (0..ROUNDS)
        .flat_map(|round| (0..WORKS.len()).map(move |work| (round, work)))
        .collect();
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for core in machine::cores() {
            let (turns, next, results) = (&turns, &next, &results);
            scope.spawn(move || {
                while let Some((round, work)) = turns.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let directory = directory.join(format!("{}-{round}", WORKS[*work].key));
                    let outcome = once(programs, &WORKS[*work], core, &directory);
                    let mut results = results.lock().unwrap_or_else(|error| error.into_inner());
                    results.push((*work, outcome));
                }
            });
        }
    });
    let mut runs: Vec<Vec<Pair<Spent>>> = WORKS.iter().map(|_| Vec::new()).collect();
    for (work, outcome) in results
        .into_inner()
        .unwrap_or_else(|error| error.into_inner())
    {
        runs[work].push(outcome?);
    }
    let mut counted = Vec::new();
    for (work, runs) in WORKS.iter().zip(runs) {
        for kind in Kind::ALL {
            for end in End::ALL {
                counted.push(Counted {
                    work,
                    kind,
                    end,
                    runs: runs.iter().map(|run| number(run, kind, end)).collect(),
                });
            }
        }
    }
    Ok(counted)
}

/// What one unit takes: a long run less a short one.
fn once(
    programs: &Programs,
    work: &Work,
    core: usize,
    directory: &Path,
) -> Result<Pair<Spent>, String> {
    let run = |steps: u64, name: &str| {
        let files = callgrind::run(programs, work, steps, core, &directory.join(name))?;
        Ok::<_, String>(Pair {
            host: callgrind::spent(&files.host)?,
            plugin: callgrind::spent(&files.plugin)?,
        })
    };
    let short = run(work.few, "short")?;
    let long = run(2 * work.few, "long")?;
    let each = |short: Spent, long: Spent| Spent {
        instructions: work.each(short.instructions, long.instructions),
        system_calls: work.each(short.system_calls, long.system_calls),
    };
    Ok(Pair {
        host: each(short.host, long.host),
        plugin: each(short.plugin, long.plugin),
    })
}

fn number(pair: &Pair<Spent>, kind: Kind, end: End) -> f64 {
    let spent = match end {
        End::Host => pair.host,
        End::Plugin => pair.plugin,
    };
    match kind {
        Kind::Instructions => spent.instructions,
        Kind::SystemCalls => spent.system_calls,
    }
}

fn table(counted: &[Counted], committed: &Committed) -> String {
    let mut text = format!(
        "{:38} {:>10} {:>22} {:>10} {:>8} {:>8}\n",
        "", "counted", "lowest .. highest", "committed", "change", "allowed"
    );
    let mut title = "";
    for row in counted {
        if title != row.work.title {
            title = row.work.title;
            text += &format!("{title}\n");
        }
        let show = |number: f64| row.kind.rounded(number).to_string();
        let figure = row.figure();
        let low = row.runs.iter().copied().fold(f64::INFINITY, f64::min);
        let high = row.runs.iter().copied().fold(0.0, f64::max);
        let (before, change, allowed) = match committed.figure(&figure) {
            None => ("-".to_owned(), String::new(), String::new()),
            Some((before, tolerance)) => (
                show(before),
                format!("{:+.1} %", (figure.number / before - 1.0) * 100.0),
                format!("{:.0} %", tolerance * 100.0),
            ),
        };
        let word = match verdict(committed, &figure) {
            Verdict::Same => "",
            Verdict::Worse => "MORE",
            Verdict::Better => "less",
            Verdict::New => "new",
        };
        let name = format!("  {}, {}", row.kind.name(), row.end.name());
        let line = format!(
            "{name:38} {:>10} {:>22} {before:>10} {change:>8} {allowed:>8}  {word}",
            show(figure.number),
            format!("{} .. {}", show(low), show(high)),
        );
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// Fails if anything is worse, or not in the file, or in the file and no more counted.
fn check(committed: &Committed, figures: &[Figure]) -> Result<(), String> {
    let of = |wanted: Verdict| {
        let found = figures
            .iter()
            .filter(|figure| verdict(committed, figure) == wanted);
        let names = found.map(|figure| {
            format!(
                "{} ({}, {})",
                figure.work,
                figure.kind.name(),
                figure.end.name()
            )
        });
        names.collect::<Vec<_>>().join(", ")
    };
    let better = of(Verdict::Better);
    if !better.is_empty() {
        println!(
            "\nless than committed: {better}\n\
             `cargo xtask bench --counts --update` keeps what was won; commit {FILE} with the change."
        );
    }
    let mut reasons = Vec::new();
    let worse = of(Verdict::Worse);
    if !worse.is_empty() {
        reasons.push(format!(
            "more than committed: {worse}\n\
             See where it goes with `cargo xtask bench --profile {}`, and mend it. If it is worth what it costs, say why in\n\
             the commit and run `cargo xtask bench --counts --update`.",
            figures
                .iter()
                .find(|figure| verdict(committed, figure) == Verdict::Worse)
                .map_or("call", |figure| &figure.work)
        ));
    }
    let new = of(Verdict::New);
    let gone = committed.forgotten(WORKS).collect::<Vec<_>>().join(", ");
    for (what, names) in [("not in", new), ("only in", gone)] {
        if !names.is_empty() {
            reasons.push(format!(
                "{what} {FILE}: {names}; run `cargo xtask bench --counts --update`"
            ));
        }
    }
    match reasons.is_empty() {
        true => Ok(()),
        false => Err(reasons.join("\n")),
    }
}

fn said(tools: &Map<String, Value>) -> String {
    let values = tools
        .values()
        .map(|value| value.as_str().unwrap_or_default());
    values.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that says of everything that host and plugin do 100 times what it is.
    fn committed() -> Committed {
        let row = r#"{ "host": 100, "plugin": 100, "tolerance": 0.1 }"#;
        let works: Vec<_> = WORKS
            .iter()
            .map(|work| {
                let key = work.key;
                format!(r#""{key}": {{ "instructions": {row}, "system calls": {row} }}"#)
            })
            .collect();
        let text = format!(r#"{{ "tools": {{}}, "each": {{ {} }} }}"#, works.join(", "));
        Committed::parse(&text).expect("it is read")
    }

    /// What all figures are, but for one.
    fn figures(planted: Option<(&str, Kind, End, f64)>) -> Vec<Figure> {
        let mut figures = Vec::new();
        for work in WORKS {
            for kind in Kind::ALL {
                for end in End::ALL {
                    let number = match planted {
                        Some((key, of, at, number)) if (key, of, at) == (work.key, kind, end) => {
                            number
                        }
                        _ => 100.0,
                    };
                    figures.push(Figure {
                        work: work.key.to_owned(),
                        kind,
                        end,
                        number,
                    });
                }
            }
        }
        figures
    }

    #[test]
    fn a_planted_regression_fails_the_check_and_is_named() {
        assert_eq!(check(&committed(), &figures(None)), Ok(()));
        for work in WORKS {
            for kind in Kind::ALL {
                for end in End::ALL {
                    let planted = |number| figures(Some((work.key, kind, end, number)));
                    let within = check(&committed(), &planted(109.0));
                    assert_eq!(within, Ok(()), "{} {kind:?} {end:?}", work.key);
                    let reason = check(&committed(), &planted(111.0)).expect_err(work.key);
                    let name = format!("{} ({}, {})", work.key, kind.name(), end.name());
                    let profile = format!("--profile {}`", work.key);
                    for part in [name.as_str(), &profile, "--update"] {
                        assert!(reason.contains(part), "{part} is missing in: {reason}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_was_won_is_no_failure() {
        let won = figures(Some(("call", Kind::Instructions, End::Host, 50.0)));
        assert_eq!(check(&committed(), &won), Ok(()));
    }

    #[test]
    fn a_file_without_a_figure_fails_the_check() {
        let reason = check(&Committed::default(), &figures(None)).expect_err("nothing is there");
        assert!(reason.contains("--update"), "{reason}");
    }

    /// The file fits what is counted, whatever its figures are.
    #[test]
    fn the_committed_file_has_every_figure() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench-counts.json");
        let committed = Committed::read(&file).expect("the file is read");
        assert_eq!(committed.forgotten(WORKS).count(), 0);
        for figure in figures(None) {
            assert!(committed.figure(&figure).is_some(), "{figure:?}");
        }
    }
}
