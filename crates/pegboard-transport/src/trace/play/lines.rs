//! The lines of a recorded conversation under way: what has been said and heard of them, and what has to come.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::ops::Index;
use std::time::Duration;

use pegboard_protocol::codec::Sender;

use super::{Mismatch, Played, Spoken};

/// A message of either protocol, as far as both are played alike.
pub(super) trait Speech: Clone {
    /// What a message with bytes is called.
    const PIECE: &'static str;

    fn spoken(self) -> Spoken;

    /// The bytes of a message that brings some of many, which may be cut elsewhere.
    fn bytes(&self) -> Option<&[u8]>;
}

/// One message of a conversation. Lines are known by their place among them.
#[derive(Debug)]
pub(super) struct Line<M> {
    /// Its place in the trace.
    pub(super) entry: usize,
    pub(super) time: Duration,
    pub(super) from: Sender,
    pub(super) message: M,
    /// The line that it is about, as the protocol sees it.
    pub(super) about: Option<usize>,
    /// It has been said, or does not have to be.
    pub(super) done: bool,
}

/// The lines of a conversation. What the other side has to say is in lanes: the order counts within each of them, and
/// not between them.
#[derive(Debug)]
pub(super) struct Lines<M, L> {
    lines: Vec<Line<M>>,
    ours: Sender,
    /// What the other side has to say, by lane.
    lanes: HashMap<L, VecDeque<usize>>,
    /// How much of the recorded bytes at the front of a lane has been heard.
    partly: HashMap<L, usize>,
    /// The next line of ours that may have to be said.
    next: usize,
    /// All that the other side had to say before this line has been heard.
    heard_to: usize,
    /// Grows with everything that was heard and said and had a place in the recording.
    pub(super) progress: u64,
    /// What has come of it so far.
    pub(super) played: Played,
}

impl<M, L> Index<usize> for Lines<M, L> {
    type Output = Line<M>;

    fn index(&self, place: usize) -> &Line<M> {
        &self.lines[place]
    }
}

impl<M: Speech, L: Copy + Eq + Hash> Lines<M, L> {
    /// Lines of which none is awaited yet.
    pub(super) fn new(lines: Vec<Line<M>>, ours: Sender) -> Lines<M, L> {
        let mut lines = Lines {
            lines,
            ours,
            lanes: HashMap::new(),
            partly: HashMap::new(),
            next: 0,
            heard_to: 0,
            progress: 0,
            played: Played::default(),
        };
        lines.look_on();
        lines
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.lines.len()
    }

    /// The side that is played.
    pub(super) fn ours(&self) -> Sender {
        self.ours
    }

    /// The other side has to say this line, behind what it has to say in the same lane.
    pub(super) fn await_in(&mut self, lane: L, place: usize) {
        self.lanes.entry(lane).or_default().push_back(place);
    }

    /// A line does not have to be said, or not any more.
    pub(super) fn leave_out(&mut self, place: usize) {
        self.lines[place].done = true;
        self.look_on();
    }

    /// What has to come in a lane, in its order.
    pub(super) fn awaited(&self, lane: L) -> impl Iterator<Item = usize> {
        self.lanes.get(&lane).into_iter().flatten().copied()
    }

    /// What has to come next in a lane.
    pub(super) fn front(&self, lane: L) -> Option<usize> {
        self.awaited(lane).next()
    }

    /// What has to come next in each lane in which something has to.
    pub(super) fn fronts(&self) -> impl Iterator<Item = (L, usize)> {
        let lanes = self.lanes.iter();
        lanes.filter_map(|(lane, places)| Some((*lane, *places.front()?)))
    }

    /// A line has been heard.
    pub(super) fn heard(&mut self, lane: L, place: usize) {
        self.lines[place].done = true;
        self.played.heard += 1;
        self.progress += 1;
        if let Some(waiting) = self.lanes.get_mut(&lane)
            && waiting.pop_front_if(|first| *first == place).is_none()
        {
            waiting.retain(|other| *other != place);
        }
        self.look_on();
    }

