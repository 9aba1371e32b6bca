//! Threads for calls: one for each that runs, kept for a while for the next.

use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a thread without work is kept.
const IDLE: Duration = Duration::from_secs(5);

type Job = Box<dyn FnOnce() + Send>;
/// A thread that waits for work, by its number.
type Worker = (u64, SyncSender<Job>);

/// Threads that wait for work. Calls may depend on each other, so a job never waits for a free thread.
#[derive(Clone, Default)]
pub(crate) struct Pool {
    // bounded by: the threads alive, each of which is listed at most once
    idle: Arc<Mutex<Vec<Worker>>>,
}

impl Pool {
    /// Runs a job on a thread that has nothing else to do.
    pub(crate) fn run(&self, job: impl FnOnce() + Send + 'static) {
        let mut job: Job = Box::new(job);
        loop {
            let Some((_, worker)) = self.lock().pop() else {
                break;
            };
            match worker.try_send(job) {
                Ok(()) => return,
                // It has just ended; another one may be there.
                Err(error) => {
                    job = match error {
                        std::sync::mpsc::TrySendError::Full(job)
                        | std::sync::mpsc::TrySendError::Disconnected(job) => job,
                    };
                }
            }
        }
        let pool = self.clone();
        let shared = Arc::new(Mutex::new(Some(job)));
        let first = shared.clone();
        let spawned = std::thread::Builder::new()
            .name("call".into())
            .spawn(move || {
                let job = first.lock().unwrap_or_else(PoisonError::into_inner).take();
                if let Some(job) = job {
                    pool.work(job);
                }
            });
        if spawned.is_err() {
            // Without threads, calls are seen to one after the other.
            let job = shared.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(job) = job {
                job();
            }
        }
    }

    fn work(&self, first: Job) {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let key = NEXT.fetch_add(1, Ordering::Relaxed);
        first();
        loop {
            let (sender, jobs) = sync_channel(1);
            self.lock().push((key, sender));
            match jobs.recv_timeout(IDLE) {
                Ok(job) => job(),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    self.lock().retain(|(other, _)| *other != key);
                    // One may have been sent in the meantime.
                    match jobs.try_recv() {
                        Ok(job) => job(),
                        Err(_) => return,
                    }
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Worker>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
