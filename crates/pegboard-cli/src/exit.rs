//! How the program ends: exit codes, and errors on the way out.

use std::io::{self, Write};
use std::process::ExitCode;

use pegboard_host::{Error, ErrorKind, LabeledError, Protocol, Sources};

use crate::{signals, terminal};

/// The exit codes that the help lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done,
    /// The plugin said no, or an item of its output was an error.
    Failed,
    /// The command line or the input makes no sense.
    Misused,
    /// The plugin did not start or went away.
    Gone,
    /// The output or a file could not be written.
    Unwritten,
    /// A task of an Octa plugin ended with this code.
    Task(i32),
    /// What has this code elsewhere, where a task could have ended with it.
    BesideTasks(u8),
    /// A signal asked for the end.
    Signalled(i32),
}

impl Exit {
    pub(crate) fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Misused => 2,
            Exit::Gone => 3,
            Exit::Unwritten => 4,
            Exit::Task(code) => of_task(code),
            Exit::BesideTasks(code) => 120 + code,
            Exit::Signalled(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
        }
    }

    /// The same with a code that can be told from those of tasks.
    pub(crate) fn beside_tasks(self) -> Exit {
        match self {
            Exit::Failed | Exit::Misused | Exit::Gone | Exit::Unwritten => {
                Exit::BesideTasks(self.code())
            }
            Exit::Done | Exit::Task(_) | Exit::BesideTasks(_) | Exit::Signalled(_) => self,
        }
    }

    /// Shows an error that ended the program.
    pub(crate) fn shown(failure: Failure) -> Exit {
        failure.show();
        failure.exit()
    }
}

/// The exit code of a task as that of a process, which is never zero. Of a number that is too large the lowest bits count, as
/// everywhere.
fn of_task(code: i32) -> u8 {
    match code.to_le_bytes()[0] {
        0 => 1,
        code => code,
    }
}

impl std::convert::From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

/// An error with the source text of its places.
#[derive(Debug)]
pub(crate) struct Failure {
    error: Error,
    sources: Option<std::sync::Arc<Sources>>,
    /// A file could not be written.
    unwritten: bool,
    /// The plugin that could not be used is one of Octa's.
    of_tasks: bool,
}

impl Failure {
    pub(crate) fn new(error: Error, sources: &std::sync::Arc<Sources>) -> Failure {
        Failure {
            sources: Some(sources.clone()),
            ..Failure::from(error)
        }
    }

    /// Something that makes no sense, which has no place on the command line.
    pub(crate) fn misuse(error: impl Into<LabeledError>) -> Failure {
        Failure::from(Error::misuse(error))
    }

    /// A file that cannot be written.
    pub(crate) fn unwritten(message: String) -> Failure {
        Failure {
            unwritten: true,
            ..Failure::misuse(message)
        }
    }

    /// The store cannot be read or changed.
    pub(crate) fn of_store(error: Error) -> Failure {
        let unwritten = error.kind() == ErrorKind::Refused;
        Failure {
            unwritten,
            ..Failure::from(error)
        }
    }

    /// What keeps an installed plugin of this protocol from being used, if the protocol is known.
    pub(crate) fn of_plugin(error: Error, protocol: Option<Protocol>) -> Failure {
        Failure {
            of_tasks: protocol == Some(Protocol::Octa),
            ..Failure::from(error)
        }
    }

    /// True if a plugin of Octa's was to be used, and could not be loaded.
    pub(crate) fn is_of_tasks(&self) -> bool {
        self.of_tasks
    }

    /// What went wrong, as it travels.
    pub(crate) fn labeled(&self) -> &LabeledError {
        self.error.labeled()
    }

    /// True if the caller is to blame, and not a plugin.
    pub(crate) fn is_misuse(&self) -> bool {
        self.error.kind() == ErrorKind::Misuse
    }

    /// True if a plugin did not answer in time.
    pub(crate) fn is_timeout(&self) -> bool {
        self.error.kind() == ErrorKind::TimedOut
    }

    /// What went wrong, in a sentence.
    #[cfg(test)]
    pub(crate) fn message(&self) -> &str {
        &self.error.labeled().msg
    }

    pub(crate) fn show(&self) {
        // A task that ends with a code has said why, or means it as an answer.
        if self.error.exit_code().is_some() {
            return;
        }
        let report = self
            .error
            .report(self.sources.as_deref(), terminal::report_style());
        print_error(&report);
    }

    pub(crate) fn exit(&self) -> Exit {
        if let (Some(code), None) = (self.error.exit_code(), signals::received()) {
            return Exit::Task(code);
        }
        match (self.error.kind(), signals::received()) {
            (_, Some(signal)) => Exit::Signalled(signal),
            _ if self.unwritten => Exit::Unwritten,
            (ErrorKind::Plugin | ErrorKind::Cancelled, _) => Exit::Failed,
            (ErrorKind::Misuse, _) => Exit::Misused,
            (
                ErrorKind::Start
                | ErrorKind::Protocol
                | ErrorKind::Gone
                | ErrorKind::TimedOut
                | ErrorKind::Refused,
                _,
            ) => Exit::Gone,
        }
    }
}

impl std::convert::From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure {
            error,
            sources: None,
            unwritten: false,
            of_tasks: false,
        }
    }
}

/// How the program ends after writing its output. That whoever reads it stopped early is no error.
pub(crate) fn written(result: io::Result<()>) -> Exit {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            print_error(&format!("error: writing the output failed: {error}\n"));
            Exit::Unwritten
        }
        _ => Exit::Done,
    }
}

/// Writes a text on standard output.
pub(crate) fn write_out(text: &str) -> Exit {
    let mut stdout = io::stdout().lock();
    written(
        stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush()),
    )
}

/// Prints on standard error; nobody is told when that fails.
pub(crate) fn print_error(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_failed_is_never_a_success() {
        for (code, expected) in [(3, 3), (255, 255), (-1, 255), (256, 1), (i32::MIN, 1)] {
            assert_eq!(Exit::Task(code).code(), expected, "{code}");
        }
    }
}
