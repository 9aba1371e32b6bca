//! A host's session and a plugin's, joined, doing whatever they are told; after each step the rules are checked.

use std::collections::{HashMap, VecDeque};

use pegboard_protocol::codec::{Encoding, Sender};
use pegboard_protocol::nu::{
    ByteStreamKind, Call, CallDecl, CallId, DeclId, EngineCall, EngineCallId, EngineResponse,
    EvaluatedCall, Feature, Header, Message, PluginOption, Response, RunCall, Signal, StreamId,
    StreamItem, StreamKind,
};
use pegboard_protocol::session::{
    EngineHandshake, EnginePolicy, Event, Failure, FailureKind, FlowLimits, Host, Plugin,
    PluginHandshake, PluginPolicy, ReaderId, SendError, Session,
};
use pegboard_protocol::{LabeledError, Span, Value};

use super::ops::{Op, Who};
use super::wire::Wire;

#[derive(Default)]
struct Told {
    answered: usize,
    closed: usize,
    failed: usize,
}

struct Stream {
    kind: StreamKind,
    /// Items.
    sent: u64,
    received: u64,
    /// Messages.
    arrived: u64,
    consumed: u64,
    sizes: VecDeque<usize>,
    /// The producer has finished it or knows that it is unwanted.
    over: bool,
    unwanted: usize,
    reader: Option<ReaderId>,
    released: bool,
    /// The reader was told of the end, good or bad.
    told: usize,
}

pub(crate) struct Pair {
    host: Session<Host>,
    plugin: Session<Plugin>,
    to_host: Wire,
    to_plugin: Wire,
    calls: HashMap<CallId, Told>,
    engine_calls: HashMap<EngineCallId, Told>,
    /// What is to be answered yet, in the order of arrival.
    asked: Vec<CallId>,
    owed: Vec<EngineCallId>,
    streams: Vec<((Who, StreamId), Stream)>,
    spoil: [bool; 2],
    failures: [usize; 2],
}

/// Does the same with the session of either side.
macro_rules! session {
    ($pair:expr, $who:expr, $session:ident => $act:expr) => {
        match $who {
            Who::Host => {
                let $session = &mut $pair.host;
                $act
            }
            Who::Plugin => {
                let $session = &mut $pair.plugin;
                $act
            }
        }
    };
}

impl Pair {
    /// With an encoding, everything passes as bytes.
    pub(crate) fn new(encoding: Option<Encoding>, features: &[Feature]) -> Pair {
        let limits = FlowLimits::default();
        let version = "0.115.1".parse().unwrap();
        let (plugin, hello) = PluginHandshake::new(version, features, PluginPolicy::Strict, limits);
        let policy = EnginePolicy::Exactly("0.115.1".parse().unwrap());
        let features = features.to_vec();
        let engine = EngineHandshake::new(policy, features, limits, std::time::Duration::ZERO);
        let mut host = engine.receive(hello).unwrap();
        let plugin = plugin.receive(host.poll_message().unwrap()).unwrap();
        Pair {
            host,
            plugin,
            to_host: Wire::new(encoding, Sender::Plugin),
            to_plugin: Wire::new(encoding, Sender::Engine),
            calls: HashMap::new(),
            engine_calls: HashMap::new(),
            asked: Vec::new(),
            owed: Vec::new(),
            streams: Vec::new(),
            spoil: [false; 2],
            failures: [0; 2],
        }
    }

    /// Does all of these, brings everything to its end, and checks that nothing is left.
    pub(crate) fn run(mut self, ops: impl IntoIterator<Item = Op>) {
        for op in ops {
            self.act(op);
        }
        self.finish();
    }

