//! Plays over a link. The thread that decides never waits for a writer: one thread reads, one writes, and both end when
//! the link is hung up.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

use pegboard_protocol::codec::{self, Decoder, Encoding, Limits, Sender};
use pegboard_protocol::nu::{Dialect, Message};

use super::script::Script;
use super::stage::Stage;
use super::{Mismatch, PlaySettings, Played, Spoken};
use crate::link::{Link, Sink, Source};

/// How many messages wait to be looked at.
pub(super) const BACKLOG: usize = 64;
/// How long a plugin may take to close the link after Goodbye; that it does is no part of the conversation.
pub(super) const GOODBYE: Duration = Duration::from_secs(2);

enum Event {
    /// The encoding that the plugin announces.
    Encoding(Encoding),
    Heard(Message),
    /// The other side has closed, or what it sends makes no sense.
    Closed(Option<String>),
    /// What was to be written is written.
    Wrote(Result<(), String>),
}

pub(super) fn drive(script: Script, ours: Sender, link: Link, settings: &PlaySettings) -> Played {
    let Link {
        source,
        sink,
        hangup,
    } = link;
    let adapts = ours == Sender::Plugin || settings.any_version;
    let (tell, events) = sync_channel(BACKLOG);
    let (write, to_write) = sync_channel(1);
    thread::scope(|scope| {
        let told = tell.clone();
        let reads = move || read(source, ours, &told);
        let writes = move || {
            write_all(sink, &to_write, |result| {
                tell.send(Event::Wrote(result)).is_ok()
            })
        };
        let threads = Builder::new()
            .spawn_scoped(scope, reads)
            .and_then(|_| Builder::new().spawn_scoped(scope, writes));
        let mut play = Play {
            stage: Stage::new(script, ours, settings),
            ours,
            settings,
            encoding: None,
            dialect: Dialect::NEWEST,
            write,
            is_writing: false,
            may_speak: settings.version_wait.is_none() || !adapts,
            seen: 0,
            since: Instant::now(),
        };
        let outcome = match threads {
            Ok(_) => play.run(&events),
            Err(error) => Err(play
                .stage
                .missing(format!("no thread could be started: {error}"))),
        };
        let difference = outcome.err().map(|mismatch| *mismatch);
        let Play { stage, write, .. } = play;
        // Both threads end: the link is gone, and nobody listens.
        drop((write, events));
        hangup.hang_up();
        Played {
            difference,
            heard: stage.heard,
            said: stage.said,
            filled: stage.filled,
            hidden: stage.hidden,
        }
    })
}

struct Play<'a> {
    stage: Stage<'a>,
    ours: Sender,
    settings: &'a PlaySettings,
    encoding: Option<Encoding>,
    dialect: Dialect,
    write: SyncSender<Vec<u8>>,
    is_writing: bool,
    /// Nothing is said while the other side may still say its version first.
    may_speak: bool,
    /// How far the conversation had come, and since when it has not come further.
    seen: u64,
    since: Instant,
}

