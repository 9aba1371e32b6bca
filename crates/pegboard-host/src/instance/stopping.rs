//! What nobody waits for any more is ended, as far as that harms nobody else.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use pegboard_protocol::nu::{CallId, Signal};
use serde_json::json;

use super::{Instance, Slot, Stopping, Talk, take_terminal_from};
use crate::engine_calls;

impl Instance {
    /// Sends a signal if the plugin knows signals. Without, an interrupt ends all that it does, however that can be done.
    pub(crate) fn signal(self: &Arc<Self>, signal: Signal) {
        match self.talk() {
            Some(Talk::Nushell(connection)) => connection.session(|session| {
                self.activity().interrupted = signal == Signal::Interrupt;
                session.signal(signal);
            }),
            Some(Talk::Octa(conversation)) if signal == Signal::Interrupt => {
                let calls: Vec<CallId> = self.slots().keys().copied().collect();
                match conversation.can_cancel() {
                    true => calls.into_iter().for_each(|call| conversation.cancel(call)),
                    false if calls.is_empty() => {}
                    false => {
                        self.retire("it cannot end what it does in another way", || true);
                    }
                }
            }
            Some(Talk::Octa(_)) | None => {}
        }
    }

    /// Stops the instance if it may be; the next use of the plugin starts another one. False if it may not.
    fn retire(self: &Arc<Self>, why: &str, may: impl FnOnce() -> bool) -> bool {
        let may = match self.plugin.upgrade() {
            Some(plugin) => plugin.let_go(self, may),
            None => true,
        };
        if may {
            self.note("stopped", json!({ "reason": why }));
            self.begin_stop();
        }
        may
    }

    /// Stops waiting for a call. The plugin is told to end it, if that harms nobody else. `own` is how many have got hold
    /// of the instance for this call.
    pub(crate) fn abandon(self: &Arc<Self>, slot: &Arc<Slot>, own: usize) {
        slot.abandon();
        take_terminal_from(slot);
        if slot.take_over() {
            engine_calls::answer_late(self, slot.clone());
        }
        self.end_abandoned(own);
    }

    /// Has the plugin end what it does for nobody, as far as that harms no other call. `own` is how many of those who
    /// have got hold of the instance will not make a call.
    pub(super) fn end_abandoned(self: &Arc<Self>, own: usize) {
        match self.talk().map(Talk::stopping) {
            Some(Stopping::Interrupt) => self.interrupt_abandoned(),
            Some(Stopping::One) => {
                let abandoned = self.abandoned();
                if let Some(conversation) = self.octa() {
                    abandoned
                        .into_iter()
                        .for_each(|call| conversation.cancel(call));
                }
            }
            Some(Stopping::Whole) if self.abandoned().is_empty() => {}
            Some(Stopping::Whole) => {
                let why =
                    "all that it still does was given up, and it cannot end it in another way";
                let unused =
                    || self.active_calls() == 0 && self.leases.load(Ordering::Acquire) <= own;
                if !self.retire(why, unused) {
                    let why = "it cannot end one execution, and others go on";
                    let details = json!({ "reason": why });
                    self.note("goes on with what was given up", details);
                }
            }
            None => {}
        }
    }

    /// Ends a call that somebody waits for, who is to learn how it ended.
    pub(crate) fn end_early(self: &Arc<Self>, slot: &Arc<Slot>) {
        match (self.octa(), self.call_of(slot)) {
            (Some(conversation), Some(call)) if conversation.can_cancel() => {
                conversation.cancel(call);
            }
            (_, Some(_)) => {
                let why = "the input of a call broke off, and it cannot end that in another way";
                self.retire(why, || true);
            }
            (_, None) => {}
        }
    }

    fn abandoned(&self) -> Vec<CallId> {
        let slots = self.slots();
        let abandoned = slots.iter().filter(|(_, slot)| slot.is_abandoned());
        abandoned.map(|(id, _)| *id).collect()
    }

    /// Interrupts the plugin if all that it still does is for nobody.
    fn interrupt_abandoned(&self) {
        let Some(connection) = self.connection() else {
            return;
        };
        // Calls are made under the session's lock, so that none comes between the look and the signal.
        connection.session(|session| {
            let slots = self.slots();
            let abandoned = slots.values().any(|slot| slot.is_abandoned());
            if abandoned
                && !slots.values().any(|slot| slot.is_awaited())
                && !std::mem::replace(&mut self.activity().interrupted, true)
            {
                session.signal(Signal::Interrupt);
            }
        });
    }
}
