//! The first messages: each side says which version it speaks, and both decide whether to go on.

use std::fmt;
use std::time::Duration;

use semver::{Comparator, Op, Prerelease, Version, VersionReq};

use super::{FlowLimits, Host, Plugin, Session};
use crate::nu::{Dialect, Feature, Hello, Message, UnsupportedVersion};

const PROTOCOL: &str = "nu-plugin";

/// Which versions an engine accepts, and which one it says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnginePolicy {
    /// Say the version that the plugin says, so that every plugin finds its own engine.
    Mirror {
        /// How long to wait for the plugin to speak first.
        wait: Duration,
        /// What to say to a plugin that waits for the engine to speak first.
        otherwise: Version,
    },
    /// Say this version, and accept what a real engine of that version accepts.
    Exactly(Version),
}

/// Which engine versions a plugin accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PluginPolicy {
    /// Those that a real plugin accepts: the same minor version.
    Strict,
    /// Any whose wire is known; the plugin then speaks the engine's version.
    Lenient,
}

/// An engine's side of the handshake, before the plugin's Hello has arrived.
#[derive(Debug)]
pub struct EngineHandshake {
    policy: EnginePolicy,
    features: Vec<Feature>,
    limits: FlowLimits,
    speak_at: Option<Duration>,
    said: Option<Version>,
}

impl EngineHandshake {
    /// Starts at the time `now`, counted from any fixed point.
    ///
    /// [Extensions](Feature::EXTENSIONS) among the features are said to a plugin that has offered them. To one that is
    /// spoken to first they are said only if it was not waited for, which is for plugins that are known.
    ///
    /// [`EngineHandshake::handle_timeout`] is to be called at once and then at [`EngineHandshake::poll_timeout`].
    pub fn new(
        policy: EnginePolicy,
        features: Vec<Feature>,
        limits: FlowLimits,
        now: Duration,
    ) -> EngineHandshake {
        let speak_at = match &policy {
            EnginePolicy::Mirror { wait, .. } => now + *wait,
            EnginePolicy::Exactly(_) => now,
        };
        EngineHandshake {
            policy,
            features,
            limits,
            speak_at: Some(speak_at),
            said: None,
        }
    }

    /// When [`EngineHandshake::handle_timeout`] wants to be called next.
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.speak_at
    }

    /// The Hello to send when the plugin did not speak first in time.
    pub fn handle_timeout(&mut self, now: Duration) -> Option<Message> {
        if self.speak_at.is_none_or(|at| now < at) {
            return None;
        }
        let version = match &self.policy {
            EnginePolicy::Mirror { wait, otherwise } => {
                // It was waited for in vain, so nothing is known about it.
                if !wait.is_zero() {
                    keep_offered(&mut self.features, &[]);
                }
                otherwise.clone()
            }
            EnginePolicy::Exactly(version) => version.clone(),
        };
        Some(self.say(version))
    }

    fn say(&mut self, version: Version) -> Message {
        self.speak_at = None;
        self.said = Some(version.clone());
        hello(&version, &self.features)
    }

    /// Takes the plugin's first message and starts the session, whose first outgoing message may be our Hello.
    pub fn receive(mut self, message: Message) -> Result<Session<Host>, HandshakeError> {
        let (theirs, version) = parse_hello(message)?;
        let dialect = Dialect::of(&version).map_err(HandshakeError::OldPlugin)?;
        if self.said.is_none() {
            keep_offered(&mut self.features, &theirs.features);
        }
        let mut first = None;
        let ours = match (&self.said, &self.policy) {
            (Some(said), _) => said.clone(),
            (None, EnginePolicy::Mirror { .. }) => {
                first = Some(self.say(version.clone()));
                version.clone()
            }
            (None, EnginePolicy::Exactly(exactly)) => {
                let exactly = exactly.clone();
                first = Some(self.say(exactly.clone()));
                exactly
            }
        };
        let strict = matches!(self.policy, EnginePolicy::Exactly(_));
        if strict && !compatible(&ours, &version) {
            return Err(HandshakeError::Incompatible {
                ours: Box::new(ours),
                theirs: Box::new(version),
            });
        }
        let ours = (ours, self.features);
        Ok(Session::new(dialect, ours, theirs, self.limits, first))
    }
}

/// A plugin's side of the handshake, after it has said its own Hello.
#[derive(Debug)]
pub struct PluginHandshake {
    policy: PluginPolicy,
    version: Version,
    features: Vec<Feature>,
    limits: FlowLimits,
}

impl PluginHandshake {
    /// Starts the handshake; the message is to be sent first.
    pub fn new(
        version: Version,
        features: &[Feature],
        policy: PluginPolicy,
        limits: FlowLimits,
    ) -> (PluginHandshake, Message) {
        let first = hello(&version, features);
        (
            PluginHandshake {
                policy,
                version,
                features: features.to_vec(),
                limits,
            },
            first,
        )
    }

    /// Takes the engine's first message and starts the session.
    pub fn receive(self, message: Message) -> Result<Session<Plugin>, HandshakeError> {
        let (theirs, version) = parse_hello(message)?;
        let dialect = Dialect::of(&version).map_err(HandshakeError::OldEngine)?;
        if self.policy == PluginPolicy::Strict && !compatible(&self.version, &version) {
            return Err(HandshakeError::Incompatible {
                ours: Box::new(self.version),
                theirs: Box::new(version),
            });
        }
        Ok(Session::new(
            dialect,
            (self.version, self.features),
            theirs,
            self.limits,
            None,
        ))
    }
}

