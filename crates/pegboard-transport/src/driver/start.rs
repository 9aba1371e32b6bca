//! Starting a connection: the encoding and the first messages, each by its deadline.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::{Duration, Instant};

use semver::Version;

use pegboard_protocol::codec::{self, DecodeError, Decoder, Encoding, Limits, Sender};
use pegboard_protocol::nu::{Dialect, Feature, Message};
use pegboard_protocol::session::{
    EngineHandshake, EnginePolicy, FlowLimits, HandshakeError, Host, Plugin, PluginHandshake,
    PluginMirror, PluginPolicy, Role, Session,
};

use super::bell::Bell;
use super::opening::{self, Opening, Stall};
use super::outbox::{Outbox, Outlet};
use super::read::{Reading, Recruit, recruit};
use super::watch::{Approach, Watch};
use super::{Connection, Handler, Shared, State};
use crate::link::Link;
use crate::trace::{Direction, Recorder};

/// How an engine starts a connection to a plugin.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// The plugin's name, for traces.
    pub name: String,
    /// Which versions to accept and to announce.
    pub policy: EnginePolicy,
    /// What to announce beside the version.
    pub features: Vec<Feature>,
    /// Bounds on messages.
    pub limits: Limits,
    /// Bounds on what waits to be read.
    pub flow: FlowLimits,
    /// How long the plugin may take to announce its encoding.
    pub encoding_timeout: Duration,
    /// How long it may take after that to say Hello.
    pub hello_timeout: Duration,
    /// Where to write down what is said.
    pub recorder: Option<Recorder>,
}

/// How a plugin starts a connection to its engine.
#[derive(Clone, Debug)]
pub struct PluginSettings {
    /// The plugin's name, for traces.
    pub name: String,
    /// The encoding for both directions.
    pub encoding: Encoding,
    /// The version to announce.
    pub version: Version,
    /// Which engine versions to accept.
    pub policy: PluginPolicy,
    /// How long to let the engine speak first, to then announce its version instead. None to speak first.
    pub engine_first: Option<Duration>,
    /// What to announce beside the version.
    pub features: Vec<Feature>,
    /// Bounds on messages.
    pub limits: Limits,
    /// Bounds on what waits to be read.
    pub flow: FlowLimits,
    /// How long the engine may take to say Hello.
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
    /// The version that the other side announced, if it came so far.
    pub version: Option<String>,
    /// The first bytes that came, as many as show what wrote them.
    pub received: Vec<u8>,
}

/// What came instead of a good start.
#[derive(Debug)]
pub enum StartFailure {
    /// Nothing, in this time.
    TimedOut(Duration),
    /// The end of the link.
    Closed,
    /// Bytes that make no sense.
    Undecodable(DecodeError),
    /// A first message that does not fit.
    Handshake(HandshakeError),
    /// An error of the link.
    Link(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let awaited = self.awaited;
        match &self.failure {
            StartFailure::TimedOut(time) => f.write_str(&opening::late(awaited, *time)),
            StartFailure::Closed => f.write_str(&opening::closed(awaited)),
            StartFailure::Undecodable(error) => {
                write!(f, "what it sent for its {awaited} makes no sense: {error}")
            }
            StartFailure::Handshake(error) => error.fmt(f),
            StartFailure::Link(error) => f.write_str(&opening::broken(awaited, error)),
        }
    }
}

impl std::error::Error for StartError {}

