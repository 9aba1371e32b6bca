//! Traces: what two sides said to each other, written down as lines of JSON while it happens.
//!
//! The first line names the format and the start of the recording in milliseconds since 1970. Every other line has
//! `t`, the seconds since then, and `plugin`, the name of the conversation, with `instance`, a number for each process
//! that ran as this plugin; a message has `from`, which is `engine` or
//! `plugin`, and `message`, the message as JSON (or `msgpack`, in hexadecimal, when JSON cannot carry it; or `octa`, if
//! it is one of that protocol); a remark has `note` and its details. Values of environment variables are left out unless asked for.

mod outline;
mod play;
mod read;
mod redact;

pub use outline::{Outline, Part, TracedCall, TracedStream, call_name};
pub use play::{Mismatch, OctaConversation, PlaySettings, Played, Said, Spoken};
pub use read::{Conversation, Entry, EntryKind, Trace, TraceError};

use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value as Json, json};

use pegboard_protocol::codec::{self, Encoding, Sender};
use pegboard_protocol::nu::{Dialect, Message};
use pegboard_protocol::octa::{self, FromHost, FromPlugin};
use pegboard_protocol::session::Failure;

use redact::Redaction;

/// The version of the format, in its first line.
pub(crate) const FORMAT: u64 = 1;

/// Which way a message went, seen from the recording side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the other side.
    Sent,
    /// From the other side.
    Received,
}

/// Writes a trace. Copies write to the same one.
#[derive(Clone)]
pub struct Recorder {
    shared: Arc<Mutex<Recording>>,
    began: Instant,
    /// Leaves out the values of environment variables.
    redacts: bool,
    /// Which process the lines are about, by its number.
    instance: Option<u64>,
}

/// One conversation of a trace. Answers are told apart by their numbers, which only count within it.
pub(crate) struct Tape {
    recorder: Recorder,
    plugin: String,
    redaction: Option<Mutex<Redaction>>,
}

impl Tape {
    pub(crate) fn message(
        &self,
        direction: Direction,
        side: Sender,
        message: &Message,
        dialect: Dialect,
    ) {
        let from = from(direction, side);
        let redacted = self.redaction.as_ref().and_then(|redaction| {
            redaction
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .apply(message)
        });
        self.recorder.message(
            &self.plugin,
            from,
            redacted.as_ref().unwrap_or(message),
            dialect,
        );
    }

