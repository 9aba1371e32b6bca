//! What it costs when there is more of something: `bench_growth WHAT SIZE MILLISECONDS DIRECTORY PLUGIN...`
//!
//! Prints names and numbers as one line of JSON, in seconds, bytes and units per second, as `cargo xtask bench --report`
//! reads them. What it makes, it makes in the directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::time::{Duration, Instant, SystemTime};

use pegboard_host::protocol::nu::ByteStreamKind;
use pegboard_host::store::{Store, describe, signatures_as_json};
use pegboard_host::{Config, Engine, Flow, LinkChoice, Plugin, PluginConfig, Value};

/// Whatever goes wrong: a measurement that fails is no measurement.
type Failure = Box<dyn std::error::Error + Send + Sync>;
type Figures = Vec<(&'static str, f64)>;

fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [what, size, milliseconds, directory, programs @ ..] = words.as_slice() else {
        return Err("usage: bench_growth WHAT SIZE MILLISECONDS DIRECTORY PLUGIN...".into());
    };
    let (size, time) = (size.parse()?, Duration::from_millis(milliseconds.parse()?));
    let programs: Vec<PathBuf> = programs.iter().map(PathBuf::from).collect();
    let program = programs.first().ok_or("no plugin to measure")?;
    let mut config = Config::new(std::env::current_dir()?, std::env::vars_os());
    // Plugins that are counted do not go away.
    config.idle = None;
    let engine = Engine::new(config)?;
    let figures = match what.as_str() {
        "calls-at-once" => calls_at_once(&start(&engine, program)?, size, time)?,
        "plugins" => plugins(&engine, program, &programs[1..], time)?,
        "store" => store(&start(&engine, program)?, size, time, Path::new(directory))?,
        "chunks" => chunks(&start(&engine, program)?, size)?,
        "depth" => echoes(&start(&engine, program)?, time, &nested(size))?,
        "list" => echoes(&start(&engine, program)?, time, &list(size))?,
        "record" => echoes(&start(&engine, program)?, time, &record(size))?,
        other => return Err(format!("nothing is known about `{other}`").into()),
    };
    engine.shutdown();
    let fields: Vec<_> = figures
        .iter()
        .map(|(name, number)| format!("\"{name}\":{number:e}"))
        .collect();
    println!("{{{}}}", fields.join(","));
    Ok(())
}

fn start(engine: &Engine, program: &Path) -> Result<Plugin, Failure> {
    let config = PluginConfig {
        link: LinkChoice::Stdio,
        ..PluginConfig::default()
    };
    let plugin = engine.load_with(program, config)?;
    echo(&plugin, 1)?;
    Ok(plugin)
}

fn echo(plugin: &Plugin, number: i64) -> Result<(), Failure> {
    let run = plugin.run("bench echo").input(Value::int(number));
    expect(run.call()?.into_value()?, number)
}

fn expect(value: Value, number: i64) -> Result<(), Failure> {
    match value {
        Value::Int(found, _) if found == number => Ok(()),
        other => Err(format!("{number} was expected, but {other:?} came").into()),
    }
}

/// As many threads as that, each with one call after the other.
fn calls_at_once(plugin: &Plugin, threads: usize, time: Duration) -> Result<Figures, Failure> {
    let ready = Barrier::new(threads);
    let caller = |_| {
        ready.wait();
        let (begin, mut times) = (Instant::now(), Vec::new());
        while begin.elapsed() < time || times.is_empty() {
            let start = Instant::now();
            echo(plugin, times.len() as i64)?;
            times.push(start.elapsed());
        }
        Ok::<_, Failure>((times, begin.elapsed()))
    };
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|number| scope.spawn(move || caller(number)))
            .collect();
        threads.into_iter().map(|thread| thread.join()).collect()
    });
    let (mut times, mut longest) = (Vec::new(), Duration::ZERO);
    for outcome in outcomes {
        let (of_one, took) = outcome.map_err(|_| "a caller panicked")??;
        times.extend(of_one);
        longest = longest.max(took);
    }
    let mut figures = quantiles(&mut times);
    figures.push(("per_second", times.len() as f64 / longest.as_secs_f64()));
    Ok(figures)
}

/// One engine with all of these running, beside the first one, with which come the engine's own threads and its guard.
fn plugins(
    engine: &Engine,
    first: &Path,
    programs: &[PathBuf],
    time: Duration,
) -> Result<Figures, Failure> {
    let _first = start(engine, first)?;
    let (memory, threads) = (status("VmRSS:")?, status("Threads:")?);
    let begin = Instant::now();
    let plugins: Vec<Plugin> = programs
        .iter()
        .map(|program| start(engine, program))
        .collect::<Result<_, _>>()?;
    let started = begin.elapsed();
    let count = plugins.len() as f64;
    let each = |now: f64, before: f64| (now - before).max(0.0) / count;
    let mut figures = vec![
        ("each_start_seconds", started.as_secs_f64() / count),
        ("each_bytes", each(status("VmRSS:")?, memory) * 1024.0),
        ("each_threads", each(status("Threads:")?, threads)),
    ];
    let one = plugins.get(plugins.len() / 2).ok_or("no plugin")?;
    let mut number = 0;
    figures.extend(again(time, || {
        number += 1;
        echo(one, number)
    })?);
    let begin = Instant::now();
    engine.shutdown();
    let stopped = begin.elapsed().as_secs_f64();
    figures.push(("each_stop_seconds", stopped / count));
    Ok(figures)
}

