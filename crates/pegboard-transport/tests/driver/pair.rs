//! A host and a plugin, joined: the plugin's side answers by a script that is part of each call.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};

use pegboard_protocol::codec::{Encoding, Limits};
use pegboard_protocol::nu::{
    ByteStreamKind, Call, CallId, EngineCall, EngineCallId, EngineResponse, EvaluatedCall, Feature,
    Header, Response, RunCall, StreamId, StreamItem, StreamKind,
};
use pegboard_protocol::session::{
    EnginePolicy, Failure, FlowLimits, Host, Plugin, PluginPolicy, Refusal,
};
use pegboard_protocol::{LabeledError, Span, Value};
use pegboard_transport::{
    Connection, EngineSettings, Handler, InStream, Incoming, Link, OutStream, PluginSettings,
    Recorder,
};

pub(crate) const BOTH: [Encoding; 2] = [Encoding::Json, Encoding::MsgPack];
/// No case takes nearly as long. What waits longer has hung.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Runs a case over memory in both encodings, and fails if it hangs.
pub(crate) fn check(case: impl Fn(&Pair) + Send + Sync + 'static) {
    check_over(Link::memory, case);
}

pub(crate) fn check_over(link: fn() -> (Link, Link), case: impl Fn(&Pair) + Send + Sync + 'static) {
    let case = Arc::new(case);
    for encoding in BOTH {
        for extensions in [&[][..], &Feature::EXTENSIONS] {
            let case = case.clone();
            within(PATIENCE, move || {
                let pair = Pair::with(link(), encoding, extensions, None);
                case(&pair);
                pair.end();
            });
        }
    }
}

/// Runs something on another thread and fails if it takes too long.
pub(crate) fn within<T: Send + 'static>(
    time: Duration,
    act: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (done, result) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let _ = done.send(act());
    });
    match result.recv_timeout(time) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        Err(mpsc::RecvTimeoutError::Disconnected) => match thread.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(()) => unreachable!("a result was sent or the thread panicked"),
        },
    }
}

pub(crate) fn deadline() -> Option<Instant> {
    Some(Instant::now() + PATIENCE)
}

/// What became of a call.
#[derive(Debug)]
pub(crate) enum Outcome {
    Response(Response, Option<InStream>),
    Closed,
    Failed,
}

#[derive(Default)]
struct Told {
    failed: Vec<Failure>,
    closed: usize,
}

/// The host's handler: gives every call what is told of it.
#[derive(Default)]
pub(crate) struct HostSide {
    calls: Mutex<HashMap<CallId, Sender<Outcome>>>,
    told: Mutex<Told>,
    changed: Condvar,
    connection: OnceLock<Connection<Host>>,
}

impl HostSide {
    pub(crate) fn connect(&self, connection: &Connection<Host>) {
        let _ = self.connection.set(connection.clone());
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap()
    }

    fn tell(&self, id: CallId, outcome: Outcome) {
        let calls = self.calls.lock().unwrap();
        let call = calls.get(&id).expect("it was made before it was answered");
        // Whoever made the call may have lost interest.
        let _ = call.send(outcome);
    }
}

impl Handler for HostSide {
    fn handle(&self, incoming: Incoming) {
        match incoming {
            Incoming::Response {
                id,
                response,
                output,
            } => {
                self.tell(id, Outcome::Response(response, output));
            }
            Incoming::CallClosed { id } => {
                self.tell(id, Outcome::Closed);
                self.calls.lock().unwrap().remove(&id);
                self.told().closed += 1;
                self.changed.notify_all();
            }
            Incoming::CallFailed { id } => {
                self.tell(id, Outcome::Failed);
                self.calls.lock().unwrap().remove(&id);
            }
            Incoming::EngineCall { id, call, .. } => {
                let response = match call {
                    EngineCall::GetEnvVar(name) => {
                        EngineResponse::Data(Header::Value(Value::string(name), None))
                    }
                    _ => EngineResponse::Error(Box::new(LabeledError::new("what?"))),
                };
                let connection = self.connection.get().unwrap();
                connection.session(|session| session.answer(id, response));
            }
            Incoming::Failed(failure) => {
                self.told().failed.push(failure);
                self.changed.notify_all();
            }
            other => panic!("a host is not told {other:?}"),
        }
    }
}

