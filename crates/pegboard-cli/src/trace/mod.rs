//! `pegboard trace`: recorded conversations, to be read and to be held again.

mod chosen;
mod file;
mod html;
mod json;
mod message;
mod options;
mod program;
mod replay;
mod text;
mod view;

use std::fs::File;
use std::io::{self, IsTerminal};
use std::path::Path;

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
    if let Some(page) = options
        .html
        .as_deref()
        .filter(|page| *page != Path::new("-"))
    {
        write_page(&view, page)?;
        return Ok(view.text.complain(Exit::Done));
    }
    let stdout = io::stdout().lock();
    let width = if stdout.is_terminal() {
        terminal::output_width().max(60)
    } else {
        WIDTH
    };
    let out = io::BufWriter::new(stdout);
    let exit = written(match options {
        ShowOptions { html: Some(_), .. } => html::write(&view, out),
        ShowOptions { json: true, .. } => json::write(&view, out),
        _ => text::write(&view, width, out),
    });
    Ok(view.text.complain(exit))
}

/// Writes the page into a file, which must not be there yet unless it is such a page.
fn write_page(view: &View, page: &Path) -> Result<(), Failure> {
    let shown = page.display();
    if html::holds_something_else(page) {
        return Err(Failure::misuse(format!(
            "{shown} is there already and is not a page of a trace, so it is not overwritten"
        )));
    }
    File::create(page)
        .and_then(|file| html::write(view, io::BufWriter::new(file)))
        .map_err(|error| Failure::unwritten(format!("{shown} cannot be written: {error}")))
}
