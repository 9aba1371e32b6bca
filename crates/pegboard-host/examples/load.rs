//! A host under load, to be ended in the middle of it: several plugins that are started, called and stopped all the time.
//! `cargo run --example load -- DIRECTORY REFERENCE HOSTILE ENDING [TICKS]`
//!
//! It prints a line after every step, and ends after as many as `TICKS` in the way that `ENDING` says: `return`, `exit`,
//! `panic` or `abort`; without `TICKS`, it goes on until something else ends it.

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use pegboard_host::protocol::nu::ByteStreamKind;
use pegboard_host::{
    Config, Deadlines, Engine, Error as Failure, ErrorKind, Flow, Plugin, PluginConfig, Restarts,
    Value,
};

/// Ends a plugin that does not want to end, soon.
const DEADLINES: Deadlines = Deadlines {
    encoding: Duration::from_secs(10),
    hello: Duration::from_secs(10),
    connect: Duration::from_secs(10),
    metadata: Duration::from_secs(10),
    signature: Duration::from_secs(10),
    begin: Duration::from_secs(10),
    goodbye: Duration::from_millis(20),
    close: Duration::from_millis(20),
    terminate: Duration::from_millis(20),
};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [directory, reference, hostile, ending, rest @ ..] = &words[..] else {
        return Err("usage: load DIRECTORY REFERENCE HOSTILE ENDING [TICKS]".into());
    };
    let ticks = rest.first().map(|ticks| ticks.parse::<u64>()).transpose()?;
    let site = Site {
        directory: PathBuf::from(directory),
        reference: PathBuf::from(reference),
        hostile: PathBuf::from(hostile),
    };
    let engine = Engine::new(site.config())?;
    let (ticker, steps) = sync_channel(0);
    let threads = site.begin(&engine, &ticker)?;
    drop(ticker);

    let mut stdout = std::io::stdout();
    for (count, step) in (0_u64..).zip(steps) {
        if Some(count) == ticks {
            break;
        }
        writeln!(stdout, "{step}")?;
    }
    match ending.as_str() {
        "exit" => std::process::exit(3),
        "abort" => std::process::abort(),
        "panic" => panic!("as it was asked to"),
        _ => {
            drop(engine);
            for thread in threads {
                thread.join().map_err(|_| "a thread panicked")?;
            }
        }
    }
    Ok(())
}

/// Where everything is.
#[derive(Clone)]
struct Site {
    directory: PathBuf,
    reference: PathBuf,
    hostile: PathBuf,
}

type Ticker = SyncSender<&'static str>;

impl Site {
    fn config(&self) -> Config {
        let mut config = Config::new(&self.directory, std::env::vars_os());
        config.runtime_directory = self.directory.clone();
        config.deadlines = DEADLINES;
        config.restarts = Restarts {
            allowed: u32::MAX,
            ..Restarts::default()
        };
        config
    }

