//! The two ends of a stream as objects: one to read from, one to write to.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use pegboard_protocol::Value;
use pegboard_protocol::nu::{StreamId, StreamItem};
use pegboard_protocol::session::{Failure, ReaderId, Role, SendError};

use super::bell::Bell;
use super::write::{ENOUGH, LAG};
use super::{Connection, Shared};

/// Credit is given back for this many items at a time, or when the reader has to wait: about half of what a producer has.
const ACK_BATCH: usize = 48;
/// The same for chunks of bytes.
const ACK_CHUNKS: usize = 24;
/// How often it is given back at once after it was held back in vain.
const PROMPT: usize = 64;

/// Why a stream ended before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamError {
    /// The connection failed.
    Failed(Failure),
    /// The other side sent an item of the wrong kind.
    WrongKind,
    /// The reader was stopped on this side.
    Stopped,
    /// The deadline passed before an item came. The stream goes on.
    TimedOut,
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StreamError::Failed(failure) => write!(f, "the stream ended before its end: {failure}"),
            StreamError::WrongKind => f.write_str("the stream got an item of the wrong kind"),
            StreamError::Stopped => f.write_str("reading the stream was stopped"),
            StreamError::TimedOut => f.write_str("the stream gave nothing in time"),
        }
    }
}

impl std::error::Error for StreamError {}

/// Items that have arrived for one reader.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    queue: Mutex<Queue>,
    bell: Bell,
    stopped: AtomicBool,
}

#[derive(Debug, Default)]
struct Queue {
    // bounded by: the session's credit and its limits on what is sent beyond it
    items: VecDeque<(StreamItem, usize)>,
    ended: bool,
    error: Option<StreamError>,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn extend(&self, items: impl IntoIterator<Item = (StreamItem, usize)>) {
        let mut queue = self.lock();
        if !queue.ended {
            queue.items.extend(items);
            drop(queue);
            self.bell.ring();
        }
    }

    pub(crate) fn end(&self, error: Option<StreamError>) {
        let mut queue = self.lock();
        if !queue.ended {
            queue.ended = true;
            queue.error = error;
            drop(queue);
            self.bell.ring();
        }
    }

    /// Waits until there is something in it, or the deadline.
    pub(crate) fn wait(&self, deadline: Option<Instant>) {
        let _ = self.bell.wait(deadline, || self.look());
    }

    fn look(&self) -> Option<()> {
        let queue = self.lock();
        (queue.ended || !queue.items.is_empty()).then_some(())
    }

    fn stop(&self) {
        let mut queue = self.lock();
        queue.items.clear();
        queue.ended = true;
        queue.error = Some(StreamError::Stopped);
        self.stopped.store(true, Ordering::Release);
        drop(queue);
        self.bell.ring();
    }
}

/// The end of a stream to read from. Dropping it tells the producer that no more is wanted.
pub struct InStream {
    inbox: Arc<Inbox>,
    owner: Box<dyn Release>,
    taken: Box<Taken>,
    over: bool,
}

/// What was taken out of the inbox.
#[derive(Default)]
struct Taken {
    // bounded by: what the inbox is
    ready: VecDeque<(StreamItem, usize)>,
    /// What is left of the message that brought several items, and the size of that message.
    // bounded by: StreamItem::MOST
    opened: Option<(std::vec::IntoIter<Value>, usize)>,
    /// The sizes of items that were given out and not acknowledged.
    // bounded by: ACK_BATCH
    consumed: Vec<usize>,
    /// So often credit is given back at once when there is nothing to read.
    prompt: usize,
}

impl Taken {
    /// The next item, and the size of its message if it is the last of it.
    fn next(&mut self) -> Option<(StreamItem, Option<usize>)> {
        loop {
            if let Some((values, size)) = &mut self.opened {
                if let Some(value) = values.next() {
                    let consumed = (values.len() == 0).then_some(*size);
                    return Some((StreamItem::List(value), consumed));
                }
                self.opened = None;
            }
            match self.ready.pop_front()? {
                (StreamItem::Items(values), size) => self.opened = Some((values.into_iter(), size)),
                (item, size) => return Some((item, Some(size))),
            }
        }
    }
}

