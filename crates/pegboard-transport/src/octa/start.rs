//! Starting a connection: Hello and Schema, each by its deadline.

use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::Duration;

use pegboard_protocol::octa::{
    Decoder, Form, HandshakeError, Host, HostConfig, HostEvent, HostHello, Limits, LineError,
    Plugin, PluginConfig, PluginEvent, PluginHello, encode,
};

use super::{Connection, Handler, Shared, Side, State};
use crate::driver::Bell;
use crate::driver::opening::{self, Opening, Stall};
use crate::driver::outbox::{Outbox, Outlet};
use crate::link::Link;
use crate::trace::{Direction, Recorder};

/// How a host starts a connection to a plugin.
#[derive(Clone, Debug)]
pub struct HostSettings {
    /// The plugin's name, for traces.
    pub name: String,
    /// What the host is, and how much it takes.
    pub config: HostConfig,
    /// How long the plugin may take for each of Hello and Schema.
    pub hello_timeout: Duration,
    /// Where to write down what is said.
    pub recorder: Option<Recorder>,
}

/// How a plugin starts a connection to its host.
#[derive(Clone, Debug)]
pub struct PluginSettings {
    /// The plugin's name, for traces.
    pub name: String,
    /// What the plugin is, and how much it takes.
    pub config: PluginConfig,
    /// How long the host may take for each of Hello and Schema.
    pub hello_timeout: Duration,
    /// Where to write down what is said.
    pub recorder: Option<Recorder>,
}

/// Why a connection did not start.
#[derive(Debug)]
pub struct StartError {
    /// What was being waited for.
    pub awaited: &'static str,
    /// What came instead.
    pub failure: StartFailure,
    /// The first bytes that came, as many as show what wrote them.
    pub received: Vec<u8>,
}

/// What came instead of a good start.
#[derive(Debug)]
pub enum StartFailure {
    /// Nothing, in this time.
    TimedOut(Duration),
    /// A first message that does not fit, or none.
    Handshake(HandshakeError),
    /// An error of the link.
    Link(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let awaited = self.awaited;
        match &self.failure {
            StartFailure::TimedOut(time) => f.write_str(&opening::late(awaited, *time)),
            StartFailure::Handshake(HandshakeError::Closed(_)) => {
                f.write_str(&opening::closed(awaited))
            }
            StartFailure::Handshake(error) => error.fmt(f),
            StartFailure::Link(error) => f.write_str(&opening::broken(awaited, error)),
        }
    }
}

impl std::error::Error for StartError {}

impl Connection<Host> {
    /// Says Hello, waits for the plugin's Hello and its key, and starts to run the session.
    ///
    /// `handler` makes the handler; nothing is told before it has.
    pub fn start_host(
        link: Link,
        settings: HostSettings,
        handler: impl FnOnce(&Connection<Host>) -> Arc<dyn Handler<HostEvent>>,
    ) -> Result<Connection<Host>, StartError> {
        let (hello, message) = HostHello::new(settings.config.clone());
        let opening = Opening::new(link, "Hello", settings.recorder.as_ref(), &settings.name);
        let mut greeting =
            Greeting::<Host>::new(opening, settings.config.limits, settings.hello_timeout);
        greeting.say(&message)?;
        let (schema, message) = match greeting.hear()? {
            Some(reply) => hello.receive(reply),
            None => Err(hello.closed()),
        }
        .map_err(|error| greeting.refused(error))?;
        greeting.opening.await_next("Schema");
        greeting.say(&message)?;
        let session = match greeting.hear()? {
            Some(reply) => schema.receive(reply),
            None => Err(schema.closed()),
        }
        .map_err(|error| greeting.refused(error))?;
        Ok(greeting.run(session, settings.name, handler))
    }
}

