//! Reading: bytes in, what they say to the session, and what came of it to whoever waits.

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Instant;

use pegboard_protocol::codec::{Decoder, Frame};
use pegboard_protocol::nu::Message;
use pegboard_protocol::session::{Failure, FailureKind, Role};

use super::bell::{Bell, Heard};
use super::watch::{Approach, Duty, Succession, Turn};
use super::{Connection, READ_BUFFER, SMALL_BUFFER, Shared, State, hung_up};
use crate::link::Source;
use crate::trace::Direction;

/// What it takes to read. Only one thread has it at a time.
pub(super) struct Reading {
    source: Box<dyn Source>,
    decoder: Decoder,
    /// How much to read at once; nothing was read as long as it is 0.
    most: usize,
    batch: Vec<Frame>,
}

impl Reading {
    pub(super) fn new(source: Box<dyn Source>, decoder: Decoder) -> Reading {
        Reading {
            source,
            decoder,
            most: 0,
            batch: Vec::new(),
        }
    }
}

thread_local! {
    /// The thread is one of some connection's crew.
    static IS_CREW: Cell<bool> = const { Cell::new(false) };
}

/// A thread that reads while it waits. Gives the place up when it is dropped.
struct Lead<'a, R: Role + Send + 'static> {
    shared: &'a Arc<Shared<R>>,
    reading: Option<Box<Reading>>,
}

impl<R: Role + Send + 'static> Drop for Lead<'_, R> {
    fn drop(&mut self) {
        if let Some(reading) = self.reading.take() {
            self.shared.hand_on(reading, Shared::<R>::after_this());
        }
    }
}

/// A thread that was perhaps called on to read, and leaves. Lets the next one do it when it is dropped.
struct Successor<'a, R: Role + Send + 'static> {
    shared: &'a Arc<Shared<R>>,
    followed: bool,
}

impl<R: Role + Send + 'static> Drop for Successor<'_, R> {
    fn drop(&mut self) {
        if self.followed {
            let approach = Shared::<R>::after_this();
            if self.shared.watch.pass_on(approach) == Succession::NeedsCrew {
                self.shared.add_crew(approach);
            }
        }
    }
}

impl<R: Role + Send + 'static> Connection<R> {
    /// Waits until `look` gives something, looking again whenever the bell rings. None at the deadline.
    ///
    /// The thread that waits reads the link meanwhile, if no other one does, and tells what comes: to wait at a bell that the
    /// connection's own events ring is quickest here.
    pub fn wait<T>(
        &self,
        bell: &Bell,
        deadline: Option<Instant>,
        mut look: impl FnMut() -> Option<T>,
    ) -> Option<T> {
        let shared = &self.shared;
        let may_lead = shared.hangup.can_nudge();
        let mut successor = Successor {
            shared,
            followed: false,
        };
        loop {
            let heard = bell.heard();
            if let Some(found) = look() {
                return Some(found);
            }
            if deadline.is_some_and(|at| at <= Instant::now()) {
                return None;
            }
            match shared.watch.enter(may_lead, bell, heard) {
                Turn::Lead(reading) => {
                    successor.followed = false;
                    let mut lead = Lead {
                        shared,
                        reading: Some(reading),
                    };
                    if let Some(found) = lead.wait(bell, heard, deadline, &mut look) {
                        return found;
                    }
                }
                Turn::Follow(ticket) => {
                    successor.followed = true;
                    bell.sleep(heard, deadline);
                    shared.watch.leave(ticket);
                }
            }
        }
    }
}

impl<R: Role + Send + 'static> Connection<R> {
    /// Waits until `look` gives something, looking again after every [`Connection::stir`]; none when the link is closed.
    ///
    /// The thread stands by for one of the connection's own that reads, and reads in its place while that one is busy. So
    /// it is for a thread that waits for the end.
    pub fn stand_by<T>(&self, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        let shared = &self.shared;
        loop {
            let stirs = shared.watch.stirs();
            if let Some(found) = look() {
                return Some(found);
            }
            match shared.watch.stand_by(Approach::AfterATick, Some(stirs)) {
                Duty::Look => {}
                Duty::Over => return look(),
                Duty::Read(mut reading) => loop {
                    let taken = reading.take_in(None);
                    if shared.receive(&mut reading, taken).is_err() {
                        return look();
                    }
                    shared.start_jobs();
                    if let Some(found) = look() {
                        // Whoever still waits for something reads by himself.
                        let _ = shared.watch.release(reading, Approach::AtOnce);
                        return Some(found);
                    }
                    // One that is free again had better read: it may run what it reads.
                    if shared.watch.has_crew() {
                        shared.hand_on(reading, Approach::AtOnce);
                        break;
                    }
                },
            }
        }
    }

    /// Has whoever stands by look again.
    pub fn stir(&self) {
        self.shared.watch.stir();
        self.shared.hangup.nudge();
    }
}

