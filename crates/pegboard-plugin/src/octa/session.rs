//! One host's conversation: its executions are begun, cancelled and ended.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use pegboard_protocol::LabeledError;
use pegboard_protocol::octa::{
    Execute, ExecutionId, Plugin, PluginEvent, SendError, Stream as OutputStream,
};
use pegboard_transport::octa::{Connection, Handler};

use super::input::{Chunks, Reader};
use super::key::{Done, Outcome, Start, plain};
use super::output::Wire;
use super::{Cancellation, Error, Execution, ExitStatus, Log, Stdin};

/// What a conversation says to whoever serves the plugin.
pub(super) trait Listener: Send + Sync + 'static {
    /// The host wants the plugin to end.
    fn shut_down(&self);
    /// An execution has ended, or the conversation.
    fn changed(&self);
}

/// A conversation with a host, and what runs for it.
pub(super) struct Session {
    connection: Connection<Plugin>,
    start: Arc<Start>,
    log: Log,
    state: Mutex<State>,
    listener: Weak<dyn Listener>,
}

#[derive(Default)]
struct State {
    // bounded by: the session's limit of executions
    running: HashMap<ExecutionId, Running>,
    /// What comes from now on is cancelled before it begins.
    ending: bool,
    over: bool,
}

#[derive(Clone)]
struct Running {
    cancellation: Cancellation,
    input: Option<Arc<Chunks>>,
}

impl Running {
    fn cancel(&self) {
        self.cancellation.cancel();
        if let Some(input) = &self.input {
            input.break_off();
        }
    }
}

impl Session {
    pub(super) fn new(
        connection: Connection<Plugin>,
        start: Arc<Start>,
        log: Log,
        listener: Weak<dyn Listener>,
    ) -> Arc<Session> {
        Arc::new(Session {
            connection,
            start,
            log,
            state: Mutex::default(),
            listener,
        })
    }

    /// What to give the connection; it does not keep the session alive.
    pub(super) fn ear(self: &Arc<Self>) -> Arc<dyn Handler<PluginEvent>> {
        Arc::new(Ear(Arc::downgrade(self)))
    }

    pub(super) fn connection(&self) -> &Connection<Plugin> {
        &self.connection
    }

    /// Tells everything that runs, and everything that will, to end.
    pub(super) fn cancel(&self) {
        let mut state = self.lock();
        state.ending = true;
        let all: Vec<Running> = state.running.values().cloned().collect();
        drop(state);
        all.iter().for_each(Running::cancel);
    }

    /// How many executions have not ended.
    pub(super) fn running(&self) -> usize {
        self.lock().running.len()
    }

    /// Whether the host is gone.
    pub(super) fn is_over(&self) -> bool {
        self.lock().over
    }

    fn handle(self: &Arc<Self>, event: PluginEvent) {
        match event {
            PluginEvent::Execute { id, execute } => self.execute(id, *execute),
            PluginEvent::Cancel { id } => {
                self.log.say(format_args!("execution {id} is cancelled"));
                self.with(id, Running::cancel);
            }
            PluginEvent::Input { id, bytes } => {
                let mut bytes = Some(bytes);
                self.with(id, |running| {
                    if let (Some(input), Some(bytes)) = (&running.input, bytes.take()) {
                        input.push(bytes);
                    }
                });
                // Its execution has ended; the host may go on all the same.
                if let Some(bytes) = bytes {
                    let connection = self.connection.clone();
                    connection.session(|session| session.consumed(id, bytes.len()));
                }
            }
            PluginEvent::InputEnded { id } => self.with(id, |running| {
                if let Some(input) = &running.input {
                    input.end();
                }
            }),
            PluginEvent::Writable { .. } => {}
            PluginEvent::ShutDown => self.tell(|listener| listener.shut_down()),
            PluginEvent::Failed(failure) => {
                self.log.say(format_args!("the host {failure}"));
                self.lock().over = true;
                self.cancel();
                self.tell(|listener| listener.changed());
            }
        }
    }

