//! The thread that sees processes end, stops idle plugins and sends the notices of dropped custom values.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::custom::Dropped;
use crate::engine::EngineCore;
use crate::runner::Alarm;
use crate::sockets::remove_stale_sockets;

/// The longest sleep; nothing depends on it.
const LONGEST: Duration = Duration::from_secs(3600);

/// How long it may take to clear away what killed engines have left, before anything else is seen to.
const SWEEP: Duration = Duration::from_millis(50);

/// What the thread has to do.
#[derive(Default)]
pub(crate) struct Supervisor {
    work: Mutex<Work>,
    /// Wakes the thread; made with it.
    alarm: OnceLock<Alarm>,
}

#[derive(Default)]
struct Work {
    /// Notices to send.
    // bounded by: the custom values alive that want one
    dropped: VecDeque<Dropped>,
    closing: bool,
    running: bool,
}

impl Supervisor {
    /// Queues the notice that a custom value is gone. Waits for nothing, so that any thread may drop values.
    pub(crate) fn dropped(&self, dropped: Dropped) {
        self.lock().dropped.push_back(dropped);
        self.wake();
    }

    /// Has the thread look again when something is due.
    pub(crate) fn look(&self) {
        self.wake();
    }

    fn wake(&self) {
        if let Some(alarm) = self.alarm.get() {
            alarm.ring();
        }
    }

    /// Ends the thread after the notices that are queued.
    pub(crate) fn close(&self) {
        self.lock().closing = true;
        self.wake();
    }

    /// Starts the thread unless it runs.
    pub(crate) fn start(&self, engine: &Arc<EngineCore>) -> std::io::Result<()> {
        let mut work = self.lock();
        if !work.running {
            if self.alarm.get().is_none() {
                let _ = self.alarm.set(Alarm::new()?);
            }
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

/// The engine's end wakes it.
fn supervise(engine: &Weak<EngineCore>) {
    if let Some(engine) = engine.upgrade() {
        remove_stale_sockets(&engine.config.runtime_directory, SWEEP);
    }
    let mut due = None;
    loop {
        let Some(engine) = engine.upgrade() else {
            return;
        };
        let Some(alarm) = engine.supervisor.alarm.get() else {
            return;
        };
        let deadline: Instant = due.unwrap_or_else(|| Instant::now() + LONGEST);
        // A ring that came before the sleep ends it at once.
        alarm.sleep(&engine.watched_processes(), &engine.guard, deadline);
        engine.guard.renew();
        let (dropped, closing) = {
            let mut work = engine.supervisor.lock();
            (std::mem::take(&mut work.dropped), work.closing)
        };
        dropped.into_iter().for_each(Dropped::send);
        if closing {
            return;
        }
        engine.see_to_ended();
        due = engine.stop_idle();
    }
}
