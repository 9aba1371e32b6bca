//! Plays over a link, as it is done for Nushell's plugins.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, Builder};
use std::time::Instant;

use pegboard_protocol::codec::Sender;
use pegboard_protocol::octa::{Decoder, Form, FromHost, FromPlugin, Incoming, Limits};

use super::Said;
use super::script::Script;
use super::stage::Stage;
use crate::link::{Link, Source};
use crate::trace::play::drive::{BACKLOG, GOODBYE, write_all};
use crate::trace::play::{Mismatch, PlaySettings, Played};

enum Event {
    Heard(Said),
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
    let (tell, events) = sync_channel(BACKLOG);
    let (write, to_write) = sync_channel(1);
    thread::scope(|scope| {
        let told = tell.clone();
        let reads = move || match ours {
            Sender::Engine => read::<FromPlugin>(source, Said::Plugin, &told),
            Sender::Plugin => read::<FromHost>(source, Said::Host, &told),
        };
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
            settings,
            write,
            is_writing: false,
            seen: 0,
            since: Instant::now(),
        };
        let outcome = match threads {
            Ok(_) => play.run(&events),
            Err(error) => Err(play
                .stage
                .missing(format!("no thread could be started: {error}"))),
        };
        let Play { stage, write, .. } = play;
        // Both threads end: the link is gone, and nobody listens.
        drop((write, events));
        hangup.hang_up();
        Played {
            difference: outcome.err().map(|mismatch| *mismatch),
            heard: stage.heard,
            said: stage.said,
            filled: stage.filled,
            hidden: stage.hidden,
        }
    })
}

struct Play<'a> {
    stage: Stage<'a>,
    settings: &'a PlaySettings,
    write: SyncSender<Vec<u8>>,
    is_writing: bool,
    /// How far the conversation had come, and since when it has not come further.
    seen: u64,
    since: Instant,
}

impl Play<'_> {
    fn run(&mut self, events: &Receiver<Event>) -> Result<(), Box<Mismatch>> {
        loop {
            self.stage.look_on();
            if !self.is_writing
                && let Some(said) = self.stage.say()
            {
                // There is room for one, and no other is under way. A writer that is gone has told why.
                self.is_writing = self.write.try_send(said.bytes(Form::Every)).is_ok();
            }
            if self.stage.is_over() && !self.is_writing {
                return Ok(());
            }
            if self.stage.progress != self.seen {
                self.seen = self.stage.progress;
                self.since = Instant::now();
            }
            let patience = self.settings.patience + self.stage.recorded_wait();
            let left = (self.since + patience).saturating_duration_since(Instant::now());
            match events.recv_timeout(left) {
                Ok(Event::Heard(said)) => self.stage.hear(said)?,
                Ok(Event::Wrote(result)) => {
                    self.is_writing = false;
                    if let Err(error) = result {
                        return self.closed(events, &error);
                    }
                }
                Ok(Event::Closed(reason)) => {
                    if self.stage.is_settled() {
                        return Ok(());
                    }
                    let reason = reason.unwrap_or_else(|| "it closed the connection".to_owned());
                    return Err(self.stage.missing(reason));
                }
                Err(RecvTimeoutError::Timeout) => return Err(self.stage.late(patience)),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(self.stage.missing("the connection broke"));
                }
            }
        }
    }

    /// Hears what was said before the connection broke: whoever has closed may have said why.
    fn closed(&mut self, events: &Receiver<Event>, error: &str) -> Result<(), Box<Mismatch>> {
        let until = Instant::now() + GOODBYE;
        while let Ok(event) = events.recv_timeout(until.saturating_duration_since(Instant::now())) {
            match event {
                Event::Heard(said) => self.stage.hear(said)?,
                Event::Closed(_) => break,
                Event::Wrote(_) => {}
            }
        }
        self.stage.look_on();
        if self.stage.is_settled() {
            return Ok(());
        }
        let what = format!("it does not listen any more: {error}");
        Err(self.stage.missing(what))
    }
}

fn read<M: Incoming>(mut source: Box<dyn Source>, said: fn(M) -> Said, tell: &SyncSender<Event>) {
    let mut decoder = Decoder::<M>::new(Limits::default());
    let mut buffer = vec![0; 64 << 10];
    let closed = |reason| {
        // Whoever listened has all that he wanted.
        let _ = tell.send(Event::Closed(reason));
    };
    loop {
        while let Some(frame) = decoder.next() {
            match frame.content {
                Ok(message) => {
                    if tell.send(Event::Heard(said(message))).is_err() {
                        return;
                    }
                }
                Err(error) => {
                    return closed(Some(format!("what it says makes no sense: {error}")));
                }
            }
        }
        match source.read(&mut buffer, None) {
            Ok(0) => return closed(None),
            Ok(count) => decoder.feed(&buffer[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                return closed(None);
            }
            Err(error) => return closed(Some(error.to_string())),
        }
    }
}
