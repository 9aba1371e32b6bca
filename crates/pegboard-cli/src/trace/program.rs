//! A small program that plays the plugin of a trace to whichever engine starts it.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use super::options::ReplayOptions;
use crate::exit::{Exit, Failure, write_out};

/// Writes the program, which must not be there yet unless it is one of these.
pub(super) fn write(path: &Path, options: &ReplayOptions) -> Result<Exit, Failure> {
    let shown = path.display();
    let is_old = std::fs::read_to_string(path).is_ok_and(|old| old.starts_with(HEAD));
    if path.exists() && !is_old {
        return Err(Failure::misuse(format!(
            "{shown} is there already and is not such a program, so it is not overwritten"
        )));
    }
    let text = text(options)?;
    let mut file = OpenOptions::new();
    file.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o755);
    let written = file
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| Failure::unwritten(format!("{shown} cannot be written: {error}")))?;
    Ok(write_out(&format!(
        "{shown} plays the plugin to the engine that starts it, and tells the outcome on standard error\n"
    )))
}

const HEAD: &str =
    "#!/bin/sh\n# Plays the plugin of a recorded conversation. Made by `pegboard trace replay`.\n";

fn text(options: &ReplayOptions) -> Result<String, Failure> {
    let pegboard = std::env::current_exe().map_err(|error| {
        Failure::misuse(format!("the path of this program is not known: {error}"))
    })?;
    let mut text = format!(
        "{HEAD}exec {} trace replay {} --as-plugin --timeout {}s",
        quoted(&pegboard)?,
        quoted(&options.file)?,
        options.timeout.as_secs_f64()
    );
    if let Some(of) = &options.of {
        text.push_str(&format!(" --of {}", quote(of)));
    }
    if let Some(report) = &options.report {
        text.push_str(&format!(" --report {}", quoted(report)?));
    }
    Ok(text + " \"$@\"\n")
}

/// A path as a word for the shell, from wherever it is read.
fn quoted(path: &Path) -> Result<String, Failure> {
    let shown = path.display();
    let absolute = std::path::absolute(path)
        .map_err(|error| Failure::misuse(format!("{shown} has no absolute path: {error}")))?;
    let text = absolute.to_str().map(quote);
    text.ok_or_else(|| Failure::misuse(format!("{shown} is not text, which a script cannot hold")))
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
