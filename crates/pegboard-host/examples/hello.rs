//! The smallest host: runs one command of one plugin. `cargo run --example hello -- PLUGIN COMMAND INPUT`

use std::process::ExitCode;

use pegboard_host::{Config, Engine, Error, ReportStyle, Value};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // All that is known, made harmless for a terminal. `{error}` is the same on one line.
            eprint!("{}", error.report(None, ReportStyle::default()));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Error> {
    let mut words = std::env::args().skip(1);
    let (Some(path), Some(command), Some(input)) = (words.next(), words.next(), words.next())
    else {
        return Err(Error::misuse("usage: hello PLUGIN COMMAND INPUT"));
    };

    // An engine gets all it has to know as values; a plugin is started when it is first needed.
    let directory = std::env::current_dir().map_err(|error| Error::misuse(error.to_string()))?;
    let engine = Engine::new(Config::new(directory, std::env::vars_os()))?;
    // A relative path is relative to the engine's directory.
    let plugin = engine.load(path)?;
    for signature in plugin.signatures()?.iter() {
        eprintln!("{}: {}", signature.sig.name, signature.sig.description);
    }

    let output = plugin.run(command).input(Value::string(input)).call()?;
    println!("{:?}", output.into_value()?);
    Ok(())
}
