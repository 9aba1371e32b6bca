//! How an execution ended.

use std::fmt;

use pegboard_protocol::LabeledError;

/// The beginning of the code of an error that stands for an exit status.
const CODE: &str = "octa::exit_status::";

/// What an execution ends with: zero for success.
///
/// Nushell knows no exit status of a command. There, one that is not zero is an error with the code
/// `octa::exit_status::N`, and a command that gives such an error ends with that status in Octa; what the error says beside
/// the status is written to standard error before. So it is the same in both worlds, whichever one the plugin was written for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ExitStatus(i32);

impl ExitStatus {
    /// Zero.
    pub const SUCCESS: ExitStatus = ExitStatus(0);
    /// One.
    pub const FAILURE: ExitStatus = ExitStatus(1);

    /// As a number.
    pub fn code(self) -> i32 {
        self.0
    }

    /// Whether it is zero.
    pub fn is_success(self) -> bool {
        self.0 == 0
    }

    /// The exit status that an error stands for, if it does.
    pub fn of(error: &LabeledError) -> Option<ExitStatus> {
        let code = error.code.as_deref()?.strip_prefix(CODE)?;
        code.parse().ok().map(ExitStatus)
    }
}

impl From<()> for ExitStatus {
    fn from((): ()) -> ExitStatus {
        ExitStatus::SUCCESS
    }
}

impl From<i32> for ExitStatus {
    fn from(code: i32) -> ExitStatus {
        ExitStatus(code)
    }
}

impl From<std::process::ExitStatus> for ExitStatus {
    /// The code of a program that has ended; for one that a signal has ended, 128 and the signal's number, as shells
    /// count.
    fn from(status: std::process::ExitStatus) -> ExitStatus {
        if let Some(code) = status.code() {
            return ExitStatus(code);
        }
        #[cfg(unix)]
        if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
            return ExitStatus(128 + signal);
        }
        ExitStatus::FAILURE
    }
}

impl From<ExitStatus> for LabeledError {
    fn from(status: ExitStatus) -> LabeledError {
        LabeledError::new(status.to_string()).with_code(format!("{CODE}{}", status.0))
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ended with exit status {}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_goes_through_an_error_unharmed() {
        for code in [0, 1, 7, 255, -1, i32::MIN, i32::MAX] {
            let error = LabeledError::from(ExitStatus::from(code));
            assert_eq!(ExitStatus::of(&error), Some(ExitStatus(code)));
        }
        assert_eq!(ExitStatus::of(&LabeledError::new("no")), None);
        let other = LabeledError::new("no").with_code("octa::exit_status::many");
        assert_eq!(ExitStatus::of(&other), None);
    }

    #[test]
    #[cfg(unix)]
    fn a_signal_counts_as_shells_count() {
        use std::os::unix::process::ExitStatusExt;
        let raw = std::process::ExitStatus::from_raw;
        assert_eq!(ExitStatus::from(raw(9)).code(), 137);
        assert_eq!(ExitStatus::from(raw(7 << 8)).code(), 7);
    }
}
