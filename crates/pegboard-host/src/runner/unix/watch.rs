//! Waiting for the end of any of several processes, with an alarm that ends the wait.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};

use super::{Guard, Process, timespec};

/// How long a sleep may be where the end of a process wakes nobody, which is so before Linux 5.3.
const BLIND: Duration = Duration::from_millis(250);

/// Wakes the thread that sleeps.
#[derive(Debug)]
pub(crate) struct Alarm(OwnedFd);

impl Alarm {
    pub(crate) fn new() -> io::Result<Alarm> {
        Ok(Alarm(eventfd(
            0,
            EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK,
        )?))
    }

    /// Ends the sleep, or the next one.
    pub(crate) fn ring(&self) {
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    /// Sleeps until the deadline, the alarm, or the end of one of the processes or of the guard.
    pub(crate) fn sleep(&self, processes: &[Arc<Process>], guard: &Guard, deadline: Instant) {
        let guard = guard.end();
        let known: Vec<_> = processes
            .iter()
            .filter_map(|process| process.pidfd.as_ref())
            .collect();
        let mut longest = deadline.saturating_duration_since(Instant::now());
        if known.len() < processes.len() {
            longest = longest.min(BLIND);
        }
        let mut fds = vec![PollFd::new(&self.0, PollFlags::IN)];
        fds.extend(
            known
                .iter()
                .map(|pidfd| PollFd::from_borrowed_fd(pidfd.as_fd(), PollFlags::IN)),
        );
        fds.extend(
            guard
                .iter()
                .map(|end| PollFd::from_borrowed_fd(end.as_fd(), PollFlags::IN)),
        );
        // The caller looks at everything again in any case.
        let _ = poll(&mut fds, Some(&timespec(longest)));
        let _ = rustix::io::read(&self.0, &mut [0; 8]);
    }
}
