//! The commands that there are: of the plugins that the command line names, and of those that are installed.

mod advice;

use std::path::{Path, PathBuf};
use std::time::Duration;

use pegboard_args::Usage;
use pegboard_host::manifest::index;
use pegboard_host::protocol::nu::{Flag, PluginSignature};
use pegboard_host::store::{Snapshot, Store};
use pegboard_host::{Command, Engine, Error, LabeledError, Protocol};

use crate::exit::Failure;
use crate::line::Stage;
use crate::listing::commands as listed;
use crate::{installed, terminal};

/// Beside what the host says about the text of a task.
const TEXT_FROM_STDIN: &str =
    " Left out, or as -, it is standard input up to its end, and the task has no input then.";

/// Where commands are looked for.
pub(crate) struct Commands<'a> {
    engine: &'a Engine,
    store: Store,
    snapshot: Snapshot,
    /// Of the plugins that the command line names.
    named: Vec<Command>,
    /// How long a plugin may take to say what it can, if that is bounded.
    patience: Option<Duration>,
}

/// What a line begins with.
pub(crate) enum Found {
    /// A command, whose name is so many words.
    Command(Box<Command>, usize),
    /// A group of commands, about which help is wanted: this.
    Help(String),
}

impl<'a> Commands<'a> {
    /// Starts the plugins that the command line names, each within `patience` if there is one; of those that are installed
    /// it reads the index. Plugins are named by their file, or by their name if they are installed.
    pub(crate) fn new(
        engine: &'a Engine,
        plugins: &[PathBuf],
        patience: Option<Duration>,
    ) -> Result<Commands<'a>, Failure> {
        let store = installed::store()?;
        let snapshot = installed::read(&store)?;
        let mut named = Vec::new();
        for path in plugins {
            let known = match by_name(&snapshot, path) {
                Some(plugin) => installed::load(engine, &store, &snapshot, plugin, patience),
                None => {
                    let asked = engine.load(path).and_then(|plugin| {
                        let signatures = installed::signatures_of(&plugin, patience)?;
                        Ok((plugin, signatures.to_vec()))
                    });
                    asked.map_err(Failure::from)
                }
            };
            // Nobody who names a plugin wants another one instead.
            let (plugin, signatures) = known?;
            named.extend(signatures.into_iter().map(|signature| Command {
                plugin: plugin.clone(),
                signature,
            }));
        }
        Ok(Commands {
            engine,
            store,
            snapshot,
            named,
            patience,
        })
    }

    /// The command with the longest name that a line starts with; of two, that of a plugin that the command line names.
    pub(crate) fn find(&self, stage: &Stage) -> Result<Found, Failure> {
        // The name may have been quoted as one word.
        let mut words: Vec<&str> = stage.words.iter().map(|word| word.item.as_str()).collect();
        let first = words.first().copied().unwrap_or_default();
        let mut parts: Vec<&str> = first.split_whitespace().collect();
        if parts.len() > 1 {
            words.splice(..1, parts.drain(..));
        }
        let parts = Parts::of(stage);
        if let Some(help) = self.known_help(&parts.words)? {
            return Ok(Found::Help(help));
        }
        if let Some((command, used)) = self.longest(&parts.words)?
            && let Some(used) = parts.whole(used)
        {
            return Ok(Found::Command(Box::new(command), used));
        }
        self.group(stage, &words).map(Found::Help)
    }

    /// The command with the longest name that the words begin with, and how many words that is.
    pub(crate) fn longest(&self, words: &[&str]) -> Result<Option<(Command, usize)>, Failure> {
        if words.is_empty() {
            return Ok(None);
        }
        let named = longest(&self.named, words);
        Ok(match (named, self.installed(words)) {
            (Some((command, used)), Some((_, other))) if used >= other => {
                Some((command.clone(), used))
            }
            (_, Some((command, _))) => Some(self.of_installed(command.plugin(), words)?),
            (Some((command, used)), None) => Some((command.clone(), used)),
            (None, None) => None,
        })
    }

    /// The names of all commands.
    pub(crate) fn names(&self) -> Vec<&str> {
        let given = self.named.iter().map(|it| it.signature.sig.name.as_str());
        let installed = self.snapshot.index().commands();
        let installed = installed
            .filter(|command| !self.is_given(command.plugin().name()))
            .map(|command| command.name());
        let mut names: Vec<&str> = given
            .chain(installed)
            .filter(|name| !name.trim().is_empty())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The help of an installed command, if the words ask for that. Even a plugin that has changed is not started for it.
    fn known_help(&self, words: &[&str]) -> Result<Option<String>, Failure> {
        let mut flags = words.iter().take_while(|word| **word != "--");
        let Some(flag) = flags.find(|word| matches!(**word, "--help" | "-h")) else {
            return Ok(None);
        };
        let Some((command, used)) = self.installed(words) else {
            return Ok(None);
        };
        if longest(&self.named, words).is_some_and(|(_, other)| other >= used) {
            return Ok(None);
        }
        let known = self.snapshot.signatures(command.plugin().name())?;
        let known = known.unwrap_or_default();
        let is_help = |signature: &&PluginSignature| {
            let own = |flag: &Flag| flag.short == Some('h') && flag.long != "help";
            signature.sig.name == command.name()
                && (*flag == "--help" || !signature.sig.named.iter().any(own))
        };
        match known.iter().find(is_help) {
            Some(signature) => {
                let protocol = Protocol::from_name(command.plugin().kind());
                Ok(Some(
                    self.usage(signature, protocol.unwrap_or(Protocol::Nushell))?,
                ))
            }
            None => Ok(None),
        }
    }

    /// The help of a command, with a list of the commands whose names begin with its own.
    pub(crate) fn usage(
        &self,
        signature: &PluginSignature,
        protocol: Protocol,
    ) -> Result<String, Failure> {
        let mut signature = signature.clone();
        if let (Protocol::Octa, Some(text)) =
            (protocol, signature.sig.required_positional.first_mut())
        {
            text.desc.push_str(TEXT_FROM_STDIN);
        }
        let usage = Usage::new(&signature).width(terminal::output_width());
        let words: Vec<&str> = signature.sig.name.split_whitespace().collect();
        let below = listed(&self.signatures_below(&words)?);
        Ok(match below.is_empty() {
            true => usage.to_string(),
            false => format!("{usage}\nCommands:\n{below}"),
        })
    }

    /// The longest match of an installed plugin, unless one of the same name was given.
    fn installed(&self, words: &[&str]) -> Option<(index::Command<'_>, usize)> {
        let index = self.snapshot.index();
        let (command, used) = index.longest(words)?;
        let free = |command: &index::Command<'_>| !self.is_given(command.plugin().name());
        let command = index.named(command.name()).find(free)?;
        Some((command, used))
    }

    fn is_given(&self, plugin: &str) -> bool {
        self.named
            .iter()
            .any(|command| command.plugin.name() == plugin)
    }

    /// The command of this plugin that the words begin with, if it still has it.
    fn of_installed(
        &self,
        plugin: index::Plugin<'_>,
        words: &[&str],
    ) -> Result<(Command, usize), Failure> {
        let loaded = installed::load(
            self.engine,
            &self.store,
            &self.snapshot,
            plugin,
            self.patience,
        )?;
        let commands: Vec<Command> = loaded
            .1
            .into_iter()
            .map(|signature| Command {
                plugin: loaded.0.clone(),
                signature,
            })
            .collect();
        let found = longest(&commands, words).map(|(command, used)| (command.clone(), used));
        found.ok_or_else(|| {
            let error = LabeledError::new(format!(
                "the plugin {} has changed and does not have this command any more",
                plugin.name()
            ));
            let help = format!("see `pegboard inspect {}`", plugin.name());
            Failure::misuse(
                error
                    .with_code("pegboard::run::unknown_command")
                    .with_help(help),
            )
        })
    }

    /// The signatures of the commands below a group of names.
    fn signatures_below(&self, words: &[&str]) -> Result<Vec<PluginSignature>, Failure> {
        let is_below = |signature: &PluginSignature| is_below(&signature.sig.name, words);
        let mut found: Vec<PluginSignature> = self
            .named
            .iter()
            .map(|command| command.signature.clone())
            .filter(is_below)
            .collect();
        let index = self.snapshot.index();
        let prefix = format!("{} ", words.join(" "));
        let mut plugins: Vec<&str> = index
            .starting_with(&prefix)
            .map(|command| command.plugin().name())
            .filter(|plugin| !self.is_given(plugin))
            .collect();
        plugins.sort_unstable();
        plugins.dedup();
        for plugin in plugins {
            let signatures = self.snapshot.signatures(plugin)?.unwrap_or_default();
            found.extend(signatures.into_iter().filter(is_below));
        }
        found.sort_by(|a, b| a.sig.name.cmp(&b.sig.name));
        Ok(found)
    }

    /// The help for a group of commands, if the line asks for it; else what is wrong with the line.
    fn group(&self, stage: &Stage, words: &[&str]) -> Result<String, Failure> {
        let head = words
            .iter()
            .take_while(|word| !word.starts_with('-'))
            .count();
        let group = match head {
            0 => Vec::new(),
            _ => self.signatures_below(&words[..head])?,
        };
        let wants_help = words
            .get(head)
            .is_some_and(|word| matches!(*word, "--help" | "-h"));
        let error = match group.as_slice() {
            [_, ..] if wants_help => return Ok(format!("Commands:\n{}", listed(&group))),
            [_, ..] if head == words.len() => {
                let typed = words.join(" ");
                let names: Vec<&str> = group.iter().map(|one| one.sig.name.as_str()).collect();
                LabeledError::new(format!("`{typed}` is a group of commands"))
                    .with_code("pegboard::run::incomplete_command")
                    .with_label("needs the name of a command", stage.head(stage.words.len()))
                    .with_help(format!("there are\n{}", names.join("\n")))
            }
            _ => self.unknown(stage, words),
        };
        Err(Failure::new(Error::misuse(error), &stage.sources))
    }

    fn unknown(&self, stage: &Stage, words: &[&str]) -> LabeledError {
        if let Some((command, used)) = self.snapshot.index().longest(words)
            && self.is_given(command.plugin().name())
        {
            let (name, plugin) = (command.name(), command.plugin().name());
            return LabeledError::new(format!("the plugin {plugin} has no command `{name}`"))
                .with_code("pegboard::run::unknown_command")
                .with_label("unknown command", stage.head(used.min(stage.words.len())))
                .with_help(format!(
                    "the installed plugin {plugin} has it, but `--plugin` names another plugin {plugin}"
                ));
        }
        let names = self.names();
        let index = self.snapshot.index();
        let plugins = self.engine.plugins();
        let among = match plugins.as_slice() {
            [] if index.plugins().len() == 0 => advice::Among::Nothing,
            [plugin] if index.plugins().len() == 0 => advice::Among::One(plugin.name()),
            _ => advice::Among::Several,
        };
        let first = words.first().copied().unwrap_or_default();
        let of_plugin = self.of_plugin(first);
        advice::unknown(stage, words, &names, among, of_plugin.as_ref())
    }

    /// What there is of the plugin of this name.
    fn of_plugin(&self, name: &str) -> Option<advice::OfPlugin<'_>> {
        let given = self.named.iter().filter(|it| it.plugin.name() == name);
        let given: Vec<_> = given.collect();
        if let Some(first) = given.first() {
            return Some(advice::OfPlugin {
                protocol: first.plugin.protocol(),
                commands: given
                    .iter()
                    .map(|it| it.signature.sig.name.as_str())
                    .collect(),
            });
        }
        let plugin = self.snapshot.index().plugin(name)?;
        Some(advice::OfPlugin {
            protocol: Protocol::from_name(plugin.kind())?,
            commands: plugin.commands().map(|command| command.name()).collect(),
        })
    }
}

