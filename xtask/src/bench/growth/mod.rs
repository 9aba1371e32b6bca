//! `cargo xtask bench --report`: what things cost when there is more of them, as tables and charts.

mod axis;
mod page;
mod plan;
mod quantity;
mod svg;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use plan::{Run, SERIES, Series, Side};

use super::machine::Machine;
use super::plan::Program;
use super::programs::{Figures, Programs};
use super::results::median;
use super::{Options, programs};

/// How often each size is measured, if that does not take long.
const ROUNDS: usize = 3;
const LONG: Duration = Duration::from_secs(2);

/// Measures everything and writes the page with its charts: into the documentation, or, if only to see that it works,
/// into `target`.
pub(super) fn report(root: &Path, options: &Options) -> Result<(), String> {
    let programs = Programs::build(root, options)?;
    let mut machine = Machine::look(options);
    let begin = Instant::now();
    let mut grown = Vec::new();
    for series in SERIES {
        eprintln!(
            "bench: {} ({:.0} s)",
            series.title,
            begin.elapsed().as_secs_f64()
        );
        grown.push(measure(root, &programs, series, options)?);
    }
    machine.look_again();
    let to = match options.quick {
        true => root.join("target/bench/report"),
        false => root.join("docs/performance"),
    };
    let pages = page::write(&machine, &grown);
    let write = |name: &str, text: &str| {
        let file = to.join(name);
        fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))
    };
    fs::create_dir_all(&to).map_err(|error| format!("{}: {error}", to.display()))?;
    for (name, text) in &pages {
        write(name, text)?;
    }
    println!("written: {} files in {}", pages.len(), to.display());
    Ok(())
}

/// What was measured of one series.
struct Grown {
    series: &'static Series,
    sizes: &'static [u64],
    figures: BTreeMap<(&'static str, u64), Vec<Figures>>,
}

impl Grown {
    /// The median of a figure; nothing where it was not measured.
    fn figure(&self, side: &'static str, size: u64, name: &str) -> Option<f64> {
        let rounds = self.figures.get(&(side, size))?;
        let numbers = rounds
            .iter()
            .filter_map(|figures| figures.get(name).copied());
        median(numbers.collect())
    }
}

/// Sides take turns, and sizes too, so that a machine that is slow for a while is slow for all of them.
fn measure(
    root: &Path,
    programs: &Programs,
    series: &'static Series,
    options: &Options,
) -> Result<Grown, String> {
    let sizes = if options.quick {
        series.quick
    } else {
        series.sizes
    };
    let mut figures: BTreeMap<_, Vec<Figures>> = BTreeMap::new();
    let mut slow = Vec::new();
    let rounds = if options.quick { 1 } else { ROUNDS };
    for _ in 0..rounds {
        for size in sizes.iter().copied() {
            for side in series.sides.iter().filter(|side| side.takes(size, options)) {
                if slow.contains(&(side.key, size)) {
                    continue;
                }
                let begin = Instant::now();
                let found = once(root, programs, side, size, options)?;
                if begin.elapsed() > LONG {
                    slow.push((side.key, size));
                }
                figures.entry((side.key, size)).or_default().push(found);
            }
        }
    }
    Ok(Grown {
        series,
        sizes,
        figures,
    })
}

impl Side {
    fn takes(&self, size: u64, options: &Options) -> bool {
        let foreign = matches!(
            self.run,
            Run::Stream {
                host: Program::Nushell,
                ..
            }
        );
        size <= self.most && (options.engine || !foreign)
    }
}

fn once(
    root: &Path,
    programs: &Programs,
    side: &Side,
    size: u64,
    options: &Options,
) -> Result<Figures, String> {
    let mut command = programs::limited();
    match side.run {
        Run::Growth(what) => {
            let scratch = root.join("target/bench/growth");
            let plugins = match what {
                "plugins" => copies(programs, &scratch, size + 1)?,
                _ => vec![programs.path(Program::OurPlugin)],
            };
            command
                .arg(programs.path(Program::Growth))
                .args([what, &size.to_string(), &options.milliseconds().to_string()])
                .arg(&scratch)
                .args(plugins);
        }
        Run::Stream {
            host,
            words,
            word,
            plugin,
        } => {
            command
                .arg(programs.path(host))
                .args(words)
                .args([word, &format!("{size}x")])
                .arg(programs.path(plugin));
        }
        Run::Blocks => {
            // So many that they take some time.
            let bytes = (size * 50_000).min(64 << 20);
            let floor = programs.path(Program::Floor);
            command
                .arg(&floor)
                .args([&format!("pipe:{size}"), "bytes-in", &format!("{bytes}x")])
                .arg(&floor);
        }
    }
    finish(root, command).map_err(|reason| format!("{} of {size}: {reason}", side.key))
}

fn finish(root: &Path, mut command: Command) -> Result<Figures, String> {
    programs::figures(command.current_dir(root))
}

/// The plugin under so many names: no two plugins of an engine have the same.
fn copies(programs: &Programs, scratch: &Path, count: u64) -> Result<Vec<PathBuf>, String> {
    let directory = scratch.join("plugins");
    let describe = |error: std::io::Error| format!("{}: {error}", directory.display());
    if directory.exists() {
        fs::remove_dir_all(&directory).map_err(describe)?;
    }
    fs::create_dir_all(&directory).map_err(describe)?;
    let paths = (0..count).map(|number| directory.join(format!("nu_plugin_bench{number}")));
    let link = |path: PathBuf| {
        std::os::unix::fs::symlink(programs.path(Program::OurPlugin), &path)
            .map(|()| path)
            .map_err(describe)
    };
    paths.map(link).collect()
}
