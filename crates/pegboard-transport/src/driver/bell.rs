//! What a thread waits at: rung when there may be something new for it to see.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::link::Hangup;

/// Wakes whoever waits at it. Copies are the same bell.
///
/// To wait without missing anything: note what was [heard](Bell::heard), look, and only then sleep. A bell that rings for
/// nobody costs no system call.
#[derive(Clone, Default)]
pub struct Bell(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<Rings>,
    changed: Condvar,
}

#[derive(Default)]
struct Rings {
    count: u64,
    sleepers: usize,
    /// Ends the read of a thread that reads the link while it waits for this bell.
    reader: Option<Hangup>,
}

/// What a bell had rung by some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard(u64);

impl Bell {
    /// Wakes everybody who waits.
    pub fn ring(&self) {
        let mut state = self.lock();
        state.count += 1;
        let reader = state.reader.take();
        let wake = state.sleepers > 0;
        drop(state);
        if wake {
            self.0.changed.notify_all();
        }
        if let Some(reader) = reader {
            reader.nudge();
        }
    }

    /// What it has rung so far, to be noted before looking.
    pub fn heard(&self) -> Heard {
        Heard(self.lock().count)
    }

    /// Waits until it has rung since `heard`, or the deadline.
    pub fn sleep(&self, heard: Heard, deadline: Option<Instant>) {
        let mut state = self.lock();
        state.sleepers += 1;
        while state.count == heard.0 {
            state = match deadline {
                None => {
                    let waited = self.0.changed.wait(state);
                    waited.unwrap_or_else(PoisonError::into_inner)
                }
                Some(at) => {
                    let left = at.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break;
                    }
                    let waited = self.0.changed.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        state.sleepers -= 1;
    }

    /// Waits until `look` gives something, looking again at every ring. None at the deadline.
    pub fn wait<T>(
        &self,
        deadline: Option<Instant>,
        mut look: impl FnMut() -> Option<T>,
    ) -> Option<T> {
        loop {
            let heard = self.heard();
            if let Some(found) = look() {
                return Some(found);
            }
            if deadline.is_some_and(|at| at <= Instant::now()) {
                return None;
            }
            self.sleep(heard, deadline);
        }
    }

    pub(super) fn has_rung_since(&self, heard: Heard) -> bool {
        self.lock().count != heard.0
    }

    /// From now on a ring ends a read. False if it has rung since `heard`.
    pub(super) fn attend(&self, heard: Heard, reader: &Hangup) -> bool {
        let mut state = self.lock();
        let quiet = state.count == heard.0;
        if quiet {
            state.reader = Some(reader.clone());
        }
        quiet
    }

    /// The read is over.
    pub(super) fn turn_away(&self) {
        self.lock().reader = None;
    }

    fn lock(&self) -> MutexGuard<'_, Rings> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Bell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bell")
    }
}
