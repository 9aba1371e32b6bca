//! One side of a recorded conversation as a machine: what is heard goes in, what is to be said comes out. No IO.

mod cue;

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use pegboard_protocol::LabeledError;
use pegboard_protocol::codec::Sender;
use pegboard_protocol::nu::{
    Call, EngineCall, EngineResponse, Header, Message, PluginMetadata, Response, StreamId,
    StreamItem,
};

use super::compare::difference;
use super::script::{Lane, Script, is_aside, stream_of};
use super::{Mismatch, PlaySettings, Spoken};
use crate::trace::outline::credit;
use cue::Cue;

/// A conversation under way.
pub(super) struct Stage<'a> {
    script: Script,
    ours: Sender,
    settings: &'a PlaySettings,
    /// The next line of ours that may have to be said.
    next: usize,
    /// All that the other side had to say before this line has been heard.
    heard_to: usize,
    /// What is said beside the recording: answers to questions that it does not have.
    // bounded by: what the other side asks, which is said before more is heard
    aside: VecDeque<Message>,
    /// Where our numbers lead: to lines.
    our_calls: HashMap<u64, usize>,
    our_engine_calls: HashMap<u64, VecDeque<usize>>,
    our_streams: HashMap<u64, usize>,
    /// The numbers that the other side uses now, by line, and where its streams lead.
    their_numbers: HashMap<usize, u64>,
    their_streams: HashMap<u64, Option<usize>>,
    /// The numbers of engine calls are not those of streams that the same message announces.
    their_stream_numbers: HashMap<usize, u64>,
    /// By line of the announcement: our items that were not acknowledged.
    on_the_way: HashMap<usize, u64>,
    /// By line of the announcement: their items that we have not acknowledged.
    unacknowledged: HashMap<usize, u64>,
    /// Streams of which no more is wanted.
    dropped: HashSet<usize>,
    /// How much of the recorded chunk at the front of a lane has been heard.
    chunk_heard: HashMap<usize, usize>,
    /// The version that the other side has announced.
    version: Option<String>,
    pub(super) goodbye: bool,
    /// Grows with everything that was heard and said and had a place in the recording.
    pub(super) progress: u64,
    pub(super) heard: usize,
    pub(super) said: usize,
    pub(super) filled: usize,
    pub(super) hidden: usize,
}

