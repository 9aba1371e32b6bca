//! Serving Octa: a socket, the hosts that connect to it, and an end that leaves nothing behind.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use pegboard_protocol::octa::PluginConfig;
use pegboard_transport::Link;
use pegboard_transport::octa::Listener as Socket;
use pegboard_transport::octa::{Connection, PluginSettings, StartError, StartFailure};

use super::key::Start;
use super::session::{Listener, Session};
use super::{Log, children};

/// How long a host may take to connect. Octa's gives up itself after 30 seconds.
const CONNECT: Duration = Duration::from_secs(30);
/// How long it may then take for each of Hello and Schema.
const HELLO: Duration = Duration::from_secs(30);
/// How long handlers may go on that were told to end. Octa's host kills a plugin a second after its first word about
/// that.
const GRACE: Duration = Duration::from_millis(800);
/// How long handlers may take to end once all processes are gone that they may have waited for, and how long a host may
/// take to read the last words.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How many hosts are served at once. Octa's connects once.
const HOSTS: usize = 16;

/// What is served.
pub(crate) struct Served {
    /// For the log and for traces.
    pub(crate) name: String,
    pub(crate) config: PluginConfig,
    pub(crate) start: Arc<Start>,
    pub(crate) log: Log,
}

/// Serves hosts at a socket until one of them, or a signal, shuts the plugin down, or all of them are gone. An error says
/// why none was served.
pub(crate) fn serve(served: Served, path: &Path) -> Result<(), String> {
    let socket =
        bind(path).map_err(|error| format!("listening on {} failed: {error}", path.display()))?;
    children::adopt_orphans();
    let log = served.log.clone();
    log.say(format_args!(
        "{} listens on {}",
        served.name,
        path.display()
    ));
    let server = Server::new(served);
    signals(&server).map_err(|error| format!("signals cannot be listened to: {error}"))?;
    server
        .listen(socket)
        .map_err(|error| format!("no thread could be started: {error}"))?;
    let result = server.wait_for_end();
    server.end(children::end_all);
    // The thread that listens goes with the process, its socket does not.
    let _ = fs::remove_file(path);
    log.say(match &result {
        Ok(()) => "the end",
        Err(error) => error,
    });
    result
}

/// A socket that only this user can connect to, whatever files are usually like.
fn bind(path: &Path) -> io::Result<Socket> {
    let socket = Socket::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(socket)
}

/// Serves one host over a link. What handlers have started is left alone: this is for tests, which have children of their
/// own.
pub(crate) fn serve_link(served: Served, link: Link) -> Result<(), StartError> {
    let server = Server::new(served);
    server.lock().opening += 1;
    server.greet(link)?;
    // It was met, so there is no other way to end.
    let _ = server.wait_for_end();
    server.end(|| {});
    Ok(())
}

struct Server {
    me: Weak<Server>,
    served: Served,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    // bounded by: HOSTS
    sessions: BTreeMap<u64, Arc<Session>>,
    next: u64,
    /// Hosts that have connected and not said yet what they want.
    opening: usize,
    /// Some host was served.
    met: bool,
    /// Why a host was not.
    refused: Option<String>,
    /// The plugin is to end.
    ending: bool,
}