/// The plugin's handler: does what the command's name says.
#[derive(Default)]
pub(crate) struct PluginSide {
    engine_calls: Mutex<HashMap<EngineCallId, Sender<Option<EngineResponse>>>>,
    connection: OnceLock<Connection<Plugin>>,
    pub(crate) held: Mutex<Vec<InStream>>,
    pub(crate) calls: AtomicUsize,
    pub(crate) ended: Mutex<Vec<Failure>>,
    pub(crate) changed: Condvar,
}

impl Handler for PluginSide {
    fn handle(&self, incoming: Incoming) {
        match incoming {
            Incoming::Call { id, call, input } => {
                let connection = self.connection.get().unwrap().clone();
                self.call(&connection, id, call, input);
            }
            Incoming::EngineResponse { id, response, .. } => {
                let waiting = self.engine_calls.lock().unwrap().remove(&id).unwrap();
                let _ = waiting.send(Some(response));
            }
            Incoming::EngineCallFailed { id } => {
                let waiting = self.engine_calls.lock().unwrap().remove(&id).unwrap();
                let _ = waiting.send(None);
            }
            Incoming::Failed(failure) => {
                self.ended.lock().unwrap().push(failure);
                self.changed.notify_all();
            }
            Incoming::Goodbye | Incoming::Signal(_) => {}
            other => panic!("a plugin is not told {other:?}"),
        }
    }
}

pub(crate) fn respond(connection: &Connection<Plugin>, id: CallId, response: Response) {
    // The session may have failed meanwhile.
    let _: Result<(), Refusal> = connection.session(|session| session.respond(id, response));
}

pub(crate) fn value(value: Value) -> Response {
    Response::Data(Header::Value(value, None))
}

impl PluginSide {
    pub(crate) fn connect(&self, connection: &Connection<Plugin>) {
        let _ = self.connection.set(connection.clone());
    }

    fn call(
        &self,
        connection: &Connection<Plugin>,
        id: CallId,
        call: Call,
        input: Option<InStream>,
    ) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let Call::Run(run) = call else {
            return respond(connection, id, Response::Ok);
        };
        let argument = run.call.positional.first().cloned();
        match run.name.as_str() {
            "echo" => respond(connection, id, value(argument.unwrap())),
            // Answered from the handler, with the input dropped in it.
            "drop" => {
                drop(input);
                respond(connection, id, Response::Ok);
            }
            // Answered while the input is kept and not read.
            "hold" => {
                self.held.lock().unwrap().extend(input);
                respond(connection, id, Response::Ok);
            }
            "silence" => self.held.lock().unwrap().extend(input),
            "panic" => panic!("as the case asks for"),
            // Gives back what comes in, item by item.
            "pass" => {
                let connection = connection.clone();
                std::thread::spawn(move || pass(&connection, id, input.unwrap(), &run.input));
            }
            // Gives the sum of what comes in.
            "sum" => {
                let connection = connection.clone();
                std::thread::spawn(move || {
                    let sum = sum(input.unwrap());
                    respond(&connection, id, value(Value::int(sum)));
                });
            }
            // Gives the numbers below the argument.
            "count" => {
                let (stream, out) = connection.open_stream(StreamKind::List);
                respond(connection, id, Response::Data(list(stream)));
                let Some(Value::Int(end, _)) = argument else {
                    panic!("how many?")
                };
                std::thread::spawn(move || {
                    (0..end).all(|number| out.send(StreamItem::List(Value::int(number))).is_ok())
                });
            }
            // Asks the engine for a variable and gives it.
            "ask" => {
                let (sender, answer) = mpsc::channel();
                let Some(Value::String(name, _)) = argument else {
                    panic!("what for?")
                };
                let asked = connection.session(|session| {
                    let asked = session.engine_call(id, EngineCall::GetEnvVar(name.to_string()))?;
                    self.engine_calls.lock().unwrap().insert(asked, sender);
                    Ok::<_, Refusal>(asked)
                });
                let connection = connection.clone();
                std::thread::spawn(move || {
                    if asked.is_ok()
                        && let Ok(Some(EngineResponse::Data(Header::Value(answer, _)))) =
                            answer.recv()
                    {
                        respond(&connection, id, value(answer));
                    }
                });
            }
            other => panic!("there is no command {other}"),
        }
    }
}

