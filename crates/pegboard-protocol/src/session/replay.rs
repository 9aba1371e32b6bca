//! Replays a recorded conversation: one side's session takes the place of that side, and has to say what was said.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::time::Duration;

use semver::Version;

use super::core::{Role, stream_of};
use super::{
    EngineHandshake, EnginePolicy, Event, FlowLimits, Host, Plugin, PluginHandshake, PluginPolicy,
    ReaderId, SendError, Session,
};
use crate::codec::Sender;
use crate::nu::{
    Call, CallId, EngineCall, EngineCallId, EngineResponse, Header, Hello, Message, Response,
    StreamId,
};

/// Where a session first did something else than was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The message at which it was noticed, counted from 0; as many as there are if it was noticed behind the last.
    pub index: usize,
    /// What is different, in one sentence.
    pub message: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "message {}: {}", self.index, self.message)
    }
}

impl std::error::Error for Difference {}

/// Replays one conversation, from the first Hello on, with a session in the place of `side`.
///
/// What the other side said is received; what `side` decided to say is decided again, when it was said; what follows
/// from these by the rules (its Hello, the end of a dropped stream) the session has to say by itself. Numbers need not
/// be the same. Gives the first difference, among them a broken rule.
pub fn replay(
    side: Sender,
    messages: impl IntoIterator<Item = (Sender, Message)>,
) -> Result<(), Difference> {
    let messages: Vec<_> = messages.into_iter().collect();
    match side {
        Sender::Engine => Replay::<Host>::run(messages),
        Sender::Plugin => Replay::<Plugin>::run(messages),
    }
}

struct Replay<R> {
    session: Session<R>,
    /// What the session has said and the recorded side has not.
    owed: VecDeque<Message>,
    /// The readers of the other side's streams, by its numbers.
    readers: HashMap<StreamId, ReaderId>,
    /// Recorded numbers of this side, and those that the session uses.
    streams: HashMap<StreamId, StreamId>,
    calls: HashMap<CallId, CallId>,
    engine_calls: HashMap<EngineCallId, EngineCallId>,
}

trait Player: Role {
    /// Starts a session from the two Hellos.
    fn begin(ours: &Hello, theirs: Message) -> Result<Session<Self>, String>;
    /// Does what led this side to say a message other than about streams.
    fn decide(replay: &mut Replay<Self>, message: Message) -> Result<(), String>;
}

impl<R: Player> Replay<R> {
    fn run(messages: Vec<(Sender, Message)>) -> Result<(), Difference> {
        let last = messages.len();
        let hello_of = |ours: bool| {
            messages.iter().find_map(|(from, message)| match message {
                Message::Hello(hello) if (*from == R::SENDER) == ours => Some(hello.clone()),
                _ => None,
            })
        };
        let fail = |index, message: String| Err(Difference { index, message });
        let (Some(ours), Some(theirs)) = (hello_of(true), hello_of(false)) else {
            return fail(0, "both sides have to say Hello".to_owned());
        };
        let mut replay = match R::begin(&ours, Message::Hello(theirs)) {
            Ok(session) => Replay::new(session),
            Err(message) => return fail(0, message),
        };
        for (index, (from, message)) in messages.into_iter().enumerate() {
            let done = match message {
                Message::Hello(_) => Ok(()),
                message if from == R::SENDER => replay.say(message),
                message => replay.hear(message),
            };
            if let Err(message) = done {
                return fail(index, message);
            }
        }
        match replay.owed.pop_front() {
            Some(message) => fail(last, format!("it was never said: {message:?}")),
            None => Ok(()),
        }
    }

    fn new(mut session: Session<R>) -> Replay<R> {
        // The Hello.
        session.poll_message();
        Replay {
            session,
            owed: VecDeque::new(),
            readers: HashMap::new(),
            streams: HashMap::new(),
            calls: HashMap::new(),
            engine_calls: HashMap::new(),
        }
    }

