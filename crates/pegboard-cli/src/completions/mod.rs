//! Completion in shells: scripts that hook pegboard in, and the candidates that they ask for.

mod answer;
mod ask;
mod given;
mod own;
mod plugin;
mod quote;
#[cfg(test)]
mod tests;
mod typed;

use std::borrow::Cow;
use std::ffi::OsString;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::exit::{Exit, Failure, write_out};
use crate::installed;
use crate::options::EXIT_CODES;
use typed::Typed;

/// How long somebody is waited for who changes the store.
const PATIENCE: Duration = Duration::from_millis(500);

/// Print a script that completes command lines of pegboard in a shell.
///
/// It completes commands and flags of the installed plugins from their index, which starts nothing, and asks a plugin only
/// for values that it completes itself, and once for its commands where `--plugin` names it and it is not installed. How to install the script is told in its first lines.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct CompletionsOptions {
    /// The shell.
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

/// Print the candidates for the word that is being typed; the scripts of `pegboard completions` run this.
///
/// A line is VALUE, tab, description. A line that begins with a tab says that file names fit as well: tab, `files` or
/// `directories`, tab, what of the word stands in front of the name.
#[derive(Args, Debug)]
pub(crate) struct CompleteOptions {
    /// Who asks, which decides how words are quoted.
    #[arg(value_enum, value_name = "SHELL")]
    asker: Asker,

    /// The words of the line up to the cursor, from `pegboard` on; the last one is being typed and may be empty.
    #[arg(
        value_name = "WORDS",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    words: Vec<OsString>,
}

/// A shell that has a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
    Elvish,
    Powershell,
    Nushell,
}

/// A program that asks for candidates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Asker {
    /// Instead of words the line up to the cursor, as typed, and COMP_WORDBREAKS
    Bash,
    /// Words without quotes, both ways
    Zsh,
    /// The last word as typed; candidates without quotes
    Fish,
    /// Words without quotes, both ways
    Elvish,
    /// Words without quotes, the last one behind a colon; candidates with quotes where they are needed
    Powershell,
    /// Words as typed; candidates with quotes where they are needed
    Nushell,
    /// Words without quotes, both ways
    Plain,
}

impl Shell {
    fn script(self) -> &'static str {
        match self {
            Shell::Bash => include_str!("scripts/pegboard.bash"),
            Shell::Zsh => include_str!("scripts/pegboard.zsh"),
            Shell::Fish => include_str!("scripts/pegboard.fish"),
            Shell::Elvish => include_str!("scripts/pegboard.elv"),
            Shell::Powershell => include_str!("scripts/pegboard.ps1"),
            Shell::Nushell => include_str!("scripts/pegboard.nu"),
        }
    }
}

/// `pegboard completions`
pub(crate) fn completions(options: &CompletionsOptions) -> Result<Exit, Failure> {
    Ok(write_out(options.shell.script()))
}

/// `pegboard complete`: whatever is wrong, with the line or with plugins, is no candidate and no message in the middle of
/// what somebody is typing.
pub(crate) fn complete(options: &CompleteOptions) -> Result<Exit, Failure> {
    // A word that is no text is not the one that is completed, and only has to be passed over.
    let words = options.words.iter().map(|word| word.to_string_lossy());
    let words: Vec<String> = words.map(Cow::into_owned).collect();
    let typed = Typed::read(options.asker, &words);
    let (Some(typed), Ok(store)) = (typed, installed::store()) else {
        return Ok(Exit::Done);
    };
    let store = store.with_patience(PATIENCE);
    let Ok(snapshot) = store.read() else {
        return Ok(Exit::Done);
    };
    let given = |plugins: &[&str]| given::given(&store, &snapshot, plugins);
    let mut answer = own::answer(&snapshot, &typed, &given);
    if let Some(question) = answer.question.take() {
        ask::ask(&store, &snapshot, &question, &mut answer);
    }
    Ok(write_out(&answer.print(options.asker, &typed)))
}
