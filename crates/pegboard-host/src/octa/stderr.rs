//! What executions write to standard error: passed on in order by a thread of its own, since that may have to wait.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pegboard_protocol::octa::{ExecutionId, Host};
use pegboard_transport::Bell;
use pegboard_transport::octa::Connection;

use crate::Stderr;
use crate::stderr::Tail;

/// How long the end of a call waits for what was said before it.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// So many bytes are passed on together, and a piece more.
const TOGETHER: usize = 64 << 10;

/// What is on its way to where standard error goes.
#[derive(Debug)]
pub(super) struct Said {
    queue: Mutex<Sender<Piece>>,
    queued: AtomicU64,
    passed: Arc<Passed>,
}

/// What an execution wrote, and whom to tell when it was taken. The thread itself must not keep the connection, nor with it
/// the queue that it waits for.
struct Piece {
    connection: Connection<Host>,
    id: ExecutionId,
    bytes: Vec<u8>,
}

#[derive(Debug, Default)]
struct Passed {
    count: AtomicU64,
    bell: Bell,
}

impl Said {
    pub(super) fn start(name: String, tail: Arc<Tail>, to: Stderr) -> std::io::Result<Said> {
        // bounded by: the session, which counts what was not taken
        let (queue, pieces) = std::sync::mpsc::channel();
        let passed = Arc::<Passed>::default();
        let counting = passed.clone();
        std::thread::Builder::new()
            .name("pegboard stderr".into())
            .stack_size(256 << 10)
            .spawn(move || pass_on(&pieces, &counting, &name, &tail, &to))?;
        Ok(Said {
            queue: Mutex::new(queue),
            queued: AtomicU64::new(0),
            passed,
        })
    }

    pub(super) fn say(&self, connection: &Connection<Host>, id: ExecutionId, bytes: Vec<u8>) {
        self.queued.fetch_add(1, Ordering::AcqRel);
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = connection.clone();
        // The thread goes on as long as there is a queue.
        let _ = queue.send(Piece {
            connection,
            id,
            bytes,
        });
    }

    /// Waits, for a moment, until all that has been said so far was passed on.
    pub(super) fn wait(&self) {
        let queued = self.queued.load(Ordering::Acquire);
        let look = || (self.passed.count.load(Ordering::Acquire) >= queued).then_some(());
        let deadline = Instant::now() + LAST_WORDS;
        let _ = self.passed.bell.wait(Some(deadline), look);
    }
}

fn pass_on(pieces: &Receiver<Piece>, passed: &Passed, name: &str, tail: &Tail, to: &Stderr) {
    while let Ok(first) = pieces.recv() {
        let block = Block::gather(first, pieces);
        tail.push(&block.bytes);
        match to {
            Stderr::Forward(forward) => forward(name, &block.bytes),
            Stderr::Inherit => crate::runner::to_own_stderr(&block.bytes),
            Stderr::Discard => {}
        }
        passed.count.fetch_add(block.pieces, Ordering::AcqRel);
        passed.bell.ring();
        for (id, size) in block.sizes {
            block.connection.consumed(id, size);
        }
    }
}

/// What has come while the last was passed on: to pass on line by line takes longer than all the rest.
struct Block {
    connection: Connection<Host>,
    bytes: Vec<u8>,
    pieces: u64,
    /// How much of it is whose.
    sizes: Vec<(ExecutionId, usize)>,
}

impl Block {
    fn gather(first: Piece, pieces: &Receiver<Piece>) -> Block {
        let mut block = Block {
            sizes: vec![(first.id, first.bytes.len())],
            connection: first.connection,
            bytes: first.bytes,
            pieces: 1,
        };
        while block.bytes.len() < TOGETHER
            && let Ok(piece) = pieces.try_recv()
        {
            block.bytes.extend_from_slice(&piece.bytes);
            block.pieces += 1;
            let size = piece.bytes.len();
            match block.sizes.last_mut() {
                Some((id, sum)) if *id == piece.id => *sum += size,
                _ => block.sizes.push((piece.id, size)),
            }
        }
        block
    }
}
