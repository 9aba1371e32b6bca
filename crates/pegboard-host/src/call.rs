//! Running a command: arguments and an input in, an output out.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use pegboard_protocol::nu::{Call, EvaluatedCall, Response, RunCall};
use pegboard_protocol::{LabeledError, Span, Spanned, Value};
use pegboard_transport::{InStream, StreamStop};

use crate::custom;
use crate::engine_calls;
use crate::instance::{Bounds, End, GivenUp, Instance, Lease, Slot, SlotEvent, response_name};
use crate::octa;
use crate::plugin::PluginCore;
use crate::pump::{read_flow, send_flow};
use crate::{Context, Error, ErrorKind, Flow, NoContext, Protocol, TaskResult};
use pegboard_args::nearest;

/// How many of a plugin's commands an error lists.
const MOST_NAMES: usize = 8;

/// A run of a command that is being put together; [`Run::call`] makes it.
#[must_use = "nothing runs before `call`"]
pub struct Run {
    plugin: Arc<PluginCore>,
    command: String,
    arguments: EvaluatedCall,
    input: Flow,
    context: Arc<dyn Context>,
    deadline: Option<Duration>,
    cancel: Option<CancelToken>,
    result: Option<TaskResult>,
}

impl Run {
    pub(crate) fn new(plugin: Arc<PluginCore>, command: String) -> Run {
        Run {
            plugin,
            command,
            arguments: EvaluatedCall::default(),
            input: Flow::Empty,
            context: Arc::new(NoContext),
            deadline: None,
            cancel: None,
            result: None,
        }
    }

    /// Adds a positional argument.
    pub fn argument(mut self, value: impl Into<Value>) -> Run {
        self.arguments.positional.push(value.into());
        self
    }

    /// Adds a flag without a value, by its long name.
    pub fn switch(mut self, name: impl Into<String>) -> Run {
        self.arguments
            .named
            .push((Spanned::new(name.into(), Span::UNKNOWN), None));
        self
    }

    /// Adds a flag with a value, by its long name.
    pub fn flag(mut self, name: impl Into<String>, value: impl Into<Value>) -> Run {
        self.arguments
            .named
            .push((Spanned::new(name.into(), Span::UNKNOWN), Some(value.into())));
        self
    }

    /// Sets all arguments at once, in place of those added before.
    pub fn arguments(mut self, arguments: EvaluatedCall) -> Run {
        self.arguments = arguments;
        self
    }

    /// Sets the input.
    pub fn input(mut self, input: impl Into<Flow>) -> Run {
        self.input = input.into();
        self
    }

    /// Sets what answers the plugin's questions. Without it, all are refused.
    pub fn context(mut self, context: Arc<dyn Context>) -> Run {
        self.context = context;
        self
    }

    /// Gives up when the plugin has not answered after this time. A stream in the answer may go on longer.
    pub fn deadline(mut self, deadline: Duration) -> Run {
        self.deadline = Some(deadline);
        self
    }

    /// Gives up when the token is cancelled; the output, if it is a stream, then ends too.
    pub fn cancel(mut self, token: &CancelToken) -> Run {
        self.cancel = Some(token.clone());
        self
    }

    /// Sets where the structured result of a task is put, if the plugin is one of Octa's and gives one beside what it writes.
    /// Whatever is there goes when the call is made.
    pub fn result(mut self, result: &TaskResult) -> Run {
        self.result = Some(result.clone());
        self
    }

    /// What is wrong with the call, as far as that is known without starting the plugin: a command that it does not have
    /// (as for [`Run::call`]), and arguments that a task of an Octa plugin cannot have, such as a directory that is not
    /// there.
    pub fn check(&self) -> Result<(), Error> {
        self.check_command()?;
        match (self.plugin.protocol(), self.plugin.engine.upgrade()) {
            (Protocol::Octa, Some(engine)) => {
                octa::check(&self.arguments, &engine.config.directory).map_err(Error::misuse)
            }
            _ => Ok(()),
        }
    }

