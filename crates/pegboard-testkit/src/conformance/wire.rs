//! A process of the plugin and the link to it: bytes in both directions, and what is remembered of them.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use pegboard_host::{RawEnd, RawProcess};
use pegboard_transport::{Hangup, Source};

use super::patience::Patience;
use super::play::{Played, silent};
use super::report::{Fault, Speaker};
use super::transcript::{Noticed, Transcript};
use super::writer::Writer;

/// How often it is looked whether a silent process has ended.
const LOOK: Duration = Duration::from_millis(100);

/// What reading gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrived {
    /// So many more bytes are unread.
    Bytes(usize),
    /// Nothing until the deadline.
    Nothing,
    /// There will be nothing more.
    End,
}

/// A process and its link. The process ends when this is dropped, with all that it started.
pub(super) struct Wire {
    pub(super) process: RawProcess,
    source: Box<dyn Source>,
    hangup: Hangup,
    writer: Option<Writer>,
    pub(super) patience: Patience,
    /// What was read; up to `taken` it was given out.
    read: Vec<u8>,
    taken: usize,
    closed: bool,
    pub(super) transcript: Transcript,
    noticed: Noticed,
}

impl Wire {
    /// Connects to a process; nothing is said yet.
    pub(super) fn connect(
        mut process: RawProcess,
        timeout: Duration,
        noticed: &Noticed,
        unlinked: fn(&io::Error, Duration) -> String,
    ) -> Result<Wire, Fault> {
        let connected = process.connect(Instant::now() + timeout).and_then(|link| {
            let writer = Writer::start(link.sink, timeout)?;
            Ok((link.source, link.hangup, writer))
        });
        match connected {
            Ok((source, hangup, writer)) => Ok(Wire {
                process,
                source,
                hangup,
                writer: Some(writer),
                patience: Patience::new(timeout),
                read: Vec::new(),
                taken: 0,
                closed: false,
                transcript: Transcript::default(),
                noticed: noticed.clone(),
            }),
            Err(error) => Err(Fault {
                what: unlinked(&error, timeout),
                exit: process.wait(Instant::now()).map(|end| end.words),
                stderr: process.last_words(),
                ..Fault::default()
            }),
        }
    }

    /// What is wrong, with the place in this conversation.
    pub(super) fn fault(&mut self, what: String) -> Fault {
        Fault {
            what,
            conversation: self.transcript.last(),
            exit: self.process.wait(Instant::now()).map(|end| end.words),
            stderr: self.process.last_words(),
        }
    }

    /// A rule is broken, whichever is played.
    pub(super) fn notice(&mut self, rule: &'static str, what: String) {
        self.noticed.add(rule, what, &self.transcript);
    }

    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.patience.silence()
    }

    /// True if the plugin will say nothing more.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// What was read and not taken.
    pub(super) fn unread(&self) -> &[u8] {
        &self.read[self.taken..]
    }

    /// Takes so many bytes of it.
    pub(super) fn take(&mut self, count: usize) -> Vec<u8> {
        let taken = self.unread()[..count].to_vec();
        self.taken += count;
        taken
    }

    /// Reads what there is, behind what is unread. That the process has ended is noticed even if something that it has
    /// started holds the link open.
    pub(super) fn read(&mut self, deadline: Instant) -> Arrived {
        self.read.drain(..std::mem::take(&mut self.taken));
        let mut buffer = [0; 16 << 10];
        loop {
            let over = self.process.wait(Instant::now()).is_some();
            let now = Instant::now();
            let look = deadline.min(now + if over { Duration::ZERO } else { LOOK });
            match self.source.read(&mut buffer, Some(look)) {
                Ok(count @ 1..) => {
                    self.read.extend_from_slice(&buffer[..count]);
                    return Arrived::Bytes(count);
                }
                Err(error) if error.kind() == ErrorKind::TimedOut && !over => {
                    if Instant::now() >= deadline {
                        return Arrived::Nothing;
                    }
                }
                Ok(0) | Err(_) => {
                    self.closed = true;
                    return Arrived::End;
                }
            }
        }
    }

    /// Waits for the process to end.
    pub(super) fn end(&self, deadline: Instant, within: Duration) -> Played<RawEnd> {
        match self.process.wait(deadline) {
            Some(end) => Ok(end),
            None => silent("end", within),
        }
    }

    /// Has bytes written, with a write of their own. False if nobody reads.
    pub(super) fn write(&mut self, bytes: Vec<u8>) -> bool {
        let writer = self.writer.as_ref();
        writer.is_some_and(|writer| writer.write(bytes))
    }

    /// Closes the plugin's input.
    pub(super) fn close_input(&mut self) {
        let what = "(closes the plugin's input)";
        self.transcript.text(Speaker::Engine, what);
        self.writer = None;
    }

    /// Ends the connection, as a host that dies does.
    pub(super) fn hang_up(&mut self) {
        let what = "(closes the connection)";
        self.transcript.text(Speaker::Engine, what);
        self.writer = None;
        self.hangup.hang_up();
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.hangup.hang_up();
    }
}
