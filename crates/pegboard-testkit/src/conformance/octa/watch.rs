//! What must hold of every message of an Octa plugin, whatever is being tried.

use std::collections::BTreeMap;

use pegboard_protocol::octa::{FromPlugin, PARSE_ERROR, PROTOCOL_ERROR};

use crate::conformance::play::Broken;

/// How an execution ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    Code(i32),
    Error(String),
}

/// What is known of the executions of one conversation.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// So many were asked for and have not started.
    pub(super) awaited: usize,
    /// So many more may start, of those that should have been refused.
    pub(super) mistaken: usize,
    /// Those that have started, in that order by the second part, with their end.
    pub(super) executions: BTreeMap<String, (usize, Option<End>)>,
    /// What it has complained about, by reserved id, and in which words.
    pub(super) complaints: Vec<(String, String)>,
    /// It has said its last word.
    pub(super) shut_down: bool,
}

impl Watch {
    /// Takes note of a message of the plugin.
    pub(super) fn receive(&mut self, message: &FromPlugin) -> Option<Broken> {
        match message {
            FromPlugin::Started { id, .. } => {
                if self.executions.contains_key(id) {
                    return Some(("started-once", format!("it says Started of `{id}` again")));
                }
                let order = self.executions.len();
                self.executions.insert(id.clone(), (order, None));
                if self.awaited == 0 && self.mistaken > 0 {
                    self.mistaken -= 1;
                    return None;
                }
                if self.awaited == 0 {
                    let what = format!("it starts `{id}`, which nobody asked for");
                    return Some(("started-once", what));
                }
                self.awaited -= 1;
                None
            }
            FromPlugin::Error { id, message } if id == PARSE_ERROR || id == PROTOCOL_ERROR => {
                self.complaints.push((id.clone(), message.clone()));
                None
            }
            // A refusal, while there is nothing yet that it could be the end of.
            FromPlugin::Error { .. } if self.awaited == 0 && self.executions.is_empty() => None,
            FromPlugin::Output { id, .. } => self.of(id, message.name(), None),
            FromPlugin::ExitStatus { id, code } => {
                self.of(id, "ExitStatus", Some(End::Code(*code)))
            }
            FromPlugin::Error { id, message } => {
                self.of(id, "Error", Some(End::Error(message.clone())))
            }
            FromPlugin::Shutdown { .. } => {
                self.shut_down = true;
                None
            }
            FromPlugin::Unknown { name, .. } if !self.passes_over() => Some((
                "only-messages",
                format!("it says `{name}`, which no host knows, where hosts take it for an answer"),
            )),
            _ => None,
        }
    }

    /// True while hosts pass over what they do not understand: between Started and the end.
    pub(super) fn passes_over(&self) -> bool {
        self.awaited == 0 && self.executions.values().any(|(_, end)| end.is_none())
    }

    /// The execution that started as this one, and its end.
    pub(super) fn nth(&self, order: usize) -> Option<Option<&End>> {
        let mut all = self.executions.values();
        let (_, end) = all.find(|(started, _)| *started == order)?;
        Some(end.as_ref())
    }

    fn of(&mut self, id: &str, name: &str, end: Option<End>) -> Option<Broken> {
        match self.executions.get_mut(id) {
            Some((_, Some(_))) => {
                let what = format!("it says {name} of `{id}`, which has ended");
                Some(("last-word", what))
            }
            Some((_, ended)) => {
                *ended = end;
                None
            }
            None if self.awaited > 0 => {
                let what = format!("it says {name} of `{id}` before it says Started");
                Some(("started-first", what))
            }
            None => {
                let what = format!("it says {name} of `{id}`, which it has not started");
                Some(("known-execution", what))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pegboard_protocol::octa::Stream;

    fn output(id: &str) -> FromPlugin {
        FromPlugin::Output {
            id: id.to_owned(),
            stream: Stream::Stdout,
            bytes: b"x\n".to_vec(),
        }
    }

    #[test]
    fn an_execution_has_a_start_and_one_end() {
        let mut watch = Watch {
            awaited: 1,
            ..Watch::default()
        };
        let started = FromPlugin::Started {
            id: "a".to_owned(),
            credit: None,
        };
        let exit = FromPlugin::ExitStatus {
            id: "a".to_owned(),
            code: 3,
        };
        for (message, rule) in [
            (&output("a"), Some("started-first")),
            (&started, None),
            (&output("a"), None),
            (&output("b"), Some("known-execution")),
            (&started, Some("started-once")),
            (&exit, None),
            (&exit, Some("last-word")),
            (&output("a"), Some("last-word")),
        ] {
            let broken = watch.receive(message);
            assert_eq!(broken.map(|(rule, _)| rule), rule, "{message:?}");
        }
        assert_eq!(watch.nth(0), Some(Some(&End::Code(3))));
    }
}
