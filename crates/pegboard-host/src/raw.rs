//! Programs of plugins that are started without a word being said to them, for tools that test plugins.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pegboard_transport::Link;
#[cfg(unix)]
use pegboard_transport::LocalListener;

use crate::engine::EngineCore;
use crate::instance::LAST_WORDS;
use crate::octa::{self, SocketPlace};
use crate::runner::{Owned, Streams};
use crate::stderr::{StderrReader, Tail};
use crate::{Error, Plugin, launch};

/// With which arguments a program is started, and what its link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawStart {
    /// `--stdio`, over its standard streams.
    Stdio,
    /// `--local-socket PATH`, over a socket that it has to connect to. Unix only.
    LocalSocket,
    /// `--socket-path PATH`, as Octa starts its plugins, and then these arguments: the program has to listen there. Unix only.
    SocketPath(&'static [&'static str]),
    /// No arguments, as a person might start it. The link is its standard streams.
    Bare,
}

/// A program that runs and has not been spoken to. When this is dropped it ends, with all that it started.
///
/// Drop it before the engine: an engine that has shut down knows of it no more.
pub struct RawProcess {
    process: Owned,
    link: Option<Link>,
    #[cfg(unix)]
    listener: Option<LocalListener>,
    /// Where the program has to listen.
    place: Option<SocketPlace>,
    tail: Arc<Tail>,
    stderr: Option<StderrReader>,
    /// Keeps the guard, which ends the program if this process is killed.
    _engine: Arc<EngineCore>,
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawEnd {
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// The same in words, such as `exit code 1`.
    pub words: String,
}

impl Plugin {
    /// Starts the plugin's program in its engine's environment, as a process that is no instance: the engine neither
    /// speaks to it nor counts it.
    pub fn start_raw(&self, start: RawStart) -> Result<RawProcess, Error> {
        let plugin = &self.core;
        let Some(engine) = plugin.engine.upgrade() else {
            return Err(Error::refused("the engine has come to its end"));
        };
        #[cfg(unix)]
        let listener = match start {
            RawStart::LocalSocket => Some(launch::listen(plugin, &engine)?),
            RawStart::Stdio | RawStart::Bare | RawStart::SocketPath(_) => None,
        };
        let place = match start {
            RawStart::SocketPath(_) => Some(octa::place(plugin, &engine)?),
            RawStart::Stdio | RawStart::Bare | RawStart::LocalSocket => None,
        };
        let (arguments, streams) = match start {
            RawStart::Stdio => (vec!["--stdio".into()], Streams::Link),
            RawStart::Bare => (Vec::new(), Streams::Link),
            RawStart::SocketPath(more) => {
                let path = place.iter().map(|place| place.socket().into());
                let own = std::iter::once("--socket-path".into()).chain(path);
                let arguments = own.chain(more.iter().map(Into::into));
                (arguments.collect(), Streams::Apart)
            }
            #[cfg(unix)]
            RawStart::LocalSocket => {
                let path = listener.iter().map(|listener| listener.path().into());
                let arguments = std::iter::once("--local-socket".into()).chain(path);
                (arguments.collect(), Streams::Apart)
            }
            #[cfg(not(unix))]
            RawStart::LocalSocket => return Err(Error::refused("local sockets need Unix")),
        };
        let mut launched = launch::prepare(plugin, &engine, arguments, streams)?;
        if place.is_some() {
            // As Octa does it.
            launched.directory = engine.config.directory.clone();
        }
        let (spawned, tail, stderr) = launch::spawn(plugin, &engine, launched)?;
        Ok(RawProcess {
            process: spawned.process,
            link: spawned.link,
            #[cfg(unix)]
            listener,
            place,
            tail,
            stderr,
            _engine: engine,
        })
    }
}

impl RawProcess {
    /// The link: at once for standard streams, else when the program has connected twice, or listens, which it has to do
    /// by the deadline. It can be taken once; where the program listens, each time is a connection of its own.
    pub fn connect(&mut self, deadline: Instant) -> io::Result<Link> {
        if let Some(link) = self.link.take() {
            return Ok(link);
        }
        #[cfg(unix)]
        if let Some(listener) = self.listener.take() {
            return listener.accept(deadline, || self.process.ended().is_some());
        }
        if let Some(path) = self.socket() {
            return octa::dial(&path, deadline, || self.process.ended().is_some());
        }
        #[cfg(not(unix))]
        let _ = deadline;
        Err(io::ErrorKind::NotConnected.into())
    }

    /// Where the program has to listen, if it was told so.
    pub fn socket(&self) -> Option<PathBuf> {
        self.place.as_ref().map(SocketPlace::socket)
    }

    /// Sends SIGTERM to the program and what runs in its process group.
    pub fn terminate(&self) {
        self.process.terminate();
    }

    /// Sends SIGINT to them, as Ctrl-C does.
    pub fn interrupt(&self) {
        self.process.interrupt();
    }

    /// Waits for the program to end by itself. None if it still runs at the deadline.
    pub fn wait(&self, deadline: Instant) -> Option<RawEnd> {
        let status = self.process.wait(deadline)?;
        Some(RawEnd {
            code: status.code(),
            words: crate::instance::describe(status).unwrap_or_else(|| "exit code 0".to_owned()),
        })
    }

    /// The processes that the program has started and that still run at the deadline, by number; comes back early when
    /// there are none.
    pub fn offspring(&self, deadline: Instant) -> Vec<u32> {
        const LOOK: Duration = Duration::from_millis(5);
        loop {
            let running = self.process.offspring();
            let left = deadline.saturating_duration_since(Instant::now());
            if running.is_empty() || left.is_zero() {
                return running;
            }
            std::thread::park_timeout(left.min(LOOK));
        }
    }

    /// The last lines that the program has written on standard error, oldest first. Once it has ended, that is all of
    /// them: its last words are waited for, for a moment.
    pub fn last_words(&mut self) -> Vec<String> {
        if self.process.ended().is_some()
            && let Some(stderr) = self.stderr.take()
        {
            stderr.finish(Instant::now() + LAST_WORDS);
        }
        self.tail.lines()
    }
}

impl std::fmt::Debug for RawProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RawProcess({})", self.process.pid())
    }
}
