//! The driver for Octa: whoever queues a message writes what fits at once, one thread reads, and only the writer thread
//! waits for room.
//!
//! Events reach the [`Handler`] in the order in which the session gave them, from whichever thread caused them; a handler
//! must not wait. What an execution writes to its standard output is a stream of its own ([`Connection::execute`]).
//!
//! Octa's own plugins wait for nobody. So the reader stops when much has come that was not taken, unless somebody waits
//! for something: a consumer that stops reading stops its plugin, but never while a neighbour is in need of the link.

mod output;
mod read;
mod side;
#[cfg(unix)]
mod socket;
mod start;
mod write;

pub use side::{Handler, Side};
#[cfg(unix)]
pub use socket::{Listener, connect};
pub use start::{HostSettings, PluginSettings, StartError, StartFailure};

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use pegboard_protocol::octa::{
    Execute, ExecutionId, Host, Plugin, Refusal, SendError, Stream, encode,
};
use pegboard_protocol::session::{Failure, FailureKind};

use crate::driver::outbox::{Outbox, Outlet};
use crate::driver::{Bell, InStream};
use crate::link::Hangup;
use crate::trace::{Direction, Tape};
use output::Outputs;

const READ_BUFFER: usize = 64 << 10;

/// One side of a conversation with an Octa peer, over a link. Copies stand for the same connection.
pub struct Connection<S: Side> {
    shared: Arc<Shared<S>>,
}

struct Shared<S: Side> {
    state: Mutex<State<S>>,
    /// Something may have changed for those who wait to send, and for the reader who waits for an appetite.
    room: Bell,
    /// The link did not take everything: work for the writer thread.
    stuck: Condvar,
    outlet: Outlet,
    /// A host's; taken after the state where both are needed.
    outputs: Mutex<Outputs>,
    handler: OnceLock<Arc<dyn Handler<S::Event>>>,
    hangup: Hangup,
    trace: Option<Tape>,
    name: String,
}

struct State<S> {
    session: S,
    outbox: Outbox,
    dispatching: bool,
}

impl<S: Side> Clone for Connection<S> {
    fn clone(&self) -> Self {
        Connection {
            shared: self.shared.clone(),
        }
    }
}

impl<S: Side> std::fmt::Debug for Connection<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "octa::Connection({})", self.shared.name)
    }
}

impl<S: Side> Connection<S> {
    /// Changes or asks the session, then sends and tells what came of it.
    pub fn session<T>(&self, act: impl FnOnce(&mut S) -> T) -> T {
        let mut state = self.shared.lock();
        let result = act(&mut state.session);
        self.shared.settle(state);
        self.shared.room.ring();
        result
    }

    /// Asks the session something. Nothing is sent or told, so this may be called with locks held.
    pub fn ask<T>(&self, question: impl FnOnce(&S) -> T) -> T {
        question(&self.shared.lock().session)
    }

    /// Waits until everything that is queued was written, or can no longer be. False at the deadline.
    pub fn wait_until_written(&self, deadline: Instant) -> bool {
        let look = || {
            let state = self.shared.lock();
            (state.outbox.queued() == 0 || state.outbox.is_shut()).then_some(())
        };
        self.shared.room.wait(Some(deadline), look).is_some()
    }

    /// Ends the session for the given reason, and the link once the last words were written.
    pub fn fail(&self, failure: Failure) {
        self.session(|session| session.fail(failure));
    }

    /// Closes the link for writing once everything that is queued was written.
    pub fn close_sink(&self) {
        let mut state = self.shared.lock();
        state.outbox.close();
        self.shared.settle(state);
    }

    /// Why the session failed, if it did.
    pub fn failure(&self) -> Option<Failure> {
        self.shared.lock().session.failure().cloned()
    }

    /// Whether nothing more will be said: it failed, or the plugin has shut down.
    pub fn is_over(&self) -> bool {
        self.shared.lock().session.is_over()
    }

    /// Sends bytes by `send`, which takes as many as there is credit for, and waits for the rest.
    fn send_all(
        &self,
        mut bytes: &[u8],
        deadline: Option<Instant>,
        mut send: impl FnMut(&mut S, &[u8]) -> Result<usize, SendError>,
    ) -> Result<(), SendError> {
        let shared = &self.shared;
        let sent = shared.room.wait(deadline, || {
            loop {
                let mut state = shared.lock();
                if state.outbox.is_full() && !state.session.is_over() {
                    return None;
                }
                match send(&mut state.session, bytes) {
                    Ok(count) => {
                        bytes = &bytes[count..];
                        shared.settle(state);
                        if bytes.is_empty() {
                            return Some(Ok(()));
                        }
                    }
                    Err(SendError::Full) => return None,
                    Err(SendError::Closed) => return Some(Err(SendError::Closed)),
                }
            }
        });
        sent.unwrap_or(Err(SendError::Full))
    }
}

