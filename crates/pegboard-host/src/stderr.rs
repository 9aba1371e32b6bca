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
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
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
