//! The blocking driver: whoever queues a message writes what fits at once, only the writer thread waits for room, and
//! the reader thread waits for nothing but bytes.
//!
//! Events reach the [`Handler`] and the streams in the order in which the session gave them, from whichever thread
//! caused them; a handler must not wait. Consumers wait on their own queue, producers for their own credit, so that a
//! slow one stops its peer's producer and nobody else.

mod start;
mod stream;

pub use start::{EngineSettings, PluginSettings, StartError, StartFailure};
pub use stream::{InStream, OutStream, StreamError, StreamStop, Unwanted};

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use pegboard_protocol::LabeledError;
use pegboard_protocol::codec::{self, Decoder, Encoding};
use pegboard_protocol::nu::{
    Call, CallId, EngineCall, EngineCallId, EngineResponse, PluginOption, Response, Signal,
    StreamId, StreamKind,
};
use pegboard_protocol::session::{Event, Failure, FailureKind, ReaderId, Role, Session};

use crate::link::{Hangup, Sink, Source};
use crate::trace::{Direction, Recorder};
use stream::Inbox;

/// Producers wait while more than this many bytes are queued for the link.
const HIGH_WATER: usize = 1 << 20;
const READ_BUFFER: usize = 64 << 10;
/// How long the reader has to find the end of what a peer said before it closed its input.
const DEAF_GRACE: Duration = Duration::from_secs(1);

/// A session that runs over a link. Copies stand for the same connection.
pub struct Connection<R: Role> {
    shared: Arc<Shared<R>>,
}

struct Shared<R: Role> {
    state: Mutex<State<R>>,
    /// Credit came, the queue shrank, or the session is over.
    room: Condvar,
    /// The link did not take everything: work for the writer thread.
    stuck: Condvar,
    sink: Mutex<Option<Box<dyn Sink>>>,
    inboxes: Mutex<HashMap<ReaderId, Arc<Inbox>>>,
    /// What to call when nobody wants more of a stream that is written.
    watchers: Mutex<HashMap<StreamId, Box<dyn FnOnce() + Send>>>,
    handler: OnceLock<Arc<dyn Handler>>,
    hangup: Hangup,
    encoding: Encoding,
    recorder: Option<Recorder>,
    name: String,
}

struct State<R> {
    session: Session<R>,
    outbox: Vec<u8>,
    /// Bytes that a thread has taken out of the outbox and not yet written.
    taken: usize,
    /// Some thread is writing; others leave their bytes to it.
    writing: bool,
    /// The writing is the writer thread's.
    waiting: bool,
    has_writer_thread: bool,
    /// The other side has closed its end; the reader should notice soon.
    deaf: bool,
    /// Close the link for writing when everything is written.
    closing: bool,
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
        let mut state = self.shared.lock();
        while state.queued() >= HIGH_WATER && state.session.failure().is_none() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let room = &self.shared.room;
            let waited = room.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Reserves a stream and gives its number, for the header that announces it, and the end to write to.
    pub fn open_stream(&self, kind: StreamKind) -> (StreamId, OutStream<R>) {
        let id = self.shared.lock().session.open_stream(kind);
        (id, OutStream::new(self.clone(), id))
    }

    /// Ends the session for the given reason, and the link at once.
    pub fn fail(&self, failure: Failure) {
        self.session(|session| session.fail(failure));
        self.shared.hangup.hang_up();
    }

    /// Closes the link for writing once everything that is queued was written.
    pub fn close_sink(&self) {
        let mut state = self.shared.lock();
        state.closing = true;
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

    /// Encodes what the session wants to say, tells the handler what happened, and writes.
    fn settle<'a>(self: &'a Arc<Self>, mut state: MutexGuard<'a, State<R>>) {
        self.encode(&mut state);
        if !state.dispatching {
            state.dispatching = true;
            let mut told = false;
            while let Some(event) = state.session.poll_event() {
                // What was said before is sent first, so that nobody waits for the handler.
                if !told {
                    state = self.flush(state);
                    told = true;
                }
                drop(state);
                self.deliver(event);
                state = self.lock();
                self.encode(&mut state);
            }
            state.dispatching = false;
        }
        drop(self.flush(state));
    }

    fn encode(&self, state: &mut State<R>) {
        while let Some(message) = state.session.poll_message() {
            let dialect = state.session.dialect();
            let mut next = Some(message);
            while let Some(message) = next.take() {
                match codec::encode(
                    &message,
                    R::SENDER,
                    self.encoding,
                    dialect,
                    &mut state.outbox,
                ) {
                    Ok(()) => self.record(Direction::Sent, &message, dialect),
                    Err(error) => {
                        let error = LabeledError::new(error.to_string());
                        next = state.session.undeliverable(&message, error);
                    }
                }
            }
        }
    }

    fn record(
        &self,
        direction: Direction,
        message: &pegboard_protocol::nu::Message,
        dialect: pegboard_protocol::nu::Dialect,
    ) {
        if let Some(recorder) = &self.recorder {
            recorder.message(&self.name, direction, R::SENDER, message, dialect);
        }
    }
