//! Runs a script against one side of a session and writes down what that side says and tells.
//!
//! A script begins with the side: `host V` and `plugin V` are past their handshakes with a peer of version V (`host V
//! ours` has offered extensions, `host V theirs` was offered them, `host V both` both); `engine mirror MS V`, `engine
//! exactly V`, `sdk strict V` and `sdk lenient V` are before them. Then come messages that arrive (`< JSON`, or `< x3
//! JSON` for three of them), actions (`do ...`), the passing of time (`at MS`) and remarks (`//`). What comes of each
//! follows it: messages sent (`>`), events (`!`) and results of actions (`=`), where `x3` at the end stands for three
//! lines. `$7` is the value 7, `#7` the same in its short form, `%` an unknown span, and `@` a field `span` with it.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write;
use std::time::Duration;

use pegboard_protocol::codec::{self, Decoder, Encoding, Limits, Sender};
use pegboard_protocol::nu::{
    Call, CallId, Dialect, EngineCall, EngineCallId, EngineResponse, Feature, Message,
    PluginOption, Response, Signal, StreamId, StreamItem, StreamKind,
};
use pegboard_protocol::session::{
    EngineHandshake, EnginePolicy, Event, Failure, FailureKind, FlowLimits, Host, Plugin,
    PluginHandshake, PluginPolicy, ReaderId, Refusal, SendError, Session,
};
use pegboard_protocol::{LabeledError, Value};

const SPAN: &str = r#"{"start":0,"end":0}"#;

/// The script with what really comes of each of its steps.
pub(crate) fn run(script: &str) -> String {
    let mut stage = Stage::default();
    for line in script.lines() {
        match line.split_once(' ').map_or(line, |(word, _)| word) {
            ">" | "!" | "=" => continue,
            "" | "//" => stage.out.push(line.to_owned()),
            _ => {
                stage.out.push(line.to_owned());
                stage.step(line);
                stage.settle();
            }
        }
    }
    stage.text()
}

#[derive(Default)]
enum Side {
    #[default]
    None,
    Engine(Box<EngineHandshake>),
    Sdk(PluginHandshake),
    Host(Box<Session<Host>>),
    Plugin(Box<Session<Plugin>>),
}

#[derive(Default)]
struct Stage {
    side: Side,
    limits: FlowLimits,
    features: Vec<Feature>,
    out: Vec<String>,
    readers: HashMap<u64, (ReaderId, VecDeque<usize>)>,
    spoil: bool,
}

/// Does the same with the session of either role.
macro_rules! session {
    ($side:expr, $session:ident => $act:expr) => {
        match $side {
            Side::Host($session) => $act,
            Side::Plugin($session) => $act,
            _ => panic!("there is no session yet"),
        }
    };
}

impl Stage {
    fn step(&mut self, line: &str) {
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        match words[..] {
            ["<", times, _, ..] if times.starts_with('x') => {
                let text = line[2 + times.len()..].trim();
                for _ in 0..times[1..].parse().unwrap() {
                    self.receive(text);
                }
            }
            ["<", ..] => self.receive(&line[2..]),
            ["do", ..] => self.act(line[3..].trim()),
            ["at", time] => {
                let now = Duration::from_millis(time.parse().unwrap());
                if let Side::Engine(handshake) = &mut self.side {
                    let said = handshake.handle_timeout(now);
                    let next = handshake.poll_timeout();
                    self.sent(said);
                    self.out.push(format!("= next {next:?}"));
                }
            }
            ["limits", beyond_credit, buffered, engine_calls] => {
                self.limits = FlowLimits {
                    beyond_credit: beyond_credit.parse().unwrap(),
                    buffered: buffered.parse().unwrap(),
                    engine_calls: engine_calls.parse().unwrap(),
                    streams: 3,
                };
            }
            ["engine", "mirror", wait, version] => self.engine(EnginePolicy::Mirror {
                wait: Duration::from_millis(wait.parse().unwrap()),
                otherwise: version.parse().unwrap(),
            }),
            ["engine", "exactly", version] => {
                self.engine(EnginePolicy::Exactly(version.parse().unwrap()));
            }
            ["sdk", policy, version] => {
                let policy = match policy {
                    "strict" => PluginPolicy::Strict,
                    _ => PluginPolicy::Lenient,
                };
                let version = version.parse().unwrap();
                let (handshake, hello) =
                    PluginHandshake::new(version, &self.features, policy, self.limits);
                self.side = Side::Sdk(handshake);
                self.sent(Some(hello));
            }
            [side @ ("host" | "plugin"), version, ref who @ ..] => {
                let offers = |one| who.iter().any(|who| *who == one || *who == "both");
                if offers("ours") {
                    self.features = Feature::EXTENSIONS.to_vec();
                }
                self.step(&match side {
                    "host" => format!("engine mirror 300 {version}"),
                    _ => format!("sdk lenient {version}"),
                });
                self.receive(&hello(version, offers("theirs")));
                if side == "plugin" {
                    self.out.pop();
                }
                self.skip_greeting();
            }
            _ => panic!("what is `{line}`?"),
        }
    }

