//! How an engine is to behave: everything it needs to know, as values.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pegboard_protocol::codec::Limits;
use pegboard_protocol::session::FlowLimits;
use pegboard_transport::Recorder;
use semver::Version;

use crate::Protocol;

/// How an [`crate::Engine`] is to behave.
#[derive(Clone, Debug)]
pub struct Config {
    /// The environment that plugins start with.
    pub environment: Vec<(OsString, OsString)>,
    /// The directory of whoever calls; plugins find it in `PWD`.
    pub directory: PathBuf,
    /// Where directories for local sockets are made, such as `$XDG_RUNTIME_DIR` or `/tmp`.
    pub runtime_directory: PathBuf,
    /// Bounds on how long things may take.
    pub deadlines: Deadlines,
    /// Bounds on one message.
    pub limits: Limits,
    /// Bounds on what waits to be read.
    pub flow: FlowLimits,
    /// When an idle plugin is stopped. 10 s unless changed; none for never.
    pub idle: Option<Duration>,
    /// Which versions plugins may have.
    pub versions: Versions,
    /// What becomes of a plugin that keeps crashing.
    pub restarts: Restarts,
    /// Where plugins' standard error goes.
    pub stderr: Stderr,
    /// Whether plugins get the application's standard input and output.
    pub terminal: Terminal,
    /// Where to write down all that is said.
    pub recorder: Option<Recorder>,
}

impl Config {
    /// The usual behaviour, for a caller in `directory` with this environment.
    ///
    /// An application passes `std::env::current_dir()?` and `std::env::vars_os()`.
    pub fn new(
        directory: impl Into<PathBuf>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Config {
        let environment: Vec<_> = environment.into_iter().collect();
        let variable = |name: &str| {
            let found = environment.iter().find(|(key, _)| key == name);
            found
                .map(|(_, value)| PathBuf::from(value))
                .filter(|path| path.is_dir())
        };
        let runtime_directory = variable("XDG_RUNTIME_DIR").or_else(|| variable("TMPDIR"));
        Config {
            runtime_directory: runtime_directory.unwrap_or_else(|| PathBuf::from("/tmp")),
            environment,
            directory: directory.into(),
            deadlines: Deadlines::default(),
            limits: Limits::default(),
            flow: FlowLimits::default(),
            idle: Some(Duration::from_secs(10)),
            versions: Versions::default(),
            restarts: Restarts::default(),
            stderr: Stderr::default(),
            terminal: Terminal::default(),
            recorder: None,
        }
    }
}

/// How long a plugin may take for each step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// From its start to the announcement of its encoding.
    pub encoding: Duration,
    /// From there to its Hello; for an Octa plugin, for each of its first two messages.
    pub hello: Duration,
    /// To connect to a local socket; for an Octa plugin, to listen on its own.
    pub connect: Duration,
    /// To answer a request for its version.
    pub metadata: Duration,
    /// To answer a request for its signatures.
    pub signature: Duration,
    /// For an Octa plugin, to begin with an execution.
    pub begin: Duration,
    /// To finish its calls and exit after Goodbye.
    pub goodbye: Duration,
    /// To exit after its input was closed.
    pub close: Duration,
    /// To exit after SIGTERM, before SIGKILL.
    pub terminate: Duration,
}

impl Default for Deadlines {
    fn default() -> Deadlines {
        Deadlines {
            encoding: Duration::from_secs(10),
            hello: Duration::from_secs(10),
            connect: Duration::from_secs(10),
            metadata: Duration::from_secs(10),
            signature: Duration::from_secs(10),
            begin: Duration::from_secs(10),
            goodbye: Duration::from_secs(2),
            close: Duration::from_millis(500),
            terminate: Duration::from_secs(1),
        }
    }
}

/// Which versions of the Nushell protocol plugins may speak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Versions {
    /// Any whose wire is known: each plugin is spoken to in its own version.
    Any {
        /// How long to wait for a plugin to say its version first.
        wait: Duration,
        /// The version to say to a plugin that waits for the engine to speak first.
        otherwise: Version,
    },
    /// Those that the real engine of this version takes.
    Only(Version),
}

impl Default for Versions {
    fn default() -> Versions {
        Versions::Any {
            wait: Duration::from_millis(300),
            otherwise: Version::new(0, 115, 1),
        }
    }
}

/// What becomes of a plugin that keeps crashing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restarts {
    /// How many crashes within [`Restarts::window`] are followed by a new start at the next use.
    pub allowed: u32,
    /// How long a crash counts, from the end of the pause that it brings.
    pub window: Duration,
    /// How long the plugin stays down after one crash more. It doubles with every further crash.
    pub pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
}

impl Default for Restarts {
    fn default() -> Restarts {
        Restarts {
            allowed: 3,
            window: Duration::from_secs(30),
            pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(60),
        }
    }
}

/// Where plugins' standard error goes. Whatever is chosen but `Inherit`, the last lines are kept for error messages.
#[derive(Clone, Default)]
pub enum Stderr {
    /// Nowhere.
    #[default]
    Discard,
    /// To the application's own standard error, directly.
    Inherit,
    /// To a function, which gets the plugin's name and the bytes as they come.
    Forward(Arc<StderrFn>),
}

/// Takes what a plugin writes to standard error: the plugin's name, and bytes.
pub type StderrFn = dyn Fn(&str, &[u8]) + Send + Sync;

impl fmt::Debug for Stderr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stderr::Discard => "Discard",
            Stderr::Inherit => "Inherit",
            Stderr::Forward(_) => "Forward",
        })
    }
}

/// Whether plugins get the application's standard input and output, where these do not carry their messages: when they
/// are spoken to over a local socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Terminal {
    /// The application's input and output are its own. A plugin has no standard input, and what it prints on standard
    /// output goes where its standard error goes.
    #[default]
    Kept,
    /// Plugins read and write the application's own standard input and output, as in a real Nushell. For applications
    /// that let plugins take over the terminal, and bear that a plugin prints between their own output.
    Shared,
}

/// How one plugin is to be run.
#[derive(Clone, Debug, Default)]
pub struct PluginConfig {
    /// The program that runs the plugin's file, with arguments that come before it. None to go by the file's extension.
    pub interpreter: Option<Vec<OsString>>,
    /// What it speaks. None to go by the file's name.
    pub protocol: Option<Protocol>,
    /// When it is stopped while idle.
    pub idle: Idle,
    /// What carries the bytes of Nushell's protocol.
    pub link: LinkChoice,
    /// The value that the plugin gets when it asks for its configuration.
    pub settings: Option<pegboard_protocol::Value>,
}

/// When a plugin is stopped while idle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Idle {
    /// As the engine's configuration says.
    #[default]
    Engine,
    /// After this time.
    After(Duration),
    /// Never.
    Never,
}

/// What carries the bytes between engine and plugin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LinkChoice {
    /// The standard streams, and from then on a local socket if the plugin says that it can.
    #[default]
    Auto,
    /// The standard streams.
    Stdio,
    /// A local socket from the first start; the standard streams if that fails.
    LocalSocket,
}
