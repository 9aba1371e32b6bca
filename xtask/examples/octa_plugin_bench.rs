//! The plugin for Octa that `cargo xtask bench` measures: writes a task's text as one line, or as many as are asked for, to
//! standard output or standard error. Where it is called slow, it listens after a second.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use pegboard_plugin::Plugin;
use pegboard_plugin::octa::{Error, Execution, Key};

fn main() -> ExitCode {
    let name = std::env::args().next().unwrap_or_default();
    if name.ends_with("_slow") {
        std::thread::sleep(Duration::from_secs(1));
    }
    let bench = Key::new("bench", "Writes its text, so many times").execute(write);
    Plugin::new("bench", env!("CARGO_PKG_VERSION"))
        .octa(bench)
        .serve()
}

fn write(execution: Execution) -> Result<(), Error> {
    let (count, mut to) = match execution.args() {
        [] => (1, execution.stdout()),
        [count] => (count.parse::<u64>()?, execution.stdout()),
        [count, ..] => (count.parse()?, execution.stderr()),
    };
    let line = format!("{}\n", execution.text());
    for _ in 0..count {
        to.write_all(line.as_bytes())?;
    }
    Ok(())
}
