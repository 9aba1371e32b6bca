//! A side of Nushell's on the wire: who speaks first, in which encoding, and in which version.

use std::time::Duration;

use pegboard_protocol::codec::{self, Decoder, Encoding, Limits, Sender};
use pegboard_protocol::nu::{Dialect, Message};

use super::script::{Lane, Script};
use super::stage::Stage;
use crate::trace::play::drive::{self, GOODBYE, Plays};
use crate::trace::play::lines::{Lines, Speech};
use crate::trace::play::{Mismatch, PlaySettings};

/// What comes from the other side.
pub(super) enum Heard {
    /// The encoding that the plugin announces.
    Encoding(Encoding),
    Message(Message),
}

pub(super) struct Player<'a> {
    stage: Stage<'a>,
    settings: &'a PlaySettings,
    /// What is said before the first message.
    announcement: Option<Encoding>,
    encoding: Option<Encoding>,
    dialect: Dialect,
    /// Nothing is said while the other side may still say its version first.
    may_speak: bool,
}

impl<'a> Player<'a> {
    pub(super) fn new(script: Script, settings: &'a PlaySettings) -> Player<'a> {
        let ours = script.lines.ours();
        let adapts = ours == Sender::Plugin || settings.any_version;
        let announcement = (ours == Sender::Plugin).then_some(Encoding::MsgPack);
        Player {
            stage: Stage::new(script, settings),
            settings,
            announcement,
            encoding: announcement,
            dialect: Dialect::NEWEST,
            may_speak: settings.version_wait.is_none() || !adapts,
        }
    }
}

impl Plays for Player<'_> {
    type Message = Message;
    type Lane = Lane;
    type Heard = Heard;

    fn lines(&self) -> &Lines<Message, Lane> {
        self.stage.lines()
    }

    fn say(&mut self) -> Result<Option<Vec<u8>>, Box<Mismatch>> {
        if let Some(encoding) = self.announcement.take() {
            return Ok(Some(encoding.announcement().to_vec()));
        }
        let Some(encoding) = self.encoding.filter(|_| self.may_speak) else {
            return Ok(None);
        };
        let Some(message) = self.stage.say() else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        let encoded = codec::encode(
            &message,
            self.lines().ours(),
            encoding,
            self.dialect,
            &mut bytes,
        );
        if let Err(error) = encoded {
            let what = format!("its version has no form for what has to be said to it: {error}");
            return Err(Box::new(Mismatch {
                recorded: Some(message.spoken()),
                is_gone: false,
                ..*self.lines().missing(what)
            }));
        }
        Ok(Some(bytes))
    }

    fn hear(&mut self, heard: Heard) -> Result<(), Box<Mismatch>> {
        let message = match heard {
            Heard::Encoding(encoding) => {
                self.encoding = Some(encoding);
                self.stage.went_on();
                return Ok(());
            }
            Heard::Message(message) => message,
        };
        if matches!(message, Message::Hello(_)) {
            self.may_speak = true;
            self.dialect = announced(&message).unwrap_or(self.dialect);
        }
        self.stage.hear(message)
    }

    fn is_over(&self) -> bool {
        self.stage.is_over()
    }

    fn may_close(&self, reason: Option<&str>) -> bool {
        reason.is_none() && self.stage.is_settled()
    }

    fn prelude(&self) -> Option<Duration> {
        self.settings.version_wait.filter(|_| !self.may_speak)
    }

    fn end_prelude(&mut self) {
        self.may_speak = true;
    }

    /// From an engine something may always come, from a plugin after Goodbye.
    fn epilogue(&self) -> Option<Duration> {
        let patience = self.settings.patience;
        match self.lines().ours() {
            _ if self.stage.goodbye => None,
            Sender::Plugin => Some(patience),
            Sender::Engine => self.stage.is_complete().then_some(GOODBYE.min(patience)),
        }
    }
}

/// The dialect of the version that a message announces, if it is one that is known.
fn announced(message: &Message) -> Option<Dialect> {
    let Message::Hello(hello) = message else {
        return None;
    };
    Dialect::of(&hello.version.parse().ok()?).ok()
}

pub(super) struct Ear {
    /// There as soon as it is known which encoding is spoken.
    decoder: Option<Decoder>,
    /// What has come before that.
    // bounded by: the longest announcement and one read, as more is an error
    start: Vec<u8>,
}

impl Ear {
    /// For who plays `ours`.
    pub(super) fn new(ours: Sender) -> Ear {
        let decoder = match ours {
            Sender::Plugin => Some(Decoder::new(
                Encoding::MsgPack,
                Sender::Engine,
                Limits::default(),
            )),
            Sender::Engine => None,
        };
        Ear {
            decoder,
            start: Vec::new(),
        }
    }

    fn announcement(&mut self) -> Option<Result<Heard, String>> {
        match codec::parse_announcement(&self.start) {
            Ok(Some((encoding, used))) => {
                let mut decoder = Decoder::new(encoding, Sender::Plugin, Limits::default());
                decoder.feed(&self.start.split_off(used));
                self.decoder = Some(decoder);
                Some(Ok(Heard::Encoding(encoding)))
            }
            Ok(None) => None,
            Err(error) => Some(Err(error.to_string())),
        }
    }
}

impl drive::Ear for Ear {
    type Heard = Heard;

    fn feed(&mut self, bytes: &[u8]) {
        match &mut self.decoder {
            Some(decoder) => decoder.feed(bytes),
            None => self.start.extend_from_slice(bytes),
        }
    }

    fn next(&mut self) -> Option<Result<Heard, String>> {
        let Some(decoder) = &mut self.decoder else {
            return self.announcement();
        };
        match decoder.next() {
            Ok(frame) => {
                let message = frame?.message;
                if let Some(dialect) = announced(&message) {
                    decoder.set_dialect(dialect);
                }
                Some(Ok(Heard::Message(message)))
            }
            Err(error) => Some(Err(format!("what it says makes no sense: {error}"))),
        }
    }
}