fn pass(connection: &Connection<Plugin>, id: CallId, mut input: InStream, header: &Header) {
    let kind = header.stream().unwrap().1;
    let (stream, out) = connection.open_stream(kind);
    let header = match kind {
        StreamKind::List => list(stream),
        StreamKind::Raw => bytes(stream),
    };
    respond(connection, id, Response::Data(header));
    while let Some(Ok(item)) = input.next_item(deadline()) {
        if out.send(item).is_err() {
            return;
        }
    }
}

pub(crate) fn sum(mut input: InStream) -> i64 {
    let mut sum = 0;
    while let Some(Ok(item)) = input.next_item(deadline()) {
        match item {
            StreamItem::List(Value::Int(number, _)) => sum += number,
            StreamItem::Raw(bytes) => sum += bytes.iter().map(|byte| i64::from(*byte)).sum::<i64>(),
            _ => panic!("not a number"),
        }
    }
    sum
}

pub(crate) fn list(id: StreamId) -> Header {
    Header::ListStream {
        id,
        span: Span::UNKNOWN,
        metadata: None,
    }
}

pub(crate) fn bytes(id: StreamId) -> Header {
    let kind = ByteStreamKind::Binary;
    Header::ByteStream {
        id,
        span: Span::UNKNOWN,
        kind,
        metadata: None,
    }
}

pub(crate) fn run(name: &str, argument: Option<Value>, input: Header) -> Call {
    let call = EvaluatedCall {
        positional: argument.into_iter().collect(),
        ..EvaluatedCall::default()
    };
    Call::Run(Box::new(RunCall {
        name: name.to_owned(),
        call,
        input,
    }))
}

pub(crate) fn engine_settings() -> EngineSettings {
    EngineSettings {
        name: "test".to_owned(),
        policy: EnginePolicy::Mirror {
            wait: PATIENCE,
            otherwise: "0.115.1".parse().unwrap(),
        },
        features: Feature::EXTENSIONS.to_vec(),
        limits: Limits::default(),
        flow: FlowLimits::default(),
        encoding_timeout: PATIENCE,
        hello_timeout: PATIENCE,
        recorder: None,
    }
}

pub(crate) fn plugin_settings(encoding: Encoding) -> PluginSettings {
    PluginSettings {
        name: "test".to_owned(),
        encoding,
        version: "0.115.1".parse().unwrap(),
        policy: PluginPolicy::Lenient,
        engine_first: None,
        features: Vec::new(),
        limits: Limits::default(),
        flow: FlowLimits::default(),
        hello_timeout: PATIENCE,
        recorder: None,
    }
}

pub(crate) fn start_plugin(
    link: Link,
    encoding: Encoding,
    extensions: &[Feature],
) -> (Connection<Plugin>, Arc<PluginSide>) {
    let side = Arc::<PluginSide>::default();
    let settings = PluginSettings {
        features: extensions.to_vec(),
        ..plugin_settings(encoding)
    };
    let connection = Connection::start_plugin(link, settings, |connection| {
        side.connect(connection);
        side.clone()
    });
    (connection.unwrap(), side)
}

pub(crate) fn start_host(
    link: Link,
    recorder: Option<Recorder>,
) -> (Connection<Host>, Arc<HostSide>) {
    start_host_with(
        link,
        EngineSettings {
            recorder,
            ..engine_settings()
        },
    )
}

pub(crate) fn start_host_with(
    link: Link,
    settings: EngineSettings,
) -> (Connection<Host>, Arc<HostSide>) {
    let side = Arc::<HostSide>::default();
    let connection = Connection::start_engine(link, settings, |connection| {
        side.connect(connection);
        side.clone()
    });
    (connection.unwrap(), side)
}

pub(crate) struct Pair {
    pub(crate) host: Connection<Host>,
    pub(crate) host_side: Arc<HostSide>,
    pub(crate) plugin: Connection<Plugin>,
    pub(crate) plugin_side: Arc<PluginSide>,
}

