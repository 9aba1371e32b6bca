//! What is known about the terminal.

use std::env;
use std::io::IsTerminal;

use pegboard_host::ReportStyle;

use crate::exit::print_error;

/// Lines are broken here when the width is not known.
const USUAL_WIDTH: usize = 80;

/// How tables are shown on standard output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TableStyle {
    /// The columns there are. None for as many as are needed, where nobody looks on.
    pub(crate) width: Option<usize>,
    pub(crate) colour: bool,
    /// Only characters that every terminal has.
    pub(crate) plain: bool,
}

pub(crate) fn table_style() -> TableStyle {
    let terminal = std::io::stdout().is_terminal();
    TableStyle {
        width: terminal.then(output_width),
        colour: terminal && has_colour(),
        plain: is_dumb(),
    }
}

fn has_colour() -> bool {
    let unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !unwanted && !is_dumb()
}

fn is_dumb() -> bool {
    env::var_os("TERM").is_none_or(|term| term == "dumb")
}

/// How errors are shown on standard error.
pub(crate) fn report_style() -> ReportStyle {
    let terminal = std::io::stderr().is_terminal();
    ReportStyle {
        colour: terminal && has_colour(),
        width: width(&std::io::stderr()).unwrap_or(100),
        // They were passed on as they came.
        last_words: false,
    }
}

/// One line on a terminal that says how far long work has come. Elsewhere, and for a single thing, there is none.
pub(crate) struct Progress {
    doing: &'static str,
    total: usize,
    done: usize,
    shown: bool,
}

impl Progress {
    pub(crate) fn new(doing: &'static str, total: usize) -> Progress {
        let shown = total > 1 && std::io::stderr().is_terminal() && !is_dumb();
        Progress {
            doing,
            total,
            done: 0,
            shown,
        }
    }

    /// The work goes on with this.
    pub(crate) fn next(&mut self, what: &str) {
        self.done += 1;
        if self.shown {
            let what = ReportStyle::harmless(&what.replace('\n', " "));
            let line = format!("{} {} of {}: {what}", self.doing, self.done, self.total);
            let room = width(&std::io::stderr()).unwrap_or(USUAL_WIDTH) - 1;
            let line: String = line.chars().take(room).collect();
            print_error(&format!("\r\x1b[K{line}"));
        }
    }

    /// Makes room for something else to be shown.
    pub(crate) fn clear(&self) {
        if self.shown {
            print_error("\r\x1b[K");
        }
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
