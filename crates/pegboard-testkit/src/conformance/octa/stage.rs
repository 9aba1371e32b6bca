//! Where rules for Octa plugins are played: the plugin, what is known about it, and conversations with it.

use std::path::PathBuf;
use std::time::Duration;

use pegboard_host::{Plugin, RawStart};
use serde_json::{Value as Tree, json};

use super::conversation::Conversation;
use crate::conformance::conversation::{Played, Stop, broken};
use crate::conformance::report::{Fault, Outcome};
use crate::conformance::transcript::Noticed;
use crate::conformance::{Options, Subject};

/// The version that a host says, unless another is the point.
pub(super) const VERSION: &str = "0.2.1";

/// The plugin, and what is known about it.
pub(in crate::conformance) struct Stage {
    plugin: Plugin,
    pub(super) program: PathBuf,
    pub(super) timeout: Duration,
    directory: PathBuf,
    pub(in crate::conformance) noticed: Noticed,
    texts: Vec<String>,
    key: Option<String>,
    /// It starts and ends a dry execution.
    executes: bool,
    /// What went wrong in the last conversation.
    fault: Option<Fault>,
}

impl Stage {
    /// Finds out how far the plugin gets.
    pub(in crate::conformance) fn set(
        plugin: Plugin,
        subject: &Subject,
        options: &Options,
    ) -> Stage {
        let mut stage = Stage {
            plugin,
            program: subject.program.clone(),
            timeout: options.timeout,
            directory: subject.directory.clone(),
            noticed: Noticed::default(),
            texts: options.commands.clone(),
            key: None,
            executes: false,
            fault: None,
        };
        stage.key = stage.raw(&[], |it| it.greet(VERSION)).ok();
        let dry = stage.dry();
        stage.executes = stage.greet(|it| it.goes_on(&dry)).is_ok();
        stage.fault = None;
        stage
    }

    /// Plays a rule.
    pub(in crate::conformance) fn play(&mut self, play: fn(&mut Stage) -> Played) -> Outcome {
        self.fault = None;
        match play(self) {
            Ok(()) => Outcome::Passed,
            Err(Stop::NotApplicable(why)) => Outcome::NotApplicable(why),
            Err(Stop::NotChecked(why)) => Outcome::NotChecked(why),
            Err(Stop::Broken(what)) => {
                let fault = self.fault.take().filter(|fault| fault.what == what);
                Outcome::Failed(Box::new(fault.unwrap_or(Fault {
                    what,
                    ..Fault::default()
                })))
            }
        }
    }

    /// The plugin's key.
    pub(in crate::conformance) fn key(&self) -> Played<&str> {
        let why = "it does not get as far as naming its key";
        let key = self.key.as_deref();
        key.ok_or_else(|| Stop::NotChecked(why.to_owned()))
    }

    /// The texts that may be run.
    pub(super) fn texts(&self) -> Played<Vec<String>> {
        self.key()?;
        if self.texts.is_empty() {
            let why = "no text is known to be harmless; name one that may be run";
            return Err(Stop::NotChecked(why.to_owned()));
        }
        Ok(self.texts.clone())
    }

    pub(in crate::conformance) fn command_lines(&self) -> Vec<String> {
        self.texts.clone()
    }

    /// A conversation in which nothing was said yet, with a program that was given more arguments.
    pub(super) fn raw<T>(
        &mut self,
        more: &'static [&'static str],
        play: impl FnOnce(&mut Conversation) -> Played<T>,
    ) -> Played<T> {
        let process = match self.plugin.start_raw(RawStart::SocketPath(more)) {
            Ok(process) => process,
            Err(error) => return broken(format!("it cannot be started: {error}")),
        };
        let mut conversation = match Conversation::connect(process, self.timeout, &self.noticed) {
            Ok(conversation) => conversation,
            Err(fault) => {
                let what = fault.what.clone();
                self.fault = Some(fault);
                return broken(what);
            }
        };
        let played = play(&mut conversation);
        if let Err(Stop::Broken(what)) = &played {
            self.fault = Some(conversation.fault(what.clone()));
        }
        played
    }

    /// A conversation in which the plugin has named its key.
    pub(super) fn greet<T>(
        &mut self,
        play: impl FnOnce(&mut Conversation) -> Played<T>,
    ) -> Played<T> {
        self.key()?;
        self.raw(&[], |it| {
            it.greet(VERSION)?;
            play(it)
        })
    }

    /// The same, with a plugin that starts and ends executions.
    pub(super) fn talk<T>(
        &mut self,
        play: impl FnOnce(&mut Conversation) -> Played<T>,
    ) -> Played<T> {
        self.executing()?;
        self.greet(play)
    }

    pub(super) fn executing(&self) -> Played {
        self.key()?;
        match self.executes {
            true => Ok(()),
            false => {
                let why = "it does not get as far as the end of a dry execution";
                Err(Stop::NotChecked(why.to_owned()))
            }
        }
    }

    /// An execution that only says what it would do, of an empty text: the one that harms nobody.
    pub(super) fn dry(&self) -> Tree {
        let mut message = self.execute("");
        message["payload"]["dry"] = true.into();
        message
    }

    /// An execution, for hosts of any generation.
    pub(super) fn execute(&self, text: &str) -> Tree {
        json!({"type": "Execute", "payload": {
            "params": text,
            "command": text,
            "args": [],
            "dir": self.directory.to_string_lossy(),
            "envs": {},
            "vars": {},
            "dry": false,
        }})
    }
}

impl Conversation {
    /// It still answers.
    pub(super) fn goes_on(&mut self, dry: &Tree) -> Played {
        let order = self.ask(dry);
        self.finished(order).map(drop)
    }
}
