//! One side of a recorded conversation as a machine: what is heard goes in, what is to be said comes out. No IO.

mod cue;

use std::collections::{HashMap, HashSet, VecDeque};

use pegboard_protocol::LabeledError;
use pegboard_protocol::codec::Sender;
use pegboard_protocol::nu::{
    Call, EngineCall, EngineResponse, Header, Message, PluginMetadata, Response, StreamId,
    StreamItem,
};

use super::compare::difference;
use super::script::{Lane, Script, is_aside, stream_of};
use crate::trace::outline::credit;
use crate::trace::play::lines::{Lines, Speech};
use crate::trace::play::{Mismatch, PlaySettings};
use cue::Cue;

/// A conversation under way.
pub(super) struct Stage<'a> {
    script: Script,
    settings: &'a PlaySettings,
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
    /// The version that the other side has announced.
    version: Option<String>,
    pub(super) goodbye: bool,
}

impl<'a> Stage<'a> {
    pub(super) fn new(script: Script, settings: &'a PlaySettings) -> Stage<'a> {
        Stage {
            script,
            settings,
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
            version: None,
            goodbye: false,
        }
    }

    pub(super) fn lines(&self) -> &Lines<Message, Lane> {
        &self.script.lines
    }

    /// Something was heard that is no message.
    pub(super) fn went_on(&mut self) {
        self.script.lines.progress += 1;
    }

    /// Whether all has been said and heard.
    pub(super) fn is_over(&self) -> bool {
        self.script.lines.is_over() && self.aside.is_empty()
    }

    /// Whether all has been heard, and nothing is left to be said that matters to who is gone.
    pub(super) fn is_settled(&self) -> bool {
        let is_idle = |message: &Message| {
            let flow = matches!(message, Message::Ack(_) | Message::Drop(_));
            flow || matches!(message, Message::Signal(_) | Message::Goodbye)
        };
        let lines = &self.script.lines;
        lines.is_heard() && lines.unsaid().all(|line| is_idle(&line.message))
    }

    /// Whether the recording has the end of the conversation.
    pub(super) fn is_complete(&self) -> bool {
        self.script.is_complete
    }

    /// The next message that can be said.
    pub(super) fn say(&mut self) -> Option<Message> {
        if let Some(message) = self.aside.pop_front() {
            return Some(message);
        }
        loop {
            let place = self.script.lines.due()?;
            match self.cue(place) {
                Cue::Wait => return None,
                Cue::Skip => self.script.lines.skip(),
                Cue::Say(message) => {
                    self.script.lines.said();
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
        if let (Message::Data(id, StreamItem::Raw(_)), Lane::Stream(stream)) = (&message, lane) {
            if !self.dropped.contains(&stream) {
                self.aside.push_back(Message::Ack(*id));
            }
            return self.hear_bytes(lane, message);
        }
        if let (Message::Data(id, _), Lane::Stream(stream)) = (&message, lane) {
            self.give_credit(*id, stream);
        }
        self.skip_empty(lane);
        match self.script.lines.front(lane) {
            Some(place) => self.compare(place, lane, message),
            None if self.is_endless(lane) => {
                self.ignore(&message);
                Ok(())
            }
            None => Err(self.unexpected(message)),
        }
    }

    /// A call of the engine: any that the recording has and that was not made yet.
    fn hear_call(&mut self, message: Message) -> Result<(), Box<Mismatch>> {
        let lines = &self.script.lines;
        let same = lines
            .awaited(Lane::Calls)
            .find(|place| difference(&lines[*place].message, &message, Sender::Engine).is_none());
        match same.or_else(|| lines.front(Lane::Calls)) {
            Some(place) => self.compare(place, Lane::Calls, message),
            None => Err(self.unexpected(message)),
        }
    }

    fn compare(&mut self, place: usize, lane: Lane, message: Message) -> Result<(), Box<Mismatch>> {
        let line = &self.script.lines[place];
        let found = match (&line.message, &message) {
            (Message::Hello(recorded), Message::Hello(now)) => {
                let counts =
                    self.script.lines.ours() == Sender::Engine && !self.settings.any_version;
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
            return Err(self.script.lines.differs(place, message, what));
        }
        self.bind(place, &message);
        self.script.lines.heard(lane, place);
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
    fn hear_bytes(&mut self, lane: Lane, message: Message) -> Result<(), Box<Mismatch>> {
        if self.script.lines.hear_bytes(lane, &message)? {
            self.skip_empty(lane);
            return Ok(());
        }
        match self.script.lines.front(lane) {
            _ if self.is_endless(lane) => Ok(()),
            Some(place) => self.compare(place, lane, message),
            None => Err(self.unexpected(message)),
        }
    }

    /// Recorded chunks without bytes do not have to come again.
    fn skip_empty(&mut self, lane: Lane) {
        let lines = &mut self.script.lines;
        while let Some(place) = lines.front(lane)
            && lines[place].message.bytes().is_some_and(<[u8]>::is_empty)
        {
            lines.heard(lane, place);
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
            self.script.lines.leave_out(place);
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
        self.script.lines.unexpected(message)
    }
}
