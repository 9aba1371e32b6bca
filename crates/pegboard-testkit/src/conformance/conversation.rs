//! One conversation with one process of the plugin, in the place of an engine.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use pegboard_host::{RawEnd, RawProcess};
use pegboard_protocol::LabeledError;
use pegboard_protocol::codec::{
    DecodeError, DecodeErrorKind, Decoder, Encoding, Limits, Sender, encode, parse_announcement,
};
use pegboard_protocol::nu::{
    Call, CallId, Dialect, EngineResponse, Feature, Hello, Message, Response, StreamId, StreamItem,
};
use pegboard_transport::{Hangup, Source};
use semver::Version;
use serde_json::Value as Tree;

use super::report::{Fault, Speaker};
use super::transcript::{Noticed, Transcript};
use super::watch::{Asked, Input, Kind, Watch};
use super::writer::Writer;
use super::{form, tree};

/// The longest message that is read.
const LIMITS: Limits = Limits {
    frame: 16 << 20,
    depth: 256,
    collection: 1 << 20,
};
/// How many messages are compared with what real plugins write.
const COMPARED: u64 = 1000;
/// After its last answer a plugin may have this long to say something that it should not say.
const QUIET: Duration = Duration::from_millis(30);
/// How often it is looked whether a silent process has ended.
const LOOK: Duration = Duration::from_millis(100);

/// Why a rule cannot be played to its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// The plugin breaks it.
    Broken(String),
    /// It is about something that the plugin does not have.
    NotApplicable(String),
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
    process: RawProcess,
    source: Box<dyn Source>,
    hangup: Hangup,
    writer: Option<Writer>,
    timeout: Duration,
    decoder: Option<(Decoder, Encoding)>,
    dialect: Dialect,
    /// What was read and is no part yet of a message that was given out.
    unread: Vec<u8>,
    compared: u64,
    closed: bool,
    next_call: u64,
    next_stream: u64,
    /// Every item of an output stream is acked as it comes.
    pub(super) acks: bool,
    pub(super) watch: Watch,
    transcript: Transcript,
    noticed: Noticed,
}

impl Conversation {
    /// Connects to a process; nothing is said yet.
    pub(super) fn connect(
        mut process: RawProcess,
        timeout: Duration,
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
            timeout,
            decoder: None,
            dialect: Dialect::NEWEST,
            unread: Vec::new(),
            compared: 0,
            closed: false,
            next_call: 0,
            next_stream: 0,
            acks: true,
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
        Instant::now() + self.timeout
    }

    // Reading.

