//! A plugin: its commands and types, and how it is served.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pegboard_protocol::codec::{Encoding, Limits};
use pegboard_protocol::nu::{Feature, PluginSignature};
use pegboard_protocol::session::{Failure, FailureKind, FlowLimits, PluginPolicy};
use pegboard_transport::{Connection, Link, PluginSettings, StartError};
use semver::Version;

use crate::octa::{Key, Started};
use crate::runtime::{Definition, Shared};
use crate::{Command, CustomType, help};

/// A plugin: its name, its commands and its types of custom values.
#[must_use]
#[derive(Default)]
pub struct Plugin {
    pub(crate) definition: Definition,
    pub(crate) key: Option<Key>,
    encoding: Option<Encoding>,
}

impl Plugin {
    /// A plugin with a name and its own version, which is usually `env!("CARGO_PKG_VERSION")`.
    ///
    /// Its program should be called `nu_plugin_` and the name.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Plugin {
        let definition = Definition {
            name: name.into(),
            version: version.into(),
            ..Definition::default()
        };
        Plugin {
            definition,
            key: None,
            encoding: None,
        }
    }

    /// Adds a command.
    pub fn command(mut self, command: Command) -> Plugin {
        self.definition.commands.push(command.into());
        self
    }

    /// Registers a type of custom values.
    pub fn custom<T: CustomType>(mut self) -> Plugin {
        self.definition.customs.register::<T>();
        self
    }

    /// Talks JSON rather than MessagePack, which is slower and easier to read in a trace.
    pub fn json(mut self) -> Plugin {
        self.encoding = Some(Encoding::Json);
        self
    }

    /// The signatures of the commands.
    pub fn signatures(&self) -> Vec<PluginSignature> {
        self.definition
            .commands
            .iter()
            .map(|command| (*command.signature).clone())
            .collect()
    }

    /// What is wrong with the definitions, a sentence each, such as two commands of one name or a default for an argument
    /// that is not there. Engines do not say so: [`PluginTest::check` of
    /// `pegboard-testkit`](../pegboard_testkit/struct.PluginTest.html#method.check) does.
    pub fn mistakes(&self) -> Vec<String> {
        let mut mistakes = crate::mistakes::all(&self.definition.commands);
        mistakes.extend(self.key_mistakes());
        mistakes
    }

    /// Runs the plugin as the command line of its program says. To be called by `main`, whose result it is.
    ///
    /// When engine and plugin talk over the standard streams, standard output is standard error from here on, so that
    /// nothing that is printed can get between the messages.
    pub fn serve(self) -> ExitCode {
        let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
        let words: Vec<_> = arguments
            .iter()
            .map(|word| word.to_string_lossy())
            .collect();
        let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
        if let Some(started) = Started::by_octa(&arguments) {
            return self.serve_octa(&started);
        }
        match words.as_slice() {
            [] | ["-h" | "--help"] => {
                let program = std::env::current_exe().ok();
                say(&help::text(
                    &self.definition.name,
                    &self.definition.version,
                    program.as_deref(),
                    self.key.as_ref().map(|key| key.name.as_str()),
                    &self.signatures(),
                ));
                ExitCode::SUCCESS
            }
            ["-V" | "--version"] => {
                let Definition { name, version, .. } = &self.definition;
                say(&format!("{name} {version}\n"));
                ExitCode::SUCCESS
            }
            ["--stdio"] => self.serve_link(Link::stdio()),
            ["--local-socket", _] => self.serve_link(Link::connect(Path::new(&arguments[1]))),
            _ => {
                complain(&format!(
                    "{}: this is a plugin, to be started by an engine with `--stdio` or `--socket-path`; `--help` explains it",
                    self.definition.name
                ));
                ExitCode::FAILURE
            }
        }
    }

    fn serve_link(self, link: std::io::Result<Link>) -> ExitCode {
        let name = self.definition.name.clone();
        let link = match link {
            Ok(link) => link,
            Err(error) => {
                complain(&format!("{name}: the engine cannot be reached: {error}"));
                return ExitCode::FAILURE;
            }
        };
        match self.run_on(link) {
            Ok(Some(failure)) if is_engines_fault(&failure) => {
                complain(&format!(
                    "{name}: the conversation with the engine broke off: the engine {failure}"
                ));
                ExitCode::FAILURE
            }
            Ok(_) => ExitCode::SUCCESS,
            Err(error) => {
                complain(&format!(
                    "{name}: the conversation with the engine did not begin: {error}"
                ));
                ExitCode::FAILURE
            }
        }
    }

    /// Runs the plugin over a link until the engine says goodbye or is gone. For tests; programs call
    /// [`Plugin::serve`].
    pub fn serve_on(self, link: Link) -> Result<(), StartError> {
        self.run_on(link).map(drop)
    }

    /// The same, and gives what has ended the conversation, if it was no goodbye.
    fn run_on(mut self, link: Link) -> Result<Option<Failure>, StartError> {
        self.definition.plain_examples();
        let encoding = self.encoding.unwrap_or(Encoding::MsgPack);
        let engine_first = (!started_by_pegboard()).then_some(WAIT);
        converse(Arc::new(self.definition), encoding, engine_first, link)
    }
}

