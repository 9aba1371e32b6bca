//! Streams: numbered items one way, credit the other way.

use std::collections::BTreeMap;

use super::event::{Event, ReaderId};
use super::failure::{Failure, FailureKind};
use crate::nu::{CallId, Message, StreamId, StreamItem, StreamKind};

/// How many messages of items a producer may have under way before the consumer acknowledges one.
const LIST_CREDIT: i64 = 100;
/// The same for chunks of bytes.
const RAW_CREDIT: i64 = 50;

/// How much data a session holds for consumers that are slower than the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowLimits {
    /// Bytes, as on the wire, that one stream may have waiting although its credit is used up.
    ///
    /// Some plugins send without waiting for credit. They are borne with up to here.
    pub beyond_credit: usize,
    /// Bytes, as on the wire, that all streams together may have waiting.
    pub buffered: usize,
    /// Engine calls that may be waiting for an answer.
    pub engine_calls: usize,
    /// Streams of the peer that may be open at once, among them those that nobody reads and the peer does not end.
    pub streams: usize,
}

impl Default for FlowLimits {
    fn default() -> FlowLimits {
        FlowLimits {
            beyond_credit: 16 << 20,
            buffered: 512 << 20,
            engine_calls: 1024,
            streams: 64 << 10,
        }
    }
}

/// Why an item could not be sent.
#[derive(Clone, Debug, PartialEq)]
pub enum SendError {
    /// The credit is used up; try again after [`Event::Writable`] with this, which is what was not sent: of several
    /// values those behind the last that was.
    Full(StreamItem),
    /// Nobody wants more of the stream, or it was ended, or the session failed.
    Closed,
}

#[derive(Debug)]
struct Reading {
    wire: StreamId,
    kind: StreamKind,
    call: Option<CallId>,
    unacknowledged: i64,
    waiting: usize,
    /// What the peer may still send; nothing behind End.
    ended: bool,
    /// The consumer has gone; items are dropped until End.
    released: bool,
    broken: bool,
}

#[derive(Debug)]
struct Writing {
    kind: StreamKind,
    unacknowledged: i64,
    /// A header that names the stream was sent; before, the other side knows nothing of it.
    announced: bool,
    /// The call in whose response it was announced.
    call: Option<CallId>,
    /// An item was refused, so that its producer waits for [`Event::Writable`].
    refused: bool,
}

/// Both directions of streams of one session.
#[derive(Debug)]
pub(super) struct Streams {
    limits: FlowLimits,
    /// Both sides take several values in one message.
    batches: bool,
    waiting: usize,
    next_reader: u64,
    next_stream: u64,
    reading: BTreeMap<ReaderId, Reading>,
    by_wire: BTreeMap<StreamId, ReaderId>,
    writing: BTreeMap<StreamId, Writing>,
    failed: bool,
}

/// What became of a stream message, for the owner of the calls.
pub(super) enum Outcome {
    Nothing,
    /// The last word on a stream that belongs to a call was said.
    Ended(CallId),
}

impl Streams {
    pub(super) fn new(limits: FlowLimits, batches: bool) -> Streams {
        Streams {
            limits,
            batches,
            waiting: 0,
            next_reader: 0,
            next_stream: 0,
            reading: BTreeMap::new(),
            by_wire: BTreeMap::new(),
            writing: BTreeMap::new(),
            failed: false,
        }
    }

    /// Registers a stream that the peer has announced.
    pub(super) fn open_reader(
        &mut self,
        wire: StreamId,
        kind: StreamKind,
        call: Option<CallId>,
    ) -> Result<ReaderId, Failure> {
        if self.by_wire.contains_key(&wire) {
            return Err(Failure::violation(format!(
                "announced stream {wire} while a stream of that number is open"
            )));
        }
        let limit = self.limits.streams;
        if self.by_wire.len() >= limit {
            let message = format!("has {limit} streams open, which is the limit (streams)");
            return Err(Failure::new(FailureKind::Limit, message));
        }
        let id = ReaderId(self.next_reader);
        self.next_reader += 1;
        self.by_wire.insert(wire, id);
        let reading = Reading {
            wire,
            kind,
            call,
            unacknowledged: 0,
            waiting: 0,
            ended: false,
            released: false,
            broken: false,
        };
        self.reading.insert(id, reading);
        Ok(id)
    }

    /// Reserves a number for a stream that is about to be announced. After a failure the stream is over at once.
    pub(super) fn open_writer(&mut self, kind: StreamKind) -> StreamId {
        let id = StreamId(self.next_stream);
        self.next_stream += 1;
        if !self.failed {
            let writing = Writing {
                kind,
                unacknowledged: 0,
                announced: false,
                call: None,
                refused: false,
            };
            self.writing.insert(id, writing);
        }
        id
    }

