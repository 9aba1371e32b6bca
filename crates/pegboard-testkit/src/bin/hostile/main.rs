//! `pegboard-hostile`: a plugin, of Nushell's or Octa's, that misbehaves on demand, as `pegboard_testkit::hostile` describes.

mod codec;
mod endings;
mod engine_calls;
mod floods;
mod frames;
mod inputs;
mod link;
mod messages;
mod narrow;
#[cfg(unix)]
mod octa;
mod plugin;
mod responses;
mod settings;
mod start;
mod streams;
mod stress;
mod wire;

use std::env;
use std::process;

use pegboard_testkit::hostile::{self, MODES, Mode};

use link::Place;
use settings::Settings;

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    let place = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--list"] => {
            for mode in MODES {
                println!("{mode}: {}", mode.sentence());
            }
            for mode in hostile::octa::MODES {
                println!("octa {mode}: {}", mode.sentence());
            }
            return;
        }
        [] if waits_without_arguments() => endings::wait_for_ever(),
        #[cfg(unix)]
        ["--socket-path", path, ..] => octa::run(path),
        ["--stdio"] => Place::Stdio,
        ["--local-socket", path] => Place::Socket(path.to_owned()),
        _ => complain(
            "usage: pegboard-hostile --stdio | --local-socket PATH | --socket-path PATH | --list",
        ),
    };
    let settings = Settings::from_env().unwrap_or_else(|message| complain(&message));
    endings::limit_lifetime(settings.lifetime);
    if settings.has(Mode::StressInternalsLike) {
        stress::run(&settings, &place, &args);
    }
    endings::ignore_sigterm(&settings);
    start::before_link(&settings, &place);
    let (wire, input) = start::greet(&settings, &place);
    plugin::Plugin::new(settings, wire, input).run()
}

/// True for a plugin that waits for an engine even if nobody says that there is one.
fn waits_without_arguments() -> bool {
    Settings::from_env().is_ok_and(|settings| {
        endings::limit_lifetime(settings.lifetime);
        settings.has(Mode::WaitsWithoutArguments)
    })
}

fn complain(message: &str) -> ! {
    eprintln!("pegboard-hostile: {message}");
    process::exit(1)
}