impl<R: Role + Send + 'static> Lead<'_, R> {
    /// Reads until `look` gives something or the deadline has passed; none when there is nothing more to read.
    fn wait<T>(
        &mut self,
        bell: &Bell,
        mut heard: Heard,
        deadline: Option<Instant>,
        look: &mut impl FnMut() -> Option<T>,
    ) -> Option<Option<T>> {
        loop {
            let reading = self.reading.as_mut()?;
            if bell.attend(heard, &self.shared.hangup) {
                let taken = reading.take_in(deadline);
                bell.turn_away();
                if self.shared.receive(reading, taken).is_err() {
                    self.reading = None;
                    return None;
                }
                self.shared.start_jobs();
            }
            heard = bell.heard();
            if let Some(found) = look() {
                return Some(Some(found));
            }
            if deadline.is_some_and(|at| at <= Instant::now()) {
                return Some(None);
            }
        }
    }
}

/// A thread that waits to become one of a crew. To start it takes time, which is best spent while the other side has
/// something to do too.
pub(super) type Recruit<R> = SyncSender<(Arc<Shared<R>>, Approach)>;

pub(super) fn recruit<R: Role + Send + 'static>() -> io::Result<Recruit<R>> {
    let (enlist, enlisted) = sync_channel::<(Arc<Shared<R>>, Approach)>(1);
    std::thread::Builder::new()
        .name("pegboard reader".into())
        .stack_size(512 << 10)
        .spawn(move || {
            if let Ok((shared, approach)) = enlisted.recv() {
                drop(enlisted);
                shared.serve(approach);
            }
        })?;
    Ok(enlist)
}

/// There is nothing more to read, and everybody knows.
struct Over;

