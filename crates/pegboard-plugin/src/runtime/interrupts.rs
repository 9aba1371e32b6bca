//! Interrupts: a flag, functions to be called, and streams to be ended.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pegboard_transport::StreamStop;

/// What is to happen at an interrupt.
#[derive(Default)]
pub(crate) struct Interrupts {
    flag: AtomicBool,
    next: AtomicU64,
    listeners: Arc<Mutex<Listeners>>,
}

/// What is to be done at an interrupt.
type Function = Arc<dyn Fn() + Send + Sync>;

#[derive(Default)]
struct Listeners {
    functions: BTreeMap<u64, Function>,
    // bounded by: input streams that are open; those that are over are removed when one is added
    streams: Vec<StreamStop>,
}

impl Interrupts {
    pub(crate) fn is_set(&self) -> bool {
        self.flag.load(Ordering::Acquire)
    }

    /// An interrupt has come: streams end, and the functions that are to be called are given back.
    pub(crate) fn set(&self) -> Vec<Function> {
        self.flag.store(true, Ordering::Release);
        let (functions, streams) = {
            let mut listeners = lock(&self.listeners);
            (
                listeners.functions.values().cloned().collect(),
                std::mem::take(&mut listeners.streams),
            )
        };
        streams.iter().for_each(StreamStop::stop);
        functions
    }

    pub(crate) fn reset(&self) {
        self.flag.store(false, Ordering::Release);
    }

    pub(crate) fn stop_at_next(&self, stream: StreamStop) {
        let mut listeners = lock(&self.listeners);
        listeners.streams.retain(|stream| !stream.is_over());
        listeners.streams.push(stream);
    }

    pub(crate) fn on(&self, act: impl Fn() + Send + Sync + 'static) -> Registration {
        let key = self.next.fetch_add(1, Ordering::Relaxed);
        lock(&self.listeners).functions.insert(key, Arc::new(act));
        Registration {
            listeners: self.listeners.clone(),
            key,
        }
    }
}

/// Takes a function back when it is dropped.
pub(crate) struct Registration {
    listeners: Arc<Mutex<Listeners>>,
    key: u64,
}

impl Drop for Registration {
    fn drop(&mut self) {
        let function = lock(&self.listeners).functions.remove(&self.key);
        drop(function);
    }
}

fn lock(listeners: &Mutex<Listeners>) -> MutexGuard<'_, Listeners> {
    listeners.lock().unwrap_or_else(PoisonError::into_inner)
}
