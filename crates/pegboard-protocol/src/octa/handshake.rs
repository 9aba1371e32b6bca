//! The first messages: versions, features and the plugin's key. Each step turns into the next one.

use std::fmt;

use semver::{Version, VersionReq};

use super::error::LineError;
use super::message::{FromHost, FromPlugin, Hello, PARSE_ERROR, PROTOCOL_ERROR};
use super::version::{CLAIMED, VersionError, default_requirement, meets};
use super::{Feature, Features, Host, Limits, Plugin};

/// What a host is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostConfig {
    /// The version of Octa that it says it is.
    pub version: Version,
    /// What it offers beyond Octa's protocol. [`Feature::PlainText`] is always offered.
    pub features: Features,
    /// How much it takes.
    pub limits: Limits,
}

impl Default for HostConfig {
    /// Octa 0.2.1 with all features.
    fn default() -> HostConfig {
        HostConfig {
            version: CLAIMED,
            features: Features::ALL,
            limits: Limits::default(),
        }
    }
}

/// What a plugin is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginConfig {
    /// The attribute of a task that it serves. Real hosts find it only if its file is called `octa_plugin_KEY`.
    pub key: String,
    /// Which versions of the host it fits.
    pub requirement: VersionReq,
    /// What it can beyond Octa's protocol.
    pub features: Features,
    /// How much it takes.
    pub limits: Limits,
}

impl PluginConfig {
    /// A plugin for every host, with all features.
    pub fn new(key: impl Into<String>) -> PluginConfig {
        PluginConfig {
            key: key.into(),
            requirement: default_requirement(),
            features: Features::ALL,
            limits: Limits::default(),
        }
    }
}

/// A host that waits for the plugin's Hello.
#[derive(Debug)]
pub struct HostHello {
    config: HostConfig,
}

impl HostHello {
    /// Starts; the message is to be sent first, in [`super::Form::Every`] like all of the handshake.
    pub fn new(config: HostConfig) -> (HostHello, FromHost) {
        let hello = FromHost::Hello(Hello {
            version: config.version.to_string(),
            features: config.features.with(Feature::PlainText).names(),
        });
        (HostHello { config }, hello)
    }

    /// Takes the plugin's first message, or what was in its place. Gives what to send next.
    pub fn receive(
        self,
        message: Result<FromPlugin, LineError>,
    ) -> Result<(HostSchema, FromHost), HandshakeError> {
        let hello = match reply(message, "Hello")? {
            FromPlugin::Hello(hello) => hello,
            other => return Err(HandshakeError::unexpected("Hello", other.name())),
        };
        meets(&self.config.version, &hello.version).map_err(HandshakeError::Version)?;
        let offered = self.config.features.with(Feature::PlainText);
        let agreed = offered.and(named(&hello)).settled();
        let next = HostSchema {
            limits: self.config.limits,
            agreed,
            hello,
        };
        Ok((next, FromHost::Schema))
    }

    /// The plugin closed the connection instead.
    pub fn closed(self) -> HandshakeError {
        HandshakeError::Closed("before it said `Hello`".to_owned())
    }
}

/// A host that waits for the plugin's key.
#[derive(Debug)]
pub struct HostSchema {
    limits: Limits,
    agreed: Features,
    hello: Hello,
}

impl HostSchema {
    /// Takes the plugin's second message, or what was in its place.
    pub fn receive(self, message: Result<FromPlugin, LineError>) -> Result<Host, HandshakeError> {
        match reply(message, "Schema")? {
            FromPlugin::Schema { key } if key.is_empty() => Err(HandshakeError::NoKey),
            FromPlugin::Schema { key } => Ok(Host::of(key, self.hello, self.agreed, self.limits)),
            other => Err(HandshakeError::unexpected("Schema", other.name())),
        }
    }

    /// The plugin closed the connection instead.
    pub fn closed(self) -> HandshakeError {
        HandshakeError::Closed("before it said `Schema`".to_owned())
    }
}

/// A plugin that waits for the host's Hello.
#[derive(Debug)]
pub struct PluginHello {
    config: PluginConfig,
}

impl PluginHello {
    /// Starts. The host speaks first.
    pub fn new(config: PluginConfig) -> PluginHello {
        PluginHello { config }
    }

