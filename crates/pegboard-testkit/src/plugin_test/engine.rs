//! The engine's side: it makes calls and answers what the plugin asks, from what the test has said.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pegboard_args::{Usage, line};
use pegboard_plugin::{Input, LabeledError, Output, Value};
use pegboard_protocol::nu::{
    Call, CallId, CustomValueOp, DeclId, EngineCall, EngineCallId, EngineResponse, EvaluatedCall,
    Header, PluginOption, PluginSignature, Response, RunCall,
};
use pegboard_protocol::session::{Failure, FailureKind};
use pegboard_protocol::{Closure, Opaque, Spanned};
use pegboard_transport::{Closed, Gate, Handler, InStream, Incoming};

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
    calls: Mutex<HashMap<CallId, Waiting>>,
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
struct Waiting {
    command: String,
    answer: Option<SyncSender<Answered>>,
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

    /// What the engine says to a question; none if somebody else will say it.
    fn reply(
        self: &Arc<Self>,
        context: CallId,
        id: EngineCallId,
        call: EngineCall,
        input: Option<InStream>,
    ) -> Option<EngineResponse> {
        let mut state = lock(&self.state);
        state.asked.push(call.clone());
        let value = |value| EngineResponse::Data(Header::Value(value, None));
        let maybe = |found: Option<Value>| found.map_or(EngineResponse::Data(Header::Empty), value);
        Some(match call {
            EngineCall::GetEnvVar(name) => maybe(state.environment.get(&name).cloned()),
            EngineCall::GetEnvVars => {
                EngineResponse::ValueMap(state.environment.clone().into_iter().collect())
            }
            EngineCall::AddEnvVar(name, new) => {
                state.environment.insert(name, new);
                EngineResponse::Data(Header::Empty)
            }
            EngineCall::GetCurrentDir => match &state.directory {
                Some(directory) => value(Value::string(directory.to_string_lossy())),
                None => refuse("the test has no directory: see `PluginTest::directory`"),
            },
            EngineCall::GetPluginConfig => maybe(state.plugin_config.clone()),
            EngineCall::GetConfig => match &state.config {
                Some(config) => EngineResponse::Config(Box::new(config.clone())),
                None => refuse("the test has no configuration: see `PluginTest::config`"),
            },
            EngineCall::GetHelp => {
                let calls = lock(&self.calls);
                let command = calls.get(&context).map(|call| call.command.as_str());
                let known = |signature: &&PluginSignature| Some(&*signature.sig.name) == command;
                match self.signatures.iter().find(known) {
                    Some(signature) => value(Value::string(Usage::new(signature).to_string())),
                    None => refuse("no command is running that has help"),
                }
            }
            EngineCall::GetSpanContents(span) => {
                let place = |at: u64| {
                    usize::try_from(at)
                        .unwrap_or(usize::MAX)
                        .saturating_sub(SOURCE)
                };
                let text = state.source.as_bytes();
                let text = text
                    .get(place(span.start)..place(span.end))
                    .unwrap_or_default();
                value(Value::binary(text))
            }
            EngineCall::FindDecl(name) => match self.number(&state, &name) {
                Some(id) => EngineResponse::Identifier(id),
                None => EngineResponse::Data(Header::Empty),
            },
            EngineCall::EvalClosure(eval) => {
                let (number, arguments) = (eval.closure.item.block_id, eval.positional);
                self.produce(id, eval.input, input, move |side, input| {
                    side.evaluate_closure(number, arguments, input)
                });
                return None;
            }
            EngineCall::CallDecl(call) => {
                let Some(name) = self.name(&state, call.decl_id) else {
                    return Some(refuse("there is no command with this number"));
                };
                let arguments = call.call;
                self.produce(id, call.input, input, move |side, input| {
                    side.run(&name, arguments, input, None)
                });
                return None;
            }
            EngineCall::GetBlockIr(_) => refuse("closures of a test have no code"),
            EngineCall::EnterForeground => refuse("a test has no terminal"),
            EngineCall::LeaveForeground => EngineResponse::Data(Header::Empty),
            EngineCall::Unknown(name) => refuse(&format!("a test does not know {name}")),
        })
    }

