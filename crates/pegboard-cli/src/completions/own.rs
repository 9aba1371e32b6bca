//! Candidates for pegboard's own words: everything that its command line is known to take.

use clap::{Arg, Command, CommandFactory, ValueHint};
use pegboard_host::store::Snapshot;
use pegboard_testkit::conformance::{Protocol, rules};

use super::answer::{Answer, Files};
use super::given::Given;
use super::plugin::{self, Known};
use super::typed::Typed;
use crate::options::Options;

/// What clap does not know about an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Values {
    Installed,
    InstalledOrFiles,
    Rules,
}

/// Arguments by the names of their command and of themselves.
const VALUES: &[(&str, &str, Values)] = &[
    ("remove", "names", Values::Installed),
    ("doctor", "names", Values::Installed),
    ("inspect", "plugin", Values::InstalledOrFiles),
    ("run", "plugins", Values::InstalledOrFiles),
    ("show", "plugin", Values::Installed),
    ("test", "plugin", Values::InstalledOrFiles),
    ("test", "rules", Values::Rules),
];

/// The words of pegboard's own, as far as they were read.
struct Line<'a> {
    command: &'a Command,
    /// The arguments that were given, with their words; none for switches.
    given: Vec<(&'a Arg, Option<&'a str>)>,
    /// A flag whose value comes next.
    pending: Option<&'a Arg>,
    flags_ended: bool,
}

/// What can stand at the cursor. A line that makes no sense has no candidates.
///
/// `given` tells what is known of the plugins that the line names and that are not installed.
pub(super) fn answer(
    snapshot: &Snapshot,
    typed: &Typed,
    given: &dyn Fn(&[&str]) -> Vec<Given>,
) -> Answer {
    let mut command = Options::command();
    command.build();
    let mut line = Line {
        command: &command,
        given: Vec::new(),
        pending: None,
        flags_ended: false,
    };
    let current = typed.current.as_str();
    for (number, word) in typed.before.iter().enumerate() {
        if line.command.get_name() == "help" {
            return help(snapshot, &command, &typed.before[number..], current);
        }
        if line.ends_pegboards_own(word) {
            let plugins = line.plugins();
            let known = Known::new(snapshot, &plugins, given(&plugins));
            return plugin::answer(&known, &typed.before[number..], current);
        }
        if line.take(word).is_none() {
            return Answer::default();
        }
    }
    if line.command.get_name() == "help" && !line.is_flag(current) {
        return help(snapshot, &command, &[], current);
    }
    if line.ends_pegboards_own(current) {
        let plugins = line.plugins();
        let known = Known::new(snapshot, &plugins, given(&plugins));
        return plugin::answer(&known, &[], current);
    }
    line.answer(snapshot, current)
}

