//! The modes of a start: up to the key.

use std::env;
use std::os::unix::net::{UnixListener, UnixStream};

use pegboard_testkit::hostile::octa::Mode;
use serde_json::json;

use super::{Talk, die};
use crate::complain;
use crate::endings::wait_for_ever;

/// Listens, and gives the connection of the host.
pub(super) fn accept(mode: Option<Mode>, path: &str) -> UnixStream {
    match mode {
        Some(Mode::ExitAtStart) => die("no mood for listening"),
        Some(Mode::NeverListens) => wait_for_ever(),
        // Its own name, the option, and the path.
        Some(Mode::StrictArguments) if env::args_os().len() > 3 => die("too many words"),
        _ => {}
    }
    let listener = UnixListener::bind(path).unwrap_or_else(|error| complain(&error.to_string()));
    if mode == Some(Mode::NeverAccepts) {
        wait_for_ever();
    }
    let accepted = listener.accept();
    let (stream, _) = accepted.unwrap_or_else(|error| complain(&error.to_string()));
    if mode == Some(Mode::ClosesAtOnce) {
        drop(stream);
        wait_for_ever();
    }
    stream
}

impl Talk {
    /// Says Hello and its key.
    pub(super) fn greet(&mut self) {
        let hello = self.hear();
        let features = &hello["payload"]["features"];
        let more = !self.reader.buffer().is_empty();
        let mut fields = json!({ "version": ">=0.2.0", "features": [] });
        match self.mode {
            Some(Mode::StrictHello) if features.as_array().is_some_and(|it| !it.is_empty()) => {
                die("no mood for features")
            }
            Some(Mode::HelloAlone) if more => die("one thing at a time"),
            Some(Mode::Silent) => wait_for_ever(),
            Some(Mode::GarbageHello) => self.say("hello there\n"),
            Some(Mode::RefusesHello) => self.error("x", "not with you"),
            Some(Mode::WrongHello) => self.of("Started", "x", json!({})),
            Some(Mode::UnfinishedHello) => {
                self.say("{\"type\":\"Hello\",\"version\":\"*\",\"features\":[]");
                wait_for_ever();
            }
            Some(Mode::HelloWithoutFeatures) => self.message("Hello", json!({ "version": "*" })),
            mode => {
                match mode {
                    Some(Mode::BadRequirement) => fields["version"] = "not-a-version".into(),
                    Some(Mode::UnmetRequirement) => fields["version"] = ">=9.0.0".into(),
                    _ => {}
                }
                self.message("Hello", fields);
            }
        }
        if self.is(Mode::ExitsAfterHello) {
            die("said enough");
        }
        self.hear();
        match self.mode {
            Some(Mode::NoSchema) => wait_for_ever(),
            Some(Mode::EmptyKey) => self.message("Schema", json!({ "key": "" })),
            _ => self.message("Schema", json!({ "key": "hostile" })),
        }
    }
}
