//! `pegboard man`: manual pages, made of the same texts as the help.

use std::fs;
use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_mangen::Man;

use crate::exit::{Exit, Failure, write_out};
use crate::options::{EXIT_CODES, Options};

/// Print the manual page, or write the pages of all commands.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct ManOptions {
    /// Write a page for each command into this directory, which is made if there is none. Pages that are there are
    /// replaced.
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    dir: Option<PathBuf>,
}

pub(crate) fn man(options: &ManOptions) -> Result<Exit, Failure> {
    let command = Options::command();
    if let Some(directory) = &options.dir {
        let written = fs::create_dir_all(directory)
            .and_then(|()| clap_mangen::generate_to(command, directory));
        written.map_err(|error| {
            let place = directory.display();
            Failure::unwritten(format!("the manual cannot be written to {place}: {error}"))
        })?;
        return Ok(Exit::Done);
    }
    let mut page = Vec::new();
    // Memory takes every byte.
    let _ = Man::new(command).render(&mut page);
    Ok(write_out(&String::from_utf8_lossy(&page)))
}
