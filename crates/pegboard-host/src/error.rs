//! What can go wrong, by who is to blame.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use pegboard_protocol::LabeledError;

/// Why something did not work. The kind says who is to blame; [`Error::report`] shows it all.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    error: Arc<LabeledError>,
    plugin: Option<String>,
    diagnosis: Option<Arc<Diagnosis>>,
    exit_code: Option<i32>,
}

/// Who is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The plugin said no.
    Plugin,
    /// The plugin broke a rule in what it answered, which costs the call and nothing more: it goes on.
    Protocol,
    /// The plugin did not start, or not as it should.
    Start,
    /// The plugin went away, or had to be cut off because it broke the rules.
    Gone,
    /// The plugin did not answer in time.
    TimedOut,
    /// The caller cancelled.
    Cancelled,
    /// Pegboard refused, because of a limit, a version or a rule.
    Refused,
    /// The caller asked for something that makes no sense.
    Misuse,
}

/// What was found out about a plugin that did not start or went away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnosis {
    /// How the process ended, in words, such as `exit code 3`; none if it had not ended.
    pub exit: Option<String>,
    /// The last lines of its standard error.
    pub stderr: Vec<String>,
    /// The version that the plugin announced.
    pub plugin_version: Option<String>,
    /// The version that was announced to it.
    pub engine_version: Option<String>,
}

impl Error {
    /// Who is to blame.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message with its labels, code and help.
    pub fn labeled(&self) -> &LabeledError {
        &self.error
    }

    /// The plugin that it is about.
    pub fn plugin(&self) -> Option<&str> {
        self.plugin.as_deref()
    }

    /// What was found out about a plugin that did not start or went away.
    pub fn diagnosis(&self) -> Option<&Diagnosis> {
        self.diagnosis.as_deref()
    }

    /// The exit code with which a task of an Octa plugin ended, if that is the error. It is never zero.
    pub fn exit_code(&self) -> Option<i32> {
        self.exit_code
    }

    /// An error of the caller's: something asked for that makes no sense.
    pub fn misuse(error: impl Into<LabeledError>) -> Error {
        Error::new(ErrorKind::Misuse, error.into())
    }

    pub(crate) fn new(kind: ErrorKind, error: LabeledError) -> Error {
        Error {
            kind,
            error: Arc::new(error),
            plugin: None,
            diagnosis: None,
            exit_code: None,
        }
    }

    pub(crate) fn refused(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Refused, LabeledError::new(message))
    }

    pub(crate) fn timed_out(what: &str, after: Duration) -> Error {
        Error::new(
            ErrorKind::TimedOut,
            LabeledError::new(format!("{what} took longer than {after:?}")),
        )
    }

    pub(crate) fn of(mut self, plugin: &str) -> Error {
        self.plugin = Some(plugin.to_owned());
        self
    }

    pub(crate) fn exit(mut self, code: i32) -> Error {
        self.exit_code = Some(code);
        self
    }

    pub(crate) fn diagnosed(mut self, diagnosis: Diagnosis) -> Error {
        self.diagnosis = Some(Arc::new(diagnosis));
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Error {
        Arc::make_mut(&mut self.error).help = Some(help.into());
        self
    }

    /// The error as a plugin gets to see it.
    pub fn into_labeled(self) -> LabeledError {
        let mut error = Arc::unwrap_or_clone(self.error);
        if let (
            Some(plugin),
            ErrorKind::Protocol | ErrorKind::Gone | ErrorKind::Start | ErrorKind::TimedOut,
        ) = (&self.plugin, self.kind)
        {
            error.msg = format!("plugin {plugin}: {}", error.msg);
        }
        error
    }
}

impl From<LabeledError> for Error {
    fn from(error: LabeledError) -> Error {
        Error::misuse(error)
    }
}

impl From<Error> for LabeledError {
    fn from(error: Error) -> LabeledError {
        error.into_labeled()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(plugin), false) = (&self.plugin, self.kind == ErrorKind::Plugin) {
            write!(f, "plugin {plugin}: ")?;
        }
        f.write_str(&self.error.msg)?;
        if let Some(diagnosis) = &self.diagnosis {
            if let Some(exit) = &diagnosis.exit {
                write!(f, " ({exit})")?;
            }
            if let Some(line) = diagnosis.stderr.last() {
                write!(f, "; last on its standard error: {line}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
