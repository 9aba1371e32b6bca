//! Calls a real plugin: `cargo run --example inc` in a directory that has `nu_plugin_inc`.

use std::process::ExitCode;

use pegboard_host::{Config, Engine, Error, ReportStyle, Value};

fn main() -> ExitCode {
    match next_version("1.2.3") {
        Ok(version) => {
            println!("{version}"); // 1.3.0
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprint!("{}", error.report(None, ReportStyle::default()));
            ExitCode::FAILURE
        }
    }
}

fn next_version(version: &str) -> Result<String, Error> {
    let directory = std::env::current_dir().map_err(|error| Error::misuse(error.to_string()))?;
    let engine = Engine::new(Config::new(directory, std::env::vars_os()))?;
    // A relative path is relative to the engine's directory, and nothing is looked up in PATH. Not started yet.
    let inc = engine.load("nu_plugin_inc")?;
    let output = inc
        .run("inc")
        .switch("minor")
        .input(Value::string(version))
        .call()?;
    match output.into_value()? {
        Value::String(version, _) => Ok(version),
        other => Err(Error::misuse(format!("no version came, but {other:?}"))),
    }
}
