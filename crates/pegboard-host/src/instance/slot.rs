//! A call under way: what has come for it and has not been seen to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use pegboard_protocol::nu::{EngineCall, EngineCallId, Response};
use pegboard_protocol::session::Failure;
use pegboard_transport::{Bell, InStream, Stop};

use crate::custom::Mark;
use crate::{CancelToken, Context, Error, NoContext, TaskResult};

/// What ends the wait for a call, and for the calls that are made for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bounds {
    pub(crate) until: Option<Instant>,
    pub(crate) cancel: Option<CancelToken>,
}

/// A call under way.
pub(crate) struct Slot {
    /// The command's name; empty for other calls.
    pub(crate) command: String,
    pub(crate) context: Arc<dyn Context>,
    bounds: OnceLock<Bounds>,
    result: OnceLock<TaskResult>,
    state: Mutex<SlotState>,
    bell: Bell,
}

#[derive(Default)]
struct SlotState {
    // bounded by: the engine calls that the session lets wait for an answer, and one response
    events: VecDeque<SlotEvent>,
    attention: Attention,
    /// A thread answers late engine calls.
    served: bool,
    cancelled: bool,
    foreground: bool,
    /// Custom values that the plugin may use until the call is over.
    keep: Vec<Arc<Mark>>,
    /// Ends the wait for what feeds the call's input.
    input: Option<Stop>,
    ending: Option<End>,
}

/// How a call ended that did not end well, where that is only known behind its answer.
#[derive(Clone, Debug)]
pub(crate) enum End {
    Failed(Error),
    /// With the plugin, of whose end there may be something to tell.
    Gone(Failure),
}

/// Who sees to what comes for a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Attention {
    /// The caller, who waits for the answer.
    #[default]
    Caller,
    /// A thread, when there is something: the answer was taken, and engine calls may still come while it streams.
    Idle,
    /// A thread that refuses what comes: the caller gave up.
    Abandoned,
    /// Nobody ever: the call was made for its effect.
    Unattended,
}

/// Something that came for a call.
#[derive(Debug)]
pub(crate) enum SlotEvent {
    EngineCall {
        id: EngineCallId,
        call: EngineCall,
        input: Option<InStream>,
    },
    Response {
        response: Response,
        output: Option<InStream>,
    },
    Failed,
}

/// Why a caller waits no longer.
pub(crate) enum GivenUp {
    TimedOut,
    Cancelled,
}

impl Slot {
    pub(crate) fn new(command: String, context: Arc<dyn Context>) -> Arc<Slot> {
        Arc::new(Slot {
            command,
            context,
            bounds: OnceLock::new(),
            result: OnceLock::new(),
            state: Mutex::default(),
            bell: Bell::default(),
        })
    }

    /// Sets, once, what ends the wait.
    pub(crate) fn bind(&self, bounds: Bounds) {
        let _ = self.bounds.set(bounds);
    }

    /// What ends the wait.
    pub(crate) fn bounds(&self) -> Bounds {
        self.bounds.get().cloned().unwrap_or_default()
    }

    /// Sets, once, where a structured result of a task goes.
    pub(crate) fn put_result_into(&self, result: TaskResult) {
        let _ = self.result.set(result);
    }

    /// Where a structured result of a task goes, if anybody wants it.
    pub(crate) fn result(&self) -> Option<&TaskResult> {
        self.result.get()
    }

    /// A slot for a call whose answer nobody waits for.
    pub(crate) fn unattended() -> Arc<Slot> {
        let slot = Slot::new(String::new(), Arc::new(NoContext));
        slot.lock().attention = Attention::Unattended;
        slot
    }

    /// Rings when something has come for the caller.
    pub(crate) fn bell(&self) -> &Bell {
        &self.bell
    }

    /// The next event for the caller, or why he is to wait no longer.
    pub(crate) fn look(&self, deadline: Option<Instant>) -> Option<Result<SlotEvent, GivenUp>> {
        let mut state = self.lock();
        if state.cancelled {
            return Some(Err(GivenUp::Cancelled));
        }
        // A plugin that never stops asking must not keep its caller beyond the deadline.
        let asks = matches!(state.events.front(), Some(SlotEvent::EngineCall { .. }));
        if asks && deadline.is_some_and(|at| at <= Instant::now()) {
            return Some(Err(GivenUp::TimedOut));
        }
        let event = state.events.pop_front()?;
        if matches!(event, SlotEvent::Response { .. } | SlotEvent::Failed) {
            state.attention = Attention::Idle;
        }
        Some(Ok(event))
    }

