//! The items of a stream, as many at a time as come together.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use pegboard_host::{Error, ListStream, Value};

/// So many rows are shown together at most.
const MOST: usize = 512;
/// A row is shown this long after it came, even when others could follow.
const LONGEST: Duration = Duration::from_millis(100);

/// Waits for an item, and then a little for others that come with it.
pub(super) fn batches(items: ListStream) -> impl Iterator<Item = Vec<Result<Value, Error>>> {
    // An iterator cannot be waited for with a limit: a thread does that. It ends at the first item that nobody wants.
    let (send, receive) = mpsc::sync_channel(MOST);
    thread::spawn(move || {
        for item in items {
            if send.send(item).is_err() {
                break;
            }
        }
    });
    std::iter::from_fn(move || {
        let mut batch = vec![receive.recv().ok()?];
        let shown = Instant::now() + LONGEST;
        while batch.len() < MOST {
            match receive.recv_timeout(shown.saturating_duration_since(Instant::now())) {
                Ok(item) => batch.push(item),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        Some(batch)
    })
}
