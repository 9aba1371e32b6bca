//! A host that says what a test wants, and remembers what it hears.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use pegboard_plugin::protocol::octa::{
    Execute, ExecutionId, Features, Host, HostConfig, HostEvent, Outcome, Stream,
};
use pegboard_plugin::{LabeledError, Plugin};
use pegboard_transport::octa::{Connection, Handler, HostSettings};
use pegboard_transport::{InStream, Link};

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A plugin that serves a host.
pub(crate) struct Served {
    pub(crate) host: Connection<Host>,
    events: Receiver<HostEvent>,
    /// Those that nobody has asked for yet.
    seen: VecDeque<HostEvent>,
    plugin: Option<JoinHandle<Result<(), LabeledError>>>,
}

/// How an execution went.
#[derive(Debug, PartialEq)]
pub(crate) struct Ran {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) outcome: Outcome,
}

struct Ear(Mutex<SyncSender<HostEvent>>);

impl Handler<HostEvent> for Ear {
    fn handle(&self, event: HostEvent) {
        // The test may be over.
        let _ = self.0.lock().unwrap().try_send(event);
    }
}

/// Starts a plugin; the host can what Octa can.
pub(crate) fn serve(plugin: Plugin) -> Served {
    serve_with(plugin, Features::NONE)
}

/// Starts a plugin; the host offers features.
pub(crate) fn serve_with(plugin: Plugin, features: Features) -> Served {
    let (ours, theirs) = Link::memory();
    let plugin = std::thread::spawn(move || plugin.serve_octa_on(theirs));
    let (sender, events) = sync_channel(10_000);
    let settings = HostSettings {
        name: "test".to_owned(),
        config: HostConfig {
            features,
            ..HostConfig::default()
        },
        hello_timeout: PATIENCE,
        recorder: None,
    };
    let ear = Arc::new(Ear(Mutex::new(sender)));
    let host = Connection::start_host(ours, settings, |_| ear).expect("a plugin that starts");
    Served {
        host,
        events,
        seen: VecDeque::new(),
        plugin: Some(plugin),
    }
}

pub(crate) fn text(text: &str) -> Execute {
    Execute {
        text: text.to_owned(),
        dir: "/tmp".to_owned(),
        ..Execute::default()
    }
}

impl Served {
    pub(crate) fn begin(&self, execute: Execute) -> (ExecutionId, InStream) {
        let begun = self.host.execute(execute, |id, output| (id, output));
        begun.expect("an execution that may begin")
    }

    /// Runs an execution to its end.
    pub(crate) fn run(&mut self, execute: Execute) -> Ran {
        let (id, output) = self.begin(execute);
        self.follow(id, output)
    }

    pub(crate) fn follow(&mut self, id: ExecutionId, output: InStream) -> Ran {
        let stdout = String::from_utf8(read(output)).expect("text");
        let (mut stderr, mut outcome) = (String::new(), None);
        while outcome.is_none() {
            let ours = self.await_event(|event| match event {
                HostEvent::Output { id: of, .. } | HostEvent::Ended { id: of, .. } => *of == id,
                _ => false,
            });
            match ours {
                HostEvent::Output { stream, bytes, .. } => {
                    assert_eq!(stream, Stream::Stderr);
                    stderr.push_str(std::str::from_utf8(&bytes).expect("text"));
                    self.host.consumed(id, bytes.len());
                }
                HostEvent::Ended { outcome: how, .. } => outcome = Some(how),
                other => panic!("{other:?}"),
            }
        }
        Ran {
            stdout,
            stderr,
            outcome: outcome.expect("it has ended"),
        }
    }

    /// The first event of this kind that was not asked for before.
    pub(crate) fn await_event(&mut self, wanted: impl Fn(&HostEvent) -> bool) -> HostEvent {
        if let Some(at) = self.seen.iter().position(&wanted) {
            return self.seen.remove(at).expect("it is there");
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                Ok(event) if wanted(&event) => return event,
                Ok(event) => self.seen.push_back(event),
                Err(error) => panic!("{error}; there were only {:?}", self.seen),
            }
        }
    }

    /// Shuts the plugin down, and says what it said then.
    pub(crate) fn shut_down(mut self) -> Option<String> {
        self.host.session(|session| session.shut_down());
        let event = self.await_event(|event| matches!(event, HostEvent::ShutDown { .. }));
        self.join();
        match event {
            HostEvent::ShutDown { message } => message,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn join(&mut self) {
        if let Some(plugin) = self.plugin.take() {
            plugin
                .join()
                .expect("no panic")
                .expect("a plugin that served");
        }
    }
}

/// All that comes.
pub(crate) fn read(mut output: InStream) -> Vec<u8> {
    use pegboard_plugin::protocol::nu::StreamItem;
    let mut bytes = Vec::new();
    while let Some(item) = output.next_item(Some(Instant::now() + PATIENCE)) {
        match item.expect("an output that does not break off") {
            StreamItem::Raw(chunk) => bytes.extend(chunk),
            other => panic!("{other:?}"),
        }
    }
    bytes
}
