//! `pegboard trace`: recorded conversations, to be read and to be held again.

mod file;
mod json;
mod message;
mod options;
mod program;
mod replay;
mod text;
mod view;

use std::io::{self, IsTerminal};

use crate::exit::{Exit, Failure, written};
use crate::terminal;
use file::TraceText;
use options::ShowOptions;
pub(crate) use options::TraceAction;
use view::View;

/// Lines are cut here when they do not go to a terminal.
const WIDTH: usize = 160;

/// Does what was asked for.
pub(crate) fn act(action: &TraceAction) -> Result<Exit, Failure> {
    match action {
        TraceAction::Show(options) => show(options),
        TraceAction::Replay(options) => replay::replay(options),
    }
}

fn show(options: &ShowOptions) -> Result<Exit, Failure> {
    let text = TraceText::read(&options.file)?;
    let view = View::new(text, options)?;
    let stdout = io::stdout().lock();
    let width = if stdout.is_terminal() {
        terminal::output_width().max(60)
    } else {
        WIDTH
    };
    let out = io::BufWriter::new(stdout);
    let exit = written(if options.json {
        json::write(&view, out)
    } else {
        text::write(&view, width, out)
    });
    Ok(view.text.complain(exit))
}
