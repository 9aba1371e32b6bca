//! A link in memory, for both roles in one process: two bounded byte queues.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Hangup, Link, Sink, Source, aborted, timed_out};

/// As much as a pipe holds on Linux.
const CAPACITY: usize = 64 * 1024;

impl Link {
    /// Two links that are joined to each other.
    pub fn memory() -> (Link, Link) {
        let (one, two) = (Arc::<Pipe>::default(), Arc::<Pipe>::default());
        (side(one.clone(), two.clone()), side(two, one))
    }
}

fn side(read: Arc<Pipe>, write: Arc<Pipe>) -> Link {
    let (reading, writing, nudged) = (read.clone(), write.clone(), read.clone());
    Link {
        source: Box::new(Reader(read)),
        sink: Box::new(Writer(write)),
        hangup: Hangup::with_nudge(
            move || {
                reading.change(|state| (state.reader_hung_up, state.no_reader) = (true, true));
                writing.change(|state| (state.writer_hung_up, state.no_writer) = (true, true));
            },
            move || nudged.change(|state| state.nudged = true),
        ),
    }
}

#[derive(Default)]
struct Pipe {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    bytes: VecDeque<u8>,
    no_reader: bool,
    no_writer: bool,
    /// Ends the waits on this side; the other side finds the pipe closed.
    reader_hung_up: bool,
    writer_hung_up: bool,
    /// Ends the next read.
    nudged: bool,
}

struct Reader(Arc<Pipe>);
struct Writer(Arc<Pipe>);

impl Pipe {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Waits until `ready` gives something.
    fn wait<T>(
        &self,
        deadline: Option<Instant>,
        mut ready: impl FnMut(&mut State) -> Option<io::Result<T>>,
    ) -> io::Result<T> {
        let mut state = self.lock();
        loop {
            if let Some(result) = ready(&mut state) {
                self.changed.notify_all();
                return result;
            }
            let now = Instant::now();
            let wait = match deadline {
                Some(at) if at <= now => return Err(timed_out()),
                Some(at) => at - now,
                None => Duration::from_secs(3600),
            };
            state = self
                .changed
                .wait_timeout(state, wait)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

impl Source for Reader {
    fn read(&mut self, buffer: &mut [u8], deadline: Option<Instant>) -> io::Result<usize> {
        self.0.wait(deadline, |state| {
            if state.reader_hung_up {
                return Some(Err(aborted()));
            }
            if std::mem::take(&mut state.nudged) {
                return Some(Err(io::ErrorKind::Interrupted.into()));
            }
            if state.bytes.is_empty() {
                return state.no_writer.then_some(Ok(0));
            }
            let count = buffer.len().min(state.bytes.len());
            for (place, byte) in buffer.iter_mut().zip(state.bytes.drain(..count)) {
                *place = byte;
            }
            Some(Ok(count))
        })
    }
}

fn put(state: &mut State, bytes: &[u8]) -> Option<io::Result<usize>> {
    if state.writer_hung_up {
        return Some(Err(aborted()));
    }
    if state.no_reader {
        return Some(Err(io::ErrorKind::BrokenPipe.into()));
    }
    let count = bytes.len().min(CAPACITY - state.bytes.len());
    if count == 0 {
        return None;
    }
    state.bytes.extend(&bytes[..count]);
    Some(Ok(count))
}

impl Sink for Writer {
    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.wait(None, |state| {
            Some(put(state, bytes).unwrap_or_else(|| Err(io::ErrorKind::WouldBlock.into())))
        })
    }

    fn write(&mut self, bytes: &[u8], deadline: Option<Instant>) -> io::Result<usize> {
        self.0.wait(deadline, |state| put(state, bytes))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.change(|state| state.no_reader = true);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.0.change(|state| state.no_writer = true);
    }
}
