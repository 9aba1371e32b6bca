//! What both roles share: streams, signals of the end, and the queues to the driver.

use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;

use semver::Version;

use super::outgoing::Outgoing;
use super::stream::{Outcome, Streams};
use super::{Event, Failure, FlowLimits, ReaderId, Refusal, SendError, compatible};
use crate::codec::{BytesForm, EncodeOptions, Encoding, Sender};
use crate::nu::{
    CallId, Change, Dialect, EngineResponse, Feature, Header, Hello, Message, StreamId, StreamItem,
    StreamKind,
};
use crate::{LabeledError, Value};

/// One side of a conversation: [`super::Host`] or [`super::Plugin`].
pub trait Role: Default + fmt::Debug + Sized {
    /// Who this side is on the wire.
    const SENDER: Sender;
    #[doc(hidden)]
    fn receive(session: &mut Session<Self>, message: Message) -> Result<(), Failure>;
    #[doc(hidden)]
    fn undeliverable(
        session: &mut Session<Self>,
        message: &Message,
        error: LabeledError,
    ) -> Option<Message>;
    #[doc(hidden)]
    fn stream_ended(session: &mut Session<Self>, call: CallId);
    #[doc(hidden)]
    fn fail(session: &mut Session<Self>);
}

/// A conversation after the handshake, seen from one side.
#[derive(Debug)]
pub struct Session<R> {
    pub(super) dialect: Dialect,
    pub(super) limits: FlowLimits,
    pub(super) streams: Streams,
    pub(super) events: VecDeque<Event>,
    pub(super) role: R,
    version: Version,
    features: Vec<Feature>,
    peer: Hello,
    outgoing: Outgoing,
    failure: Option<Failure>,
    goodbye: bool,
    marker: PhantomData<R>,
}

impl<R: Role> Session<R> {
    pub(super) fn new(
        dialect: Dialect,
        (version, features): (Version, Vec<Feature>),
        peer: Hello,
        limits: FlowLimits,
        first: Option<Message>,
    ) -> Session<R> {
        let both = |feature| features.contains(feature) && peer.features.contains(feature);
        Session {
            dialect,
            limits,
            streams: Streams::new(limits, both(&Feature::PegboardItems)),
            events: VecDeque::new(),
            role: R::default(),
            version,
            features,
            peer,
            outgoing: first.into_iter().collect(),
            failure: None,
            goodbye: false,
            marker: PhantomData,
        }
    }

    /// The dialect in which both sides talk.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The version that this side announced.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// What the other side said about itself.
    pub fn peer(&self) -> &Hello {
        &self.peer
    }

    /// Whether both sides have said that they have an ability beyond the common protocol.
    pub fn shares(&self, feature: &Feature) -> bool {
        self.features.contains(feature) && self.peer.features.contains(feature)
    }

    /// How many values of a list one message carries at most, for one credit: 1 unless both sides take several.
    pub fn items_per_message(&self) -> usize {
        self.streams.most()
    }

    /// How what this side says is put into bytes: what the other side is known to read, in the fastest form.
    pub fn encode_options(&self, encoding: Encoding) -> EncodeOptions {
        EncodeOptions {
            bytes: match self.dialect.has(Change::NativeBytes)
                || self.shares(&Feature::PegboardBytes)
            {
                true => BytesForm::Native,
                false => BytesForm::Integers,
            },
            ..EncodeOptions::new(R::SENDER, encoding, self.dialect)
        }
    }

    /// How much it lets wait.
    pub fn limits(&self) -> FlowLimits {
        self.limits
    }

    /// Why the session is over, if it is.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// The next message to send.
    pub fn poll_message(&mut self) -> Option<Message> {
        self.outgoing.pop()
    }

