//! Who reads the link: one thread at a time, preferably one that waits for something from it.
//!
//! A thread that waits reads by itself and so is woken by what it waits for, not by another thread. When nobody who waits
//! reads, a thread of the connection's own, its crew, does: at once if somebody waits and cannot, else after a moment, in
//! which the next one who waits may have come.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::bell::{Bell, Heard};
use super::read::Reading;

/// How long the crew waits for somebody else to read before it does.
const TICK: Duration = Duration::from_millis(1);

/// The place of the reader, and those who stand around it.
pub(super) struct Watch {
    post: Mutex<Post>,
    relief: Condvar,
}

struct Post {
    seat: Seat,
    /// How often it was taken.
    turns: u64,
    // bounded by: the threads that wait
    followers: Vec<Follower>,
    next_ticket: u64,
    /// Crew that looks after a tick.
    ticking: usize,
    /// Crew that sleeps, since somebody has been reading for long.
    asleep: usize,
    /// The next of the crew is to read without waiting for a tick.
    urged: bool,
    /// How often those who stand by were to look at something else.
    stirs: u64,
}

enum Seat {
    Free(Box<Reading>),
    Taken,
    /// There is nothing more to read.
    Over,
}

/// A thread that waits while another one reads.
struct Follower {
    ticket: Ticket,
    bell: Bell,
    heard: Heard,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket(u64);

/// What a thread that waits is to do.
pub(super) enum Turn {
    /// It reads.
    Lead(Box<Reading>),
    /// It sleeps until its bell rings.
    Follow(Ticket),
}

/// Whether somebody will see to the place that was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Succession {
    Assured,
    /// The connection has to have one more of a crew.
    NeedsCrew,
}

/// How standing by ended.
pub(super) enum Duty {
    /// It is the thread's turn to read.
    Read(Box<Reading>),
    /// There is something else to look at.
    Look,
    /// There is nothing more to read.
    Over,
}

/// How a thread of the crew comes to the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Approach {
    AtOnce,
    AfterATick,
}

impl Watch {
    pub(super) fn new(reading: Reading) -> Watch {
        Watch {
            post: Mutex::new(Post {
                seat: Seat::Free(Box::new(reading)),
                turns: 0,
                followers: Vec::new(),
                next_ticket: 0,
                ticking: 0,
                asleep: 0,
                urged: false,
                stirs: 0,
            }),
            relief: Condvar::new(),
        }
    }

    /// A thread waits for a bell. It leads if it `may` and nobody else does.
    pub(super) fn enter(&self, may_lead: bool, bell: &Bell, heard: Heard) -> Turn {
        let mut post = self.lock();
        if may_lead && let Some(reading) = post.take() {
            return Turn::Lead(reading);
        }
        let ticket = Ticket(post.next_ticket);
        post.next_ticket += 1;
        post.followers.push(Follower {
            ticket,
            bell: bell.clone(),
            heard,
        });
        Turn::Follow(ticket)
    }

    /// A thread no longer follows.
    pub(super) fn leave(&self, ticket: Ticket) {
        self.lock()
            .followers
            .retain(|follower| follower.ticket != ticket);
    }

    /// True while somebody waits whose bell has not rung.
    pub(super) fn is_awaited(&self) -> bool {
        self.lock().hungry().is_some()
    }

    /// Gives the place up. One who waits takes it, or the crew does.
    pub(super) fn release(&self, reading: Box<Reading>, approach: Approach) -> Succession {
        let mut post = self.lock();
        if matches!(post.seat, Seat::Over) {
            return Succession::Assured;
        }
        post.seat = Seat::Free(reading);
        self.call_for(post, approach)
    }

    /// One who was to take the place may have gone without it: it is offered to the next.
    pub(super) fn pass_on(&self, approach: Approach) -> Succession {
        let post = self.lock();
        match post.seat {
            Seat::Free(_) => self.call_for(post, approach),
            Seat::Taken | Seat::Over => Succession::Assured,
        }
    }

    fn call_for(&self, mut post: MutexGuard<'_, Post>, approach: Approach) -> Succession {
        if let Some(bell) = post.hungry() {
            drop(post);
            bell.ring();
            return Succession::Assured;
        }
        let crew = post.ticking + post.asleep;
        if approach == Approach::AtOnce {
            post.urged = true;
        }
        let wake = approach == Approach::AtOnce || post.ticking == 0;
        drop(post);
        if crew == 0 {
            return Succession::NeedsCrew;
        }
        if wake {
            self.relief.notify_one();
        }
        Succession::Assured
    }

