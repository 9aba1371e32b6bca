//! Pegboard's host, to be measured by `cargo xtask bench`: `bench_pegboard LINK MEASURE MILLISECONDS|TIMESx PLUGIN...`

#[path = "../src/bench/probe.rs"]
mod probe;

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use pegboard_host::protocol::nu::ByteStreamKind;
use pegboard_host::{Config, Engine, Flow, LinkChoice, PluginConfig, Value};
use probe::Failure;

fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (link, words) = match words.split_first() {
        Some((link, words)) if link == "stdio" => (LinkChoice::Stdio, words),
        Some((link, words)) if link == "auto" => (LinkChoice::Auto, words),
        _ => return Err("the link is `stdio` or `auto`".into()),
    };
    let line = probe::measure(words, || Host::new(link))?;
    println!("{line}");
    Ok(())
}

struct Host {
    engine: Engine,
    link: LinkChoice,
}

impl Host {
    fn new(link: LinkChoice) -> Result<Host, Failure> {
        let mut config = Config::new(std::env::current_dir()?, std::env::vars_os());
        // Where instructions are counted, a plugin takes long to end, and has its counts only then.
        config.deadlines.goodbye = Duration::from_secs(30);
        let engine = Engine::new(config)?;
        Ok(Host { engine, link })
    }
}

impl probe::Host for Host {
    type Plugin = Plugin;

    fn start(&self, program: &Path) -> Result<Plugin, Failure> {
        let config = PluginConfig {
            link: self.link,
            ..PluginConfig::default()
        };
        let plugin = self.engine.load_with(program, config)?;
        plugin.start()?;
        let pid = plugin.status().pid.ok_or("the plugin does not run")?;
        Ok(Plugin { plugin, pid })
    }
}

struct Plugin {
    plugin: pegboard_host::Plugin,
    pid: u32,
}

impl probe::Plugin for Plugin {
    fn metadata(&mut self) -> Result<(), Failure> {
        Err("the host asks for it once and keeps it".into())
    }

    fn echo(&mut self, number: i64) -> Result<i64, Failure> {
        let run = self.plugin.run("bench echo").input(Value::int(number));
        int(run.call()?.into_value()?)
    }

    fn numbers_out(&mut self, count: i64) -> Result<i64, Failure> {
        let run = self.plugin.run("bench numbers").argument(Value::int(count));
        let mut sum = 0_i64;
        for item in run.call()?.into_items() {
            sum = sum.wrapping_add(int(item?)?);
        }
        Ok(sum)
    }

    fn numbers_in(&mut self, count: i64) -> Result<i64, Failure> {
        let numbers = Flow::list((0..count).map(Value::int));
        let run = self.plugin.run("bench sum").input(numbers);
        int(run.call()?.into_value()?)
    }

    fn bytes_out(&mut self, count: i64) -> Result<i64, Failure> {
        let run = self.plugin.run("bench bytes").argument(Value::int(count));
        let Flow::Bytes(chunks) = run.call()? else {
            return Err("no byte stream came".into());
        };
        let mut size = 0;
        for chunk in chunks {
            size += chunk?.len() as i64;
        }
        Ok(size)
    }

    fn bytes_in(&mut self, count: i64) -> Result<i64, Failure> {
        let bytes = std::io::repeat(b'x').take(u64::try_from(count)?);
        let input = Flow::bytes(bytes, ByteStreamKind::Binary);
        int(self
            .plugin
            .run("bench size")
            .input(input)
            .call()?
            .into_value()?)
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

fn int(value: Value) -> Result<i64, Failure> {
    match value {
        Value::Int(number, _) => Ok(number),
        other => Err(format!("no number came, but {other:?}").into()),
    }
}