    /// Takes the host's first message, or what was in its place. Gives what to send next, in [`super::Form::Every`] like
    /// all of the handshake. After an error there may be something to send too: [`HandshakeError::reply`].
    pub fn receive(
        self,
        message: Result<FromHost, LineError>,
    ) -> Result<(PluginSchema, FromPlugin), HandshakeError> {
        let host = match message.map_err(HandshakeError::Unreadable)? {
            FromHost::Hello(hello) => hello,
            other => return Err(HandshakeError::unexpected("Hello", other.name())),
        };
        let offered = named(&host);
        let requirement = self.config.requirement.to_string();
        // Real plugins take any host. To say no here tells the user why, which a host that closes does not.
        if let Ok(version) = Version::parse(&host.version)
            && !self.fits(&version, offered)
        {
            let version = Box::new(version);
            return Err(HandshakeError::Version(VersionError::Unmet {
                requirement,
                version,
            }));
        }
        let agreed = self.config.features.and(offered).settled();
        let hello = FromPlugin::Hello(Hello {
            version: requirement,
            features: agreed.names(),
        });
        let next = PluginSchema {
            config: self.config,
            plain: offered.has(Feature::PlainText),
            agreed,
            host,
        };
        Ok((next, hello))
    }

    fn fits(&self, version: &Version, offered: Features) -> bool {
        // A host of Pegboard's own speaks all versions, whichever one it claims.
        let ours = offered.has(Feature::PlainText);
        self.config.requirement.matches(version)
            || ours && meets(version, &self.config.requirement.to_string()).is_ok()
    }

    /// The host closed the connection instead.
    pub fn closed(self) -> HandshakeError {
        HandshakeError::Closed("before it said `Hello`".to_owned())
    }
}

/// A plugin that waits to be asked for its key.
#[derive(Debug)]
pub struct PluginSchema {
    config: PluginConfig,
    agreed: Features,
    plain: bool,
    host: Hello,
}

impl PluginSchema {
    /// Takes the host's second message, or what was in its place. Gives what to send next.
    pub fn receive(
        self,
        message: Result<FromHost, LineError>,
    ) -> Result<(Plugin, FromPlugin), HandshakeError> {
        match message.map_err(HandshakeError::Unreadable)? {
            FromHost::Schema => {}
            other => return Err(HandshakeError::unexpected("Schema", other.name())),
        }
        let key = self.config.key;
        let plugin = Plugin::of(self.host, self.agreed, self.plain, self.config.limits);
        Ok((plugin, FromPlugin::Schema { key }))
    }

    /// The host closed the connection instead, as one does that this plugin does not fit.
    pub fn closed(self) -> HandshakeError {
        HandshakeError::Closed(format!(
            "after this plugin's `Hello`; it is Octa {}, and perhaps does not meet the requirement `{}`",
            self.host.version, self.config.requirement
        ))
    }
}

fn named(hello: &Hello) -> Features {
    Features::from_names(hello.features.iter().map(String::as_str))
}

fn reply(
    message: Result<FromPlugin, LineError>,
    expected: &'static str,
) -> Result<FromPlugin, HandshakeError> {
    match message {
        Ok(FromPlugin::Error { message, .. }) => Err(HandshakeError::Refused(message)),
        Ok(FromPlugin::Shutdown { message }) => Err(HandshakeError::Closed(format!(
            "instead of saying `{expected}`: {message}"
        ))),
        Ok(message) => Ok(message),
        Err(error) => Err(HandshakeError::Unreadable(error)),
    }
}

/// Why the two sides do not go on after their first messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandshakeError {
    /// What came is no message.
    Unreadable(LineError),
    /// Another message came than the one that must come.
    Unexpected {
        /// What must come.
        expected: &'static str,
        /// What came.
        name: String,
    },
    /// The plugin said no.
    Refused(String),
    /// The plugin does not fit the host.
    Version(VersionError),
    /// The plugin's key is empty.
    NoKey,
    /// The other side closed the connection; when and why, as far as that is known.
    Closed(String),
}

impl HandshakeError {
    fn unexpected(expected: &'static str, name: &str) -> HandshakeError {
        HandshakeError::Unexpected {
            expected,
            name: name.to_owned(),
        }
    }

    /// What a plugin sends before it closes, so that the host can tell its user.
    pub fn reply(&self) -> Option<FromPlugin> {
        let id = match self {
            HandshakeError::Unreadable(_) => PARSE_ERROR,
            HandshakeError::Unexpected { .. } | HandshakeError::Version(_) => PROTOCOL_ERROR,
            _ => return None,
        };
        Some(FromPlugin::Error {
            id: id.to_owned(),
            message: self.to_string(),
        })
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HandshakeError::Unreadable(error) => {
                write!(
                    f,
                    "the handshake broke off at something that is no message: {error}"
                )
            }
            HandshakeError::Unexpected { expected, name } => {
                write!(f, "expected `{expected}`, got `{name}`")
            }
            HandshakeError::Refused(message) => write!(f, "the plugin refused: {message}"),
            HandshakeError::Version(error) => error.fmt(f),
            HandshakeError::NoKey => f.write_str("the plugin's key is empty"),
            HandshakeError::Closed(when) => {
                write!(f, "the other side closed the connection {when}")
            }
        }
    }
}

impl std::error::Error for HandshakeError {}
