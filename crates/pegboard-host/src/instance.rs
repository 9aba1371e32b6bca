//! One running copy of a plugin: its process, its connection and the calls that are under way.

mod burial;
mod slot;
mod stopping;
mod talk;

pub(crate) use burial::{LAST_WORDS, describe};
pub(crate) use slot::{Bounds, End, GivenUp, Slot, SlotEvent};
pub(crate) use talk::{Stopping, Talk};

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use pegboard_protocol::nu::{Call, CallId, EngineResponse, PluginOption, Response, Signal};
use pegboard_protocol::session::{Failure, FailureKind, Host, Refusal};
use pegboard_transport::{Connection, Handler, Incoming, Recorder};
use semver::Version;

use crate::engine::EngineCore;
use crate::engine_calls;
use crate::octa::Conversation;
use crate::plugin::PluginCore;
use crate::runner::Owned;
use crate::stderr::{StderrReader, Tail};
use crate::{Diagnosis, Error, ErrorKind, TaskResult};

/// How long a caller waits to learn how a plugin that went away has ended.
const DIAGNOSIS_WAIT: Duration = Duration::from_secs(1);

/// One running copy of a plugin.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) plugin: Weak<PluginCore>,
    pub(crate) engine: Weak<EngineCore>,
    pub(crate) name: String,
    pub(crate) process: Owned,
    pub(crate) tail: Arc<Tail>,
    pub(crate) started: Instant,
    pub(crate) calls_made: AtomicU64,
    talk: OnceLock<Talk>,
    stderr: Mutex<Option<StderrReader>>,
    /// Where to write down what becomes of it.
    recorder: Option<Recorder>,
    /// Calls that the plugin has not done with. Taken after the session's lock where both are needed.
    slots: Mutex<HashMap<CallId, Arc<Slot>>>,
    activity: Mutex<Activity>,
    /// Callers who have got hold of the instance and have not made their call yet.
    leases: AtomicUsize,
    /// Custom values alive whose plugin wants to hear of their end.
    marks: AtomicUsize,
    /// We asked it to end, so that its end is no crash.
    asked_to_end: AtomicBool,
    /// Why its session is over; known to its burial even before it has its connection.
    failure: OnceLock<Failure>,
    ending: Mutex<Ending>,
    ended: Condvar,
}

#[derive(Debug)]
struct Activity {
    last: Instant,
    gc_disabled: bool,
    /// An interrupt was sent that has to be taken back before the next call.
    interrupted: bool,
}

#[derive(Debug, Default)]
struct Ending {
    begun: bool,
    diagnosis: Option<Diagnosis>,
}

/// What an instance is made of.
pub(crate) struct Parts {
    pub(crate) plugin: Weak<PluginCore>,
    pub(crate) engine: Weak<EngineCore>,
    pub(crate) name: String,
    pub(crate) process: Owned,
    pub(crate) tail: Arc<Tail>,
    pub(crate) stderr: Option<StderrReader>,
    pub(crate) recorder: Option<Recorder>,
}

impl Instance {
    pub(crate) fn new(parts: Parts) -> Arc<Instance> {
        let now = Instant::now();
        Arc::new(Instance {
            plugin: parts.plugin,
            engine: parts.engine,
            name: parts.name,
            process: parts.process,
            tail: parts.tail,
            started: now,
            calls_made: AtomicU64::new(0),
            talk: OnceLock::new(),
            stderr: Mutex::new(parts.stderr),
            recorder: parts.recorder,
            slots: Mutex::default(),
            activity: Mutex::new(Activity {
                last: now,
                gc_disabled: false,
                interrupted: false,
            }),
            leases: AtomicUsize::new(0),
            marks: AtomicUsize::new(0),
            asked_to_end: AtomicBool::new(false),
            failure: OnceLock::new(),
            ending: Mutex::default(),
            ended: Condvar::new(),
        })
    }

    /// Writes a remark into the trace, if there is one.
    pub(crate) fn note(&self, note: &str, details: serde_json::Value) {
        if let Some(recorder) = &self.recorder {
            recorder.note(&self.name, note, details);
        }
    }

