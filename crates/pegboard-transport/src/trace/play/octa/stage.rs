//! One side of a recorded conversation as a machine: what is heard goes in, what is to be said comes out. No IO.

use std::collections::HashMap;
use std::time::Duration;

use pegboard_protocol::codec::Sender;
use pegboard_protocol::octa::{Execute, FromHost, FromPlugin, Hello};

use super::Said;
use super::script::{Lane, Names, Part, Script, lane, rename};
use crate::trace::play::compare::json_difference;
use crate::trace::play::{Mismatch, PlaySettings, Spoken};
use crate::trace::redact::HIDDEN;

/// A conversation under way.
pub(super) struct Stage<'a> {
    script: Script,
    ours: Sender,
    settings: &'a PlaySettings,
    /// The next line of ours that may have to be said.
    next: usize,
    /// All that the other side had to say before this line has been heard.
    heard_to: usize,
    /// What executions are called now.
    names: Names,
    /// How many bytes may still be sent for an execution, where that is limited.
    room: HashMap<usize, u64>,
    /// How much of the recorded bytes at the front of a lane has been heard.
    partly: HashMap<Lane, usize>,
    goodbye: bool,
    /// Grows with everything that was heard and said and had a place in the recording.
    pub(super) progress: u64,
    pub(super) heard: usize,
    pub(super) said: usize,
    pub(super) filled: usize,
    pub(super) hidden: usize,
}

