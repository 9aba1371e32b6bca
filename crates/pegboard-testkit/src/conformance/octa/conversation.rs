//! One conversation with one process of an Octa plugin, in the place of its host.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::time::{Duration, Instant};

use pegboard_host::{RawEnd, RawProcess};
use pegboard_protocol::octa::{Decoder, Dialect, FromPlugin, Hello, Limits, LineErrorKind};
use pegboard_transport::{Hangup, Source};
use serde_json::{Value as Tree, json};

use super::form;
use super::watch::{End, Watch};
use crate::conformance::conversation::{Played, QUIET, broken, silent};
use crate::conformance::report::{Fault, Speaker};
use crate::conformance::transcript::{Noticed, Transcript};
use crate::conformance::writer::Writer;

/// The longest line that is read.
const LONGEST: usize = 16 << 20;
/// How often it is looked whether a silent process has ended.
const LOOK: Duration = Duration::from_millis(100);
/// How long a process that has closed its connection may take to be seen as ended.
const GONE: Duration = Duration::from_millis(300);

/// What listening gives.
#[derive(Debug)]
pub(super) enum Heard {
    Message(FromPlugin),
    /// Nothing until the deadline.
    Silence,
    /// The plugin has closed the connection.
    Closed,
}

/// A conversation. The process ends when this is dropped, with all that it started.
pub(super) struct Conversation {
    pub(super) process: RawProcess,
    source: Box<dyn Source>,
    hangup: Hangup,
    writer: Option<Writer>,
    pub(super) timeout: Duration,
    /// A line that has not ended.
    unread: Vec<u8>,
    /// So much of it has no line feed.
    scanned: usize,
    messages: VecDeque<FromPlugin>,
    closed: bool,
    /// The generation whose hosts have to be able to read every message.
    pub(super) reader: Option<Dialect>,
    pub(super) watch: Watch,
    transcript: Transcript,
    noticed: Noticed,
}

impl Conversation {
    /// Connects to a process as soon as it listens; nothing is said yet.
    pub(super) fn connect(
        mut process: RawProcess,
        timeout: Duration,
        noticed: &Noticed,
    ) -> Result<Conversation, Fault> {
        let connected = process.connect(Instant::now() + timeout).and_then(|link| {
            let writer = Writer::start(link.sink, timeout)?;
            Ok((link.source, link.hangup, writer))
        });
        match connected {
            Ok((source, hangup, writer)) => Ok(Conversation {
                process,
                source,
                hangup,
                writer: Some(writer),
                timeout,
                unread: Vec::new(),
                scanned: 0,
                messages: VecDeque::new(),
                closed: false,
                reader: None,
                watch: Watch::default(),
                transcript: Transcript::default(),
                noticed: noticed.clone(),
            }),
            Err(error) => Err(Fault {
                what: match error.kind() {
                    ErrorKind::TimedOut => {
                        format!(
                            "it does not listen on the socket of --socket-path within {timeout:?}"
                        )
                    }
                    ErrorKind::BrokenPipe => {
                        "it ends without listening on the socket of --socket-path".to_owned()
                    }
                    _ => format!("no connection to it can be made: {error}"),
                },
                exit: process.wait(Instant::now()).map(|end| end.words),
                stderr: process.last_words(),
                ..Fault::default()
            }),
        }
    }

    /// What is wrong, with the place in this conversation.
    pub(super) fn fault(&mut self, what: String) -> Fault {
        Fault {
            what,
            conversation: self.transcript.last(),
            exit: self.process.wait(Instant::now()).map(|end| end.words),
            stderr: self.process.last_words(),
        }
    }

    // Reading.

    /// The next message.
    pub(super) fn listen(&mut self, deadline: Instant) -> Played<Heard> {
        loop {
            if let Some(message) = self.messages.pop_front() {
                if let Some((rule, what)) = self.watch.receive(&message) {
                    self.notice(rule, what);
                }
                return Ok(Heard::Message(message));
            }
            if self.take_line()? {
                continue;
            }
            if self.closed {
                if !self.unread.is_empty() {
                    let rest = std::mem::take(&mut self.unread);
                    self.transcript.bytes(Speaker::Plugin, &rest);
                    self.notice("lines", "it ends in the middle of a line".to_owned());
                }
                return Ok(Heard::Closed);
            }
            if let Some(heard) = self.read(deadline) {
                return Ok(heard);
            }
        }
    }