impl<'a> Stage<'a> {
    pub(super) fn new(script: Script, ours: Sender, settings: &'a PlaySettings) -> Stage<'a> {
        Stage {
            script,
            ours,
            settings,
            next: 0,
            heard_to: 0,
            aside: VecDeque::new(),
            our_calls: HashMap::new(),
            our_engine_calls: HashMap::new(),
            our_streams: HashMap::new(),
            their_numbers: HashMap::new(),
            their_streams: HashMap::new(),
            their_stream_numbers: HashMap::new(),
            on_the_way: HashMap::new(),
            unacknowledged: HashMap::new(),
            dropped: HashSet::new(),
            chunk_heard: HashMap::new(),
            version: None,
            goodbye: false,
            progress: 0,
            heard: 0,
            said: 0,
            filled: 0,
            hidden: 0,
        }
    }

    /// Whether all has been said and heard.
    pub(super) fn is_over(&self) -> bool {
        let end = self.script.lines.len();
        self.next >= end && self.heard_to >= end && self.aside.is_empty()
    }

    /// Whether all has been heard, and nothing is left to be said that matters to who is gone.
    pub(super) fn is_settled(&self) -> bool {
        let rest = self.script.lines.iter().skip(self.next);
        let mut rest = rest.filter(|line| line.from == self.ours && !line.done);
        let is_idle = |message: &Message| {
            let flow = matches!(message, Message::Ack(_) | Message::Drop(_));
            flow || matches!(message, Message::Signal(_) | Message::Goodbye)
        };
        self.heard_to >= self.script.lines.len() && rest.all(|line| is_idle(&line.message))
    }

    /// Whether the recording has the end of the conversation.
    pub(super) fn is_complete(&self) -> bool {
        self.script.is_complete
    }

    /// How long the recorded side took for what is awaited.
    pub(super) fn recorded_wait(&self) -> Duration {
        let lines = &self.script.lines;
        match (lines.get(self.heard_to), self.heard_to.checked_sub(1)) {
            (Some(line), Some(before)) => line.time.saturating_sub(lines[before].time),
            _ => Duration::ZERO,
        }
    }

    /// What is wrong when nothing more can come.
    pub(super) fn missing(&self, what: impl Into<String>) -> Box<Mismatch> {
        let line = self.script.lines.get(self.heard_to);
        Box::new(Mismatch {
            entry: line.map(|line| line.entry),
            recorded: line.map(|line| Spoken::Nushell(line.message.clone())),
            now: None,
            what: what.into(),
            is_gone: true,
        })
    }

    /// What is wrong when nothing came that has a place in the recording.
    pub(super) fn late(&self, waited: Duration) -> Box<Mismatch> {
        let what = match self.script.lines.get(self.heard_to) {
            Some(_) => "it did not say this",
            None => "it did not take what was said to it",
        };
        Box::new(Mismatch {
            is_gone: false,
            ..*self.missing(format!("{what} within {waited:.1?}"))
        })
    }

    /// The next message that can be said.
    pub(super) fn say(&mut self) -> Option<Message> {
        if let Some(message) = self.aside.pop_front() {
            return Some(message);
        }
        loop {
            let line = self.script.lines.get(self.next)?;
            if line.from != self.ours || line.done {
                self.next += 1;
                continue;
            }
            if self.heard_to < self.next {
                return None;
            }
            let place = self.next;
            match self.cue(place) {
                Cue::Wait => return None,
                Cue::Skip => self.next += 1,
                Cue::Say(message) => {
                    self.next += 1;
                    self.said += 1;
                    self.progress += 1;
                    return Some(*message);
                }
            }
        }
    }

    /// Takes in what the other side says.
    pub(super) fn hear(&mut self, message: Message) -> Result<(), Box<Mismatch>> {
        let lane = match &message {
            Message::Hello(hello) => {
                self.version = Some(hello.version.clone());
                Lane::Hello
            }
            Message::Call(id, call) => {
                if is_aside(call) {
                    let answer = self.answer(call);
                    self.aside.push_back(Message::CallResponse(*id, answer));
                    return Ok(());
                }
                return self.hear_call(message);
            }
            Message::CallResponse(id, _) => match self.our_calls.get(&id.0) {
                Some(call) => Lane::Answer(*call),
                None => return Err(self.unexpected(message)),
            },
            Message::EngineCall { context, .. } => match self.our_calls.get(&context.0) {
                Some(call) => Lane::EngineCalls(*call),
                None => return Err(self.unexpected(message)),
            },
            Message::EngineCallResponse(id, _) => {
                let asked = self.our_engine_calls.get_mut(&id.0);
                match asked.and_then(VecDeque::pop_front) {
                    Some(call) => Lane::EngineAnswer(call),
                    None => return Err(self.unexpected(message)),
                }
            }
            Message::Data(id, _) | Message::End(id) => match self.their_streams.get(&id.0) {
                Some(Some(stream)) => Lane::Stream(*stream),
                Some(None) => return Ok(()),
                None => return Err(self.unexpected(message)),
            },
            Message::Ack(id) => {
                let stream = self.our_streams.get(&id.0);
                if let Some(count) = stream.and_then(|stream| self.on_the_way.get_mut(stream)) {
                    *count = count.saturating_sub(1);
                }
                return Ok(());
            }
            Message::Drop(id) => {
                self.dropped.extend(self.our_streams.get(&id.0).copied());
                return Ok(());
            }
            Message::Option(_) => Lane::Options,
            Message::Goodbye => {
                self.goodbye = true;
                return Ok(());
            }
            Message::Signal(_) => return Ok(()),
            Message::Unknown(_) => return Err(self.unexpected(message)),
        };
        if let (Message::Data(id, StreamItem::Raw(bytes)), Lane::Stream(stream)) = (&message, lane)
        {
            if !self.dropped.contains(&stream) {
                self.aside.push_back(Message::Ack(*id));
            }
            return self.hear_bytes(stream, bytes, &message);
        }
        if let (Message::Data(id, _), Lane::Stream(stream)) = (&message, lane) {
            self.give_credit(*id, stream);
        }
        self.skip_empty(lane);
        let Some(place) = self.front(lane) else {
            if self.is_endless(lane) {
                self.ignore(&message);
                return Ok(());
            }
            return Err(self.unexpected(message));
        };
        self.compare(place, lane, message)
    }

    /// A call of the engine: any that the recording has and that was not made yet.
    fn hear_call(&mut self, message: Message) -> Result<(), Box<Mismatch>> {
        let waiting = self.script.lanes.get(&Lane::Calls).into_iter().flatten();
        let same = waiting.copied().find(|place| {
            let recorded = &self.script.lines[*place].message;
            difference(recorded, &message, Sender::Engine).is_none()
        });
        match same.or_else(|| self.front(Lane::Calls)) {
            Some(place) => self.compare(place, Lane::Calls, message),
            None => Err(self.unexpected(message)),
        }
    }

    fn compare(&mut self, place: usize, lane: Lane, message: Message) -> Result<(), Box<Mismatch>> {
        let line = &self.script.lines[place];
        let found = match (&line.message, &message) {
            (Message::Hello(recorded), Message::Hello(now)) => {
                let counts = self.ours == Sender::Engine && !self.settings.any_version;
                (counts && recorded.version != now.version).then(|| {
                    let (recorded, now) = (&recorded.version, &now.version);
                    format!(
                        "the plugin speaks version {now}, and spoke {recorded} in the recording"
                    )
                })
            }
            (Message::EngineCallResponse(_, recorded), Message::EngineCallResponse(_, now))
                if self.asks_about_surroundings(line.about) =>
            {
                let is_error =
                    |response: &EngineResponse| matches!(response, EngineResponse::Error(_));
                (is_error(recorded) != is_error(now))
                    .then(|| "one is an error and the other is not".to_owned())
            }
            (recorded, now) => difference(recorded, now, line.from),
        };
        if let Some(what) = found {
            // More of a stream that was dropped may be on its way; so may its end, before all recorded items.
            if self.is_endless(lane) && matches!(message, Message::Data(..)) {
                return Ok(());
            }
            return Err(Box::new(Mismatch {
                entry: Some(line.entry),
                recorded: Some(Spoken::Nushell(line.message.clone())),
                now: Some(Spoken::Nushell(message)),
                what,
                is_gone: false,
            }));
        }
        self.bind(place, &message);
        self.done(place, lane);
        Ok(())
    }

    /// Remembers the numbers that the other side uses.
    fn bind(&mut self, place: usize, message: &Message) {
        match message {
            Message::Call(id, _) => {
                self.their_numbers.insert(place, id.0);
            }
            Message::EngineCall { id, .. } => {
                self.their_numbers.insert(place, id.0);
            }
            _ => {}
        }
        if let Some((id, _)) = stream_of(message) {
            self.their_streams.insert(id, Some(place));
            self.their_stream_numbers.insert(place, id);
        }
    }

    /// Lets a message pass of which the recording does not tell, and what belongs to it.
    fn ignore(&mut self, message: &Message) {
        if let Some((id, _)) = stream_of(message) {
            self.their_streams.insert(id, None);
        }
    }

    /// Bytes may come in other chunks than they did.
    fn hear_bytes(
        &mut self,
        stream: usize,
        bytes: &[u8],
        message: &Message,
    ) -> Result<(), Box<Mismatch>> {
        let lane = Lane::Stream(stream);
        let mut rest = bytes;
        while !rest.is_empty() {
            let Some(place) = self.front(lane) else {
                return if self.is_endless(lane) {
                    Ok(())
                } else {
                    Err(self.unexpected(message.clone()))
                };
            };
            let Message::Data(_, StreamItem::Raw(recorded)) = &self.script.lines[place].message
            else {
                if self.is_endless(lane) {
                    return Ok(());
                }
                return self.compare(place, lane, message.clone());
            };
            let from = self.chunk_heard.get(&stream).copied().unwrap_or(0);
            let recorded = &recorded[from..];
            let count = recorded.len().min(rest.len());
            if let Some(at) = (0..count).find(|at| recorded[*at] != rest[*at]) {
                let line = &self.script.lines[place];
                return Err(Box::new(Mismatch {
                    entry: Some(line.entry),
                    recorded: Some(Spoken::Nushell(line.message.clone())),
                    now: Some(Spoken::Nushell(message.clone())),
                    what: format!(
                        "byte {} of the chunk was {} and is {}",
                        from + at,
                        recorded[at],
                        rest[at]
                    ),
                    is_gone: false,
                }));
            }
            rest = &rest[count..];
            if count == recorded.len() {
                self.chunk_heard.insert(stream, 0);
                self.done(place, lane);
            } else {
                self.chunk_heard.insert(stream, from + count);
                self.progress += 1;
            }
        }
        self.skip_empty(lane);
        Ok(())
    }

    /// Recorded chunks without bytes do not have to come again.
    fn skip_empty(&mut self, lane: Lane) {
        while let Some(place) = self.front(lane) {
            let message = &self.script.lines[place].message;
            if !matches!(message, Message::Data(_, StreamItem::Raw(bytes)) if bytes.is_empty()) {
                return;
            }
            self.done(place, lane);
        }
    }

    /// Some producers wait as soon as so many items are on the way as may be, others go on to the end of the stream: what
    /// was acknowledged later in the recording is then acknowledged now.
    fn give_credit(&mut self, id: StreamId, stream: usize) {
        let count = self.unacknowledged.entry(stream).or_default();
        *count += 1;
        if self
            .script
            .kind(stream)
            .is_none_or(|kind| *count < credit(kind))
        {
            return;
        }
        let later = self.script.acks.get(&stream).and_then(VecDeque::front);
        if let Some(place) = later.copied() {
            self.script.lines[place].done = true;
            self.acknowledged(stream);
            self.aside.push_back(Message::Ack(id));
        }
    }

    fn acknowledged(&mut self, stream: usize) {
        if let Some(acks) = self.script.acks.get_mut(&stream) {
            acks.pop_front();
        }
        if let Some(count) = self.unacknowledged.get_mut(&stream) {
            *count = count.saturating_sub(1);
        }
    }

    fn front(&self, lane: Lane) -> Option<usize> {
        self.script.lanes.get(&lane)?.front().copied()
    }

    fn done(&mut self, place: usize, lane: Lane) {
        self.script.lines[place].done = true;
        self.heard += 1;
        self.progress += 1;
        if let Some(waiting) = self.script.lanes.get_mut(&lane)
            && waiting.pop_front_if(|first| *first == place).is_none()
        {
            waiting.retain(|other| *other != place);
        }
        self.look_on();
    }

    /// Passes over what has been heard.
    pub(super) fn look_on(&mut self) {
        while let Some(line) = self.script.lines.get(self.heard_to)
            && (line.done || line.from == self.ours)
        {
            self.heard_to += 1;
        }
    }

    /// Whether the recording does not tell how a lane goes on.
    fn is_endless(&self, lane: Lane) -> bool {
        let about = match lane {
            Lane::EngineCalls(call) => Lane::Answer(call),
            other => other,
        };
        self.script.endless.contains(&about)
    }

    /// Whether an engine call asks for what depends on where the engine runs.
    fn asks_about_surroundings(&self, call: Option<usize>) -> bool {
        let message = call.map(|call| &self.script.lines[call].message);
        let Some(Message::EngineCall { call, .. }) = message else {
            return false;
        };
        !matches!(
            call,
            EngineCall::EvalClosure(_) | EngineCall::CallDecl(_) | EngineCall::AddEnvVar(..)
        )
    }

    /// What a plugin says about itself, as far as the recording knows it.
    fn answer(&self, call: &Call) -> Response {
        let nothing = || Response::Metadata(PluginMetadata::default());
        match call {
            Call::Metadata => self.script.metadata.clone().unwrap_or_else(nothing),
            Call::Signature => self.script.signatures.clone().unwrap_or_else(|| {
                let message = "the recording does not have the plugin's signatures";
                Response::Error(Box::new(LabeledError::new(message)))
            }),
            _ => Response::Data(Header::Empty),
        }
    }

    /// Something that the recording does not have.
    fn unexpected(&self, message: Message) -> Box<Mismatch> {
        let line = self.script.lines.get(self.heard_to);
        Box::new(Mismatch {
            entry: line.map(|line| line.entry),
            recorded: line.map(|line| Spoken::Nushell(line.message.clone())),
            now: Some(Spoken::Nushell(message)),
            what: "the recording does not have this message".to_owned(),
            is_gone: false,
        })
    }
}