    /// The header that names a stream is sent now, in the response to a call or otherwise.
    pub(super) fn announce(&mut self, stream: StreamId, call: Option<CallId>) -> Option<Event> {
        let writing = self.writing.get_mut(&stream)?;
        writing.announced = true;
        writing.call = call;
        std::mem::take(&mut writing.refused).then_some(Event::Writable { stream })
    }

    /// The header that names a stream will not be sent: the other side must not hear of the stream at all.
    pub(super) fn retract(&mut self, stream: StreamId) -> Option<Event> {
        self.writing
            .remove(&stream)
            .map(|_| Event::Unwanted { stream })
    }

    /// True while a stream is open that was announced in the response to a call.
    pub(super) fn is_answering(&self, call: CallId) -> bool {
        self.writing
            .values()
            .any(|writing| writing.call == Some(call))
    }

    pub(super) fn item(
        &mut self,
        wire: StreamId,
        item: StreamItem,
        size: usize,
    ) -> Result<Option<Event>, Failure> {
        let reader = *self.by_wire.get(&wire).ok_or_else(|| {
            Failure::violation(format!(
                "sent an item of stream {wire}, which was never announced or has ended"
            ))
        })?;
        if let StreamItem::Items(values) = &item {
            self.check_batch(wire, values.len())?;
        }
        let Some(reading) = self.reading.get_mut(&reader) else {
            return Ok(None);
        };
        if reading.released || reading.broken {
            return Ok(None);
        }
        if item.kind() != reading.kind {
            reading.broken = true;
            return Ok(Some(Event::WrongItem { reader }));
        }
        reading.unacknowledged += 1;
        reading.waiting += size;
        self.waiting += size;
        if reading.unacknowledged > credit(reading.kind)
            && reading.waiting > self.limits.beyond_credit
        {
            return Err(Failure::new(
                FailureKind::Limit,
                format!(
                    "sent {} items of stream {wire} without waiting for them to be acknowledged, and the {} bytes \
                     that may wait beyond the credit are used up (beyond_credit)",
                    reading.unacknowledged, self.limits.beyond_credit
                ),
            ));
        }
        if self.waiting > self.limits.buffered {
            let limit = self.limits.buffered;
            return Err(Failure::new(
                FailureKind::Limit,
                format!(
                    "has more than {limit} bytes of stream items waiting to be read, which is the limit (buffered)"
                ),
            ));
        }
        Ok(Some(Event::Item { reader, item, size }))
    }

    fn check_batch(&self, wire: StreamId, count: usize) -> Result<(), Failure> {
        let what = match count {
            _ if !self.batches => "items of stream {} together, which was not agreed on",
            0 => "a message for stream {} without items",
            _ if count > StreamItem::MOST => "more items of stream {} together than are allowed",
            _ => return Ok(()),
        };
        let what = what.replace("{}", &wire.to_string());
        Err(Failure::violation(format!("sent {what}")))
    }

    pub(super) fn end(
        &mut self,
        wire: StreamId,
        events: &mut impl Extend<Event>,
    ) -> Result<Outcome, Failure> {
        let reader = self.by_wire.remove(&wire).ok_or_else(|| {
            Failure::violation(format!(
                "ended stream {wire}, which was never announced or has ended before"
            ))
        })?;
        let Some(reading) = self.reading.get_mut(&reader) else {
            return Ok(Outcome::Nothing);
        };
        reading.ended = true;
        let call = reading.call;
        if reading.released {
            self.reading.remove(&reader);
        } else if !reading.broken {
            events.extend([Event::Ended { reader }]);
        }
        Ok(call.map_or(Outcome::Nothing, Outcome::Ended))
    }

    /// What so many messages brought was consumed: the producer of the stream gets its credit back, if it is to be told.
    pub(super) fn consumed(
        &mut self,
        reader: ReaderId,
        messages: usize,
        size: usize,
    ) -> Option<StreamId> {
        let speak = self.may_speak(reader);
        let reading = self.reading.get_mut(&reader)?;
        if reading.released {
            return None;
        }
        reading.unacknowledged -= i64::try_from(messages).unwrap_or(i64::MAX);
        reading.waiting = reading.waiting.saturating_sub(size);
        self.waiting = self.waiting.saturating_sub(size);
        speak.then_some(reading.wire)
    }

