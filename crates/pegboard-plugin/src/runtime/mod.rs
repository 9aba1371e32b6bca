//! What runs behind a plugin: it answers calls, side by side, and ends when the engine wants it to.

mod interrupts;
mod jobs;
pub(crate) mod pool;

pub(crate) use interrupts::{Interrupts, Registration};

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use pegboard_protocol::nu::{
    Call as WireCall, CallId, CompletionCall, CompletionTarget, CustomValueOp, EngineCall,
    EngineCallId, EngineResponse, Header, PluginMetadata, PluginOption, PluginSignature, Response,
    RunCall, Signal,
};
use pegboard_protocol::session::{Failure, Plugin as Role};
use pegboard_protocol::{CustomValue, LabeledError, Span, Spanned, Value};
use pegboard_transport::{
    Bell, Broken, Closed, Connection, Feed, Gate, Handler, InStream, Incoming, Job, StreamError,
    panic_message,
};

use crate::command::{Command, Completer, Handler as CommandHandler};
use crate::custom::{Applied, CustomTypes};
use crate::{Call, Engine, Input, Output};
use jobs::{Jobs, Pace};

/// How long calls that run may go on when the engine has vanished.
const AFTERMATH: Duration = Duration::from_secs(2);

/// What a plugin is, when it is complete.
#[derive(Default)]
pub(crate) struct Definition {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) commands: Vec<Runnable>,
    pub(crate) customs: CustomTypes,
}

impl Definition {
    pub(crate) fn command(&self, name: &str) -> Option<&Runnable> {
        let named = |command: &&Runnable| command.signature.sig.name == name;
        self.commands.iter().find(named)
    }

    /// Engines cannot read custom values in examples, so their results are shown as plain data.
    pub(crate) fn plain_examples(&mut self) {
        for command in &mut self.commands {
            for example in &mut Arc::make_mut(&mut command.signature).examples {
                if let Some(result) = &mut example.result {
                    self.customs.make_plain(result);
                }
            }
        }
    }
}

/// A command that can be run.
pub(crate) struct Runnable {
    pub(crate) signature: Arc<PluginSignature>,
    handler: Option<Arc<CommandHandler>>,
    completers: Vec<(String, Arc<Completer>)>,
    mistakes: Vec<String>,
    pace: Pace,
}

impl Runnable {
    pub(crate) fn is_runnable(&self) -> bool {
        self.handler.is_some()
    }

    /// What was said of arguments that there are not.
    pub(crate) fn mistakes(&self) -> &[String] {
        &self.mistakes
    }
}

impl From<Command> for Runnable {
    fn from(mut command: Command) -> Runnable {
        let sig = &command.signature.sig;
        let positional = sig
            .required_positional
            .iter()
            .chain(&sig.optional_positional)
            .chain(&sig.rest_positional);
        let positional = positional.map(|argument| &argument.name);
        let flags = sig.named.iter().map(|flag| &flag.long);
        let names: Vec<_> = positional.chain(flags).collect();
        for (name, _) in &command.completers {
            if !names.contains(&name) {
                let mistake = "completes `{}`, which is no argument or flag";
                command.mistakes.push(mistake.replace("{}", name));
            }
        }
        Runnable {
            signature: Arc::new(command.signature),
            handler: command.handler,
            completers: command.completers,
            mistakes: command.mistakes,
            pace: Pace::default(),
        }
    }
}

/// What the threads of a running plugin share.
pub(crate) struct Shared {
    definition: Arc<Definition>,
    connection: OnceLock<Connection<Role>>,
    /// Who waits for which engine call. Taken after the session's lock where both are needed.
    waiting: Mutex<HashMap<EngineCallId, Arc<Waiter>>>,
    pub(crate) interrupts: Arc<Interrupts>,
    jobs: Jobs,
    life: Mutex<Life>,
    changed: Condvar,
}

#[derive(Default)]
struct Life {
    /// Calls whose answer is not complete.
    active: usize,
    goodbye: bool,
    over: Option<Failure>,
}

/// One thread that waits for the answer to an engine call.
#[derive(Default)]
struct Waiter {
    answer: Mutex<Option<Result<Answer, LabeledError>>>,
    bell: Bell,
}

type Answer = (EngineResponse, Option<InStream>);

