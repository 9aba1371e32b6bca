//! The command line of `pegboard` itself.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use pegboard_host::Protocol;

use semver::Version;

use crate::completions::{CompleteOptions, CompletionsOptions};
use crate::exit::{Exit, written};
use crate::line::Line;
use crate::man::ManOptions;
use crate::test::TestOptions;
use crate::trace::TraceAction;

/// The exit codes of all commands but for some words about the first.
macro_rules! exit_codes {
    ($failed:literal) => {
        concat!(
            "\
Exit codes:
  0    the command did its work; also when whoever reads the output stopped early
  1    ",
            $failed,
            "
  2    the command line or the input makes no sense
  3    a plugin did not start, went away, did not answer in time or broke the rules
  4    the output, a file or the store of plugins could not be written
  130  interrupted (Ctrl-C); 129 and 143 for a hangup and a request to terminate"
        )
    };
}

pub(crate) const EXIT_CODES: &str =
    exit_codes!("the plugin said no, or items of the output were errors");
pub(crate) const RUN_EXIT_CODES: &str = concat!(
    exit_codes!("the plugin said no, or items of the output were errors"),
    "

A command of an Octa plugin runs a task; if that ends with another exit code than 0, it is that of pegboard too. \
So that the two can be told apart, pegboard's own are then 121 to 124 in place of 1 to 4, with the error on standard error."
);
const ALL_EXIT_CODES: &str = exit_codes!(
    "the plugin said no, items of the output were errors, or a check found something wrong"
);

/// Run, inspect and debug plugins of command-line applications from any shell.
///
/// Plugins are those of Nushell (nu_plugin_*) and those of the task runner Octa (octa_plugin_*). The commands of either are
/// run in the same way, and in one pipeline; a plugin of Octa's has one command, its key, which runs a task.
#[derive(Debug, Parser)]
#[command(
    name = "pegboard",
    version,
    disable_help_subcommand = true,
    after_help = ALL_EXIT_CODES
)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) action: Action,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    Add(AddOptions),
    List(ListOptions),
    Remove(RemoveOptions),
    Inspect(InspectOptions),
    Test(TestOptions),
    Run(RunOptions),
    Import(ImportOptions),
    Export(ExportOptions),
    Doctor(DoctorOptions),
    Help(HelpOptions),
    /// Look at what was said between engine and plugins.
    #[command(subcommand)]
    Trace(TraceAction),
    Completions(CompletionsOptions),
    #[command(hide = true)]
    Complete(CompleteOptions),
    Man(ManOptions),
}

/// Run a command of a plugin.
///
/// The words of COMMAND are matched against the commands of the installed plugins, longest first. The arguments behind them are
/// read by the signature of the command: `pegboard run COMMAND --help` shows it. Lists and records are
/// written as JSON, everything else as Nushell writes it.
///
/// Standard input is the command's input, unless it is a terminal or empty by nature (/dev/null); it is read only as
/// far as the command wants it.
///
/// A command of an Octa plugin runs a task, whose text is its first argument. Without it, or with - in its place, the text is
/// standard input up to its end, and the task has no input.
#[derive(Args, Debug)]
#[command(after_help = RUN_EXIT_CODES)]
pub(crate) struct RunOptions {
    /// A plugin beside those that are installed: a program, or a script that its extension tells how to run; or the name
    /// of an installed plugin whose commands come first. Can be repeated.
    #[arg(long = "plugin", value_name = "PATH")]
    pub(crate) plugins: Vec<PathBuf>,

    /// Read the command's input from a file instead, or from standard input (-) even if that is a terminal.
    #[arg(long, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,

    /// What the input is. Without it, what the extension of the file says; else raw for commands that say they take
    /// bytes, and text for all others: a single line is a string, more than that a stream.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) from: Option<From>,

    /// How to write the output. Without it, text and bytes as they are, other single values as text, lists, records and
    /// streams as a table on a terminal and as a line of JSON for each item elsewhere.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) to: Option<To>,

    /// Write down all that is said to and by the plugins, for `pegboard trace`. Values of environment variables are
    /// left out. An older trace is overwritten, any other file is not.
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,

    /// Give up when the plugin has not answered after this time, such as 500ms, 10s or 2min. A stream that has begun by
    /// then may go on longer.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,

    /// The command and its arguments.
    #[arg(
        value_names = ["COMMAND", "ARGS"],
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub(crate) words: Vec<OsString>,
}

/// A form of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum From {
    /// A JSON document; several one after the other (or a line each) are a stream
    Json,
    /// JSON documents, always as a stream
    #[value(alias = "jsonl")]
    Ndjson,
    /// Rows of comma-separated values below a line with the names of the columns, as a stream of records
    Csv,
    /// A MessagePack document; several one after the other are a stream
    Msgpack,
    /// UTF-8 text, as a stream of its lines
    Lines,
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
    #[value(alias = "jsonl")]
    Ndjson,
    /// Rows of comma-separated values below a line with the names of the columns
    Csv,
    /// One MessagePack document; for a stream one for each item, as it arrives
    Msgpack,
    /// Rows and columns for people
    Table,
    /// Lines of text, for people and simple tools
    Text,
    /// Text and bytes exactly, without a newline behind them; other items of a list have a line each
    Raw,
}

impl To {
    /// Whether it is a form of values, where text as it is would be one value.
    pub(crate) fn has_structure(self) -> bool {
        !matches!(self, To::Text | To::Raw)
    }
}