impl<R: Role + Send + 'static> Shared<R> {
    /// A plugin is asked by the other side, so that somebody always reads; a host asks.
    const STAYS: bool = matches!(R::SENDER, pegboard_protocol::codec::Sender::Plugin);
    const AFTER_OTHERS: Approach = match Self::STAYS {
        true => Approach::AtOnce,
        false => Approach::AfterATick,
    };

    /// How the crew is to follow this thread. One of the crew comes back by itself.
    fn after_this() -> Approach {
        match IS_CREW.get() {
            true => Approach::AfterATick,
            false => Self::AFTER_OTHERS,
        }
    }

    /// One of the crew: reads when nobody else does.
    fn serve(self: Arc<Self>, mut approach: Approach) {
        IS_CREW.set(true);
        while let Duty::Read(mut reading) = self.watch.stand_by(approach, None) {
            if !Self::STAYS {
                reading.rest();
            }
            self.read_on(reading);
            approach = Self::AFTER_OTHERS;
        }
    }

    /// Reads until it is somebody else's turn. A plugin's calls are run here if they can be.
    fn read_on(self: &Arc<Self>, mut reading: Box<Reading>) {
        let runs_jobs = self.hangup.can_nudge();
        loop {
            let taken = reading.take_in(None);
            if self.receive(&mut reading, taken).is_err() {
                return;
            }
            let handler = self.handler.get();
            if !runs_jobs {
                self.start_jobs();
            } else if let Some(job) = handler.and_then(|handler| handler.take_job()) {
                self.hand_on(reading, Approach::AfterATick);
                return job();
            }
            if !Self::STAYS && !self.watch.is_awaited() {
                return self.hand_on(reading, Approach::AfterATick);
            }
        }
    }

    fn hand_on(self: &Arc<Self>, reading: Box<Reading>, approach: Approach) {
        if self.watch.release(reading, approach) == Succession::NeedsCrew {
            self.add_crew(approach);
        }
    }

    fn add_crew(self: &Arc<Self>, approach: Approach) {
        self.enlist(recruit(), approach);
    }

    /// Has a thread that was started before be one of the crew.
    pub(super) fn enlist(self: &Arc<Self>, recruit: io::Result<Recruit<R>>, approach: Approach) {
        let failed = match recruit {
            // It waits for nothing else.
            Ok(recruit) => return drop(recruit.send((self.clone(), approach))),
            Err(error) => error,
        };
        let message = format!("no thread could be started: {failed}");
        let mut state = self.lock();
        self.end(&mut state, Failure::new(FailureKind::Local, message));
        self.settle(state);
    }

    /// Has others do what a plugin has been asked for meanwhile.
    pub(super) fn start_jobs(&self) {
        if let Some(handler) = self.handler.get() {
            handler.start_jobs();
        }
    }

    /// Tells what came in, and the end if there is nothing more to come.
    fn receive(
        self: &Arc<Self>,
        reading: &mut Reading,
        taken: Result<(), Failure>,
    ) -> Result<(), Over> {
        let decoded = reading.decode();
        let mut state = self.lock();
        let told = !reading.batch.is_empty();
        for frame in reading.batch.drain(..) {
            if let Some(trace) = &self.trace {
                let dialect = state.session.dialect();
                trace.message(Direction::Received, R::SENDER, &frame.message, dialect);
            }
            if state.may_ask(&frame.message) {
                state.session.receive(frame.message, frame.size);
            }
        }
        if told {
            self.tell_all(state);
            state = self.lock();
        }
        let failure = match (decoded.and(taken), state.session.failure()) {
            (Err(failure), _) => failure,
            (Ok(()), Some(failure)) => failure.clone(),
            (Ok(()), None) => return Ok(()),
        };
        self.end(&mut state, failure);
        self.settle(state);
        self.watch.close();
        Err(Over)
    }
}

impl Reading {
    /// Waits for bytes and takes them in. Comes back without any when it was nudged or at the deadline.
    fn take_in(&mut self, deadline: Option<Instant>) -> Result<(), Failure> {
        if self.most == 0 {
            // What came with the first messages is seen to before more is waited for.
            self.most = SMALL_BUFFER;
            return Ok(());
        }
        match self.source.read(self.decoder.space(self.most), deadline) {
            Ok(0) => Err(match self.decoder.finish() {
                Ok(()) => Failure::new(FailureKind::Closed, "the connection was closed"),
                Err(error) => error.into(),
            }),
            Ok(count) => {
                self.decoder.filled(count);
                if count == self.most {
                    self.most = READ_BUFFER;
                }
                Ok(())
            }
            Err(error) => match error.kind() {
                io::ErrorKind::TimedOut | io::ErrorKind::Interrupted => Ok(()),
                io::ErrorKind::ConnectionAborted => Err(hung_up()),
                io::ErrorKind::ConnectionReset => Err(Failure::new(
                    FailureKind::Closed,
                    "the connection was reset",
                )),
                _ => Err(Failure::new(
                    FailureKind::Link,
                    format!("reading from it failed: {error}"),
                )),
            },
        }
    }

    /// Nothing is going on: a large buffer is not needed.
    fn rest(&mut self) {
        if self.most > SMALL_BUFFER {
            self.most = SMALL_BUFFER;
            self.decoder.rest();
        }
    }

    fn decode(&mut self) -> Result<(), Failure> {
        loop {
            match self.decoder.next() {
                Ok(Some(frame)) => self.batch.push(frame),
                Ok(None) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl<R: Role> State<R> {
    /// Fails the session if a peer goes on asking and does not read the answers, which would pile up here.
    fn may_ask(&mut self, message: &Message) -> bool {
        let limit = self.session.limits().engine_calls;
        let may = !matches!(message, Message::EngineCall { .. }) || self.answers < limit;
        if !may {
            let message = format!(
                "makes engine calls without reading the answers, of which {limit} wait, the limit (engine_calls)"
            );
            self.session.fail(Failure::new(FailureKind::Limit, message));
        }
        may
    }
}
