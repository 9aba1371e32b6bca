//! Plays over a link. The thread that decides never waits for a writer: one thread reads, one writes, and both end when
//! the link is hung up.

use std::hash::Hash;
use std::io::ErrorKind;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

use super::lines::{Lines, Speech};
use super::{Mismatch, PlaySettings, Played};
use crate::link::{Link, Sink, Source};

/// How many things that were heard wait to be looked at.
const BACKLOG: usize = 64;
/// How long the other side may take to close the link when it has taken its leave, or listens no more: that it does is no
/// part of the conversation.
pub(super) const GOODBYE: Duration = Duration::from_secs(2);

/// One side of a recorded conversation as a machine: what is heard goes in, what is to be said comes out.
pub(super) trait Plays {
    type Message: Speech;
    type Lane: Copy + Eq + Hash;
    type Heard: Send;

    fn lines(&self) -> &Lines<Self::Message, Self::Lane>;

    /// The next bytes that can be said.
    fn say(&mut self) -> Result<Option<Vec<u8>>, Box<Mismatch>>;

    /// Takes in what the other side says.
    fn hear(&mut self, heard: Self::Heard) -> Result<(), Box<Mismatch>>;

    /// Whether all has been said and heard.
    fn is_over(&self) -> bool;

    /// Whether the other side may be gone now, perhaps for a reason that it has told.
    fn may_close(&self, reason: Option<&str>) -> bool;

    /// How long to say nothing so that the other side can speak first. None when it has, or does not have to.
    fn prelude(&self) -> Option<Duration> {
        None
    }

    /// The other side did not speak first.
    fn end_prelude(&mut self) {}

    /// How long something may still come when all was said and heard. None if nothing does.
    fn epilogue(&self) -> Option<Duration> {
        None
    }
}

/// Takes bytes apart into what is heard.
pub(super) trait Ear: Send {
    type Heard: Send;

    fn feed(&mut self, bytes: &[u8]);

    /// The next that is whole. An error, in words, is the last.
    fn next(&mut self) -> Option<Result<Self::Heard, String>>;
}

enum Event<H> {
    Heard(H),
    /// The other side has closed, or what it sends makes no sense.
    Closed(Option<String>),
    /// What was to be written is written.
    Wrote(Result<(), String>),
}

pub(super) fn drive<S: Plays>(
    side: S,
    ear: impl Ear<Heard = S::Heard>,
    link: Link,
    settings: &PlaySettings,
) -> Played {
    let Link {
        source,
        sink,
        hangup,
    } = link;
    let (tell, events) = sync_channel(BACKLOG);
    let (write, to_write) = sync_channel(1);
    thread::scope(|scope| {
        let told = tell.clone();
        let reads = move || read(source, ear, &told);
        let writes = move || write_all(sink, &to_write, &tell);
        let threads = Builder::new()
            .spawn_scoped(scope, reads)
            .and_then(|_| Builder::new().spawn_scoped(scope, writes));
        let mut play = Play {
            side,
            patience: settings.patience,
            write,
            is_writing: false,
            seen: 0,
            since: Instant::now(),
        };
        let outcome = match threads {
            Ok(_) => play.run(&events),
            Err(error) => Err(play.missing(format!("no thread could be started: {error}"))),
        };
        let Play { side, write, .. } = play;
        // Both threads end: the link is gone, and nobody listens.
        drop((write, events));
        hangup.hang_up();
        Played {
            difference: outcome.err().map(|mismatch| *mismatch),
            ..side.lines().played.clone()
        }
    })
}

struct Play<S> {
    side: S,
    /// How long the other side may take, beyond the time that it took in the recording.
    patience: Duration,
    write: SyncSender<Vec<u8>>,
    is_writing: bool,
    /// How far the conversation had come, and since when it has not come further.
    seen: u64,
    since: Instant,
}

