//! A trace as one page for browsers: everything is in it, and it works without scripts.

mod timeline;

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use pegboard_host::ReportStyle;
use pegboard_host::trace::EntryKind;

use super::message::{Words, octa_words, words};
use super::text::{arrow, summaries};
use super::view::View;

const STYLE: &str = include_str!("style.css");
/// How a page of ours begins.
const HEAD: &str = "<!DOCTYPE html>\n<!-- pegboard trace -->\n";
/// More messages than this are not listed: those in the middle are left out.
const ROWS: usize = 5_000;
/// More of a message is not shown.
const SHOWN: usize = 400;
/// More lines about calls and what belongs to them are not listed.
const LINES: usize = 3_000;
/// More calls are not drawn.
const CALLS: usize = 500;

pub(super) fn write(view: &View, mut out: impl Write) -> io::Result<()> {
    let mut names: Vec<&str> = view
        .entries
        .iter()
        .map(|entry| view.names[*entry].as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    let title = text(&format!("Trace of {}", names.join(", ")));
    // The policy keeps out what no text can bring in anyway.
    write!(
        out,
        "{HEAD}<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
    )?;
    let part = if view.is_whole {
        ""
    } else {
        ", a part of the trace"
    };
    writeln!(
        out,
        "<p>Recorded {}, {} entries{part}.</p>",
        view.began(),
        view.entries.len()
    )?;
    let calls = &view.calls[..view.calls.len().min(CALLS)];
    timeline::write(view, calls, &mut out)?;
    if !calls.is_empty() {
        writeln!(out, "<h2>Calls</h2>\n<pre>")?;
        let mut lines = 0;
        summaries(view, calls, &mut |line| {
            lines += 1;
            if lines > LINES {
                return Ok(());
            }
            writeln!(out, "{}", text(line.trim_end()))
        })?;
        if lines > LINES {
            writeln!(out, "  {} more lines are left out", lines - LINES)?;
        }
        writeln!(out, "</pre>")?;
    }
    let left_out = view.calls.len() - calls.len();
    if left_out > 0 {
        writeln!(
            out,
            "<p>{left_out} more calls are not shown; <code>--call</code> shows one.</p>"
        )?;
    }
    writeln!(
        out,
        "<h2>Messages</h2>\n<div class=\"scroll\">\n<table>\n<thead><tr><th>line</th><th>seconds</th><th>plugin</th>\
         <th></th><th>message</th><th>content</th></tr></thead>\n<tbody>"
    )?;
    let (first, last) = ends(&view.entries);
    for entry in first {
        row(view, *entry, &mut out)?;
    }
    let left_out = view.entries.len() - first.len() - last.len();
    if left_out > 0 {
        writeln!(
            out,
            "<tr><td></td><td></td><td></td><td></td><td>{left_out} messages are left out</td><td></td></tr>"
        )?;
    }
    for entry in last {
        row(view, *entry, &mut out)?;
    }
    writeln!(out, "</tbody>\n</table>\n</div>\n</body>\n</html>")?;
    out.flush()
}

/// Whether a file is there that is no page of ours.
pub(super) fn holds_something_else(path: &Path) -> bool {
    let is_file = std::fs::metadata(path).is_ok_and(|found| found.is_file());
    let mut first = [0; HEAD.len()];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut first));
    let is_empty = std::fs::metadata(path).is_ok_and(|found| found.len() == 0);
    is_file && !is_empty && !(read.is_ok() && first == HEAD.as_bytes())
}

/// The entries that are listed: all, or those at the beginning and those at the end.
fn ends(entries: &[usize]) -> (&[usize], &[usize]) {
    if entries.len() <= ROWS {
        return (entries, &[]);
    }
    (&entries[..ROWS / 2], &entries[entries.len() - ROWS / 2..])
}

fn row(view: &View, index: usize, out: &mut impl Write) -> io::Result<()> {
    let entry = &view.text.trace.entries[index];
    let (direction, Words { name, content }) = said(view, index);
    let line = view.text.lines[index];
    writeln!(
        out,
        "<tr id=\"l{line}\"><td class=\"number\">{line}</td><td class=\"number\">{:.6}</td><td>{}</td><td>{}</td>\
         <td>{}</td><td class=\"content\">{}</td></tr>",
        entry.time.as_secs_f64(),
        text(&view.names[index]),
        text(direction),
        text(&cut(&name)),
        text(&cut(&content)),
    )
}

/// The direction of an entry, and what it says.
fn said(view: &View, index: usize) -> (&'static str, Words) {
    match &view.text.trace.entries[index].kind {
        EntryKind::Note { note, details } => {
            let (name, content) = (note.clone(), details.to_string());
            ("--", Words { name, content })
        }
        EntryKind::Octa {
            from,
            name,
            execution,
            text,
        } => (arrow(*from), octa_words(name, execution.as_deref(), text)),
        EntryKind::Message {
            from,
            message,
            text,
        } => (arrow(*from), words(message, text)),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// Text that can stand between tags and in attributes, without characters that change how what follows is read.
fn text(plain: &str) -> String {
    let plain = ReportStyle::harmless(plain);
    let mut escaped = String::with_capacity(plain.len());
    for character in plain.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        let given = "<b a=\"1\" c='2'>&amp;\u{202e}\u{1b}</b>";
        let expected =
            "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;\\u{202e}\u{241b}&lt;/b&gt;";
        assert_eq!(text(given), expected);
        let long = "\u{fc}".repeat(SHOWN + 1);
        assert_eq!(cut(&long).chars().count(), SHOWN + 3);
    }

    #[test]
    fn of_many_messages_the_ends_are_listed() {
        let entries: Vec<usize> = (0..ROWS + 10).collect();
        let (first, last) = ends(&entries);
        assert_eq!(
            (first.len() + last.len(), last.last()),
            (ROWS, Some(&(ROWS + 9)))
        );
        assert_eq!(ends(&entries[..ROWS]), (&entries[..ROWS], &[][..]));
    }
}
