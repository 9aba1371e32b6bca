//! The wire below [`pegboard_testkit::PluginTest`]: single messages, and how conversations begin and end.

use std::collections::HashMap;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use pegboard_plugin::protocol::codec::{Encoding, Limits};
use pegboard_plugin::protocol::nu::{
    Call, CallId, EngineCall, EngineCallId, EngineResponse, EvaluatedCall, Header, Hello,
    PluginOption, Response, RunCall, Signal,
};
use pegboard_plugin::protocol::session::{EnginePolicy, Failure, FlowLimits, Host};
use pegboard_plugin::protocol::{Opaque, Spanned};
use pegboard_plugin::{Input, LabeledError, Output, Plugin, Span, Value};
use pegboard_transport::{
    Broken, Closed, Connection, EngineSettings, Gate, Handler, InStream, Incoming, Link, StartError,
};

/// No case takes nearly as long. What waits longer has hung.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const NEWEST: &str = "0.115.1";

type Answered = (Response, Option<InStream>);

/// What the plugin did, in order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Did {
    Asked(String),
    Wished(PluginOption),
    Failed(Failure),
    Closed,
}

#[derive(Default)]
pub(crate) struct EngineSide {
    connection: OnceLock<Connection<Host>>,
    calls: Mutex<HashMap<CallId, SyncSender<Answered>>>,
    did: Mutex<Vec<Did>>,
}

/// A plugin that runs on a thread, and the engine's side of the link to it.
pub(crate) struct Bench {
    pub(crate) host: Connection<Host>,
    pub(crate) side: Arc<EngineSide>,
    pub(crate) plugin: JoinHandle<Result<(), StartError>>,
}

/// Runs a case with a plugin in both encodings, and then ends the plugin by goodbye.
pub(crate) fn check(plugin: fn() -> Plugin, case: impl Fn(&Bench)) {
    for plugin in [plugin(), plugin().json()] {
        let bench = Bench::new(plugin, NEWEST);
        case(&bench);
        bench.end();
    }
}

impl Bench {
    /// An engine that names its version first, as every Nushell does.
    pub(crate) fn new(plugin: Plugin, version: &str) -> Bench {
        let version = version.parse().expect("a version");
        Bench::with(plugin, EnginePolicy::Exactly(version))
    }

    pub(crate) fn with(plugin: Plugin, policy: EnginePolicy) -> Bench {
        let (ours, theirs) = Link::memory();
        let plugin = std::thread::spawn(move || plugin.serve_on(theirs));
        let settings = EngineSettings {
            name: "test".to_owned(),
            policy,
            features: Vec::new(),
            limits: Limits::default(),
            flow: FlowLimits::default(),
            encoding_timeout: PATIENCE,
            hello_timeout: PATIENCE,
            recorder: None,
        };
        let side = Arc::<EngineSide>::default();
        let host = Connection::start_engine(ours, settings, |connection| {
            let _ = side.connection.set(connection.clone());
            side.clone()
        });
        Bench {
            host: host.expect("the plugin starts"),
            side,
            plugin,
        }
    }

    pub(crate) fn hello(&self) -> Hello {
        self.host.ask(|session| session.peer().clone())
    }

    pub(crate) fn is_json(&self) -> bool {
        self.host.encoding() == Encoding::Json
    }

    pub(crate) fn did(&self) -> Vec<Did> {
        self.side.did.lock().unwrap().clone()
    }

    /// Makes a call without waiting for its answer.
    pub(crate) fn start(&self, call: Call) -> Receiver<Answered> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let made = self.host.session(|session| {
            let id = session.call(call)?;
            self.side.calls.lock().unwrap().insert(id, sender);
            Ok::<_, pegboard_plugin::protocol::session::Refusal>(id)
        });
        made.expect("the session runs");
        receiver
    }

    pub(crate) fn call(&self, call: Call) -> Answered {
        self.start(call)
            .recv_timeout(PATIENCE)
            .expect("an answer comes")
    }

    /// Starts a command with an input that is fed from a thread of its own.
    pub(crate) fn start_run(
        &self,
        name: &str,
        arguments: EvaluatedCall,
        input: impl Into<Input>,
    ) -> Receiver<Answered> {
        let (header, feed) = input
            .into()
            .announce(&self.host, Open)
            .expect("it can be sent");
        let answer = self.start(Call::Run(Box::new(RunCall {
            name: name.to_owned(),
            call: arguments,
            input: header,
        })));
        if let Some(feed) = feed {
            std::thread::spawn(move || feed.run());
        }
        answer
    }

    /// Runs a command and gives its output.
    pub(crate) fn run(
        &self,
        name: &str,
        arguments: EvaluatedCall,
        input: impl Into<Input>,
    ) -> Result<Output, LabeledError> {
        output(&self.start_run(name, arguments, input))
    }

    /// Runs a command and gives its whole output as one value.
    pub(crate) fn value(
        &self,
        name: &str,
        arguments: EvaluatedCall,
        input: impl Into<Input>,
    ) -> Result<Value, LabeledError> {
        self.run(name, arguments, input)?.into_value()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.host.session(|session| session.signal(signal));
    }

    /// Says goodbye; the plugin is to end well.
    pub(crate) fn end(self) {
        self.host.session(|session| session.goodbye());
        self.over();
    }

    /// Waits until the plugin has ended.
    pub(crate) fn over(self) -> Vec<Did> {
        let (sender, ended) = mpsc::sync_channel(1);
        let plugin = self.plugin;
        std::thread::spawn(move || sender.send(plugin.join()));
        let ended = ended.recv_timeout(PATIENCE).expect("the plugin ends");
        ended.expect("nothing panics").expect("the plugin started");
        self.side.did.lock().unwrap().clone()
    }
}

