//! A command as an argument of `sh -c`, however long it is.

use std::borrow::Cow;
use std::io;

/// Longer ones are no argument: Linux takes 128 KiB with a zero byte behind.
const LONGEST: usize = (128 << 10) - 1;

/// A command that `sh` can be given.
pub(crate) struct Script<'a> {
    command: Cow<'a, str>,
    /// Holds what `command` has `sh` read, until that has ended.
    #[cfg(target_os = "linux")]
    _file: Option<std::fs::File>,
}

impl<'a> Script<'a> {
    /// What is too long lies in a file in memory, which `sh` reads in place of the argument.
    #[cfg(target_os = "linux")]
    pub(crate) fn new(command: &'a str) -> io::Result<Script<'a>> {
        use rustix::fs::{MemfdFlags, memfd_create};
        use std::io::Write;
        use std::os::fd::AsRawFd;

        if command.len() <= LONGEST {
            let command = command.into();
            return Ok(Script {
                command,
                _file: None,
            });
        }
        let file = memfd_create("command", MemfdFlags::CLOEXEC)?;
        let mut file = std::fs::File::from(file);
        file.write_all(command.as_bytes())?;
        // Of this process, so that `sh` inherits nothing.
        let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
        Ok(Script {
            command: format!(". {path}").into(),
            _file: Some(file),
        })
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn new(command: &'a str) -> io::Result<Script<'a>> {
        let command = command.into();
        Ok(Script { command })
    }

    pub(crate) fn argument(&self) -> &str {
        &self.command
    }
}
