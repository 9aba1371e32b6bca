//! The command that a line means.

use pegboard_host::{Command, Engine, Error, LabeledError};

use crate::exit::Failure;
use crate::line::Line;

/// How many commands an error lists.
const LISTED: usize = 12;

/// The command with the longest name that the line starts with, and how many words that is.
pub(super) fn command(engine: &Engine, line: &Line) -> Result<(Command, usize), Failure> {
    let words: Vec<&str> = line.words.iter().map(|word| word.item.as_str()).collect();
    match engine.find(&words)? {
        Some(found) => Ok(found),
        None => Err(Failure::new(unknown(engine, line, &words)?, &line.sources)),
    }
}

fn unknown(engine: &Engine, line: &Line, words: &[&str]) -> Result<Error, Error> {
    let first = words.first().copied().unwrap_or_default();
    if first.starts_with('-') {
        let error = LabeledError::new(format!("there is no option `{first}`"))
            .with_code("pegboard::run::unknown_option")
            .with_label(
                "expected an option of `pegboard run` or a command",
                line.head(1),
            )
            .with_help("see `pegboard run --help`");
        return Ok(Error::misuse(error));
    }
    let mut names = Vec::new();
    for plugin in engine.plugins() {
        names.extend(
            plugin
                .signatures()?
                .iter()
                .map(|signature| signature.sig.name.clone()),
        );
    }
    let count = words_meant(words, &names);
    let typed = words[..count].join(" ");
    let message = match engine.plugins().as_slice() {
        [plugin] => format!("the plugin {} has no command `{typed}`", plugin.name()),
        _ => format!("none of the plugins has a command `{typed}`"),
    };
    let error = LabeledError::new(message)
        .with_code("pegboard::run::unknown_command")
        .with_label("unknown command", line.head(count))
        .with_help(advice(&typed, first, &names));
    Ok(Error::misuse(error))
}

/// How many words were probably meant as the command's name: as many as go on with the words of some name, and one.
fn words_meant(words: &[&str], names: &[String]) -> usize {
    let shared = names.iter().map(|name| {
        let pairs = name.split(' ').zip(words);
        pairs.take_while(|(name, word)| name == *word).count()
    });
    let most = shared.max().unwrap_or(0) + 1;
    most.min(words.len())
}

fn advice(typed: &str, first: &str, names: &[String]) -> String {
    if names.is_empty() {
        return "the plugins have no commands at all".to_owned();
    }
    let mut near: Vec<(usize, &str)> = names
        .iter()
        .map(|name| (strsim::damerau_levenshtein(typed, name), name.as_str()))
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
    let mut listed: Vec<&String> = begin_alike.collect();
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
        let names = ["ref values", "ref echo", "ref engine env", "inc"].map(str::to_owned);
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