    fn act(&mut self, op: Op) {
        match op {
            Op::Call { input } => {
                let input = self.open(Who::Host, input);
                let call = EvaluatedCall::default();
                let run = RunCall {
                    name: "a".to_owned(),
                    call,
                    input: input.clone(),
                };
                match self.host.call(Call::Run(Box::new(run))) {
                    Ok(id) => drop(self.calls.insert(id, Told::default())),
                    Err(_) => self.abandon(Who::Host, &input),
                }
            }
            Op::Respond { which, output } if !self.asked.is_empty() => {
                let id = self.asked.remove(which % self.asked.len());
                let header = self.open(Who::Plugin, output);
                if self
                    .plugin
                    .respond(id, Response::Data(header.clone()))
                    .is_err()
                {
                    self.abandon(Who::Plugin, &header);
                }
            }
            Op::EngineCall { which, input } => {
                // For calls that run, and for some that do not.
                let context = CallId((which % (self.calls.len() + 1)) as u64);
                let input = self.open(Who::Plugin, input);
                let call = CallDecl {
                    decl_id: DeclId(1),
                    call: EvaluatedCall::default(),
                    input: input.clone(),
                    redirect_stdout: false,
                    redirect_stderr: false,
                };
                match self
                    .plugin
                    .engine_call(context, EngineCall::CallDecl(Box::new(call)))
                {
                    Ok(id) => drop(self.engine_calls.insert(id, Told::default())),
                    Err(_) => self.abandon(Who::Plugin, &input),
                }
            }
            Op::Answer { which, output } if !self.owed.is_empty() => {
                let id = self.owed.remove(which % self.owed.len());
                let header = self.open(Who::Host, output);
                self.host.answer(id, EngineResponse::Data(header));
            }
            Op::Send { which, times } if !self.streams.is_empty() => {
                let place = which % self.streams.len();
                match times % 3 {
                    0 => self.send_together(place, 7 * times as u64),
                    _ => {
                        (0..times).all(|_| self.send(place));
                    }
                }
            }
            Op::Finish { which } if !self.streams.is_empty() => {
                let place = which % self.streams.len();
                let ((who, id), stream) = &mut self.streams[place];
                stream.over = true;
                session!(self, *who, session => session.finish(*id));
            }
            Op::Consume { which, times } if !self.streams.is_empty() => {
                let place = which % self.streams.len();
                (0..times).all(|_| self.consume(place));
            }
            Op::Release { which } if !self.streams.is_empty() => {
                let place = which % self.streams.len();
                self.release(place);
            }
            Op::Deliver { to, amount } => self.deliver(to, amount),
            Op::Spoil(who) => self.spoil[who as usize] = true,
            Op::Signal => self.host.signal(Signal::Reset),
            Op::Option => drop(self.plugin.option(PluginOption::GcDisabled(true))),
            Op::Goodbye => self.host.goodbye(),
            Op::Fail(who) => {
                let failure = Failure::new(FailureKind::Local, "as it was told");
                session!(self, who, session => session.fail(failure));
            }
            _ => {}
        }
        self.settle(Who::Host);
        self.settle(Who::Plugin);
    }

    fn open(&mut self, who: Who, kind: Option<StreamKind>) -> Header {
        let Some(kind) = kind else {
            return Header::Empty;
        };
        let id = session!(self, who, session => session.open_stream(kind));
        let stream = Stream {
            kind,
            sent: 0,
            received: 0,
            arrived: 0,
            consumed: 0,
            sizes: VecDeque::new(),
            over: self.failures[who as usize] > 0,
            unwanted: 0,
            reader: None,
            released: false,
            told: 0,
        };
        self.streams.push(((who, id), stream));
        let (span, metadata) = (Span::UNKNOWN, None);
        match kind {
            StreamKind::List => Header::ListStream { id, span, metadata },
            StreamKind::Raw => Header::ByteStream {
                id,
                span,
                kind: ByteStreamKind::Binary,
                metadata,
            },
        }
    }

    /// The header was refused, so its stream is given up.
    fn abandon(&mut self, who: Who, header: &Header) {
        if let Some((id, _)) = header.stream() {
            self.stream(who, id).over = true;
            session!(self, who, session => session.finish(id));
        }
    }

    fn stream(&mut self, who: Who, id: StreamId) -> &mut Stream {
        let found = self.streams.iter_mut().find(|(key, _)| *key == (who, id));
        &mut found.expect("a stream was announced that nobody opened").1
    }

    fn send(&mut self, place: usize) -> bool {
        let ((who, id), stream) = &mut self.streams[place];
        let item = match stream.kind {
            StreamKind::List => StreamItem::List(Value::int(stream.sent as i64)),
            StreamKind::Raw => StreamItem::Raw(stream.sent.to_le_bytes().to_vec()),
        };
        let writable = session!(self, *who, session => session.is_writable(*id));
        match session!(self, *who, session => session.send(*id, item)) {
            Ok(()) => {
                assert!(writable && !stream.over, "sent after the end");
                stream.sent += 1;
                true
            }
            Err(SendError::Full(_)) => {
                assert!(!writable && !stream.over);
                false
            }
            Err(SendError::Closed) => {
                assert!(stream.over, "closed without a word");
                false
            }
        }
    }

