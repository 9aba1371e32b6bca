//! Starting a connection: Hello and Schema, each by its deadline.

use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::{Duration, Instant};

use pegboard_protocol::octa::{
    Decoder, Form, HandshakeError, Host, HostConfig, HostEvent, HostHello, Limits, LineError,
    Plugin, PluginConfig, PluginEvent, PluginHello, encode,
};

use super::{Connection, Handler, Shared, Side, State};
use crate::driver::Bell;
use crate::link::Link;
use crate::trace::{Direction, Recorder, Tape};

/// How many of the first bytes are kept for an error.
const EXCERPT: usize = 256;

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
            StartFailure::TimedOut(time) => {
                write!(f, "it did not send its {awaited} within {time:?}")
            }
            StartFailure::Handshake(HandshakeError::Closed(_)) => {
                write!(f, "it closed the connection before it sent its {awaited}")
            }
            StartFailure::Handshake(error) => error.fmt(f),
            StartFailure::Link(error) => {
                write!(f, "the link broke while waiting for its {awaited}: {error}")
            }
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
        let mut opening =
            Opening::<Host>::new(link, settings.config.limits, settings.hello_timeout);
        opening.record_to(settings.recorder.as_ref(), &settings.name);
        opening.say(&message)?;
        let (schema, message) = match opening.hear()? {
            Some(reply) => hello.receive(reply),
            None => Err(hello.closed()),
        }
        .map_err(|error| opening.refused(error))?;
        opening.await_next("Schema");
        opening.say(&message)?;
        let session = match opening.hear()? {
            Some(reply) => schema.receive(reply),
            None => Err(schema.closed()),
        }
        .map_err(|error| opening.refused(error))?;
        Ok(opening.run(session, settings.name, handler))
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
        let mut opening =
            Opening::<Plugin>::new(link, settings.config.limits, settings.hello_timeout);
        opening.record_to(settings.recorder.as_ref(), &settings.name);
        let received = match opening.hear()? {
            Some(message) => hello.receive(message),
            None => Err(hello.closed()),
        };
        let (schema, message) = received.map_err(|error| opening.refuse(error))?;
        opening.say(&message)?;
        opening.await_next("Schema");
        let received = match opening.hear()? {
            Some(message) => schema.receive(message),
            None => Err(schema.closed()),
        };
        let (session, message) = received.map_err(|error| opening.refuse(error))?;
        opening.say(&message)?;
        Ok(opening.run(session, settings.name, handler))
    }
}

/// A link whose first messages are under way.
struct Opening<S: Side> {
    link: Link,
    decoder: Decoder<S::Incoming>,
    timeout: Duration,
    awaited: &'static str,
    began: Instant,
    /// The first bytes that came.
    // bounded by: EXCERPT
    received: Vec<u8>,
    trace: Option<Tape>,
}

impl<S: Side> Opening<S> {
    fn new(link: Link, limits: Limits, timeout: Duration) -> Opening<S> {
        Opening {
            link,
            decoder: Decoder::new(limits),
            timeout,
            awaited: "Hello",
            began: Instant::now(),
            received: Vec::new(),
            trace: None,
        }
    }

    fn record_to(&mut self, recorder: Option<&Recorder>, name: &str) {
        self.trace = recorder.map(|recorder| recorder.tape(name));
    }

    fn await_next(&mut self, what: &'static str) {
        self.awaited = what;
        self.began = Instant::now();
    }

    fn say(&mut self, message: &S::Outgoing) -> Result<(), StartError> {
        if let Some(trace) = &self.trace {
            trace.octa(Direction::Sent, S::SENDER, S::shown(message), Form::Every);
        }
        let mut bytes = Vec::new();
        encode(message, Form::Every, &mut bytes);
        let mut rest = &bytes[..];
        let end = self.began + self.timeout;
        while !rest.is_empty() {
            match self.link.sink.write(rest, Some(end)) {
                Ok(count) => rest = &rest[count..],
                // What the other side said last may explain it.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                Err(error) => return Err(self.failed(error)),
            }
        }
        Ok(())
    }

    /// Waits for a message, or something in its place. None at the end of the link.
    fn hear(&mut self) -> Result<Option<Result<S::Incoming, LineError>>, StartError> {
        let mut buffer = [0; 4096];
        loop {
            if let Some(frame) = self.decoder.next() {
                if let (Some(trace), Ok(message)) = (&self.trace, &frame.content) {
                    let shown = S::heard(message);
                    trace.octa(Direction::Received, S::SENDER, shown, Form::Every);
                }
                return Ok(Some(frame.content));
            }
            let end = self.began + self.timeout;
            match self.link.source.read(&mut buffer, Some(end)) {
                Ok(0) => return Ok(self.decoder.finish().err().map(Err)),
                Ok(count) => {
                    let room = EXCERPT.saturating_sub(self.received.len()).min(count);
                    self.received.extend_from_slice(&buffer[..room]);
                    self.decoder.feed(&buffer[..count]);
                }
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
                Err(error) => return Err(self.failed(error)),
            }
        }
    }

    fn failed(&self, error: io::Error) -> StartError {
        self.error(match error.kind() {
            io::ErrorKind::TimedOut => StartFailure::TimedOut(self.timeout),
            _ => StartFailure::Link(error),
        })
    }

    fn refused(&self, error: HandshakeError) -> StartError {
        self.error(StartFailure::Handshake(error))
    }

    fn error(&self, failure: StartFailure) -> StartError {
        StartError {
            awaited: self.awaited,
            failure,
            received: self.received.clone(),
        }
    }

    fn run(
        self,
        session: S,
        name: String,
        handler: impl FnOnce(&Connection<S>) -> Arc<dyn Handler<S::Event>>,
    ) -> Connection<S> {
        let Link {
            source,
            sink,
            hangup,
        } = self.link;
        let state = State {
            session,
            outbox: Vec::new(),
            taken: 0,
            writing: false,
            waiting: false,
            has_writer_thread: false,
            deaf_until: None,
            shut: false,
            closing: false,
            dispatching: false,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            room: Bell::default(),
            stuck: Condvar::new(),
            sink: Mutex::new(Some(sink)),
            outputs: Mutex::default(),
            handler: OnceLock::new(),
            hangup,
            trace: self.trace,
            name,
        });
        let connection = Connection {
            shared: shared.clone(),
        };
        let _ = shared.handler.set(handler(&connection));
        shared.start_reader(source, self.decoder);
        connection
    }
}

impl Opening<Plugin> {
    /// Tells the host why there is nothing to go on with, as far as it listens.
    fn refuse(&mut self, error: HandshakeError) -> StartError {
        if let Some(reply) = error.reply() {
            // The error is what counts, whether or not the host hears of it.
            let _ = self.say(&reply);
        }
        self.refused(error)
    }
}
