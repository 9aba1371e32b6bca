//! The smallest host: runs one command of one plugin. `cargo run --example hello -- PLUGIN COMMAND INPUT`

use std::error::Error;

use pegboard_host::{Config, Engine, Value};

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(path), Some(command), Some(input)) = (words.next(), words.next(), words.next())
    else {
        return Err("usage: hello PLUGIN COMMAND INPUT".into());
    };

    // An engine gets all it has to know as values; a plugin is started when it is first needed.
    let engine = Engine::new(Config::new(std::env::current_dir()?, std::env::vars_os()))?;
    let plugin = engine.load(path)?;
    for signature in plugin.signatures()?.iter() {
        eprintln!("{}: {}", signature.sig.name, signature.sig.description);
    }

    let output = plugin.run(command).input(Value::string(input)).call()?;
    println!("{:?}", output.into_value()?);
    Ok(())
}
