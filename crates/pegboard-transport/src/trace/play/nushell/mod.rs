//! Conversations with plugins of Nushell's.
//!
//! What is sent back as acknowledgement does not count, nor do signals, nor what an engine asks only to know the plugin.

mod compare;
mod player;
mod script;
mod stage;
#[cfg(test)]
mod tests;

use pegboard_protocol::codec::Sender;
use pegboard_protocol::nu::{Message, StreamItem};

use super::drive::drive;
use super::lines::Speech;
use super::{PlaySettings, Played, Spoken};
use crate::link::Link;
use crate::trace::{Conversation, Trace};
use player::{Ear, Player};
use script::Script;

impl Trace {
    /// Plays `side` of one of the trace's conversations to the program at the other end of the link.
    pub fn play(
        &self,
        conversation: &Conversation,
        side: Sender,
        link: Link,
        settings: &PlaySettings,
    ) -> Played {
        let messages = conversation.messages.iter();
        let messages = messages.map(|(entry, from, message)| {
            (*entry, self.entries[*entry].time, *from, message.clone())
        });
        let player = Player::new(Script::new(messages, side), settings);
        drive(player, Ear::new(side), link, settings)
    }
}

impl Speech for Message {
    const PIECE: &'static str = "the chunk";

    fn spoken(self) -> Spoken {
        Spoken::Nushell(self)
    }

    fn bytes(&self) -> Option<&[u8]> {
        match self {
            Message::Data(_, StreamItem::Raw(bytes)) => Some(bytes),
            _ => None,
        }
    }
}
