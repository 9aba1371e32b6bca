//! A host and a plugin, joined: the plugin's side does what the text of each execution says.

use std::collections::HashMap;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::{Duration, Instant};

use pegboard_protocol::nu::StreamItem;
use pegboard_protocol::octa::{
    Execute, ExecutionId, Features, Host, HostConfig, HostEvent, Outcome, Plugin, PluginConfig,
    PluginEvent, Stream,
};
use pegboard_protocol::session::Failure;
use pegboard_transport::octa::{Connection, Handler, HostSettings, PluginSettings};
use pegboard_transport::{InStream, Link, Recorder};

/// No case takes nearly as long. What waits longer has hung.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn deadline() -> Instant {
    Instant::now() + PATIENCE
}

pub(crate) fn host_settings(features: Features) -> HostSettings {
    HostSettings {
        name: "task".into(),
        config: HostConfig {
            features,
            ..HostConfig::default()
        },
        hello_timeout: PATIENCE,
        recorder: None,
    }
}

pub(crate) fn plugin_settings() -> PluginSettings {
    PluginSettings {
        name: "task".into(),
        config: PluginConfig::new("task"),
        hello_timeout: PATIENCE,
        recorder: None,
    }
}

/// Passes on what a side is told.
pub(crate) struct Tell<E>(Mutex<Sender<E>>);

impl<E: Send + 'static> Tell<E> {
    pub(crate) fn new() -> (Arc<Tell<E>>, Receiver<E>) {
        let (sender, receiver) = mpsc::channel();
        (Arc::new(Tell(Mutex::new(sender))), receiver)
    }
}

impl<E: Send + 'static> Handler<E> for Tell<E> {
    fn handle(&self, event: E) {
        // A case that is over listens no more.
        let _ = self.0.lock().unwrap().send(event);
    }
}

/// A host's side, with what it was told.
pub(crate) struct Hosting {
    pub(crate) host: Connection<Host>,
    pub(crate) told: Receiver<HostEvent>,
}

impl Hosting {
    pub(crate) fn start(link: Link, features: Features, recorder: Option<Recorder>) -> Hosting {
        let settings = HostSettings {
            recorder,
            ..host_settings(features)
        };
        let (tell, told) = Tell::new();
        let host = Connection::start_host(link, settings, |_| tell).unwrap();
        Hosting { host, told }
    }

    pub(crate) fn execute(&self, text: &str) -> (ExecutionId, InStream) {
        let execute = Execute {
            text: text.into(),
            dir: "/".into(),
            ..Execute::default()
        };
        let begun = self.host.execute(execute, |id, output| (id, output));
        begun.unwrap()
    }

    /// Waits for an event that `pick` wants; others are dropped.
    pub(crate) fn await_event<T>(&self, mut pick: impl FnMut(HostEvent) -> Option<T>) -> T {
        loop {
            let event = self.told.recv_timeout(PATIENCE).expect("an event");
            if let Some(picked) = pick(event) {
                return picked;
            }
        }
    }

    pub(crate) fn outcome(&self, wanted: ExecutionId) -> Outcome {
        self.await_event(|event| match event {
            HostEvent::Ended { id, outcome } if id == wanted => Some(outcome),
            _ => None,
        })
    }

    pub(crate) fn failure(&self) -> Failure {
        self.await_event(|event| match event {
            HostEvent::Failed(failure) => Some(failure),
            _ => None,
        })
    }

    pub(crate) fn run(&self, text: &str) -> (String, Outcome) {
        let (id, output) = self.execute(text);
        let text = read(output);
        (text, self.outcome(id))
    }
}

/// All of an output, as text.
pub(crate) fn read(mut output: InStream) -> String {
    let mut all = Vec::new();
    while let Some(item) = output.next_item(Some(deadline())) {
        match item.unwrap() {
            StreamItem::Raw(bytes) => all.extend(bytes),
            other => panic!("{other:?}"),
        }
    }
    String::from_utf8(all).unwrap()
}

/// A plugin that does what it is told: see [`Work::run`].
pub(crate) struct Doer {
    connection: OnceLock<Connection<Plugin>>,
    running: Mutex<HashMap<ExecutionId, Arc<Work>>>,
}

#[derive(Default)]
struct Work {
    state: Mutex<WorkState>,
    changed: Condvar,
}

#[derive(Default)]
struct WorkState {
    cancelled: bool,
    input: Vec<u8>,
    input_ended: bool,
}

impl Work {
    fn change(&self, change: impl FnOnce(&mut WorkState)) {
        change(&mut self.state.lock().unwrap());
        self.changed.notify_all();
    }

    fn wait<T>(&self, mut look: impl FnMut(&mut WorkState) -> Option<T>) -> T {
        let mut state = self.state.lock().unwrap();
        loop {
            if let Some(found) = look(&mut state) {
                return found;
            }
            let (next, waited) = self.changed.wait_timeout(state, PATIENCE).unwrap();
            assert!(!waited.timed_out(), "the plugin's side waits for ever");
            state = next;
        }
    }

