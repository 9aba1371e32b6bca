//! `pegboard help`: of the program itself, and of the commands of installed plugins.

use clap::{CommandFactory, Parser};

use crate::commands::{Commands, Found};
use crate::exit::{Exit, Failure, write_out};
use crate::line::Line;
use crate::options::{HelpOptions, Options, refused};
use crate::run::engine;

pub(crate) fn help(options: &HelpOptions) -> Result<Exit, Failure> {
    if is_own(&options.words) {
        let words = options.words.iter().map(String::as_str);
        let line = ["pegboard"].into_iter().chain(words).chain(["--help"]);
        if let Err(help) = Options::try_parse_from(line) {
            return Ok(refused(&help));
        }
    }
    // Not the program's own: then it is a command of a plugin, of which the index tells.
    let mut words = options.words.clone();
    words.push("--help".to_owned());
    let engine = engine(None)?;
    let commands = Commands::new(&engine, &[], None)?;
    for stage in Line::new(&words)?.stages()? {
        if let Found::Help(help) = commands.find(&stage)? {
            return Ok(write_out(&help));
        }
    }
    Ok(Exit::Done)
}

/// True for one of the program's own commands, and for no word at all.
fn is_own(words: &[String]) -> bool {
    let mut program = Options::command();
    program.build();
    let mut command = Some(&program);
    for word in words {
        command = command.and_then(|command| command.find_subcommand(word));
    }
    command.is_some()
}
