//! The measuring loops, the same for every host; each measuring program includes this file by its path.

use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// Whatever goes wrong: a measurement that fails is no measurement.
pub(crate) type Failure = Box<dyn Error>;

/// A host that starts plugins.
pub(crate) trait Host: Sync {
    /// A plugin that runs, and ends when it is dropped.
    type Plugin: Plugin + Send;

    /// Starts the program, and waits until it is ready.
    fn start(&self, program: &Path) -> Result<Self::Plugin, Failure>;

    /// Starts the programs side by side.
    fn start_together(&self, programs: &[PathBuf]) -> Result<Vec<Self::Plugin>, Failure> {
        let start = |program| self.start(program).map_err(|error| error.to_string());
        thread::scope(|scope| {
            let starts: Vec<_> = programs
                .iter()
                .map(|program| scope.spawn(move || start(program)))
                .collect();
            let ends = starts.into_iter();
            ends.map(|start| Ok(start.join().map_err(|_| "a start panicked")??))
                .collect()
        })
    }

    /// How long the first answer of the one takes while the other one, which takes a second, starts too.
    fn first_beside(&self, _program: &Path, _slow: &Path) -> Result<Duration, Failure> {
        Err("this side has no slow plugin".into())
    }
}

/// What can be asked of a plugin that is measured. Everything is checked: the answer says how much arrived.
pub(crate) trait Plugin {
    /// Gets the first answer of a plugin that was just started.
    fn first(&mut self) -> Result<(), Failure> {
        same(self.echo(1)?, 1)
    }
    /// Asks for its metadata over the wire.
    fn metadata(&mut self) -> Result<(), Failure>;
    /// Gives back the number.
    fn echo(&mut self, number: i64) -> Result<i64, Failure>;
    /// Reads a list stream of this many numbers; their sum.
    fn numbers_out(&mut self, count: i64) -> Result<i64, Failure>;
    /// Writes the same; their sum as the plugin sees it.
    fn numbers_in(&mut self, count: i64) -> Result<i64, Failure>;
    /// Reads a byte stream of this length; the length.
    fn bytes_out(&mut self, count: i64) -> Result<i64, Failure>;
    /// Writes the same; its length as the plugin sees it.
    fn bytes_in(&mut self, count: i64) -> Result<i64, Failure>;
    /// Reads so many lines of this length, with their ends; how many came.
    fn lines_out(&mut self, _count: i64, _length: usize) -> Result<i64, Failure> {
        Err("this side has no lines".into())
    }
    /// The same of what is written to standard error.
    fn lines_err(&mut self, _count: i64, _length: usize) -> Result<i64, Failure> {
        Err("this side has no standard error of its own".into())
    }
    /// Its process.
    fn pid(&self) -> u32;
}

