//! What executions write: put where it is waited for, and counted until it was taken.

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Instant;

use pegboard_protocol::nu::StreamItem;
use pegboard_protocol::octa::{ExecutionId, Feature, Host};

use super::Shared;
use crate::driver::{InStream, Inbox, Release};

/// The reader stops when more than this has come that was not taken, and nobody waits for more.
const ENOUGH: usize = 4 << 20;

/// Those of executions that are open, or of which something was not taken.
#[derive(Default)]
pub(super) struct Outputs {
    // bounded by: the executions that are open, and the streams that the application holds
    all: HashMap<ExecutionId, Output>,
}

struct Output {
    /// None when nobody wants it.
    inbox: Option<Arc<Inbox>>,
    /// Bytes of both streams that have come and were not taken.
    outstanding: usize,
    ended: bool,
}

impl Outputs {
    /// Whether somebody waits for what has not come yet.
    fn hungry(&self) -> bool {
        let mut open = self.all.values().filter(|output| !output.ended);
        open.any(|output| output.outstanding == 0)
    }

    fn clean(&mut self, id: ExecutionId) {
        let done = self
            .all
            .get(&id)
            .is_some_and(|output| output.ended && output.inbox.is_none());
        if done {
            self.all.remove(&id);
        }
    }
}

impl Shared<Host> {
    fn outputs(&self) -> MutexGuard<'_, Outputs> {
        self.outputs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn open_output(self: &Arc<Self>, id: ExecutionId) -> InStream {
        let inbox = Arc::<Inbox>::default();
        let output = Output {
            inbox: Some(inbox.clone()),
            outstanding: 0,
            ended: false,
        };
        self.outputs().all.insert(id, output);
        let owner = Owner {
            shared: self.clone(),
            id,
        };
        InStream::owned(inbox, Box::new(owner))
    }

    pub(super) fn arrived(&self, id: ExecutionId, bytes: usize) {
        if let Some(output) = self.outputs().all.get_mut(&id) {
            output.outstanding += bytes;
        }
    }

    /// What a message brought, with the end of a line where it means one: real plugins send lines, some of them without.
    pub(super) fn whole(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        let lines = || !self.lock().session.features().has(Feature::Bytes);
        if !bytes.ends_with(b"\n") && lines() {
            bytes.push(b'\n');
        }
        bytes
    }

    /// Puts what messages brought where it is waited for.
    pub(super) fn to_output(self: &Arc<Self>, id: ExecutionId, run: Vec<Vec<u8>>) {
        let size = run.iter().map(Vec::len).sum();
        let whole = |bytes: Vec<u8>| {
            let size = bytes.len();
            (StreamItem::Raw(self.whole(bytes)), size)
        };
        // Before the inbox is locked: the session's state comes first.
        let items: Vec<_> = run.into_iter().map(whole).collect();
        let inbox = self.outputs().all.get(&id).and_then(|o| o.inbox.clone());
        match inbox {
            Some(inbox) => inbox.extend(items),
            None => self.consumed(id, size),
        }
    }

    pub(super) fn end_output(&self, id: ExecutionId) {
        let mut outputs = self.outputs();
        let Some(output) = outputs.all.get_mut(&id) else {
            return;
        };
        output.ended = true;
        let inbox = output.inbox.clone();
        outputs.clean(id);
        drop(outputs);
        if let Some(inbox) = inbox {
            inbox.end(None);
        }
        self.room.ring();
    }

    pub(super) fn consumed(self: &Arc<Self>, id: ExecutionId, bytes: usize) {
        let mut state = self.lock();
        if let Some(output) = self.outputs().all.get_mut(&id) {
            output.outstanding = output.outstanding.saturating_sub(bytes);
        }
        state.session.consumed(id, bytes);
        self.settle(state);
        self.room.ring();
    }

    /// Nobody wants an output any more: what has come is thrown away, and so is what will.
    fn forget_output(self: &Arc<Self>, id: ExecutionId) {
        let left = {
            let mut outputs = self.outputs();
            let Some(output) = outputs.all.get_mut(&id) else {
                return;
            };
            output.inbox = None;
            let left = output.outstanding;
            outputs.clean(id);
            left
        };
        self.consumed(id, left);
    }
}

impl<S: super::Side> Shared<S> {
    /// Whether the reader is to read on.
    pub(super) fn has_appetite(&self) -> bool {
        let state = self.lock();
        let outputs = self.outputs.lock().unwrap_or_else(PoisonError::into_inner);
        state.session.buffered() < ENOUGH
            || state.session.is_owed()
            || state.session.is_over()
            || outputs.hungry()
    }
}

/// The connection that an output came from.
struct Owner {
    shared: Arc<Shared<Host>>,
    id: ExecutionId,
}

impl Release for Owner {
    fn wait(&self, inbox: &Inbox, deadline: Option<Instant>) {
        inbox.wait(deadline);
    }

    fn consumed(&self, sizes: &mut Vec<usize>) {
        self.shared.consumed(self.id, sizes.drain(..).sum());
    }

    fn release(&self) {
        self.shared.forget_output(self.id);
    }
}
