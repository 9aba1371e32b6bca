//! A host that lends its terminal to a plugin: `cargo run --example foreground -- PLUGIN COMMAND [CANCEL_AFTER_WORDS]`
//!
//! It prints which process group has the terminal before and after the call, and what came of the call. With a last
//! argument, it cancels the call when the plugin writes that to standard error.

use std::error::Error;
use std::fs::File;
use std::sync::Arc;

use pegboard_host::{AppContext, CancelToken, Config, Engine, Flow, Stderr, Terminal};
use rustix::process::getpgrp;
use rustix::termios::tcgetpgrp;

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(path), Some(command)) = (words.next(), words.next()) else {
        return Err("usage: foreground PLUGIN COMMAND [CANCEL_AFTER_WORDS]".into());
    };
    let token = CancelToken::new();
    let mut config = Config::new(std::env::current_dir()?, std::env::vars_os());
    config.terminal = Terminal::Shared;
    if let Some(cue) = words.next() {
        let token = token.clone();
        config.stderr = Stderr::Forward(Arc::new(move |_, bytes| {
            if String::from_utf8_lossy(bytes).contains(&cue) {
                token.cancel();
            }
        }));
    }
    let engine = Engine::new(config)?;
    let plugin = engine.load(path)?;
    plugin.start()?;
    show("before")?;
    let context = Arc::new(AppContext::new().with_foreground());
    let output = plugin.run(command).context(context).cancel(&token).call();
    match output.and_then(Flow::into_value) {
        Ok(value) => println!("value: {value:?}"),
        Err(error) => println!("error: {:?}: {error}", error.kind()),
    }
    show("after")?;
    drop(engine);
    show("end")
}

fn show(when: &str) -> Result<(), Box<dyn Error>> {
    let terminal = File::options().read(true).write(true).open("/dev/tty")?;
    let holder = tcgetpgrp(&terminal)?;
    let own = if holder == getpgrp() { "own" } else { "other" };
    println!("{when}: {own}");
    Ok(())
}
