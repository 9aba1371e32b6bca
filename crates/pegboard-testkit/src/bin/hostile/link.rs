//! The two ends of the conversation: standard streams or a local socket, and the thread that reads.

use std::io::{self, Read, Write};
use std::process;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use pegboard_testkit::hostile::Mode;
use serde_json::Value;

use crate::codec;
use crate::endings;
use crate::settings::Settings;

/// How the engine wants to talk.
pub(crate) enum Place {
    Stdio,
    Socket(String),
}

/// What the reading thread has to tell.
pub(crate) enum Input {
    Message(Value),
    /// The engine has closed its end.
    End,
}

type Ends = (Box<dyn Read + Send>, Box<dyn Write + Send>);

/// The end to read from and the end to write to.
pub(crate) fn open(settings: &Settings, place: &Place) -> Ends {
    let Place::Socket(path) = place else {
        return (Box::new(io::stdin()), Box::new(io::stdout()));
    };
    let connect = || {
        connect(path).unwrap_or_else(|error| {
            eprintln!("pegboard-hostile: cannot connect to {path}: {error}");
            process::exit(1)
        })
    };
    let reader = connect();
    if settings.has(Mode::SocketConnectsOnce) {
        endings::wait_for_ever();
    }
    (Box::new(reader), Box::new(connect()))
}

#[cfg(unix)]
fn connect(path: &str) -> io::Result<impl Read + Write + Send + use<>> {
    std::os::unix::net::UnixStream::connect(path)
}

#[cfg(not(unix))]
fn connect(name: &str) -> io::Result<impl Read + Write + Send + use<>> {
    let path = format!(r"\\.\pipe\{name}");
    std::fs::File::options().read(true).write(true).open(path)
}

/// Reads and forgets everything until the engine closes its end.
pub(crate) fn drain(mut input: Box<dyn Read + Send>) {
    // An error ends the input as well as its end does.
    let _ = io::copy(&mut input, &mut io::sink());
}

/// Starts the thread that reads messages, and stops reading when a mode says so.
pub(crate) fn read(settings: &Settings, input: Box<dyn Read + Send>) -> Receiver<Input> {
    let (sender, receiver) = mpsc::sync_channel(16);
    let settings = settings.clone();
    thread::spawn(move || {
        let mut items = 0;
        let result = codec::decode(&settings, input, |message| {
            let is_hello = message.get("Hello").is_some();
            items += u64::from(message.get("Data").is_some());
            let goes_on = sender.send(Input::Message(message)).is_ok();
            let stops = (settings.has(Mode::StopsReading) && is_hello)
                || (settings.has(Mode::StopsReadingMidInput) && items >= settings.items);
            if stops {
                endings::wait_for_ever();
            }
            goes_on
        });
        if let Err(message) = result {
            if settings.has(Mode::BearsInvalidBytes) {
                endings::wait_for_ever();
            }
            eprintln!("pegboard-hostile: cannot read the engine's message: {message}");
            process::exit(1);
        }
        // Nobody listens any more when the plugin is about to exit.
        let _ = sender.send(Input::End);
    });
    receiver
}
