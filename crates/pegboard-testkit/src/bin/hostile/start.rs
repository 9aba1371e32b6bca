//! The family of modes before and around Hello.

use std::process;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use pegboard_testkit::hostile::Mode;
use serde_json::json;

use crate::endings::{self, die};
use crate::link::{self, Input, Place};
use crate::messages;
use crate::settings::{Encoding, Settings};
use crate::wire::Wire;

/// How long `expects-silence` takes to say Hello.
const SILENCE: Duration = Duration::from_millis(100);

/// What happens before there is anything to talk over.
pub(crate) fn before_link(settings: &Settings, place: &Place) {
    endings::make_noise(settings);
    endings::fork(settings);
    if settings.has(Mode::ExitBeforeEncoding) {
        die(settings, "exiting before the encoding");
    }
    if let Place::Socket(_) = place {
        if settings.has(Mode::LocalSocketRefuse) {
            eprintln!("hostile: refusing to use a local socket");
            process::exit(1);
        }
        if settings.has(Mode::LocalSocketNeverConnects) {
            endings::wait_for_ever();
        }
    }
}

/// Opens the link, announces the encoding and says Hello, or what the modes put in their places.
pub(crate) fn greet(settings: &Settings, place: &Place) -> (Wire, Receiver<Input>) {
    let (reader, writer) = link::open(settings, place);
    let wire = Wire::new(writer, settings);
    let wait_for_end = |reader| {
        link::drain(reader);
        endings::end_of_input(settings)
    };

    let name = settings.encoding.name();
    let encoding = [&[name.len() as u8], name.as_bytes()].concat();
    if settings.has(Mode::Silent) {
        wait_for_end(reader);
    } else if settings.has(Mode::PrintsTextFirst) {
        wire.bytes(b"Hello! This is an ordinary program.\nYour name? ");
        wait_for_end(reader);
    } else if settings.has(Mode::UnknownEncoding) {
        wire.bytes(b"\x04yaml");
        wait_for_end(reader);
    } else if settings.has(Mode::EncodingThenSilent) {
        wire.bytes(&encoding);
        wait_for_end(reader);
    }

    let hello = hello(settings, &wire);
    if settings.has(Mode::GluedWrites) {
        let input = link::read(settings, reader);
        wire.bytes(&[encoding, hello].concat());
        return (wire, input);
    }
    wire.bytes(&encoding);
    if settings.has(Mode::ExitBeforeHello) {
        die(settings, "exiting before Hello");
    }
    let input = link::read(settings, reader);
    if settings.has(Mode::StrictVersion) {
        check_version(settings, &input);
    } else if settings.has(Mode::ReadsFirst) {
        first_message(&input);
    }
    if settings.has(Mode::ExpectsSilence) && input.recv_timeout(SILENCE).is_ok() {
        die(settings, "exiting since the engine has spoken");
    }
    if settings.has(Mode::MessageBeforeHello) {
        wire.send(&messages::option("GcDisabled"));
    }
    wire.bytes(&hello);
    after_hello(settings, &wire, &hello, &input);
    (wire, input)
}

fn hello(settings: &Settings, wire: &Wire) -> Vec<u8> {
    if settings.has(Mode::BadHelloJson) {
        return match settings.encoding {
            Encoding::Json => b"{\"Hello\":{\"protocol\":oops}}\n".to_vec(),
            Encoding::Msgpack => b"\x81\xa5Hello\xc1".to_vec(),
        };
    }
    let protocol = match settings.has(Mode::WrongProtocol) {
        true => "not-nu-plugin",
        false => "nu-plugin",
    };
    let version = match settings.has(Mode::WrongVersion) {
        true => "0.0.0",
        false => &settings.version,
    };
    wire.encode(&messages::hello(
        protocol,
        version,
        settings.announces_socket(),
    ))
}

fn after_hello(settings: &Settings, wire: &Wire, hello: &[u8], input: &Receiver<Input>) {
    for mode in settings.modes() {
        match mode {
            Mode::ExitAfterHello => die(settings, "exiting after Hello"),
            Mode::CrashLoop => {
                first_message(input);
                die(settings, "exiting as on every start")
            }
            Mode::HelloTwice => wire.bytes(hello),
            Mode::GcDisabled => wire.send(&messages::option("GcDisabled")),
            Mode::OptionUnknown => wire.send(&messages::option("Coffee")),
            Mode::UnknownMessage => wire.send(&json!({"Coffee": [1, 2]})),
            _ => {}
        }
    }
}

/// The engine's Hello, for a plugin that waits for it. Exits when there is none.
fn first_message(input: &Receiver<Input>) -> serde_json::Value {
    match input.recv() {
        Ok(Input::Message(message)) => message,
        Ok(Input::End) | Err(_) => process::exit(0),
    }
}

fn check_version(settings: &Settings, input: &Receiver<Input>) {
    let hello = first_message(input);
    let theirs = &hello["Hello"]["version"];
    let ours = &settings.version;
    if theirs != ours {
        eprintln!("hostile: this plugin is for version \"{ours}\" and nothing else, not {theirs}");
        process::exit(1);
    }
}