    /// Listens until `reached`. `what` is what it has to do, as in "it does not ... within 5s".
    pub(super) fn until(&mut self, what: &str, reached: impl Fn(&Conversation) -> bool) -> Played {
        let deadline = Instant::now() + self.timeout;
        while !reached(self) {
            if Instant::now() > deadline {
                return silent(what, self.timeout);
            }
            match self.listen(deadline)? {
                Heard::Message(_) => {}
                Heard::Silence => return silent(what, self.timeout),
                Heard::Closed if reached(self) => {}
                Heard::Closed => return self.gone(what),
            }
        }
        Ok(())
    }

    pub(super) fn gone<T>(&mut self, what: &str) -> Played<T> {
        broken(match self.process.wait(Instant::now() + GONE) {
            Some(end) => format!("it ends ({}) when it should {what}", end.words),
            None => format!("it closes the connection when it should {what}"),
        })
    }

    /// Waits for the process to end, hearing what it says meanwhile.
    pub(super) fn ended(&mut self, within: Duration) -> Played<RawEnd> {
        let deadline = Instant::now() + within;
        while Instant::now() < deadline {
            if let Heard::Message(_) = self.listen(deadline)? {
                continue;
            }
            break;
        }
        match self.process.wait(deadline) {
            Some(end) => Ok(end),
            None => silent("end", within),
        }
    }

    /// Takes the next line out of what was read, if it is there.
    fn take_line(&mut self) -> Played<bool> {
        let new = &self.unread[self.scanned..];
        let Some(at) = new.iter().position(|byte| *byte == b'\n') else {
            self.scanned = self.unread.len();
            if self.unread.len() > LONGEST {
                let what = format!("a line of it has more than {LONGEST} bytes");
                self.transcript.bytes(Speaker::Plugin, &self.unread);
                self.notice("lines", what.clone());
                return broken(what);
            }
            return Ok(false);
        };
        let rest = self.unread.split_off(self.scanned + at + 1);
        let line = std::mem::replace(&mut self.unread, rest);
        self.scanned = 0;
        self.line(&line)?;
        Ok(true)
    }

    fn line(&mut self, line: &[u8]) -> Played {
        // What is no text is told as such, and read as well as it can be: one fault is not several.
        let text = String::from_utf8_lossy(line);
        match std::str::from_utf8(line) {
            Ok(text) => self.transcript.text(Speaker::Plugin, text),
            Err(_) => {
                self.transcript.bytes(Speaker::Plugin, line);
                self.notice("unicode", "the line is not UTF-8".to_owned());
            }
        }
        let tree = serde_json::from_str::<Tree>(&text).ok();
        let mut decoder = Decoder::<FromPlugin>::new(Limits {
            line: usize::MAX,
            ..Limits::default()
        });
        decoder.feed(text.as_bytes());
        let mut count = 0;
        while let Some(frame) = decoder.next() {
            count += 1;
            match frame.content {
                Ok(message) => self.messages.push_back(message),
                Err(error) => {
                    let rule = match error.kind() {
                        LineErrorKind::MissingField | LineErrorKind::BadValue => "message-form",
                        _ => "only-messages",
                    };
                    let what = error.what().to_owned();
                    self.notice(rule, what.clone());
                    if !self.is_passed_over(tree.as_ref()) {
                        return broken(format!("what it says cannot be read: {what}"));
                    }
                    return Ok(());
                }
            }
        }
        if count != 1 {
            let what = format!("there are {count} messages on one line");
            self.notice("lines", what);
        } else if let Some(tree) = tree {
            if let Some(what) = form::unreadable_by_all(&tree) {
                self.notice("message-form", what.clone());
                if !self.is_passed_over(Some(&tree)) {
                    return broken(format!("no host can read it: {what}"));
                }
                self.messages.pop_back();
                return Ok(());
            }
            let unreadable = self.reader.and_then(|it| form::unreadable(&tree, it));
            if let Some(what) = unreadable {
                return broken(format!("that host cannot read it: {what}"));
            }
        }
        Ok(())
    }

    /// True for what hosts do without when they cannot read it: while an execution runs, all but what tells of its course.
    fn is_passed_over(&self, line: Option<&Tree>) -> bool {
        let kind = line.and_then(|line| line["type"].as_str());
        let tells = matches!(kind, Some("Started" | "ExitStatus" | "Error" | "Shutdown"));
        self.watch.passes_over() && !tells
    }

