//! One conversation with one process of the plugin, in the place of an engine.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use pegboard_host::RawProcess;
use pegboard_protocol::codec::{
    DecodeError, DecodeErrorKind, Decoder, Encoding, Limits, Sender, encode, parse_announcement,
};
use pegboard_protocol::nu::{Dialect, EngineResponse, Message};
use pegboard_transport::{Hangup, Source};
use semver::Version;
use serde_json::Value as Tree;

use super::patience::Patience;
use super::replies::Replies;
use super::report::{Fault, Outcome, Speaker};
use super::transcript::{Noticed, Transcript};
use super::watch::Watch;
use super::writer::Writer;
use super::{form, tree};

/// The longest message that is read.
const LIMITS: Limits = Limits {
    frame: 16 << 20,
    depth: 256,
    collection: 1 << 20,
};
/// How many messages are compared with what real plugins write.
const COMPARED: u64 = 250;
/// After its last answer a plugin may have this long to say something that it should not say.
pub(super) const QUIET: Duration = Duration::from_millis(30);
/// As many characters are shown of what is printed in the place of messages.
const PRINTED: usize = 80;
/// How often it is looked whether a silent process has ended.
const LOOK: Duration = Duration::from_millis(100);

/// Why a rule cannot be played to its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// The plugin breaks it.
    Broken(String),
    /// It is about something that the plugin does not have.
    NotApplicable(String),
    /// There is no way to try it.
    NotChecked(String),
}

impl Stop {
    /// The verdict on a rule that could not be played; none if the plugin breaks it.
    pub(super) fn excuse(self) -> Option<Outcome> {
        match self {
            Stop::Broken(_) => None,
            Stop::NotApplicable(why) => Some(Outcome::NotApplicable(why)),
            Stop::NotChecked(why) => Some(Outcome::NotChecked(why)),
        }
    }
}

pub(super) type Played<T = ()> = Result<T, Stop>;

/// Says that the plugin breaks the rule that is played.
pub(super) fn broken<T>(what: impl Into<String>) -> Played<T> {
    Err(Stop::Broken(what.into()))
}

/// What listening gives.
#[derive(Debug)]
pub(super) enum Heard {
    Message(Message),
    /// Nothing until the deadline.
    Silence,
    /// The plugin has closed its output.
    Closed,
}

/// A conversation. The process ends when this is dropped, with all that it started.
pub(super) struct Conversation {
    pub(super) process: RawProcess,
    source: Box<dyn Source>,
    hangup: Hangup,
    writer: Option<Writer>,
    pub(super) patience: Patience,
    decoder: Option<(Decoder, Encoding)>,
    pub(super) dialect: Dialect,
    /// What was read and is no part yet of a message that was given out.
    unread: Vec<u8>,
    compared: u64,
    closed: bool,
    pub(super) next_call: u64,
    pub(super) next_stream: u64,
    /// Every item of an output stream is acked as it comes.
    pub(super) acks: bool,
    pub(super) replies: Replies,
    /// An engine call was refused.
    pub(super) refused: bool,
    pub(super) watch: Watch,
    transcript: Transcript,
    noticed: Noticed,
}

impl Conversation {
    /// Connects to a process; nothing is said yet.
    pub(super) fn connect(
        mut process: RawProcess,
        timeout: Duration,
        replies: Replies,
        noticed: &Noticed,
    ) -> Result<Conversation, Fault> {
        let transcript = Transcript::default();
        let deadline = Instant::now() + timeout;
        let connected = process.connect(deadline).and_then(|link| {
            let writer = Writer::start(link.sink, timeout)?;
            Ok((link.source, link.hangup, writer))
        });
        let (source, hangup, writer) = match connected {
            Ok(parts) => parts,
            Err(error) => {
                return Err(Fault {
                    what: format!("it has no link: {error}"),
                    exit: process.wait(Instant::now()).map(|end| end.words),
                    stderr: process.last_words(),
                    ..Fault::default()
                });
            }
        };
        Ok(Conversation {
            process,
            source,
            hangup,
            writer: Some(writer),
            patience: Patience::new(timeout),
            decoder: None,
            dialect: Dialect::NEWEST,
            unread: Vec::new(),
            compared: 0,
            closed: false,
            next_call: 0,
            next_stream: 0,
            acks: true,
            replies,
            refused: false,
            watch: Watch::default(),
            transcript,
            noticed: noticed.clone(),
        })
    }