impl Server {
    fn new(served: Served) -> Arc<Server> {
        Arc::new_cyclic(|me| Server {
            me: me.clone(),
            served,
            state: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    /// Takes in hosts until the end.
    fn listen(self: &Arc<Self>, socket: Socket) -> io::Result<()> {
        let server = self.clone();
        let thread = std::thread::Builder::new().name("listener".into());
        thread.spawn(move || {
            while let Some(link) = server.accept(&socket) {
                server.open(link);
            }
        })?;
        Ok(())
    }

    /// None when there are to be no more.
    fn accept(&self, socket: &Socket) -> Option<Link> {
        loop {
            let accepted = socket.accept(Instant::now() + CONNECT);
            let mut state = self.lock();
            if state.ending {
                return None;
            }
            match accepted {
                // Too many: what is dropped is closed.
                Ok(_) if state.sessions.len() + state.opening >= HOSTS => {}
                Ok(link) => {
                    state.opening += 1;
                    return Some(link);
                }
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {}
                Err(error) => {
                    state.refused = Some(format!("accepting a host failed: {error}"));
                    drop(state);
                    self.changed.notify_all();
                    return None;
                }
            }
        }
    }

    /// Does the handshake on a thread of its own, so that a host that says nothing is in nobody's way.
    fn open(self: &Arc<Self>, link: Link) {
        let server = self.clone();
        let spawned = std::thread::Builder::new()
            .name("hello".into())
            .spawn(move || {
                if let Err(error) = server.greet(link) {
                    server.opened(Err(reason(&error)));
                }
            });
        if let Err(error) = spawned {
            self.opened(Err(Some(format!("no thread could be started: {error}"))));
        }
    }

    /// Does the handshake, and takes in the host.
    fn greet(&self, link: Link) -> Result<(), StartError> {
        let settings = PluginSettings {
            name: self.served.name.clone(),
            config: self.served.config.clone(),
            hello_timeout: HELLO,
            recorder: None,
        };
        let connection = Connection::start_plugin(link, settings, |connection| {
            let session = Session::new(
                connection.clone(),
                self.served.start.clone(),
                self.served.log.clone(),
                self.me.clone(),
            );
            let ear = session.ear();
            // Before anything of it is heard: the first may be that the plugin is to end, and the host waits for the answer.
            self.opened(Ok(session));
            ear
        })?;
        let version = connection.ask(|session| session.peer().version.clone());
        let log = &self.served.log;
        log.say(format_args!("a host has connected: Octa {version}"));
        Ok(())
    }

    /// Takes in a host, or the reason why not; none if it only knocked.
    fn opened(&self, opened: Result<Arc<Session>, Option<String>>) {
        let mut state = self.lock();
        state.opening -= 1;
        match opened {
            Ok(session) => {
                if state.ending {
                    session.cancel();
                }
                let number = state.next;
                state.next += 1;
                state.sessions.insert(number, session);
                state.met = true;
            }
            Err(Some(reason)) => state.refused = Some(reason),
            Err(None) => {}
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until there is nothing more to do.
    fn wait_for_end(&self) -> Result<(), String> {
        let deadline = Instant::now() + CONNECT;
        let mut state = self.lock();
        loop {
            state
                .sessions
                .retain(|_, session| !session.is_over() || session.running() > 0);
            if state.ending {
                return Ok(());
            }
            if state.sessions.values().all(|session| session.is_over()) && state.opening == 0 {
                if state.met {
                    return Ok(());
                }
                if let Some(reason) = state.refused.take() {
                    return Err(reason);
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            state = match state.met {
                // Every conversation has an end of its own.
                true => self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                false if left.is_zero() => {
                    return Err(format!("no host has connected within {CONNECT:?}"));
                }
                false => {
                    let waited = self.changed.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Ends what runs, and, with `sweep`, what that has started; then says so.
    fn end(&self, sweep: impl Fn()) {
        let sessions: Vec<Arc<Session>> = {
            let mut state = self.lock();
            state.ending = true;
            state.sessions.values().cloned().collect()
        };
        sessions.iter().for_each(|session| session.cancel());
        self.wait_for_handlers(&sessions, GRACE);
        sweep();
        // Those who waited for what was killed; others may have started something more.
        self.wait_for_handlers(&sessions, LAST_WORDS);
        sweep();
        let deadline = Instant::now() + LAST_WORDS;
        for session in &sessions {
            let connection = session.connection();
            connection.session(|session| session.goodbye("Plugin shutting down"));
        }
        for session in &sessions {
            session.connection().wait_until_written(deadline);
            session.connection().close_sink();
        }
    }

    fn wait_for_handlers(&self, sessions: &[Arc<Session>], patience: Duration) {
        let deadline = Instant::now() + patience;
        let mut state = self.lock();
        while sessions.iter().any(|session| session.running() > 0) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener for Server {
    fn shut_down(&self) {
        self.lock().ending = true;
        self.changed.notify_all();
    }

    fn changed(&self) {
        // Whoever has looked already, and does not wait yet, holds the lock.
        drop(self.lock());
        self.changed.notify_all();
    }
}

/// Why a conversation did not begin; none for a host that closed the connection before it said anything.
fn reason(error: &StartError) -> Option<String> {
    use pegboard_protocol::octa::HandshakeError::Closed;
    let only_knocked =
        error.received.is_empty() && matches!(error.failure, StartFailure::Handshake(Closed(_)));
    (!only_knocked).then(|| format!("the host: {error}"))
}

/// Ends the plugin at SIGTERM, SIGINT and SIGHUP.
fn signals(server: &Arc<Server>) -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    let server = Arc::downgrade(server);
    let thread = std::thread::Builder::new().name("signals".into());
    thread.spawn(move || {
        for signal in signals.forever() {
            let Some(server) = server.upgrade() else {
                return;
            };
            server.served.log.say(format_args!("signal {signal}"));
            server.shut_down();
        }
    })?;
    Ok(())
}