    /// Starts the threads that make the load. They end with the engine, or when nobody counts their steps.
    fn begin(
        &self,
        engine: &Engine,
        ticker: &Ticker,
    ) -> Result<Vec<JoinHandle<()>>, Box<dyn Error>> {
        let reference = engine.load(&self.reference)?;
        let hostile =
            |name, modes| load_hostile(engine, &self.directory, &self.hostile, name, modes);
        let forking = hostile("forking", "forks,forks-holding-stdout")?;
        let stubborn = hostile("stubborn", "ignores-goodbye-and-eof,ignores-sigterm,forks")?;
        let crashing = hostile("crashing", "dies-on-run,forks")?;
        let socket = hostile("socket", "local-socket,forks")?;

        let works = self.load_octa(engine)?;

        let (site, own_ticker) = (self.clone(), ticker.clone());
        let engines = thread::spawn(move || {
            while site.live_shortly().is_ok() && own_ticker.send("engine").is_ok() {}
        });
        Ok(vec![
            repeat(ticker, "value", reference.clone(), |plugin| {
                let output = plugin
                    .run("ref echo")
                    .input(Value::string("value"))
                    .call()?;
                output.into_value().map(drop)
            }),
            repeat(ticker, "list", reference.clone(), |plugin| {
                let numbers = (0..200).map(Value::int);
                let output = plugin.run("ref echo").input(Flow::list(numbers)).call()?;
                match output {
                    Flow::List(items) => items.take(100).try_for_each(|item| item.map(drop)),
                    _ => Ok(()),
                }
            }),
            repeat(ticker, "bytes", reference, |plugin| {
                let bytes = Flow::bytes(std::io::repeat(b'x'), ByteStreamKind::Binary);
                let output = plugin
                    .run("ref head")
                    .argument(Value::int(3))
                    .input(bytes)
                    .call()?;
                output.into_value().map(drop)
            }),
            repeat(ticker, "forking", forking, start_and_stop),
            repeat(ticker, "stubborn", stubborn, start_and_stop),
            repeat(ticker, "socket", socket, start_and_stop),
            repeat(ticker, "crashing", crashing, |plugin| {
                match plugin.run("hostile").call() {
                    Err(error) if error.kind() != ErrorKind::Misuse => Ok(()),
                    other => other.map(drop),
                }
            }),
            repeat(ticker, "octa", works, |plugin| {
                // Each has a command of its own running, and nobody waits for their end.
                let run = || plugin.run("hostile").argument("misbehave").call();
                let running = [run()?, run()?, run()?];
                drop(running);
                Ok(())
            }),
            engines,
        ])
    }

    /// A plugin of Octa's that starts a command for everything that it is asked to do.
    fn load_octa(&self, engine: &Engine) -> Result<Plugin, Box<dyn Error>> {
        let path = self.directory.join("octa_plugin_works");
        std::os::unix::fs::symlink(&self.hostile, &path)?;
        let interpreter = ["/usr/bin/env", "HOSTILE=works"].map(Into::into);
        let config = PluginConfig {
            interpreter: Some(interpreter.into()),
            ..PluginConfig::default()
        };
        Ok(engine.load_with(path, config)?)
    }

    /// An engine of its own that goes as soon as it has come.
    fn live_shortly(&self) -> Result<(), Box<dyn Error>> {
        let engine = Engine::new(self.config())?;
        let plugin = load_hostile(
            &engine,
            &self.directory,
            &self.hostile,
            "guest",
            "local-socket,forks",
        )?;
        let starting = thread::spawn(move || plugin.start());
        let other = load_hostile(&engine, &self.directory, &self.hostile, "other", "forks")?;
        other.run("hostile").call()?;
        // The first one may be in the middle of its start.
        drop(engine);
        let _ = starting.join();
        Ok(())
    }
}

fn start_and_stop(plugin: &Plugin) -> Result<(), Failure> {
    plugin.run("hostile").call()?;
    plugin.stop();
    Ok(())
}

/// Does something over and over until it fails, which it does when the engine goes, or until nobody counts any more.
fn repeat(
    ticker: &Ticker,
    name: &'static str,
    plugin: Plugin,
    act: impl Fn(&Plugin) -> Result<(), Failure> + Send + 'static,
) -> JoinHandle<()> {
    let ticker = ticker.clone();
    thread::spawn(move || {
        while ticker.send(name).is_ok() {
            match act(&plugin) {
                Err(error) if error.kind() == ErrorKind::Misuse => return,
                _ => {}
            }
        }
    })
}

fn load_hostile(
    engine: &Engine,
    directory: &Path,
    program: &Path,
    name: &str,
    modes: &str,
) -> Result<Plugin, Box<dyn Error>> {
    let path = directory.join(format!("nu_plugin_{name}"));
    match std::os::unix::fs::symlink(program, &path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error.into()),
        _ => {}
    }
    let config = PluginConfig {
        interpreter: Some(vec![
            "/usr/bin/env".into(),
            format!("HOSTILE={modes}").into(),
        ]),
        ..PluginConfig::default()
    };
    Ok(engine.load_with(path, config)?)
}