/// Talks with an engine over a link until it says goodbye or is gone. Gives what has ended the conversation, if it was no
/// goodbye.
pub(crate) fn converse(
    definition: Arc<Definition>,
    encoding: Encoding,
    engine_first: Option<Duration>,
    link: Link,
) -> Result<Option<Failure>, StartError> {
    let settings = PluginSettings {
        name: definition.name.clone(),
        encoding,
        version: NEWEST,
        policy: PluginPolicy::Lenient,
        engine_first,
        features: Feature::offered(),
        limits: Limits::default(),
        flow: FlowLimits::default(),
        hello_timeout: HELLO_TIMEOUT,
        recorder: None,
    };
    let shared = Shared::new(definition);
    let connection =
        Connection::start_plugin(link, settings, |connection| shared.handler(connection))?;
    let failure = shared.await_end();
    // With the process, what is still queued would be lost.
    connection.wait_until_written(Instant::now() + LAST_WORDS);
    connection.close_sink();
    Ok(failure)
}

/// True if the engine did something that it must not do, and false if it just went.
fn is_engines_fault(failure: &Failure) -> bool {
    match failure.kind {
        FailureKind::Undecodable | FailureKind::Violation | FailureKind::Limit => true,
        FailureKind::Closed | FailureKind::Link | FailureKind::Local => false,
    }
}

/// How long the engine may take to say Hello.
const HELLO_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the engine has to name its version first, as every Nushell does; that one is then spoken.
const WAIT: Duration = Duration::from_secs(2);

/// How long the engine may take to read the last answers.
const LAST_WORDS: Duration = Duration::from_secs(30);

/// The version to speak to an engine that leaves it to the plugin.
pub(crate) const NEWEST: Version = Version::new(0, 115, 1);

/// True when a Pegboard engine has started this process: it takes any version, so there is no need to wait for its own.
///
/// The mark that it leaves in the environment begins with its process id. An engine further up says nothing about the
/// one that started this process.
fn started_by_pegboard() -> bool {
    let mark = std::env::var("PEGBOARD_INSTANCE").unwrap_or_default();
    let engine = mark
        .split('.')
        .next()
        .and_then(|pid| pid.parse::<u32>().ok());
    engine.is_some() && engine == pegboard_transport::parent()
}

fn say(text: &str) {
    // Whoever does not want to read it has closed the pipe.
    let _ = std::io::stdout().write_all(text.as_bytes());
}

pub(crate) fn complain(text: &str) {
    // There is nobody left to tell when standard error is gone too.
    let _ = writeln!(std::io::stderr(), "{text}");
}
