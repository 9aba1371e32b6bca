//! Conversations with plugins of Octa's.
//!
//! What a task writes counts as a whole, for each of its two outputs; so does its input. What executions are called does
//! not count, nor how much may be sent ahead, nor where a host runs, nor the last words of a plugin.

mod script;
mod stage;

use pegboard_protocol::codec::Sender;
use pegboard_protocol::octa::{
    Decoder, Dialect, Form, FromHost, FromPlugin, Incoming, Limits, Outgoing, encode,
};
use serde_json::Value as Json;

use super::drive::{self, drive};
use super::lines::Speech;
use super::{PlaySettings, Played, Spoken};
use crate::link::Link;
use crate::trace::{EntryKind, Trace};
use script::Script;
use stage::Stage;

/// A message of Octa's protocol, of either side.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// Of the host.
    Host(FromHost),
    /// Of the plugin.
    Plugin(FromPlugin),
}

/// One conversation of a trace with a plugin of Octa's.
#[derive(Clone, Debug)]
pub struct OctaConversation {
    /// The plugin's name.
    pub plugin: String,
    /// Which process of the plugin's it was with, by its number in the trace.
    pub instance: Option<u64>,
    /// What was said, each with its place among the entries of the trace.
    pub messages: Vec<(usize, Said)>,
}

impl Said {
    /// Who says it.
    pub fn sender(&self) -> Sender {
        match self {
            Said::Host(_) => Sender::Engine,
            Said::Plugin(_) => Sender::Plugin,
        }
    }

    /// Its kind, such as `Execute`.
    pub fn name(&self) -> String {
        let json = self.json();
        json["type"].as_str().unwrap_or_default().to_owned()
    }

    /// What the execution that it names is called.
    pub fn execution(&self) -> Option<&str> {
        script::name_of(self)
    }

    /// The message as it is on the wire.
    pub fn text(&self) -> String {
        let bytes = self.line(Form::Only(Dialect::V021));
        String::from_utf8_lossy(&bytes).trim_end().to_owned()
    }

    fn json(&self) -> Json {
        serde_json::from_str(&self.text()).unwrap_or_default()
    }

    fn line(&self, form: Form) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self {
            Said::Host(message) => encode(message, form, &mut bytes),
            Said::Plugin(message) => encode(message, form, &mut bytes),
        }
        bytes
    }

    /// A message as it stands in a trace. None for what is none.
    fn read(from: Sender, text: &str) -> Option<Said> {
        Some(match from {
            Sender::Engine => Said::Host(message(text)?),
            Sender::Plugin => Said::Plugin(message(text)?),
        })
    }
}

fn message<M: Incoming + Outgoing>(text: &str) -> Option<M> {
    // The recording side has applied its limits already.
    let limits = Limits {
        line: usize::MAX,
        ..Limits::default()
    };
    let mut decoder = Decoder::new(limits);
    decoder.feed(text.as_bytes());
    decoder.feed(b"\n");
    decoder.next()?.content.ok()
}

impl Trace {
    /// The conversations in it with plugins of Octa's, each from its first Hello on, in the order in which they began.
    pub fn octa_conversations(&self) -> Vec<OctaConversation> {
        let mut conversations: Vec<OctaConversation> = Vec::new();
        for (index, entry) in self.entries.iter().enumerate() {
            let EntryKind::Octa { from, text, .. } = &entry.kind else {
                continue;
            };
            let Some(said) = Said::read(*from, text) else {
                continue;
            };
            let current = conversations
                .iter_mut()
                .rfind(|one| one.plugin == entry.plugin && one.instance == entry.instance);
            match current {
                // A plugin that is started again is told Hello again.
                Some(current) if !matches!(said, Said::Host(FromHost::Hello(_))) => {
                    current.messages.push((index, said));
                }
                _ => conversations.push(OctaConversation {
                    plugin: entry.plugin.clone(),
                    instance: entry.instance,
                    messages: vec![(index, said)],
                }),
            }
        }
        conversations
    }

    /// Plays `side` of one of the trace's conversations with plugins of Octa's to the program at the other end of the link.
    pub fn play_octa(
        &self,
        conversation: &OctaConversation,
        side: Sender,
        link: Link,
        settings: &PlaySettings,
    ) -> Played {
        let messages = conversation.messages.iter();
        let messages =
            messages.map(|(entry, said)| (*entry, self.entries[*entry].time, said.clone()));
        let stage = Stage::new(Script::new(messages, side), settings);
        match side {
            Sender::Engine => drive(stage, Ear::new(Said::Plugin), link, settings),
            Sender::Plugin => drive(stage, Ear::new(Said::Host), link, settings),
        }
    }
}

impl Speech for Said {
    const PIECE: &'static str = "it";

    fn spoken(self) -> Spoken {
        Spoken::Octa(self)
    }

    fn bytes(&self) -> Option<&[u8]> {
        match self {
            Said::Plugin(FromPlugin::Output { bytes, .. })
            | Said::Host(FromHost::Stdin { bytes, .. }) => Some(bytes),
            _ => None,
        }
    }
}

struct Ear<M> {
    decoder: Decoder<M>,
    said: fn(M) -> Said,
}

impl<M: Incoming> Ear<M> {
    fn new(said: fn(M) -> Said) -> Ear<M> {
        let decoder = Decoder::new(Limits::default());
        Ear { decoder, said }
    }
}

impl<M: Incoming + Send> drive::Ear for Ear<M> {
    type Heard = Said;

    fn feed(&mut self, bytes: &[u8]) {
        self.decoder.feed(bytes);
    }

    fn next(&mut self) -> Option<Result<Said, String>> {
        let content = self.decoder.next()?.content;
        let said = content.map(self.said);
        Some(said.map_err(|error| format!("what it says makes no sense: {error}")))
    }
}
