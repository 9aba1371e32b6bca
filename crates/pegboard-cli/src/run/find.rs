//! The command that a line means.

use pegboard_host::protocol::nu::PluginSignature;
use pegboard_host::{Command, Engine, Error, LabeledError};

use crate::exit::{Failure, print_error};
use crate::line::Stage;
use crate::listing::commands as listed;
use crate::terminal;

/// How many commands an error lists.
const LISTED: usize = 12;

/// What a line begins with.
pub(super) enum Found {
    /// A command, whose name is so many words, with a list of the commands that are below it.
    Command(Box<Command>, usize, String),
    /// A group of commands, about which help is wanted: this.
    Help(String),
}

/// The command with the longest name that the line starts with. Starts all plugins; those that cannot be started are
/// shown, and are an error only if no other has the command.
pub(super) fn command(engine: &Engine, line: &Stage) -> Result<Found, Failure> {
    let (commands, mut failed) = known(engine);
    // The name may have been quoted as one word.
    let mut words: Vec<&str> = line.words.iter().map(|word| word.item.as_str()).collect();
    let mut parts: Vec<&str> = words
        .first()
        .map_or("", |first| first)
        .split_whitespace()
        .collect();
    if parts.len() > 1 {
        words.splice(..1, parts.drain(..));
    }
    let joined = words.len() - line.words.len();
    let found = longest(&commands, &words).filter(|(_, used)| *used > joined);
    if found.is_none() && !failed.is_empty() {
        let error = failed.remove(0);
        failed.iter().for_each(left_out);
        return Err(error.into());
    }
    failed.iter().for_each(left_out);
    if let Some((command, used)) = found {
        let below = commands.iter().map(|command| &command.signature);
        let below = listed(below.filter(|one| is_below(&one.sig.name, &words[..used])));
        return Ok(Found::Command(
            Box::new(command.clone()),
            used - joined,
            below,
        ));
    }
    let head = words
        .iter()
        .take_while(|word| !word.starts_with('-'))
        .count();
    let group: Vec<&PluginSignature> = commands
        .iter()
        .map(|command| &command.signature)
        .filter(|signature| head > 0 && is_below(&signature.sig.name, &words[..head]))
        .collect();
    let wants_help = words
        .get(head)
        .is_some_and(|word| matches!(*word, "--help" | "-h"));
    let error = match group.as_slice() {
        [_, ..] if wants_help => return Ok(Found::Help(format!("Commands:\n{}", listed(group)))),
        [_, ..] if head == words.len() => {
            let typed = words.join(" ");
            LabeledError::new(format!("`{typed}` is a group of commands"))
                .with_code("pegboard::run::incomplete_command")
                .with_label("needs the name of a command", line.head(line.words.len()))
                .with_help(format!("there are\n{}", names(&group)))
        }
        _ => {
            let names: Vec<&str> = commands
                .iter()
                .map(|command| command.signature.sig.name.as_str())
                .filter(|name| !name.trim().is_empty())
                .collect();
            unknown(engine, line, &words, &names)
        }
    };
    Err(Failure::new(Error::misuse(error), &line.sources))
}

/// The commands of all plugins, and why there are none of some plugins.
fn known(engine: &Engine) -> (Vec<Command>, Vec<Error>) {
    let (mut commands, mut failed) = (Vec::new(), Vec::new());
    for plugin in engine.plugins() {
        match plugin.signatures() {
            Ok(signatures) => commands.extend(signatures.iter().map(|signature| Command {
                plugin: plugin.clone(),
                signature: signature.clone(),
            })),
            Err(error) => failed.push(error),
        }
    }
    (commands, failed)
}

fn left_out(error: &Error) {
    let report = error.report(None, terminal::report_style());
    print_error(&format!("warning: a plugin is left out\n{report}"));
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

fn names(group: &[&PluginSignature]) -> String {
    let mut names: Vec<&str> = group.iter().map(|one| one.sig.name.as_str()).collect();
    names.sort_unstable();
    names.join("\n")
}

fn unknown(engine: &Engine, line: &Stage, words: &[&str], names: &[&str]) -> LabeledError {
    let first = words.first().copied().unwrap_or_default();
    if first.starts_with('-') {
        return LabeledError::new(format!("there is no option `{first}`"))
            .with_code("pegboard::run::unknown_option")
            .with_label(
                "expected an option of `pegboard run` or a command",
                line.head(1),
            )
            .with_help("see `pegboard run --help`");
    }
    let count = words_meant(words, names);
    let typed = words[..count].join(" ");
    let message = match engine.plugins().as_slice() {
        [plugin] => format!("the plugin {} has no command `{typed}`", plugin.name()),
        _ => format!("none of the plugins has a command `{typed}`"),
    };
    LabeledError::new(message)
        .with_code("pegboard::run::unknown_command")
        .with_label(
            "unknown command",
            line.head(count.saturating_sub(words.len() - line.words.len()).max(1)),
        )
        .with_help(advice(&typed, first, names))
}

/// How many words were probably meant as the command's name: as many as go on with the words of some name, and one.
fn words_meant(words: &[&str], names: &[&str]) -> usize {
    let shared = names.iter().map(|name| {
        let pairs = name.split(' ').zip(words);
        pairs.take_while(|(name, word)| name == *word).count()
    });
    let most = shared.max().unwrap_or(0) + 1;
    most.min(words.len())
}

fn advice(typed: &str, first: &str, names: &[&str]) -> String {
    if names.is_empty() {
        return "the plugins have no commands at all".to_owned();
    }
    let mut near: Vec<(usize, &str)> = names
        .iter()
        .map(|name| (strsim::damerau_levenshtein(typed, name), *name))
        .filter(|(distance, name)| *distance <= (name.chars().count() / 3).max(1))
        .collect();
    near.sort_unstable();
    if !near.is_empty() {
        let near: Vec<String> = near
            .iter()
            .take(3)
            .map(|(_, name)| format!("`{name}`"))
            .collect();
        return format!("did you mean {}?", near.join(" or "));
    }
    let begin_alike = names
        .iter()
        .filter(|name| name.split(' ').next() == Some(first));
    let mut listed: Vec<&&str> = begin_alike.collect();
    if listed.is_empty() {
        listed = names.iter().collect();
    }
    listed.sort_unstable();
    let more = listed.len().saturating_sub(LISTED);
    let names: Vec<String> = listed
        .iter()
        .take(LISTED)
        .map(|name| format!("`{name}`"))
        .collect();
    let more = if more > 0 {
        format!(" and {more} more, see `pegboard inspect`")
    } else {
        String::new()
    };
    format!("there are {}{more}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_names_what_is_near() {
        let names = ["ref values", "ref echo", "ref engine env", "inc"];
        for (line, typed, expected) in [
            ("ref ehco x", "ref ehco", "did you mean `ref echo`?"),
            (
                "ref nothing x",
                "ref nothing",
                "there are `ref echo`, `ref engine env`, `ref values`",
            ),
            (
                "ref engine env2 x",
                "ref engine env2",
                "did you mean `ref engine env`?",
            ),
            ("icn --major", "icn", "did you mean `inc`?"),
            (
                "other",
                "other",
                "there are `inc`, `ref echo`, `ref engine env`, `ref values`",
            ),
        ] {
            let words: Vec<&str> = line.split(' ').collect();
            let meant = words[..words_meant(&words, &names)].join(" ");
            assert_eq!(meant, typed);
            assert_eq!(advice(&meant, words[0], &names), expected, "{line}");
        }
    }
}
