//! The engine that a command sees when it serves Octa: it knows what the execution says, and no more.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use pegboard_protocol::codec::{Encoding, Limits};
use pegboard_protocol::nu::{
    Call, CallId, CustomValueOp, EngineCall, EngineResponse, Header, Response, RunCall, Signal,
};
use pegboard_protocol::session::{EnginePolicy, FlowLimits, Host};
use pegboard_protocol::{CustomValue, LabeledError, Spanned, Value};
use pegboard_transport::{
    Closed, Connection, EngineSettings, Gate, Handler, InStream, Incoming, Link,
};

use super::text::Run;
use crate::octa::Execution;
use crate::plugin::{NEWEST, converse};
use crate::runtime::{Definition, read};
use crate::{Input, Output};

/// How long the plugin, in this same process, may take for the first messages.
const START: Duration = Duration::from_secs(10);

type Answer = (Response, Option<InStream>);

/// One execution's engine.
pub(super) struct Engine {
    execution: Execution,
    connection: OnceLock<Connection<Host>>,
    waiting: Mutex<HashMap<CallId, SyncSender<Answer>>>,
}

impl Engine {
    /// Starts the plugin's side on a thread of its own. It ends with this.
    pub(super) fn start(
        definition: Arc<Definition>,
        execution: Execution,
    ) -> Result<Arc<Engine>, LabeledError> {
        let (ours, theirs) = Link::memory();
        let thread = std::thread::Builder::new().name("command".into());
        let spawned = thread.spawn(move || {
            // What goes wrong there is seen here, as the end of the link.
            let _ = converse(definition, Encoding::MsgPack, None, theirs);
        });
        spawned
            .map_err(|error| LabeledError::new(format!("no thread could be started: {error}")))?;
        let engine = Arc::new(Engine {
            execution,
            connection: OnceLock::new(),
            waiting: Mutex::default(),
        });
        let settings = EngineSettings {
            name: "octa".to_owned(),
            policy: EnginePolicy::Exactly(NEWEST),
            features: Vec::new(),
            limits: Limits::default(),
            flow: FlowLimits::default(),
            encoding_timeout: START,
            hello_timeout: START,
            recorder: None,
        };
        Connection::start_engine(ours, settings, |connection| {
            let _ = engine.connection.set(connection.clone());
            Arc::new(Ear(Arc::downgrade(&engine)))
        })
        .map_err(|error| LabeledError::new(format!("the command did not start: {error}")))?;
        Ok(engine)
    }

    pub(super) fn run(&self, run: Run, input: Input) -> Result<Output, LabeledError> {
        let connection = self.connection()?;
        let (header, feed) = input.announce(connection, Open)?;
        let call = Call::Run(Box::new(RunCall {
            name: run.name,
            call: run.call,
            input: header,
        }));
        let answer = self.begin(call)?;
        if let Some(feed) = feed {
            let thread = std::thread::Builder::new().name("input".into());
            let spawned = thread.spawn(move || feed.run());
            spawned.map_err(|error| {
                LabeledError::new(format!("no thread could be started: {error}"))
            })?;
        }
        self.output(&answer)
    }

    pub(super) fn operate(
        &self,
        custom: Box<Spanned<CustomValue>>,
        operation: CustomValueOp,
    ) -> Result<Value, LabeledError> {
        let answer = self.begin(Call::CustomValueOp(custom, operation))?;
        self.output(&answer)?.into_value()
    }

    /// The user wants it to end.
    pub(super) fn interrupt(&self) {
        if let Some(connection) = self.connection.get() {
            connection.session(|session| session.signal(Signal::Interrupt));
        }
    }

    fn begin(&self, call: Call) -> Result<Receiver<Answer>, LabeledError> {
        let (sender, receiver) = sync_channel(1);
        let begun = self.connection()?.session(|session| {
            let id = session.call(call)?;
            self.waiting().insert(id, sender);
            Ok(())
        });
        begun.map_err(|refusal: pegboard_protocol::session::Refusal| {
            LabeledError::new(refusal.to_string())
        })?;
        Ok(receiver)
    }

    /// Waits for as long as the command takes. It is in this process: it answers, or panics, which is an answer too.
    fn output(&self, answer: &Receiver<Answer>) -> Result<Output, LabeledError> {
        match answer.recv() {
            Ok((Response::Data(header), stream)) => Ok(read(header, stream)),
            Ok((Response::Error(error), _)) => Err(*error),
            Ok((other, _)) => Err(LabeledError::new(format!("the command gave {other:?}"))),
            Err(_) => Err(LabeledError::new("the command went away")),
        }
    }

    fn connection(&self) -> Result<&Connection<Host>, LabeledError> {
        let connection = self.connection.get();
        connection.ok_or_else(|| LabeledError::new("the command did not start"))
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<CallId, SyncSender<Answer>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reply(&self, call: EngineCall) -> EngineResponse {
        let value = |value| EngineResponse::Data(Header::Value(value, None));
        let empty = EngineResponse::Data(Header::Empty);
        match call {
            EngineCall::GetEnvVar(name) => self.env(&name).map_or(empty, value),
            EngineCall::GetEnvVars => EngineResponse::ValueMap(self.envs()),
            EngineCall::GetCurrentDir => {
                value(Value::string(self.execution.dir().to_string_lossy()))
            }
            // There is nobody who would see the variable, or has configured the plugin, or has other commands.
            EngineCall::AddEnvVar(..)
            | EngineCall::GetPluginConfig
            | EngineCall::FindDecl(_)
            | EngineCall::GetSpanContents(_)
            | EngineCall::LeaveForeground => empty,
            other => {
                let message = format!("Octa has no {}", other.name());
                EngineResponse::Error(Box::new(LabeledError::new(message)))
            }
        }
    }

    fn env(&self, name: &str) -> Option<Value> {
        match self.execution.envs().get(name) {
            Some(value) => Some(Value::string(value)),
            None => Some(Value::string(std::env::var_os(name)?.to_string_lossy())),
        }
    }

    fn envs(&self) -> Vec<(String, Value)> {
        let own = self.execution.envs();
        let inherited = std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value))
            .filter(|(name, _)| !own.contains_key(name))
            .map(|(name, value)| (name, Value::string(value.to_string_lossy())));
        let own = own
            .iter()
            .map(|(name, value)| (name.clone(), Value::string(value)));
        inherited.chain(own).collect()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.get() {
            connection.session(|session| session.goodbye());
            connection.close_sink();
        }
    }
}

struct Ear(Weak<Engine>);

impl Handler for Ear {
    fn handle(&self, incoming: Incoming) {
        let Some(engine) = self.0.upgrade() else {
            return;
        };
        match incoming {
            Incoming::Response {
                id,
                response,
                output,
            } => {
                if let Some(answer) = engine.waiting().remove(&id) {
                    // Nobody may be waiting any more.
                    let _ = answer.try_send((response, output));
                }
            }
            Incoming::CallClosed { id } | Incoming::CallFailed { id } => {
                engine.waiting().remove(&id);
            }
            Incoming::EngineCall { id, call, .. } => {
                let response = engine.reply(call);
                if let Some(connection) = engine.connection.get() {
                    connection.session(|session| session.answer(id, response));
                }
            }
            Incoming::Failed(_) => engine.waiting().clear(),
            _ => {}
        }
    }
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
