//! Pegboard's host with a plugin of Octa's, to be measured by `cargo xtask bench`: `bench_octa MEASURE MILLISECONDS|TIMESx PLUGIN`

#[path = "../src/bench/probe.rs"]
mod probe;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pegboard_host::{ByteStream, Config, Engine, Flow, Stderr, Value};
use probe::Failure;

fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let line = probe::measure(&words, Host::new)?;
    println!("{line}");
    Ok(())
}

struct Host {
    engine: Engine,
    said: Arc<Said>,
}

/// What has come from standard error.
#[derive(Default)]
struct Said {
    lines: AtomicUsize,
    bytes: AtomicUsize,
}

impl Said {
    fn count(&self, bytes: &[u8]) {
        self.lines.fetch_add(lines(bytes), Ordering::Relaxed);
        self.bytes.fetch_add(bytes.len(), Ordering::Relaxed);
    }

    /// What has come since this was called before: lines, and their bytes.
    fn take(&self) -> (usize, usize) {
        let take = |count: &AtomicUsize| count.swap(0, Ordering::Relaxed);
        (take(&self.lines), take(&self.bytes))
    }
}

fn lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

impl Host {
    fn new() -> Result<Host, Failure> {
        let mut config = Config::new(std::env::current_dir()?, std::env::vars_os());
        // Where instructions are counted, a plugin takes long to end, and has its counts only then.
        config.deadlines.goodbye = Duration::from_secs(30);
        let said = Arc::<Said>::default();
        let counts = said.clone();
        config.stderr = Stderr::Forward(Arc::new(move |_, bytes| counts.count(bytes)));
        let engine = Engine::new(config)?;
        Ok(Host { engine, said })
    }
}

impl probe::Host for Host {
    type Plugin = Plugin;

    fn start(&self, program: &Path) -> Result<Plugin, Failure> {
        let plugin = self.engine.load(program)?;
        plugin.start()?;
        let pid = plugin.status().pid.ok_or("the plugin does not run")?;
        let said = self.said.clone();
        Ok(Plugin { plugin, pid, said })
    }

    fn first_beside(&self, program: &Path, slow: &Path) -> Result<Duration, Failure> {
        let begin = Instant::now();
        let slow = self.engine.load(slow)?;
        let own = slow.clone();
        let start = thread::spawn(move || own.start());
        let mut plugin = probe::Host::start(self, program)?;
        probe::Plugin::first(&mut plugin)?;
        let took = begin.elapsed();
        if start.is_finished() {
            return Err("the slow plugin has not been slow".into());
        }
        // It need not become ready for that.
        slow.stop();
        let _ = start.join();
        Ok(took)
    }
}

struct Plugin {
    plugin: pegboard_host::Plugin,
    pid: u32,
    said: Arc<Said>,
}

impl Plugin {
    /// What a task writes that has this text, and these arguments.
    fn execute(&self, text: String, arguments: &[Value]) -> Result<ByteStream, Failure> {
        let mut run = self.plugin.run("bench").argument(Value::string(text));
        for argument in arguments {
            run = run.argument(argument.clone());
        }
        match run.call()? {
            Flow::Bytes(chunks) => Ok(chunks),
            other => Err(format!("no output came, but {other:?}").into()),
        }
    }
}

/// How many lines came, if their size is what it should be.
fn checked((lines, bytes): (usize, usize), length: usize) -> Result<i64, Failure> {
    match bytes == lines * length {
        true => Ok(i64::try_from(lines)?),
        false => Err(format!("{lines} lines came in {bytes} bytes").into()),
    }
}

impl probe::Plugin for Plugin {
    fn metadata(&mut self) -> Result<(), Failure> {
        Err("the host asks for it once and keeps it".into())
    }

    /// There and back as a text.
    fn echo(&mut self, number: i64) -> Result<i64, Failure> {
        let mut output = Vec::new();
        for chunk in self.execute(number.to_string(), &[])? {
            output.extend(chunk?);
        }
        Ok(std::str::from_utf8(&output)?.trim_end().parse()?)
    }

    fn numbers_out(&mut self, _: i64) -> Result<i64, Failure> {
        Err("an execution writes no items".into())
    }

    fn numbers_in(&mut self, _: i64) -> Result<i64, Failure> {
        Err("an execution reads no items".into())
    }

    fn bytes_out(&mut self, _: i64) -> Result<i64, Failure> {
        Err("an execution writes lines".into())
    }

    fn bytes_in(&mut self, _: i64) -> Result<i64, Failure> {
        Err("Octa's executions have no input".into())
    }

    fn lines_out(&mut self, count: i64, length: usize) -> Result<i64, Failure> {
        let text = "x".repeat(length - 1);
        let mut found = (0, 0);
        for chunk in self.execute(text, &[Value::int(count)])? {
            let chunk = chunk?;
            found.0 += lines(&chunk);
            found.1 += chunk.len();
        }
        checked(found, length)
    }

    fn lines_err(&mut self, count: i64, length: usize) -> Result<i64, Failure> {
        let text = "x".repeat(length - 1);
        let arguments = [Value::int(count), Value::string("stderr")];
        match self.execute(text, &arguments)?.next() {
            None => checked(self.said.take(), length),
            Some(chunk) => Err(format!("on standard output came {:?}", chunk?).into()),
        }
    }

    fn pid(&self) -> u32 {
        self.pid
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        self.plugin.stop();
    }
}
