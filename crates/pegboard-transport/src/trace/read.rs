//! Reads a trace back.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value as Json;
use serde_json::value::RawValue;

use pegboard_protocol::codec::{Decoder, Encoding, Limits, Sender};
use pegboard_protocol::nu::Message;
use pegboard_protocol::session::{self, Difference};

use super::FORMAT;

/// A recorded conversation, or several at once.
#[derive(Clone, Debug)]
pub struct Trace {
    /// When the recording began, in milliseconds since 1970.
    pub began: u64,
    /// What was written down, in order.
    pub entries: Vec<Entry>,
}

/// One line of a trace.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The time since the start of the recording.
    pub time: Duration,
    /// The name of the conversation: the plugin's.
    pub plugin: String,
    /// Which process of the plugin's it is about, by its number in the trace.
    pub instance: Option<u64>,
    /// What was written down.
    pub kind: EntryKind,
}

/// What was written down.
#[derive(Clone, Debug)]
pub enum EntryKind {
    /// A message.
    Message {
        /// Who sent it.
        from: Sender,
        /// The message.
        message: Box<Message>,
        /// The message as JSON, as it was written down; in hexadecimal if JSON could not carry it.
        text: String,
    },
    /// A message of Octa's protocol.
    Octa {
        /// Who sent it.
        from: Sender,
        /// Its kind, such as `Execute`.
        name: String,
        /// The execution that it is about, as it is called on the wire, if it names one.
        execution: Option<String>,
        /// The message as JSON, as it was written down.
        text: String,
    },
    /// A remark.
    Note {
        /// What it is about, such as `closed`.
        note: String,
        /// Its details.
        details: Json,
    },
}

/// A line that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for TraceError {}

impl Trace {
    /// Reads the text of a trace. A last line that was cut off is left out: its writer may have been killed.
    pub fn parse(text: &str) -> Result<Trace, TraceError> {
        let mut lines = text.split_inclusive('\n').enumerate();
        let began = lines
            .next()
            .and_then(|(_, line)| serde_json::from_str::<Json>(line).ok())
            .filter(|first| first["trace"] == "pegboard")
            .ok_or_else(|| error(0, "this is not a Pegboard trace"))?;
        if began["format"] != FORMAT {
            return Err(error(
                0,
                format!(
                    "the trace has format {}; this program reads {FORMAT}",
                    began["format"]
                ),
            ));
        }
        let mut entries = Vec::new();
        for (index, line) in lines {
            if line.trim().is_empty() {
                continue;
            }
            match entry(index, line) {
                Ok(entry) => entries.push(entry),
                Err(_) if !line.ends_with('\n') => break,
                Err(error) => return Err(error),
            }
        }
        Ok(Trace {
            began: began["began"].as_u64().unwrap_or(0),
            entries,
        })
    }

    /// The conversations in it, each from its first Hello on, in the order in which they began.
    pub fn conversations(&self) -> Vec<Conversation> {
        let mut conversations: Vec<Conversation> = Vec::new();
        for (index, entry) in self.entries.iter().enumerate() {
            let EntryKind::Message { from, message, .. } = &entry.kind else {
                continue;
            };
            let current = conversations
                .iter_mut()
                .rfind(|one| one.plugin == entry.plugin && one.instance == entry.instance);
            // A plugin that is started again says Hello again.
            let again = matches!(**message, Message::Hello(_))
                && current.as_ref().is_some_and(|one| one.has_hello(*from));
            match current {
                Some(current) if !again => {
                    current.messages.push((index, *from, (**message).clone()))
                }
                _ => conversations.push(Conversation {
                    plugin: entry.plugin.clone(),
                    instance: entry.instance,
                    messages: vec![(index, *from, (**message).clone())],
                }),
            }
        }
        conversations
    }
}

/// One conversation of a trace.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// The plugin's name.
    pub plugin: String,
    /// Which process of the plugin's it was with, by its number in the trace.
    pub instance: Option<u64>,
    /// What was said, each with its place among the entries of the trace.
    pub messages: Vec<(usize, Sender, Message)>,
}