impl<S: Plays> Play<S> {
    fn run(&mut self, events: &Receiver<Event<S::Heard>>) -> Result<(), Box<Mismatch>> {
        loop {
            self.speak()?;
            let is_over = self.side.is_over() && !self.is_writing;
            let prelude = self.side.prelude();
            let wait = match (is_over, self.side.epilogue()) {
                (true, None) => return Ok(()),
                (true, Some(epilogue)) => prelude.unwrap_or(epilogue),
                (false, _) => prelude.unwrap_or_else(|| self.patience()),
            };
            match self.event(events, wait) {
                Ok(Event::Heard(heard)) => self.side.hear(heard)?,
                Ok(Event::Wrote(result)) => {
                    self.is_writing = false;
                    // Whoever has closed may have said why.
                    if let Err(error) = result {
                        return self.closed(events, &error);
                    }
                }
                Ok(Event::Closed(reason)) if self.side.may_close(reason.as_deref()) => {
                    return Ok(());
                }
                Ok(Event::Closed(reason)) => {
                    let reason = reason.unwrap_or_else(|| "it closed the connection".to_owned());
                    return Err(self.missing(reason));
                }
                Err(RecvTimeoutError::Timeout) if is_over => return Ok(()),
                Err(RecvTimeoutError::Timeout) if prelude.is_some() => {
                    self.side.end_prelude();
                    self.since = Instant::now();
                }
                Err(RecvTimeoutError::Timeout) => return Err(self.side.lines().late(wait)),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(self.missing("the connection broke"));
                }
            }
        }
    }

    /// What happens next. Messages that do not count do not put off the deadline, however many they are.
    fn event(
        &mut self,
        events: &Receiver<Event<S::Heard>>,
        wait: Duration,
    ) -> Result<Event<S::Heard>, RecvTimeoutError> {
        let progress = self.side.lines().progress;
        if progress != self.seen {
            self.seen = progress;
            self.since = Instant::now();
        }
        let left = (self.since + wait).saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(RecvTimeoutError::Timeout);
        }
        events.recv_timeout(left)
    }

    /// Hears what was said before the connection broke.
    fn closed(
        &mut self,
        events: &Receiver<Event<S::Heard>>,
        error: &str,
    ) -> Result<(), Box<Mismatch>> {
        let until = Instant::now() + GOODBYE;
        while let Ok(event) = events.recv_timeout(until.saturating_duration_since(Instant::now())) {
            match event {
                Event::Heard(heard) => self.side.hear(heard)?,
                Event::Closed(_) => break,
                Event::Wrote(_) => {}
            }
        }
        if self.side.may_close(None) {
            return Ok(());
        }
        Err(self.missing(format!("it does not listen any more: {error}")))
    }

    fn patience(&self) -> Duration {
        self.patience + self.side.lines().recorded_wait()
    }

    /// Says what can be said, one after the other: the next when the last is written.
    fn speak(&mut self) -> Result<(), Box<Mismatch>> {
        if !self.is_writing
            && let Some(bytes) = self.side.say()?
        {
            // There is room for one, and no other is under way. A writer that is gone has told why.
            self.is_writing = self.write.try_send(bytes).is_ok();
        }
        Ok(())
    }

    fn missing(&self, what: impl Into<String>) -> Box<Mismatch> {
        self.side.lines().missing(what)
    }
}

/// Writes, and tells of each when it is written, until nobody is told any more.
fn write_all<H>(
    mut sink: Box<dyn Sink>,
    to_write: &Receiver<Vec<u8>>,
    tell: &SyncSender<Event<H>>,
) {
    while let Ok(bytes) = to_write.recv() {
        let mut rest = bytes.as_slice();
        let mut result = Ok(());
        while !rest.is_empty() && result.is_ok() {
            match sink.write(rest, None) {
                Ok(count) => rest = &rest[count..],
                Err(error) => result = Err(error.to_string()),
            }
        }
        if tell.send(Event::Wrote(result)).is_err() {
            return;
        }
    }
}

fn read<E: Ear>(mut source: Box<dyn Source>, mut ear: E, tell: &SyncSender<Event<E::Heard>>) {
    let mut buffer = vec![0; 64 << 10];
    let closed = |reason| {
        // Whoever listened has all that he wanted.
        let _ = tell.send(Event::Closed(reason));
    };
    loop {
        while let Some(heard) = ear.next() {
            match heard {
                Ok(heard) => {
                    if tell.send(Event::Heard(heard)).is_err() {
                        return;
                    }
                }
                Err(error) => return closed(Some(error)),
            }
        }
        match source.read(&mut buffer, None) {
            Ok(0) => return closed(None),
            Ok(count) => ear.feed(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return closed(None),
            Err(error) => return closed(Some(error.to_string())),
        }
    }
}