/// What there is help about: pegboard's own commands, and those of plugins.
fn help(snapshot: &Snapshot, program: &Command, words: &[String], current: &str) -> Answer {
    let mut answer = Answer::default();
    let own = words
        .iter()
        .try_fold(program, |command, word| command.find_subcommand(word));
    if let Some(command) = own {
        offer_commands(command, &mut answer);
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let known = Known::new(snapshot, &[], Vec::new());
    plugin::names(&known, &words, current, &mut answer);
    answer
}

fn offer_commands(command: &Command, answer: &mut Answer) {
    for command in command.get_subcommands().filter(|it| !it.is_hide_set()) {
        answer.offer(command.get_name(), about(command.get_about()));
    }
}

impl<'a> Line<'a> {
    /// True for the first word that belongs to a command of a plugin.
    fn ends_pegboards_own(&self, word: &str) -> bool {
        let next = self.positional();
        let free = self.pending.is_none() && !self.is_flag(word);
        free && next.is_some_and(Arg::is_trailing_var_arg_set) && self.command.get_name() == "run"
    }

    /// The plugins that the line names.
    fn plugins(&self) -> Vec<&'a str> {
        let plugins = self
            .given
            .iter()
            .filter(|(arg, _)| arg.get_id() == "plugins");
        plugins.filter_map(|(_, value)| *value).collect()
    }

    /// Reads a word. None if it makes no sense.
    fn take(&mut self, word: &'a str) -> Option<()> {
        if let Some(arg) = self.pending.take() {
            self.given.push((arg, Some(word)));
        } else if !self.flags_ended && word == "--" {
            self.flags_ended = true;
        } else if self.is_flag(word) {
            let (name, value) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (word, None),
            };
            let arg = self
                .flags()
                .find(|arg| spellings(arg).any(|it| it == name))?;
            if arg.get_action().takes_values() && value.is_none() {
                self.pending = Some(arg);
            } else {
                self.given.push((arg, value));
            }
        } else if let Some(command) = self.subcommand(word) {
            self.command = command;
            self.given.clear();
        } else {
            self.given.push((self.positional()?, Some(word)));
        }
        Some(())
    }

    fn is_flag(&self, word: &str) -> bool {
        !self.flags_ended && word.len() > 1 && word.starts_with('-')
    }

    fn subcommand(&self, word: &str) -> Option<&'a Command> {
        self.command.find_subcommand(word)
    }

    fn flags(&self) -> impl Iterator<Item = &'a Arg> {
        let arguments = self.command.get_arguments();
        arguments.filter(|arg| !arg.is_positional() && !arg.is_hide_set())
    }

    /// The positional argument that comes next.
    fn positional(&self) -> Option<&'a Arg> {
        let mut count = self
            .given
            .iter()
            .filter(|(arg, _)| arg.is_positional())
            .count();
        self.command.get_positionals().find(|arg| {
            let many = is_repeated(arg);
            let next = many || count == 0;
            count = count.saturating_sub(1);
            next
        })
    }

    fn answer(&self, snapshot: &Snapshot, current: &str) -> Answer {
        let mut answer = Answer::default();
        if let Some(arg) = self.pending {
            self.values(arg, snapshot, &mut answer);
        } else if let (true, Some((name, _))) = (self.is_flag(current), current.split_once('=')) {
            let mut flags = self.flags().filter(|arg| arg.get_action().takes_values());
            if let Some(arg) = flags.find(|arg| spellings(arg).any(|it| it == name)) {
                answer.prefix = format!("{name}=");
                self.values(arg, snapshot, &mut answer);
            }
        } else if !self.flags_ended && current.starts_with('-') {
            self.offer_flags(&mut answer);
        } else {
            for command in self
                .command
                .get_subcommands()
                .filter(|it| !it.is_hide_set())
            {
                answer.offer(command.get_name(), about(command.get_about()));
            }
            match self.positional() {
                Some(arg) => self.values(arg, snapshot, &mut answer),
                None if !self.flags_ended && !self.command.has_subcommands() => {
                    self.offer_flags(&mut answer);
                }
                None => {}
            }
        }
        answer
    }

    fn offer_flags(&self, answer: &mut Answer) {
        let used = |arg: &Arg| {
            self.given
                .iter()
                .any(|(given, _)| given.get_id() == arg.get_id())
        };
        for arg in self.flags().filter(|arg| is_repeated(arg) || !used(arg)) {
            for spelling in spellings(arg) {
                answer.offer(spelling, about(arg.get_help()));
            }
        }
    }

    fn values(&self, arg: &Arg, snapshot: &Snapshot, answer: &mut Answer) {
        for value in arg.get_possible_values() {
            if !value.is_hide_set() {
                answer.offer(value.get_name(), about(value.get_help()));
            }
        }
        let named =
            |row: &&(&str, &str, Values)| row.0 == self.command.get_name() && row.1 == arg.get_id();
        let values = VALUES.iter().find(named).map(|row| row.2);
        match values {
            Some(Values::Installed | Values::InstalledOrFiles) => {
                let given = |name: &str| self.given.contains(&(arg, Some(name)));
                let plugins = snapshot.index().plugins();
                for plugin in plugins.filter(|plugin| !given(plugin.name())) {
                    answer.offer(plugin.name(), plugin.path());
                }
            }
            Some(Values::Rules) => {
                for rule in [Protocol::Nushell, Protocol::Octa]
                    .into_iter()
                    .flat_map(rules)
                {
                    answer.offer(rule.name, rule.sentence);
                }
            }
            None => {}
        }
        answer.files = match arg.get_value_hint() {
            _ if values == Some(Values::Installed) => None,
            ValueHint::AnyPath | ValueHint::FilePath | ValueHint::ExecutablePath => {
                Some(Files::Any)
            }
            ValueHint::DirPath => Some(Files::Directories),
            _ => None,
        };
    }
}

fn is_repeated(arg: &Arg) -> bool {
    let many = arg
        .get_num_args()
        .is_some_and(|range| range.max_values() > 1);
    many || matches!(arg.get_action(), clap::ArgAction::Append)
}

/// How a flag is written.
fn spellings(arg: &Arg) -> impl Iterator<Item = String> {
    let short = arg.get_short().map(|short| format!("-{short}"));
    let long = arg.get_long().map(|long| format!("--{long}"));
    short.into_iter().chain(long)
}

fn about(text: Option<&clap::builder::StyledStr>) -> String {
    text.map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_about_an_argument() {
        let mut command = Options::command();
        command.build();
        let mut commands: Vec<&Command> = vec![&command];
        let mut found = 0;
        while let Some(command) = commands.pop() {
            if command.get_name() == "help" {
                continue;
            }
            commands.extend(command.get_subcommands());
            let known = |row: &&(&str, &str, Values)| {
                let mut arguments = command.get_arguments();
                row.0 == command.get_name() && arguments.any(|arg| arg.get_id() == row.1)
            };
            found += VALUES.iter().filter(known).count();
        }
        assert_eq!(found, VALUES.len());
    }
}