/// The connection that a stream came from, whatever its role.
pub(crate) trait Release: Send {
    fn consumed(&self, sizes: &mut Vec<usize>);
    fn release(&self);
    /// Waits until there is something in the inbox, or the deadline.
    fn wait(&self, inbox: &Inbox, deadline: Option<Instant>);
}

struct Owner<R: Role> {
    shared: Arc<Shared<R>>,
    reader: ReaderId,
}

impl<R: Role + Send + 'static> Release for Owner<R> {
    fn wait(&self, inbox: &Inbox, deadline: Option<Instant>) {
        let connection = Connection {
            shared: self.shared.clone(),
        };
        let _ = connection.wait(&inbox.bell, deadline, || inbox.look());
    }

    fn consumed(&self, sizes: &mut Vec<usize>) {
        let mut state = self.shared.lock();
        // To a peer that reads nothing, acknowledgements would pile up; as long as it has them to come, its items count
        // as not acknowledged.
        let (count, bytes) = state.unacknowledged.entry(self.reader).or_default();
        *count += sizes.len();
        *bytes += sizes.drain(..).sum::<usize>();
        self.shared.settle(state);
    }

    fn release(&self) {
        self.shared
            .inboxes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.reader);
        let mut state = self.shared.lock();
        state.unacknowledged.remove(&self.reader);
        state.session.release(self.reader);
        self.shared.settle(state);
    }
}

impl InStream {
    pub(super) fn new<R: Role + Send + 'static>(
        shared: Arc<Shared<R>>,
        reader: ReaderId,
        inbox: Arc<Inbox>,
    ) -> Self {
        InStream::owned(inbox, Box::new(Owner { shared, reader }))
    }

    /// A stream of what comes into an inbox.
    pub(crate) fn owned(inbox: Arc<Inbox>, owner: Box<dyn Release>) -> Self {
        InStream {
            inbox,
            owner,
            taken: Box::default(),
            over: false,
        }
    }

    /// Waits for the next item; those that came together are given one by one. None after the end; an error, once, when
    /// the stream breaks off.
    pub fn next_item(
        &mut self,
        deadline: Option<Instant>,
    ) -> Option<Result<StreamItem, StreamError>> {
        if self.over {
            return None;
        }
        loop {
            if !self.is_stopped()
                && let Some((item, consumed)) = self.taken.next()
            {
                self.taken.consumed.extend(consumed);
                let batch = match item {
                    StreamItem::List(_) | StreamItem::Items(_) => ACK_BATCH,
                    StreamItem::Raw(_) | StreamItem::RawError(_) => ACK_CHUNKS,
                };
                if self.taken.consumed.len() >= batch {
                    self.owner.consumed(&mut self.taken.consumed);
                }
                return Some(Ok(item));
            }
            let mut queue = self.inbox.lock();
            self.taken.opened = None;
            self.taken.ready.clear();
            std::mem::swap(&mut self.taken.ready, &mut queue.items);
            if !self.taken.ready.is_empty() {
                continue;
            }
            if queue.ended {
                self.over = true;
                return queue.error.take().map(Err);
            }
            drop(queue);
            if self.may_put_off(deadline) {
                continue;
            }
            if !self.taken.consumed.is_empty() {
                self.owner.consumed(&mut self.taken.consumed);
            }
            if deadline.is_some_and(|at| at <= Instant::now()) {
                return Some(Err(StreamError::TimedOut));
            }
            self.owner.wait(&self.inbox, deadline);
        }
    }

    /// Waits a moment for the next item before the credit for the last ones is given back, so that more of it goes into one
    /// message: a producer that has used little of it goes on without. One that does not is not kept waiting again soon.
    fn may_put_off(&mut self, deadline: Option<Instant>) -> bool {
        let taken = &mut self.taken;
        if taken.consumed.is_empty() {
            return false;
        }
        if taken.prompt > 0 {
            taken.prompt -= 1;
            return false;
        }
        let soon = Instant::now() + LAG;
        if deadline.is_some_and(|at| at < soon) {
            return false;
        }
        self.owner.wait(&self.inbox, Some(soon));
        let queue = self.inbox.lock();
        let came = queue.ended || !queue.items.is_empty();
        if !came {
            taken.prompt = PROMPT;
        }
        came
    }

    /// True once the reading was ended from another thread.
    fn is_stopped(&self) -> bool {
        self.inbox.stopped.load(Ordering::Acquire)
    }

    /// A handle that ends the reading from another thread.
    pub fn stop_handle(&self) -> StreamStop {
        StreamStop(self.inbox.clone())
    }
}

