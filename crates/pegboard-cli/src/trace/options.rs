//! The command line of `pegboard trace`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand};

use crate::options::{EXIT_CODES, duration};

const REPLAY_EXIT_CODES: &str = "\
Exit codes:
  0    the program said what was recorded
  1    it said something else
  2    the command line or the trace makes no sense
  3    the plugin did not start
  4    the output or a file could not be written";

#[derive(Debug, Subcommand)]
pub(crate) enum TraceAction {
    Show(ShowOptions),
    Replay(ReplayOptions),
}

/// Print a recorded conversation as a readable sequence.
///
/// Behind the messages stands what each call and each stream took, and who waited for whom.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct ShowOptions {
    /// A file that `pegboard run --trace` has written.
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,

    /// Only what belongs to the calls with this number: their streams and engine calls too.
    #[arg(long, value_name = "NUMBER")]
    pub(super) call: Option<u64>,

    /// Only what one plugin and its engine said, or one process of it (NAME#2).
    #[arg(long, value_name = "NAME")]
    pub(super) plugin: Option<String>,

    /// Print one JSON document with the calls, the streams and all messages.
    #[arg(long)]
    pub(super) json: bool,

    /// Write one page with a timeline, for browsers; `-` for standard output. An older page is overwritten.
    #[arg(long, value_name = "PAGE", conflicts_with = "json")]
    pub(super) html: Option<PathBuf>,
}

/// Hold a recorded conversation again, with a real program in the place of one side.
///
/// What the other side said is said again, and what the program says is compared. The first difference is told; the exit
/// code is then 1.
///
/// With `--plugin PATH` the engine's side is played to that plugin. With `--make-plugin PATH` a small program is written
/// that plays the plugin's side to whichever engine starts it.
#[derive(Args, Debug)]
#[command(after_help = REPLAY_EXIT_CODES)]
#[command(group(ArgGroup::new("program").required(true).args(["plugin", "make_plugin", "as_plugin"])))]
pub(crate) struct ReplayOptions {
    /// A file that `pegboard run --trace` has written.
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,

    /// Play the engine to this plugin: a program, or a script that its extension tells how to run.
    #[arg(long, value_name = "PATH")]
    pub(super) plugin: Option<PathBuf>,

    /// Write a program that plays the plugin. Nushell wants it to be called nu_plugin_NAME, Octa octa_plugin_KEY. Unix only.
    #[arg(long, value_name = "PATH")]
    pub(super) make_plugin: Option<PathBuf>,

    /// Play the plugin as a program that an engine has started: on standard input and output, or on Octa's socket.
    #[arg(long)]
    pub(super) as_plugin: bool,

    /// Which conversation of the trace: a plugin's name, or one process of it (NAME#2).
    #[arg(long, value_name = "NAME")]
    pub(super) of: Option<String>,

    /// Let the plugin have another version of the protocol than in the recording. An engine always may.
    #[arg(long, conflicts_with_all = ["make_plugin", "as_plugin"])]
    pub(super) any_version: bool,

    /// How long the program may be silent beyond what it took in the recording.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s")]
    pub(super) timeout: Duration,

    /// Write the outcome to this file too: standard error of a plugin is not always seen.
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,

    /// Where Octa wants its plugins to listen.
    #[arg(long, hide = true, requires = "as_plugin", value_name = "PATH")]
    pub(super) socket_path: Option<PathBuf>,

    /// What engines pass to plugins.
    #[arg(long, hide = true, requires = "as_plugin")]
    pub(super) stdio: bool,
}
