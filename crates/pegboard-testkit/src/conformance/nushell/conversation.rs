//! One conversation with one process of the plugin, in the place of an engine.

use std::io;
use std::time::{Duration, Instant};

use pegboard_protocol::codec::{
    DecodeError, DecodeErrorKind, Decoder, Encoding, Limits, Sender, encode, parse_announcement,
};
use pegboard_protocol::nu::{Dialect, EngineResponse, Message};
use semver::Version;
use serde_json::Value as Tree;

use super::replies::Replies;
use super::watch::Watch;
use super::{form, tree};
use crate::conformance::play::{Converses, Heard, Played, broken, silent};
use crate::conformance::report::Speaker;
use crate::conformance::wire::{Arrived, Wire};

/// The longest message that is read.
const LIMITS: Limits = Limits {
    frame: 16 << 20,
    depth: 256,
    collection: 1 << 20,
};
/// How many messages are compared with what real plugins write.
const COMPARED: u64 = 250;
/// As many characters are shown of what is printed in the place of messages.
const PRINTED: usize = 80;

/// A conversation. The process ends when this is dropped, with all that it started.
pub(super) struct Conversation {
    pub(super) wire: Wire,
    decoder: Option<(Decoder, Encoding)>,
    pub(super) dialect: Dialect,
    compared: u64,
    pub(super) next_call: u64,
    pub(super) next_stream: u64,
    /// Every item of an output stream is acked as it comes.
    pub(super) acks: bool,
    pub(super) replies: Replies,
    /// An engine call was refused.
    pub(super) refused: bool,
    pub(super) watch: Watch,
}

impl Converses for Conversation {
    type Message = Message;

    const CLOSES: &'static str = "closes its output";

    fn unlinked(error: &io::Error, _: Duration) -> String {
        format!("it has no link: {error}")
    }

    fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }

    /// The next message. Engine calls are replied to, and items acked, on the way.
    fn listen(&mut self, deadline: Instant) -> Played<Heard<Message>> {
        loop {
            let Some((decoder, encoding)) = &mut self.decoder else {
                self.announcement()?;
                continue;
            };
            let encoding = *encoding;
            match decoder.next() {
                Ok(Some(frame)) => {
                    let end = self.wire.unread().len() - decoder.pending();
                    self.take(&frame.message, frame.size, end, encoding)?;
                    return Ok(Heard::Message(frame.message));
                }
                Ok(None) => {}
                Err(error) => return self.undecodable(&error),
            }
            if self.wire.is_closed() {
                return Ok(Heard::Closed);
            }
            match self.read(deadline) {
                Arrived::Bytes(_) if Instant::now() <= deadline => {}
                Arrived::Bytes(_) | Arrived::Nothing => return Ok(Heard::Silence),
                Arrived::End => {
                    if let Some((decoder, _)) = &self.decoder
                        && let Err(error) = decoder.finish()
                    {
                        self.show_unread();
                        self.wire.notice("whole-messages", error.to_string());
                    }
                    return Ok(Heard::Closed);
                }
            }
        }
    }

    fn shows_reading(message: &Message) -> bool {
        matches!(message, Message::CallResponse(..) | Message::Ack(_))
    }
}

impl Conversation {
    /// A conversation in which nothing was said yet.
    pub(super) fn new(wire: Wire, replies: Replies) -> Conversation {
        Conversation {
            wire,
            decoder: None,
            dialect: Dialect::NEWEST,
            compared: 0,
            next_call: 0,
            next_stream: 0,
            acks: true,
            replies,
            refused: false,
            watch: Watch::default(),
        }
    }

    // Reading.

    /// Reads the announcement of the encoding.
    pub(super) fn announcement(&mut self) -> Played<Encoding> {
        let (deadline, within) = (self.wire.deadline(), self.wire.patience.silence());
        loop {
            match parse_announcement(self.wire.unread()) {
                Ok(Some((encoding, used))) => {
                    let bytes = self.wire.take(used);
                    self.wire.transcript.bytes(Speaker::Plugin, &bytes);
                    let mut decoder = Decoder::new(encoding, Sender::Plugin, LIMITS);
                    decoder.feed(self.wire.unread());
                    self.decoder = Some((decoder, encoding));
                    return Ok(encoding);
                }
                Ok(None) => {}
                Err(error) => {
                    self.show_unread();
                    return broken(error.to_string());
                }
            }
            match self.read(deadline) {
                Arrived::Bytes(_) => {}
                Arrived::End => return self.gone("announce its encoding"),
                Arrived::Nothing => return silent("announce its encoding", within),
            }
        }
    }

    fn read(&mut self, deadline: Instant) -> Arrived {
        let arrived = self.wire.read(deadline);
        if let (Arrived::Bytes(count), Some((decoder, _))) = (arrived, &mut self.decoder) {
            let unread = self.wire.unread();
            decoder.feed(&unread[unread.len() - count..]);
        }
        arrived
    }

    fn show_unread(&mut self) {
        let unread = self.wire.unread();
        self.wire.transcript.bytes(Speaker::Plugin, unread);
    }

