//! The plugin for Octa that `cargo xtask bench` measures: writes a task's text as one line, or as many as are asked for.

use std::io::Write;
use std::process::ExitCode;

use pegboard_plugin::Plugin;
use pegboard_plugin::octa::{Error, Execution, Key};

fn main() -> ExitCode {
    let bench = Key::new("bench", "Writes its text, so many times").execute(write);
    Plugin::new("bench", env!("CARGO_PKG_VERSION"))
        .octa(bench)
        .serve()
}

fn write(execution: Execution) -> Result<(), Error> {
    let count = match execution.args() {
        [] => 1,
        [count, ..] => count.parse::<u64>()?,
    };
    let line = format!("{}\n", execution.text());
    let mut stdout = execution.stdout();
    for _ in 0..count {
        stdout.write_all(line.as_bytes())?;
    }
    Ok(())
}
