//! A plugin's standard error: passed on as it comes, with the last lines kept for error messages.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use pegboard_transport::{Hangup, Source};

use crate::Stderr;

/// Lines kept for error messages.
const LINES: usize = 8;
/// Bytes of one line that are kept.
const LINE: usize = 400;

/// The last lines of one process's standard error.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    lines: Mutex<Lines>,
}

#[derive(Debug, Default)]
struct Lines {
    complete: VecDeque<String>,
    partial: Vec<u8>,
}

/// The thread that reads a process's standard error.
#[derive(Debug)]
pub(crate) struct StderrReader {
    thread: JoinHandle<()>,
    hangup: Hangup,
}

impl Tail {
    /// The last lines, oldest first.
    pub(crate) fn lines(&self) -> Vec<String> {
        let lines = self.lock();
        let mut all: Vec<String> = lines.complete.iter().cloned().collect();
        if !lines.partial.is_empty() {
            all.push(String::from_utf8_lossy(&lines.partial).into_owned());
        }
        all
    }

    pub(crate) fn push(&self, bytes: &[u8]) {
        let mut lines = self.lock();
        let last = last_lines(bytes);
        if last.len() < bytes.len() {
            // What it is the beginning of is further back than what is kept.
            lines.partial.clear();
        }
        for piece in last.split_inclusive(|byte| *byte == b'\n') {
            let (text, complete) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            let room = LINE.saturating_sub(lines.partial.len()).min(text.len());
            lines.partial.extend_from_slice(&text[..room]);
            if complete {
                let line = std::mem::take(&mut lines.partial);
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                if !line.is_empty() {
                    lines.complete.push_back(line);
                }
                if lines.complete.len() > LINES {
                    lines.complete.pop_front();
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of what was written, with as many lines as are kept: to look at each of millions takes long.
fn last_lines(bytes: &[u8]) -> &[u8] {
    let Some(mut end) = bytes.iter().rposition(|byte| *byte == b'\n') else {
        return bytes;
    };
    let mut kept = 0;
    while let Some(before) = bytes[..end].iter().rposition(|byte| *byte == b'\n') {
        let line = &bytes[before + 1..end];
        // Lines of white space are not kept. Those of which this is not sure do not count.
        let shown = &line[..line.len().min(LINE)];
        kept += usize::from(shown.iter().any(u8::is_ascii_graphic));
        if kept == LINES {
            return &bytes[before + 1..];
        }
        end = before;
    }
    bytes
}

/// Reads until the end, or until the reader is told to finish.
pub(crate) fn follow(
    (mut source, hangup): (Box<dyn Source>, Hangup),
    plugin: String,
    tail: Arc<Tail>,
    to: Stderr,
) -> std::io::Result<StderrReader> {
    let thread = std::thread::Builder::new()
        .name("pegboard stderr".into())
        .stack_size(256 << 10)
        .spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = source.read(&mut buffer, None) {
                tail.push(&buffer[..count]);
                if let Stderr::Forward(forward) = &to {
                    forward(&plugin, &buffer[..count]);
                }
            }
        })?;
    Ok(StderrReader { thread, hangup })
}

impl StderrReader {
    /// Waits for the rest until the deadline, which matters only if something else still holds the pipe open.
    pub(crate) fn finish(self, deadline: Instant) {
        while !self.thread.is_finished() && Instant::now() < deadline {
            std::thread::park_timeout(std::time::Duration::from_millis(1));
        }
        self.hangup.hang_up();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However it is cut, the same is kept of it.
    fn check(text: &str, expected: &[&str]) {
        for size in [1, 2, 3, 7, 64, 1000, text.len().max(1)] {
            let tail = Tail::default();
            text.as_bytes()
                .chunks(size)
                .for_each(|piece| tail.push(piece));
            assert_eq!(tail.lines(), expected, "in pieces of {size}: {text:?}");
        }
    }

    #[test]
    fn the_last_lines_are_kept() {
        check("", &[]);
        check("one", &["one"]);
        check("one\ntwo\n", &["one", "two"]);
        check("one  \n\n \t\n\u{2003}\ntwo", &["one", "two"]);
        let many: Vec<_> = (0..100).map(|number| number.to_string()).collect();
        let last: Vec<_> = many[92..].iter().map(String::as_str).collect();
        check(&format!("{}\n", many.join("\n")), &last);
        check(&format!("{}\n\n \n", many.join("\n\u{a0}\n\n")), &last);
        let unfinished = [&last[..], &["and"]].concat();
        check(&format!("{}\nand", many.join("\n")), &unfinished);
    }

    #[test]
    fn long_lines_are_kept_in_part() {
        let long = "x".repeat(LINE + 1);
        check(&format!("{long}\n{long}"), &[&long[..LINE]; 2]);
        // What is kept of it is nothing but white space.
        let late = format!("{}y", " ".repeat(LINE));
        check(&format!("one\n{late}\ntwo\n"), &["one", "two"]);
    }
}