impl<'a> Stage<'a> {
    pub(super) fn new(script: Script, ours: Sender, settings: &'a PlaySettings) -> Stage<'a> {
        Stage {
            script,
            ours,
            settings,
            next: 0,
            heard_to: 0,
            names: Names::default(),
            room: HashMap::new(),
            partly: HashMap::new(),
            goodbye: false,
            progress: 0,
            heard: 0,
            said: 0,
            filled: 0,
            hidden: 0,
        }
    }

    /// True when everything was said and heard.
    pub(super) fn is_over(&self) -> bool {
        let ours = self.ours;
        let mut rest = self.script.lines[self.next.min(self.script.lines.len())..].iter();
        self.is_settled() && !rest.any(|line| line.said.sender() == ours)
    }

    /// True when nothing more has to be heard.
    pub(super) fn is_settled(&self) -> bool {
        self.heard_to >= self.script.lines.len()
    }

    /// How long the recorded side took for what is awaited.
    pub(super) fn recorded_wait(&self) -> Duration {
        let lines = &self.script.lines;
        match (lines.get(self.heard_to), self.heard_to.checked_sub(1)) {
            (Some(line), Some(before)) => line.time.saturating_sub(lines[before].time),
            _ => Duration::ZERO,
        }
    }

    /// What is wrong when nothing more can come.
    pub(super) fn missing(&self, what: impl Into<String>) -> Box<Mismatch> {
        Box::new(Mismatch {
            is_gone: true,
            ..*self.differs(self.heard_to, None, what)
        })
    }

    /// What is wrong when nothing came that has a place in the recording.
    pub(super) fn late(&self, waited: Duration) -> Box<Mismatch> {
        let what = match self.is_settled() {
            false => "it did not say this",
            true => "it did not take what was said to it",
        };
        self.differs(self.heard_to, None, format!("{what} within {waited:.1?}"))
    }

    fn differs(&self, place: usize, now: Option<Said>, what: impl Into<String>) -> Box<Mismatch> {
        let line = self.script.lines.get(place);
        Box::new(Mismatch {
            entry: line.map(|line| line.entry),
            recorded: line.map(|line| Spoken::Octa(line.said.clone())),
            now: now.map(Spoken::Octa),
            what: what.into(),
            is_gone: false,
        })
    }

    /// The next message that can be said.
    pub(super) fn say(&mut self) -> Option<Said> {
        loop {
            let line = self.script.lines.get(self.next)?;
            if line.said.sender() != self.ours {
                self.next += 1;
                continue;
            }
            if self.heard_to < self.next {
                return None;
            }
            let (mut said, place) = (line.said.clone(), self.next);
            if let Some(execution) = line.about.filter(|execution| *execution != place) {
                self.address(&mut said, execution)?;
            }
            if let Said::Host(FromHost::Execute(execute)) = &mut said {
                self.names.executes(place, execute.id.clone());
                (self.filled, self.hidden) = fill(execute, self.settings, self.filled, self.hidden);
            }
            self.next += 1;
            self.said += 1;
            self.progress += 1;
            return Some(said);
        }
    }

    /// Names the execution as it is called now. None if it has no name yet, or no room for so many bytes.
    fn address(&mut self, said: &mut Said, execution: usize) -> Option<()> {
        if let Said::Plugin(FromPlugin::Started { id, .. } | FromPlugin::Error { id, .. }) = said {
            match self.names.name(execution) {
                Some(name) => name.clone_into(id),
                // The plugin names it.
                None => drop(self.names.about(said)),
            }
            return Some(());
        }
        let count = match said {
            Said::Plugin(FromPlugin::Output { bytes, .. })
            | Said::Host(FromHost::Stdin { bytes, .. }) => bytes.len() as u64,
            _ => 0,
        };
        let name = self.names.name(execution)?;
        rename(said, name);
        if let Some(room) = self.room.get_mut(&execution).filter(|_| count > 0) {
            *room = room.checked_sub(count)?;
        }
        Some(())
    }

    /// Takes in what the other side says.
    pub(super) fn hear(&mut self, said: Said) -> Result<(), Box<Mismatch>> {
        if let Said::Host(FromHost::Execute(execute)) = &said {
            return self.hear_execute(&execute.clone(), said);
        }
        let about = self.names.about(&said);
        match (&said, about) {
            (
                Said::Host(FromHost::Credit { bytes, .. })
                | Said::Plugin(FromPlugin::Credit { bytes, .. }),
                Some(execution),
            ) => {
                if let Some(room) = self.room.get_mut(&execution) {
                    *room = room.saturating_add(*bytes);
                }
                self.progress += 1;
                return Ok(());
            }
            (Said::Plugin(FromPlugin::Started { credit, .. }), Some(execution)) => {
                self.room.extend(credit.map(|credit| (execution, credit)));
            }
            (Said::Host(FromHost::Shutdown) | Said::Plugin(FromPlugin::Shutdown { .. }), _) => {
                self.goodbye = true;
            }
            _ => {}
        }
        let Some(lane) = lane(&said, about) else {
            return Err(self.unexpected(said));
        };
        match (&said, lane) {
            (
                Said::Plugin(FromPlugin::Output { bytes, .. })
                | Said::Host(FromHost::Stdin { bytes, .. }),
                lane,
            ) => self.hear_bytes(lane, &bytes.clone(), &said),
            (_, Lane::Of(execution, Part::End)) => {
                self.nothing_left(execution, &said)?;
                self.hear_in(lane, said)
            }
            _ => self.hear_in(lane, said),
        }
    }

    /// An execution that the recording has and that was not asked for yet.
    fn hear_execute(&mut self, execute: &Execute, said: Said) -> Result<(), Box<Mismatch>> {
        let waiting = self.script.lanes.get(&Lane::Executes).into_iter().flatten();
        // Where executions have no names, the answers to them have to stay in order.
        let waiting = waiting.take(if execute.id.is_some() { usize::MAX } else { 1 });
        let same = waiting.copied().find(|place| {
            difference(&self.script.lines[*place].said, &said, self.settings).is_none()
        });
        let Some(place) = same.or_else(|| self.front(Lane::Executes)) else {
            return Err(self.unexpected(said));
        };
        self.names.executes(place, execute.id.clone());
        self.room
            .extend(execute.credit.map(|credit| (place, credit)));
        self.compare(place, Lane::Executes, said)
    }

    fn hear_in(&mut self, lane: Lane, said: Said) -> Result<(), Box<Mismatch>> {
        match self.front(lane) {
            Some(place) => self.compare(place, lane, said),
            // It is known how the conversation ends, or the recording does not have it.
            None if self.goodbye && lane == Lane::Leave => Ok(()),
            None if self.is_loose(lane) => Ok(()),
            None => Err(self.unexpected(said)),
        }
    }

    /// Bytes may come in other pieces than they did.
    fn hear_bytes(&mut self, lane: Lane, bytes: &[u8], said: &Said) -> Result<(), Box<Mismatch>> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let Some(place) = self.front(lane) else {
                return match self.is_loose(lane) {
                    true => Ok(()),
                    false => Err(self.unexpected(said.clone())),
                };
            };
            let from = self.partly.get(&lane).copied().unwrap_or(0);
            let recorded = &bytes_of(&self.script.lines[place].said)[from..];
            if recorded.is_empty() {
                self.done(place, lane);
                continue;
            }
            let count = recorded.len().min(rest.len());
            if let Some(at) = (0..count).find(|at| recorded[*at] != rest[*at]) {
                let (old, new) = (recorded[at], rest[at]);
                let what = format!("byte {} of it was {old} and is {new}", from + at);
                return Err(self.differs(place, Some(said.clone()), what));
            }
            rest = &rest[count..];
            if count == recorded.len() {
                self.partly.remove(&lane);
                self.done(place, lane);
            } else {
                self.partly.insert(lane, from + count);
                self.progress += 1;
            }
        }
        Ok(())
    }

    /// An end comes behind all that was recorded of an execution.
    fn nothing_left(&self, execution: usize, said: &Said) -> Result<(), Box<Mismatch>> {
        let waiting = self.script.lanes.iter().filter_map(|(lane, places)| {
            let counts = matches!(lane, Lane::Of(about, Part::Begin | Part::Output(_) | Part::Result)
                if *about == execution);
            places.front().copied().filter(|_| counts)
        });
        match waiting.min() {
            // A refusal takes the place of all of it, and is compared as such.
            Some(place) if !self.is_loose(Lane::Of(execution, Part::End)) => {
                Err(self.differs(place, Some(said.clone()), "it ended before it said this"))
            }
            _ => Ok(()),
        }
    }

    fn compare(&mut self, place: usize, lane: Lane, said: Said) -> Result<(), Box<Mismatch>> {
        let recorded = &self.script.lines[place].said;
        if let Some(what) = difference(recorded, &said, self.settings) {
            return Err(self.differs(place, Some(said), what));
        }
        self.done(place, lane);
        Ok(())
    }

    fn front(&self, lane: Lane) -> Option<usize> {
        self.script.lanes.get(&lane)?.front().copied()
    }

    fn done(&mut self, place: usize, lane: Lane) {
        self.script.lines[place].done = true;
        self.heard += 1;
        self.progress += 1;
        if let Some(waiting) = self.script.lanes.get_mut(&lane)
            && waiting.pop_front_if(|first| *first == place).is_none()
        {
            waiting.retain(|other| *other != place);
        }
        self.look_on();
    }

    /// Passes over what has been heard.
    pub(super) fn look_on(&mut self) {
        while let Some(line) = self.script.lines.get(self.heard_to)
            && (line.done || line.said.sender() == self.ours)
        {
            self.heard_to += 1;
        }
    }

    /// Whether the recording does not tell all of what is said here.
    fn is_loose(&self, lane: Lane) -> bool {
        matches!(lane, Lane::Of(execution, _) if self.script.loose.contains(&execution))
    }

    /// Something that the recording does not have.
    fn unexpected(&self, said: Said) -> Box<Mismatch> {
        let what = "the recording does not have this message";
        self.differs(self.heard_to, Some(said), what)
    }
}