    /// The same for a message of Octa's, written as it is on the wire for the peer.
    pub(crate) fn octa(
        &self,
        direction: Direction,
        side: Sender,
        message: Shown<'_>,
        form: octa::Form,
    ) {
        let from = from(direction, side);
        let mut line = self.recorder.head(&self.plugin, from);
        line.extend_from_slice(br#""octa":"#);
        match message {
            Shown::Plugin(message) => octa::encode(message, form, &mut line),
            Shown::Host(FromHost::Execute(execute)) if self.redaction.is_some() => {
                let mut hidden = execute.clone();
                for value in hidden.envs.values_mut() {
                    *value = redact::HIDDEN.to_owned();
                }
                octa::encode(&FromHost::Execute(hidden), form, &mut line);
            }
            Shown::Host(message) => octa::encode(message, form, &mut line),
        }
        self.recorder.end(line);
    }

    pub(crate) fn closed(&self, failure: &Failure) {
        self.recorder
            .note(&self.plugin, "closed", json!({ "reason": failure.message }));
    }
}

/// Who sent a message that went this way, seen from one side.
fn from(direction: Direction, side: Sender) -> Sender {
    match (direction, side) {
        (Direction::Sent, side) => side,
        (Direction::Received, Sender::Engine) => Sender::Plugin,
        (Direction::Received, Sender::Plugin) => Sender::Engine,
    }
}

/// A message of Octa's.
pub(crate) enum Shown<'a> {
    Host(&'a FromHost),
    Plugin(&'a FromPlugin),
}

struct Recording {
    output: Box<dyn Write + Send>,
    /// The first error of the output; nothing is written after it.
    error: Option<std::io::Error>,
    instances: u64,
}

impl Recorder {
    /// Starts a trace without the values of environment variables.
    pub fn new(output: impl Write + Send + 'static) -> Recorder {
        Recorder::begin(Box::new(output), true)
    }

    /// Starts a trace that keeps the values of environment variables.
    pub fn with_environment(output: impl Write + Send + 'static) -> Recorder {
        Recorder::begin(Box::new(output), false)
    }

    fn begin(output: Box<dyn Write + Send>, redacts: bool) -> Recorder {
        let began = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |time| time.as_millis() as u64);
        let recording = Recording {
            output,
            error: None,
            instances: 0,
        };
        let shared = Arc::new(Mutex::new(recording));
        let recorder = Recorder {
            shared,
            began: Instant::now(),
            redacts,
            instance: None,
        };
        recorder
            .lock()
            .line(&json!({ "trace": "pegboard", "format": FORMAT, "began": began }));
        recorder
    }

    /// A recorder for the same trace whose lines are about one process, with a number that no other has.
    #[must_use]
    pub fn instance(&self) -> Recorder {
        let mut recording = self.lock();
        recording.instances += 1;
        Recorder {
            instance: Some(recording.instances),
            ..self.clone()
        }
    }

    /// Writes a remark with details, such as the start of a process.
    pub fn note(&self, plugin: &str, note: &str, details: Json) {
        let mut line = json!({ "t": self.seconds(), "plugin": plugin });
        if let Some(instance) = self.instance {
            line["instance"] = instance.into();
        }
        line["note"] = note.into();
        line["details"] = details;
        self.lock().line(&line);
    }

    /// The first error that writing met, if any. Nothing was written after it.
    pub fn take_error(&self) -> Option<std::io::Error> {
        self.lock().error.take()
    }

    /// One conversation of the trace, under the plugin's name.
    pub(crate) fn tape(&self, plugin: &str) -> Tape {
        let redaction = self.redacts.then(Mutex::default);
        Tape {
            recorder: self.clone(),
            plugin: plugin.to_owned(),
            redaction,
        }
    }

    fn message(&self, plugin: &str, from: Sender, message: &Message, dialect: Dialect) {
        let mut line = self.head(plugin, from);
        line.extend_from_slice(br#""message":"#);
        let start = line.len();
        if codec::encode(message, from, Encoding::Json, dialect, &mut line).is_err() {
            line.truncate(start - br#""message":"#.len());
            let mut bytes = Vec::new();
            // What cannot be encoded at all was not sent either.
            if codec::encode(message, from, Encoding::MsgPack, dialect, &mut bytes).is_err() {
                return;
            }
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            line.extend_from_slice(format!(r#""msgpack":"{hex}""#).as_bytes());
        }
        self.end(line);
    }

    /// The beginning of the line of a message.
    fn head(&self, plugin: &str, from: Sender) -> Vec<u8> {
        let seconds = self.seconds();
        let name = match from {
            Sender::Engine => "engine",
            Sender::Plugin => "plugin",
        };
        let plugin = Json::from(plugin);
        let instance = self
            .instance
            .map_or_else(String::new, |instance| format!(r#""instance":{instance},"#));
        format!(r#"{{"t":{seconds},"plugin":{plugin},{instance}"from":"{name}","#).into_bytes()
    }

    /// Ends and writes the line of a message.
    fn end(&self, mut line: Vec<u8>) {
        while line.last().is_some_and(u8::is_ascii_whitespace) {
            line.pop();
        }
        line.extend_from_slice(b"}\n");
        self.lock().write(&line);
    }

    fn seconds(&self) -> f64 {
        (self.began.elapsed().as_secs_f64() * 1e6).round() / 1e6
    }

    fn lock(&self) -> MutexGuard<'_, Recording> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recording {
    fn line(&mut self, line: &Json) {
        self.write(format!("{line}\n").as_bytes());
    }

    fn write(&mut self, line: &[u8]) {
        if self.error.is_none() {
            self.error = self
                .output
                .write_all(line)
                .and_then(|()| self.output.flush())
                .err();
        }
    }
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Recorder")
    }
}