/// A plugin's side of the handshake when it lets the engine speak first, to then speak the engine's version.
#[derive(Debug)]
pub struct PluginMirror {
    otherwise: Version,
    features: Vec<Feature>,
    limits: FlowLimits,
    speak_at: Duration,
}

impl PluginMirror {
    /// Starts at the time `now`, counted from any fixed point. When the engine has said nothing after `wait`, the
    /// plugin says the version `otherwise`.
    pub fn new(
        otherwise: Version,
        features: Vec<Feature>,
        limits: FlowLimits,
        wait: Duration,
        now: Duration,
    ) -> PluginMirror {
        PluginMirror {
            otherwise,
            features,
            limits,
            speak_at: now + wait,
        }
    }

    /// When the plugin has to speak first.
    pub fn speaks_at(&self) -> Duration {
        self.speak_at
    }

    /// The engine has said nothing in time: gives the Hello to send and what then takes the engine's.
    pub fn speak(mut self) -> (PluginHandshake, Message) {
        keep_offered(&mut self.features, &[]);
        PluginHandshake::new(
            self.otherwise,
            &self.features,
            PluginPolicy::Lenient,
            self.limits,
        )
    }

    /// Takes the engine's first message and starts the session, whose first outgoing message is our Hello.
    pub fn receive(mut self, message: Message) -> Result<Session<Plugin>, HandshakeError> {
        let (theirs, version) = parse_hello(message)?;
        let dialect = Dialect::of(&version).map_err(HandshakeError::OldEngine)?;
        keep_offered(&mut self.features, &theirs.features);
        let first = hello(&version, &self.features);
        Ok(Session::new(
            dialect,
            (version, self.features),
            theirs,
            self.limits,
            Some(first),
        ))
    }
}

/// Extensions are only for those who have offered them first; nobody else is to hear of them.
fn keep_offered(features: &mut Vec<Feature>, theirs: &[Feature]) {
    features.retain(|feature| !Feature::EXTENSIONS.contains(feature) || theirs.contains(feature));
}

fn hello(version: &Version, features: &[Feature]) -> Message {
    Message::Hello(Hello {
        protocol: PROTOCOL.to_owned(),
        version: version.to_string(),
        features: features.to_vec(),
    })
}

fn parse_hello(message: Message) -> Result<(Hello, Version), HandshakeError> {
    let hello = match message {
        Message::Hello(hello) => hello,
        other => {
            return Err(HandshakeError::NotHello(
                super::core::name_of(&other).to_owned(),
            ));
        }
    };
    if hello.protocol != PROTOCOL {
        return Err(HandshakeError::WrongProtocol(hello.protocol));
    }
    match Version::parse(&hello.version) {
        Ok(version) => Ok((hello, version)),
        Err(error) => Err(HandshakeError::BadVersion {
            version: hello.version,
            reason: error.to_string(),
        }),
    }
}

/// Whether two versions of Nushell take each other for compatible: the higher one satisfies `^lower`, pre-release
/// tags aside. Below 1.0 that means the same minor version.
pub fn compatible(a: &Version, b: &Version) -> bool {
    let (mut lower, mut higher) = if a <= b {
        (a.clone(), b.clone())
    } else {
        (b.clone(), a.clone())
    };
    lower.pre = Prerelease::EMPTY;
    higher.pre = Prerelease::EMPTY;
    let caret = Comparator {
        op: Op::Caret,
        major: lower.major,
        minor: Some(lower.minor),
        patch: Some(lower.patch),
        pre: Prerelease::EMPTY,
    };
    VersionReq {
        comparators: vec![caret],
    }
    .matches(&higher)
}

/// Why the two sides do not go on after their first messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandshakeError {
    /// The first message was something else; the name is its kind.
    NotHello(String),
    /// The other side speaks another protocol.
    WrongProtocol(String),
    /// The version is none.
    BadVersion {
        /// What was said.
        version: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The plugin's version has a wire that is too old.
    OldPlugin(UnsupportedVersion),
    /// The engine's version has a wire that is too old.
    OldEngine(UnsupportedVersion),
    /// The two versions do not go together.
    Incompatible {
        /// The version on this side.
        ours: Box<Version>,
        /// The version on the other side.
        theirs: Box<Version>,
    },
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HandshakeError::NotHello(name) => {
                write!(f, "the first message was `{name}`; it must be `Hello`")
            }
            HandshakeError::WrongProtocol(name) => {
                write!(f, "it speaks the protocol `{name}`, not `{PROTOCOL}`")
            }
            HandshakeError::BadVersion { version, reason } => {
                write!(
                    f,
                    "the version `{version}` in its Hello is not of the form 1.2.3: {reason}"
                )
            }
            HandshakeError::OldPlugin(error) => {
                write!(f, "{error}; rebuild the plugin with a newer one")
            }
            HandshakeError::OldEngine(error) => {
                write!(f, "{error}; the engine has to be a newer one")
            }
            HandshakeError::Incompatible { ours, theirs } => {
                write!(
                    f,
                    "it speaks the protocol of Nushell {theirs}, which does not go with {ours}"
                )
            }
        }
    }
}

impl std::error::Error for HandshakeError {}
