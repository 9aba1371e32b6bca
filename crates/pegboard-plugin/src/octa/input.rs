//! Input that the host sends, on its way to the handler.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Chunks that have come and were not read.
#[derive(Default)]
pub(super) struct Chunks {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    // bounded by: the credit that the host was given
    chunks: VecDeque<Vec<u8>>,
    over: Option<Over>,
}

#[derive(Clone, Copy)]
enum Over {
    Ended,
    Broken,
}

impl Chunks {
    pub(super) fn push(&self, chunk: Vec<u8>) {
        self.lock().chunks.push_back(chunk);
        self.changed.notify_all();
    }

    /// There is no more.
    pub(super) fn end(&self) {
        self.over(Over::Ended);
    }

    /// The rest will never come.
    pub(super) fn break_off(&self) {
        self.over(Over::Broken);
    }

    fn over(&self, over: Over) {
        self.lock().over.get_or_insert(over);
        self.changed.notify_all();
    }

    fn next(&self) -> io::Result<Option<Vec<u8>>> {
        let mut state = self.lock();
        loop {
            if let Some(chunk) = state.chunks.pop_front() {
                return Ok(Some(chunk));
            }
            match state.over {
                None => {}
                Some(Over::Ended) => return Ok(None),
                Some(Over::Broken) => {
                    let message = "the execution is to end, and so does its input";
                    return Err(io::Error::new(io::ErrorKind::ConnectionAborted, message));
                }
            }
            let waited = self.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads chunks, and says how much it has taken.
pub(super) struct Reader<F> {
    pub(super) chunks: Arc<Chunks>,
    pub(super) rest: io::Cursor<Vec<u8>>,
    pub(super) consumed: F,
}

impl<F: FnMut(usize)> Read for Reader<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.rest.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let Some(chunk) = self.chunks.next()? else {
                return Ok(0);
            };
            (self.consumed)(chunk.len());
            self.rest = io::Cursor::new(chunk);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_is_read_and_given_back() -> io::Result<()> {
        let chunks = Arc::new(Chunks::default());
        let mut taken = 0;
        let mut reader = Reader {
            chunks: chunks.clone(),
            rest: io::Cursor::default(),
            consumed: |count| taken += count,
        };
        let writer = std::thread::spawn(move || {
            chunks.push(b"one ".to_vec());
            chunks.push(b"two".to_vec());
            chunks.end();
            chunks.break_off();
        });
        let mut text = String::new();
        reader.read_to_string(&mut text)?;
        assert_eq!(text, "one two");
        assert_eq!(taken, 7);
        writer.join().expect("the thread that writes");
        Ok(())
    }

    #[test]
    fn input_that_breaks_off_is_an_error() {
        let chunks = Arc::new(Chunks::default());
        chunks.break_off();
        let mut reader = Reader {
            chunks,
            rest: io::Cursor::default(),
            consumed: |_| {},
        };
        let error = reader.read(&mut [0; 8]).expect_err("it broke off");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
    }
}