    fn engine(&mut self, policy: EnginePolicy) {
        let handshake =
            EngineHandshake::new(policy, self.features.clone(), self.limits, Duration::ZERO);
        self.side = Side::Engine(Box::new(handshake));
    }

    fn skip_greeting(&mut self) {
        session!(&mut self.side, session => drop(session.poll_message()));
        self.out.pop();
    }

    fn receive(&mut self, text: &str) {
        let (sender, limits) = match self.side {
            Side::Engine(_) | Side::Host(_) => (Sender::Plugin, Limits::default()),
            _ => (Sender::Engine, Limits::default()),
        };
        let mut decoder = Decoder::new(Encoding::Json, sender, limits);
        decoder.feed(expand(text).as_bytes());
        let frame = match decoder.next() {
            Ok(Some(frame)) => frame,
            other => panic!("{text} is no message: {other:?}"),
        };
        match std::mem::take(&mut self.side) {
            Side::Engine(handshake) => match handshake.receive(frame.message) {
                Ok(session) => self.began(Side::Host(Box::new(session))),
                Err(error) => self.out.push(format!("= refused: {error}")),
            },
            Side::Sdk(handshake) => match handshake.receive(frame.message) {
                Ok(session) => self.began(Side::Plugin(Box::new(session))),
                Err(error) => self.out.push(format!("= refused: {error}")),
            },
            mut side => {
                session!(&mut side, session => session.receive(frame.message, frame.size));
                self.side = side;
                self.settle();
            }
        }
    }

    fn began(&mut self, side: Side) {
        let text = session!(&side, session => format!(
            "= begun in 0.{} as {} with {}",
            session.dialect().minor(), session.version(), session.peer().version
        ));
        self.out.push(text);
        self.side = side;
    }

