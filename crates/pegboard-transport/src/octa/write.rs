//! Writing: what fits at once from any thread, the rest from the writer thread.

use std::io;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pegboard_protocol::session::{Failure, FailureKind};

use super::{READ_BUFFER, Shared, Side, State};
use crate::link::Sink;

/// How long the reader has to find the end of what a peer said before it closed its input.
const DEAF_GRACE: Duration = Duration::from_secs(1);

impl<S: Side> Shared<S> {
    /// Writes what the link takes without waiting; the rest is left to the writer thread.
    pub(super) fn flush<'a>(
        self: &'a Arc<Self>,
        mut state: MutexGuard<'a, State<S>>,
    ) -> MutexGuard<'a, State<S>> {
        while !state.writing && !state.outbox.is_empty() {
            if state.shut {
                state.outbox.clear();
                break;
            }
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
                    self.room.ring();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // Nobody waits for the last words to a peer that does not listen.
                    if state.session.failure().is_some() {
                        break;
                    }
                    state.give_back(&bytes[written..]);
                    (state.writing, state.waiting) = (true, true);
                    self.wake_writer(&mut state);
                    return state;
                }
                Err(error) => self.broken(&mut state, &error),
            }
        }
        self.finish(&mut state);
        state
    }

    /// Closes what is to be closed, if nobody writes.
    fn finish(&self, state: &mut State<S>) {
        let failed = state.session.failure().is_some();
        if state.writing {
            // The writer thread may wait for room that never comes.
            if failed && state.waiting {
                self.hangup.hang_up();
            }
            return;
        }
        let done = state.closing || state.session.is_over();
        if !state.shut && (failed || done && state.outbox.is_empty()) {
            self.shut(state);
            // The reader sees that there is nothing more to come.
            self.hangup.nudge();
        }
        if failed {
            self.hangup.hang_up();
        }
    }

    fn with_sink<T>(&self, act: impl FnOnce(&mut dyn Sink) -> io::Result<T>) -> io::Result<T> {
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        match sink.as_mut() {
            Some(sink) => act(sink.as_mut()),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Closes the link for writing. Nobody may be writing.
    fn shut(&self, state: &mut State<S>) {
        state.shut = true;
        state.outbox.clear();
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        drop(sink.take());
        drop(sink);
        self.room.ring();
        self.stuck.notify_all();
    }

    /// The link cannot be written. The peer's last words may still be readable, so only the reader ends the session.
    fn broken(&self, state: &mut State<S>, error: &io::Error) {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
        self.shut(state);
        match error.kind() {
            BrokenPipe | ConnectionReset => {
                if state.deaf_until.is_none() {
                    state.deaf_until = Some(Instant::now() + DEAF_GRACE);
                    self.hangup.nudge();
                }
            }
            ConnectionAborted => {
                let failure = Failure::new(FailureKind::Local, "the link was hung up");
                state.session.fail(failure);
            }
            _ => {
                let message = format!("writing to it failed: {error}");
                state.session.fail(Failure::new(FailureKind::Link, message));
            }
        }
    }

    fn wake_writer(self: &Arc<Self>, state: &mut State<S>) {
        if !std::mem::replace(&mut state.has_writer_thread, true) {
            let shared = self.clone();
            let spawned = std::thread::Builder::new()
                .name("pegboard writer".into())
                .stack_size(256 << 10)
                .spawn(move || shared.write_loop());
            if let Err(error) = spawned {
                (state.writing, state.waiting) = (false, false);
                let message = format!("no thread could be started: {error}");
                state
                    .session
                    .fail(Failure::new(FailureKind::Local, message));
                self.finish(state);
            }
        }
        self.stuck.notify_all();
    }

    fn write_loop(self: Arc<Self>) {
        let mut state = self.lock();
        loop {
            while !state.waiting {
                if state.shut {
                    return;
                }
                let waited = self.stuck.wait(state);
                state = waited.unwrap_or_else(PoisonError::into_inner);
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
            match result {
                Ok(()) => {
                    state.recycle(bytes);
                    self.room.ring();
                }
                Err(error) => {
                    (state.writing, state.waiting) = (false, false);
                    self.broken(&mut state, &error);
                }
            }
            if state.outbox.is_empty() || state.session.failure().is_some() {
                (state.writing, state.waiting) = (false, false);
            }
            // Events of a failure, and closing, are seen to by settling.
            self.settle(state);
            state = self.lock();
        }
    }
}

impl<S> State<S> {
    fn take(&mut self) -> Vec<u8> {
        let bytes = std::mem::take(&mut self.outbox);
        self.taken = bytes.len();
        bytes
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
}