    /// Adds an event. True when nobody is there to see to it and a thread has to be started, which the slot then
    /// counts on.
    pub(crate) fn push(&self, event: SlotEvent) -> bool {
        let mut state = self.lock();
        match state.attention {
            Attention::Unattended => return false,
            // Only engine calls still need an answer, and the thread refuses them.
            Attention::Abandoned if !matches!(event, SlotEvent::EngineCall { .. }) => {
                drop(state);
                drop(event);
                return false;
            }
            _ => {}
        }
        state.events.push_back(event);
        let start = state.needs_thread();
        drop(state);
        self.bell.ring();
        start
    }

    /// True when events were left behind by the caller, so that a thread has to see to them.
    pub(crate) fn take_over(&self) -> bool {
        self.lock().needs_thread()
    }

    /// The next event for the thread; with none left, the thread is no longer counted on.
    pub(crate) fn next_late(&self) -> Option<SlotEvent> {
        let mut state = self.lock();
        let event = state.events.pop_front();
        state.served = event.is_some();
        event
    }

    /// The caller gives up.
    pub(crate) fn abandon(&self) {
        let mut state = self.lock();
        state.attention = Attention::Abandoned;
        let (left, done) = std::mem::take(&mut state.events)
            .into_iter()
            .partition(|event| matches!(event, SlotEvent::EngineCall { .. }));
        state.events = left;
        let input = state.input.take();
        drop(state);
        if let Some(stop) = input {
            stop();
        }
        // A stream in an answer is told that nobody wants it, which takes other locks.
        drop::<VecDeque<SlotEvent>>(done);
    }

    /// Wakes the caller, who then gives up.
    pub(crate) fn cancel(&self) {
        self.lock().cancelled = true;
        self.bell.ring();
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.lock().cancelled
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.lock().attention == Attention::Abandoned
    }

    /// True while somebody wants to know what comes of the call.
    pub(crate) fn is_awaited(&self) -> bool {
        !matches!(
            self.lock().attention,
            Attention::Abandoned | Attention::Unattended
        )
    }

    pub(crate) fn is_unattended(&self) -> bool {
        self.lock().attention == Attention::Unattended
    }

    /// Has the wait for what feeds the call's input end when the caller gives up.
    pub(crate) fn feed_from(&self, input: Option<Stop>) {
        self.lock().input = input;
    }

    /// Keeps custom values alive until the call is over.
    pub(crate) fn keep(&self, marks: Vec<Arc<Mark>>) {
        if !marks.is_empty() {
            self.lock().keep.extend(marks);
        }
    }

    /// Sets how the call ended, unless that is known.
    pub(crate) fn end_with(&self, end: End) {
        self.lock().ending.get_or_insert(end);
    }

    /// How the call ended, if it did not end well.
    pub(crate) fn ending(&self) -> Option<End> {
        self.lock().ending.clone()
    }

    /// Nobody takes more of the call's input.
    pub(crate) fn end_input(&self) {
        let input = self.lock().input.take();
        if let Some(stop) = input {
            stop();
        }
    }

    /// The call is over; values that were kept for it may go.
    pub(crate) fn close(&self) {
        let keep = std::mem::take(&mut self.lock().keep);
        drop(keep);
    }

    /// Notes that the plugin has the terminal. False if it had it before.
    pub(crate) fn enter_foreground(&self) -> bool {
        !std::mem::replace(&mut self.lock().foreground, true)
    }

    /// Notes that the plugin no longer has the terminal. False if it did not have it.
    pub(crate) fn leave_foreground(&self) -> bool {
        std::mem::take(&mut self.lock().foreground)
    }

    fn lock(&self) -> MutexGuard<'_, SlotState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SlotState {
    /// True when a thread has to be started for what has come, which is counted on from then on.
    fn needs_thread(&mut self) -> bool {
        let needed = matches!(self.attention, Attention::Idle | Attention::Abandoned)
            && !self.served
            && !self.events.is_empty();
        self.served |= needed;
        needed
    }
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Slot({})", self.command)
    }
}