    fn act(&mut self, line: &str) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (first, tail) = rest.split_once(' ').unwrap_or((rest, ""));
        let number = first.parse().unwrap_or(0);
        match (&mut self.side, word) {
            (Side::Host(session), "call") => {
                let made = session.call(a_call(rest));
                self.result(made.map(|id| format!("call {id}")));
            }
            (Side::Host(session), "answer") => {
                session.answer(EngineCallId(number), an_answer(tail));
            }
            (Side::Host(session), "signal") => session.signal(match rest {
                "Reset" => Signal::Reset,
                _ => Signal::Interrupt,
            }),
            (Side::Host(session), "goodbye") => session.goodbye(),
            (Side::Plugin(session), "respond") => {
                let done = session.respond(CallId(number), a_response(tail));
                self.result(done.map(|()| String::new()));
            }
            (Side::Plugin(session), "ask") => {
                let made = session.engine_call(CallId(number), an_engine_call(tail));
                self.result(made.map(|id| format!("engine call {id}")));
            }
            (Side::Plugin(session), "option") => {
                let done = session.option(PluginOption::GcDisabled(rest == "keep"));
                self.result(done.map(|()| String::new()));
            }
            (side, "open") => {
                let kind = match rest {
                    "raw" => StreamKind::Raw,
                    _ => StreamKind::List,
                };
                let id = session!(side, session => session.open_stream(kind));
                self.out.push(format!("= stream {id}"));
            }
            (_, "send") => self.send(StreamId(number), tail),
            (side, "finish") => session!(side, session => session.finish(StreamId(number))),
            (_, "consume") => self.consume(number, tail),
            (side, "release") => {
                let reader = self.readers[&number].0;
                session!(side, session => session.release(reader));
            }
            (side, "fail") => {
                let failure = Failure::new(FailureKind::Local, rest);
                session!(side, session => session.fail(failure));
            }
            (side, "count") => {
                let text = session!(side, session => format!(
                    "= {} calls, {} streams", session.open_calls(), session.open_streams()
                ));
                self.out.push(text);
            }
            (side, "look") => {
                let id = StreamId(number);
                let text = session!(side, session => format!(
                    "= writable {}, wanted {}", session.is_writable(id), session.is_wanted(id)
                ));
                self.out.push(text);
            }
            (_, "spoil") => self.spoil = true,
            _ => panic!("what is `do {line}`?"),
        }
    }

    fn result(&mut self, result: Result<String, Refusal>) {
        match result {
            Ok(text) if text.is_empty() => {}
            Ok(text) => self.out.push(format!("= {text}")),
            Err(refusal) => self.out.push(format!("= refused: {refusal}")),
        }
    }

    fn send(&mut self, stream: StreamId, what: &str) {
        let (times, item) = match what.strip_prefix('x').and_then(|rest| rest.split_once(' ')) {
            Some((times, item)) => (times.parse().unwrap(), item),
            None => (1, what),
        };
        for sent in 0..times {
            let item = match (item.strip_prefix('$'), item.split_once("..")) {
                (Some(number), _) => StreamItem::List(Value::int(number.parse().unwrap())),
                (None, Some((from, to))) => {
                    let numbers = from.parse().unwrap()..to.parse().unwrap();
                    StreamItem::Items(numbers.map(Value::int).collect())
                }
                (None, None) => StreamItem::Raw(item.as_bytes().to_vec()),
            };
            let why = match session!(&mut self.side, session => session.send(stream, item)) {
                Ok(()) => continue,
                Err(SendError::Full(StreamItem::Items(rest))) => {
                    &format!("full with {}", rest.len())
                }
                Err(SendError::Full(_)) => "full",
                Err(SendError::Closed) => "closed",
            };
            self.settle();
            self.out.push(format!("= {why} after {sent}"));
            return;
        }
    }

    fn consume(&mut self, reader: u64, times: &str) {
        let times = times
            .strip_prefix('x')
            .map_or(1, |times| times.parse().unwrap());
        let (id, sizes) = self.readers.get_mut(&reader).unwrap();
        for _ in 0..times {
            let size = sizes.pop_front().unwrap_or_default();
            session!(&mut self.side, session => session.consumed(*id, 1, size));
        }
    }

    /// Writes down what the session says and tells, as a driver would send and tell it.
    fn settle(&mut self) {
        let options = match &self.side {
            Side::Host(session) => session.encode_options(Encoding::Json),
            Side::Plugin(session) => session.encode_options(Encoding::Json),
            _ => return,
        };
        let (sender, dialect) = (options.sender, options.dialect);
        while let Some(message) = session!(&mut self.side, session => session.poll_message()) {
            let mut next = Some(message);
            while let Some(message) = next.take() {
                if std::mem::take(&mut self.spoil) {
                    let error = LabeledError::new("cannot be said");
                    next = session!(&mut self.side, session => session.undeliverable(&message, &options, error));
                } else {
                    self.out
                        .push(format!("> {}", json(&message, sender, dialect)));
                }
            }
        }
        while let Some(event) = session!(&mut self.side, session => session.poll_event()) {
            let text = self.event(event, dialect);
            self.out.push(format!("! {text}"));
        }
    }

    fn sent(&mut self, message: Option<Message>) {
        let sender = match self.side {
            Side::Engine(_) => Sender::Engine,
            _ => Sender::Plugin,
        };
        if let Some(message) = message {
            self.out
                .push(format!("> {}", json(&message, sender, Dialect::NEWEST)));
        }
    }

    fn reader(&mut self, reader: Option<ReaderId>) -> String {
        let Some(reader) = reader else {
            return String::new();
        };
        let number = self.readers.len() as u64;
        self.readers.insert(number, (reader, VecDeque::new()));
        format!(" with reader {number}")
    }

    fn number(&self, reader: ReaderId) -> u64 {
        *self
            .readers
            .iter()
            .find(|(_, (id, _))| *id == reader)
            .unwrap()
            .0
    }

    fn event(&mut self, event: Event, dialect: Dialect) -> String {
        match event {
            Event::Call {
                id,
                call: Call::Unknown(name),
                ..
            } => format!("call {id} of unknown kind {name}"),
            Event::Call { id, call, input } => {
                let text = json(&Message::Call(id, call), Sender::Engine, dialect);
                text + &self.reader(input)
            }
            Event::Response {
                id,
                response,
                output,
            } => {
                let text = json(
                    &Message::CallResponse(id, response),
                    Sender::Plugin,
                    dialect,
                );
                text + &self.reader(output)
            }
            Event::CallClosed { id } => format!("call {id} is over"),
            Event::CallFailed { id } => format!("call {id} failed"),
            Event::EngineCall {
                context,
                id,
                call,
                input,
            } => {
                let name = call.name().to_owned();
                format!("engine call {id} for {context}: {name}") + &self.reader(input)
            }
            Event::EngineResponse {
                id,
                response,
                output,
            } => {
                let message = Message::EngineCallResponse(id, response);
                json(&message, Sender::Engine, dialect) + &self.reader(output)
            }
            Event::EngineCallFailed { id } => format!("engine call {id} failed"),
            Event::Item { reader, item, size } => {
                let number = self.number(reader);
                self.readers.get_mut(&number).unwrap().1.push_back(size);
                let text = json(&Message::Data(StreamId(0), item), Sender::Plugin, dialect);
                let item = text.strip_prefix(r#"{"Data":[0,"#).unwrap();
                let item = item.strip_suffix("]}").unwrap();
                format!("reader {number} got {item}")
            }
            Event::WrongItem { reader } => {
                format!("reader {} got a wrong item", self.number(reader))
            }
            Event::Ended { reader } => format!("reader {} is at its end", self.number(reader)),
            Event::ReaderFailed { reader } => format!("reader {} failed", self.number(reader)),
            Event::Writable { stream } => format!("stream {stream} has room"),
            Event::Unwanted { stream } => format!("stream {stream} is unwanted"),
            Event::Signal(signal) => format!("signal {signal:?}"),
            Event::Option(option) => format!("option {option:?}"),
            Event::Goodbye => "goodbye".to_owned(),
            Event::Failed(failure) => format!("{:?}: {failure}", failure.kind),
        }
    }

    /// The lines, with equal ones that follow each other as one.
    fn text(self) -> String {
        let mut text = String::new();
        let mut lines = self.out.into_iter().peekable();
        while let Some(line) = lines.next() {
            let mut times = 1;
            while line.starts_with(['>', '!']) && lines.next_if_eq(&line).is_some() {
                times += 1;
            }
            text += &line;
            if times > 1 {
                write!(text, " x{times}").unwrap();
            }
            text.push('\n');
        }
        text
    }
}

