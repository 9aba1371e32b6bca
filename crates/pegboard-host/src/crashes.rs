//! The crash budget: how often a plugin may crash before it has to stay down for a while.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::{Error, ErrorKind, Restarts};

/// The crashes of one plugin that still count.
#[derive(Debug, Default)]
pub(crate) struct Crashes {
    // bounded by: those that are allowed, and one for every pause that still counts
    counted: VecDeque<Crash>,
    /// What the last one was about.
    cause: String,
}

#[derive(Debug)]
struct Crash {
    at: Instant,
    /// How long the plugin has to stay down after it.
    pause: Duration,
}

impl Crashes {
    /// Counts a crash that happens now.
    pub(crate) fn add(&mut self, restarts: Restarts, cause: String) {
        self.forget(restarts);
        let before = u32::try_from(self.counted.len()).unwrap_or(u32::MAX);
        let pause = match before.checked_sub(restarts.allowed) {
            None => Duration::ZERO,
            Some(beyond) => restarts.pause.saturating_mul(1 << beyond.min(16)),
        };
        self.cause = cause;
        self.counted.push_back(Crash {
            at: Instant::now(),
            pause: pause.min(restarts.longest_pause),
        });
    }

    /// A crash counts for the whole window after the pause that it brought.
    fn forget(&mut self, restarts: Restarts) {
        let counts = |crash: &Crash| crash.at.elapsed() <= crash.pause + restarts.window;
        while self.counted.front().is_some_and(|crash| !counts(crash)) {
            self.counted.pop_front();
        }
    }

    /// How long the plugin still has to stay down, if it has to.
    pub(crate) fn pause_left(&self) -> Option<Duration> {
        let last = self.counted.back()?;
        let left = last.pause.saturating_sub(last.at.elapsed());
        (!left.is_zero()).then_some(left)
    }

    /// Refuses a start while the plugin has to stay down.
    pub(crate) fn check(&mut self, restarts: Restarts, plugin: &str) -> Result<(), Error> {
        let Some(left) = self.pause_left() else {
            return Ok(());
        };
        let Restarts {
            allowed, window, ..
        } = restarts;
        let message = format!(
            "it has crashed {} times, which is more than the {allowed} within {window:?} that are allowed, and is not \
             started again for {:.1} s; at last: {}",
            self.counted.len(),
            left.as_secs_f64(),
            self.cause
        );
        Err(Error::new(ErrorKind::Refused, message.into())
            .of(plugin)
            .help("see what it printed on standard error, or run it by hand"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALWAYS: Restarts = Restarts {
        allowed: 2,
        window: Duration::from_secs(600),
        pause: Duration::from_secs(100),
        longest_pause: Duration::from_secs(300),
    };

    #[test]
    fn what_is_allowed_brings_no_pause_and_every_further_crash_doubles_it() {
        let mut crashes = Crashes::default();
        let mut pauses = Vec::new();
        for _ in 0..5 {
            crashes.add(ALWAYS, "it fell over".to_owned());
            pauses.push(
                crashes
                    .counted
                    .back()
                    .map_or(0, |crash| crash.pause.as_secs()),
            );
        }
        assert_eq!(pauses, [0, 0, 100, 200, 300]);
        let error = crashes.check(ALWAYS, "x").unwrap_err().to_string();
        for part in [
            "plugin x",
            "crashed 5 times",
            "the 2 within 600s",
            "it fell over",
        ] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn none_allowed_means_a_pause_after_the_first() {
        let mut crashes = Crashes::default();
        let none = Restarts {
            allowed: 0,
            ..ALWAYS
        };
        assert!(crashes.check(none, "x").is_ok());
        crashes.add(none, String::new());
        assert!(crashes.check(none, "x").is_err());
    }

    #[test]
    fn crashes_are_forgotten() {
        let mut crashes = Crashes::default();
        let short = Restarts {
            window: Duration::ZERO,
            ..ALWAYS
        };
        for _ in 0..10 {
            crashes.add(short, String::new());
            // The clock of the system may be too coarse to tell the moments apart.
            let now = Instant::now();
            while Instant::now() == now {
                std::thread::yield_now();
            }
        }
        assert!(crashes.check(short, "x").is_ok());
    }
}
