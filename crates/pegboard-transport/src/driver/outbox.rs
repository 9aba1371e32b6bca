//! What waits to be written, and who writes it: the same under every protocol.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pegboard_protocol::session::{Failure, FailureKind};

use super::{READ_BUFFER, hung_up};
use crate::link::Sink;

/// Producers wait while more than this many bytes are queued for the link.
const HIGH_WATER: usize = 1 << 20;
/// How long the reader has to find the end of what a peer said before it closed its input.
const DEAF_GRACE: Duration = Duration::from_secs(1);

/// What a link has not taken yet, and who writes it.
#[derive(Default)]
pub(crate) struct Outbox {
    // bounded by: HIGH_WATER for producers, the session's limits for the rest
    bytes: Vec<u8>,
    /// Bytes that a thread has taken out and not yet written.
    taken: usize,
    writer: Writer,
    has_thread: bool,
    closing: bool,
    shut: bool,
    deaf_until: Option<Instant>,
}

/// Who writes; others leave their bytes to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Writer {
    #[default]
    Nobody,
    /// Whoever had something to say, until the link takes no more.
    Somebody,
    /// The writer thread, which waits for the link.
    Thread,
}

/// What became of bytes that a link was to take without waiting.
pub(crate) enum Attempt {
    /// It took all of them.
    Written,
    /// It did not; what is left was put back.
    Full,
    /// It takes nothing any more.
    Broken(io::Error),
}

/// What it means that a link cannot be written.
pub(crate) enum Broken {
    /// The other side has closed its input. Its last words may still be readable, so only the reader ends the session.
    Deaf,
    /// The same was known before.
    StillDeaf,
    /// Nothing comes any more either.
    Over(Failure),
}

/// The end of a link that takes bytes, until it is closed.
pub(crate) struct Outlet(Mutex<Option<Box<dyn Sink>>>);

impl Outbox {
    /// Where to put what is to be written.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// How many bytes nobody has begun to write.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
    }

    /// How many bytes were not written.
    pub(crate) fn queued(&self) -> usize {
        self.bytes.len() + self.taken
    }

    /// True while producers have to wait for the link.
    pub(crate) fn is_full(&self) -> bool {
        self.queued() >= HIGH_WATER
    }

    /// Whether whoever comes is to write: there is something, and nobody does.
    pub(crate) fn is_due(&self) -> bool {
        self.writer == Writer::Nobody && !self.bytes.is_empty()
    }

    /// Whether some thread is writing.
    pub(crate) fn is_being_written(&self) -> bool {
        self.writer != Writer::Nobody
    }

    /// Whether the writing is the writer thread's.
    pub(crate) fn is_left_to_thread(&self) -> bool {
        self.writer == Writer::Thread
    }

    /// The link is to be closed for writing when everything is written.
    pub(crate) fn close(&mut self) {
        self.closing = true;
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing
    }

    /// The link is closed for writing; what is queued goes nowhere.
    pub(crate) fn is_shut(&self) -> bool {
        self.shut
    }

    /// By when the reader should have noticed that the other side, which has closed its input, has gone.
    pub(crate) fn deaf_until(&self) -> Option<Instant> {
        self.deaf_until
    }

    /// What to make of an error of writing.
    pub(crate) fn broken(&mut self, error: &io::Error) -> Broken {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
        match error.kind() {
            BrokenPipe | ConnectionReset if self.deaf_until.is_some() => Broken::StillDeaf,
            BrokenPipe | ConnectionReset => {
                self.deaf_until = Some(Instant::now() + DEAF_GRACE);
                Broken::Deaf
            }
            ConnectionAborted => Broken::Over(hung_up()),
            _ => {
                let message = format!("writing to it failed: {error}");
                Broken::Over(Failure::new(FailureKind::Link, message))
            }
        }
    }

    fn take(&mut self) -> Vec<u8> {
        let bytes = std::mem::take(&mut self.bytes);
        self.taken = bytes.len();
        bytes
    }

    /// Puts bytes that could not be written back before those that came since.
    fn give_back(&mut self, rest: &[u8]) {
        let mut bytes = rest.to_vec();
        bytes.append(&mut self.bytes);
        self.bytes = bytes;
    }

    /// Uses a written buffer again, unless it has become large.
    fn recycle(&mut self, mut buffer: Vec<u8>) {
        if self.bytes.capacity() == 0 && buffer.capacity() <= READ_BUFFER {
            buffer.clear();
            self.bytes = buffer;
        }
    }
}

