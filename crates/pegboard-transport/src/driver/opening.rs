//! The first messages on a link, each by its deadline: the same under every protocol.

use std::io;
use std::time::{Duration, Instant};

use crate::link::Link;
use crate::trace::{Recorder, Tape};

/// How many of the first bytes are kept for an error.
const EXCERPT: usize = 256;

/// A link whose first messages are under way.
pub(crate) struct Opening {
    pub(crate) link: Link,
    /// What is being waited for.
    pub(crate) awaited: &'static str,
    /// Since when.
    pub(crate) began: Instant,
    /// The first bytes that came.
    // bounded by: EXCERPT
    pub(crate) received: Vec<u8>,
    pub(crate) trace: Option<Tape>,
}

/// Why it goes on no more.
#[derive(Debug)]
pub(crate) enum Stall {
    /// Nothing came, or was taken, in this time.
    TimedOut(Duration),
    /// The link has ended.
    Closed,
    /// An error of the link.
    Link(io::Error),
}

impl Opening {
    pub(crate) fn new(
        link: Link,
        awaited: &'static str,
        recorder: Option<&Recorder>,
        name: &str,
    ) -> Opening {
        Opening {
            link,
            awaited,
            began: Instant::now(),
            received: Vec::new(),
            trace: recorder.map(|recorder| recorder.tape(name)),
        }
    }

    /// Something else is waited for from now on.
    pub(crate) fn await_next(&mut self, what: &'static str) {
        self.awaited = what;
        self.began = Instant::now();
    }

    /// Waits for bytes, and reads some; comes back without any at `wake`.
    pub(crate) fn read(
        &mut self,
        buffer: &mut [u8],
        timeout: Duration,
        wake: Option<Instant>,
    ) -> Result<usize, Stall> {
        let end = self.began + timeout;
        let until = wake.map_or(end, |wake| wake.min(end));
        match self.link.source.read(buffer, Some(until)) {
            Ok(0) => Err(Stall::Closed),
            Ok(count) => {
                let room = EXCERPT.saturating_sub(self.received.len()).min(count);
                self.received.extend_from_slice(&buffer[..room]);
                Ok(count)
            }
            Err(error) => match error.kind() {
                io::ErrorKind::TimedOut if until < end => Ok(0),
                io::ErrorKind::TimedOut => Err(Stall::TimedOut(timeout)),
                io::ErrorKind::ConnectionReset => Err(Stall::Closed),
                _ => Err(Stall::Link(error)),
            },
        }
    }

    /// Writes all of it. A link that takes nothing any more is no error: what the other side said last may explain it.
    pub(crate) fn write(&mut self, mut bytes: &[u8], timeout: Duration) -> Result<(), Stall> {
        let end = self.began + timeout;
        while !bytes.is_empty() {
            match self.link.sink.write(bytes, Some(end)) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) => match error.kind() {
                    io::ErrorKind::BrokenPipe => return Ok(()),
                    io::ErrorKind::TimedOut => return Err(Stall::TimedOut(timeout)),
                    _ => return Err(Stall::Link(error)),
                },
            }
        }
        Ok(())
    }
}

/// That nothing came in this time, in words.
pub(crate) fn late(awaited: &str, time: Duration) -> String {
    format!("it did not send its {awaited} within {time:?}")
}

/// That the link has ended, in words.
pub(crate) fn closed(awaited: &str) -> String {
    format!("it closed the connection before it sent its {awaited}")
}

/// What the link says of itself, in words.
pub(crate) fn broken(awaited: &str, error: &io::Error) -> String {
    format!("the link broke while waiting for its {awaited}: {error}")
}
