//! A likeness of Nushell's own test plugin `stress_internals`, in JSON, driven by its own variables.

use std::env;
use std::process;

use serde_json::Value;

use crate::link::{self, Input, Place};
use crate::messages;
use crate::settings::{Encoding, Settings};
use crate::wire::Wire;

const COMMAND: &str = "stress_internals";

/// What the variables ask for, in the form in which a Run shows it.
#[derive(Debug)]
#[allow(
    dead_code,
    reason = "some fields are only read by Debug, which is what a Run returns"
)]
struct Options {
    refuse_local_socket: bool,
    advertise_local_socket: bool,
    exit_before_hello: bool,
    exit_early: bool,
    wrong_version: bool,
    local_socket_path: Option<String>,
}

pub(crate) fn run(settings: &Settings, place: &Place, args: &[String]) -> ! {
    eprintln!("stress_internals: args: {args:?}");
    let has = |name: &str| env::var_os(name).is_some();
    let options = Options {
        refuse_local_socket: has("STRESS_REFUSE_LOCAL_SOCKET"),
        advertise_local_socket: has("STRESS_ADVERTISE_LOCAL_SOCKET"),
        exit_before_hello: has("STRESS_EXIT_BEFORE_HELLO"),
        exit_early: has("STRESS_EXIT_EARLY"),
        wrong_version: has("STRESS_WRONG_VERSION"),
        local_socket_path: match place {
            Place::Stdio => None,
            Place::Socket(path) => Some(path.clone()),
        },
    };
    if options.local_socket_path.is_some() && options.refuse_local_socket {
        process::exit(1);
    }
    let mut settings = settings.clone();
    settings.encoding = Encoding::Json;
    let (reader, writer) = link::open(&settings, place);
    let wire = Wire::new(writer, &settings);
    wire.bytes(b"\x04json");
    if options.exit_before_hello {
        process::exit(1);
    }
    let input = link::read(&settings, reader);
    match input.recv() {
        Ok(Input::Message(message)) if message.get("Hello").is_some() => {}
        _ => fail("no Hello from the engine"),
    }
    let version = match options.wrong_version {
        true => "0.0.0",
        false => &settings.version,
    };
    wire.send(&messages::hello(
        "nu-plugin",
        version,
        options.advertise_local_socket,
    ));
    if options.exit_early {
        process::exit(1);
    }
    while let Ok(Input::Message(message)) = input.recv() {
        handle(&wire, &options, &message);
    }
    process::exit(0)
}

fn handle(wire: &Wire, options: &Options, message: &Value) {
    if message == "Goodbye" {
        process::exit(0);
    }
    let call = &message["Call"];
    let Some(id) = call[0].as_u64() else {
        fail(&format!("unknown message: {message}"));
    };
    let answer = if call[1] == "Metadata" {
        messages::metadata(id)
    } else if call[1] == "Signature" {
        messages::signature(id, COMMAND)
    } else if call[1].get("Run").is_some() {
        messages::answer(id, messages::string(&format!("{options:#?}")))
    } else {
        fail(&format!("unknown call: {}", call[1]));
    };
    wire.send(&answer);
}

fn fail(message: &str) -> ! {
    eprintln!("stress_internals: {message}");
    process::exit(1)
}