    /// If the next messages to send acknowledge what a stream brought: the stream, and how many there are. They are
    /// taken, as if [`Session::poll_message`] had given them one by one.
    pub fn poll_acks(&mut self) -> Option<(StreamId, usize)> {
        self.outgoing.pop_acks()
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Takes a message of `size` bytes on the wire. A message that breaks the rules fails the session.
    pub fn receive(&mut self, message: Message, size: usize) {
        if self.failure.is_some() {
            return;
        }
        if let Err(failure) = self.try_receive(message, size) {
            self.fail(failure);
        }
    }

    fn try_receive(&mut self, message: Message, size: usize) -> Result<(), Failure> {
        match message {
            Message::Data(stream, item) => {
                let event = self.streams.item(stream, item, size)?;
                self.events.extend(event);
                Ok(())
            }
            Message::End(stream) => {
                if let Outcome::Ended(call) = self.streams.end(stream, &mut self.events)? {
                    R::stream_ended(self, call);
                }
                Ok(())
            }
            Message::Ack(stream) => {
                let event = self.streams.acknowledged(stream);
                self.events.extend(event);
                Ok(())
            }
            Message::Drop(stream) => {
                if let Some((end, event)) = self.streams.dropped(stream) {
                    self.outgoing.push(end);
                    self.events.push_back(event);
                }
                Ok(())
            }
            Message::Hello(hello) => self.second_hello(&hello),
            other => R::receive(self, other),
        }
    }

    fn second_hello(&self, hello: &Hello) -> Result<(), Failure> {
        let same = match (
            Version::parse(&hello.version),
            Version::parse(&self.peer.version),
        ) {
            (Ok(now), Ok(before)) => compatible(&now, &before),
            _ => false,
        } && hello.protocol == self.peer.protocol;
        if same {
            return Ok(());
        }
        Err(Failure::violation(format!(
            "said Hello again with version {} of `{}`, having said {} before",
            hello.version, hello.protocol, self.peer.version
        )))
    }

    /// Ends the session. The first failure is kept; every call and stream that waits is told once.
    pub fn fail(&mut self, failure: Failure) {
        if self.failure.is_some() {
            return;
        }
        self.failure = Some(failure.clone());
        self.outgoing.clear();
        self.events.push_back(Event::Failed(failure));
        self.streams.fail(&mut self.events);
        R::fail(self);
    }

    /// Reserves a number for a stream, to be used in the header that announces it. Until then nothing of it is sent:
    /// [`Session::send`] has no room, and finishing it leaves no trace.
    pub fn open_stream(&mut self, kind: StreamKind) -> StreamId {
        self.streams.open_writer(kind)
    }

    /// Sends an item of a stream, or several values of a list: in as few messages as [`Session::items_per_message`]
    /// allows, each of which takes one credit. How many bytes go into a message is for the caller to bound.
    pub fn send(&mut self, stream: StreamId, item: StreamItem) -> Result<(), SendError> {
        self.streams.send(stream, item, &mut self.outgoing)
    }

    /// True when the stream's next message would be taken at once.
    pub fn is_writable(&self, stream: StreamId) -> bool {
        self.streams.writable(stream)
    }

    /// True while the other side has not dropped the stream, and it was not finished.
    pub fn is_wanted(&self, stream: StreamId) -> bool {
        self.streams.is_wanted(stream)
    }

    /// Ends a stream. Does nothing if it is over already.
    pub fn finish(&mut self, stream: StreamId) {
        let end = self.streams.finish(stream);
        self.outgoing.extend(end);
    }

    /// Gives the producer the credit back for what so many messages of `size` bytes together brought, when all of it is
    /// consumed: one for every [`Event::Item`].
    pub fn consumed(&mut self, reader: ReaderId, messages: usize, size: usize) {
        if let Some(stream) = self.streams.consumed(reader, messages, size) {
            self.outgoing.acknowledge(stream, messages);
        }
    }

    /// Tells the producer that no more of the stream is wanted. To be called once for every reader, also after its end.
    pub fn release(&mut self, reader: ReaderId) {
        let drop = self.streams.release(reader);
        self.outgoing.extend(drop);
    }

    /// How many streams are open in either direction.
    pub fn open_streams(&self) -> usize {
        self.streams.readers() + self.streams.writers()
    }

    /// Makes good for a message from [`Session::poll_message`] that cannot be put into bytes: gives what to send
    /// instead, or tells whoever asked for it that it was not sent. `options` are those that it was tried with.
    pub fn undeliverable(
        &mut self,
        message: &Message,
        options: &EncodeOptions,
        error: LabeledError,
    ) -> Option<Message> {
        match message {
            Message::Data(stream, StreamItem::List(value))
                if !matches!(value, Value::Error(..)) =>
            {
                let item = Value::error(error).at(value.span());
                Some(Message::Data(*stream, StreamItem::List(item)))
            }
            Message::Data(stream, StreamItem::Items(values))
                if let Some(values) = without_undeliverable(*stream, values, options) =>
            {
                Some(Message::Data(*stream, StreamItem::Items(values)))
            }
            // Nobody will acknowledge it.
            Message::Data(stream, _) => {
                let event = self.streams.acknowledged(*stream);
                self.events.extend(event);
                None
            }
            other => R::undeliverable(self, other, error),
        }
    }

    /// Sends a message whose header may announce a stream, which can be written from now on.
    pub(super) fn push_header(
        &mut self,
        message: Message,
        stream: Option<StreamId>,
        call: Option<CallId>,
    ) {
        self.outgoing.push(message);
        if let Some(stream) = stream {
            if self.streams.is_wanted(stream) {
                let event = self.streams.announce(stream, call);
                self.events.extend(event);
            } else {
                // It was finished before anybody heard of it.
                self.outgoing.push(Message::End(stream));
            }
        }
    }

    /// Forgets the stream of a header that was never sent, and what was to be sent of it.
    pub(super) fn retract(&mut self, header: Option<&Header>) {
        if let Some(stream) = stream_of(header) {
            self.outgoing.retract(stream);
            let event = self.streams.retract(stream);
            self.events.extend(event);
        }
    }

    pub(super) fn open_reader(
        &mut self,
        header: Option<&Header>,
        call: Option<CallId>,
    ) -> Result<Option<ReaderId>, Failure> {
        match header.and_then(Header::stream) {
            Some((id, kind)) => self.streams.open_reader(id, kind, call).map(Some),
            None => Ok(None),
        }
    }

    pub(super) fn push(&mut self, message: Message) {
        self.outgoing.push(message);
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.goodbye
    }

    pub(super) fn leave(&mut self) -> bool {
        !std::mem::replace(&mut self.goodbye, true)
    }

    pub(super) fn check(&self, what: &str, change: Option<Change>) -> Result<(), Refusal> {
        if let Some(failure) = &self.failure {
            return Err(Refusal::Over(failure.clone()));
        }
        match change {
            Some(change) if !self.dialect.has(change) => Err(Refusal::Unsupported {
                what: what.to_owned(),
                since: Dialect::since(change),
                version: self.peer.version.clone(),
            }),
            _ => Ok(()),
        }
    }
}

/// The values of a message, with errors in the place of those that cannot be put into bytes; none if all can.
fn without_undeliverable(
    stream: StreamId,
    values: &[Value],
    options: &EncodeOptions,
) -> Option<Vec<Value>> {
    let mut replaced = false;
    let mut bytes = Vec::new();
    let mut deliverable = |value: &Value| {
        let alone = Message::Data(stream, StreamItem::Items(vec![value.clone()]));
        bytes.clear();
        match options.encode(&alone, &mut bytes) {
            Ok(()) => value.clone(),
            Err(error) => {
                replaced = true;
                Value::error(LabeledError::new(error.to_string())).at(value.span())
            }
        }
    };
    let values = values.iter().map(&mut deliverable).collect();
    replaced.then_some(values)
}

pub(super) fn header_of(response: &EngineResponse) -> Option<&Header> {
    match response {
        EngineResponse::Data(header) => Some(header),
        _ => None,
    }
}

pub(super) fn stream_of(header: Option<&Header>) -> Option<StreamId> {
    header.and_then(Header::stream).map(|(stream, _)| stream)
}

pub(super) fn unexpected(message: &Message) -> Failure {
    match message {
        Message::Unknown(name) => {
            Failure::violation(format!("sent a message of the unknown kind `{name}`"))
        }
        other => Failure::violation(format!(
            "sent `{}`, which only the other side may send",
            name_of(other)
        )),
    }
}

pub(super) fn name_of(message: &Message) -> &str {
    match message {
        Message::Hello(_) => "Hello",
        Message::Call(..) => "Call",
        Message::CallResponse(..) => "CallResponse",
        Message::EngineCall { .. } => "EngineCall",
        Message::EngineCallResponse(..) => "EngineCallResponse",
        Message::Data(..) => "Data",
        Message::End(_) => "End",
        Message::Drop(_) => "Drop",
        Message::Ack(_) => "Ack",
        Message::Signal(_) => "Signal",
        Message::Option(_) => "Option",
        Message::Goodbye => "Goodbye",
        Message::Unknown(name) => name,
    }
}
