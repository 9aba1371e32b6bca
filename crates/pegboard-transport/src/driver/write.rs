//! Writing: what fits at once from any thread, the rest from the writer thread.

use std::io;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pegboard_protocol::session::{Failure, FailureKind, Role};

use super::{HIGH_WATER, READ_BUFFER, Shared, State};
use crate::link::Sink;

/// How long the reader has to find the end of what a peer said before it closed its input.
const DEAF_GRACE: Duration = Duration::from_secs(1);
/// How long an item may wait for others to be written together with it.
pub(super) const LAG: Duration = Duration::from_millis(1);
/// So many bytes are written without waiting for more.
pub(super) const ENOUGH: usize = 64 << 10;
/// How often a thread writes what others have queued meanwhile before it leaves the rest to the writer thread.
const ROUNDS: usize = 8;

impl<R: Role + Send + 'static> Shared<R> {
    /// Writes what the link takes without waiting; the rest is left to the writer thread.
    pub(super) fn flush<'a>(
        self: &'a Arc<Self>,
        mut state: MutexGuard<'a, State<R>>,
    ) -> MutexGuard<'a, State<R>> {
        let mut rounds = 0;
        state.lagging = false;
        while !state.writing && !state.outbox.is_empty() {
            if state.shut {
                state.discard();
                break;
            }
            if rounds == ROUNDS {
                self.leave_to_writer(&mut state);
                return state;
            }
            rounds += 1;
            state.flushed = Instant::now();
            state.writing = true;
            let bytes = state.take();
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
            state.writing = false;
            match result {
                Ok(()) => {
                    state.recycle(bytes);
                    self.written(&mut state);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    state.give_back(&bytes[written..]);
                    self.leave_to_writer(&mut state);
                    return state;
                }
                Err(error) => return self.broken(state, &error),
            }
        }
        let over = state.session.failure().is_some();
        if !state.writing && !state.shut && (over || state.closing && state.outbox.is_empty()) {
            state.discard();
            self.shut(&mut state);
        }
        state
    }

    /// There is room again: for producers, and for acknowledgements that were held back.
    fn written(&self, state: &mut State<R>) {
        if state.outbox.is_empty() {
            state.answers = 0;
        }
        self.room.ring();
        self.encode(state);
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

    /// Closes the link for writing. Nobody may be writing.
    fn shut(&self, state: &mut State<R>) {
        state.shut = true;
        drop(
            self.sink
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
    }

    /// The link cannot be written. The peer's last words may still be readable, so only the reader ends the session.
    fn broken<'a>(
        self: &'a Arc<Self>,
        mut state: MutexGuard<'a, State<R>>,
        error: &io::Error,
    ) -> MutexGuard<'a, State<R>> {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
        state.discard();
        self.shut(&mut state);
        match error.kind() {
            BrokenPipe | ConnectionReset => {
                if state.deaf_until.is_none() {
                    state.deaf_until = Some(Instant::now() + DEAF_GRACE);
                    self.wake_writer(&mut state);
                }
            }
            ConnectionAborted => self.end(&mut state, super::hung_up()),
            _ => {
                let message = format!("writing to it failed: {error}");
                self.end(&mut state, Failure::new(FailureKind::Link, message));
            }
        }
        self.room.ring();
        state
    }

    /// Ends session and link. Whoever holds the state is to settle it.
    pub(super) fn end(&self, state: &mut State<R>, failure: Failure) {
        state.session.fail(failure);
        self.hangup.hang_up();
    }

    /// Leaves what is queued for a moment, so that more can be written with it.
    pub(super) fn delay(self: &Arc<Self>, state: &mut State<R>) {
        state.lagging = true;
        if !state.ticking {
            state.ticking = true;
            self.wake_writer(state);
        }
    }

    fn leave_to_writer(self: &Arc<Self>, state: &mut State<R>) {
        state.writing = true;
        state.waiting = true;
        self.wake_writer(state);
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
                state.writing = false;
                let message = format!("no thread could be started: {error}");
                self.end(state, Failure::new(FailureKind::Local, message));
            }
        }
        self.stuck.notify_all();
    }

    fn write_loop(self: Arc<Self>) {
        let mut state = self.lock();
        loop {
            while !state.waiting {
                if state.session.failure().is_some() {
                    return self.settle(state);
                }
                if state.ticking {
                    let waited = self.stuck.wait_timeout(state, LAG);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                    state.ticking = state.lagging;
                    if state.lagging {
                        state = self.flush(state);
                    }
                    continue;
                }
                let Some(until) = state.deaf_until else {
                    state = self
                        .stuck
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner);
                    continue;
                };
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    let message = "it closed its input and went on running";
                    self.end(&mut state, Failure::new(FailureKind::Closed, message));
                    return self.settle(state);
                }
                let waited = self.stuck.wait_timeout(state, left);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
            let bytes = state.take();
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
            } else {
                state.recycle(bytes);
                self.written(&mut state);
                if state.outbox.is_empty() || state.session.failure().is_some() {
                    (state.waiting, state.writing) = (false, false);
                }
            }
            // Events of a failure, and closing, are seen to by settling.
            self.settle(state);
            state = self.lock();
        }
    }
}

impl<R: Role> State<R> {
    fn take(&mut self) -> Vec<u8> {
        let bytes = std::mem::take(&mut self.outbox);
        self.taken = bytes.len();
        bytes
    }

    fn discard(&mut self) {
        self.outbox.clear();
        self.answers = 0;
    }

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

    pub(super) fn queued(&self) -> usize {
        self.outbox.len() + self.taken
    }

    /// True while producers have to wait for the link.
    pub(super) fn is_full(&self) -> bool {
        self.queued() >= HIGH_WATER
    }
}