    /// Takes note of a message that ends at this place of what is unread, and does what any engine does about it.
    fn take(&mut self, message: &Message, size: usize, end: usize, encoding: Encoding) -> Played {
        self.wire.transcript.message(Speaker::Plugin, message);
        if let Message::Hello(hello) = message
            && let Ok(version) = Version::parse(&hello.version)
            && let Ok(dialect) = Dialect::of(&version)
        {
            self.dialect = dialect;
            if let Some((decoder, _)) = &mut self.decoder {
                decoder.set_dialect(dialect);
            }
        }
        let bytes = self.wire.take(end);
        if self.compared < COMPARED {
            self.compared += 1;
            let (before, written) = bytes.split_at(bytes.len() - size);
            if let Some(what) = form::difference(message, written, encoding, self.dialect) {
                self.wire.notice("message-form", what);
            }
            // The first message stands right behind the announcement.
            let proper: &[u8] = if self.compared == 1 { b"" } else { b"\n" };
            if encoding == Encoding::Json && (before != proper || written.contains(&b'\n')) {
                let what =
                    "between this message and the one before is something else than one line feed";
                self.wire.notice("json-lines", what.to_owned());
            }
        }
        for (rule, what) in self.watch.receive(message) {
            self.wire.notice(rule, what);
        }
        match message {
            Message::Data(id, _) if self.acks => {
                self.say(&Message::Ack(*id));
            }
            Message::EngineCall { id, call, .. } => {
                self.watch.asking.retain(|asking| asking != id);
                let reply = self.replies.to(call);
                self.refused |= matches!(reply, EngineResponse::Error(_));
                self.say(&Message::EngineCallResponse(*id, reply));
            }
            Message::CallResponse(id, _) => self.wire.patience.answered(id.0),
            Message::Ack(_) => self.wire.patience.acked(),
            _ => {}
        }
        Ok(())
    }

    fn undecodable<T>(&mut self, error: &DecodeError) -> Played<T> {
        self.show_unread();
        let rule = match error.kind() {
            DecodeErrorKind::Limit => "message-size",
            DecodeErrorKind::Syntax | DecodeErrorKind::Truncated => "only-messages",
            // In MessagePack a text looks like a number.
            DecodeErrorKind::WrongType if error.path().is_empty() => "only-messages",
            _ => "message-form",
        };
        let what = match printed(self.wire.unread()) {
            Some(text) if rule == "only-messages" => format!(
                "it prints to standard output, which is for messages only (standard error is for text): {text:?}"
            ),
            _ => error.to_string(),
        };
        self.wire.notice(rule, what.clone());
        broken(format!("what it writes cannot be read: {what}"))
    }

    // Writing.

    /// Says something, in the plugin's encoding and version. What cannot be said in that version is not.
    pub(super) fn say(&mut self, message: &Message) -> bool {
        let Some((_, encoding)) = &self.decoder else {
            return false;
        };
        let mut bytes = Vec::new();
        if encode(message, Sender::Engine, *encoding, self.dialect, &mut bytes).is_err() {
            return false;
        }
        self.note(message);
        self.wire.write(bytes)
    }

    /// Takes note of what is going to be said.
    fn note(&mut self, message: &Message) {
        self.wire.transcript.message(Speaker::Engine, message);
        self.watch.send(message);
        match message {
            // What the plugin waits for does not keep it from its work.
            Message::EngineCallResponse(..) => return,
            Message::Ack(id) if self.watch.outputs.contains_key(id) => return,
            Message::Call(id, _) => self.wire.patience.call(id.0),
            _ => {}
        }
        self.wire.patience.say();
    }

    /// Says several things with one write.
    pub(super) fn say_together(&mut self, messages: &[Message]) {
        let Some((_, encoding)) = &self.decoder else {
            return;
        };
        let (encoding, mut all) = (*encoding, Vec::new());
        for message in messages {
            if encode(message, Sender::Engine, encoding, self.dialect, &mut all).is_ok() {
                self.note(message);
            }
        }
        self.wire.write(all);
    }

    /// Says something that no codec would write.
    pub(super) fn say_tree(&mut self, tree: &Tree) {
        if let Some((_, encoding)) = &self.decoder {
            let bytes = tree::write(tree, *encoding);
            self.wire
                .transcript
                .text(Speaker::Engine, &tree.to_string());
            self.wire.patience.say();
            self.wire.write(bytes);
        }
    }

    /// Says something byte by byte.
    pub(super) fn say_message_in_pieces(&mut self, message: &Message) -> Played {
        let Some((_, encoding)) = &self.decoder else {
            return Ok(());
        };
        let mut bytes = Vec::new();
        if encode(message, Sender::Engine, *encoding, self.dialect, &mut bytes).is_ok() {
            self.note(message);
            self.say_in_pieces(&bytes)?;
        }
        Ok(())
    }

    pub(super) fn say_bytes(&mut self, bytes: &[u8]) {
        self.wire.transcript.bytes(Speaker::Engine, bytes);
        self.wire.write(bytes.to_vec());
    }
}

/// The first line of what stands in the place of a message, if that is text that somebody would print.
fn printed(bytes: &[u8]) -> Option<String> {
    let line = bytes
        .trim_ascii_start()
        .split(|byte| *byte == b'\n')
        .next()?;
    let text: String = String::from_utf8_lossy(line)
        .chars()
        .take(PRINTED)
        .collect();
    let is_text = |c: char| !c.is_control() && c != char::REPLACEMENT_CHARACTER;
    let begins = |c: char| is_text(c) && !"{[\"".contains(c);
    (text.len() > 2 && text.starts_with(begins) && text.trim_end().chars().all(is_text))
        .then(|| text.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_are_told_from_spoilt_messages() {
        for (bytes, expected) in [
            (&b"starting up...\r\n{\"Hello\""[..], Some("starting up...")),
            (b"\nDebug: 1", Some("Debug: 1")),
            ("gr\u{fc}n".as_bytes(), Some("gr\u{fc}n")),
            (b"{\"CallResponse\": [0, oops", None),
            (b"\"Goodby", None),
            (b"\x81\xa5Hello", None),
            (b"ab\x01cd", None),
            (b"", None),
        ] {
            assert_eq!(printed(bytes).as_deref(), expected, "{bytes:?}");
        }
    }
}