fn hello(version: &str, has_extensions: bool) -> String {
    let features = match has_extensions {
        true => r#"{"name":"PegboardBytes"},{"name":"PegboardItems"}"#,
        false => "",
    };
    format!(
        r#"{{"Hello":{{"protocol":"nu-plugin","version":"{version}","features":[{features}]}}}}"#
    )
}

fn json(message: &Message, sender: Sender, dialect: Dialect) -> String {
    let mut bytes = Vec::new();
    codec::encode(message, sender, Encoding::Json, dialect, &mut bytes).unwrap();
    let mut text = String::from_utf8(bytes)
        .unwrap()
        .trim_end()
        .replace(SPAN, "%")
        .replace(r#""span":%"#, "@");
    while let Some(start) = text.find(r#"{"Int":{"val":"#) {
        let number = start + 14;
        let Some(end) = text[number..].find(",@}}") else {
            break;
        };
        text = format!(
            "{}${}{}",
            &text[..start],
            &text[number..number + end],
            &text[number + end + 4..]
        );
    }
    while let Some(start) = text.find(r#"{"Int":["#) {
        let number = start + 8;
        let Some(end) = text[number..].find(",[0,0]]}") else {
            break;
        };
        text = format!(
            "{}#{}{}",
            &text[..start],
            &text[number..number + end],
            &text[number + end + 8..]
        );
    }
    shortened(&text)
}

/// Values in their short form that count up by one, as the first and the last of them.
fn shortened(text: &str) -> String {
    let mut short = String::new();
    let mut run: Option<(i64, i64)> = None;
    for part in text.split_inclusive(',') {
        let number = part
            .strip_suffix(',')
            .and_then(|part| part.strip_prefix('#'));
        let number: Option<i64> = number.and_then(|number| number.parse().ok());
        match (&mut run, number) {
            (Some((_, last)), Some(number)) if *last + 1 == number => *last = number,
            _ => {
                flush(&mut short, run);
                run = number.map(|number| (number, number));
                if number.is_none() {
                    short += part;
                }
            }
        }
    }
    flush(&mut short, run);
    short
}

fn flush(short: &mut String, run: Option<(i64, i64)>) {
    if let Some((first, last)) = run {
        write!(short, "#{first},").unwrap();
        match last - first {
            0 => {}
            1 => write!(short, "#{last},").unwrap(),
            _ => write!(short, "..#{last},").unwrap(),
        }
    }
}

fn expand(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['$', '#']) {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        let end = after
            .find(|c: char| !c.is_ascii_digit() && c != '-')
            .unwrap_or(after.len());
        out += before;
        let number = &after[..end];
        match &rest[at..=at] {
            "$" => write!(out, r#"{{"Int":{{"val":{number},@}}}}"#).unwrap(),
            _ => write!(out, r#"{{"Int":[{number},[0,0]]}}"#).unwrap(),
        }
        rest = &after[end..];
    }
    (out + rest).replace('@', r#""span":%"#).replace('%', SPAN)
}

fn message(sender: Sender, text: &str) -> Message {
    let mut decoder = Decoder::new(Encoding::Json, sender, Limits::default());
    decoder.feed(expand(text).as_bytes());
    match decoder.next() {
        Ok(Some(frame)) => frame.message,
        other => panic!("{text} is no message: {other:?}"),
    }
}

fn a_call(text: &str) -> Call {
    match message(Sender::Engine, &format!(r#"{{"Call":[0,{text}]}}"#)) {
        Message::Call(_, call) => call,
        _ => unreachable!(),
    }
}

fn a_response(text: &str) -> Response {
    match message(Sender::Plugin, &format!(r#"{{"CallResponse":[0,{text}]}}"#)) {
        Message::CallResponse(_, response) => response,
        _ => unreachable!(),
    }
}

fn an_answer(text: &str) -> EngineResponse {
    match message(
        Sender::Engine,
        &format!(r#"{{"EngineCallResponse":[0,{text}]}}"#),
    ) {
        Message::EngineCallResponse(_, response) => response,
        _ => unreachable!(),
    }
}

fn an_engine_call(text: &str) -> EngineCall {
    let text = format!(r#"{{"EngineCall":{{"context":0,"id":0,"call":{text}}}}}"#);
    match message(Sender::Plugin, &text) {
        Message::EngineCall { call, .. } => call,
        _ => unreachable!(),
    }
}
