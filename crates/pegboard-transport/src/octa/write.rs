//! Writing: what fits at once from any thread, the rest from the writer thread.

use std::io;
use std::sync::{Arc, Condvar, MutexGuard, PoisonError};

use pegboard_protocol::session::Failure;

use super::{Shared, Side, State};
use crate::driver::outbox::{Attempt, Broken, Outbox, Outlet, Writes};

impl<S: Side> Shared<S> {
    /// Writes what the link takes without waiting; the rest is left to the writer thread.
    pub(super) fn flush<'a>(
        self: &'a Arc<Self>,
        mut state: MutexGuard<'a, State<S>>,
    ) -> MutexGuard<'a, State<S>> {
        while state.outbox.is_due() {
            if state.outbox.is_shut() {
                state.outbox.clear();
                break;
            }
            let attempt;
            (state, attempt) = self.attempt(state);
            match attempt {
                Attempt::Written => {}
                // Nobody waits for the last words to a peer that does not listen.
                Attempt::Full if state.session.failure().is_some() => break,
                Attempt::Full => {
                    self.leave_to_thread(&mut state);
                    return state;
                }
                Attempt::Broken(error) => self.broken(&mut state, &error),
            }
        }
        self.finish(&mut state);
        state
    }

    /// Closes what is to be closed, if nobody writes.
    fn finish(&self, state: &mut State<S>) {
        let failed = state.session.failure().is_some();
        if state.outbox.is_being_written() {
            // The writer thread may wait for room that never comes.
            if failed && state.outbox.is_left_to_thread() {
                self.hangup.hang_up();
            }
            return;
        }
        let done = state.outbox.is_closing() || state.session.is_over();
        if !state.outbox.is_shut() && (failed || done && state.outbox.is_empty()) {
            self.shut(state);
            // The reader sees that there is nothing more to come.
            self.hangup.nudge();
        }
        if failed {
            self.hangup.hang_up();
        }
    }

    /// Closes the link for writing. Nobody may be writing.
    fn shut(&self, state: &mut State<S>) {
        state.outbox.clear();
        self.close_outlet(state);
        self.room.ring();
        self.stuck.notify_all();
    }
}

impl<S: Side> Writes for Shared<S> {
    type State = State<S>;

    fn lock(&self) -> MutexGuard<'_, State<S>> {
        Shared::lock(self)
    }

    fn outlet(&self) -> &Outlet {
        &self.outlet
    }

    fn stuck(&self) -> &Condvar {
        &self.stuck
    }

    fn outbox(state: &mut State<S>) -> &mut Outbox {
        &mut state.outbox
    }

    fn has_failed(state: &State<S>) -> bool {
        state.session.failure().is_some()
    }

    fn written(&self, _: &mut State<S>) {
        self.room.ring();
    }

    fn broken(self: &Arc<Self>, state: &mut State<S>, error: &io::Error) {
        self.shut(state);
        match state.outbox.broken(error) {
            // It is the reader who waits no longer than that.
            Broken::Deaf => self.hangup.nudge(),
            Broken::StillDeaf => {}
            Broken::Over(failure) => state.session.fail(failure),
        }
    }

    fn fail(&self, state: &mut State<S>, failure: Failure) {
        state.session.fail(failure);
        self.finish(state);
    }

    fn settle<'a>(self: &'a Arc<Self>, state: MutexGuard<'a, State<S>>) {
        Shared::settle(self, state);
    }

    fn write_loop(self: Arc<Self>) {
        let mut state = self.lock();
        loop {
            while !state.outbox.is_left_to_thread() {
                if state.outbox.is_shut() {
                    return;
                }
                let waited = self.stuck.wait(state);
                state = waited.unwrap_or_else(PoisonError::into_inner);
            }
            self.write_on(state);
            state = self.lock();
        }
    }
}
