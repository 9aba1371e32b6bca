//! The thread that stops idle plugins and sends the notices of dropped custom values.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::custom::Dropped;
use crate::engine::EngineCore;

/// The longest sleep; nothing depends on it.
const LONGEST: Duration = Duration::from_secs(3600);

/// What the thread has to do.
#[derive(Default)]
pub(crate) struct Supervisor {
    work: Mutex<Work>,
    changed: Condvar,
}

#[derive(Default)]
struct Work {
    /// Notices to send.
    // bounded by: the custom values alive that want one
    dropped: VecDeque<Dropped>,
    /// Something may be due earlier than thought.
    look: bool,
    closing: bool,
    running: bool,
}

impl Supervisor {
    /// Queues the notice that a custom value is gone. Waits for nothing, so that any thread may drop values.
    pub(crate) fn dropped(&self, dropped: Dropped) {
        self.lock().dropped.push_back(dropped);
        self.changed.notify_all();
    }

    /// Has the thread look again when something is due.
    pub(crate) fn look(&self) {
        self.lock().look = true;
        self.changed.notify_all();
    }

    /// Ends the thread after the notices that are queued.
    pub(crate) fn close(&self) {
        self.lock().closing = true;
        self.changed.notify_all();
    }

    /// Starts the thread unless it runs.
    pub(crate) fn start(&self, engine: &Arc<EngineCore>) -> std::io::Result<()> {
        let mut work = self.lock();
        if !work.running {
            let engine = Arc::downgrade(engine);
            std::thread::Builder::new()
                .name("pegboard supervisor".into())
                .stack_size(256 << 10)
                .spawn(move || supervise(&engine))?;
            work.running = true;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets go of the engine while it sleeps no longer than it must: the engine's end wakes it.
fn supervise(engine: &Weak<EngineCore>) {
    let mut due = None;
    loop {
        let Some(engine) = engine.upgrade() else {
            return;
        };
        let mut work = engine.supervisor.lock();
        let deadline: Instant = due.unwrap_or_else(|| Instant::now() + LONGEST);
        while work.dropped.is_empty() && !work.look && !work.closing {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            work = engine
                .supervisor
                .changed
                .wait_timeout(work, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        let dropped = std::mem::take(&mut work.dropped);
        work.look = false;
        let closing = work.closing;
        drop(work);
        dropped.into_iter().for_each(Dropped::send);
        if closing {
            return;
        }
        due = engine.stop_idle();
    }
}