impl Outlet {
    pub(crate) fn new(sink: Box<dyn Sink>) -> Outlet {
        Outlet(Mutex::new(Some(sink)))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Box<dyn Sink>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes all by `step`, which writes some. Says how much was written, whether or not it was all.
    fn write_by(
        &self,
        bytes: &[u8],
        step: impl Fn(&mut dyn Sink, &[u8]) -> io::Result<usize>,
    ) -> (usize, io::Result<()>) {
        let mut written = 0;
        let mut sink = self.lock();
        let Some(sink) = sink.as_mut() else {
            return (0, Err(io::ErrorKind::BrokenPipe.into()));
        };
        while written < bytes.len() {
            match step(sink.as_mut(), &bytes[written..]) {
                Ok(count) => written += count,
                Err(error) => return (written, Err(error)),
            }
        }
        (written, Ok(()))
    }
}

/// What is known of a connection by all that its threads share, as far as it writes.
pub(crate) trait Writes: Send + Sync + Sized + 'static {
    /// What is under its lock.
    type State;

    fn lock(&self) -> MutexGuard<'_, Self::State>;
    fn outlet(&self) -> &Outlet;
    /// Work for the writer thread.
    fn stuck(&self) -> &Condvar;
    fn outbox(state: &mut Self::State) -> &mut Outbox;
    fn has_failed(state: &Self::State) -> bool;

    /// Something was written: there is room.
    fn written(&self, state: &mut Self::State);
    /// Nothing can be written any more.
    fn broken(self: &Arc<Self>, state: &mut Self::State, error: &io::Error);
    /// No thread can be had, nobody writes.
    fn fail(&self, state: &mut Self::State, failure: Failure);
    fn settle<'a>(self: &'a Arc<Self>, state: MutexGuard<'a, Self::State>);
    /// What the writer thread does.
    fn write_loop(self: Arc<Self>);

    /// Writes once what is queued, as far as the link takes it without waiting. Nobody else may be writing.
    fn attempt<'a>(
        self: &'a Arc<Self>,
        mut state: MutexGuard<'a, Self::State>,
    ) -> (MutexGuard<'a, Self::State>, Attempt) {
        let outbox = Self::outbox(&mut state);
        outbox.writer = Writer::Somebody;
        let bytes = outbox.take();
        drop(state);
        let (written, result) = self
            .outlet()
            .write_by(&bytes, |sink, bytes| sink.try_write(bytes));
        let mut state = self.lock();
        let outbox = Self::outbox(&mut state);
        outbox.taken = 0;
        outbox.writer = Writer::Nobody;
        let attempt = match result {
            Ok(()) => {
                outbox.recycle(bytes);
                self.written(&mut state);
                Attempt::Written
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                outbox.give_back(&bytes[written..]);
                Attempt::Full
            }
            Err(error) => Attempt::Broken(error),
        };
        (state, attempt)
    }

    /// Has the writer thread write on, and others leave it to it.
    fn leave_to_thread(self: &Arc<Self>, state: &mut Self::State) {
        Self::outbox(state).writer = Writer::Thread;
        self.wake_thread(state);
    }

    /// Wakes the writer thread, which is started if there is none.
    fn wake_thread(self: &Arc<Self>, state: &mut Self::State) {
        if !std::mem::replace(&mut Self::outbox(state).has_thread, true) {
            let shared = self.clone();
            let started = spawn("pegboard writer", 256 << 10, move || shared.write_loop());
            if let Err(failure) = started {
                Self::outbox(state).writer = Writer::Nobody;
                self.fail(state, failure);
            }
        }
        self.stuck().notify_all();
    }

    /// Writes what is left to the writer thread, waiting for the link.
    fn write_on<'a>(self: &'a Arc<Self>, mut state: MutexGuard<'a, Self::State>) {
        let bytes = Self::outbox(&mut state).take();
        drop(state);
        let (_, result) = self
            .outlet()
            .write_by(&bytes, |sink, bytes| sink.write(bytes, None));
        state = self.lock();
        Self::outbox(&mut state).taken = 0;
        match result {
            Ok(()) => {
                Self::outbox(&mut state).recycle(bytes);
                self.written(&mut state);
            }
            Err(error) => {
                Self::outbox(&mut state).writer = Writer::Nobody;
                self.broken(&mut state, &error);
            }
        }
        if Self::has_failed(&state) || Self::outbox(&mut state).is_empty() {
            Self::outbox(&mut state).writer = Writer::Nobody;
        }
        // Events of a failure, and closing, are seen to by settling.
        self.settle(state);
    }

    /// Closes the link for writing. Nobody may be writing.
    fn close_outlet(&self, state: &mut Self::State) {
        Self::outbox(state).shut = true;
        drop(self.outlet().lock().take());
    }
}

/// Starts a thread that ends by itself.
pub(crate) fn spawn(
    name: &str,
    stack: usize,
    work: impl FnOnce() + Send + 'static,
) -> Result<(), Failure> {
    let builder = std::thread::Builder::new().name(name.into());
    match builder.stack_size(stack).spawn(work) {
        Ok(_) => Ok(()),
        Err(error) => {
            let message = format!("no thread could be started: {error}");
            Err(Failure::new(FailureKind::Local, message))
        }
    }
}
