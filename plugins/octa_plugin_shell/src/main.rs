//! Octa's key `shell`: runs a command with sh.

#[cfg(unix)]
mod cancelled;
#[cfg(unix)]
mod ending;
#[cfg(unix)]
mod guard;
#[cfg(unix)]
mod pipes;
#[cfg(unix)]
mod run;
#[cfg(unix)]
mod script;

use std::io::Write;

use pegboard_plugin::Plugin;
use pegboard_plugin::octa::{Error, Execution, ExitStatus, Key};

fn main() -> std::process::ExitCode {
    let shell = Key::new("shell", "Runs a command with sh").execute(execute);
    Plugin::new("shell", env!("CARGO_PKG_VERSION"))
        .octa(shell)
        .serve()
}

fn execute(execution: Execution) -> Result<ExitStatus, Error> {
    let command = octa_plugin_tpl::text(&execution)?;
    if execution.is_dry() {
        writeln!(execution.stdout(), "{command}")?;
        return Ok(ExitStatus::SUCCESS);
    }
    #[cfg(unix)]
    return run::run(&execution, &command);
    #[cfg(not(unix))]
    return Err("commands are run on Unix only".into());
}
