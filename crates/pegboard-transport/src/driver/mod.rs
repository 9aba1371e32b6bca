//! The blocking driver: whoever queues a message writes what fits at once, whoever waits for something reads what
//! comes, and only the writer thread waits for room.
//!
//! Events reach the [`Handler`] and the streams in the order in which the session gave them, from whichever thread
//! caused them; a handler must not wait. Consumers wait on their own queue, producers for their own credit, so that a
//! slow one stops its peer's producer and nobody else. Items of a stream that come quickly one after the other are
//! written together, the last of them after a millisecond at most.

mod batch;
mod bell;
mod deliver;
pub(crate) mod opening;
pub(crate) mod outbox;
mod read;
mod start;
mod stream;
mod watch;
mod write;

pub use bell::{Bell, Heard};

use deliver::Happened;
pub use deliver::{Handler, Incoming, Job};
pub use start::{EngineSettings, PluginSettings, StartError, StartFailure};
pub use stream::{InStream, OutStream, StreamError, StreamStop, Unwanted};
pub(crate) use stream::{Inbox, Release};

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use pegboard_protocol::LabeledError;
use pegboard_protocol::codec::Encoding;
use pegboard_protocol::nu::{Message, StreamId, StreamKind};
use pegboard_protocol::session::{Failure, FailureKind, ReaderId, Role, Session};

use crate::link::Hangup;
use crate::trace::{Direction, Tape};
use batch::Batch;
use outbox::{Outbox, Outlet};
use watch::Watch;

const READ_BUFFER: usize = 64 << 10;
/// The same as long as little comes.
const SMALL_BUFFER: usize = 4 << 10;

/// A session that runs over a link. Copies stand for the same connection.
pub struct Connection<R: Role> {
    shared: Arc<Shared<R>>,
}

struct Shared<R: Role> {
    state: Mutex<State<R>>,
    watch: Watch,
    /// Credit came, the queue shrank, or the session is over.
    room: Bell,
    /// The link did not take everything: work for the writer thread.
    stuck: Condvar,
    outlet: Outlet,
    inboxes: Mutex<HashMap<ReaderId, Arc<Inbox>>>,
    /// What to call when nobody wants more of a stream that is written.
    watchers: Mutex<HashMap<StreamId, Box<dyn FnOnce() + Send>>>,
    handler: OnceLock<Arc<dyn Handler>>,
    hangup: Hangup,
    encoding: Encoding,
    trace: Option<Tape>,
    name: String,
}

struct State<R> {
    session: Session<R>,
    outbox: Outbox,
    /// Values that wait to be sent in one message.
    batch: Option<Batch>,
    /// Items wait to be written together with those that may follow.
    lagging: bool,
    /// The writer thread looks every millisecond whether some have waited for too long.
    ticking: bool,
    /// When something was last written.
    flushed: Instant,
    /// Answers to engine calls that may not have been written yet.
    answers: usize,
    /// Items that were consumed while the link was full, and their bytes; their acknowledgements follow.
    // bounded by: the streams that are open
    unacknowledged: HashMap<ReaderId, (usize, usize)>,
    dispatching: bool,
}

impl<R: Role> Clone for Connection<R> {
    fn clone(&self) -> Self {
        Connection {
            shared: self.shared.clone(),
        }
    }
}

impl<R: Role> std::fmt::Debug for Connection<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Connection({})", self.shared.name)
    }
}