/// The output of a call that was started.
pub(crate) fn output(answer: &Receiver<Answered>) -> Result<Output, LabeledError> {
    match answer.recv_timeout(PATIENCE).expect("an answer comes") {
        (Response::Data(header), stream) => Ok(read(header, stream)),
        (Response::Error(error), _) => Err(*error),
        (other, _) => panic!("no output: {other:?}"),
    }
}

fn read(header: Header, stream: Option<InStream>) -> Output {
    Output::read(
        header,
        stream,
        |_| (),
        |broken| match broken {
            Broken::Said(error) => error,
            Broken::Stream(error) => LabeledError::new(error.to_string()),
        },
    )
}

struct Open;

impl Gate for Open {
    fn value(&mut self, _: &mut Value) -> Result<(), LabeledError> {
        Ok(())
    }

    fn open(&self) -> Result<(), Closed> {
        Ok(())
    }
}

impl Handler for EngineSide {
    fn handle(&self, incoming: Incoming) {
        match incoming {
            Incoming::Response {
                id,
                response,
                output,
            } => {
                let call = self.calls.lock().unwrap().remove(&id);
                let _ = call.expect("it was made").send((response, output));
            }
            Incoming::CallClosed { .. } => self.note(Did::Closed),
            Incoming::CallFailed { id } => drop(self.calls.lock().unwrap().remove(&id)),
            Incoming::EngineCall { id, call, .. } => self.answer(id, call),
            Incoming::Option(option) => self.note(Did::Wished(option)),
            Incoming::Failed(failure) => self.note(Did::Failed(failure)),
            other => panic!("an engine is not told {other:?}"),
        }
    }
}

impl EngineSide {
    fn note(&self, did: Did) {
        self.did.lock().unwrap().push(did);
    }

    fn answer(&self, id: EngineCallId, call: EngineCall) {
        self.note(Did::Asked(call.name().to_owned()));
        let connection = self.connection.get().expect("it is connected").clone();
        let response = match call {
            EngineCall::GetCurrentDir => {
                EngineResponse::Data(Header::Value(Value::string("/here"), None))
            }
            EngineCall::GetEnvVar(name) if name == "HOME" => {
                EngineResponse::Data(Header::Value(Value::string("/home/me"), None))
            }
            EngineCall::GetBlockIr(_) => {
                EngineResponse::IrBlock(Box::new(Opaque::from(serde_json::json!([]))))
            }
            other => {
                let refusal = format!("{} is tested with `PluginTest`", other.name());
                EngineResponse::Error(Box::new(LabeledError::new(refusal)))
            }
        };
        connection.session(|session| session.answer(id, response));
    }
}

/// Arguments of a call.
#[derive(Default)]
pub(crate) struct Args(EvaluatedCall);

pub(crate) fn none() -> EvaluatedCall {
    EvaluatedCall::default()
}

pub(crate) fn args(positional: impl IntoIterator<Item = Value>) -> Args {
    Args(EvaluatedCall {
        head: Span::new(10, 20),
        positional: positional.into_iter().collect(),
        named: Vec::new(),
    })
}

impl Args {
    pub(crate) fn flag(mut self, name: &str, value: impl Into<Option<Value>>) -> Args {
        let name = Spanned::new(name.to_owned(), Span::UNKNOWN);
        self.0.named.push((name, value.into()));
        self
    }

    pub(crate) fn call(self) -> EvaluatedCall {
        self.0
    }
}