    /// Takes in a message of the other side, with the numbers that the session knows.
    fn hear(&mut self, mut message: Message) -> Result<(), String> {
        let header = match &message {
            Message::Call(_, Call::Run(run)) => Some(&run.input),
            Message::CallResponse(_, response) => response.header(),
            Message::EngineCall { call, .. } => call.input(),
            Message::EngineCallResponse(_, EngineResponse::Data(header)) => Some(header),
            _ => None,
        };
        let announced = stream_of(header);
        match &mut message {
            Message::Ack(id) | Message::Drop(id) => renumber(&self.streams, id),
            Message::CallResponse(id, _) | Message::EngineCall { context: id, .. } => {
                renumber(&self.calls, id);
            }
            Message::EngineCallResponse(id, _) => renumber(&self.engine_calls, id),
            _ => {}
        }
        self.session.receive(message, 0);
        if let Some(failure) = self.session.failure() {
            return Err(format!("the other side broke the rules: {failure}"));
        }
        while let Some(event) = self.session.poll_event() {
            let reader = match event {
                Event::Call { input: reader, .. }
                | Event::EngineCall { input: reader, .. }
                | Event::Response { output: reader, .. }
                | Event::EngineResponse { output: reader, .. } => reader,
                Event::WrongItem { .. } => return Err("an item is of the wrong kind".to_owned()),
                _ => None,
            };
            if let (Some(stream), Some(reader)) = (announced, reader) {
                self.readers.insert(stream, reader);
            }
        }
        self.collect();
        Ok(())
    }

    /// Does what was decided, and compares what the session says.
    fn say(&mut self, message: Message) -> Result<(), String> {
        match message {
            Message::Data(id, item) => {
                let stream = self.own_stream(id)?;
                match self.session.send(stream, item.clone()) {
                    Ok(()) => self.expect(Message::Data(stream, item)),
                    Err(SendError::Full(_)) => {
                        Err(format!("stream {id} has no credit for this item"))
                    }
                    // A recorded side may notice later than the session that nobody wants more.
                    Err(SendError::Closed) => Ok(()),
                }
            }
            Message::End(id) => {
                let stream = self.own_stream(id)?;
                self.session.finish(stream);
                self.expect(Message::End(stream))
            }
            Message::Ack(id) => {
                let Some(reader) = self.readers.get(&id) else {
                    return Err(format!("there is no stream {id} to acknowledge an item of"));
                };
                self.session.consumed(*reader, 1, 0);
                // A stream that was dropped is not acknowledged any more.
                self.expect_maybe(&Message::Ack(id));
                Ok(())
            }
            Message::Drop(id) => {
                let Some(reader) = self.readers.get(&id) else {
                    return Err(format!("there is no stream {id} to drop"));
                };
                self.session.release(*reader);
                self.expect_maybe(&Message::Drop(id));
                Ok(())
            }
            other => R::decide(self, other),
        }
    }

    fn own_stream(&self, id: StreamId) -> Result<StreamId, String> {
        self.streams
            .get(&id)
            .copied()
            .ok_or_else(|| format!("stream {id} was not announced"))
    }

    /// Opens the stream that a header of this side announces.
    fn announce(&mut self, header: Option<&mut Header>) {
        let Some(header) = header else { return };
        let Some((recorded, kind)) = header.stream() else {
            return;
        };
        let stream = self.session.open_stream(kind);
        self.streams.insert(recorded, stream);
        if let Header::ListStream { id, .. } | Header::ByteStream { id, .. } = header {
            *id = stream;
        }
    }

    fn collect(&mut self) {
        while let Some(message) = self.session.poll_message() {
            self.owed.push_back(message);
        }
    }

    fn expect(&mut self, message: Message) -> Result<(), String> {
        if self.expect_maybe(&message) {
            return Ok(());
        }
        match self.owed.front() {
            Some(other) => Err(format!("the session said {other:?} instead of {message:?}")),
            None => Err(format!("the session did not say {message:?}")),
        }
    }