    fn run(&self, connection: &Connection<Plugin>, id: ExecutionId, text: &str) {
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        let out = |stream, bytes: &[u8]| connection.output(id, stream, bytes);
        let end = |code| connection.session(|session| session.exit(id, code));
        match verb {
            "out" => out(Stream::Stdout, rest.as_bytes()).unwrap(),
            "err" => out(Stream::Stderr, rest.as_bytes()).unwrap(),
            "exit" => return end(rest.parse().unwrap()).unwrap(),
            "error" => {
                return connection
                    .session(|session| session.error(id, rest))
                    .unwrap();
            }
            "flood" => {
                for _ in 0..rest.parse::<usize>().unwrap() {
                    if out(Stream::Stdout, &[b'x'; 1 << 16]).is_err() {
                        return;
                    }
                }
            }
            "cat" => loop {
                let bytes = self.wait(|state| match std::mem::take(&mut state.input) {
                    bytes if !bytes.is_empty() => Some(Some(bytes)),
                    _ => state.input_ended.then_some(None),
                });
                let Some(bytes) = bytes else { break };
                out(Stream::Stdout, &bytes).unwrap();
                connection.session(|session| session.consumed(id, bytes.len()));
            },
            "wait" => {
                self.wait(|state| state.cancelled.then_some(()));
                // The host may have gone.
                let _ = end(130);
                return;
            }
            other => panic!("{other}"),
        }
        end(0).unwrap();
    }
}

impl Doer {
    pub(crate) fn start(link: Link) -> Connection<Plugin> {
        let doer = Arc::new(Doer {
            connection: OnceLock::new(),
            running: Mutex::default(),
        });
        let handler = doer.clone();
        Connection::start_plugin(link, plugin_settings(), |connection| {
            let _ = handler.connection.set(connection.clone());
            doer
        })
        .unwrap()
    }

    fn all(&self, change: impl Fn(&mut WorkState)) {
        for work in self.running.lock().unwrap().values() {
            work.change(&change);
        }
    }

    fn one(&self, id: ExecutionId, change: impl FnOnce(&mut WorkState)) {
        let work = self.running.lock().unwrap().get(&id).cloned();
        work.unwrap().change(change);
    }
}

impl Handler<PluginEvent> for Doer {
    fn handle(&self, event: PluginEvent) {
        let connection = self.connection.get().unwrap().clone();
        match event {
            PluginEvent::Execute { id, execute } => {
                let work = Arc::<Work>::default();
                self.running.lock().unwrap().insert(id, work.clone());
                std::thread::spawn(move || work.run(&connection, id, &execute.text));
            }
            PluginEvent::Cancel { id } => self.one(id, |state| state.cancelled = true),
            PluginEvent::Input { id, bytes } => self.one(id, |state| state.input.extend(bytes)),
            PluginEvent::InputEnded { id } => self.one(id, |state| state.input_ended = true),
            PluginEvent::ShutDown => {
                self.all(|state| state.cancelled = true);
                connection.session(|session| session.goodbye("bye"));
            }
            PluginEvent::Failed(_) => self.all(|state| state.cancelled = true),
            PluginEvent::Writable { .. } => {}
        }
    }
}

/// Both sides, joined.
pub(crate) fn joined(link: (Link, Link), features: Features) -> (Hosting, Connection<Plugin>) {
    let (one, two) = link;
    let plugin = std::thread::spawn(|| Doer::start(two));
    let hosting = Hosting::start(one, features, None);
    (hosting, plugin.join().unwrap())
}

/// Runs a case over memory, between peers of ours and as with a real host.
pub(crate) fn check(case: impl Fn(&Hosting)) {
    for features in [Features::ALL, Features::NONE] {
        let (hosting, _plugin) = joined(Link::memory(), features);
        case(&hosting);
        hosting.host.session(|session| session.shut_down());
        hosting.await_event(|event| matches!(event, HostEvent::ShutDown { .. }).then_some(()));
        assert!(hosting.host.is_over());
        assert_eq!(hosting.host.failure(), None);
    }
}

/// A plugin of scripted bytes: it says what it is to say once the host has said what is to come before.
pub(crate) struct Script(pub(crate) Link);

impl Script {
    /// Waits for a line of the host's that contains a text.
    pub(crate) fn expect(&mut self, text: &str) {
        let mut seen = Vec::new();
        let mut buffer = [0; 4096];
        while !String::from_utf8_lossy(&seen).contains(text) || !seen.ends_with(b"\n") {
            let count = self.0.source.read(&mut buffer, Some(deadline())).unwrap();
            assert_ne!(count, 0, "the host closed instead of saying {text}");
            seen.extend_from_slice(&buffer[..count]);
        }
    }

    pub(crate) fn say(&mut self, text: impl AsRef<[u8]>) {
        let mut rest = text.as_ref();
        while !rest.is_empty() {
            let count = self.0.sink.write(rest, Some(deadline())).unwrap();
            rest = &rest[count..];
        }
    }

    /// The handshake of a released plugin.
    pub(crate) fn greet(&mut self) {
        self.expect("Hello");
        self.say("{\"type\":\"Hello\",\"version\":\"0.2.0\",\"features\":[]}\n");
        self.expect("Schema");
        self.say("{\"type\":\"Schema\",\"key\":\"task\"}\n");
    }
}

/// A host that talks with a script, on the thread that the script gets.
pub(crate) fn scripted(
    script: impl FnOnce(&mut Script) + Send + 'static,
) -> (Hosting, std::thread::JoinHandle<()>) {
    let (one, two) = Link::memory();
    let thread = std::thread::spawn(move || {
        let mut peer = Script(two);
        peer.greet();
        script(&mut peer);
    });
    (Hosting::start(one, Features::ALL, None), thread)
}
