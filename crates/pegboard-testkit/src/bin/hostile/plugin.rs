//! The conversation after Hello: what a well-behaved plugin does, with the places where modes step in.

use std::collections::{BTreeMap, VecDeque};
use std::process;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;

use pegboard_testkit::hostile::Mode;
use serde_json::{Value, json};

use crate::endings;
use crate::inputs::{self, Consumer};
use crate::link::Input;
use crate::messages::{self, UNKNOWN_ID};
use crate::settings::Settings;
use crate::streams::{self, Producer};
use crate::wire::Wire;
use crate::{engine_calls, floods, frames, narrow, responses};

/// The command that the plugin has.
pub(crate) const COMMAND: &str = "hostile";

/// What a mode did about a Run.
pub(crate) enum Reaction {
    /// All that will be done about it, now or later.
    Done,
    /// At most something on the way to the ordinary answer.
    GoOn,
}

/// The plugin's side of one conversation.
pub(crate) struct Plugin {
    pub(crate) settings: Settings,
    pub(crate) wire: Wire,
    input: Receiver<Input>,
    /// The input streams that are being read.
    pub(crate) consumers: BTreeMap<u64, Consumer>,
    /// The output stream that is being written within its credit.
    pub(crate) producer: Option<Producer>,
    /// An output stream has no end yet.
    pub(crate) open: bool,
    /// Stops the thread that floods, when the engine drops its stream.
    pub(crate) flood_is_dropped: Arc<AtomicBool>,
    /// The Runs that wait for the reply to their engine call, in the order in which they have asked.
    pub(crate) asking: VecDeque<u64>,
    /// Calls that were made, and runs of the command among them.
    pub(crate) calls: u64,
    pub(crate) runs: u64,
    leaving: bool,
}

impl Plugin {
    pub(crate) fn new(settings: Settings, wire: Wire, input: Receiver<Input>) -> Plugin {
        Plugin {
            settings,
            wire,
            input,
            consumers: BTreeMap::new(),
            producer: None,
            open: false,
            flood_is_dropped: Arc::default(),
            asking: VecDeque::new(),
            calls: 0,
            runs: 0,
            leaving: false,
        }
    }

    /// Talks until the engine has had enough.
    pub(crate) fn run(mut self) -> ! {
        loop {
            match self.next() {
                Some(Input::Message(message)) => self.handle(&message),
                Some(Input::End) => endings::end_of_input(&self.settings),
                None => inputs::quiet(&mut self),
            }
            let is_idle =
                self.consumers.is_empty() && self.producer.is_none() && self.asking.is_empty();
            if self.leaving && is_idle {
                process::exit(0);
            }
        }
    }

    /// The next input, or none when nothing has come for a pause in which something was expected.
    fn next(&self) -> Option<Input> {
        let waits = self.settings.has(Mode::NoAck) && !self.consumers.is_empty();
        if !waits {
            return Some(self.input.recv().unwrap_or(Input::End));
        }
        match self.input.recv_timeout(self.settings.pause) {
            Ok(input) => Some(input),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Input::End),
        }
    }

    fn handle(&mut self, message: &Value) {
        if self.settings.has(Mode::SlowReader) {
            thread::sleep(self.settings.pause);
        }
        if !narrow::understands(self, message) {
            return;
        }
        if message == "Goodbye" {
            self.leaving |= !self.settings.has(Mode::IgnoresGoodbye)
                && !self.settings.has(Mode::IgnoresGoodbyeAndEof);
            return;
        }
        let Some((kind, content)) = message.as_object().and_then(|it| it.iter().next()) else {
            return not_understood(message);
        };
        match kind.as_str() {
            "Hello" | "Signal" => {}
            "Call" => self.call(number(&content[0]), &content[1]),
            "Data" => inputs::data(self, number(&content[0]), &content[1]),
            "End" => inputs::end(self, number(content)),
            "Ack" => streams::acked(self),
            "Drop" => streams::dropped(self),
            "EngineCallResponse" => engine_calls::reply(self, &content[1]),
            _ => not_understood(message),
        }
    }

    fn call(&mut self, id: u64, call: &Value) {
        if call == "Metadata" {
            self.wire.send(&messages::metadata(id));
        } else if call == "Signature" {
            if !self.settings.has(Mode::NeverRepliesSignature) {
                self.wire
                    .send(&messages::described(id, COMMAND, &self.settings));
            }
        } else if let Some(run) = call.get("Run") {
            self.run_command(id, run);
        } else if call.get("GetCompletion").is_some() {
            let body = json!({"CompletionItems": null});
            self.wire.send(&messages::response(id, body));
        } else if call.get("CustomValueOp").is_some() {
            let message = "This plugin has no custom values";
            self.wire.send(&messages::error(id, message));
        } else {
            not_understood(call);
        }
    }

    fn run_command(&mut self, id: u64, run: &Value) {
        let input = &run["input"];
        if run["name"] != COMMAND {
            let message = format!("Plugin command not found: {}", run["name"]);
            self.wire.send(&messages::error(id, &message));
            return inputs::refuse(self, input);
        }
        endings::make_noise(&self.settings);
        let families = [
            responses::on_run,
            frames::on_run,
            streams::on_run,
            floods::on_run,
            engine_calls::on_run,
        ];
        let modes: Vec<Mode> = self.settings.modes().collect();
        for mode in modes {
            for on_run in families {
                if let Reaction::Done = on_run(self, id, mode) {
                    return inputs::refuse(self, input);
                }
            }
        }
        inputs::take(self, id, input);
    }

    /// The ordinary answer to a Run, in the way that the modes want it.
    pub(crate) fn answer(&self, call: u64, value: Value) {
        let message = messages::answer(call, value);
        if self.settings.has(Mode::SlowDrip) {
            let bytes = self.wire.encode(&message);
            self.wire.pieces(&bytes, 1, self.settings.pause);
        } else {
            self.wire.send(&message);
        }
        if self.settings.has(Mode::ResponseTwice) {
            self.wire.send(&message);
        }
        if self.settings.has(Mode::EngineCallAfterResponse) {
            let late = messages::engine_call(call, UNKNOWN_ID, "GetCurrentDir");
            self.wire.send(&late);
        }
    }
}

pub(crate) fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(UNKNOWN_ID)
}

/// Ends the plugin, as real plugins do for a message that they do not know.
fn not_understood(message: &Value) {
    eprintln!("pegboard-hostile: unknown message: {message}");
    process::exit(1)
}