    /// Takes in the bytes of a message, which may come in other pieces than they did. Gives whether the lane had a place
    /// for all of them.
    pub(super) fn hear_bytes(&mut self, lane: L, now: &M) -> Result<bool, Box<Mismatch>> {
        let mut rest = now.bytes().unwrap_or_default();
        while !rest.is_empty() {
            let next = self.front(lane);
            let recorded = next.and_then(|place| Some((place, self.lines[place].message.bytes()?)));
            let Some((place, recorded)) = recorded else {
                return Ok(false);
            };
            let from = self.partly.get(&lane).copied().unwrap_or(0);
            let recorded = &recorded[from..];
            let count = recorded.len().min(rest.len());
            if let Some(at) = (0..count).find(|at| recorded[*at] != rest[*at]) {
                let (at, old, new) = (from + at, recorded[at], rest[at]);
                let what = format!("byte {at} of {} was {old} and is {new}", M::PIECE);
                return Err(self.differs(place, now.clone(), what));
            }
            rest = &rest[count..];
            if count == recorded.len() {
                self.partly.remove(&lane);
                self.heard(lane, place);
            } else {
                self.partly.insert(lane, from + count);
                self.progress += 1;
            }
        }
        Ok(true)
    }

    /// The line of ours whose turn it is. None while something has to be heard before.
    pub(super) fn due(&mut self) -> Option<usize> {
        while let line = self.lines.get(self.next)?
            && (line.from != self.ours || line.done)
        {
            self.next += 1;
        }
        (self.heard_to >= self.next).then_some(self.next)
    }

    /// The line whose turn it is does not have to be said.
    pub(super) fn skip(&mut self) {
        self.next += 1;
    }

    /// The line whose turn it is has been said.
    pub(super) fn said(&mut self) {
        self.next += 1;
        self.played.said += 1;
        self.progress += 1;
    }

    /// What is still to be said.
    pub(super) fn unsaid(&self) -> impl Iterator<Item = &Line<M>> {
        let rest = self.lines.iter().skip(self.next);
        rest.filter(|line| line.from == self.ours && !line.done)
    }

    /// Whether all has been heard.
    pub(super) fn is_heard(&self) -> bool {
        self.heard_to >= self.lines.len()
    }

    /// Whether all has been said and heard.
    pub(super) fn is_over(&self) -> bool {
        self.next >= self.lines.len() && self.is_heard()
    }

    /// How long the recorded side took for what is awaited.
    pub(super) fn recorded_wait(&self) -> Duration {
        match (self.lines.get(self.heard_to), self.heard_to.checked_sub(1)) {
            (Some(line), Some(before)) => line.time.saturating_sub(self.lines[before].time),
            _ => Duration::ZERO,
        }
    }

    /// What is wrong when something else is said than the recording has there.
    pub(super) fn differs(&self, place: usize, now: M, what: String) -> Box<Mismatch> {
        let line = self.lines.get(place);
        Box::new(Mismatch {
            entry: line.map(|line| line.entry),
            recorded: line.map(|line| line.message.clone().spoken()),
            now: Some(now.spoken()),
            what,
            is_gone: false,
        })
    }

    /// What is wrong with something that the recording does not have.
    pub(super) fn unexpected(&self, now: M) -> Box<Mismatch> {
        let what = "the recording does not have this message";
        self.differs(self.heard_to, now, what.to_owned())
    }

    /// What is wrong when nothing more can come.
    pub(super) fn missing(&self, what: impl Into<String>) -> Box<Mismatch> {
        let line = self.lines.get(self.heard_to);
        Box::new(Mismatch {
            entry: line.map(|line| line.entry),
            recorded: line.map(|line| line.message.clone().spoken()),
            now: None,
            what: what.into(),
            is_gone: true,
        })
    }

    /// What is wrong when nothing came that has a place in the recording.
    pub(super) fn late(&self, waited: Duration) -> Box<Mismatch> {
        let what = match self.is_heard() {
            false => "it did not say this",
            true => "it did not take what was said to it",
        };
        Box::new(Mismatch {
            is_gone: false,
            ..*self.missing(format!("{what} within {waited:.1?}"))
        })
    }

    /// Passes over what has been heard.
    fn look_on(&mut self) {
        while let Some(line) = self.lines.get(self.heard_to)
            && (line.done || line.from == self.ours)
        {
            self.heard_to += 1;
        }
    }
}