    /// Crosses a message off what the session has said.
    fn expect_maybe(&mut self, message: &Message) -> bool {
        self.collect();
        let place = self.owed.iter().position(|owed| owed == message);
        place.is_some_and(|place| self.owed.remove(place).is_some())
    }
}

fn renumber<T: Copy + Eq + std::hash::Hash>(numbers: &HashMap<T, T>, id: &mut T) {
    if let Some(ours) = numbers.get(id) {
        *id = *ours;
    }
}

fn version_of(hello: &Hello) -> Result<Version, String> {
    Version::parse(&hello.version).map_err(|error| error.to_string())
}

impl Player for Host {
    fn begin(ours: &Hello, theirs: Message) -> Result<Session<Host>, String> {
        let policy = EnginePolicy::Mirror {
            wait: Duration::ZERO,
            otherwise: version_of(ours)?,
        };
        let (features, limits) = (ours.features.clone(), FlowLimits::default());
        let mut handshake = EngineHandshake::new(policy, features, limits, Duration::ZERO);
        handshake.handle_timeout(Duration::ZERO);
        handshake.receive(theirs).map_err(|error| error.to_string())
    }

    fn decide(replay: &mut Replay<Host>, message: Message) -> Result<(), String> {
        match message {
            Message::Call(id, mut call) => {
                if let Call::Run(run) = &mut call {
                    replay.announce(Some(&mut run.input));
                }
                let made = replay
                    .session
                    .call(call.clone())
                    .map_err(|error| error.to_string())?;
                replay.calls.insert(id, made);
                replay.expect(Message::Call(made, call))
            }
            Message::EngineCallResponse(id, mut response) => {
                if let EngineResponse::Data(header) = &mut response {
                    replay.announce(Some(header));
                }
                replay.session.answer(id, response.clone());
                replay.expect(Message::EngineCallResponse(id, response))
            }
            Message::Signal(signal) => {
                replay.session.signal(signal);
                replay.expect(message)
            }
            Message::Goodbye => {
                replay.session.goodbye();
                // Real engines may say it twice.
                replay.expect_maybe(&message);
                Ok(())
            }
            other => Err(format!("an engine does not say {other:?}")),
        }
    }
}

impl Player for Plugin {
    fn begin(ours: &Hello, theirs: Message) -> Result<Session<Plugin>, String> {
        let (version, limits) = (version_of(ours)?, FlowLimits::default());
        let (handshake, _) =
            PluginHandshake::new(version, &ours.features, PluginPolicy::Lenient, limits);
        handshake.receive(theirs).map_err(|error| error.to_string())
    }

    fn decide(replay: &mut Replay<Plugin>, message: Message) -> Result<(), String> {
        match message {
            Message::CallResponse(id, mut response) => {
                if let Response::Data(header) = &mut response {
                    replay.announce(Some(header));
                }
                let done = replay.session.respond(id, response.clone());
                done.map_err(|error| error.to_string())?;
                replay.expect(Message::CallResponse(id, response))
            }
            Message::EngineCall {
                context,
                id,
                mut call,
            } => {
                match &mut call {
                    EngineCall::EvalClosure(eval) => replay.announce(Some(&mut eval.input)),
                    EngineCall::CallDecl(call) => replay.announce(Some(&mut call.input)),
                    _ => {}
                }
                let made = replay.session.engine_call(context, call.clone());
                let made = made.map_err(|error| error.to_string())?;
                replay.engine_calls.insert(id, made);
                replay.expect(Message::EngineCall {
                    context,
                    id: made,
                    call,
                })
            }
            Message::Option(option) => {
                replay
                    .session
                    .option(option)
                    .map_err(|error| error.to_string())?;
                replay.expect(message)
            }
            other => Err(format!("a plugin does not say {other:?}")),
        }
    }
}