/// How many commands each of the installed plugins has.
const COMMANDS: usize = 8;

/// That many plugins installed: what a shell does at a key press and an application at a command.
fn store(plugin: &Plugin, size: usize, time: Duration, to: &Path) -> Result<Figures, Failure> {
    let directory = to.join("store");
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    let store = Store::open(&directory);
    let entry = describe(plugin, SystemTime::now())?;
    let model = plugin.signatures()?.first().ok_or("no command")?.clone();
    let mut added = Duration::ZERO;
    for number in 0..size {
        let mut entry = entry.clone();
        entry.name = format!("tool{number:03}");
        let commands: Vec<_> = (0..COMMANDS)
            .map(|command| {
                let mut signature = model.clone();
                signature.sig.name = format!("{} verb{command}", entry.name);
                signature
            })
            .collect();
        entry.signatures = signatures_as_json(&commands)?;
        let begin = Instant::now();
        store.add(&entry)?;
        added = begin.elapsed();
    }
    let name = format!("tool{:03}", size / 2);
    let words = [name.as_str(), "verb3", "an", "argument"];
    let find = again(time / 3, || {
        let snapshot = store.read()?;
        match snapshot.index().longest(&words) {
            Some((_, 2)) => Ok(()),
            _ => Err("the command was not found".into()),
        }
    })?;
    let complete = again(time / 3, || {
        let snapshot = store.read()?;
        let prefix = format!("{name} ");
        match snapshot.index().starting_with(&prefix).count() {
            COMMANDS => Ok(()),
            other => Err(format!("{other} candidates").into()),
        }
    })?;
    let help = again(time / 3, || {
        let signatures = store.read()?.signatures(&name)?;
        match signatures.is_some_and(|commands| commands.len() == COMMANDS) {
            true => Ok(()),
            false => Err("its commands were not found".into()),
        }
    })?;
    let p50 = |figures: Figures| figures.first().map_or(0.0, |(_, number)| *number);
    Ok(vec![
        ("find_seconds", p50(find)),
        ("complete_seconds", p50(complete)),
        ("help_seconds", p50(help)),
        ("add_seconds", added.as_secs_f64()),
    ])
}

/// A byte stream to the plugin in chunks of this size.
fn chunks(plugin: &Plugin, size: usize) -> Result<Figures, Failure> {
    let count = chunks_of(size);
    let block = vec![b'x'; size];
    let flow = Flow::try_bytes(
        std::iter::repeat_n(block, count).map(Ok),
        ByteStreamKind::Binary,
    );
    let begin = Instant::now();
    let answer = plugin.run("bench size").input(flow).call()?.into_value()?;
    let took = begin.elapsed();
    expect(answer, (size * count) as i64)?;
    let per_second = (size * count) as f64 / took.as_secs_f64();
    Ok(vec![("per_second", per_second)])
}

/// So many that they take some time, and no more memory than need be.
fn chunks_of(size: usize) -> usize {
    ((64 << 20) / size).clamp(64, 50_000)
}

fn nested(depth: usize) -> Value {
    (0..depth).fold(Value::int(1), |inner, _| Value::list([inner]))
}

fn list(length: usize) -> Value {
    Value::list((0..length as i64).map(Value::int))
}

fn record(columns: usize) -> Value {
    Value::record((0..columns).map(|column| (format!("c{column}"), Value::int(column as i64))))
}

/// The value there and back, again and again.
fn echoes(plugin: &Plugin, time: Duration, value: &Value) -> Result<Figures, Failure> {
    let back = plugin.run("bench echo").input(value.clone()).call()?;
    if back.into_value()? != *value {
        return Err("another value came back".into());
    }
    again(time, || {
        let back = plugin.run("bench echo").input(value.clone()).call()?;
        back.into_value().map(drop).map_err(Failure::from)
    })
}

/// Does it for that long, at least three times.
fn again(
    time: Duration,
    mut once: impl FnMut() -> Result<(), Failure>,
) -> Result<Figures, Failure> {
    let (begin, mut times) = (Instant::now(), Vec::new());
    while begin.elapsed() < time || times.len() < 3 {
        let start = Instant::now();
        once()?;
        times.push(start.elapsed());
    }
    Ok(quantiles(&mut times))
}

fn quantiles(times: &mut [Duration]) -> Figures {
    times.sort_unstable();
    let at = |part: f64| {
        let index = ((times.len() as f64 * part) as usize).min(times.len() - 1);
        times[index].as_secs_f64()
    };
    vec![("p50_seconds", at(0.5)), ("p99_seconds", at(0.99))]
}

/// A number of this process: kibibytes, or how many threads.
fn status(name: &str) -> Result<f64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.ok_or("not in status")?.trim().trim_end_matches(" kB");
    Ok(number.parse()?)
}