    fn execute(self: &Arc<Self>, id: ExecutionId, execute: Execute) {
        self.log.say(format_args!("execution {id} begins"));
        let cancellation = Cancellation::default();
        let input = execute.input.then(Arc::<Chunks>::default);
        let running = Running {
            cancellation: cancellation.clone(),
            input: input.clone(),
        };
        let mut state = self.lock();
        let ending = state.ending;
        state.running.insert(id, running);
        drop(state);
        if ending {
            self.with(id, Running::cancel);
        }
        let channel = Channel {
            connection: self.connection.clone(),
            id,
        };
        let stdin = input.map(|chunks| {
            let connection = self.connection.clone();
            Stdin::new(Reader {
                chunks,
                rest: io::Cursor::default(),
                consumed: move |count| {
                    connection.session(|session| session.consumed(id, count));
                },
            })
        });
        let wire: Arc<dyn Wire> = Arc::new(channel);
        let log = self.log.clone();
        let execution = Execution::new(execute, stdin, wire.clone(), log, cancellation);
        let session = self.clone();
        let done = Done::new(&execution, move |outcome| {
            session.ended(id, &*wire, outcome);
        });
        (self.start)(execution, done);
    }

    fn ended(&self, id: ExecutionId, wire: &dyn Wire, outcome: Outcome) {
        match &outcome {
            Ok(status) => self.log.say(format_args!("execution {id} {status}")),
            Err(error) => self.log.say(format_args!("execution {id} failed: {error}")),
        }
        let outcome: Result<ExitStatus, String> = outcome.or_else(|error| {
            let said = plain(&error);
            let status = ExitStatus::of(&error).ok_or_else(|| said.clone())?;
            // Octa knows either a status or a message.
            if said != status.to_string() {
                // Nobody may want to know any more.
                let _ = wire.output(OutputStream::Stderr, format!("{said}\n").as_bytes());
            }
            Ok(status)
        });
        self.connection.session(|session| {
            // A refusal means that the session is over, and then nobody waits for the end.
            let _ = match outcome {
                Ok(status) => session.exit(id, status.code()),
                Err(said) => session.error(id, said),
            };
        });
        self.lock().running.remove(&id);
        self.tell(|listener| listener.changed());
    }

    fn with(&self, id: ExecutionId, act: impl FnOnce(&Running)) {
        let running = self.lock().running.get(&id).cloned();
        if let Some(running) = running {
            act(&running);
        }
    }

    fn tell(&self, what: impl FnOnce(&dyn Listener)) {
        if let Some(listener) = self.listener.upgrade() {
            what(&*listener);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Ear(Weak<Session>);

impl Handler<PluginEvent> for Ear {
    fn handle(&self, event: PluginEvent) {
        if let Some(session) = self.0.upgrade() {
            session.handle(event);
        }
    }
}

/// The way of one execution's output to its host.
struct Channel {
    connection: Connection<Plugin>,
    id: ExecutionId,
}

impl Wire for Channel {
    fn output(&self, stream: OutputStream, bytes: &[u8]) -> io::Result<()> {
        let sent = self.connection.output(self.id, stream, bytes);
        sent.map_err(unsent)
    }

    fn whole(&self, stream: OutputStream, bytes: &[u8]) -> io::Result<()> {
        let sent = self.connection.whole(self.id, stream, bytes);
        sent.map_err(unsent)
    }

    fn result(&self, value: serde_json::Value) -> Result<(), Error> {
        let sent = self
            .connection
            .session(|session| session.result(self.id, value));
        sent.map_err(|refusal| LabeledError::new(refusal.to_string()).into())
    }
}

fn unsent(error: SendError) -> io::Error {
    let kind = match error {
        SendError::Closed => io::ErrorKind::BrokenPipe,
        SendError::Full => io::ErrorKind::TimedOut,
    };
    io::Error::new(kind, error.to_string())
}
