//! The program that runs a plugin: the plugin's file itself, or its interpreter; and what is wrong where there is none.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::start_error;
use crate::Error;
use crate::engine::EngineCore;
use crate::plugin::PluginCore;

/// The program to start and its first arguments: the plugin's file itself, or its interpreter.
pub(super) fn command_line(
    plugin: &PluginCore,
    engine: &EngineCore,
) -> Result<(PathBuf, Vec<OsString>), Error> {
    if !plugin.path.is_file() {
        return Err(start_error(
            plugin,
            format!("{} is not there any more", plugin.path.display()),
        ));
    }
    let words: Vec<OsString> = match &plugin.config.interpreter {
        Some(words) => words.clone(),
        None => interpreter(&plugin.path)
            .iter()
            .map(OsString::from)
            .collect(),
    };
    let Some((program, arguments)) = words.split_first() else {
        return Ok((plugin.path.clone(), Vec::new()));
    };
    let found = find_program(program, engine).or_else(|| {
        // Many systems have Python only under its longer name.
        (program == "python")
            .then(|| find_program(&OsString::from("python3"), engine))
            .flatten()
    });
    let Some(found) = found else {
        let program = program.to_string_lossy();
        return Err(start_error(
            plugin,
            format!("it needs `{program}` to run, which is not in PATH"),
        ));
    };
    let mut arguments = arguments.to_vec();
    arguments.push(plugin.path.clone().into());
    Ok((found, arguments))
}

/// The interpreter for a file, by its extension. None for a file that is a program itself.
fn interpreter(path: &Path) -> &'static [&'static str] {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("py") => &["python"],
        Some("rb") => &["ruby"],
        Some("jar") => &["java", "-jar"],
        Some("nu") => &["nu", "--stdin"],
        Some("sh") if cfg!(windows) => &["sh"],
        _ => &[],
    }
}

fn find_program(program: &OsString, engine: &EngineCore) -> Option<PathBuf> {
    let name = Path::new(program);
    if name.components().count() > 1 {
        return Some(engine.config.directory.join(name));
    }
    let path = engine
        .config
        .environment
        .iter()
        .find(|(key, _)| key == "PATH")
        .map(|(_, value)| value)?;
    std::env::split_paths(path)
        .map(|directory| directory.join(name))
        .find(|candidate| is_executable(candidate))
}

#[cfg(unix)]
pub(crate) fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
pub(crate) fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file())
}

pub(super) fn spawn_error(plugin: &PluginCore, program: &Path, error: &io::Error) -> Error {
    let missing = match error.kind() {
        io::ErrorKind::NotFound => missing(program),
        _ => None,
    };
    let program = program.display();
    match error.kind() {
        io::ErrorKind::NotFound => match missing {
            Some((what, help)) => {
                let message = format!("{program} could not be started: {what}");
                start_error(plugin, message).help(help)
            }
            None => start_error(plugin, format!("{program} is not there")),
        },
        io::ErrorKind::PermissionDenied => {
            start_error(plugin, format!("{program} may not be executed"))
                .help("give the file the right to be executed (chmod +x)")
        }
        _ => start_error(plugin, format!("{program} could not be started: {error}")),
    }
}

/// What a program lacks that is there and still is not found, and what to do. None if the program is not there.
fn missing(program: &Path) -> Option<(String, String)> {
    /// As much of a file as the kernel looks at.
    const HEAD: u64 = 256;
    let mut head = Vec::new();
    fs::File::open(program)
        .and_then(|file| file.take(HEAD).read_to_end(&mut head))
        .ok()?;
    let Some(line) = head.strip_prefix(b"#!") else {
        let what = "the system's loader that it was built for is missing".to_owned();
        return Some((what, "is it a program for this system?".to_owned()));
    };
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let interpreter = line.split_whitespace().next().unwrap_or_default();
    let help = if line.ends_with('\r') {
        "its lines end in CR LF, as on Windows, and the system takes the CR for a part of the name: save it with LF"
            .to_owned()
    } else {
        format!("install {interpreter}, or correct the first line of the file")
    };
    let what = format!("its first line names the interpreter `{interpreter}`, which is not there");
    Some((what, help))
}