/// Install plugins: start each, ask what it can do, and keep that in the index.
///
/// The files stay where they are. A plugin that is installed already is asked again.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct AddOptions {
    /// Plugins: programs, or scripts that their extension tells how to run.
    #[arg(value_name = "PATH", required = true)]
    pub(crate) plugins: Vec<PathBuf>,

    /// The program that runs them, where their extension does not tell.
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) interpreter: Option<String>,

    /// What they speak. Without it, what the name of each file says: Octa's protocol if it begins with octa_plugin_, else
    /// Nushell's.
    #[arg(long, value_enum, value_name = "PROTOCOL")]
    pub(crate) protocol: Option<Spoken>,

    /// Print what was installed as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What plugins speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Spoken {
    /// The protocol of Nushell's plugins
    Nushell,
    /// The protocol of the plugins of the task runner Octa
    Octa,
}

impl Spoken {
    pub(crate) fn protocol(self) -> Protocol {
        match self {
            Spoken::Nushell => Protocol::Nushell,
            Spoken::Octa => Protocol::Octa,
        }
    }
}

/// List the installed plugins. Starts none.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct ListOptions {
    /// List their commands, with how each is used.
    #[arg(long)]
    pub(crate) commands: bool,

    /// Print everything as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Take plugins out of the index. Their files stay.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct RemoveOptions {
    /// Names of installed plugins.
    #[arg(value_name = "NAME", required = true)]
    pub(crate) names: Vec<String>,

    /// Print the names of those that were removed as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Show what a plugin is and which commands it has.
///
/// Of an installed plugin the index tells it, and nothing is started. A file is started and asked.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct InspectOptions {
    /// The name of an installed plugin, or a file: a program, or a script that its extension tells how to run.
    #[arg(value_name = "NAME|PATH")]
    pub(crate) plugin: PathBuf,

    /// Print everything as JSON, with the whole signatures.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Install the plugins that a Nushell has.
///
/// Each is started and asked, as by `pegboard add`.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct ImportOptions {
    /// The registry of Nushell. Without it, the one that Nushell uses, plugin.msgpackz in its directory of settings.
    #[arg(value_name = "REGISTRY")]
    pub(crate) registry: Option<PathBuf>,

    /// Believe what the registry says about the plugins, and start none.
    #[arg(long)]
    pub(crate) unasked: bool,

    /// Print what was installed as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Write the installed plugins as a registry of Nushell.
///
/// A Nushell that was started with `--plugin-config FILE` has them all. Plugins of Octa's are left out: Nushell cannot run
/// them.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct ExportOptions {
    /// The file to write; - is standard output.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// The version of Nushell that is to read it. Without it, the newest version that one of the plugins speaks.
    #[arg(long, value_name = "VERSION", value_parser = version)]
    pub(crate) nushell: Option<Version>,

    /// Replace the file if there is one.
    #[arg(long)]
    pub(crate) force: bool,
}

/// A version, whose last number may be left out.
fn version(text: &str) -> Result<Version, String> {
    let whole = match text.split('.').count() {
        2 => format!("{text}.0"),
        _ => text.to_owned(),
    };
    let version = whole.parse();
    version.map_err(|_| "expected a version, such as 0.100.0".to_owned())
}

/// Look for what is wrong with the installed plugins, and say what to do about it.
///
/// Starts each plugin and asks what it can do. The exit code is 1 if there is a problem.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct DoctorOptions {
    /// Only these plugins.
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,

    /// Start none.
    #[arg(long)]
    pub(crate) unasked: bool,

    /// Print what was found as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Print help, of pegboard itself or of a command of an installed plugin
#[derive(Args, Debug)]
pub(crate) struct HelpOptions {
    /// The command.
    #[arg(value_name = "COMMAND")]
    pub(crate) words: Vec<String>,
}

/// The options of `pegboard run`, which stand before the command.
pub(crate) const OF_RUN: [&str; 6] = [
    "--plugin",
    "--input",
    "--from",
    "--to",
    "--trace",
    "--timeout",
];

/// Help and version, which were asked for, or what is wrong with the command line.
pub(crate) fn refused(error: &clap::Error) -> Exit {
    if error.kind() == clap::error::ErrorKind::InvalidUtf8 {
        // Which one, it does not say.
        let words: Vec<_> = std::env::args_os().skip(1).collect();
        if let Err(failure) = Line::new(&words) {
            return Exit::shown(failure);
        }
    }
    let printed = error.print();
    if !error.use_stderr() {
        return written(printed.and_then(|()| io::stdout().flush()));
    }
    Exit::Misused
}

/// A time with its unit.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let number = &text[..text.len() - unit.len()];
    let seconds = match unit {
        "ms" => 0.001,
        "s" | "sec" => 1.0,
        "m" | "min" => 60.0,
        "h" | "hr" => 3600.0,
        _ => return Err("expected a number and a unit, such as 500ms, 10s or 2min".to_owned()),
    };
    let number = number.parse::<f64>().map_err(|error| error.to_string())?;
    let time = Duration::try_from_secs_f64(number * seconds);
    time.map_err(|_| "no time is as long".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        for (text, milliseconds) in [
            ("500ms", Some(500)),
            ("1.5s", Some(1500)),
            ("2min", Some(120_000)),
            ("1h", Some(3_600_000)),
            ("5", None),
            ("s", None),
            ("-1s", None),
            ("1e3s", None),
        ] {
            let expected = milliseconds.map(Duration::from_millis);
            assert_eq!(duration(text).ok(), expected, "{text}");
        }
    }
}
