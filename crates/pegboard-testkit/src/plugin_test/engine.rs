//! The engine's side: what it knows from the test, and the calls that it makes.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pegboard_args::line;
use pegboard_plugin::{Input, LabeledError, Output, Value};
use pegboard_protocol::nu::{
    Call, CallId, CompletionCall, CompletionTarget, CustomValueOp, EngineCall, EvaluatedCall,
    PluginOption, PluginSignature, Response, RunCall, Suggestion,
};
use pegboard_protocol::session::{Failure, FailureKind};
use pegboard_protocol::{Closure, Opaque, Spanned};
use pegboard_transport::{Closed, Gate, InStream};

use super::output::{Until, read};
use super::start::Host;

pub(super) type CommandFn =
    dyn Fn(Input, EvaluatedCall) -> Result<Output, LabeledError> + Send + Sync;
pub(super) type ClosureFn = dyn Fn(Vec<Value>, Input) -> Result<Output, LabeledError> + Send + Sync;

type Answered = (Response, Option<InStream>);

/// What a closure does.
#[derive(Clone)]
pub(super) enum Block {
    Function(Arc<ClosureFn>),
    /// It was written in a pipeline.
    Written(Arc<line::Block>),
}

pub(super) struct EngineSide {
    pub(super) signatures: Vec<PluginSignature>,
    pub(super) state: Mutex<State>,
    connection: Mutex<Option<Host>>,
    pub(super) calls: Mutex<HashMap<CallId, Waiting>>,
}

/// What the test has said, and what the plugin did.
pub(super) struct State {
    pub(super) patience: Duration,
    pub(super) environment: BTreeMap<String, Value>,
    pub(super) directory: Option<PathBuf>,
    pub(super) plugin_config: Option<Value>,
    pub(super) config: Option<Opaque>,
    pub(super) commands: Vec<(String, Arc<CommandFn>)>,
    /// A closure's number is its place.
    pub(super) closures: Vec<Block>,
    /// The lines that were run, one behind the other.
    pub(super) source: String,
    pub(super) asked: Vec<EngineCall>,
    pub(super) options: Vec<PluginOption>,
}

/// A call that the plugin works on, its output included.
pub(super) struct Waiting {
    pub(super) command: String,
    pub(super) answer: Option<SyncSender<Answered>>,
}

impl EngineSide {
    pub(super) fn new(signatures: Vec<PluginSignature>, patience: Duration) -> EngineSide {
        let state = State {
            patience,
            environment: BTreeMap::new(),
            directory: None,
            plugin_config: None,
            config: None,
            commands: Vec::new(),
            closures: Vec::new(),
            source: String::new(),
            asked: Vec::new(),
            options: Vec::new(),
        };
        EngineSide {
            signatures,
            state: Mutex::new(state),
            connection: Mutex::default(),
            calls: Mutex::default(),
        }
    }

    pub(super) fn patience(&self) -> Duration {
        lock(&self.state).patience
    }

    pub(super) fn connect(&self, connection: Host) {
        *lock(&self.connection) = Some(connection);
    }

    /// Ends the connection, and with it the plugin.
    pub(super) fn hang_up(&self) {
        let connection = lock(&self.connection).take();
        if let Some(connection) = connection {
            connection.fail(Failure::new(FailureKind::Local, "the test is over"));
        }
    }

    pub(super) fn connected(&self) -> Result<Host, LabeledError> {
        let connection = lock(&self.connection).clone();
        connection.ok_or_else(|| LabeledError::new("the test is over"))
    }

    pub(super) fn keep(&self, block: Block) -> Closure {
        let closures = &mut lock(&self.state).closures;
        closures.push(block);
        Closure {
            block_id: closures.len() as u64 - 1,
            captures: Vec::new(),
        }
    }