impl Waiter {
    fn set(&self, answer: Result<Answer, LabeledError>) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
        self.bell.ring();
    }

    /// Ends when the answer comes or the connection fails.
    fn wait(&self, connection: &Connection<Role>) -> Result<Answer, LabeledError> {
        let look = || {
            let mut answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
            answer.take()
        };
        let gone = || Err(LabeledError::new("the engine has gone"));
        connection.wait(&self.bell, None, look).unwrap_or_else(gone)
    }
}

impl Shared {
    pub(crate) fn new(definition: Arc<Definition>) -> Arc<Shared> {
        Arc::new(Shared {
            definition,
            connection: OnceLock::new(),
            waiting: Mutex::default(),
            interrupts: Arc::default(),
            jobs: Jobs::default(),
            life: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    /// What hands incoming messages to the plugin, without keeping it alive.
    pub(crate) fn handler(self: &Arc<Self>, connection: &Connection<Role>) -> Arc<dyn Handler> {
        let _ = self.connection.set(connection.clone());
        Arc::new(Dispatcher(Arc::downgrade(self)))
    }

    /// Waits until the engine has said goodbye and all calls are done, or the connection is over.
    pub(crate) fn await_end(&self) -> Option<Failure> {
        let ended = || {
            let life = self.life();
            (life.over.is_some() || life.goodbye && life.active == 0).then_some(())
        };
        if let Some(connection) = self.connection.get() {
            connection.stand_by(ended);
        }
        let mut life = self.life();
        let deadline = Instant::now() + AFTERMATH;
        while life.active > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            life = self
                .changed
                .wait_timeout(life, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        if life.goodbye {
            return None;
        }
        // The connection is over a moment before that is told.
        let failure = || self.connection.get().and_then(Connection::failure);
        life.over.take().or_else(failure)
    }

    pub(crate) fn engine_version(&self) -> String {
        self.connection
            .get()
            .map_or_else(String::new, |connection| {
                connection.ask(|session| session.peer().version.clone())
            })
    }

    pub(crate) fn option(&self, option: PluginOption) -> Result<(), LabeledError> {
        self.connection()?
            .session(|session| session.option(option))
            .map_err(|refusal| LabeledError::new(refusal.to_string()))
    }

    /// Asks the engine something and waits for the answer.
    pub(crate) fn engine_call(
        &self,
        context: CallId,
        call: EngineCall,
    ) -> Result<Answer, LabeledError> {
        let waiter = Arc::<Waiter>::default();
        self.connection()?
            .session(|session| {
                let id = session.engine_call(context, call)?;
                self.waiting().insert(id, waiter.clone());
                Ok(())
            })
            .map_err(|refusal: pegboard_protocol::session::Refusal| {
                LabeledError::new(refusal.to_string())
            })?;
        waiter.wait(self.connection()?)
    }

    /// The same for a call that takes an input, which is fed while the answer is awaited.
    pub(crate) fn engine_call_with_input(
        self: &Arc<Self>,
        engine: &Engine,
        call: impl FnOnce(Header) -> EngineCall,
        input: Output,
    ) -> Result<Answer, LabeledError> {
        let (header, feed) = self.announce(input, engine.at)?;
        let waiter = Arc::<Waiter>::default();
        self.connection()?
            .session(|session| {
                let id = session.engine_call(engine.context, call(header))?;
                self.waiting().insert(id, waiter.clone());
                Ok(())
            })
            .map_err(|refusal: pegboard_protocol::session::Refusal| {
                LabeledError::new(refusal.to_string())
            })?;
        if let Some(feed) = feed {
            self.jobs.run(move || feed.run());
        }
        waiter.wait(self.connection()?)
    }

    /// `at` is what a panic in the output's source is blamed on.
    fn announce(&self, output: Output, at: Span) -> Result<(Header, Option<Feed>), LabeledError> {
        let interrupts = self.interrupts.clone();
        output.announce(self.connection()?, UntilInterrupted { interrupts, at })
    }

    fn connection(&self) -> Result<&Connection<Role>, LabeledError> {
        self.connection
            .get()
            .ok_or_else(|| LabeledError::new("the plugin is not connected to an engine"))
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<EngineCallId, Arc<Waiter>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn live(&self, change: impl FnOnce(&mut Life)) {
        let mut life = self.life();
        change(&mut life);
        let may_end = life.goodbye || life.over.is_some();
        drop(life);
        if may_end {
            self.changed.notify_all();
            if let Some(connection) = self.connection.get() {
                connection.stir();
            }
        }
    }

    fn handle(self: &Arc<Self>, incoming: Incoming) {
        match incoming {
            Incoming::Call { id, call, input } => self.call(id, call, input),
            Incoming::EngineResponse {
                id,
                response,
                output,
            } => {
                let waiter = self.waiting().remove(&id);
                if let Some(waiter) = waiter {
                    waiter.set(Ok((response, output)));
                }
            }
            Incoming::EngineCallFailed { id } => {
                let waiter = self.waiting().remove(&id);
                if let Some(waiter) = waiter {
                    waiter.set(Err(LabeledError::new("the engine has gone")));
                }
            }
            Incoming::Signal(Signal::Interrupt) => self.interrupt(),
            Incoming::Signal(Signal::Reset) => self.interrupts.reset(),
            Incoming::Goodbye => self.live(|life| life.goodbye = true),
            Incoming::Failed(failure) => {
                self.interrupt();
                self.live(|life| life.over = Some(failure));
            }
            Incoming::Response { .. }
            | Incoming::CallClosed { .. }
            | Incoming::CallFailed { .. }
            | Incoming::EngineCall { .. }
            | Incoming::Option(_) => {}
        }
    }

    /// Streams end at once; what the plugin wants to do may take its time, so it has a thread.
    fn interrupt(&self) {
        for function in self.interrupts.set() {
            self.jobs.run(move || {
                // A panic costs nobody else anything.
                let _ = catch_unwind(AssertUnwindSafe(|| function()));
            });
        }
    }

    fn call(self: &Arc<Self>, id: CallId, call: WireCall, input: Option<InStream>) {
        match call {
            WireCall::Metadata => {
                let version = Some(self.definition.version.clone());
                self.respond(id, Response::Metadata(PluginMetadata { version }));
            }
            WireCall::Signature => {
                let signatures = self
                    .definition
                    .commands
                    .iter()
                    .map(|command| (*command.signature).clone());
                self.respond(id, Response::Signature(signatures.collect()));
            }
            WireCall::Run(run) => {
                let command = self.definition.command(&run.name);
                let pace = command.map_or_else(Pace::default, |command| command.pace.clone());
                self.work(id, run.call.head, pace, move |shared| {
                    shared.run(id, *run, input)
                })
            }
            WireCall::Completion(completion) => {
                self.work(id, Span::UNKNOWN, Pace::default(), move |shared| {
                    Ok(Applied::Response(Response::Completions(
                        shared.complete(id, &completion),
                    )))
                })
            }
            WireCall::CustomValueOp(value, operation) => {
                self.work(id, value.span, Pace::default(), move |shared| {
                    shared.operate(id, *value, operation)
                });
            }
            WireCall::Unknown(name) => {
                let error = LabeledError::new(format!("this plugin does not know the call {name}"));
                self.respond(id, Response::Error(Box::new(error)));
            }
        }
    }

    /// Has a call seen to, until its answer is complete. `at` is what it is about.
    fn work(
        self: &Arc<Self>,
        id: CallId,
        at: Span,
        pace: Pace,
        job: impl FnOnce(&Arc<Shared>) -> Result<Applied, LabeledError> + Send + 'static,
    ) {
        self.live(|life| life.active += 1);
        let shared = self.clone();
        self.jobs.add(pace, move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| job(&shared)))
                .unwrap_or_else(|panic| Err(panicked(panic_message(&*panic), at)));
            shared.answer(id, at, outcome);
            shared.live(|life| life.active -= 1);
        });
    }

    fn answer(&self, id: CallId, at: Span, outcome: Result<Applied, LabeledError>) {
        let (response, feed) = match outcome {
            Ok(Applied::Response(response)) => (response, None),
            Ok(Applied::Output(output)) => match self.announce(output, at) {
                Ok((header, feed)) => (Response::Data(header), feed),
                Err(error) => (Response::Error(Box::new(error)), None),
            },
            Err(error) => (Response::Error(Box::new(error)), None),
        };
        self.respond(id, response);
        if let Some(feed) = feed {
            feed.run();
        }
    }

    fn respond(&self, id: CallId, response: Response) {
        if let Some(connection) = self.connection.get() {
            // A refusal means that the session is over, and then nobody waits for the answer.
            let _ = connection.session(|session| session.respond(id, response));
        }
    }

    fn run(
        self: &Arc<Self>,
        id: CallId,
        run: RunCall,
        input: Option<InStream>,
    ) -> Result<Applied, LabeledError> {
        let RunCall {
            name,
            call: arguments,
            input: header,
        } = run;
        let input = self.input(header, input);
        let head = arguments.head;
        let Some(command) = self.definition.command(&name) else {
            return Err(
                LabeledError::new(format!("this plugin has no command `{name}`"))
                    .with_label("run here", head),
            );
        };
        let Some(handler) = &command.handler else {
            return Err(
                LabeledError::new(format!("the command `{name}` does nothing yet"))
                    .with_label("run here", head),
            );
        };
        let engine = Engine {
            shared: self.clone(),
            context: id,
            at: head,
        };
        let call = Call {
            signature: command.signature.clone(),
            arguments,
            input: Mutex::new(input),
            engine,
        };
        handler(call).map(Applied::Output)
    }

    /// What the engine gives, to a call or as an answer; its stream ends with an error when the user interrupts.
    pub(crate) fn input(&self, header: Header, stream: Option<InStream>) -> Input {
        if let Some(stream) = &stream {
            let stop = stream.stop_handle();
            self.interrupts.stop_at_next(stop);
        }
        read(header, stream)
    }

    fn complete(
        self: &Arc<Self>,
        id: CallId,
        call: &CompletionCall,
    ) -> Option<Vec<pegboard_protocol::nu::Suggestion>> {
        let command = self.definition.command(&call.name)?;
        let sig = &command.signature.sig;
        let name = match &call.target {
            CompletionTarget::Flag(name) => name.as_str(),
            CompletionTarget::Positional(place) => {
                let place = usize::try_from(*place).ok()?;
                let mut named = sig
                    .required_positional
                    .iter()
                    .chain(&sig.optional_positional);
                named
                    .nth(place)
                    .or(sig.rest_positional.as_ref())?
                    .name
                    .as_str()
            }
        };
        let (_, completer) = command
            .completers
            .iter()
            .find(|(argument, _)| argument == name)?;
        completer(&Engine {
            shared: self.clone(),
            context: id,
            at: Span::UNKNOWN,
        })
    }

    fn operate(
        self: &Arc<Self>,
        id: CallId,
        value: Spanned<CustomValue>,
        operation: CustomValueOp,
    ) -> Result<Applied, LabeledError> {
        let engine = Engine {
            shared: self.clone(),
            context: id,
            at: value.span,
        };
        self.definition
            .customs
            .apply(&value.item, value.span, operation, &engine)
    }
}

/// Makes an input of what the engine sent.
pub(crate) fn read(header: Header, stream: Option<InStream>) -> Input {
    Input::read(
        header,
        stream,
        |_| (),
        |error| match error {
            Broken::Said(error) => error,
            Broken::Stream(StreamError::Stopped) => LabeledError::new("interrupted"),
            Broken::Stream(error) => LabeledError::new(error.to_string()),
        },
    )
}

/// Ends output quietly when the user interrupts.
struct UntilInterrupted {
    interrupts: Arc<Interrupts>,
    /// What the output is an answer to.
    at: Span,
}

impl Gate for UntilInterrupted {
    fn value(&mut self, _: &mut Value) -> Result<(), LabeledError> {
        Ok(())
    }

    fn open(&self) -> Result<(), Closed> {
        if self.interrupts.is_set() {
            Err(Closed::Quietly)
        } else {
            Ok(())
        }
    }

    fn panicked(&self, message: &str) -> LabeledError {
        panicked(message, self.at)
    }
}

/// What to do about errors that no user can be blamed for.
pub(crate) const MISTAKE: &str = "this is a mistake in the plugin; its authors would want to know";

/// The error for code that panicked while it saw to what is `at` a place, if it is known.
fn panicked(message: &str, at: Span) -> LabeledError {
    let error = LabeledError::new(format!("the plugin's code panicked: {message}"));
    // The unknown place is one in every engine's source, and not the right one.
    let error = match at {
        Span::UNKNOWN => error,
        at => error.with_label("during this", at),
    };
    error.with_help(MISTAKE)
}

struct Dispatcher(Weak<Shared>);

impl Handler for Dispatcher {
    fn handle(&self, incoming: Incoming) {
        if let Some(shared) = self.0.upgrade() {
            shared.handle(incoming);
        }
    }

    fn start_jobs(&self) {
        if let Some(shared) = self.0.upgrade() {
            shared.jobs.start();
        }
    }

    fn take_job(&self) -> Option<Job> {
        self.0.upgrade()?.jobs.take()
    }
}