    /// The consumer wants no more, whether or not the stream has ended.
    pub(super) fn release(&mut self, reader: ReaderId) -> Option<Message> {
        let speak = self.may_speak(reader);
        let reading = self.reading.get_mut(&reader)?;
        if reading.released {
            return None;
        }
        reading.released = true;
        self.waiting = self.waiting.saturating_sub(reading.waiting);
        reading.waiting = 0;
        let wire = reading.wire;
        if reading.ended {
            self.reading.remove(&reader);
        }
        speak.then_some(Message::Drop(wire))
    }

    /// False when the producer has since used the number for another stream, which must not be told of this one.
    fn may_speak(&self, reader: ReaderId) -> bool {
        self.reading.get(&reader).is_some_and(|reading| {
            self.by_wire
                .get(&reading.wire)
                .is_none_or(|current| *current == reader)
        })
    }

    pub(super) fn send(
        &mut self,
        stream: StreamId,
        item: StreamItem,
        messages: &mut impl Extend<Message>,
    ) -> Result<(), SendError> {
        let most = self.most();
        let Some(writing) = self.writing.get_mut(&stream) else {
            return Err(SendError::Closed);
        };
        let mut values = match item {
            StreamItem::Items(values) if !self.batches || values.len() > most => values.into_iter(),
            StreamItem::Items(values) if values.is_empty() => return Ok(()),
            item => {
                if !writing.take_room() {
                    return Err(SendError::Full(item));
                }
                messages.extend([Message::Data(stream, item)]);
                return Ok(());
            }
        };
        while values.len() > 0 {
            if !writing.take_room() {
                return Err(SendError::Full(StreamItem::Items(values.collect())));
            }
            let item = match self.batches {
                true => Some(StreamItem::Items(values.by_ref().take(most).collect())),
                false => values.next().map(StreamItem::List),
            };
            messages.extend(item.map(|item| Message::Data(stream, item)));
        }
        Ok(())
    }

    /// How many values of a list one message carries.
    pub(super) fn most(&self) -> usize {
        match self.batches {
            true => StreamItem::MOST,
            false => 1,
        }
    }

    /// True when the next item can be sent at once.
    pub(super) fn writable(&self, stream: StreamId) -> bool {
        self.writing.get(&stream).is_some_and(Writing::has_room)
    }

    /// True while the stream can still be written to, with or without credit.
    pub(super) fn is_wanted(&self, stream: StreamId) -> bool {
        self.writing.contains_key(&stream)
    }

    pub(super) fn finish(&mut self, stream: StreamId) -> Option<Message> {
        let writing = self.writing.remove(&stream)?;
        writing.announced.then_some(Message::End(stream))
    }

    pub(super) fn acknowledged(&mut self, stream: StreamId) -> Option<Event> {
        let writing = self.writing.get_mut(&stream)?;
        writing.unacknowledged -= 1;
        // A producer that waits is woken for several items, while the consumer still has as many.
        let enough = writing.unacknowledged <= credit(writing.kind) / 2;
        if !(writing.refused && writing.announced && enough) {
            return None;
        }
        writing.refused = false;
        Some(Event::Writable { stream })
    }

    /// The consumer on the other side wants no more; the stream is ended at once.
    pub(super) fn dropped(&mut self, stream: StreamId) -> Option<(Message, Event)> {
        if !self.writing.get(&stream)?.announced {
            return None;
        }
        self.writing.remove(&stream);
        Some((Message::End(stream), Event::Unwanted { stream }))
    }

    /// Ends all streams because the session failed.
    pub(super) fn fail(&mut self, events: &mut impl Extend<Event>) {
        self.failed = true;
        self.by_wire.clear();
        self.waiting = 0;
        for (reader, reading) in std::mem::take(&mut self.reading) {
            if !reading.ended && !reading.released && !reading.broken {
                events.extend([Event::ReaderFailed { reader }]);
            }
        }
        let writers = std::mem::take(&mut self.writing).into_keys();
        events.extend(writers.map(|stream| Event::Unwanted { stream }));
    }

    /// How many streams are open for writing.
    pub(super) fn writers(&self) -> usize {
        self.writing.len()
    }

    /// How many streams are being read.
    pub(super) fn readers(&self) -> usize {
        self.reading
            .values()
            .filter(|reading| !reading.released)
            .count()
    }
}

impl Writing {
    /// Takes the credit for a message, if there is any; else the producer is told when there is.
    fn take_room(&mut self) -> bool {
        let has_room = self.has_room();
        match has_room {
            true => self.unacknowledged += 1,
            false => self.refused = true,
        }
        has_room
    }

    fn has_room(&self) -> bool {
        self.announced && self.unacknowledged < credit(self.kind)
    }
}

fn credit(kind: StreamKind) -> i64 {
    match kind {
        StreamKind::List => LIST_CREDIT,
        StreamKind::Raw => RAW_CREDIT,
    }
}