impl Connection<Plugin> {
    /// Waits for the host's Hello and its question for the key, answers both, and starts to run the session.
    ///
    /// `handler` makes the handler; nothing is told before it has.
    pub fn start_plugin(
        link: Link,
        settings: PluginSettings,
        handler: impl FnOnce(&Connection<Plugin>) -> Arc<dyn Handler<PluginEvent>>,
    ) -> Result<Connection<Plugin>, StartError> {
        let hello = PluginHello::new(settings.config.clone());
        let opening = Opening::new(link, "Hello", settings.recorder.as_ref(), &settings.name);
        let mut greeting =
            Greeting::<Plugin>::new(opening, settings.config.limits, settings.hello_timeout);
        let received = match greeting.hear()? {
            Some(message) => hello.receive(message),
            None => Err(hello.closed()),
        };
        let (schema, message) = received.map_err(|error| greeting.refuse(error))?;
        greeting.say(&message)?;
        greeting.opening.await_next("Schema");
        let received = match greeting.hear()? {
            Some(message) => schema.receive(message),
            None => Err(schema.closed()),
        };
        let (session, message) = received.map_err(|error| greeting.refuse(error))?;
        greeting.say(&message)?;
        Ok(greeting.run(session, settings.name, handler))
    }
}

/// The first messages in either direction.
struct Greeting<S: Side> {
    opening: Opening,
    decoder: Decoder<S::Incoming>,
    timeout: Duration,
}

impl<S: Side> Greeting<S> {
    fn new(opening: Opening, limits: Limits, timeout: Duration) -> Greeting<S> {
        Greeting {
            opening,
            decoder: Decoder::new(limits),
            timeout,
        }
    }

    fn say(&mut self, message: &S::Outgoing) -> Result<(), StartError> {
        if let Some(trace) = &self.opening.trace {
            trace.octa(Direction::Sent, S::SENDER, S::shown(message), Form::Every);
        }
        let mut bytes = Vec::new();
        encode(message, Form::Every, &mut bytes);
        let written = self.opening.write(&bytes, self.timeout);
        written.or_else(|stall| match self.stalled(stall) {
            None => Ok(()),
            Some(error) => Err(error),
        })
    }

    /// Waits for a message, or something in its place. None at the end of the link.
    fn hear(&mut self) -> Result<Option<Result<S::Incoming, LineError>>, StartError> {
        let mut buffer = [0; 4096];
        loop {
            if let Some(frame) = self.decoder.next() {
                if let (Some(trace), Ok(message)) = (&self.opening.trace, &frame.content) {
                    let shown = S::heard(message);
                    trace.octa(Direction::Received, S::SENDER, shown, Form::Every);
                }
                return Ok(Some(frame.content));
            }
            match self.opening.read(&mut buffer, self.timeout, None) {
                Ok(count) => self.decoder.feed(&buffer[..count]),
                Err(stall) => match self.stalled(stall) {
                    None => return Ok(self.decoder.finish().err().map(Err)),
                    Some(error) => return Err(error),
                },
            }
        }
    }

    /// The error, unless the link has just ended, of which the handshake knows what it means.
    fn stalled(&self, stall: Stall) -> Option<StartError> {
        Some(self.error(match stall {
            Stall::Closed => return None,
            Stall::TimedOut(time) => StartFailure::TimedOut(time),
            Stall::Link(error) => StartFailure::Link(error),
        }))
    }

    fn refused(&self, error: HandshakeError) -> StartError {
        self.error(StartFailure::Handshake(error))
    }

    fn error(&self, failure: StartFailure) -> StartError {
        StartError {
            awaited: self.opening.awaited,
            failure,
            received: self.opening.received.clone(),
        }
    }

    fn run(
        self,
        session: S,
        name: String,
        handler: impl FnOnce(&Connection<S>) -> Arc<dyn Handler<S::Event>>,
    ) -> Connection<S> {
        let Opening { link, trace, .. } = self.opening;
        let state = State {
            session,
            outbox: Outbox::default(),
            dispatching: false,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            room: Bell::default(),
            stuck: Condvar::new(),
            outlet: Outlet::new(link.sink),
            outputs: Mutex::default(),
            handler: OnceLock::new(),
            hangup: link.hangup,
            trace,
            name,
        });
        let connection = Connection {
            shared: shared.clone(),
        };
        let _ = shared.handler.set(handler(&connection));
        shared.start_reader(link.source, self.decoder);
        connection
    }
}

impl Greeting<Plugin> {
    /// Tells the host why there is nothing to go on with, as far as it listens.
    fn refuse(&mut self, error: HandshakeError) -> StartError {
        if let Some(reply) = error.reply() {
            // The error is what counts, whether or not the host hears of it.
            let _ = self.say(&reply);
        }
        self.refused(error)
    }
}