impl Connection<Host> {
    /// Starts an execution. `begin` gets its number and what it writes to its standard output, before anything is told
    /// of it; it must not wait.
    ///
    /// The output is items of raw bytes, as they come; what a plugin says that knows only lines has the end of a line. It
    /// ends after the handler was told how the execution ended. What goes to standard error is told to the handler, all
    /// that has come together at once, who says that it is [`consumed`](Connection::consumed).
    pub fn execute<T>(
        &self,
        execute: Execute,
        begin: impl FnOnce(ExecutionId, InStream) -> T,
    ) -> Result<T, Refusal> {
        let mut state = self.shared.lock();
        let id = state.session.execute(execute)?;
        let begun = begin(id, self.shared.open_output(id));
        self.shared.settle(state);
        // A reader that had no appetite has one now.
        self.shared.room.ring();
        Ok(begun)
    }

    /// Says that output was taken which the handler was told of, or thrown away.
    pub fn consumed(&self, id: ExecutionId, bytes: usize) {
        self.shared.consumed(id, bytes);
    }

    /// Sends input to an execution that was started with it, waiting for credit and for room on the link.
    ///
    /// Fails with [`SendError::Closed`] when nobody takes it any more, and with [`SendError::Full`] at the deadline.
    pub fn input(
        &self,
        id: ExecutionId,
        bytes: &[u8],
        deadline: Option<Instant>,
    ) -> Result<(), SendError> {
        self.send_all(bytes, deadline, |session, bytes| session.input(id, bytes))
    }
}

impl Connection<Plugin> {
    /// Sends what an execution writes, waiting for credit and for room on the link.
    ///
    /// Fails with [`SendError::Closed`] when the execution has ended or the host is gone.
    pub fn output(&self, id: ExecutionId, stream: Stream, bytes: &[u8]) -> Result<(), SendError> {
        self.send_all(bytes, None, |session, bytes| {
            session.output(id, stream, bytes)
        })
    }

    /// The same for [what is sent in one message](Plugin::whole) where it would be sent as lines.
    pub fn whole(&self, id: ExecutionId, stream: Stream, bytes: &[u8]) -> Result<(), SendError> {
        self.send_all(bytes, None, |session, bytes| {
            session.whole(id, stream, bytes)
        })
    }
}

impl<S: Side> Shared<S> {
    fn lock(&self) -> MutexGuard<'_, State<S>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Encodes and writes what the session wants to say, and tells what happened, until there is nothing left to do.
    fn settle<'a>(self: &'a Arc<Self>, mut state: MutexGuard<'a, State<S>>) {
        loop {
            self.encode(&mut state);
            // What was said is sent first, so that nobody waits for the handler.
            state = self.flush(state);
            if state.dispatching {
                return;
            }
            let mut events: VecDeque<_> =
                std::iter::from_fn(|| state.session.poll_event()).collect();
            if events.is_empty() {
                return;
            }
            state.dispatching = true;
            drop(state);
            let mut panicked = false;
            while !events.is_empty() {
                // Whoever panics loses one event, not what is to be told to others.
                let told = catch_unwind(AssertUnwindSafe(|| S::tell(self, &mut events)));
                panicked |= told.is_err();
            }
            state = self.lock();
            state.dispatching = false;
            if panicked {
                let message = "whoever was told what happened panicked";
                state
                    .session
                    .fail(Failure::new(FailureKind::Local, message));
            }
        }
    }

    fn encode(&self, state: &mut State<S>) {
        while let Some(message) = state.session.poll_message() {
            let form = state.session.form();
            encode(&message, form, state.outbox.buffer());
            if let Some(trace) = &self.trace {
                trace.octa(Direction::Sent, S::SENDER, S::shown(&message), form);
            }
        }
    }

    fn to_handler(&self, event: S::Event) {
        if let Some(handler) = self.handler.get() {
            handler.handle(event);
        }
    }

    fn note_failure(&self, failure: &Failure) {
        if let Some(trace) = &self.trace {
            trace.closed(failure);
        }
    }
}