impl Drop for InStream {
    fn drop(&mut self) {
        if !self.taken.consumed.is_empty() {
            self.owner.consumed(&mut self.taken.consumed);
        }
        self.owner.release();
    }
}

impl fmt::Debug for InStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InStream")
    }
}

/// Ends the reading of a stream from another thread: what waits there gets [`StreamError::Stopped`].
#[derive(Clone, Debug)]
pub struct StreamStop(Arc<Inbox>);

impl StreamStop {
    /// Ends the reading.
    pub fn stop(&self) {
        self.0.stop();
    }

    /// True when nothing more will come of the stream.
    pub fn is_over(&self) -> bool {
        let queue = self.0.lock();
        queue.ended && queue.items.is_empty()
    }
}

/// The end of a stream to write to. Dropping it ends the stream.
pub struct OutStream<R: Role + Send + 'static> {
    connection: Connection<R>,
    id: StreamId,
}

/// Nobody wants more of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unwanted;

impl<R: Role + Send + 'static> OutStream<R> {
    pub(super) fn new(connection: Connection<R>, id: StreamId) -> Self {
        OutStream { connection, id }
    }

    /// Has a function called, once, when nobody wants more of the stream. It must not wait.
    pub fn on_unwanted(&self, act: impl FnOnce() + Send + 'static) {
        let shared = &self.connection.shared;
        let watchers = || {
            shared
                .watchers
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        watchers().insert(self.id, Box::new(act));
        // It may have been so before anybody watched.
        if !shared.lock().session.is_wanted(self.id) {
            let act = watchers().remove(&self.id);
            if let Some(act) = act {
                act();
            }
        }
    }

    /// Waits for credit and for room on the link, then sends an item.
    ///
    /// The wait ends when the consumer drops the stream or the connection ends.
    pub fn send(&self, item: StreamItem) -> Result<(), Unwanted> {
        let mut unsent = Some(item);
        let room = &self.connection.shared.room;
        let sent = self
            .connection
            .wait(room, None, || self.try_send(&mut unsent));
        sent.unwrap_or(Err(Unwanted))
    }

    /// None if there is no room yet.
    fn try_send(&self, unsent: &mut Option<StreamItem>) -> Option<Result<(), Unwanted>> {
        let shared = &self.connection.shared;
        let mut state = shared.lock();
        if state.is_full() {
            let wanted = state.session.is_wanted(self.id);
            return (!wanted).then_some(Err(Unwanted));
        }
        match state.put(self.id, unsent.take()?) {
            Ok(()) => {
                // What comes slowly is written at once. What comes quickly is written together.
                if state.gathered() >= ENOUGH || state.flushed.elapsed() >= LAG {
                    shared.settle(state);
                } else {
                    if state.batch.is_none() {
                        shared.encode(&mut state);
                    }
                    shared.delay(&mut state);
                }
                Some(Ok(()))
            }
            Err(SendError::Closed) => Some(Err(Unwanted)),
            Err(SendError::Full(item)) => {
                // The other side is to have everything before it is waited for; of several items some may have been sent.
                let sent_some = matches!(item, StreamItem::Items(_));
                *unsent = Some(item);
                if state.lagging || sent_some {
                    shared.settle(state);
                }
                None
            }
        }
    }
}

impl<R: Role + Send + 'static> Drop for OutStream<R> {
    fn drop(&mut self) {
        let id = self.id;
        let watcher = self
            .connection
            .shared
            .watchers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&id);
        drop(watcher);
        let shared = &self.connection.shared;
        let mut state = shared.lock();
        state.close_batch();
        state.session.finish(id);
        shared.settle(state);
    }
}

impl<R: Role + Send + 'static> fmt::Debug for OutStream<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OutStream({})", self.id)
    }
}
