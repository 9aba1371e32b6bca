//! Links: pairs of byte streams that can be waited for with a deadline and hung up from any thread.

mod blocking;
mod memory;
#[cfg(unix)]
mod own;
#[cfg(unix)]
mod unix;

#[cfg(unix)]
pub use own::{join_group, parent};
#[cfg(unix)]
pub use unix::LocalListener;
#[cfg(unix)]
pub(crate) use unix::timespec;

use std::io;
use std::sync::Arc;
use std::time::Instant;

/// Two byte streams between a host and a plugin, seen from one side.
pub struct Link {
    /// Where bytes come from.
    pub source: Box<dyn Source>,
    /// Where bytes go.
    pub sink: Box<dyn Sink>,
    /// Ends every wait on the link.
    pub hangup: Hangup,
}

/// Where bytes come from.
pub trait Source: Send {
    /// Waits until there are bytes and reads some. 0 means that the other side has closed.
    ///
    /// Fails with [`io::ErrorKind::TimedOut`] at the deadline, with [`io::ErrorKind::ConnectionAborted`] when the link was
    /// hung up, and with [`io::ErrorKind::Interrupted`] when something else is to be seen to first.
    fn read(&mut self, buffer: &mut [u8], deadline: Option<Instant>) -> io::Result<usize>;
}

/// Where bytes go.
pub trait Sink: Send {
    /// Writes what can be written without waiting. Fails with [`io::ErrorKind::WouldBlock`] if that is nothing.
    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Waits until something can be written, and writes it.
    ///
    /// Fails with [`io::ErrorKind::TimedOut`] at the deadline, and with [`io::ErrorKind::ConnectionAborted`] when the
    /// link was hung up.
    fn write(&mut self, bytes: &[u8], deadline: Option<Instant>) -> io::Result<usize>;
}

/// Ends waits on a link, from any thread.
#[derive(Clone)]
pub struct Hangup(Arc<Ends>);

struct Ends {
    hang_up: Box<dyn Fn() + Send + Sync>,
    nudge: Option<Box<dyn Fn() + Send + Sync>>,
}

impl Hangup {
    fn new(hang_up: impl Fn() + Send + Sync + 'static) -> Hangup {
        Hangup(Arc::new(Ends {
            hang_up: Box::new(hang_up),
            nudge: None,
        }))
    }

    fn with_nudge(
        hang_up: impl Fn() + Send + Sync + 'static,
        nudge: impl Fn() + Send + Sync + 'static,
    ) -> Hangup {
        Hangup(Arc::new(Ends {
            hang_up: Box::new(hang_up),
            nudge: Some(Box::new(nudge)),
        }))
    }

    /// Ends every wait, now and later. What was written may be lost. Hanging up twice does nothing more.
    pub fn hang_up(&self) {
        (self.0.hang_up)();
    }

    /// Ends the read that waits, or the next one, with [`io::ErrorKind::Interrupted`].
    pub(crate) fn nudge(&self) {
        if let Some(nudge) = &self.0.nudge {
            nudge();
        }
    }

    /// True if reads keep their deadlines and can be ended one by one.
    pub(crate) fn can_nudge(&self) -> bool {
        self.0.nudge.is_some()
    }
}

impl std::fmt::Debug for Hangup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hangup")
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Link")
    }
}

fn aborted() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the link was hung up")
}

pub(crate) fn timed_out() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the deadline has passed")
}
