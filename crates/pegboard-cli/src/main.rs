//! The program `pegboard`: runs, inspects and debugs plugins of command-line applications.

mod add;
mod commands;
mod completions;
mod doctor;
mod exit;
mod help;
mod input;
mod inspect;
mod installed;
mod line;
mod list;
mod listing;
mod man;
mod msgpack;
mod options;
mod output;
mod registry;
mod remove;
mod run;
mod signals;
mod terminal;
mod test;
mod trace;

use std::process::ExitCode;

use clap::Parser;

use exit::Exit;
use options::{Action, Options};

fn main() -> ExitCode {
    let exit = match Options::try_parse() {
        Ok(options) => {
            let exit = match options.action {
                Action::Add(options) => add::add(&options),
                Action::List(options) => list::list(&options),
                Action::Remove(options) => remove::remove(&options),
                Action::Run(options) => run::run(&options),
                Action::Doctor(options) => doctor::doctor(&options),
                Action::Help(options) => help::help(&options),
                Action::Import(options) => registry::import(&options),
                Action::Export(options) => registry::export(&options),
                Action::Inspect(options) => inspect::inspect(&options),
                Action::Test(options) => test::test(&options),
                Action::Trace(action) => trace::act(&action),
                Action::Completions(options) => completions::completions(&options),
                Action::Complete(options) => completions::complete(&options),
                Action::Man(options) => man::man(&options),
            };
            exit.unwrap_or_else(Exit::shown)
        }
        Err(error) => options::refused(&error),
    };
    if let Exit::Signalled(signal) = exit {
        signals::end_by(signal);
    }
    exit.into()
}