    /// What is wrong, with the place in this conversation.
    pub(super) fn fault(&mut self, what: String) -> Fault {
        let now = Instant::now();
        Fault {
            what,
            conversation: self.transcript.last(),
            exit: self.process.wait(now).map(|end| end.words),
            stderr: self.process.last_words(),
        }
    }

    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.patience.silence()
    }

    /// True if the plugin will say nothing more.
    pub(super) fn is_over(&self) -> bool {
        self.closed
    }

    // Reading.

    /// Reads the announcement of the encoding.
    pub(super) fn announcement(&mut self) -> Played<Encoding> {
        let (deadline, within) = (self.deadline(), self.patience.silence());
        loop {
            match parse_announcement(&self.unread) {
                Ok(Some((encoding, used))) => {
                    let bytes: Vec<u8> = self.unread.drain(..used).collect();
                    self.transcript.bytes(Speaker::Plugin, &bytes);
                    let mut decoder = Decoder::new(encoding, Sender::Plugin, LIMITS);
                    decoder.feed(&self.unread);
                    self.decoder = Some((decoder, encoding));
                    return Ok(encoding);
                }
                Ok(None) => {}
                Err(error) => {
                    self.transcript.bytes(Speaker::Plugin, &self.unread);
                    return broken(error.to_string());
                }
            }
            match self.read(deadline) {
                None => {}
                Some(Heard::Closed) => return self.gone("announce its encoding"),
                Some(_) => return silent("announce its encoding", within),
            }
        }
    }

    /// The next message. Engine calls are replied to, and items acked, on the way.
    pub(super) fn listen(&mut self, deadline: Instant) -> Played<Heard> {
        loop {
            let Some((decoder, encoding)) = &mut self.decoder else {
                self.announcement()?;
                continue;
            };
            let encoding = *encoding;
            match decoder.next() {
                Ok(Some(frame)) => {
                    let end = self.unread.len() - decoder.pending();
                    self.take(&frame.message, frame.size, end, encoding)?;
                    return Ok(Heard::Message(frame.message));
                }
                Ok(None) => {}
                Err(error) => return self.undecodable(&error),
            }
            if self.closed {
                return Ok(Heard::Closed);
            }
            match self.read(deadline) {
                Some(Heard::Closed) => {
                    if let Some((decoder, _)) = &self.decoder
                        && let Err(error) = decoder.finish()
                    {
                        self.transcript.bytes(Speaker::Plugin, &self.unread);
                        self.notice("whole-messages", error.to_string());
                    }
                    return Ok(Heard::Closed);
                }
                Some(heard) => return Ok(heard),
                None if Instant::now() > deadline => return Ok(Heard::Silence),
                None => {}
            }
        }
    }

    /// Listens until `reached`, for as long as the plugin may be silent, and anew whenever it has shown that it reads
    /// what it was told. `what` is what it has to do, as in "it does not ... within 5s".
    pub(super) fn until(
        &mut self,
        what: &str,
        mut reached: impl FnMut(&Conversation) -> bool,
    ) -> Played {
        let last = Instant::now() + self.patience.all();
        let (mut deadline, mut within) = (self.deadline(), self.patience.silence());
        while !reached(self) {
            match self.listen(deadline)? {
                Heard::Message(Message::CallResponse(..) | Message::Ack(_)) => {
                    within = self.patience.silence();
                    deadline = last.min(Instant::now() + within);
                }
                Heard::Message(_) => {}
                Heard::Silence => return silent(what, within),
                Heard::Closed => return self.gone(what),
            }
            if Instant::now() > deadline && !reached(self) {
                return silent(what, within);
            }
        }
        Ok(())
    }

    /// Reads what there is. None if there was something. That the process has ended is noticed even if something that it
    /// has started holds its output open.
    fn read(&mut self, deadline: Instant) -> Option<Heard> {
        let mut buffer = [0; 16 << 10];
        loop {
            let over = self.process.wait(Instant::now()).is_some();
            let now = Instant::now();
            let look = deadline.min(now + if over { Duration::ZERO } else { LOOK });
            match self.source.read(&mut buffer, Some(look)) {
                Ok(count @ 1..) => {
                    let bytes = &buffer[..count];
                    self.unread.extend_from_slice(bytes);
                    if let Some((decoder, _)) = &mut self.decoder {
                        decoder.feed(bytes);
                    }
                    return None;
                }
                Err(error) if error.kind() == ErrorKind::TimedOut && !over => {
                    if Instant::now() >= deadline {
                        return Some(Heard::Silence);
                    }
                }
                Ok(0) | Err(_) => {
                    self.closed = true;
                    return Some(Heard::Closed);
                }
            }
        }
    }

    /// Takes note of a message that ends at this place of what is unread, and does what any engine does about it.
    fn take(&mut self, message: &Message, size: usize, end: usize, encoding: Encoding) -> Played {
        self.transcript.message(Speaker::Plugin, message);
        if let Message::Hello(hello) = message
            && let Ok(version) = Version::parse(&hello.version)
            && let Ok(dialect) = Dialect::of(&version)
        {
            self.dialect = dialect;
            if let Some((decoder, _)) = &mut self.decoder {
                decoder.set_dialect(dialect);
            }
        }
        let bytes: Vec<u8> = self.unread.drain(..end).collect();
        if self.compared < COMPARED {
            self.compared += 1;
            let (before, written) = bytes.split_at(bytes.len() - size);
            if let Some(what) = form::difference(message, written, encoding, self.dialect) {
                self.notice("message-form", what);
            }
            // The first message stands right behind the announcement.
            let proper: &[u8] = if self.compared == 1 { b"" } else { b"\n" };
            if encoding == Encoding::Json && (before != proper || written.contains(&b'\n')) {
                let what =
                    "between this message and the one before is something else than one line feed";
                self.notice("json-lines", what.to_owned());
            }
        }
        for (rule, what) in self.watch.receive(message) {
            self.notice(rule, what);
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
            Message::CallResponse(id, _) => self.patience.answered(*id),
            Message::Ack(_) => self.patience.acked(),
            _ => {}
        }
        Ok(())
    }

    fn undecodable<T>(&mut self, error: &DecodeError) -> Played<T> {
        self.transcript.bytes(Speaker::Plugin, &self.unread);
        let rule = match error.kind() {
            DecodeErrorKind::Limit => "message-size",
            DecodeErrorKind::Syntax | DecodeErrorKind::Truncated => "only-messages",
            // In MessagePack a text looks like a number.
            DecodeErrorKind::WrongType if error.path().is_empty() => "only-messages",
            _ => "message-form",
        };
        let what = match printed(&self.unread) {
            Some(text) if rule == "only-messages" => format!(
                "it prints to standard output, which is for messages only (standard error is for text): {text:?}"
            ),
            _ => error.to_string(),
        };
        self.notice(rule, what.clone());
        broken(format!("what it writes cannot be read: {what}"))
    }

    fn notice(&mut self, rule: &'static str, what: String) {
        self.noticed.add(rule, what, &self.transcript);
    }

    pub(super) fn gone<T>(&mut self, what: &str) -> Played<T> {
        let end = self.process.wait(Instant::now() + QUIET * 10);
        broken(match end {
            Some(end) => format!("it ends ({}) when it should {what}", end.words),
            None => format!("it closes its output when it should {what}"),
        })
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
        self.write(bytes)
    }

    /// Takes note of what is going to be said.
    fn note(&mut self, message: &Message) {
        self.transcript.message(Speaker::Engine, message);
        self.watch.send(message);
        match message {
            // What the plugin waits for does not keep it from its work.
            Message::EngineCallResponse(..) => return,
            Message::Ack(id) if self.watch.outputs.contains_key(id) => return,
            Message::Call(id, _) => self.patience.call(*id),
            _ => {}
        }
        self.patience.say();
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
        self.write(all);
    }

    /// Says something that no codec would write.
    pub(super) fn say_tree(&mut self, tree: &Tree) {
        if let Some((_, encoding)) = &self.decoder {
            let bytes = tree::write(tree, *encoding);
            self.transcript.text(Speaker::Engine, &tree.to_string());
            self.patience.say();
            self.write(bytes);
        }
    }

    /// Says something in pieces of this many bytes, each with a write of its own.
    pub(super) fn say_in_pieces(&mut self, message: &Message, size: usize) {
        let Some((_, encoding)) = &self.decoder else {
            return;
        };
        let mut bytes = Vec::new();
        if encode(message, Sender::Engine, *encoding, self.dialect, &mut bytes).is_ok() {
            self.note(message);
            bytes.chunks(size).for_each(|piece| {
                self.write(piece.to_vec());
            });
        }
    }

    pub(super) fn say_bytes(&mut self, bytes: &[u8]) {
        self.transcript.bytes(Speaker::Engine, bytes);
        self.write(bytes.to_vec());
    }

    fn write(&mut self, bytes: Vec<u8>) -> bool {
        self.writer
            .as_ref()
            .is_some_and(|writer| writer.write(bytes))
    }

    /// Closes the plugin's input.
    pub(super) fn close_input(&mut self) {
        self.transcript
            .text(Speaker::Engine, "(closes the plugin's input)");
        self.writer = None;
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

/// The plugin has not done what it should for so long.
pub(super) fn silent<T>(what: &str, within: Duration) -> Played<T> {
    broken(format!("it does not {what} within {within:?}"))
}

impl Drop for Conversation {
    fn drop(&mut self) {
        self.hangup.hang_up();
    }
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
