//! A recorded conversation, prepared to be played: what follows from what, and what has to come.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use pegboard_protocol::codec::Sender;
use pegboard_protocol::nu::{
    Call, CustomValueOp, EngineCall, EngineResponse, Header, Message, Response, StreamId,
    StreamItem, StreamKind,
};

use crate::trace::play::lines::{Line, Lines};

/// Where the order of messages counts. Between lanes it does not: calls may overtake each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Lane {
    Hello,
    /// Calls may come in any order.
    Calls,
    /// The answer to the call of this line.
    Answer(usize),
    /// The engine calls for the call of this line.
    EngineCalls(usize),
    /// The answer to the engine call of this line.
    EngineAnswer(usize),
    /// The stream that this line announces.
    Stream(usize),
    Options,
}

#[derive(Debug)]
pub(super) struct Script {
    /// Each is about the line of the call or the announcement of the stream that it belongs to.
    pub(super) lines: Lines<Message, Lane>,
    /// Lanes that the recording does not tell the end of.
    pub(super) endless: HashSet<Lane>,
    /// What we acknowledge, by stream.
    pub(super) acks: HashMap<usize, VecDeque<usize>>,
    /// What the plugin has said about itself.
    pub(super) metadata: Option<Response>,
    pub(super) signatures: Option<Response>,
    /// The engine has taken its leave.
    pub(super) is_complete: bool,
}

impl Script {
    /// Prepares what `ours` is to say and the other side has to.
    pub(super) fn new(
        messages: impl Iterator<Item = (usize, Duration, Sender, Message)>,
        ours: Sender,
    ) -> Script {
        let mut lines: Vec<Line<Message>> = Vec::new();
        let mut open = Numbers::default();
        let mut batches = Batches::default();
        for (entry, time, from, message) in messages {
            for message in batches.separate(from, message) {
                let about = open.follow(lines.len(), from, &message);
                lines.push(Line {
                    entry,
                    time,
                    from,
                    message,
                    about,
                    done: false,
                });
            }
        }
        let mut script = Script {
            lines: Lines::new(lines, ours),
            endless: HashSet::new(),
            acks: HashMap::new(),
            metadata: None,
            signatures: None,
            is_complete: false,
        };
        script.cast(ours);
        script
    }

    fn cast(&mut self, ours: Sender) {
        let mut ends: HashSet<Lane> = HashSet::new();
        let mut begun: Vec<Lane> = Vec::new();
        let mut dropped: HashSet<usize> = HashSet::new();
        for place in 0..self.lines.count() {
            let line = &self.lines[place];
            let is_ours = line.from == ours;
            match &line.message {
                Message::Goodbye => self.is_complete = true,
                Message::CallResponse(_, response @ Response::Signature(_)) => {
                    self.signatures.get_or_insert_with(|| response.clone());
                }
                Message::CallResponse(_, response @ Response::Metadata(_)) => {
                    self.metadata.get_or_insert_with(|| response.clone());
                }
                _ => {}
            }
            let lane = self.lane(place);
            match (&line.message, line.about) {
                (Message::Call(..), _) => begun.push(Lane::Answer(place)),
                (Message::EngineCall { .. }, _) => begun.push(Lane::EngineAnswer(place)),
                (Message::CallResponse(..) | Message::EngineCallResponse(..), Some(_)) => {
                    ends.extend(lane);
                }
                (Message::End(_), Some(_)) => ends.extend(lane),
                (Message::Drop(_), Some(stream)) if is_ours => {
                    dropped.insert(stream);
                }
                _ => {}
            }
            if let (Message::Ack(_), Some(stream), true) = (&line.message, line.about, is_ours) {
                self.acks.entry(stream).or_default().push_back(place);
            }
            if stream_of(&line.message).is_some() {
                begun.push(Lane::Stream(place));
            }
            let is_awaited = match (&line.message, lane) {
                // What a plugin is may be asked at any time, and drops be told late.
                _ if self.is_aside(place) && ours == Sender::Plugin => false,
                // What was under way when nobody wanted it any more.
                (Message::Data(..), Some(Lane::Stream(stream))) if dropped.contains(&stream) => {
                    false
                }
                (_, lane) => lane.is_some() || is_ours,
            };
            match lane {
                Some(lane) if is_awaited && !is_ours => self.lines.await_in(lane, place),
                _ if is_awaited => {}
                _ => self.lines.leave_out(place),
            }
        }
        for lane in begun {
            let is_dropped = matches!(lane, Lane::Stream(stream) if dropped.contains(&stream));
            if is_dropped || !ends.contains(&lane) {
                self.endless.insert(lane);
            }
        }
    }

