//! What to say about a command that there is none of.

use pegboard_host::{LabeledError, Protocol};

use crate::line::Stage;
use crate::options::OF_RUN;

/// How many commands an error lists.
const LISTED: usize = 12;

/// Which plugins were looked through.
pub(super) enum Among<'a> {
    Nothing,
    One(&'a str),
    Several,
}

/// The commands of a plugin whose name was typed in place of one.
pub(super) struct OfPlugin<'a> {
    pub(super) protocol: Protocol,
    pub(super) commands: Vec<&'a str>,
}

impl OfPlugin<'_> {
    fn advice(&self, plugin: &str) -> Option<String> {
        match (self.protocol, self.commands.as_slice()) {
            (_, []) => None,
            (Protocol::Octa, [key, ..]) => Some(format!(
                "`{plugin}` is the name of the plugin, its key is `{key}`: `pegboard run {key}`"
            )),
            (Protocol::Nushell, [command]) => Some(format!(
                "`{plugin}` is the name of the plugin, its command is `{command}`"
            )),
            (Protocol::Nushell, commands) => Some(format!(
                "`{plugin}` is the name of the plugin, its commands are {}",
                listed(commands, &format!("pegboard inspect {plugin}`"))
            )),
        }
    }
}

/// The error for a line that begins with no command. `words` are those of the line, with a quoted first word taken
/// apart.
pub(super) fn unknown(
    stage: &Stage,
    words: &[&str],
    names: &[&str],
    among: Among<'_>,
    of_plugin: Option<&OfPlugin<'_>>,
) -> LabeledError {
    let first = words.first().copied().unwrap_or_default();
    if first.starts_with('-') {
        return LabeledError::new(format!("there is no option `{first}`"))
            .with_code("pegboard::run::unknown_option")
            .with_label(
                "expected an option of `pegboard run` or a command",
                stage.head(1),
            )
            .with_help("see `pegboard run --help`");
    }
    let count = words_meant(words, names);
    let typed = words[..count].join(" ");
    let message = match among {
        Among::Nothing => format!("no plugin is installed that could have a command `{typed}`"),
        Among::One(plugin) => format!("the plugin {plugin} has no command `{typed}`"),
        Among::Several => format!("none of the plugins has a command `{typed}`"),
    };
    let joined = words.len() - stage.words.len();
    let typed_option = words
        .iter()
        .take_while(|word| **word != "--")
        .find_map(|word| {
            let name = word.split('=').next().unwrap_or(word);
            OF_RUN.into_iter().find(|own| *own == name)
        });
    // Whose commands begin with its name has been named as it should be.
    let begins = names
        .iter()
        .any(|name| name.split(' ').next() == Some(first));
    let of_plugin = of_plugin
        .filter(|_| !begins)
        .and_then(|it| it.advice(first));
    let help = match among {
        _ if of_plugin.is_some() => of_plugin.unwrap_or_default(),
        Among::Nothing if typed_option.is_some() => format!(
            "pegboard's own option `{}` goes before the command",
            typed_option.unwrap_or_default()
        ),
        Among::Nothing => {
            "install one with `pegboard add PATH`, or name its file: `pegboard run --plugin PATH`"
                .to_owned()
        }
        Among::One(plugin) => advice(
            &typed,
            words,
            names,
            &format!("pegboard inspect` with the file of {plugin}"),
        ),
        _ => advice(&typed, words, names, "pegboard list --commands`"),
    };
    LabeledError::new(message)
        .with_code("pegboard::run::unknown_command")
        .with_label(
            "unknown command",
            stage.head(count.saturating_sub(joined).max(1)),
        )
        .with_help(help)
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

fn advice(typed: &str, words: &[&str], names: &[&str], listing: &str) -> String {
    let first = words.first().copied().unwrap_or_default();
    if names.is_empty() {
        return "the plugins have no commands at all".to_owned();
    }
    let mut near: Vec<(usize, &str)> = names
        .iter()
        .map(|name| {
            // What was mistyped may be any of the words of a name, of which perhaps not all were typed.
            let parts: Vec<&str> = name.split(' ').collect();
            let count = parts.len().min(words.len());
            let begin = parts[..count].join(" ");
            let begun = strsim::damerau_levenshtein(&words[..count].join(" "), &begin);
            let whole = strsim::damerau_levenshtein(typed, name);
            // Nobody meant what was typed.
            let far =
                |distance, of: &str| distance == 0 || distance > (of.chars().count() / 3).max(1);
            match (far(begun, &begin), far(whole, name)) {
                (false, _) => (begun, *name),
                (true, false) => (whole, *name),
                (true, true) => (usize::MAX, *name),
            }
        })
        .filter(|(distance, _)| *distance < usize::MAX)
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
    let mut alike: Vec<&str> = begin_alike.copied().collect();
    if alike.is_empty() {
        alike = names.to_vec();
    }
    alike.sort_unstable();
    format!("there are {}", listed(&alike, listing))
}

/// The first of these names; `listing` is what lists them all.
fn listed(names: &[&str], listing: &str) -> String {
    let more = names.len().saturating_sub(LISTED);
    let names: Vec<String> = names
        .iter()
        .take(LISTED)
        .map(|name| format!("`{name}`"))
        .collect();
    let more = match more {
        0 => String::new(),
        more => format!(" and {more} more, see `{listing}"),
    };
    format!("{}{more}", names.join(", "))
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
            ("rfe echo x", "rfe", "did you mean `ref echo`?"),
            (
                "rfe",
                "rfe",
                "did you mean `ref echo` or `ref engine env` or `ref values`?",
            ),
            (
                "other",
                "other",
                "there are `inc`, `ref echo`, `ref engine env`, `ref values`",
            ),
        ] {
            let words: Vec<&str> = line.split(' ').collect();
            let meant = words[..words_meant(&words, &names)].join(" ");
            assert_eq!(meant, typed);
            assert_eq!(advice(&meant, &words, &names, ""), expected, "{line}");
        }
    }
}
