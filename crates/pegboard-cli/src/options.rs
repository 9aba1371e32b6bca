//! The command line of `pegboard` itself.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

const EXIT_CODES: &str = "\
Exit codes:
  0    the command did its work; also when whoever reads the output stopped early
  1    the plugin said no, items of the output were errors, or it could not be written
  2    the command line or the input makes no sense
  3    a plugin did not start, went away, did not answer in time or broke the rules
  130  interrupted (Ctrl-C); 129 and 143 for a hangup and a request to terminate";

/// Run, inspect and debug plugins of command-line applications from any shell.
#[derive(Debug, Parser)]
#[command(name = "pegboard", version, after_help = EXIT_CODES)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) action: Action,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    Run(RunOptions),
    Inspect(InspectOptions),
    /// Look at what was said between engine and plugins.
    #[command(subcommand)]
    Trace(TraceAction),
}

/// Run a command of a plugin.
///
/// The words of COMMAND are matched against the commands of the plugins, longest first. The arguments behind them are
/// read by the signature of the command: `pegboard run --plugin PATH COMMAND --help` shows it. Lists and records are
/// written as JSON, everything else as Nushell writes it.
///
/// Standard input is the command's input, unless it is a terminal or empty by nature (/dev/null); it is read only as
/// far as the command wants it.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct RunOptions {
    /// A plugin: a program, or a script that its extension tells how to run. Can be repeated.
    #[arg(long = "plugin", value_name = "PATH", required = true)]
    pub(crate) plugins: Vec<PathBuf>,

    /// What standard input is. Without it, raw for commands that say they take bytes, and text for all others.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) from: Option<From>,

    /// How to write the output. Without it, text and bytes as they are, everything else as JSON.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) to: Option<To>,

    /// Write down all that is said to and by the plugins, for `pegboard trace`. Values of environment variables are
    /// left out.
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,

    /// The command and its arguments.
    #[arg(
        value_names = ["COMMAND", "ARGS"],
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub(crate) words: Vec<String>,
}

/// A form of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum From {
    /// A JSON document; several one after the other (or a line each) are a stream
    Json,
    /// UTF-8 text; a single line is a string, without its newline
    Text,
    /// Bytes, exactly
    Raw,
}

/// A form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum To {
    /// One indented JSON document
    Json,
    /// One line of JSON for each item, as it arrives
    Ndjson,
    /// Lines of text, for people and simple tools
    Text,
    /// Text and bytes exactly; no newline is added
    Raw,
}

/// Show what a plugin is and which commands it has.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct InspectOptions {
    /// The plugin: a program, or a script that its extension tells how to run.
    #[arg(value_name = "PATH")]
    pub(crate) plugin: PathBuf,

    /// Print everything as JSON, with the whole signatures.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TraceAction {
    Show(ShowOptions),
}

/// Print a recorded conversation as a readable sequence.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct ShowOptions {
    /// A file that `pegboard run --trace` has written.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}