    /// Sends several values at once, which are one message or many.
    fn send_together(&mut self, place: usize, count: u64) {
        let ((who, id), stream) = &mut self.streams[place];
        if stream.kind != StreamKind::List {
            return;
        }
        let numbers = stream.sent..stream.sent + count;
        let values = numbers.map(|number| Value::int(number as i64)).collect();
        match session!(self, *who, session => session.send(*id, StreamItem::Items(values))) {
            Ok(()) => stream.sent += count,
            Err(SendError::Full(StreamItem::Items(rest))) => {
                stream.sent += count - rest.len() as u64;
                let next = rest
                    .first()
                    .map(|value| value == &Value::int(stream.sent as i64));
                assert_eq!(next, Some(true), "the wrong rest");
            }
            Err(error) => assert!(stream.over && error == SendError::Closed, "{error:?}"),
        }
    }

    fn consume(&mut self, place: usize) -> bool {
        let ((who, _), stream) = &mut self.streams[place];
        let (Some(reader), false) = (stream.reader, stream.released) else {
            return false;
        };
        let Some(size) = stream.sizes.pop_front() else {
            return false;
        };
        stream.consumed += 1;
        session!(self, other(*who), session => session.consumed(reader, 1, size));
        true
    }

    fn release(&mut self, place: usize) {
        let ((who, _), stream) = &mut self.streams[place];
        if let Some(reader) = stream.reader {
            stream.released = true;
            session!(self, other(*who), session => session.release(reader));
        }
    }

    fn deliver(&mut self, to: Who, amount: usize) {
        let wire = match to {
            Who::Host => &mut self.to_host,
            Who::Plugin => &mut self.to_plugin,
        };
        for (message, size) in wire.take(amount) {
            session!(self, to, session => session.receive(message, size));
            if session!(self, to, session => session.failure().is_none()) {
                self.settle(to);
            }
        }
    }

    /// Sends what a side says and takes note of what it tells.
    fn settle(&mut self, who: Who) {
        loop {
            while let Some(message) = session!(self, who, session => session.poll_message()) {
                let message = if self.spoil[who as usize] && can_fail(&message) {
                    self.spoil[who as usize] = false;
                    let error = LabeledError::new("spoilt");
                    let options =
                        session!(self, who, session => session.encode_options(Encoding::Json));
                    session!(self, who, session => session.undeliverable(&message, &options, error))
                } else {
                    Some(message)
                };
                let dialect = session!(self, who, session => session.dialect());
                if let Some(message) = message {
                    match who {
                        Who::Host => self.to_plugin.put(message, dialect),
                        Who::Plugin => self.to_host.put(message, dialect),
                    }
                }
            }
            match session!(self, who, session => session.poll_event()) {
                Some(event) => self.told(who, event),
                None => return,
            }
        }
    }

    fn told(&mut self, who: Who, event: Event) {
        let begun = match &event {
            Event::Call {
                call: Call::Run(run),
                input,
                ..
            } => Some((run.input.stream(), *input)),
            Event::Response {
                response, output, ..
            } => Some((response.header().and_then(Header::stream), *output)),
            Event::EngineCall { call, input, .. } => {
                Some((call.input().and_then(Header::stream), *input))
            }
            Event::EngineResponse {
                response: EngineResponse::Data(header),
                output,
                ..
            } => Some((header.stream(), *output)),
            _ => None,
        };
        if let Some((Some((id, _)), reader)) = begun {
            let stream = self.stream(other(who), id);
            assert!(
                stream.reader.is_none() && reader.is_some(),
                "announced twice"
            );
            stream.reader = reader;
        }
        match event {
            Event::Call { id, .. } => self.asked.push(id),
            Event::Response { id, .. } => self.calls.get_mut(&id).unwrap().answered += 1,
            Event::CallClosed { id } => self.calls.get_mut(&id).unwrap().closed += 1,
            Event::CallFailed { id } => self.calls.get_mut(&id).unwrap().failed += 1,
            Event::EngineCall { id, .. } => self.owed.push(id),
            Event::EngineResponse { id, .. } => {
                self.engine_calls.get_mut(&id).unwrap().answered += 1
            }
            Event::EngineCallFailed { id } => self.engine_calls.get_mut(&id).unwrap().failed += 1,
            Event::Item { reader, item, size } => {
                let stream = self.read(who, reader);
                assert!(
                    !stream.released && stream.told == 0,
                    "an item after the end"
                );
                let numbers = match item {
                    StreamItem::List(Value::Int(number, _)) => vec![number as u64],
                    StreamItem::Items(values) => values.iter().map(number).collect(),
                    StreamItem::Raw(bytes) => {
                        vec![u64::from_le_bytes(bytes.try_into().unwrap())]
                    }
                    // A spoilt item.
                    _ => vec![stream.received],
                };
                for number in numbers {
                    assert_eq!(number, stream.received, "out of order");
                    stream.received += 1;
                }
                stream.arrived += 1;
                stream.sizes.push_back(size);
                let credit = if stream.kind == StreamKind::List {
                    100
                } else {
                    50
                };
                assert!(
                    stream.arrived - stream.consumed <= credit,
                    "more than the credit"
                );
            }
            Event::Ended { reader } => {
                let stream = self.read(who, reader);
                stream.told += 1;
                assert_eq!(stream.received, stream.sent, "ended before its end");
            }
            Event::ReaderFailed { reader } => {
                let stream = self.read(who, reader);
                assert!(!stream.released);
                stream.told += 1;
            }
            Event::Unwanted { stream } => {
                let stream = self.stream(who, stream);
                stream.over = true;
                stream.unwanted += 1;
            }
            Event::Writable { stream } => {
                assert!(session!(self, who, session => session.is_wanted(stream)));
            }
            Event::Failed(failure) => {
                assert_ne!(failure.kind, FailureKind::Violation, "{who:?}: {failure}");
                assert_ne!(failure.kind, FailureKind::Limit, "{who:?}: {failure}");
                self.failures[who as usize] += 1;
            }
            Event::Signal(_) | Event::Option(_) | Event::Goodbye => {}
            Event::WrongItem { .. } => panic!("all items are of the right kind"),
        }
    }

