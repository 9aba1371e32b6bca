//! The command line of `pegboard trace`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::options::EXIT_CODES;

#[derive(Debug, Subcommand)]
pub(crate) enum TraceAction {
    Show(ShowOptions),
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
}