    pub(crate) fn connect(&self, talk: Talk) {
        let _ = self.talk.set(talk);
    }

    /// The conversation with it. Every instance that others can see has one.
    pub(crate) fn talk(&self) -> Option<&Talk> {
        self.talk.get()
    }

    /// The connection, where it speaks Nushell's protocol.
    pub(crate) fn connection(&self) -> Option<&Connection<Host>> {
        match self.talk()? {
            Talk::Nushell(connection) => Some(connection),
            Talk::Octa(_) => None,
        }
    }

    /// The conversation, where it is of Octa's protocol.
    pub(crate) fn octa(&self) -> Option<&Conversation> {
        match self.talk()? {
            Talk::Octa(conversation) => Some(conversation),
            Talk::Nushell(_) => None,
        }
    }

    /// Why its session is over, if it is.
    pub(crate) fn failure(&self) -> Option<Failure> {
        self.talk()?.failure()
    }

    /// Why its session failed, as far as its handler has been told.
    pub(crate) fn failed_with(&self) -> Option<&Failure> {
        self.failure.get()
    }

    /// The versions that the plugin announced and that was announced to it.
    pub(crate) fn versions(&self) -> Option<(String, Version)> {
        let connection = self.connection()?;
        Some(connection.ask(|session| (session.peer().version.clone(), session.version().clone())))
    }

    /// Makes a call whose answer and engine calls go to `slot`.
    pub(crate) fn call(&self, call: Call, slot: &Arc<Slot>) -> Result<CallId, Error> {
        let connection = match self.talk() {
            Some(Talk::Nushell(connection)) => connection,
            Some(Talk::Octa(conversation)) => {
                let made = conversation.call(self, call, slot)?;
                self.calls_made.fetch_add(1, Ordering::Relaxed);
                return Ok(made);
            }
            None => return Err(Error::refused("the plugin is not connected").of(&self.name)),
        };
        let made = connection.session(|session| {
            if std::mem::take(&mut self.activity().interrupted) {
                session.signal(Signal::Reset);
            }
            let id = session.call(call)?;
            self.slots().insert(id, slot.clone());
            Ok(id)
        });
        match made {
            Ok(id) => {
                self.calls_made.fetch_add(1, Ordering::Relaxed);
                Ok(id)
            }
            Err(Refusal::Over(failure)) => Err(self.gone(&failure, "before the call was made")),
            Err(refusal) => Err(Error::refused(refusal.to_string()).of(&self.name)),
        }
    }

    /// Waits for what comes next for a call, as its caller.
    pub(crate) fn wait(
        &self,
        slot: &Slot,
        deadline: Option<Instant>,
    ) -> Result<SlotEvent, GivenUp> {
        let look = || slot.look(deadline);
        let waited = match self.connection() {
            Some(connection) => connection.wait(slot.bell(), deadline, look),
            None => slot.bell().wait(deadline, look),
        };
        waited.unwrap_or(Err(GivenUp::TimedOut))
    }

    /// Makes a call whose answer nobody waits for.
    pub(crate) fn call_in_background(&self, call: Call) -> Result<CallId, Error> {
        self.call(call, &Slot::unattended())
    }

    /// How many calls are under way that somebody waits for.
    pub(crate) fn active_calls(&self) -> usize {
        self.slots()
            .values()
            .filter(|slot| slot.is_awaited())
            .count()
    }

    /// True when nothing keeps the instance from being stopped.
    pub(crate) fn is_idle(&self) -> bool {
        self.leases.load(Ordering::Acquire) == 0
            && self.active_calls() == 0
            && self.marks.load(Ordering::Acquire) == 0
            && self.talk().is_none_or(|talk| talk.open_streams() == 0)
            && !self.activity().gc_disabled
    }

    /// When the instance will have been idle for `limit`; now or earlier if it has been, none if it is busy.
    pub(crate) fn idle_at(&self, limit: Duration) -> Option<Instant> {
        self.is_idle().then(|| self.activity().last + limit)
    }

