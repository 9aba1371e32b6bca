//! Who decides when it is enough: `cargo run --example control -- PLUGIN COMMAND`

use std::thread;
use std::time::Duration;

use pegboard_host::{
    CancelToken, Config, Engine, Error, ErrorKind, Flow, Idle, PluginConfig, ReportStyle,
};

fn main() {
    if let Err(error) = run() {
        eprint!("{}", error.report(None, ReportStyle::default()));
    }
}

fn run() -> Result<(), Error> {
    let mut words = std::env::args().skip(1);
    let (Some(path), Some(command)) = (words.next(), words.next()) else {
        return Err(Error::misuse("usage: control PLUGIN COMMAND"));
    };
    let directory = std::env::current_dir().map_err(|error| Error::misuse(error.to_string()))?;
    let mut config = Config::new(directory, std::env::vars_os());
    // Plugins stay warm for a minute without work; `None` is for as long as the engine lives.
    config.idle = Some(Duration::from_secs(60));
    let engine = Engine::new(config)?;
    // This one stays, whatever the engine does with others.
    let stays = PluginConfig {
        idle: Idle::Never,
        ..PluginConfig::default()
    };
    let plugin = engine.load_with(path, stays)?;

    // A deadline bounds the wait for the answer, and the start if there is one.
    let run = plugin.run(&command).deadline(Duration::from_secs(2));
    show(run.call().and_then(Flow::into_value).map(drop))?;

    // A token ends calls and their streams from any thread.
    let token = CancelToken::new();
    let canceller = token.clone();
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(200));
        canceller.cancel();
    });
    let run = plugin.run(&command).cancel(&token);
    show(run.call().and_then(Flow::into_value).map(drop))
}

/// Goes on after what was to be expected.
fn show(result: Result<(), Error>) -> Result<(), Error> {
    match result {
        Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Cancelled) => {
            eprint!("{}", error.report(None, ReportStyle::default()));
            Ok(())
        }
        other => other,
    }
}
