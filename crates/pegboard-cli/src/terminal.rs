//! What is known about the terminal.

use std::env;
use std::io::IsTerminal;

use pegboard_host::ReportStyle;

/// Lines are broken here when the width is not known.
const USUAL_WIDTH: usize = 80;

/// How errors are shown on standard error.
pub(crate) fn report_style() -> ReportStyle {
    let terminal = std::io::stderr().is_terminal();
    let unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
    ReportStyle {
        colour: terminal && !unwanted && !dumb,
        width: width(&std::io::stderr()).unwrap_or(100),
        // They were passed on as they came.
        last_words: false,
    }
}

/// The columns of standard output.
pub(crate) fn output_width() -> usize {
    width(&std::io::stdout()).unwrap_or(USUAL_WIDTH)
}

#[cfg(unix)]
fn width(of: &impl std::os::fd::AsFd) -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(of).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

#[cfg(not(unix))]
fn width<T>(_: &T) -> Option<usize> {
    None
}
