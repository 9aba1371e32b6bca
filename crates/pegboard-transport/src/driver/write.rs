//! Writing: what fits at once from any thread, the rest from the writer thread.

use std::io;
use std::sync::{Arc, Condvar, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pegboard_protocol::session::{Failure, FailureKind, Role};

use super::outbox::{Attempt, Broken, Outbox, Outlet, Writes};
use super::{Shared, State};

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
        while state.outbox.is_due() {
            if state.outbox.is_shut() {
                state.discard();
                break;
            }
            if rounds == ROUNDS {
                self.leave_to_thread(&mut state);
                return state;
            }
            rounds += 1;
            state.flushed = Instant::now();
            let attempt;
            (state, attempt) = self.attempt(state);
            match attempt {
                Attempt::Written => {}
                Attempt::Full => {
                    self.leave_to_thread(&mut state);
                    return state;
                }
                Attempt::Broken(error) => {
                    self.broken(&mut state, &error);
                    return state;
                }
            }
        }
        let over = state.session.failure().is_some();
        let outbox = &state.outbox;
        let done = over || outbox.is_closing() && outbox.is_empty();
        if done && !outbox.is_being_written() && !outbox.is_shut() {
            state.discard();
            self.close_outlet(&mut state);
        }
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
            self.wake_thread(state);
        }
    }
}

impl<R: Role + Send + 'static> Writes for Shared<R> {
    type State = State<R>;

    fn lock(&self) -> MutexGuard<'_, State<R>> {
        Shared::lock(self)
    }

    fn outlet(&self) -> &Outlet {
        &self.outlet
    }

    fn stuck(&self) -> &Condvar {
        &self.stuck
    }

    fn outbox(state: &mut State<R>) -> &mut Outbox {
        &mut state.outbox
    }

    fn has_failed(state: &State<R>) -> bool {
        state.session.failure().is_some()
    }

    /// There is room for producers, and for acknowledgements that were held back.
    fn written(&self, state: &mut State<R>) {
        if state.outbox.is_empty() {
            state.answers = 0;
        }
        self.room.ring();
        self.encode(state);
    }

    fn broken(self: &Arc<Self>, state: &mut State<R>, error: &io::Error) {
        state.discard();
        self.close_outlet(state);
        match state.outbox.broken(error) {
            Broken::Deaf => self.wake_thread(state),
            Broken::StillDeaf => {}
            Broken::Over(failure) => self.end(state, failure),
        }
        self.room.ring();
    }

    fn fail(&self, state: &mut State<R>, failure: Failure) {
        self.end(state, failure);
    }

    fn settle<'a>(self: &'a Arc<Self>, state: MutexGuard<'a, State<R>>) {
        Shared::settle(self, state);
    }

    fn write_loop(self: Arc<Self>) {
        let mut state = self.lock();
        loop {
            while !state.outbox.is_left_to_thread() {
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
                let Some(until) = state.outbox.deaf_until() else {
                    let waited = self.stuck.wait(state);
                    state = waited.unwrap_or_else(PoisonError::into_inner);
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
            self.write_on(state);
            state = self.lock();
        }
    }
}

impl<R: Role> State<R> {
    fn discard(&mut self) {
        self.outbox.clear();
        self.answers = 0;
    }

    /// True while producers have to wait for the link.
    pub(super) fn is_full(&self) -> bool {
        self.outbox.is_full()
    }
}