    /// Answers an engine call with an output, on a thread of its own: a handler must not wait.
    fn produce(
        self: &Arc<Self>,
        id: EngineCallId,
        header: Header,
        stream: Option<InStream>,
        produce: impl FnOnce(&Arc<Self>, Input) -> Result<Output, LabeledError> + Send + 'static,
    ) {
        let side = self.clone();
        std::thread::spawn(move || {
            let Ok(host) = side.connected() else { return };
            let until = Until::new(lock(&side.state).patience, None, "the plugin".to_owned());
            let input = read(header, stream, until);
            let announced = produce(&side, input).and_then(|output| output.announce(&host, Open));
            let (response, feed) = match announced {
                Ok((header, feed)) => (EngineResponse::Data(header), feed),
                Err(error) => (EngineResponse::Error(Box::new(error)), None),
            };
            host.session(|session| session.answer(id, response));
            if let Some(feed) = feed {
                feed.run();
            }
        });
    }

    fn evaluate_closure(
        self: &Arc<Self>,
        number: u64,
        arguments: Vec<Value>,
        input: Input,
    ) -> Result<Output, LabeledError> {
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        let block = lock(&self.state).closures.get(place).cloned();
        match block {
            Some(Block::Function(function)) => function(arguments, input),
            Some(Block::Written(block)) => self.evaluate(&block.pipeline, input, None),
            None => Err(LabeledError::new(format!(
                "there is no closure with the number {number}"
            ))),
        }
    }

    /// The number of a command: the plugin's come first.
    fn number(&self, state: &State, name: &str) -> Option<DeclId> {
        let plugins = self
            .signatures
            .iter()
            .map(|signature| signature.sig.name.as_str());
        let own = state.commands.iter().map(|(name, _)| name.as_str());
        let place = plugins.chain(own).position(|known| known == name)?;
        Some(DeclId(place as u64))
    }

    fn name(&self, state: &State, id: DeclId) -> Option<String> {
        let place = usize::try_from(id.0).ok()?;
        let plugins = self.signatures.iter().map(|signature| &signature.sig.name);
        let own = state.commands.iter().map(|(name, _)| name);
        plugins.chain(own).nth(place).cloned()
    }
}

/// Where the lines begin, so that no place in them is the unknown one.
pub(super) const SOURCE: usize = 1;

fn refuse(why: &str) -> EngineResponse {
    EngineResponse::Error(Box::new(LabeledError::new(why)))
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Nothing is held back.
struct Open;

impl Gate for Open {
    fn value(&mut self, _: &mut Value) -> Result<(), LabeledError> {
        Ok(())
    }

    fn open(&self) -> Result<(), Closed> {
        Ok(())
    }
}

/// What a connection tells.
pub(super) struct Ear(pub(super) Arc<EngineSide>);

impl Handler for Ear {
    fn handle(&self, incoming: Incoming) {
        let side = &self.0;
        match incoming {
            Incoming::Response {
                id,
                response,
                output,
            } => {
                let answer = lock(&side.calls)
                    .get_mut(&id)
                    .and_then(|call| call.answer.take());
                if let Some(answer) = answer {
                    // Nobody may be waiting any more.
                    let _ = answer.send((response, output));
                }
            }
            Incoming::CallClosed { id } | Incoming::CallFailed { id } => {
                lock(&side.calls).remove(&id);
            }
            Incoming::EngineCall {
                context,
                id,
                call,
                input,
            } => {
                let response = side.reply(context, id, call, input);
                if let (Some(response), Ok(host)) = (response, side.connected()) {
                    host.session(|session| session.answer(id, response));
                }
            }
            Incoming::Option(option) => lock(&side.state).options.push(option),
            // Who waits is told by the end of the calls and streams.
            _ => {}
        }
    }
}
