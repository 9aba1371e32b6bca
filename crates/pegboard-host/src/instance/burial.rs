//! The end of an instance: asked first, forced then, its whole tree in any case.

use std::process::ExitStatus;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use pegboard_protocol::session::{Failure, FailureKind};

use super::Instance;
use crate::Deadlines;

/// How long the rest of standard error is waited for when the process is gone.
const LAST_WORDS: Duration = Duration::from_millis(100);

impl Instance {
    /// Asks the plugin to end, and sees to it that it does. Comes back when it has.
    pub(crate) fn stop(self: &Arc<Self>) {
        self.asked_to_end.store(true, Ordering::Release);
        if let Some(connection) = self.connection() {
            connection.session(|session| session.goodbye());
        }
        self.bury();
        self.await_end();
    }

    /// Sees to the end of the instance on a thread of its own, once.
    pub(super) fn bury(self: &Arc<Self>) {
        {
            let mut ending = self.ending.lock().unwrap_or_else(PoisonError::into_inner);
            if std::mem::replace(&mut ending.begun, true) {
                return;
            }
        }
        let instance = self.clone();
        let engine = self.engine.upgrade();
        let spawned = std::thread::Builder::new()
            .name("pegboard burial".into())
            .stack_size(256 << 10)
            .spawn(move || {
                instance.see_to_end();
                if let Some(engine) = engine {
                    engine.buried(&instance);
                }
            });
        if spawned.is_err() {
            // Without a thread there is no time to be patient.
            self.process.end_tree();
        }
    }

    fn see_to_end(self: &Arc<Self>) {
        let deadlines = self
            .engine
            .upgrade()
            .map_or_else(Deadlines::default, |engine| engine.config.deadlines);
        let ended = |patience: Duration| self.process.wait(Instant::now() + patience).is_some();
        let failure = self
            .connection()
            .and_then(|connection| connection.failure());
        let broken = failure
            .as_ref()
            .is_some_and(|failure| failure.kind != FailureKind::Closed);
        let patience = match &failure {
            // It was told goodbye and may finish its calls.
            None => deadlines.goodbye,
            // It closed its side, or broke the rules: nothing more is expected of it.
            Some(_) if broken => Duration::ZERO,
            Some(_) => deadlines.close,
        };
        if !ended(patience) {
            if let Some(connection) = self.connection() {
                connection.close_sink();
            }
            if !ended(if broken {
                Duration::ZERO
            } else {
                deadlines.close
            }) {
                self.process.terminate();
                ended(deadlines.terminate);
            }
        }
        let status = self.process.end_tree();
        if let Some(connection) = self.connection() {
            // Nobody can write any more, so the reader comes to the end of what the plugin said last.
            let deadline = Instant::now() + LAST_WORDS;
            while connection.failure().is_none() && Instant::now() < deadline {
                std::thread::park_timeout(Duration::from_millis(1));
            }
            connection.fail(Failure::new(FailureKind::Local, "its process has ended"));
        }
        let stderr = self
            .stderr
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(stderr) = stderr {
            stderr.finish(Instant::now() + LAST_WORDS);
        }
        let mut diagnosis = self.provisional_diagnosis();
        diagnosis.exit = status.map(describe).or(diagnosis.exit);
        self.ending
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .diagnosis = Some(diagnosis);
        self.ended.notify_all();
    }

    /// Waits for the end, which is bounded by the deadlines of its steps.
    fn await_end(&self) {
        let mut ending = self.ending.lock().unwrap_or_else(PoisonError::into_inner);
        while ending.diagnosis.is_none() {
            ending = self
                .ended
                .wait(ending)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// How a process ended, in words.
pub(crate) fn describe(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        let name = rustix::process::Signal::from_named_raw(signal)
            .map_or_else(String::new, |name| format!(" ({name:?})"));
        return format!("killed by signal {signal}{name}");
    }
    match status.code() {
        Some(code) => format!("exit code {code}"),
        None => "ended in an unknown way".to_owned(),
    }
}
