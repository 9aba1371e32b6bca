//! The conversation of a trace that is to be replayed.

use pegboard_host::protocol::codec::Sender;
use pegboard_host::protocol::nu::Message;
use pegboard_host::protocol::octa::FromHost;
use pegboard_host::trace::{Conversation, OctaConversation, PlaySettings, Played, Said};
use pegboard_host::{Link, RawStart};

use super::file::{TraceText, names};
use crate::exit::Failure;

/// A conversation of either protocol.
pub(super) enum Chosen {
    Nushell(Conversation),
    Octa(OctaConversation),
}

impl Chosen {
    /// The conversation that was asked for; without a wish, the only one with a call in it.
    pub(super) fn of(text: &TraceText, wish: Option<&str>) -> Result<Chosen, Failure> {
        let names = names(&text.trace);
        let nushell = text.trace.conversations().into_iter().map(Chosen::Nushell);
        let octa = text
            .trace
            .octa_conversations()
            .into_iter()
            .map(Chosen::Octa);
        let mut all: Vec<Chosen> = nushell.chain(octa).collect();
        all.sort_by_key(Chosen::entry);
        let name = |one: &Chosen| names.get(one.entry()).cloned().unwrap_or_default();
        let is_wanted = |one: &Chosen| match wish {
            Some(wish) => name(one) == wish || (one.plugin() == wish && one.has_call()),
            None => one.has_call(),
        };
        let known: Vec<String> = all.iter().filter(|one| one.has_call()).map(name).collect();
        let mut wanted: Vec<Chosen> = all.into_iter().filter(is_wanted).collect();
        match (wanted.pop(), wanted.is_empty()) {
            (Some(one), true) => Ok(one),
            (None, _) if known.is_empty() => Err(Failure::misuse(
                "no call to a plugin was recorded in the trace",
            )),
            _ => Err(Failure::misuse(format!(
                "choose one of the trace's conversations with `--of`: {}",
                known.join(", ")
            ))),
        }
    }

    /// How its plugin is started.
    pub(super) fn start(&self) -> RawStart {
        match self {
            Chosen::Nushell(_) => RawStart::Stdio,
            Chosen::Octa(_) => RawStart::SocketPath(&[]),
        }
    }

    /// Plays one side of it to the program at the other end of a link.
    pub(super) fn play(
        &self,
        text: &TraceText,
        side: Sender,
        link: Link,
        settings: &PlaySettings,
    ) -> Played {
        match self {
            Chosen::Nushell(one) => text.trace.play(one, side, link, settings),
            Chosen::Octa(one) => text.trace.play_octa(one, side, link, settings),
        }
    }

    fn plugin(&self) -> &str {
        match self {
            Chosen::Nushell(one) => &one.plugin,
            Chosen::Octa(one) => &one.plugin,
        }
    }

    fn has_call(&self) -> bool {
        match self {
            Chosen::Nushell(one) => {
                let mut messages = one.messages.iter();
                messages.any(|(.., message)| matches!(message, Message::Call(..)))
            }
            Chosen::Octa(one) => {
                let mut messages = one.messages.iter();
                messages.any(|(_, said)| matches!(said, Said::Host(FromHost::Execute(_))))
            }
        }
    }

    /// The entry of the trace that it begins with.
    fn entry(&self) -> usize {
        let first = match self {
            Chosen::Nushell(one) => one.messages.first().map(|(entry, ..)| *entry),
            Chosen::Octa(one) => one.messages.first().map(|(entry, _)| *entry),
        };
        first.unwrap_or(usize::MAX)
    }
}