impl Play<'_> {
    fn run(&mut self, events: &Receiver<Event>) -> Result<(), Box<Mismatch>> {
        if self.ours == Sender::Plugin {
            self.encoding = Some(Encoding::MsgPack);
            self.put(Encoding::MsgPack.announcement().to_vec());
        }
        loop {
            self.stage.look_on();
            self.speak()?;
            let is_over = self.stage.is_over() && !self.is_writing;
            let is_left = is_over && (self.stage.goodbye || !self.has_epilogue());
            if is_left {
                return Ok(());
            }
            match self.event(events, is_over) {
                Ok(Event::Encoding(encoding)) => {
                    self.encoding = Some(encoding);
                    self.since = Instant::now();
                }
                Ok(Event::Heard(message)) => {
                    if let Message::Hello(hello) = &message {
                        self.may_speak = true;
                        let version = hello.version.parse().ok();
                        let dialect = version.and_then(|version| Dialect::of(&version).ok());
                        self.dialect = dialect.unwrap_or(self.dialect);
                    }
                    self.stage.hear(message)?;
                }
                Ok(Event::Wrote(result)) => {
                    self.is_writing = false;
                    // Whoever has closed may have said why.
                    if let Err(error) = result {
                        return self.closed(events, error);
                    }
                }
                Ok(Event::Closed(None)) if self.stage.is_settled() => return Ok(()),
                Ok(Event::Closed(reason)) => {
                    let reason = reason.unwrap_or_else(|| "it closed the connection".to_owned());
                    return Err(self.stage.missing(reason));
                }
                Err(RecvTimeoutError::Timeout) if is_over => return Ok(()),
                Err(RecvTimeoutError::Timeout) if !self.may_speak => {
                    self.may_speak = true;
                    self.since = Instant::now();
                }
                Err(RecvTimeoutError::Timeout) => return Err(self.stage.late(self.patience())),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(self.stage.missing("the connection broke"));
                }
            }
        }
    }

    /// What happens next. Messages that do not count do not put off the deadline, however many they are.
    fn event(
        &mut self,
        events: &Receiver<Event>,
        is_over: bool,
    ) -> Result<Event, RecvTimeoutError> {
        if self.stage.progress != self.seen {
            self.seen = self.stage.progress;
            self.since = Instant::now();
        }
        let left = self
            .deadline(is_over)
            .saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(RecvTimeoutError::Timeout);
        }
        events.recv_timeout(left)
    }

    /// Hears what was said before the connection broke.
    fn closed(&mut self, events: &Receiver<Event>, error: String) -> Result<(), Box<Mismatch>> {
        let until = Instant::now() + GOODBYE;
        while let Ok(event) = events.recv_timeout(until.saturating_duration_since(Instant::now())) {
            match event {
                Event::Heard(message) => self.stage.hear(message)?,
                Event::Closed(_) => break,
                Event::Encoding(_) | Event::Wrote(_) => {}
            }
        }
        self.stage.look_on();
        if self.stage.is_settled() {
            return Ok(());
        }
        let what = format!("it does not listen any more: {error}");
        Err(self.stage.missing(what))
    }

    /// Whether something may still come when all was said: from an engine always, from a plugin after Goodbye.
    fn has_epilogue(&self) -> bool {
        self.ours == Sender::Plugin || self.stage.is_complete()
    }

    fn patience(&self) -> Duration {
        self.settings.patience + self.stage.recorded_wait()
    }

    fn deadline(&self, is_over: bool) -> Instant {
        let patience = match self.settings.version_wait {
            Some(wait) if !self.may_speak => wait,
            _ if is_over && self.ours == Sender::Engine => GOODBYE.min(self.settings.patience),
            _ => self.patience(),
        };
        self.since + patience
    }

    /// Says what can be said, one message after the other: the next when the last is written.
    fn speak(&mut self) -> Result<(), Box<Mismatch>> {
        let Some(encoding) = self.encoding.filter(|_| self.may_speak && !self.is_writing) else {
            return Ok(());
        };
        let Some(message) = self.stage.say() else {
            return Ok(());
        };
        let mut bytes = Vec::new();
        let encoded = codec::encode(&message, self.ours, encoding, self.dialect, &mut bytes);
        if let Err(error) = encoded {
            let what = format!("its version has no form for what has to be said to it: {error}");
            let mut mismatch = self.stage.missing(what);
            let recorded = Some(Spoken::Nushell(message));
            (mismatch.recorded, mismatch.is_gone) = (recorded, false);
            return Err(mismatch);
        }
        self.put(bytes);
        Ok(())
    }

    fn put(&mut self, bytes: Vec<u8>) {
        // There is room for one, and no other is under way. A writer that is gone has told why.
        self.is_writing = self.write.try_send(bytes).is_ok();
    }
}

/// Writes, and tells of each when it is written, until nobody is told any more.
pub(super) fn write_all(
    mut sink: Box<dyn Sink>,
    to_write: &Receiver<Vec<u8>>,
    tell: impl Fn(Result<(), String>) -> bool,
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
        if !tell(result) {
            return;
        }
    }
}

fn read(mut source: Box<dyn Source>, ours: Sender, tell: &SyncSender<Event>) {
    let mut buffer = vec![0; 64 << 10];
    let mut seen = Vec::new();
    let mut decoder = match ours {
        Sender::Plugin => Some(Decoder::new(
            Encoding::MsgPack,
            Sender::Engine,
            Limits::default(),
        )),
        Sender::Engine => None,
    };
    loop {
        let (count, trouble) = match source.read(&mut buffer, None) {
            Ok(count) => (count, None),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => (0, None),
            Err(error) => (0, Some(error.to_string())),
        };
        let fed = &buffer[..count];
        match &mut decoder {
            Some(decoder) => decoder.feed(fed),
            None => {
                seen.extend_from_slice(fed);
                match codec::parse_announcement(&seen) {
                    Ok(Some((encoding, used))) => {
                        let mut new = Decoder::new(encoding, Sender::Plugin, Limits::default());
                        new.feed(&seen.split_off(used));
                        decoder = Some(new);
                        if tell.send(Event::Encoding(encoding)).is_err() {
                            return;
                        }
                    }
                    Ok(None) => {}
                    Err(error) => {
                        let _ = tell.send(Event::Closed(Some(error.to_string())));
                        return;
                    }
                }
            }
        }
        let end = match decoder.as_mut().map(|decoder| tell_all(decoder, tell)) {
            Some(Err(end)) => Some(end),
            _ if count == 0 => Some(Event::Closed(trouble)),
            _ => None,
        };
        if let Some(end) = end {
            let _ = tell.send(end);
            return;
        }
    }
}

/// Tells all messages that are there. Gives the end if nothing can be read behind them.
fn tell_all(decoder: &mut Decoder, tell: &SyncSender<Event>) -> Result<(), Event> {
    loop {
        match decoder.next() {
            Ok(Some(frame)) => {
                if let Message::Hello(hello) = &frame.message {
                    let version = hello.version.parse().ok();
                    if let Some(dialect) = version.and_then(|version| Dialect::of(&version).ok()) {
                        decoder.set_dialect(dialect);
                    }
                }
                let told = tell.send(Event::Heard(frame.message));
                told.map_err(|_| Event::Closed(None))?;
            }
            Ok(None) => return Ok(()),
            Err(error) => {
                return Err(Event::Closed(Some(format!(
                    "what it says makes no sense: {error}"
                ))));
            }
        }
    }
}
