//! Where rules for Octa plugins are played: the plugin, what is known about it, and conversations with it.

use std::path::PathBuf;

use pegboard_host::{Plugin, RawStart};
use serde_json::{Value as Tree, json};

use super::conversation::Conversation;
use crate::conformance::play::{Grounds, Played, Plays, Stop};
use crate::conformance::report::Outcome;
use crate::conformance::rule::{Judge, Rule};
use crate::conformance::{Options, Subject};

/// The version that a host says, unless another is the point.
pub(super) const VERSION: &str = "0.2.1";

/// The plugin, and what is known about it.
pub(in crate::conformance) struct Stage {
    grounds: Grounds,
    pub(super) program: PathBuf,
    texts: Vec<String>,
    key: Option<String>,
    /// It starts and ends a dry execution.
    executes: bool,
}

impl Plays for Stage {
    fn grounds(&self) -> &Grounds {
        &self.grounds
    }

    fn play(&mut self, rule: &Rule) -> Option<Outcome> {
        let Judge::PlaysOcta(play) = rule.judge else {
            return None;
        };
        let played = play(self);
        Some(self.grounds.verdict(played))
    }

    fn unheard(&self) -> Option<Outcome> {
        self.key().err().and_then(Stop::excuse)
    }

    fn command_lines(&self) -> Vec<String> {
        self.texts.clone()
    }
}

impl Stage {
    /// Finds out how far the plugin gets.
    pub(in crate::conformance) fn set(
        plugin: Plugin,
        subject: &Subject,
        options: &Options,
    ) -> Stage {
        let mut stage = Stage {
            grounds: Grounds::new(plugin, subject, options),
            program: subject.program.clone(),
            texts: options.commands.clone(),
            key: None,
            executes: false,
        };
        stage.key = stage.raw(&[], |it| it.greet(VERSION)).ok();
        let dry = stage.dry();
        stage.executes = stage.greet(|it| it.goes_on(&dry)).is_ok();
        stage.grounds.forget();
        stage
    }

    /// The plugin's key.
    pub(super) fn key(&self) -> Played<&str> {
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

    /// A conversation in which nothing was said yet, with a program that was given more arguments.
    pub(super) fn raw<T>(
        &mut self,
        more: &'static [&'static str],
        play: impl FnOnce(&mut Conversation) -> Played<T>,
    ) -> Played<T> {
        let start = RawStart::SocketPath(more);
        self.grounds.converse(start, Conversation::new, play)
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
            "dir": self.grounds.directory.to_string_lossy(),
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