impl Pair {
    /// Of sides that have agreed on no extensions.
    pub(crate) fn new(link: (Link, Link), encoding: Encoding, recorder: Option<Recorder>) -> Pair {
        Pair::with(link, encoding, &[], recorder)
    }

    pub(crate) fn with(
        link: (Link, Link),
        encoding: Encoding,
        extensions: &'static [Feature],
        recorder: Option<Recorder>,
    ) -> Pair {
        let plugin = std::thread::spawn(move || start_plugin(link.1, encoding, extensions));
        let (host, host_side) = start_host(link.0, recorder);
        assert_eq!(host.encoding(), encoding);
        let (plugin, plugin_side) = plugin.join().unwrap();
        Pair {
            host,
            host_side,
            plugin,
            plugin_side,
        }
    }

    pub(crate) fn call(&self, call: Call) -> Receiver<Outcome> {
        try_call(&self.host, &self.host_side, call).unwrap()
    }

    pub(crate) fn run(&self, name: &str, argument: Value) -> Receiver<Outcome> {
        self.call(run(name, Some(argument), Header::Empty))
    }

    /// Calls with a stream as input.
    pub(crate) fn feed(
        &self,
        name: &str,
        kind: StreamKind,
    ) -> (Receiver<Outcome>, OutStream<Host>) {
        let (id, out) = self.host.open_stream(kind);
        let header = match kind {
            StreamKind::List => list(id),
            StreamKind::Raw => bytes(id),
        };
        (self.call(run(name, None, header)), out)
    }

    /// Ends the connection; both sides are to be told once, and no calls and streams may be left.
    pub(crate) fn end(self) {
        self.host
            .session(pegboard_protocol::session::Session::goodbye);
        self.host.close_sink();
        self.host_side.ended();
        self.plugin_side.ended();
        assert_eq!(self.host_side.told().failed.len(), 1);
        assert_eq!(self.plugin_side.ended.lock().unwrap().len(), 1);
        assert!(self.host_side.calls.lock().unwrap().is_empty());
        assert_eq!(
            self.host
                .ask(pegboard_protocol::session::Session::open_streams),
            0
        );
        assert_eq!(
            self.plugin
                .ask(pegboard_protocol::session::Session::open_streams),
            0
        );
    }
}

pub(crate) fn try_call(
    host: &Connection<Host>,
    side: &HostSide,
    call: Call,
) -> Result<Receiver<Outcome>, Refusal> {
    let (sender, receiver) = mpsc::channel();
    host.session(|session| {
        let id = session.call(call)?;
        side.calls.lock().unwrap().insert(id, sender);
        Ok(receiver)
    })
}

impl HostSide {
    /// Waits for the end and gives its cause.
    pub(crate) fn ended(&self) -> Failure {
        let told = self
            .changed
            .wait_timeout_while(self.told(), PATIENCE, |told| told.failed.is_empty());
        let (told, waited) = told.unwrap();
        assert!(!waited.timed_out(), "the host is not told of the end");
        told.failed[0].clone()
    }
}

impl PluginSide {
    /// Waits for the end and gives its cause.
    pub(crate) fn ended(&self) -> Failure {
        let ended = self.ended.lock().unwrap();
        let ended = self
            .changed
            .wait_timeout_while(ended, PATIENCE, |ended| ended.is_empty());
        let (ended, waited) = ended.unwrap();
        assert!(!waited.timed_out(), "the plugin is not told of the end");
        ended[0].clone()
    }
}

/// The value that a call gave, once it is over.
pub(crate) fn value_of(call: &Receiver<Outcome>) -> Value {
    match call.recv_timeout(PATIENCE) {
        Ok(Outcome::Response(Response::Data(Header::Value(value, _)), None)) => {
            assert!(matches!(call.recv_timeout(PATIENCE), Ok(Outcome::Closed)));
            value
        }
        other => panic!("the call gave {other:?}"),
    }
}

pub(crate) fn output_of(call: &Receiver<Outcome>) -> InStream {
    match call.recv_timeout(PATIENCE) {
        Ok(Outcome::Response(Response::Data(_), Some(output))) => output,
        other => panic!("the call gave {other:?}"),
    }
}