/// What is measured when nothing is compared yet: names and numbers.
pub(crate) type Figures = Vec<(&'static str, f64)>;

/// Items in one list stream, and bytes in one byte stream. Both take the slowest peer a quarter of a second.
const NUMBERS: i64 = 50_000;
const BYTES: i64 = 4 << 20;
/// How long a line is, with its end.
const LINE: usize = 64;

/// How long a loop goes on.
#[derive(Clone, Copy)]
enum Until {
    /// `300`: milliseconds.
    Time(Duration),
    /// `50x`: so many calls, or one stream of so many units. This is how instructions are counted.
    Times(u64),
}

impl Until {
    fn parse(word: &str) -> Result<Until, Failure> {
        Ok(match word.strip_suffix('x') {
            Some(times) => Until::Times(times.parse()?),
            None => Until::Time(Duration::from_millis(word.parse()?)),
        })
    }

    /// Whether to go on after so many times since then.
    fn goes_on(self, begin: Instant, done: u64) -> bool {
        match self {
            Until::Time(time) => begin.elapsed() < time,
            Until::Times(times) => done < times,
        }
    }
}

/// Runs what a command line says: `MEASURE MILLISECONDS PROGRAM...`, or `MEASURE TIMESx PROGRAM...`, after the words that
/// the measuring program took.
///
/// `make` makes a host; its cost belongs to the start of the first plugin.
pub(crate) fn measure<H: Host>(
    words: &[String],
    make: impl Fn() -> Result<H, Failure>,
) -> Result<String, Failure> {
    let [what, until, programs @ ..] = words else {
        return Err("usage: ... MEASURE MILLISECONDS|TIMESx PROGRAM...".into());
    };
    let until = Until::parse(until)?;
    let programs: Vec<PathBuf> = programs.iter().map(PathBuf::from).collect();
    let program = programs.first().ok_or("no program to measure")?;
    let figures = match what.as_str() {
        "start" => starts(until, program, make)?,
        "again" => restarts(until, program, &make()?)?,
        "together" => starts_by(until, || {
            let start = Instant::now();
            let host = make()?;
            let running = host.start_together(&programs)?;
            let took = start.elapsed();
            drop(running);
            Ok(took)
        })?,
        "beside" => {
            let slow = programs.get(1).ok_or("no slow program")?;
            starts_by(until, || make()?.first_beside(program, slow))?
        }
        "memory" => many(&programs, &make()?)?,
        _ => {
            let host = make()?;
            let mut plugin = host.start(program)?;
            match what.as_str() {
                "metadata" => calls(until, &mut plugin, |plugin, _| plugin.metadata())?,
                "echo" => calls(until, &mut plugin, |plugin, number| {
                    same(plugin.echo(number)?, number)
                })?,
                "numbers-out" => flows(until, &mut plugin, NUMBERS, |plugin, count| {
                    same(plugin.numbers_out(count)?, sum(count))
                })?,
                "numbers-in" => flows(until, &mut plugin, NUMBERS, |plugin, count| {
                    same(plugin.numbers_in(count)?, sum(count))
                })?,
                "lines-out" => flows(until, &mut plugin, NUMBERS, |plugin, count| {
                    same(plugin.lines_out(count, LINE)?, count)
                })?,
                "lines-err" => flows(until, &mut plugin, NUMBERS, |plugin, count| {
                    same(plugin.lines_err(count, LINE)?, count)
                })?,
                "bytes-out" => flows(until, &mut plugin, BYTES, |plugin, count| {
                    same(plugin.bytes_out(count)?, count)
                })?,
                "bytes-in" => flows(until, &mut plugin, BYTES, |plugin, count| {
                    same(plugin.bytes_in(count)?, count)
                })?,
                other => return Err(format!("nothing is known about `{other}`").into()),
            }
        }
    };
    Ok(as_json(&figures))
}

/// One call after the other, each timed.
fn calls<P: Plugin>(
    until: Until,
    plugin: &mut P,
    mut call: impl FnMut(&mut P, i64) -> Result<(), Failure>,
) -> Result<Figures, Failure> {
    for number in 0..100 {
        call(plugin, number)?;
    }
    let mut times = Vec::with_capacity(1 << 20);
    let cpu = Cpu::now(plugin.pid())?;
    let begin = Instant::now();
    while until.goes_on(begin, times.len() as u64) {
        let start = Instant::now();
        call(plugin, times.len() as i64)?;
        times.push(start.elapsed());
    }
    let spent = Cpu::now(plugin.pid())?.since(&cpu);
    let mut figures = quantiles(&mut times);
    figures.extend(spent.per(times.len() as f64));
    Ok(figures)
}

/// One stream of `count` units after the other, timed together; or a single one, as long as is asked for.
fn flows<P: Plugin>(
    until: Until,
    plugin: &mut P,
    count: i64,
    mut flow: impl FnMut(&mut P, i64) -> Result<(), Failure>,
) -> Result<Figures, Failure> {
    let (count, times) = match until {
        Until::Time(_) => (count, until),
        Until::Times(units) => (i64::try_from(units)?, Until::Times(1)),
    };
    if let Until::Time(_) = until {
        flow(plugin, count)?;
    }
    let cpu = Cpu::now(plugin.pid())?;
    let (begin, mut flows) = (Instant::now(), 0);
    while times.goes_on(begin, flows) {
        flow(plugin, count)?;
        flows += 1;
    }
    let took = begin.elapsed();
    let spent = Cpu::now(plugin.pid())?.since(&cpu);
    let units = flows as f64 * count as f64;
    let mut figures = vec![("per_second", units / took.as_secs_f64())];
    figures.extend(spent.per(units));
    figures.push(("took_seconds", took.as_secs_f64()));
    figures.push(("host_peak_bytes", memory("self", "VmHWM:")? as f64));
    let plugin = plugin.pid().to_string();
    figures.push(("plugin_peak_bytes", memory(&plugin, "VmHWM:")? as f64));
    Ok(figures)
}

/// From nothing to the first answer, again and again.
fn starts<H: Host>(
    until: Until,
    program: &Path,
    make: impl Fn() -> Result<H, Failure>,
) -> Result<Figures, Failure> {
    starts_by(until, || {
        let start = Instant::now();
        let host = make()?;
        let mut plugin = host.start(program)?;
        plugin.first()?;
        Ok(start.elapsed())
    })
}

/// The same in a host that has had the plugin before.
fn restarts<H: Host>(until: Until, program: &Path, host: &H) -> Result<Figures, Failure> {
    host.start(program)?.first()?;
    starts_by(until, || {
        let start = Instant::now();
        let mut plugin = host.start(program)?;
        plugin.first()?;
        Ok(start.elapsed())
    })
}

/// Starts something again and again, which says how long that took.
fn starts_by(
    until: Until,
    once: impl Fn() -> Result<Duration, Failure>,
) -> Result<Figures, Failure> {
    let mut times = Vec::new();
    let begin = Instant::now();
    while until.goes_on(begin, times.len() as u64) || times.len() < 5 {
        times.push(once()?);
    }
    Ok(quantiles(&mut times))
}

/// What the host has resident with one plugin that has answered and is idle, and for each of the others.
fn many<H: Host>(programs: &[PathBuf], host: &H) -> Result<Figures, Failure> {
    let mut plugins = Vec::new();
    let mut first = 0;
    for program in programs {
        let mut plugin = host.start(program)?;
        plugin.first()?;
        plugins.push(plugin);
        if plugins.len() == 1 {
            first = memory("self", "VmRSS:")?;
        }
    }
    let others = plugins.len().saturating_sub(1).max(1) as f64;
    let grown = memory("self", "VmRSS:")?.saturating_sub(first) as f64;
    Ok(vec![
        ("with_one_bytes", first as f64),
        ("per_plugin_bytes", grown / others),
    ])
}

fn same(found: i64, expected: i64) -> Result<(), Failure> {
    match found == expected {
        true => Ok(()),
        false => Err(format!("{found} came, not {expected}").into()),
    }
}

fn sum(count: i64) -> i64 {
    count * (count - 1) / 2
}

fn quantiles(times: &mut [Duration]) -> Figures {
    times.sort_unstable();
    let at = |part: f64| {
        let index = ((times.len() as f64 * part) as usize).min(times.len() - 1);
        times[index].as_secs_f64()
    };
    vec![("p50_seconds", at(0.5)), ("p99_seconds", at(0.99))]
}

/// What host and plugin have spent of the processor, all their threads together, in seconds.
struct Cpu {
    host: f64,
    plugin: f64,
}

impl Cpu {
    fn now(plugin: u32) -> Result<Cpu, Failure> {
        Ok(Cpu {
            host: spent("self")?,
            plugin: spent(&plugin.to_string())?,
        })
    }

    fn since(&self, before: &Cpu) -> Cpu {
        Cpu {
            host: self.host - before.host,
            plugin: self.plugin - before.plugin,
        }
    }

    fn per(&self, units: f64) -> Figures {
        vec![
            ("host_cpu_seconds", self.host / units),
            ("plugin_cpu_seconds", self.plugin / units),
        ]
    }
}

/// The kernel counts in hundredths of a second, which is what this number is good for.
fn spent(process: &str) -> Result<f64, Failure> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name, in parentheses, may hold anything.
    let (_, fields) = stat.rsplit_once(") ").ok_or("no name in stat")?;
    let ticks: Vec<f64> = fields
        .split(' ')
        .skip(11)
        .take(2)
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / 100.0)
}

/// Memory of a process, in bytes: resident now, or at most so far.
fn memory(process: &str, name: &str) -> Result<u64, Failure> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .ok_or("no such line in status")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes * 1024)
}

/// One line; without a library, because programs outside this workspace share this file.
fn as_json(figures: &Figures) -> String {
    let mut line = String::from("{");
    for (name, number) in figures {
        let comma = if line.len() > 1 { "," } else { "" };
        let _ = write!(line, "{comma}\"{name}\":{number:e}");
    }
    line + "}"
}