    /// The lane of a message. None for flow control and what comes as its sender pleases.
    fn lane(&self, place: usize) -> Option<Lane> {
        let line = &self.lines[place];
        Some(match (&line.message, line.about) {
            (Message::Hello(_), _) => Lane::Hello,
            (Message::Call(..), _) => Lane::Calls,
            (Message::CallResponse(..), Some(call)) => Lane::Answer(call),
            (Message::EngineCall { .. }, Some(call)) => Lane::EngineCalls(call),
            (Message::EngineCallResponse(..), Some(call)) => Lane::EngineAnswer(call),
            (Message::Data(..) | Message::End(_), Some(stream)) => Lane::Stream(stream),
            (Message::Option(_), _) => Lane::Options,
            _ => return None,
        })
    }

    /// Whether a line is a call aside, or the answer to one.
    fn is_aside(&self, place: usize) -> bool {
        let line = &self.lines[place];
        match (&line.message, line.about) {
            (Message::Call(_, call), _) => is_aside(call),
            (Message::CallResponse(..), Some(call)) => self.is_aside(call),
            _ => false,
        }
    }

    /// The kind of a stream, by the line that announces it.
    pub(super) fn kind(&self, stream: usize) -> Option<StreamKind> {
        stream_of(&self.lines[stream].message).map(|(_, kind)| kind)
    }
}

/// A call that is not part of what is replayed: an engine may know what the plugin is, or ask again.
pub(super) fn is_aside(call: &Call) -> bool {
    matches!(
        call,
        Call::Metadata | Call::Signature | Call::CustomValueOp(_, CustomValueOp::Dropped)
    )
}

/// The stream that a message announces, by its number.
pub(super) fn stream_of(message: &Message) -> Option<(u64, StreamKind)> {
    let header = match message {
        Message::Call(_, Call::Run(run)) => Some(&run.input),
        Message::CallResponse(_, response) => response.header(),
        Message::EngineCall { call, .. } => EngineCall::input(call),
        Message::EngineCallResponse(_, EngineResponse::Data(header)) => Some(header),
        _ => None,
    };
    let (id, kind) = header.and_then(Header::stream)?;
    Some((id.0, kind))
}

/// What the numbers in messages stand for, at one point of the conversation.
#[derive(Debug, Default)]
struct Numbers {
    calls: HashMap<u64, usize>,
    engine_calls: HashMap<u64, VecDeque<usize>>,
    /// By number and whether the engine produces it.
    streams: HashMap<(u64, bool), usize>,
}

impl Numbers {
    /// What a message is about.
    fn follow(&mut self, place: usize, from: Sender, message: &Message) -> Option<usize> {
        let by_engine = from == Sender::Engine;
        let about = match message {
            Message::Call(id, _) => {
                self.calls.insert(id.0, place);
                None
            }
            Message::CallResponse(id, _) => self.calls.get(&id.0).copied(),
            Message::EngineCall { context, id, .. } => {
                self.engine_calls.entry(id.0).or_default().push_back(place);
                self.calls.get(&context.0).copied()
            }
            Message::EngineCallResponse(id, _) => {
                let asked = self.engine_calls.get_mut(&id.0);
                asked.and_then(VecDeque::pop_front)
            }
            Message::Data(id, _) | Message::End(id) => {
                self.streams.get(&(id.0, by_engine)).copied()
            }
            Message::Ack(id) | Message::Drop(id) => self.streams.get(&(id.0, !by_engine)).copied(),
            _ => None,
        };
        if let Some((id, _)) = stream_of(message) {
            self.streams.insert((id, by_engine), place);
        }
        about
    }
}

/// Takes messages with several items apart, as if they had been sent one by one: how they were put together depends on how
/// fast they came, and is not part of what was said.
#[derive(Default)]
struct Batches {
    /// How many items each message has brought that was not acknowledged yet, by who sent it and the number of its stream.
    sent: HashMap<(Sender, StreamId), VecDeque<usize>>,
}

impl Batches {
    fn separate(&mut self, from: Sender, message: Message) -> Vec<Message> {
        match message {
            Message::Data(id, item) => {
                let items = match item {
                    StreamItem::Items(values) => values.into_iter().map(StreamItem::List).collect(),
                    item => vec![item],
                };
                self.sent
                    .entry((from, id))
                    .or_default()
                    .push_back(items.len());
                items
                    .into_iter()
                    .map(|item| Message::Data(id, item))
                    .collect()
            }
            Message::Ack(id) => {
                let sent = self.sent.get_mut(&(other(from), id));
                let count = sent.and_then(VecDeque::pop_front).unwrap_or(1);
                vec![Message::Ack(id); count]
            }
            Message::Drop(id) => {
                self.sent.remove(&(other(from), id));
                vec![message]
            }
            other => vec![other],
        }
    }
}

fn other(side: Sender) -> Sender {
    match side {
        Sender::Engine => Sender::Plugin,
        Sender::Plugin => Sender::Engine,
    }
}