    /// Starts the plugin if it does not run, makes the call and waits for the answer.
    ///
    /// A command that is not among the plugin's signatures is refused, if these were asked for before
    /// ([`crate::Plugin::signatures`], [`crate::Engine::find`]) and its file is still the same. They are not asked for
    /// here, which would cost a round trip: then it is the plugin that says that it has no such command.
    ///
    /// A stream in the answer is read when it is asked for, and the plugin waits for it.
    pub fn call(self) -> Result<Flow, Error> {
        self.check_command()?;
        let until = self.deadline.map(|deadline| Instant::now() + deadline);
        if self.cancel.as_ref().is_some_and(CancelToken::is_cancelled) {
            return Err(cancelled(&self.plugin.name));
        }
        let patience = until.zip(self.deadline);
        let instance = match (patience, &self.cancel) {
            (None, None) => self.plugin.instance()?,
            (patience, cancel) => instance_within(&self.plugin, patience, cancel.as_ref())?,
        };
        let slot = Slot::new(self.command.clone(), self.context);
        if let Some(result) = self.result {
            result.clear();
            slot.put_result_into(result);
        }
        slot.bind(Bounds {
            until,
            cancel: self.cancel.clone(),
        });
        if let Some(token) = &self.cancel {
            token.register(Waiting::Slot(Arc::downgrade(&slot)));
        }
        let mut arguments = self.arguments;
        let mut keep = Vec::new();
        let values = arguments
            .positional
            .iter_mut()
            .chain(arguments.named.iter_mut().filter_map(|(_, v)| v.as_mut()));
        for value in values {
            custom::release(value, &self.plugin, &mut keep)
                .map_err(|error| Error::new(ErrorKind::Refused, error))?;
        }
        slot.keep(keep);
        slot.feed_from(self.input.stop());
        let (input, pump) = send_flow(&instance, &slot, self.input)
            .map_err(|error| Error::new(ErrorKind::Refused, error))?;
        let head = arguments.head;
        let call = Call::Run(Box::new(RunCall {
            name: self.command.clone(),
            call: arguments,
            input,
        }));
        instance.call(call, &slot)?;
        pump.start()?;
        let what = format!("answering `{}`", self.command);
        let (response, output) = match instance.octa() {
            Some(_) => octa::await_begin(&instance, &slot, patience, &what)?,
            None => await_answer(&instance, &slot, patience, &what)?,
        };
        match response {
            Response::Data(header) => match (instance.octa(), output) {
                (Some(_), Some(output)) => {
                    let answered = octa::Answered {
                        instance: &instance,
                        slot: &slot,
                        cancel: self.cancel.as_ref(),
                    };
                    answered.flow(header, output, patience, &what)
                }
                (_, output) => Ok(read_flow(&instance, header, output, self.cancel.as_ref())),
            },
            Response::Ok => Ok(Flow::Empty),
            Response::Error(error) => {
                Err(Error::new(ErrorKind::Plugin, place(*error, head)).of(&instance.name))
            }
            other => Err(unexpected_response(&other, &what, &instance.name)),
        }
    }
}

impl Run {
    fn check_command(&self) -> Result<(), Error> {
        let Some(signatures) = self.plugin.commands_without(&self.command) else {
            return Ok(());
        };
        let names = || signatures.iter().map(|known| known.sig.name.as_str());
        let error = Error::misuse(format!("it has no command `{}`", self.command));
        let all: Vec<_> = names().map(|name| format!("`{name}`")).collect();
        let help = match nearest(&self.command, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if all.is_empty() => "it has no commands".to_owned(),
            None if all.len() <= MOST_NAMES => format!("it has {}", all.join(", ")),
            None => format!("it has {} and others", all[..MOST_NAMES].join(", ")),
        };
        Err(error.help(help).of(&self.plugin.name))
    }
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run")
            .field("command", &self.command)
            .field("arguments", &self.arguments)
            .finish_non_exhaustive()
    }
}