    pub(crate) fn mark_made(&self) {
        self.marks.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn mark_dropped(&self) {
        self.marks.fetch_sub(1, Ordering::AcqRel);
        self.touch();
    }

    pub(crate) fn touch(&self) {
        self.activity().last = Instant::now();
    }

    /// The error for something that the plugin can no longer do, with what is known about its end. `when` says when
    /// that was, such as `while answering`.
    pub(crate) fn gone(&self, failure: &Failure, when: &str) -> Error {
        let message = match failure.kind {
            FailureKind::Closed if failure.message.starts_with("broke off") => {
                format!("it went away {when}; what it sent {failure}")
            }
            FailureKind::Closed if self.was_asked_to_end() => format!("it was stopped {when}"),
            FailureKind::Closed => format!("it went away {when}"),
            FailureKind::Local => format!("it was stopped {when}: {failure}"),
            FailureKind::Link => format!("the link to it broke {when}: {failure}"),
            FailureKind::Undecodable | FailureKind::Violation | FailureKind::Limit => {
                format!("it broke the rules and was stopped {when}: it {failure}")
            }
        };
        let error = Error::new(ErrorKind::Gone, message.into())
            .of(&self.name)
            .diagnosed(self.diagnosis());
        match failure.kind {
            // Where the mistake is inside of a message, it was no print that got in between.
            FailureKind::Undecodable if failure.message.contains(" (byte ") => error.help(
                "a plugin must write nothing but messages to its standard output: whatever it prints has to go to \
                 standard error",
            ),
            FailureKind::Limit => {
                error.help("the limits are part of the application's configuration of plugins")
            }
            _ => error,
        }
    }

    /// What is known about the end of the process, waiting for it a little.
    pub(crate) fn diagnosis(&self) -> Diagnosis {
        let deadline = Instant::now() + DIAGNOSIS_WAIT;
        let mut ending = self.ending.lock().unwrap_or_else(PoisonError::into_inner);
        while ending.diagnosis.is_none() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            ending = self
                .ended
                .wait_timeout(ending, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        ending
            .diagnosis
            .clone()
            .unwrap_or_else(|| self.provisional_diagnosis())
    }

    pub(crate) fn provisional_diagnosis(&self) -> Diagnosis {
        let versions = self.versions();
        Diagnosis {
            exit: self.process.ended().and_then(burial::describe),
            stderr: self.tail.lines(),
            plugin_version: versions.as_ref().map(|(plugin, _)| plugin.clone()),
            engine_version: versions.map(|(_, engine)| engine.to_string()),
        }
    }

    /// Has what comes for a call go to a slot.
    pub(crate) fn expect_answer(&self, id: CallId, slot: &Arc<Slot>) {
        self.slots().insert(id, slot.clone());
    }

    /// The number of the call that a slot is for, while it is under way.
    pub(crate) fn call_of(&self, slot: &Arc<Slot>) -> Option<CallId> {
        let slots = self.slots();
        let mut all = slots.iter();
        all.find_map(|(id, known)| Arc::ptr_eq(known, slot).then_some(*id))
    }

    /// The command that a call runs.
    pub(crate) fn command_of(&self, id: CallId) -> String {
        self.slot(id)
            .map_or_else(String::new, |slot| slot.command.clone())
    }

    /// Nobody takes more of a call's input.
    pub(crate) fn end_input(&self, id: CallId) {
        if let Some(slot) = self.slot(id) {
            slot.end_input();
        }
    }

    /// Where a call wants its result.
    pub(crate) fn result_of(&self, id: CallId) -> Option<TaskResult> {
        self.slot(id)?.result().cloned()
    }

    /// Sets how a call ends.
    pub(crate) fn end_call(&self, id: CallId, end: End) {
        if let Some(slot) = self.slot(id) {
            slot.end_with(end);
        }
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<CallId, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slot(&self, id: CallId) -> Option<Arc<Slot>> {
        self.slots().get(&id).cloned()
    }

    fn activity(&self) -> MutexGuard<'_, Activity> {
        self.activity.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close_slot(self: &Arc<Self>, id: CallId) {
        let slot = self.slots().remove(&id);
        if let Some(slot) = slot {
            take_terminal_from(&slot);
            slot.close();
            // A call that was given up while this one ran could not be ended then.
            self.end_abandoned(0);
        }
        self.touch();
    }

    pub(crate) fn handle(self: &Arc<Self>, incoming: Incoming) {
        match incoming {
            Incoming::Response {
                id,
                response,
                output,
            } => {
                // The terminal goes back to the application with the answer.
                if let Some(slot) = self.slot(id) {
                    take_terminal_from(&slot);
                    slot.push(SlotEvent::Response { response, output });
                }
            }
            Incoming::CallClosed { id } => self.close_slot(id),
            Incoming::CallFailed { id } => {
                if let Some(slot) = self.slot(id) {
                    slot.push(SlotEvent::Failed);
                }
                self.close_slot(id);
            }
            Incoming::EngineCall {
                context,
                id,
                call,
                input,
            } => match self.slot(context) {
                Some(slot) if !slot.is_unattended() => {
                    if slot.push(SlotEvent::EngineCall { id, call, input }) {
                        engine_calls::answer_late(self, slot);
                    }
                }
                // The refusals of a plugin that does not read them must not pile up.
                _ if self.is_congested() => {
                    if let Some(connection) = self.connection() {
                        let message = "makes engine calls and does not read the answers";
                        connection.fail(Failure::new(FailureKind::Limit, message));
                    }
                }
                _ => self.answer(id, engine_calls::no_context(&call)),
            },
            Incoming::Option(PluginOption::GcDisabled(disabled)) => {
                let mut activity = self.activity();
                activity.gc_disabled = disabled;
                activity.last = Instant::now();
            }
            Incoming::Failed(failure) => {
                if let Some(plugin) = self.plugin.upgrade() {
                    plugin.instance_failed(self, &failure);
                }
                let _ = self.failure.set(failure);
                self.bury();
            }
            Incoming::Call { .. }
            | Incoming::EngineResponse { .. }
            | Incoming::EngineCallFailed { .. }
            | Incoming::Signal(_)
            | Incoming::Goodbye => {}
        }
    }

    pub(crate) fn answer(&self, id: pegboard_protocol::nu::EngineCallId, response: EngineResponse) {
        if let Some(connection) = self.connection() {
            connection.session(|session| session.answer(id, response));
        }
    }

    fn is_congested(&self) -> bool {
        self.connection()
            .is_some_and(|connection| !connection.wait_for_room(Instant::now()))
    }

    /// True if the instance ends because we wanted it to.
    pub(crate) fn was_asked_to_end(&self) -> bool {
        self.asked_to_end.load(Ordering::Acquire)
    }
}

/// An instance that will not be stopped for being idle before this is dropped.
#[derive(Debug)]
pub(crate) struct Lease(Arc<Instance>);

impl Lease {
    pub(crate) fn new(instance: &Arc<Instance>) -> Lease {
        instance.leases.fetch_add(1, Ordering::AcqRel);
        Lease(instance.clone())
    }
}

impl std::ops::Deref for Lease {
    type Target = Arc<Instance>;

    fn deref(&self) -> &Arc<Instance> {
        &self.0
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.leases.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Hands what comes in to an instance, without keeping it alive.
pub(crate) struct InstanceHandler(pub(crate) Weak<Instance>);

impl Handler for InstanceHandler {
    fn handle(&self, incoming: Incoming) {
        if let Some(instance) = self.0.upgrade() {
            instance.handle(incoming);
        }
    }
}

/// The terminal goes back to the application, if the plugin had it for this call.
fn take_terminal_from(slot: &Slot) {
    if slot.leave_foreground() {
        // Whoever has no terminal any more has nothing to take back.
        let _ = crate::runner::take_terminal();
    }
}

/// The kind of a response, for a message about one that does not fit.
pub(crate) fn response_name(response: &Response) -> &'static str {
    match response {
        Response::Ok => "Ok",
        Response::Error(_) => "Error",
        Response::Metadata(_) => "Metadata",
        Response::Signature(_) => "Signature",
        Response::Ordering(_) => "Ordering",
        Response::Completions(_) => "CompletionItems",
        Response::Data(_) => "PipelineData",
    }
}
