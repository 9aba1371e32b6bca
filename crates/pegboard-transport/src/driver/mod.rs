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
use std::time::Duration;

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

/// Acts on what the other side says. Called from the reader thread and others; must not wait.
pub trait Handler: Send + Sync + 'static {
    /// Something happened.
    fn handle(&self, incoming: Incoming);
}

/// What a connection tells its handler; streams come as objects.
#[derive(Debug)]
#[expect(
    missing_docs,
    reason = "the fields are those of the session's event of the same name"
)]
pub enum Incoming {
    /// To a plugin: the engine asks for something.
    Call {
        id: CallId,
        call: Call,
        input: Option<InStream>,
    },
    /// To a host: a call was answered.
    Response {
        id: CallId,
        response: Response,
        output: Option<InStream>,
    },
    /// To a host: nothing more will come of a call.
    CallClosed { id: CallId },
    /// To a host: the session failed before the call was answered.
    CallFailed { id: CallId },
    /// To a host: a running call needs something.
    EngineCall {
        context: CallId,
        id: EngineCallId,
        call: EngineCall,
        input: Option<InStream>,
    },
    /// To a plugin: an engine call was answered.
    EngineResponse {
        id: EngineCallId,
        response: EngineResponse,
        output: Option<InStream>,
    },
    /// To a plugin: the session failed before the engine call was answered.
    EngineCallFailed { id: EngineCallId },
    /// To a plugin: a signal.
    Signal(Signal),
    /// To a host: a wish of the plugin.
    Option(PluginOption),
    /// To a plugin: finish what runs, then exit.
    Goodbye,
    /// The session is over; said once.
    Failed(Failure),
}

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

    /// Writes what the link takes without waiting; the rest is left to the writer thread.
    fn flush<'a>(
        self: &'a Arc<Self>,
        mut state: MutexGuard<'a, State<R>>,
    ) -> MutexGuard<'a, State<R>> {
        while !state.writing && !state.outbox.is_empty() {
            state.writing = true;
            let bytes = std::mem::take(&mut state.outbox);
            state.taken = bytes.len();
            drop(state);
            let mut written = 0;
            let result = self.with_sink(|sink| {
                while written < bytes.len() {
                    written += sink.try_write(&bytes[written..])?;
                }
                Ok(())
            });
            state = self.lock();
            state.taken = 0;
            match result {
                Ok(()) => state.writing = false,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    state.give_back(&bytes[written..]);
                    state.waiting = true;
                    self.wake_writer(&mut state);
                    return state;
                }
                Err(error) => {
                    state.writing = false;
                    return self.broken(state, &error);
                }
            }
            self.room.notify_all();
            state.recycle(bytes);
        }
        if state.closing && !state.writing && state.outbox.is_empty() {
            drop(
                self.sink
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .take(),
            );
        }
        state
    }

    fn with_sink<T>(&self, act: impl FnOnce(&mut dyn Sink) -> io::Result<T>) -> io::Result<T> {
        match self
            .sink
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_mut()
        {
            Some(sink) => act(sink.as_mut()),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// The link cannot be written. The peer's last words may still be readable, so only the reader ends the session.
    fn broken<'a>(
        self: &'a Arc<Self>,
        mut state: MutexGuard<'a, State<R>>,
        error: &io::Error,
    ) -> MutexGuard<'a, State<R>> {
        state.outbox.clear();
        drop(
            self.sink
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        if error.kind() != io::ErrorKind::BrokenPipe
            && error.kind() != io::ErrorKind::ConnectionReset
        {
            state.session.fail(Failure::new(
                FailureKind::Link,
                format!("writing to it failed: {error}"),
            ));
            self.hangup.hang_up();
        } else if !state.deaf {
            state.deaf = true;
            self.wake_writer(&mut state);
        }
        self.room.notify_all();
        state
    }

    fn wake_writer(self: &Arc<Self>, state: &mut State<R>) {
        if !state.has_writer_thread {
            state.has_writer_thread = true;
            let shared = self.clone();
            let spawned = std::thread::Builder::new()
                .name("pegboard writer".into())
                .stack_size(256 << 10)
                .spawn(move || shared.write_loop());
            if let Err(error) = spawned {
                state.session.fail(Failure::new(
                    FailureKind::Local,
                    format!("no thread could be started: {error}"),
                ));
            }
        }
        self.stuck.notify_all();
    }

    fn write_loop(self: Arc<Self>) {
        let mut state = self.lock();
        loop {
            while !state.waiting {
                if state.session.failure().is_some() {
                    return;
                }
                if !state.deaf {
                    state = self
                        .stuck
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner);
                    continue;
                }
                let waited = self
                    .stuck
                    .wait_timeout(state, DEAF_GRACE)
                    .unwrap_or_else(PoisonError::into_inner);
                state = waited.0;
                if waited.1.timed_out() {
                    state.session.fail(Failure::new(
                        FailureKind::Closed,
                        "it closed its input and went on running",
                    ));
                    self.hangup.hang_up();
                    return self.settle(state);
                }
            }
            let bytes = std::mem::take(&mut state.outbox);
            state.taken = bytes.len();
            drop(state);
            let mut written = 0;
            let result = self.with_sink(|sink| {
                while written < bytes.len() {
                    written += sink.write(&bytes[written..], None)?;
                }
                Ok(())
            });
            state = self.lock();
            state.taken = 0;
            if let Err(error) = result {
                (state.waiting, state.writing) = (false, false);
                state = self.broken(state, &error);
            } else if state.outbox.is_empty() {
                (state.waiting, state.writing) = (false, false);
                self.room.notify_all();
                state.recycle(bytes);
            }
            // Events of a failure, and closing, are seen to by settling.
            self.settle(state);
            state = self.lock();
        }
    }

    fn deliver(self: &Arc<Self>, event: Event) {
        let incoming = match event {
            Event::Item { reader, item, size } => {
                return self.to_inbox(reader, |inbox| inbox.push(item, size));
            }
            Event::WrongItem { reader } => {
                return self.to_inbox(reader, |inbox| inbox.end(Some(StreamError::WrongKind)));
            }
            Event::Ended { reader } => return self.to_inbox(reader, |inbox| inbox.end(None)),
            Event::ReaderFailed { reader } => {
                let failure = self.lock().session.failure().cloned();
                let failure = failure.unwrap_or_else(|| {
                    Failure::new(FailureKind::Closed, "the connection is closed")
                });
                return self.to_inbox(reader, |inbox| {
                    inbox.end(Some(StreamError::Failed(failure)))
                });
            }
            Event::Writable { .. } => return self.room.notify_all(),
            Event::Unwanted { stream } => {
                self.room.notify_all();
                let watcher = self
                    .watchers
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .remove(&stream);
                if let Some(act) = watcher {
                    act();
                }
                return;
            }
            Event::Call { id, call, input } => Incoming::Call {
                id,
                call,
                input: self.reader(input),
            },
            Event::Response {
                id,
                response,
                output,
            } => Incoming::Response {
                id,
                response,
                output: self.reader(output),
            },
            Event::CallClosed { id } => Incoming::CallClosed { id },
            Event::CallFailed { id } => Incoming::CallFailed { id },
            Event::EngineCall {
                context,
                id,
                call,
                input,
            } => Incoming::EngineCall {
                context,
                id,
                call,
                input: self.reader(input),
            },
            Event::EngineResponse {
                id,
                response,
                output,
            } => Incoming::EngineResponse {
                id,
                response,
                output: self.reader(output),
            },
            Event::EngineCallFailed { id } => Incoming::EngineCallFailed { id },
            Event::Signal(signal) => Incoming::Signal(signal),
            Event::Option(option) => Incoming::Option(option),
            Event::Goodbye => Incoming::Goodbye,
            Event::Failed(failure) => {
                if let Some(recorder) = &self.recorder {
                    recorder.closed(&self.name, &failure);
                }
                self.room.notify_all();
                self.stuck.notify_all();
                Incoming::Failed(failure)
            }
        };
        if let Some(handler) = self.handler.get() {
            handler.handle(incoming);
        }
    }

    fn to_inbox(&self, reader: ReaderId, act: impl FnOnce(&Inbox)) {
        let inbox = self
            .inboxes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&reader)
            .cloned();
        if let Some(inbox) = inbox {
            act(&inbox);
        }
    }

    fn reader(self: &Arc<Self>, reader: Option<ReaderId>) -> Option<InStream> {
        let reader = reader?;
        let inbox = Arc::<Inbox>::default();
        self.inboxes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(reader, inbox.clone());
        Some(InStream::new(self.clone(), reader, inbox))
    }

    fn read_loop(self: Arc<Self>, mut source: Box<dyn Source>, mut decoder: Decoder) {
        let mut buffer = vec![0; READ_BUFFER];
        let mut batch = Vec::new();
        let failure = loop {
            let decoded = loop {
                match decoder.next() {
                    Ok(Some(frame)) => batch.push(frame),
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error),
                }
            };
            if !batch.is_empty() {
                let mut state = self.lock();
                for frame in batch.drain(..) {
                    self.record(Direction::Received, &frame.message, state.session.dialect());
                    state.session.receive(frame.message, frame.size);
                }
                self.settle(state);
            }
            if let Err(error) = decoded {
                break error.into();
            }
            if self.lock().session.failure().is_some() {
                return;
            }
            match source.read(&mut buffer, None) {
                Ok(0) => {
                    break match decoder.finish() {
                        Ok(()) => Failure::new(FailureKind::Closed, "the connection was closed"),
                        Err(error) => error.into(),
                    };
                }
                Ok(count) => decoder.feed(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => return,
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                    break Failure::new(FailureKind::Closed, "the connection was reset");
                }
                Err(error) => {
                    break Failure::new(
                        FailureKind::Link,
                        format!("reading from it failed: {error}"),
                    );
                }
            }
        };
        let mut state = self.lock();
        state.session.fail(failure);
        self.settle(state);
        self.hangup.hang_up();
    }
}

impl<R> State<R> {
    /// Puts bytes that could not be written back before those that came since.
    fn give_back(&mut self, rest: &[u8]) {
        let mut outbox = rest.to_vec();
        outbox.append(&mut self.outbox);
        self.outbox = outbox;
    }

    /// Uses a written buffer again, unless it has become large.
    fn recycle(&mut self, mut buffer: Vec<u8>) {
        if self.outbox.capacity() == 0 && buffer.capacity() <= READ_BUFFER {
            buffer.clear();
            self.outbox = buffer;
        }
    }

    fn queued(&self) -> usize {
        self.outbox.len() + self.taken
    }
}