impl Connection<Host> {
    /// Waits for the plugin's encoding and Hello, and starts to run the session.
    ///
    /// `handler` makes the handler; nothing is told before it has.
    pub fn start_engine(
        link: Link,
        settings: EngineSettings,
        handler: impl FnOnce(&Connection<Host>) -> Arc<dyn Handler>,
    ) -> Result<Connection<Host>, StartError> {
        let recorder = settings.recorder.as_ref();
        let mut opening = Opening::new(link, "encoding", recorder, &settings.name);
        // The plugin takes its time now.
        let recruit = recruit();
        let (encoding, rest) = opening.read_encoding(settings.encoding_timeout)?;
        opening.await_next("Hello");
        let mut decoder = Decoder::new(encoding, Sender::Plugin, settings.limits);
        decoder.feed(&rest);
        let began = opening.began;
        let mut handshake = EngineHandshake::new(
            settings.policy.clone(),
            settings.features.clone(),
            settings.flow,
            Duration::ZERO,
        );
        let message = loop {
            if let Some(hello) = handshake.handle_timeout(began.elapsed()) {
                opening.say(&hello, Sender::Engine, encoding, settings.hello_timeout)?;
                opening.record(Sender::Engine, Direction::Sent, &hello);
            }
            match decoder.next() {
                Ok(Some(frame)) => break frame.message,
                Ok(None) => {}
                Err(error) => return Err(opening.error(StartFailure::Undecodable(error))),
            }
            let speak_at = handshake.poll_timeout().map(|at| began + at);
            opening.read_more(&mut decoder, settings.hello_timeout, speak_at)?;
        };
        opening.record(Sender::Engine, Direction::Received, &message);
        let version = announced(&message);
        let session = handshake.receive(message).map_err(|error| StartError {
            version,
            ..opening.error(StartFailure::Handshake(error))
        })?;
        decoder.set_dialect(session.dialect());
        Ok(run(
            session,
            // Whoever starts a plugin is about to call it, and then reads himself.
            (recruit, Approach::AfterATick),
            opening,
            decoder,
            encoding,
            settings.name,
            handler,
        ))
    }
}

impl Connection<Plugin> {
    /// Says the encoding and Hello, waits for the engine's Hello, and starts to run the session.
    pub fn start_plugin(
        link: Link,
        settings: PluginSettings,
        handler: impl FnOnce(&Connection<Plugin>) -> Arc<dyn Handler>,
    ) -> Result<Connection<Plugin>, StartError> {
        let recorder = settings.recorder.as_ref();
        let mut opening = Opening::new(link, "Hello", recorder, &settings.name);
        opening.send(settings.encoding.announcement(), settings.hello_timeout)?;
        let mut decoder = Decoder::new(settings.encoding, Sender::Engine, settings.limits);
        let mut mirror = settings.engine_first.map(|wait| {
            let (version, features) = (settings.version.clone(), settings.features.clone());
            PluginMirror::new(version, features, settings.flow, wait, Duration::ZERO)
        });
        let mut spoken = None;
        let mut recruited = None;
        let message = loop {
            let late = |mirror: &PluginMirror| mirror.speaks_at() <= opening.began.elapsed();
            if spoken.is_none() && mirror.as_ref().is_none_or(late) {
                let (handshake, hello) = match mirror.take() {
                    Some(mirror) => mirror.speak(),
                    None => PluginHandshake::new(
                        settings.version.clone(),
                        &settings.features,
                        settings.policy,
                        settings.flow,
                    ),
                };
                opening.say(
                    &hello,
                    Sender::Plugin,
                    settings.encoding,
                    settings.hello_timeout,
                )?;
                opening.record(Sender::Plugin, Direction::Sent, &hello);
                spoken = Some(handshake);
                // The engine has something to do now.
                recruited = Some(recruit());
            }
            match decoder.next() {
                Ok(Some(frame)) => break frame.message,
                Ok(None) => {
                    let speak_at = mirror
                        .as_ref()
                        .map(|mirror| opening.began + mirror.speaks_at());
                    opening.read_more(&mut decoder, settings.hello_timeout, speak_at)?;
                }
                Err(error) => return Err(opening.error(StartFailure::Undecodable(error))),
            }
        };
        opening.record(Sender::Plugin, Direction::Received, &message);
        let version = announced(&message);
        let session = match (spoken, mirror) {
            (Some(handshake), _) => handshake.receive(message),
            (None, Some(mirror)) => mirror.receive(message),
            (None, None) => return Err(opening.error(StartFailure::Closed)),
        };
        let session = session.map_err(|error| StartError {
            version,
            ..opening.error(StartFailure::Handshake(error))
        })?;
        decoder.set_dialect(session.dialect());
        Ok(run(
            session,
            (recruited.unwrap_or_else(recruit), Approach::AtOnce),
            opening,
            decoder,
            settings.encoding,
            settings.name,
            handler,
        ))
    }
}