fn bytes_of(said: &Said) -> &[u8] {
    match said {
        Said::Plugin(FromPlugin::Output { bytes, .. })
        | Said::Host(FromHost::Stdin { bytes, .. }) => bytes,
        _ => &[],
    }
}

/// Puts values from the environment into those that were left out of the recording, and counts.
fn fill(
    execute: &mut Execute,
    settings: &PlaySettings,
    mut filled: usize,
    mut hidden: usize,
) -> (usize, usize) {
    for (name, value) in &mut execute.envs {
        if value != HIDDEN {
            continue;
        }
        let known = settings.environment.iter().find(|(known, _)| known == name);
        match known {
            Some((_, known)) => {
                known.clone_into(value);
                filled += 1;
            }
            None => hidden += 1,
        }
    }
    (filled, hidden)
}

/// The first difference between what was recorded and what is said now, in words.
fn difference(recorded: &Said, now: &Said, settings: &PlaySettings) -> Option<String> {
    let (mut recorded, mut now) = (recorded.clone(), now.clone());
    match (&mut recorded, &mut now) {
        (Said::Plugin(FromPlugin::Hello(recorded)), Said::Plugin(FromPlugin::Hello(now))) => {
            if !settings.any_version && recorded.version != now.version {
                let (recorded, now) = (&recorded.version, &now.version);
                return Some(format!(
                    "the plugin fits the versions {now} of Octa, and fitted {recorded} in the recording"
                ));
            }
            return missing_feature(recorded, now);
        }
        // The plugin of the recording has agreed to what it offered, and to nothing else.
        (Said::Host(FromHost::Hello(recorded)), Said::Host(FromHost::Hello(now))) => {
            return missing_feature(recorded, now);
        }
        (Said::Host(FromHost::Execute(recorded)), Said::Host(FromHost::Execute(now))) => {
            for execute in [&mut *recorded, &mut *now] {
                (execute.id, execute.credit) = (None, None);
                execute.dir.clear();
            }
            for (name, value) in &mut now.envs {
                let known = recorded.envs.get(name);
                if let Some(known) = known.filter(|known| *known == HIDDEN) {
                    known.clone_into(value);
                }
            }
        }
        (
            Said::Plugin(FromPlugin::Started { credit: old, .. }),
            Said::Plugin(FromPlugin::Started { credit: new, .. }),
        ) => (*old, *new) = (None, None),
        (
            Said::Plugin(FromPlugin::Shutdown { message: old }),
            Said::Plugin(FromPlugin::Shutdown { message: new }),
        ) => new.clone_from(old),
        _ => {}
    }
    rename(&mut recorded, "");
    rename(&mut now, "");
    json_difference(&recorded.json(), &now.json())
}

/// An ability that one had and has no more changes what is said.
fn missing_feature(recorded: &Hello, now: &Hello) -> Option<String> {
    let mut missing = recorded.features.iter();
    let missing = missing.find(|feature| !now.features.contains(feature))?;
    Some(format!("it does not have the feature `{missing}` any more"))
}