    /// Runs a command of the plugin's or of the engine's.
    pub(super) fn run(
        &self,
        name: &str,
        call: EvaluatedCall,
        input: Input,
        until: Option<Instant>,
    ) -> Result<Output, LabeledError> {
        let own = lock(&self.state)
            .commands
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, command)| command.clone());
        if let Some(own) = own {
            return own(input, call);
        }
        let host = self.connected()?;
        let (header, feed) = input.announce(&host, Open)?;
        let run = RunCall {
            name: name.to_owned(),
            call,
            input: header,
        };
        let answer = self.start(&host, name, Call::Run(Box::new(run)))?;
        if let Some(feed) = feed {
            std::thread::spawn(move || feed.run());
        }
        let what = format!("`{name}`");
        match self.answer(&host, &answer, &what, until)? {
            (Response::Data(header), stream) => {
                let until = Until::new(self.patience(), until, what);
                Ok(read(header, stream, until))
            }
            (Response::Error(error), _) => Err(*error),
            (other, _) => Err(LabeledError::new(format!(
                "{what} gave no output: {other:?}"
            ))),
        }
    }

    /// Applies an operation to a custom value.
    pub(super) fn operate(
        &self,
        custom: &Value,
        operation: CustomValueOp,
    ) -> Result<Value, LabeledError> {
        let Value::Custom(custom, span) = custom else {
            return Err(LabeledError::new(format!(
                "a custom value is needed, not a {}",
                custom.type_name()
            )));
        };
        let host = self.connected()?;
        let what = format!("an operation on a {}", custom.name);
        let custom = Box::new(Spanned::new((**custom).clone(), *span));
        let answer = self.start(&host, "", Call::CustomValueOp(custom, operation))?;
        match self.answer(&host, &answer, &what, None)? {
            (Response::Data(header), stream) => {
                let until = Until::new(self.patience(), None, what);
                read(header, stream, until).into_value()
            }
            (Response::Ordering(order), _) => Ok(match order {
                Some(order) => Value::int(order as i64),
                None => Value::nothing(),
            }),
            (Response::Ok, _) => Ok(Value::nothing()),
            (Response::Error(error), _) => Err(*error),
            (other, _) => Err(LabeledError::new(format!("{what} gave {other:?}"))),
        }
    }

    /// Asks for candidates for an argument that is being typed.
    pub(super) fn complete(
        &self,
        command: &str,
        target: CompletionTarget,
    ) -> Result<Option<Vec<Suggestion>>, LabeledError> {
        let call = CompletionCall {
            name: command.to_owned(),
            target,
            call: Opaque::Map(Vec::new()),
            strip: false,
            pos: 0,
        };
        let host = self.connected()?;
        let what = format!("the candidates of `{command}`");
        let answer = self.start(&host, command, Call::Completion(Box::new(call)))?;
        match self.answer(&host, &answer, &what, None)? {
            (Response::Completions(candidates), _) => Ok(candidates),
            (Response::Error(error), _) => Err(*error),
            (other, _) => Err(LabeledError::new(format!("{what}: {other:?}"))),
        }
    }

    fn start(
        &self,
        host: &Host,
        command: &str,
        call: Call,
    ) -> Result<Receiver<Answered>, LabeledError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let waiting = Waiting {
            command: command.to_owned(),
            answer: Some(sender),
        };
        let made = host.session(|session| {
            let id = session.call(call)?;
            lock(&self.calls).insert(id, waiting);
            Ok(())
        });
        made.map_err(|refusal: pegboard_protocol::session::Refusal| {
            LabeledError::new(refusal.to_string())
        })?;
        Ok(receiver)
    }

    fn answer(
        &self,
        host: &Host,
        answer: &Receiver<Answered>,
        what: &str,
        until: Option<Instant>,
    ) -> Result<Answered, LabeledError> {
        let patience = self.patience();
        let left = until.map_or(patience, |until| {
            until.saturating_duration_since(Instant::now())
        });
        answer.recv_timeout(left).map_err(|error| match error {
            RecvTimeoutError::Timeout => LabeledError::new(format!(
                "waited {patience:?} for the answer of {what}, which did not come"
            )),
            RecvTimeoutError::Disconnected => {
                let cause = host
                    .failure()
                    .map_or_else(String::new, |failure| format!(": {failure}"));
                LabeledError::new(format!(
                    "the plugin went away before the answer of {what}{cause}"
                ))
            }
        })
    }
}

/// Where the lines begin, so that no place in them is the unknown one.
pub(super) const SOURCE: usize = 1;

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Nothing is held back.
pub(super) struct Open;

impl Gate for Open {
    fn value(&mut self, _: &mut Value) -> Result<(), LabeledError> {
        Ok(())
    }

    fn open(&self) -> Result<(), Closed> {
        Ok(())
    }
}