fn announced(message: &Message) -> Option<String> {
    match message {
        Message::Hello(hello) => Some(hello.version.clone()),
        _ => None,
    }
}

fn run<R: Role + Send + 'static>(
    session: Session<R>,
    (recruit, approach): (io::Result<Recruit<R>>, Approach),
    opening: Opening,
    decoder: Decoder,
    encoding: Encoding,
    name: String,
    handler: impl FnOnce(&Connection<R>) -> Arc<dyn Handler>,
) -> Connection<R> {
    let Opening { link, trace, .. } = opening;
    let state = State {
        session,
        outbox: Outbox::default(),
        batch: None,
        lagging: false,
        ticking: false,
        flushed: Instant::now(),
        answers: 0,
        unacknowledged: HashMap::new(),
        dispatching: false,
    };
    let shared = Arc::new(Shared {
        state: Mutex::new(state),
        watch: Watch::new(Reading::new(link.source, decoder)),
        room: Bell::default(),
        stuck: Condvar::new(),
        outlet: Outlet::new(link.sink),
        inboxes: Mutex::default(),
        watchers: Mutex::default(),
        handler: OnceLock::new(),
        hangup: link.hangup,
        encoding,
        trace,
        name,
    });
    let connection = Connection {
        shared: shared.clone(),
    };
    connection.set_handler(handler(&connection));
    // The session may have a Hello to send.
    shared.settle(shared.lock());
    shared.enlist(recruit, approach);
    connection
}

impl Opening {
    fn record(&self, side: Sender, direction: Direction, message: &Message) {
        if let Some(trace) = &self.trace {
            trace.message(direction, side, message, Dialect::NEWEST);
        }
    }

    fn error(&self, failure: StartFailure) -> StartError {
        StartError {
            awaited: self.awaited,
            failure,
            version: None,
            received: self.received.clone(),
        }
    }

    fn stalled(&self, stall: Stall) -> StartError {
        self.error(match stall {
            Stall::TimedOut(time) => StartFailure::TimedOut(time),
            Stall::Closed => StartFailure::Closed,
            Stall::Link(error) => StartFailure::Link(error),
        })
    }

    fn read_encoding(&mut self, timeout: Duration) -> Result<(Encoding, Vec<u8>), StartError> {
        let mut seen = Vec::new();
        loop {
            match codec::parse_announcement(&seen) {
                Ok(Some((encoding, used))) => return Ok((encoding, seen.split_off(used))),
                Ok(None) => {
                    let mut buffer = [0; 4096];
                    let read = self.read(&mut buffer, timeout, None);
                    let count = read.map_err(|stall| self.stalled(stall))?;
                    seen.extend_from_slice(&buffer[..count]);
                }
                Err(error) => return Err(self.error(StartFailure::Undecodable(error))),
            }
        }
    }

    /// Reads some bytes; comes back without any at `wake`.
    fn read_more(
        &mut self,
        decoder: &mut Decoder,
        timeout: Duration,
        wake: Option<Instant>,
    ) -> Result<(), StartError> {
        let mut buffer = [0; 4096];
        let read = self.read(&mut buffer, timeout, wake);
        let count = read.map_err(|stall| self.stalled(stall))?;
        decoder.feed(&buffer[..count]);
        Ok(())
    }

    fn say(
        &mut self,
        message: &Message,
        side: Sender,
        encoding: Encoding,
        timeout: Duration,
    ) -> Result<(), StartError> {
        let mut bytes = Vec::new();
        if let Err(error) = codec::encode(message, side, encoding, Dialect::NEWEST, &mut bytes) {
            return Err(self.error(StartFailure::Link(io::Error::other(error.to_string()))));
        }
        self.send(&bytes, timeout)
    }

    fn send(&mut self, bytes: &[u8], timeout: Duration) -> Result<(), StartError> {
        self.write(bytes, timeout)
            .map_err(|stall| self.stalled(stall))
    }
}