    fn read(&mut self, who: Who, reader: ReaderId) -> &mut Stream {
        let of = |((writer, _), stream): &&mut ((Who, StreamId), Stream)| {
            *writer == other(who) && stream.reader == Some(reader)
        };
        &mut self
            .streams
            .iter_mut()
            .find(of)
            .expect("a reader that was never told")
            .1
    }

    fn finish(&mut self) {
        loop {
            // When one side has gone, the other hears of it behind what was said before.
            for who in [Who::Host, Who::Plugin] {
                self.act(Op::Deliver {
                    to: who,
                    amount: usize::MAX,
                });
                if self.failures[other(who) as usize] > 0 && self.failures[who as usize] == 0 {
                    self.act(Op::Fail(who));
                }
            }
            while !self.asked.is_empty() {
                self.act(Op::Respond {
                    which: 0,
                    output: None,
                });
            }
            while !self.owed.is_empty() {
                self.act(Op::Answer {
                    which: 0,
                    output: None,
                });
            }
            for place in 0..self.streams.len() {
                self.act(Op::Finish { which: place });
                self.act(Op::Consume {
                    which: place,
                    times: usize::MAX,
                });
                if self.streams[place].1.told > 0 {
                    self.act(Op::Release { which: place });
                }
            }
            if self.to_host.is_empty() && self.to_plugin.is_empty() {
                break;
            }
        }
        self.check();
    }

    fn check(&self) {
        let failed = self.failures != [0, 0];
        for (id, told) in &self.calls {
            let counts = (told.answered, told.closed, told.failed);
            assert!(
                counts == (1, 1, 0) || failed && counts == (0, 0, 1),
                "call {id} was answered, closed and failed {counts:?} times"
            );
        }
        for (id, told) in &self.engine_calls {
            let counts = (told.answered, told.failed);
            assert!(
                counts == (1, 0) || failed && counts == (0, 1),
                "engine call {id} was answered and failed {counts:?} times"
            );
        }
        for ((who, id), stream) in &self.streams {
            let ends = stream.told;
            let alone = stream.released || stream.reader.is_none();
            assert!(
                ends == 1 || alone && ends == 0,
                "{id} of {who:?} was ended {ends} times"
            );
            assert!(stream.unwanted <= 1, "{id} of {who:?} was unwanted twice");
        }
        assert!(
            self.failures.iter().all(|count| *count <= 1),
            "failed twice"
        );
        assert_eq!((self.host.open_calls(), self.plugin.open_calls()), (0, 0));
        assert_eq!(
            (self.host.open_streams(), self.plugin.open_streams()),
            (0, 0)
        );
    }
}

fn number(value: &Value) -> u64 {
    match value {
        Value::Int(number, _) => *number as u64,
        other => panic!("{other:?} was not sent"),
    }
}

fn other(who: Who) -> Who {
    match who {
        Who::Host => Who::Plugin,
        Who::Plugin => Who::Host,
    }
}

/// Whether a message holds anything that might not be expressible.
fn can_fail(message: &Message) -> bool {
    matches!(
        message,
        Message::Call(..)
            | Message::CallResponse(..)
            | Message::EngineCall { .. }
            | Message::EngineCallResponse(..)
            | Message::Data(_, StreamItem::List(_))
    )
}