    /// Reads the announcement of the encoding.
    pub(super) fn announcement(&mut self) -> Played<Encoding> {
        let deadline = self.deadline();
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
                Some(Heard::Closed) => return self.gone("announces its encoding"),
                Some(_) => return self.silent("announce its encoding"),
            }
        }
    }

    /// The next message. Engine calls are refused, and items acked, on the way.
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

    /// Listens until `reached`, for as long as the timeout. `what` is what the plugin has to do, as in "it does not
    /// ... within 5s".
    pub(super) fn until(
        &mut self,
        what: &str,
        mut reached: impl FnMut(&Conversation) -> bool,
    ) -> Played {
        let deadline = self.deadline();
        while !reached(self) {
            match self.listen(deadline)? {
                Heard::Message(_) if Instant::now() < deadline => {}
                Heard::Message(_) | Heard::Silence => return self.silent(what),
                Heard::Closed => return self.gone(what),
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
            Message::EngineCall { id, .. } => {
                self.watch.asking.retain(|asking| asking != id);
                let error = LabeledError::new("this engine answers no engine calls");
                let refusal = EngineResponse::Error(Box::new(error));
                self.say(&Message::EngineCallResponse(*id, refusal));
            }
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
        self.notice(rule, error.to_string());
        broken(format!("what it writes cannot be read: {error}"))
    }

    fn notice(&mut self, rule: &'static str, what: String) {
        self.noticed.add(rule, what, &self.transcript);
    }

    fn silent<T>(&self, what: &str) -> Played<T> {
        broken(format!("it does not {what} within {:?}", self.timeout))
    }

    fn gone<T>(&mut self, what: &str) -> Played<T> {
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
        self.transcript.message(Speaker::Engine, message);
        self.watch.send(message);
        self.write(bytes)
    }

    /// Says several things with one write.
    pub(super) fn say_together(&mut self, messages: &[Message]) {
        let Some((_, encoding)) = &self.decoder else {
            return;
        };
        let (encoding, mut all) = (*encoding, Vec::new());
        for message in messages {
            if encode(message, Sender::Engine, encoding, self.dialect, &mut all).is_ok() {
                self.transcript.message(Speaker::Engine, message);
                self.watch.send(message);
            }
        }
        self.write(all);
    }

    /// Says something that no codec would write.
    pub(super) fn say_tree(&mut self, tree: &Tree) {
        if let Some((_, encoding)) = &self.decoder {
            let bytes = tree::write(tree, *encoding);
            self.transcript.text(Speaker::Engine, &tree.to_string());
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
            self.transcript.message(Speaker::Engine, message);
            self.watch.send(message);
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

    // Turns that many rules take.

    /// Says Hello as an engine of this version.
    pub(super) fn say_hello(&mut self, version: &Version) {
        let hello = Hello {
            protocol: "nu-plugin".to_owned(),
            version: version.to_string(),
            features: vec![Feature::LocalSocket],
        };
        if let Ok(dialect) = Dialect::of(version) {
            self.dialect = dialect;
        }
        self.say(&Message::Hello(hello));
    }

    /// Reads up to the plugin's Hello.
    pub(super) fn hear_hello(&mut self) -> Played<Hello> {
        let deadline = self.deadline();
        loop {
            match self.listen(deadline)? {
                Heard::Message(Message::Hello(hello)) => return Ok(hello),
                Heard::Message(_) if Instant::now() < deadline => {}
                Heard::Message(_) | Heard::Silence => return self.silent("say Hello"),
                Heard::Closed => return self.gone("say Hello"),
            }
        }
    }

    /// Makes a call, and gives its number.
    pub(super) fn call(&mut self, call: Call) -> CallId {
        let id = self.new_call();
        self.say(&Message::Call(id, call));
        id
    }

    /// A number for a call that is written in some other way.
    pub(super) fn new_call(&mut self) -> CallId {
        let id = CallId(self.next_call);
        self.next_call += 1;
        self.watch.calls.insert(id, Asked::new(Kind::Any));
        id
    }

    /// A number for a stream that the engine is going to send.
    pub(super) fn new_stream(&mut self) -> StreamId {
        let id = StreamId(self.next_stream);
        self.next_stream += 1;
        self.expect_input(id);
        id
    }

    /// From now on the plugin may ack and drop this stream.
    pub(super) fn expect_input(&mut self, id: StreamId) {
        self.watch.inputs.insert(id, Input::default());
    }

    pub(super) fn send_item(&mut self, stream: StreamId, item: StreamItem) {
        self.say(&Message::Data(stream, item));
    }

    /// Waits for the answer to a call.
    pub(super) fn answer(&mut self, id: CallId) -> Played<Response> {
        self.until(&format!("answer call {id}"), |it| it.has_answered(id))?;
        let asked = self.watch.calls.get(&id);
        let answer = asked.and_then(|asked| asked.answer.clone());
        answer.map_or_else(|| self.silent("answer"), Ok)
    }

    pub(super) fn has_answered(&self, id: CallId) -> bool {
        let asked = self.watch.calls.get(&id);
        asked.is_some_and(|asked| asked.answer.is_some())
    }

    /// Makes a call and waits for its answer.
    pub(super) fn ask(&mut self, call: Call) -> Played<Response> {
        let id = self.call(call);
        self.answer(id)
    }

    /// Checks that the plugin still answers, and listens for what it says unasked.
    pub(super) fn goes_on(&mut self) -> Played {
        self.ask(Call::Signature)?;
        let deadline = Instant::now() + QUIET;
        while let Heard::Message(_) = self.listen(deadline)? {
            if Instant::now() > deadline {
                break;
            }
        }
        Ok(())
    }

    /// Checks that the plugin either goes on, or ends by itself and says why on standard error.
    pub(super) fn goes_on_or_ends_in_words(&mut self) -> Played {
        if self.goes_on_or_ends()? {
            return Ok(());
        }
        self.ended_in_words()
    }

    /// Checks that the plugin either goes on, or ends by itself when the engine knows its version, or knows
    /// why from standard error.
    pub(super) fn goes_on_or_ends_after_hello(&mut self) -> Played {
        if self.goes_on_or_ends()? {
            return Ok(());
        }
        let end = self.ended()?;
        if end.code.is_some() && self.watch.hellos > 0 {
            return Ok(());
        }
        self.ended_in_words()
    }

    /// True for a plugin that goes on, false for one that ends.
    fn goes_on_or_ends(&mut self) -> Played<bool> {
        let id = self.call(Call::Signature);
        let deadline = self.deadline();
        loop {
            if self.has_answered(id) {
                return Ok(true);
            }
            match self.listen(deadline)? {
                Heard::Message(_) if Instant::now() < deadline => {}
                Heard::Message(_) | Heard::Silence => {
                    let within = self.timeout;
                    return broken(format!("it neither goes on nor ends within {within:?}"));
                }
                Heard::Closed => return Ok(false),
            }
        }
    }

    /// Checks that the plugin ends by itself, and says why on standard error.
    pub(super) fn ended_in_words(&mut self) -> Played {
        let end = self.ended()?;
        if end.code.is_none() {
            return broken(format!("it does not end by itself: {}", end.words));
        }
        if self.process.last_words().is_empty() {
            return broken(format!(
                "it ends ({}) without saying why on standard error",
                end.words
            ));
        }
        Ok(())
    }

    /// Waits for the plugin to end. What it says until then is read.
    pub(super) fn ended(&mut self) -> Played<RawEnd> {
        let deadline = self.deadline();
        while let Ok(Heard::Message(_)) = self.listen(deadline) {
            if Instant::now() > deadline {
                break;
            }
        }
        match self.process.wait(deadline) {
            Some(end) => Ok(end),
            None => self.silent("end"),
        }
    }

    /// True if the plugin will say nothing more.
    pub(super) fn is_over(&self) -> bool {
        self.closed
    }

    /// What the plugin has started and left behind.
    pub(super) fn offspring(&self) -> Vec<u32> {
        self.process.offspring(self.deadline())
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        self.hangup.hang_up();
    }
}