    /// Reads what there is. None if there was something. That the process has ended is noticed even if something that it
    /// has started holds the connection open.
    fn read(&mut self, deadline: Instant) -> Option<Heard> {
        let mut buffer = [0; 16 << 10];
        loop {
            let over = self.process.wait(Instant::now()).is_some();
            let now = Instant::now();
            let look = deadline.min(now + if over { Duration::ZERO } else { LOOK });
            match self.source.read(&mut buffer, Some(look)) {
                Ok(count @ 1..) => {
                    self.unread.extend_from_slice(&buffer[..count]);
                    return None;
                }
                Err(error) if error.kind() == ErrorKind::TimedOut && !over => {
                    if Instant::now() >= deadline {
                        return Some(Heard::Silence);
                    }
                }
                Ok(0) | Err(_) => {
                    self.closed = true;
                    return None;
                }
            }
        }
    }

    fn notice(&mut self, rule: &'static str, what: String) {
        self.noticed.add(rule, what, &self.transcript);
    }

    // Writing.

    /// Says a message, as one line.
    pub(super) fn say(&mut self, message: &Tree) {
        self.say_line(&format!("{message}\n"));
    }

    pub(super) fn say_line(&mut self, line: &str) {
        self.transcript.text(Speaker::Engine, line);
        self.write(line.as_bytes());
    }

    /// Says bytes with a write of its own for each. The first is alone for a while, so that it is read alone.
    pub(super) fn say_in_pieces(&mut self, line: &str) -> Played {
        self.transcript.text(Speaker::Engine, line);
        let (first, rest) = line.as_bytes().split_at(line.len().min(1));
        self.write(first);
        let alone = Instant::now() + QUIET;
        while Instant::now() < alone && matches!(self.listen(alone)?, Heard::Message(_)) {}
        rest.chunks(1).for_each(|byte| self.write(byte));
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(writer) = &self.writer {
            writer.write(bytes.to_vec());
        }
    }

    /// Ends the connection, as a host that dies does.
    pub(super) fn close(&mut self) {
        self.transcript
            .text(Speaker::Engine, "(closes the connection)");
        self.writer = None;
        self.hangup.hang_up();
    }

    // Turns.

    /// Says Hello and asks for the key.
    pub(super) fn greet(&mut self, version: &str) -> Played<String> {
        self.hello(version)?;
        self.say(&json!({"type": "Schema"}));
        self.schema()
    }

    pub(super) fn hello(&mut self, version: &str) -> Played<Hello> {
        self.say(&hello(version));
        match self.next("answer Hello")? {
            FromPlugin::Hello(hello) => Ok(hello),
            FromPlugin::Error { message, .. } => broken(format!("it refuses Hello: {message}")),
            other => broken(format!("it answers Hello with {}", other.name())),
        }
    }

    pub(super) fn schema(&mut self) -> Played<String> {
        match self.next("answer Schema")? {
            FromPlugin::Schema { key } => Ok(key),
            FromPlugin::Error { message, .. } => broken(format!("it refuses Schema: {message}")),
            other => broken(format!("it answers Schema with {}", other.name())),
        }
    }

    pub(super) fn next(&mut self, what: &str) -> Played<FromPlugin> {
        match self.listen(Instant::now() + self.timeout)? {
            Heard::Message(message) => Ok(message),
            Heard::Silence => silent(what, self.timeout),
            Heard::Closed => self.gone(what),
        }
    }

    /// Asks for an execution, and gives its number by the order of starts.
    pub(super) fn ask(&mut self, message: &Tree) -> usize {
        let order = self.expect();
        self.say(message);
        order
    }

    /// An execution is going to be asked for.
    pub(super) fn expect(&mut self) -> usize {
        let order = self.watch.executions.len() + self.watch.awaited;
        self.watch.awaited += 1;
        order
    }

    /// Waits for the start of an execution.
    pub(super) fn started(&mut self, order: usize) -> Played {
        let complaints = self.watch.complaints.len();
        self.until("say Started", |it| {
            it.watch.nth(order).is_some() || it.watch.complaints.len() > complaints
        })?;
        match self.watch.complaints.get(complaints) {
            Some((_, message)) if self.watch.nth(order).is_none() => {
                broken(format!("it answers Execute with an error: {message}"))
            }
            _ => Ok(()),
        }
    }

    /// Waits for the end of an execution.
    pub(super) fn finished(&mut self, order: usize) -> Played<End> {
        self.started(order)?;
        let ended = |it: &Conversation| it.watch.nth(order).flatten().cloned();
        self.until("end the execution", |it| {
            ended(it).is_some() || it.watch.shut_down
        })?;
        match ended(self) {
            Some(end) => Ok(end),
            None => broken("it says Shutdown, unasked, in the middle of an execution"),
        }
    }
}

/// A host's Hello.
pub(super) fn hello(version: &str) -> Tree {
    json!({"type": "Hello", "payload": {"version": version, "features": []}})
}

impl Drop for Conversation {
    fn drop(&mut self) {
        self.hangup.hang_up();
    }
}