/// The installed plugin that a `--plugin` means, if it is a name and not the path of a file.
fn by_name<'a>(snapshot: &'a Snapshot, path: &Path) -> Option<index::Plugin<'a>> {
    snapshot.index().plugin(installed::name(path)?)
}

/// The words of a stage taken apart, since names may be quoted, as a whole or in part.
struct Parts<'a> {
    words: Vec<&'a str>,
    /// How many words of the stage are over behind each; none in the middle of one.
    ends: Vec<Option<usize>>,
}

impl<'a> Parts<'a> {
    fn of(stage: &'a Stage) -> Parts<'a> {
        let (mut words, mut ends) = (Vec::new(), Vec::new());
        for (index, word) in stage.words.iter().enumerate() {
            let parts: Vec<&str> = word.item.split_whitespace().collect();
            if parts.len() < 2 {
                words.push(word.item.as_str());
            } else {
                words.extend(parts);
            }
            ends.resize(words.len() - 1, None);
            ends.push(Some(index + 1));
        }
        Parts { words, ends }
    }

    /// How many words of the stage so many parts are, if they are whole ones.
    fn whole(&self, parts: usize) -> Option<usize> {
        *self.ends.get(parts.checked_sub(1)?)?
    }
}

fn longest<'a>(commands: &'a [Command], words: &[&str]) -> Option<(&'a Command, usize)> {
    let mut best: Option<(&Command, usize)> = None;
    for command in commands {
        let name: Vec<&str> = command.signature.sig.name.split_whitespace().collect();
        let longer = best.is_none_or(|(_, words)| name.len() > words);
        if !name.is_empty() && longer && words.starts_with(&name) {
            best = Some((command, name.len()));
        }
    }
    best
}

/// True if the name begins with these words and goes on.
fn is_below(name: &str, words: &[&str]) -> bool {
    let name: Vec<&str> = name.split_whitespace().collect();
    name.len() > words.len() && name.starts_with(words)
}
