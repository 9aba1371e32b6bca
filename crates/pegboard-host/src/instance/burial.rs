//! The end of an instance: asked first, forced then, its whole tree in any case.

use std::process::ExitStatus;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use pegboard_protocol::session::{Failure, FailureKind};

use serde_json::json;

use super::Instance;
use crate::Deadlines;

/// How long the rest of standard error is waited for when the process is gone, on a busy machine.
pub(crate) const LAST_WORDS: Duration = Duration::from_secs(1);
/// How long the reader may take to come to the end of what a process left in its pipe, on a busy machine.
const DRAIN: Duration = Duration::from_secs(2);

impl Instance {
    /// Asks the plugin to end, and sees to it that it does. Comes back when it has.
    pub(crate) fn stop(self: &Arc<Self>) {
        self.begin_stop();
        self.await_end();
    }

    /// Asks the plugin to end, and has it seen to that it does.
    pub(crate) fn begin_stop(self: &Arc<Self>) {
        self.asked_to_end.store(true, Ordering::Release);
        if let Some(talk) = self.talk() {
            talk.goodbye();
        }
        self.bury();
    }

    /// Sees to the end of the instance on a thread of its own, once. The engine's end waits for it.
    pub(crate) fn bury(self: &Arc<Self>) {
        {
            let mut ending = self.ending.lock().unwrap_or_else(PoisonError::into_inner);
            if std::mem::replace(&mut ending.begun, true) {
                return;
            }
        }
        let instance = self.clone();
        let busy = self.engine.upgrade().map(|engine| engine.busy());
        let spawned = std::thread::Builder::new()
            .name("pegboard burial".into())
            .stack_size(256 << 10)
            .spawn(move || {
                let patience = instance
                    .engine
                    .upgrade()
                    .map(|engine| engine.config.deadlines);
                let own_end = instance.see_to_process(&patience.unwrap_or_default());
                instance.close(own_end);
                drop(busy);
            });
        if spawned.is_err() {
            // Without a thread there is no time to be patient.
            self.process.end_tree();
            self.close(false);
        }
    }

    /// Has the process end, and all that it started. True if it ended without being forced.
    fn see_to_process(&self, deadlines: &Deadlines) -> bool {
        let ended = |patience: Duration| self.process.wait(Instant::now() + patience).is_some();
        let broken = self.is_broken();
        let (goodbye, close) = match self.failure.get() {
            // It was told goodbye and may finish its calls.
            None => (deadlines.goodbye, deadlines.close),
            // It broke the rules: nothing more is expected of it.
            Some(_) if broken => (Duration::ZERO, Duration::ZERO),
            // It closed its side.
            Some(_) => (Duration::ZERO, deadlines.close),
        };
        let mut own_end = ended(goodbye);
        if !own_end {
            if let Some(talk) = self.talk() {
                // Plugins that are cut off end their streams as if these were complete.
                let message = "it was asked to end, and had not done so in time";
                talk.break_off(Failure::new(FailureKind::Local, message));
            }
            own_end = ended(close);
        }
        if !own_end {
            self.process.terminate();
            ended(deadlines.terminate);
        }
        self.process.end_tree();
        own_end
    }

    /// True when it broke the rules, or the link to it broke.
    fn is_broken(&self) -> bool {
        self.failure
            .get()
            .is_some_and(|failure| failure.kind != FailureKind::Closed)
    }

    /// Closes the connection of a process that has ended, and tells how it did.
    fn close(&self, own_end: bool) {
        if let Some(talk) = self.talk() {
            // Nobody can write any more, so the reader comes to the end of what the plugin said last.
            let deadline = Instant::now() + DRAIN;
            while talk.failure().is_none() && Instant::now() < deadline {
                std::thread::park_timeout(Duration::from_millis(1));
            }
            talk.fail(Failure::new(FailureKind::Closed, "its process has ended"));
        }
        let stderr = self
            .stderr
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(stderr) = stderr {
            stderr.finish(Instant::now() + LAST_WORDS);
        }
        if let Some(engine) = self.engine.upgrade() {
            engine.process_ended(&self.process);
        }
        let mut diagnosis = self.provisional_diagnosis();
        // That we ended it, or hung up on it, says nothing about what went wrong.
        let hung_up = self.is_broken() && diagnosis.exit.as_deref() == Some("exit code 0");
        if !own_end || hung_up {
            diagnosis.exit = None;
        }
        let mut details = json!({ "unexpected": !self.was_asked_to_end() });
        if let Some(exit) = &diagnosis.exit {
            details["exit"] = exit.as_str().into();
        }
        if !own_end {
            details["forced"] = true.into();
        }
        self.note("ended", details);
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

/// How a process ended, in words; none if nobody was told.
pub(crate) fn describe(status: ExitStatus) -> Option<String> {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        let name = signal_name(signal).map_or_else(String::new, |name| format!(" ({name})"));
        return Some(format!("killed by signal {signal}{name}"));
    }
    status.code().map(|code| format!("exit code {code}"))
}

/// The name of a signal that may end a process.
#[cfg(unix)]
fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        libc::SIGHUP => "SIGHUP",
        libc::SIGINT => "SIGINT",
        libc::SIGQUIT => "SIGQUIT",
        libc::SIGILL => "SIGILL",
        libc::SIGTRAP => "SIGTRAP",
        libc::SIGABRT => "SIGABRT",
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGKILL => "SIGKILL",
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGPIPE => "SIGPIPE",
        libc::SIGALRM => "SIGALRM",
        libc::SIGTERM => "SIGTERM",
        libc::SIGXCPU => "SIGXCPU",
        libc::SIGXFSZ => "SIGXFSZ",
        libc::SIGSYS => "SIGSYS",
        _ => return None,
    })
}