/// Puts labels that point nowhere onto the command's name, where it is known.
fn place(mut error: LabeledError, head: Span) -> LabeledError {
    for label in &mut error.labels {
        if label.span.is_unknown() {
            label.span = head;
        }
    }
    error
}

/// The running instance, for a caller who may give up while it is being started. The start then goes on without him.
pub(crate) fn instance_within(
    plugin: &Arc<PluginCore>,
    patience: Option<(Instant, Duration)>,
    cancel: Option<&CancelToken>,
) -> Result<Lease, Error> {
    if plugin.running().is_some() {
        // It is there, or was a moment ago.
        return plugin.instance();
    }
    let what = "starting it for a call";
    within(plugin, patience, cancel, what, PluginCore::instance)
}

/// What comes of something that needs a plugin's start, for a caller who may give up. It then goes on without him.
pub(crate) fn within<T: Send + 'static>(
    plugin: &Arc<PluginCore>,
    patience: Option<(Instant, Duration)>,
    cancel: Option<&CancelToken>,
    what: &str,
    act: fn(&Arc<PluginCore>) -> Result<T, Error>,
) -> Result<T, Error> {
    let bell = Slot::new(String::new(), Arc::new(NoContext));
    if let Some(token) = cancel {
        token.register(Waiting::Slot(Arc::downgrade(&bell)));
    }
    let done = Arc::<Mutex<Option<Result<T, Error>>>>::default();
    let (core, ringer, result) = (plugin.clone(), bell.clone(), done.clone());
    std::thread::Builder::new()
        .name("pegboard start".into())
        .spawn(move || {
            let came = act(&core);
            *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(came);
            ringer.push(SlotEvent::Failed);
        })
        .map_err(|error| Error::refused(format!("no thread could be started: {error}")))?;
    let until = patience.map(|(until, _)| until);
    let rung = bell.bell().wait(until, || bell.look(until));
    match rung.unwrap_or(Err(GivenUp::TimedOut)) {
        Ok(_) => {
            let came = done.lock().unwrap_or_else(PoisonError::into_inner).take();
            came.unwrap_or_else(|| act(plugin))
        }
        Err(GivenUp::TimedOut) => {
            let whole = patience.map(|(_, whole)| whole).unwrap_or_default();
            Err(Error::timed_out(what, whole).of(&plugin.name))
        }
        Err(GivenUp::Cancelled) => Err(cancelled(&plugin.name)),
    }
}

/// Waits for the answer to a call, and answers the engine calls that it makes meanwhile. Gives up at a moment, which
/// ends the whole time that the error then names.
pub(crate) fn await_answer(
    instance: &Arc<Instance>,
    slot: &Arc<Slot>,
    patience: Option<(Instant, Duration)>,
    what: &str,
) -> Result<(Response, Option<InStream>), Error> {
    let deadline = patience.map(|(until, _)| until);
    let mut late = false;
    loop {
        let waited = match late {
            true => Err(GivenUp::TimedOut),
            false => instance.wait(slot, deadline),
        };
        match waited {
            // A plugin that does not read answers gets no more of them, and the session lets only so many calls wait.
            Ok(SlotEvent::EngineCall { .. }) if !await_room(instance, slot, deadline) => {}
            Ok(SlotEvent::EngineCall {
                id: engine_call,
                call,
                input,
            }) => {
                engine_calls::answer(instance, slot, engine_call, call, input);
                // What the plugin makes of an answer that took too long comes too late as well.
                late = deadline.is_some_and(|at| at <= Instant::now());
            }
            Ok(SlotEvent::Response { response, output }) => {
                if slot.take_over() {
                    engine_calls::answer_late(instance, slot.clone());
                }
                return match response {
                    // A plugin may say no to any call.
                    Response::Error(error) if slot.command.is_empty() => {
                        Err(Error::new(ErrorKind::Plugin, *error).of(&instance.name))
                    }
                    response => Ok((response, output)),
                };
            }
            Ok(SlotEvent::Failed) => {
                let failure = match slot.ending() {
                    Some(End::Failed(error)) => return Err(error),
                    Some(End::Gone(failure)) => Some(failure),
                    None => instance.failure(),
                };
                return Err(match failure {
                    Some(failure) => instance.gone(&failure, &format!("while {what}")),
                    None => Error::refused("the call failed").of(&instance.name),
                });
            }
            Err(GivenUp::TimedOut) => {
                instance.abandon(slot, 1);
                let whole = patience.map(|(_, whole)| whole).unwrap_or_default();
                return Err(Error::timed_out(what, whole)
                    .of(&instance.name)
                    .diagnosed(instance.provisional_diagnosis()));
            }
            Err(GivenUp::Cancelled) => {
                instance.abandon(slot, 1);
                return Err(cancelled(&instance.name));
            }
        }
    }
}

