//! Pegboard's host with a plugin of Octa's, to be measured by `cargo xtask bench`: `bench_octa MEASURE MILLISECONDS|TIMESx PLUGIN`

#[path = "../src/bench/probe.rs"]
mod probe;

use std::path::Path;
use std::time::Duration;

use pegboard_host::{ByteStream, Config, Engine, Flow, Value};
use probe::Failure;

fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let line = probe::measure(&words, Host::new)?;
    println!("{line}");
    Ok(())
}

struct Host {
    engine: Engine,
}

impl Host {
    fn new() -> Result<Host, Failure> {
        let mut config = Config::new(std::env::current_dir()?, std::env::vars_os());
        // Where instructions are counted, a plugin takes long to end, and has its counts only then.
        config.deadlines.goodbye = Duration::from_secs(30);
        let engine = Engine::new(config)?;
        Ok(Host { engine })
    }
}

impl probe::Host for Host {
    type Plugin = Plugin;

    fn start(&self, program: &Path) -> Result<Plugin, Failure> {
        let plugin = self.engine.load(program)?;
        plugin.start()?;
        let pid = plugin.status().pid.ok_or("the plugin does not run")?;
        Ok(Plugin { plugin, pid })
    }
}

struct Plugin {
    plugin: pegboard_host::Plugin,
    pid: u32,
}

impl Plugin {
    /// What a task writes that has this text, once or as often as is asked for.
    fn execute(&self, text: String, count: Option<i64>) -> Result<ByteStream, Failure> {
        let run = self.plugin.run("bench").argument(Value::string(text));
        let run = match count {
            Some(count) => run.argument(Value::int(count)),
            None => run,
        };
        match run.call()? {
            Flow::Bytes(chunks) => Ok(chunks),
            other => Err(format!("no output came, but {other:?}").into()),
        }
    }
}

impl probe::Plugin for Plugin {
    fn metadata(&mut self) -> Result<(), Failure> {
        Err("the host asks for it once and keeps it".into())
    }

    /// There and back as a text.
    fn echo(&mut self, number: i64) -> Result<i64, Failure> {
        let mut output = Vec::new();
        for chunk in self.execute(number.to_string(), None)? {
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
        let (mut lines, mut size) = (0, 0);
        for chunk in self.execute(text, Some(count))? {
            let chunk = chunk?;
            lines += chunk.iter().filter(|byte| **byte == b'\n').count();
            size += chunk.len();
        }
        match size == lines * length {
            true => Ok(i64::try_from(lines)?),
            false => Err(format!("{lines} lines came in {size} bytes").into()),
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
