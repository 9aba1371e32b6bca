//! What becomes of a recorded message of ours when its turn has come.

use pegboard_protocol::Value;
use pegboard_protocol::codec::Sender;
use pegboard_protocol::nu::{
    CallId, EngineCall, EngineCallId, EngineResponse, Feature, Header, Message, StreamId,
    StreamKind,
};

use super::super::compare::is_hidden;
use super::super::script::stream_of;
use super::Stage;
use crate::trace::outline::credit;

/// What becomes of it.
pub(super) enum Cue {
    Say(Box<Message>),
    Skip,
    Wait,
}

impl Stage<'_> {
    /// What becomes of a line of ours, with the numbers that the other side uses now.
    pub(super) fn cue(&mut self, place: usize) -> Cue {
        let line = &self.script.lines[place];
        let theirs = |about: Option<usize>| self.their_numbers.get(&about?).copied();
        let their_stream = |about: Option<usize>| self.their_stream_numbers.get(&about?).copied();
        let mut message = line.message.clone();
        match (&mut message, line.about) {
            (Message::Hello(hello), _) => {
                // The link is chosen here, and the script has items one by one.
                hello.features.retain(|feature| {
                    !matches!(feature, Feature::LocalSocket | Feature::PegboardItems)
                });
                let mirrors =
                    self.script.lines.ours() == Sender::Plugin || self.settings.any_version;
                if let (true, Some(version)) = (mirrors, &self.version) {
                    hello.version.clone_from(version);
                }
            }
            (Message::Call(id, _), _) => {
                self.our_calls.insert(id.0, place);
            }
            (Message::CallResponse(id, _), about) => match theirs(about) {
                Some(now) => *id = CallId(now),
                None => return Cue::Skip,
            },
            (Message::EngineCall { context, id, .. }, about) => match theirs(about) {
                Some(now) => {
                    *context = CallId(now);
                    let asked = self.our_engine_calls.entry(id.0).or_default();
                    asked.push_back(place);
                }
                None => return Cue::Skip,
            },
            (Message::EngineCallResponse(id, _), about) => match theirs(about) {
                Some(now) => *id = EngineCallId(now),
                None => return Cue::Skip,
            },
            (Message::Data(..), Some(stream)) => {
                if self.dropped.contains(&stream) {
                    return Cue::Skip;
                }
                let room = self.script.kind(stream).map_or(0, credit);
                let on_the_way = self.on_the_way.entry(stream).or_default();
                if *on_the_way >= room {
                    return Cue::Wait;
                }
                *on_the_way += 1;
            }
            (Message::End(_), Some(_)) => {}
            (Message::Ack(id) | Message::Drop(id), about) => {
                let chunks = about.and_then(|stream| self.script.kind(stream));
                let is_ack = matches!(line.message, Message::Ack(_));
                match their_stream(about) {
                    // Chunks may be cut elsewhere: each is acknowledged as it comes.
                    Some(_) if is_ack && chunks == Some(StreamKind::Raw) => return Cue::Skip,
                    Some(now) => *id = StreamId(now),
                    None => return Cue::Skip,
                }
                match about {
                    Some(stream) if is_ack => self.acknowledged(stream),
                    Some(stream) => {
                        self.dropped.insert(stream);
                    }
                    None => {}
                }
            }
            (Message::Data(..) | Message::End(_), None) => return Cue::Skip,
            _ => {}
        }
        if let Some((id, _)) = stream_of(&message) {
            self.our_streams.insert(id, place);
        }
        self.fill_in(place, &mut message);
        Cue::Say(Box::new(message))
    }

    /// Puts values of environment variables where the recording left them out.
    fn fill_in(&mut self, place: usize, message: &mut Message) {
        let lines = &mut self.script.lines;
        let asks = lines[place].about;
        let asks_for = match asks.map(|asks| &lines[asks].message) {
            Some(Message::EngineCall {
                call: EngineCall::GetEnvVar(name),
                ..
            }) => Some(name.clone()),
            _ => None,
        };
        let mut value_of = |name: &str, value: &mut Value| {
            if is_hidden(value)
                && let Some(known) = lines.played.fill_in(name, self.settings)
            {
                *value = Value::string(known).at(value.span());
            }
        };
        match message {
            Message::EngineCallResponse(_, EngineResponse::ValueMap(values)) => {
                for (name, value) in values {
                    value_of(name, value);
                }
            }
            Message::EngineCallResponse(_, EngineResponse::Data(Header::Value(value, _))) => {
                if let Some(name) = asks_for {
                    value_of(&name, value);
                }
            }
            Message::EngineCall {
                call: EngineCall::AddEnvVar(name, value),
                ..
            } => value_of(name, value),
            _ => {}
        }
    }
}