impl<R: Role + Send + 'static> Connection<R> {
    /// Changes or asks the session, then sends and tells what came of it.
    pub fn session<T>(&self, act: impl FnOnce(&mut Session<R>) -> T) -> T {
        let mut state = self.shared.lock();
        let result = act(&mut state.session);
        self.shared.settle(state);
        result
    }

    /// Asks the session something. Nothing is sent or told, so this may be called with locks held.
    pub fn ask<T>(&self, question: impl FnOnce(&Session<R>) -> T) -> T {
        question(&self.shared.lock().session)
    }

    /// Waits until no more is queued for the link than producers may queue. True as well when the connection is over;
    /// false at the deadline.
    pub fn wait_for_room(&self, deadline: Instant) -> bool {
        self.wait_for(deadline, |state| !state.is_full())
    }

    /// Waits until everything that is queued was written, or can no longer be. False at the deadline.
    pub fn wait_until_written(&self, deadline: Instant) -> bool {
        self.wait_for(deadline, |state| {
            state.outbox.queued() == 0 || state.outbox.is_shut()
        })
    }

    fn wait_for(&self, deadline: Instant, done: impl Fn(&State<R>) -> bool) -> bool {
        let look = || {
            let state = self.shared.lock();
            (done(&state) || state.session.failure().is_some()).then_some(())
        };
        self.wait(&self.shared.room, Some(deadline), look).is_some()
    }

    /// Reserves a stream and gives its number, for the header that announces it, and the end to write to.
    pub fn open_stream(&self, kind: StreamKind) -> (StreamId, OutStream<R>) {
        let id = self.shared.lock().session.open_stream(kind);
        (id, OutStream::new(self.clone(), id))
    }

    /// Ends the session for the given reason, and the link at once.
    pub fn fail(&self, failure: Failure) {
        let mut state = self.shared.lock();
        self.shared.end(&mut state, failure);
        self.shared.settle(state);
    }

    /// Closes the link for writing once everything that is queued was written.
    pub fn close_sink(&self) {
        let mut state = self.shared.lock();
        state.outbox.close();
        self.shared.settle(state);
    }

    /// Why the session is over, if it is.
    pub fn failure(&self) -> Option<Failure> {
        self.shared.lock().session.failure().cloned()
    }

    /// The encoding that the plugin chose.
    pub fn encoding(&self) -> Encoding {
        self.shared.encoding
    }

    fn set_handler(&self, handler: Arc<dyn Handler>) {
        let _ = self.shared.handler.set(handler);
    }
}

impl<R: Role + Send + 'static> Shared<R> {
    fn lock(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Encodes and writes what the session wants to say, and tells what happened, until there is nothing left to do.
    fn settle(self: &Arc<Self>, state: MutexGuard<'_, State<R>>) {
        if self.tell_all(state) {
            self.start_jobs();
        }
    }

    /// The same; what a handler has been asked for is left to be started. True if anything was told.
    fn tell_all<'a>(self: &'a Arc<Self>, mut state: MutexGuard<'a, State<R>>) -> bool {
        let mut told = false;
        loop {
            self.encode(&mut state);
            // What was said is sent first, so that nobody waits for the handler.
            state = self.flush(state);
            if state.dispatching {
                return told;
            }
            let happened = Happened::take(&mut state.session);
            if happened.is_nothing() {
                return told;
            }
            told = true;
            state.dispatching = true;
            drop(state);
            let delivered = catch_unwind(AssertUnwindSafe(|| self.deliver(happened)));
            state = self.lock();
            state.dispatching = false;
            if delivered.is_err() {
                let message = "whoever was told what happened panicked";
                self.end(&mut state, Failure::new(FailureKind::Local, message));
            }
        }
    }

    /// Encodes acknowledgements, which are many and all the same: one of them, and copies of it.
    fn encode_acks(&self, state: &mut State<R>) {
        while self.trace.is_none()
            && let Some((stream, count)) = state.session.poll_acks()
        {
            let options = state.session.encode_options(self.encoding);
            let bytes = state.outbox.buffer();
            let start = bytes.len();
            // Every version has the message, and either side may send it.
            let encoded = options.encode(&Message::Ack(stream), bytes);
            debug_assert!(encoded.is_ok());
            let end = bytes.len();
            for _ in 1..count {
                bytes.extend_from_within(start..end);
            }
        }
    }

    fn encode(&self, state: &mut State<R>) {
        if !state.unacknowledged.is_empty() && !state.is_full() {
            for (reader, (count, size)) in std::mem::take(&mut state.unacknowledged) {
                state.session.consumed(reader, count, size);
            }
        }
        state.close_batch();
        loop {
            self.encode_acks(state);
            let Some(message) = state.session.poll_message() else {
                return;
            };
            let options = state.session.encode_options(self.encoding);
            let mut next = Some(message);
            while let Some(message) = next.take() {
                match options.encode(&message, state.outbox.buffer()) {
                    Ok(()) => {
                        if matches!(message, Message::EngineCallResponse(..)) {
                            state.answers += 1;
                        }
                        if let Some(trace) = &self.trace {
                            trace.message(Direction::Sent, R::SENDER, &message, options.dialect);
                        }
                    }
                    Err(error) => {
                        let error = LabeledError::new(error.to_string());
                        next = state.session.undeliverable(&message, &options, error);
                    }
                }
            }
        }
    }
}

pub(crate) fn hung_up() -> Failure {
    Failure::new(FailureKind::Local, "the link was hung up")
}