impl Conversation {
    fn has_hello(&self, from: Sender) -> bool {
        let hello = |(_, sender, message): &(usize, Sender, Message)| {
            *sender == from && matches!(message, Message::Hello(_))
        };
        self.messages.iter().any(hello)
    }

    /// Replays the conversation with a session in the place of `side`, as [`session::replay`] does.
    pub fn replay(&self, side: Sender) -> Result<(), Difference> {
        let messages = self
            .messages
            .iter()
            .map(|(_, from, message)| (*from, message.clone()));
        session::replay(side, messages)
    }
}

fn error(index: usize, message: impl Into<String>) -> TraceError {
    TraceError {
        line: index + 1,
        message: message.into(),
    }
}

/// A line as it is written down. The message is kept as text: what passes through a tree of JSON may come out changed.
#[derive(Deserialize)]
struct Line<'a> {
    t: Option<f64>,
    plugin: Option<String>,
    instance: Option<u64>,
    from: Option<String>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    msgpack: Option<String>,
    #[serde(borrow)]
    octa: Option<&'a RawValue>,
    note: Option<String>,
    #[serde(default)]
    details: Json,
}

fn entry(index: usize, line: &str) -> Result<Entry, TraceError> {
    let line: Line<'_> =
        serde_json::from_str(line).map_err(|cause| error(index, cause.to_string()))?;
    let time = line.t.and_then(|t| Duration::try_from_secs_f64(t).ok());
    let time = time.ok_or_else(|| error(index, "`t` must be a number of seconds"))?;
    let plugin = line.plugin.clone();
    let plugin = plugin.ok_or_else(|| error(index, "`plugin` must be a name"))?;
    let instance = line.instance;
    let kind = match line.note {
        Some(note) => EntryKind::Note {
            note,
            details: line.details,
        },
        None => message(index, &line)?,
    };
    Ok(Entry {
        time,
        plugin,
        instance,
        kind,
    })
}

fn message(index: usize, line: &Line<'_>) -> Result<EntryKind, TraceError> {
    let from = match line.from.as_deref() {
        Some("engine") => Sender::Engine,
        Some("plugin") => Sender::Plugin,
        _ => return Err(error(index, "`from` must be `engine` or `plugin`")),
    };
    if let Some(octa) = line.octa {
        return of_octa(index, from, octa.get());
    }
    let (encoding, text, bytes) = match (line.message, &line.msgpack) {
        (Some(message), _) => {
            let text = message.get().to_owned();
            let bytes = text.clone().into_bytes();
            (Encoding::Json, text, bytes)
        }
        (None, Some(hex)) => {
            let bytes = unhex(hex).ok_or_else(|| error(index, "`msgpack` must be hexadecimal"))?;
            (Encoding::MsgPack, hex.clone(), bytes)
        }
        (None, None) => return Err(error(index, "it has neither `message` nor `note`")),
    };
    // The recording side has applied its limits already.
    let limits = Limits {
        frame: usize::MAX,
        collection: usize::MAX,
        ..Limits::default()
    };
    let mut decoder = Decoder::new(encoding, from, limits);
    decoder.feed(&bytes);
    match decoder.next() {
        Ok(Some(frame)) => Ok(EntryKind::Message {
            from,
            message: Box::new(frame.message),
            text,
        }),
        Ok(None) => Err(error(index, "the message is cut off")),
        Err(cause) => Err(error(index, cause.to_string())),
    }
}

/// What is shown of a message of Octa's stands in it as text, in either dialect.
fn of_octa(index: usize, from: Sender, text: &str) -> Result<EntryKind, TraceError> {
    let message: Json =
        serde_json::from_str(text).map_err(|cause| error(index, cause.to_string()))?;
    let name = message["type"].as_str();
    let name = name.ok_or_else(|| error(index, "`octa` must be a message, with a `type`"))?;
    let id = message["payload"].get("id").or_else(|| message.get("id"));
    Ok(EntryKind::Octa {
        from,
        name: name.to_owned(),
        execution: id.and_then(Json::as_str).map(str::to_owned),
        text: text.to_owned(),
    })
}

fn unhex(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = hex
        .chars()
        .map(|digit| {
            digit
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        })
        .collect();
    let digits = digits?;
    (digits.len() % 2 == 0).then(|| {
        digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect()
    })
}
