//! One side of a recorded conversation as a machine: what is heard goes in, what is to be said comes out. No IO.

use std::collections::HashMap;

use pegboard_protocol::octa::{Execute, Form, FromHost, FromPlugin, Hello};

use super::Said;
use super::script::{Lane, Names, Part, Script, lane, rename};
use crate::trace::play::drive::Plays;
use crate::trace::play::json::json_difference;
use crate::trace::play::lines::{Lines, Speech};
use crate::trace::play::{Mismatch, PlaySettings, Played};
use crate::trace::redact::HIDDEN;

/// A conversation under way.
pub(super) struct Stage<'a> {
    script: Script,
    settings: &'a PlaySettings,
    /// What executions are called now.
    names: Names,
    /// How many bytes may still be sent for an execution, where that is limited.
    room: HashMap<usize, u64>,
    goodbye: bool,
}

impl<'a> Stage<'a> {
    pub(super) fn new(script: Script, settings: &'a PlaySettings) -> Stage<'a> {
        Stage {
            script,
            settings,
            names: Names::default(),
            room: HashMap::new(),
            goodbye: false,
        }
    }
}

impl Plays for Stage<'_> {
    type Message = Said;
    type Lane = Lane;
    type Heard = Said;

    fn lines(&self) -> &Lines<Said, Lane> {
        &self.script.lines
    }

    fn say(&mut self) -> Result<Option<Vec<u8>>, Box<Mismatch>> {
        Ok(self.next().map(|said| said.line(Form::Every)))
    }

    fn hear(&mut self, said: Said) -> Result<(), Box<Mismatch>> {
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
                self.script.lines.progress += 1;
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
            _ if said.bytes().is_some() => self.hear_bytes(lane, said),
            (_, Lane::Of(execution, Part::End)) => {
                self.nothing_left(execution, &said)?;
                self.hear_in(lane, said)
            }
            _ => self.hear_in(lane, said),
        }
    }

    fn is_over(&self) -> bool {
        self.script.lines.is_over()
    }

    fn may_close(&self, _reason: Option<&str>) -> bool {
        self.script.lines.is_heard()
    }
}

impl Stage<'_> {
    /// The next message that can be said.
    fn next(&mut self) -> Option<Said> {
        let place = self.script.lines.due()?;
        let line = &self.script.lines[place];
        let mut said = line.message.clone();
        if let Some(execution) = line.about.filter(|execution| *execution != place) {
            self.address(&mut said, execution)?;
        }
        if let Said::Host(FromHost::Execute(execute)) = &mut said {
            self.names.executes(place, execute.id.clone());
            fill(execute, self.settings, &mut self.script.lines.played);
        }
        self.script.lines.said();
        Some(said)
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
        let count = said.bytes().map_or(0, <[u8]>::len) as u64;
        let name = self.names.name(execution)?;
        rename(said, name);
        if let Some(room) = self.room.get_mut(&execution).filter(|_| count > 0) {
            *room = room.checked_sub(count)?;
        }
        Some(())
    }

    /// An execution that the recording has and that was not asked for yet.
    fn hear_execute(&mut self, execute: &Execute, said: Said) -> Result<(), Box<Mismatch>> {
        let lines = &self.script.lines;
        // Where executions have no names, the answers to them have to stay in order.
        let count = if execute.id.is_some() { usize::MAX } else { 1 };
        let same = lines
            .awaited(Lane::Executes)
            .take(count)
            .find(|place| difference(&lines[*place].message, &said, self.settings).is_none());
        let Some(place) = same.or_else(|| lines.front(Lane::Executes)) else {
            return Err(self.unexpected(said));
        };
        self.names.executes(place, execute.id.clone());
        self.room
            .extend(execute.credit.map(|credit| (place, credit)));
        self.compare(place, Lane::Executes, said)
    }

    fn hear_in(&mut self, lane: Lane, said: Said) -> Result<(), Box<Mismatch>> {
        match self.script.lines.front(lane) {
            Some(place) => self.compare(place, lane, said),
            // It is known how the conversation ends, or the recording does not have it.
            None if self.goodbye && lane == Lane::Leave => Ok(()),
            None if self.is_loose(lane) => Ok(()),
            None => Err(self.unexpected(said)),
        }
    }

    /// Bytes may come in other pieces than they did.
    fn hear_bytes(&mut self, lane: Lane, said: Said) -> Result<(), Box<Mismatch>> {
        match self.script.lines.hear_bytes(lane, &said)? || self.is_loose(lane) {
            true => Ok(()),
            false => Err(self.unexpected(said)),
        }
    }

    /// An end comes behind all that was recorded of an execution.
    fn nothing_left(&self, execution: usize, said: &Said) -> Result<(), Box<Mismatch>> {
        let lines = &self.script.lines;
        let waiting = lines.fronts().filter_map(|(lane, place)| {
            let counts = matches!(lane, Lane::Of(about, Part::Begin | Part::Output(_) | Part::Result)
                if about == execution);
            counts.then_some(place)
        });
        match waiting.min() {
            // A refusal takes the place of all of it, and is compared as such.
            Some(place) if !self.is_loose(Lane::Of(execution, Part::End)) => {
                let what = "it ended before it said this";
                Err(lines.differs(place, said.clone(), what.to_owned()))
            }
            _ => Ok(()),
        }
    }

    fn compare(&mut self, place: usize, lane: Lane, said: Said) -> Result<(), Box<Mismatch>> {
        let lines = &mut self.script.lines;
        if let Some(what) = difference(&lines[place].message, &said, self.settings) {
            return Err(lines.differs(place, said, what));
        }
        lines.heard(lane, place);
        Ok(())
    }

    /// Whether the recording does not tell all of what is said here.
    fn is_loose(&self, lane: Lane) -> bool {
        matches!(lane, Lane::Of(execution, _) if self.script.loose.contains(&execution))
    }

    /// Something that the recording does not have.
    fn unexpected(&self, said: Said) -> Box<Mismatch> {
        self.script.lines.unexpected(said)
    }
}

/// Puts values from the environment into those that were left out of the recording, and counts.
fn fill(execute: &mut Execute, settings: &PlaySettings, played: &mut Played) {
    for (name, value) in &mut execute.envs {
        if value == HIDDEN
            && let Some(known) = played.fill_in(name, settings)
        {
            known.clone_into(value);
        }
    }
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