    /// Nobody will read any more.
    pub(super) fn close(&self) {
        self.lock().seat = Seat::Over;
        self.relief.notify_all();
    }

    /// How often those who stand by were stirred, to be noted before looking.
    pub(super) fn stirs(&self) -> u64 {
        self.lock().stirs
    }

    /// Has those who stand by look at something else.
    pub(super) fn stir(&self) {
        self.lock().stirs += 1;
        self.relief.notify_all();
    }

    /// True while one of the crew waits for its turn.
    pub(super) fn has_crew(&self) -> bool {
        let post = self.lock();
        post.ticking + post.asleep > 0
    }

    /// Waits, as one of the crew, for its turn to read, unless it is `stirred` more often than that.
    pub(super) fn stand_by(&self, approach: Approach, stirred: Option<u64>) -> Duty {
        let mut post = self.lock();
        let mut seen = (approach == Approach::AtOnce).then_some(post.turns);
        loop {
            let still = seen == Some(post.turns);
            let urged = post.urged;
            if stirred.is_some_and(|before| before != post.stirs) {
                return Duty::Look;
            }
            match post.seat {
                Seat::Over => return Duty::Over,
                Seat::Free(_) if still || urged => {
                    return post.take().map_or(Duty::Over, Duty::Read);
                }
                Seat::Taken if still => {
                    post.asleep += 1;
                    let waited = self.relief.wait(post);
                    post = waited.unwrap_or_else(PoisonError::into_inner);
                    post.asleep -= 1;
                    seen = Some(post.turns);
                    if matches!(post.seat, Seat::Free(_)) && !post.urged {
                        post = self.tick(post);
                    }
                }
                Seat::Free(_) | Seat::Taken => {
                    seen = Some(post.turns);
                    post = self.tick(post);
                }
            }
        }
    }

    fn tick<'a>(&self, mut post: MutexGuard<'a, Post>) -> MutexGuard<'a, Post> {
        post.ticking += 1;
        let waited = self.relief.wait_timeout(post, TICK);
        post = waited.unwrap_or_else(PoisonError::into_inner).0;
        post.ticking -= 1;
        post
    }

    fn lock(&self) -> MutexGuard<'_, Post> {
        self.post.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Post {
    fn take(&mut self) -> Option<Box<Reading>> {
        match std::mem::replace(&mut self.seat, Seat::Taken) {
            Seat::Free(reading) => {
                self.turns += 1;
                self.urged = false;
                Some(reading)
            }
            other => {
                self.seat = other;
                None
            }
        }
    }

    /// The bell of one who waits and has not been woken.
    fn hungry(&self) -> Option<Bell> {
        let hungry = |follower: &&Follower| !follower.bell.has_rung_since(follower.heard);
        self.followers
            .iter()
            .find(hungry)
            .map(|follower| follower.bell.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::channel;

    use pegboard_protocol::codec::{Decoder, Encoding, Limits, Sender};

    use super::*;
    use crate::link::Link;

    const PATIENCE: Duration = Duration::from_secs(60);

    fn reading() -> Reading {
        let decoder = Decoder::new(Encoding::Json, Sender::Plugin, Limits::default());
        Reading::new(Link::memory().0.source, decoder)
    }

    #[test]
    fn whoever_goes_without_reading_calls_the_next() {
        let watch = Arc::new(Watch::new(reading()));
        let (one, two) = (Bell::default(), Bell::default());
        let Turn::Lead(reading) = watch.enter(true, &one, one.heard()) else {
            panic!("nobody else reads");
        };
        let heard = two.heard();
        let Turn::Follow(ticket) = watch.enter(true, &two, heard) else {
            panic!("somebody else reads");
        };
        let (done, duty) = channel();
        let standing = watch.clone();
        std::thread::spawn(move || {
            let duty = standing.stand_by(Approach::AfterATick, None);
            let _ = done.send(matches!(duty, Duty::Read(_)));
        });
        // One who reads for long lets the crew sleep.
        while watch.lock().asleep == 0 {
            std::thread::yield_now();
        }
        let succession = watch.release(reading, Approach::AfterATick);
        assert_eq!(succession, Succession::Assured);
        assert!(two.has_rung_since(heard), "the next one was not called");
        watch.leave(ticket);
        assert_eq!(watch.pass_on(Approach::AfterATick), Succession::Assured);
        assert_eq!(duty.recv_timeout(PATIENCE), Ok(true));
    }
}
