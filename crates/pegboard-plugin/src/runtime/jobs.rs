//! Which thread does what the engine asks for.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pegboard_transport::Job;

use super::pool::Pool;

/// What takes longer is slow, and had better not be done by the thread that reads.
const QUICK: Duration = Duration::from_micros(500);

/// Jobs that have come and were not begun.
#[derive(Default)]
pub(super) struct Jobs {
    // bounded by: the calls that come with one read, since whoever reads starts them
    waiting: Mutex<VecDeque<(Job, Pace)>>,
    running: Arc<AtomicUsize>,
    pool: Pool,
}

/// How long a kind of job took when it was last done.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pace(Arc<AtomicBool>);

impl Pace {
    fn is_slow(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn took(&self, time: Duration) {
        self.0.store(time > QUICK, Ordering::Relaxed);
    }
}

impl Jobs {
    /// Adds a job, to be begun by [`Jobs::start`] or [`Jobs::take`].
    pub(super) fn add(&self, pace: Pace, job: impl FnOnce() + Send + 'static) {
        let (measured, running) = (pace.clone(), self.running.clone());
        let job = Box::new(move || {
            let began = Instant::now();
            job();
            measured.took(began.elapsed());
            running.fetch_sub(1, Ordering::AcqRel);
        });
        self.lock().push_back((job, pace));
    }

    /// Begins all jobs on threads of their own.
    pub(super) fn start(&self) {
        while let Some((job, _)) = self.pop() {
            self.pool.run(job);
        }
    }

    /// The same, but gives one back that is best done by the thread that has read it: that spares waking another one.
    /// While it is done, the next call may have to wait for a millisecond or two until somebody else reads, so it must be
    /// the only one, and not known to be slow.
    pub(super) fn take(&self) -> Option<Job> {
        let (job, pace) = self.pop()?;
        let alone = self.running.load(Ordering::Acquire) == 1 && self.lock().is_empty();
        if alone && !pace.is_slow() {
            return Some(job);
        }
        self.pool.run(job);
        self.start();
        None
    }

    /// Runs something beside.
    pub(super) fn run(&self, job: impl FnOnce() + Send + 'static) {
        self.pool.run(job);
    }

    fn pop(&self) -> Option<(Job, Pace)> {
        let job = self.lock().pop_front()?;
        self.running.fetch_add(1, Ordering::AcqRel);
        Some(job)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Job, Pace)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
