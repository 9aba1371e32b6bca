//! One conversation with one process of an Octa plugin, in the place of its host.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use pegboard_host::RawEnd;
use pegboard_protocol::octa::{Decoder, Dialect, FromPlugin, Hello, Limits, LineErrorKind};
use serde_json::{Value as Tree, json};

use super::form;
use super::watch::{End, Watch};
use crate::conformance::play::{Converses, Heard, Played, broken, silent};
use crate::conformance::report::Speaker;
use crate::conformance::wire::{Arrived, Wire};

/// The longest line that is read.
const LONGEST: usize = 16 << 20;

/// A conversation. The process ends when this is dropped, with all that it started.
pub(super) struct Conversation {
    pub(super) wire: Wire,
    /// So much of what is unread has no line feed.
    scanned: usize,
    messages: VecDeque<FromPlugin>,
    /// The generation whose hosts have to be able to read every message.
    pub(super) reader: Option<Dialect>,
    pub(super) watch: Watch,
}

impl Converses for Conversation {
    type Message = FromPlugin;

    const CLOSES: &'static str = "closes the connection";

    fn unlinked(error: &io::Error, within: Duration) -> String {
        match error.kind() {
            ErrorKind::TimedOut => {
                format!("it does not listen on the socket of --socket-path within {within:?}")
            }
            ErrorKind::BrokenPipe => {
                "it ends without listening on the socket of --socket-path".to_owned()
            }
            _ => format!("no connection to it can be made: {error}"),
        }
    }

    fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }

    fn listen(&mut self, deadline: Instant) -> Played<Heard<FromPlugin>> {
        loop {
            if let Some(message) = self.messages.pop_front() {
                if let Some((rule, what)) = self.watch.receive(&message) {
                    self.wire.notice(rule, what);
                }
                return Ok(Heard::Message(message));
            }
            if self.take_line()? {
                continue;
            }
            if self.wire.is_closed() {
                let rest = self.wire.take(self.wire.unread().len());
                if !rest.is_empty() {
                    self.wire.transcript.bytes(Speaker::Plugin, &rest);
                    let what = "it ends in the middle of a line".to_owned();
                    self.wire.notice("lines", what);
                }
                return Ok(Heard::Closed);
            }
            if let Arrived::Nothing = self.wire.read(deadline) {
                return Ok(Heard::Silence);
            }
        }
    }

    /// Octa's plugins do not tell what they have read.
    fn shows_reading(_: &FromPlugin) -> bool {
        false
    }
}

impl Conversation {
    /// A conversation in which nothing was said yet.
    pub(super) fn new(wire: Wire) -> Conversation {
        Conversation {
            wire,
            scanned: 0,
            messages: VecDeque::new(),
            reader: None,
            watch: Watch::default(),
        }
    }

    /// How long the plugin may take for an answer.
    pub(super) fn timeout(&self) -> Duration {
        self.wire.patience.silence()
    }

    // Reading.

    /// Waits for the process to end, hearing what it says meanwhile.
    pub(super) fn ended(&mut self, within: Duration) -> Played<RawEnd> {
        let deadline = Instant::now() + within;
        while Instant::now() < deadline {
            let Heard::Message(_) = self.listen(deadline)? else {
                break;
            };
        }
        self.wire.end(deadline, within)
    }

    /// Takes the next line out of what was read, if it is there.
    fn take_line(&mut self) -> Played<bool> {
        let unread = self.wire.unread();
        let new = unread[self.scanned..].iter();
        let Some(at) = new.copied().position(|byte| byte == b'\n') else {
            self.scanned = unread.len();
            if unread.len() > LONGEST {
                let what = format!("a line of it has more than {LONGEST} bytes");
                self.wire.transcript.bytes(Speaker::Plugin, unread);
                self.wire.notice("lines", what.clone());
                return broken(what);
            }
            return Ok(false);
        };
        let line = self.wire.take(std::mem::take(&mut self.scanned) + at + 1);
        self.line(&line)?;
        Ok(true)
    }

    fn line(&mut self, line: &[u8]) -> Played {
        // What is no text is told as such, and read as well as it can be: one fault is not several.
        let text = String::from_utf8_lossy(line);
        match std::str::from_utf8(line) {
            Ok(text) => self.wire.transcript.text(Speaker::Plugin, text),
            Err(_) => {
                self.wire.transcript.bytes(Speaker::Plugin, line);
                self.wire
                    .notice("unicode", "the line is not UTF-8".to_owned());
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
                    self.wire.notice(rule, what.clone());
                    if !self.is_passed_over(tree.as_ref()) {
                        return broken(format!("what it says cannot be read: {what}"));
                    }
                    return Ok(());
                }
            }
        }
        if count != 1 {
            let what = format!("there are {count} messages on one line");
            self.wire.notice("lines", what);
        } else if let Some(tree) = tree {
            if let Some(what) = form::unreadable_by_all(&tree) {
                self.wire.notice("message-form", what.clone());
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

    // Writing.

    /// Says a message, as one line.
    pub(super) fn say(&mut self, message: &Tree) {
        self.say_line(&format!("{message}\n"));
    }

    pub(super) fn say_line(&mut self, line: &str) {
        self.wire.transcript.text(Speaker::Engine, line);
        self.wire.write(line.into());
    }

    pub(super) fn say_line_in_pieces(&mut self, line: &str) -> Played {
        self.wire.transcript.text(Speaker::Engine, line);
        self.say_in_pieces(line.as_bytes())
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
        match self.listen(self.wire.deadline())? {
            Heard::Message(message) => Ok(message),
            Heard::Silence => silent(what, self.timeout()),
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