/// Waits until what was sent to the plugin does not pile up. False if that did not come before the caller gave up.
fn await_room(instance: &Arc<Instance>, slot: &Arc<Slot>, deadline: Option<Instant>) -> bool {
    const LOOK: Duration = Duration::from_millis(50);
    let Some(connection) = instance.connection() else {
        return false;
    };
    loop {
        let now = Instant::now();
        let until = deadline.map_or(now + LOOK, |at| at.min(now + LOOK));
        if connection.wait_for_room(until) {
            return true;
        }
        if slot.is_cancelled() || deadline.is_some_and(|at| at <= now) {
            return false;
        }
    }
}

pub(crate) fn cancelled(plugin: &str) -> Error {
    Error::new(ErrorKind::Cancelled, "the call was cancelled".into()).of(plugin)
}

/// The error for a response of the wrong kind, which costs the call and nothing more.
pub(crate) fn unexpected_response(response: &Response, what: &str, plugin: &str) -> Error {
    let message = format!(
        "it broke the rules: it sent a response of the wrong kind, `{}`, when {what}",
        response_name(response)
    );
    Error::new(ErrorKind::Protocol, message.into())
        .of(plugin)
        .help("this is a mistake in the plugin; it goes on running")
}

/// Ends calls from another thread. Copies stand for the same token.
#[derive(Clone, Debug, Default)]
pub struct CancelToken {
    state: Arc<Mutex<Tokens>>,
}

#[derive(Debug, Default)]
struct Tokens {
    cancelled: bool,
    // bounded by: calls and streams alive; those that are gone are removed when one is added
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
pub(crate) enum Waiting {
    Slot(Weak<Slot>),
    Stream(StreamStop),
}

impl CancelToken {
    /// A token that has not been cancelled.
    pub fn new() -> CancelToken {
        CancelToken::default()
    }

    /// Ends every call that was made with this token: their callers get an error at once, and their streams end.
    pub fn cancel(&self) {
        let waiting = {
            let mut state = self.lock();
            state.cancelled = true;
            std::mem::take(&mut state.waiting)
        };
        for one in waiting {
            match one {
                Waiting::Slot(slot) => drop(slot.upgrade().map(|slot| slot.cancel())),
                Waiting::Stream(stop) => stop.stop(),
            }
        }
    }

    /// True once the token was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.lock().cancelled
    }

    pub(crate) fn register(&self, waiting: Waiting) {
        let mut state = self.lock();
        if state.cancelled {
            drop(state);
            match waiting {
                Waiting::Slot(slot) => drop(slot.upgrade().map(|slot| slot.cancel())),
                Waiting::Stream(stop) => stop.stop(),
            }
            return;
        }
        state.waiting.retain(|one| match one {
            Waiting::Slot(slot) => slot.strong_count() > 0,
            Waiting::Stream(stop) => !stop.is_over(),
        });
        state.waiting.push(waiting);
    }

    fn lock(&self) -> MutexGuard<'_, Tokens> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
