//! A recorded conversation, prepared to be played: what belongs to which execution, and what has to come.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use pegboard_protocol::codec::Sender;
use pegboard_protocol::octa::{FromHost, FromPlugin, Stream};

use super::Said;
use crate::trace::play::lines::{Line, Lines};

/// Where the order of messages counts. Between lanes it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Lane {
    Hello,
    Schema,
    /// Executions may begin in any order.
    Executes,
    Complaints,
    Leave,
    /// Something about the execution of this line.
    Of(usize, Part),
}

/// What there is of an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Part {
    Begin,
    Output(Stream),
    Result,
    End,
    Cancel,
    Input,
    InputEnd,
}

#[derive(Debug)]
pub(super) struct Script {
    /// Each is about the line of the `Execute` of the execution that it belongs to.
    pub(super) lines: Lines<Said, Lane>,
    /// Executions that were cut short, or whose end was not recorded: there may be more of them.
    pub(super) loose: HashSet<usize>,
}

impl Script {
    /// Prepares what `ours` is to say and the other side has to.
    pub(super) fn new(
        messages: impl Iterator<Item = (usize, Duration, Said)>,
        ours: Sender,
    ) -> Script {
        let mut names = Names::default();
        let lines = messages.enumerate().map(|(place, (entry, time, said))| {
            let about = match &said {
                Said::Host(FromHost::Execute(execute)) => {
                    names.executes(place, execute.id.clone());
                    Some(place)
                }
                said => names.about(said),
            };
            Line {
                entry,
                time,
                from: said.sender(),
                message: said,
                about,
                done: false,
            }
        });
        let mut script = Script {
            lines: Lines::new(lines.collect(), ours),
            loose: HashSet::new(),
        };
        script.cast();
        script
    }

    fn cast(&mut self) {
        let mut open: HashSet<usize> = HashSet::new();
        for place in 0..self.lines.count() {
            let line = &self.lines[place];
            let lane = lane(&line.message, line.about);
            match (&line.message, line.about) {
                (Said::Host(FromHost::Execute(_)), _) => drop(open.insert(place)),
                (Said::Host(FromHost::Cancel { .. }), Some(execution)) => {
                    self.loose.insert(execution);
                }
                (Said::Host(FromHost::Shutdown), _) => self.loose.extend(&open),
                _ => {}
            }
            if let Some(Lane::Of(execution, Part::End)) = lane {
                open.remove(&execution);
            }
            if line.from == self.lines.ours() {
                continue;
            }
            // What an execution said while it was being cut short depends on how fast that was.
            let is_chance = matches!(lane, Some(Lane::Of(execution, Part::Output(_)))
                if self.loose.contains(&execution));
            match lane {
                Some(lane) if !is_chance => self.lines.await_in(lane, place),
                _ => self.lines.leave_out(place),
            }
        }
        self.loose.extend(open);
    }
}

/// The lane of a message. None for flow control and what has no place.
pub(super) fn lane(said: &Said, about: Option<usize>) -> Option<Lane> {
    let of = |part| about.map(|execution| Lane::Of(execution, part));
    match said {
        Said::Host(message) => match message {
            FromHost::Hello(_) => Some(Lane::Hello),
            FromHost::Schema => Some(Lane::Schema),
            FromHost::Execute(_) => Some(Lane::Executes),
            FromHost::Shutdown => Some(Lane::Leave),
            FromHost::Cancel { .. } => of(Part::Cancel),
            FromHost::Stdin { .. } => of(Part::Input),
            FromHost::StdinEnd { .. } => of(Part::InputEnd),
            FromHost::Credit { .. } | FromHost::Unknown { .. } => None,
        },
        Said::Plugin(message) => match message {
            FromPlugin::Hello(_) => Some(Lane::Hello),
            FromPlugin::Schema { .. } => Some(Lane::Schema),
            FromPlugin::Started { .. } => of(Part::Begin),
            FromPlugin::Output { stream, .. } => of(Part::Output(*stream)),
            FromPlugin::Result { .. } => of(Part::Result),
            FromPlugin::ExitStatus { .. } => of(Part::End),
            FromPlugin::Error { .. } => Some(of(Part::End).unwrap_or(Lane::Complaints)),
            FromPlugin::Shutdown { .. } => Some(Lane::Leave),
            FromPlugin::Credit { .. } | FromPlugin::Unknown { .. } => None,
        },
    }
}

/// What executions are called, at one point of a conversation. They are known by the line of their `Execute`.
#[derive(Debug, Default)]
pub(super) struct Names {
    places: HashMap<String, usize>,
    names: HashMap<usize, String>,
    /// Those that have no name yet, in their order.
    nameless: VecDeque<usize>,
}

impl Names {
    /// An execution is asked for, perhaps by a name.
    pub(super) fn executes(&mut self, place: usize, name: Option<String>) {
        match name {
            Some(name) => self.bind(place, name),
            None => self.nameless.push_back(place),
        }
    }

    /// The execution that a message is about. The first word about one that has no name gives it one, or refuses it.
    pub(super) fn about(&mut self, said: &Said) -> Option<usize> {
        let name = name_of(said)?;
        if let Some(place) = self.places.get(name) {
            return Some(*place);
        }
        let place = match said {
            Said::Plugin(FromPlugin::Started { .. } | FromPlugin::Error { .. }) => {
                self.nameless.pop_front()?
            }
            _ => return None,
        };
        if matches!(said, Said::Plugin(FromPlugin::Started { .. })) {
            self.bind(place, name.to_owned());
        }
        Some(place)
    }

    /// What the execution of a line is called.
    pub(super) fn name(&self, place: usize) -> Option<&String> {
        self.names.get(&place)
    }

    fn bind(&mut self, place: usize, name: String) {
        self.names.insert(place, name.clone());
        self.places.insert(name, place);
    }
}

/// The messages that name an execution.
macro_rules! naming {
    ($id:ident) => {
        Said::Host(
            FromHost::Cancel { id: $id }
                | FromHost::Stdin { id: $id, .. }
                | FromHost::StdinEnd { id: $id }
                | FromHost::Credit { id: $id, .. },
        ) | Said::Plugin(
            FromPlugin::Started { id: $id, .. }
                | FromPlugin::Output { id: $id, .. }
                | FromPlugin::Result { id: $id, .. }
                | FromPlugin::ExitStatus { id: $id, .. }
                | FromPlugin::Error { id: $id, .. }
                | FromPlugin::Credit { id: $id, .. },
        )
    };
}

/// What the execution that a message names is called.
pub(super) fn name_of(said: &Said) -> Option<&str> {
    match said {
        naming!(id) => Some(id),
        _ => None,
    }
}

/// Gives the execution that a message is about another name.
pub(super) fn rename(said: &mut Said, name: &str) {
    if let naming!(id) = said {
        name.clone_into(id);
    }
}
