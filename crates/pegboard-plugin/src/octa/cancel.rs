//! The wish that an execution ends early.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// Says when an execution is to end early. Copies stand for the same wish; once it is there it stays.
///
/// It comes when the host cancels the execution, shuts the plugin down or is gone, and at SIGTERM and SIGINT. A handler
/// that goes on has less than a second then: see [`crate::octa`].
#[derive(Clone, Default)]
pub struct Cancellation(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    cancelled: bool,
    next: u64,
    /// Taken out when what registered them is dropped, or at the one time they are called.
    listeners: BTreeMap<u64, Listener>,
}

enum Listener {
    Function(Box<dyn FnOnce() + Send>),
    Task(Waker),
}

impl Cancellation {
    /// Whether the execution is to end.
    pub fn is_cancelled(&self) -> bool {
        self.lock().cancelled
    }

    /// Waits for so long at most. True if the execution is to end.
    pub fn wait(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut state = self.lock();
        while !state.cancelled {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.0.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Is ready when the execution is to end; for async handlers, with any runtime.
    pub fn cancelled(&self) -> Cancelled {
        Cancelled {
            cancellation: self.clone(),
            key: None,
        }
    }

    /// Has a function called, once, when the execution is to end; at once if it is already. It must not wait. Dropping
    /// what is given back takes it back.
    #[must_use = "it is not called when this is dropped"]
    pub fn on_cancel(&self, act: impl FnOnce() + Send + 'static) -> OnCancel {
        let mut state = self.lock();
        let key = match state.cancelled {
            true => {
                drop(state);
                act();
                None
            }
            false => Some(state.listen(Listener::Function(Box::new(act)))),
        };
        OnCancel {
            cancellation: self.clone(),
            key,
        }
    }

    pub(crate) fn cancel(&self) {
        let mut state = self.lock();
        state.cancelled = true;
        let listeners = std::mem::take(&mut state.listeners);
        drop(state);
        self.0.changed.notify_all();
        for listener in listeners.into_values() {
            match listener {
                Listener::Function(act) => act(),
                Listener::Task(waker) => waker.wake(),
            }
        }
    }

    fn forget(&self, key: Option<u64>) {
        if let Some(key) = key {
            let listener = self.lock().listeners.remove(&key);
            drop(listener);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn listen(&mut self, listener: Listener) -> u64 {
        let key = self.next;
        self.next += 1;
        self.listeners.insert(key, listener);
        key
    }
}

impl fmt::Debug for Cancellation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cancellation({})", self.is_cancelled())
    }
}

/// Is ready when an execution is to end.
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct Cancelled {
    cancellation: Cancellation,
    key: Option<u64>,
}

impl Future for Cancelled {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let mut state = this.cancellation.lock();
        if state.cancelled {
            return Poll::Ready(());
        }
        if let Some(before) = this.key.take() {
            state.listeners.remove(&before);
        }
        this.key = Some(state.listen(Listener::Task(context.waker().clone())));
        Poll::Pending
    }
}

impl Drop for Cancelled {
    fn drop(&mut self) {
        self.cancellation.forget(self.key);
    }
}

/// Takes a function for the cancellation back when it is dropped.
#[derive(Debug)]
pub struct OnCancel {
    cancellation: Cancellation,
    key: Option<u64>,
}

impl Drop for OnCancel {
    fn drop(&mut self) {
        self.cancellation.forget(self.key);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn functions_are_called_once_and_not_after_they_were_taken_back() {
        let (cancellation, count) = (Cancellation::default(), Arc::new(Count::default()));
        let add = |count: &Arc<Count>| {
            let count = count.clone();
            move || count.wake()
        };
        let _first = cancellation.on_cancel(add(&count));
        drop(cancellation.on_cancel(add(&count)));
        assert!(!cancellation.wait(Duration::ZERO));
        cancellation.cancel();
        cancellation.cancel();
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
        let _late = cancellation.on_cancel(add(&count));
        assert_eq!(count.0.load(Ordering::SeqCst), 2);
        assert!(cancellation.wait(Duration::from_secs(5)));
    }

    #[test]
    fn a_future_is_woken_and_leaves_nothing_behind() {
        let (cancellation, count) = (Cancellation::default(), Arc::new(Count::default()));
        let waker = Waker::from(count.clone());
        let mut context = Context::from_waker(&waker);
        let mut future = std::pin::pin!(cancellation.cancelled());
        assert!(future.as_mut().poll(&mut context).is_pending());
        assert!(future.as_mut().poll(&mut context).is_pending());
        assert_eq!(cancellation.lock().listeners.len(), 1);
        let mut dropped = Box::pin(cancellation.cancelled());
        assert!(dropped.as_mut().poll(&mut context).is_pending());
        drop(dropped);
        assert_eq!(cancellation.lock().listeners.len(), 1);
        cancellation.cancel();
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
        assert!(future.as_mut().poll(&mut context).is_ready());
    }

    #[test]
    fn who_waits_is_told_from_another_thread() {
        let cancellation = Cancellation::default();
        let waiting = cancellation.clone();
        let thread = std::thread::spawn(move || waiting.wait(Duration::from_secs(10)));
        cancellation.cancel();
        assert!(thread.join().expect("the thread that waits"));
    }
}
