//! Starting a plugin: which program, over which link, and the first messages.

mod program;

pub(crate) use program::is_executable;
use program::{command_line, spawn_error};

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pegboard_protocol::LabeledError;
use pegboard_protocol::codec::DecodeErrorKind;
use pegboard_protocol::nu::Feature;
use pegboard_protocol::session::{EnginePolicy, HandshakeError, compatible};
#[cfg(unix)]
use pegboard_transport::LocalListener;
use pegboard_transport::{Connection, EngineSettings, Link, Recorder, StartError, StartFailure};
use semver::Version;
use serde_json::json;

use crate::engine::EngineCore;
use crate::instance::{Instance, InstanceHandler, LAST_WORDS, Parts, Talk};
use crate::plugin::PluginCore;
use crate::runner::{self, Launch, Owned, Spawned, StderrTo, Streams};
use crate::stderr::{self, StderrReader, Tail};
use crate::{Error, ErrorKind, LinkChoice, Protocol, Stderr, Terminal, Versions, octa};

/// What carries the bytes of one start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Stdio,
    LocalSocket,
}

/// What an earlier start has taught about a plugin, so that the next one need not find it out again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Learned {
    pub(crate) mode: Option<Mode>,
    pub(crate) version: Option<Version>,
    /// What it offered beyond the common protocol.
    pub(crate) features: Vec<Feature>,
}

/// Starts a plugin, and over again where that is how its version or its link has to be found out.
pub(crate) fn start(
    plugin: &Arc<PluginCore>,
    engine: &Arc<EngineCore>,
) -> Result<Arc<Instance>, Error> {
    if plugin.protocol() == Protocol::Octa {
        return octa::start(plugin, engine);
    }
    let mode = match (plugin.config.link, plugin.learned().mode) {
        (LinkChoice::Stdio, _) => Mode::Stdio,
        (_, Some(mode)) => mode,
        (LinkChoice::LocalSocket, None) => Mode::LocalSocket,
        (LinkChoice::Auto, None) => return start_and_upgrade(plugin, engine),
    };
    match start_in_its_version(plugin, engine, mode) {
        Err(_) if mode == Mode::LocalSocket => {
            let instance = start_in_its_version(plugin, engine, Mode::Stdio)?;
            plugin.learn(|learned| learned.mode = Some(Mode::Stdio));
            Ok(instance)
        }
        result => result,
    }
}

/// Starts on the standard streams and goes over to a local socket if the plugin says that it can. The first instance
/// is kept until the second one has proved itself.
fn start_and_upgrade(
    plugin: &Arc<PluginCore>,
    engine: &Arc<EngineCore>,
) -> Result<Arc<Instance>, Error> {
    let first = start_in_its_version(plugin, engine, Mode::Stdio)?;
    let can = cfg!(unix)
        && first.connection().is_some_and(|connection| {
            connection.ask(|session| session.peer().features.contains(&Feature::LocalSocket))
        });
    let second = if can {
        first.note("upgrade", json!({ "to": "local socket" }));
        start_in_its_version(plugin, engine, Mode::LocalSocket)
            .inspect_err(|error| {
                let reason = &error.labeled().msg;
                first.note(
                    "upgrade failed",
                    json!({ "reason": reason, "goes_on_with": "stdio" }),
                );
            })
            .ok()
    } else {
        None
    };
    let mode = if second.is_some() {
        Mode::LocalSocket
    } else {
        Mode::Stdio
    };
    plugin.learn(|learned| learned.mode = Some(mode));
    match second {
        Some(second) => {
            engine.stop_in_background(&first);
            Ok(second)
        }
        None => Ok(first),
    }
}

/// Starts a plugin so that it is spoken to in its own version. A plugin that waited for us to say ours first, and then
/// turned out to have another one, is started again.
fn start_in_its_version(
    plugin: &Arc<PluginCore>,
    engine: &Arc<EngineCore>,
    mode: Mode,
) -> Result<Arc<Instance>, Error> {
    let instance = match start_once(plugin, engine, mode) {
        Ok(instance) => instance,
        Err(failed) => match failed.retry_with {
            Some(version) if plugin.learned().version.as_ref() != Some(&version) => {
                plugin.learn(|learned| learned.version = Some(version));
                return start_once(plugin, engine, mode).map_err(|failed| failed.error);
            }
            _ => return Err(failed.error),
        },
    };
    let Some((theirs, ours)) = instance.versions() else {
        return Ok(instance);
    };
    let Ok(theirs) = Version::parse(&theirs) else {
        return Ok(instance);
    };
    let features = instance.connection().map_or_else(Vec::new, |connection| {
        connection.ask(|session| session.peer().features.clone())
    });
    plugin.learn(|learned| {
        learned.version = Some(theirs.clone());
        learned.features = features;
    });
    if matches!(engine.config.versions, Versions::Any { .. }) && !compatible(&theirs, &ours) {
        engine.stop_in_background(&instance);
        return start_once(plugin, engine, mode).map_err(|failed| failed.error);
    }
    Ok(instance)
}

pub(crate) struct Failed {
    pub(crate) error: Error,
    /// The first bytes that the plugin wrote.
    pub(crate) received: Vec<u8>,
    /// The version that the plugin announced before it went away, if that may have been because of ours.
    pub(crate) retry_with: Option<Version>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Failed {
        Failed {
            error,
            received: Vec::new(),
            retry_with: None,
        }
    }
}

impl Failed {
    /// Writes down why the start failed, with all that is known about it.
    fn note(&self, recorder: &Recorder, plugin: &str) {
        let mut details = json!({ "reason": self.error.labeled().msg });
        if let Some(diagnosis) = self.error.diagnosis() {
            if let Some(exit) = &diagnosis.exit {
                details["exit"] = exit.as_str().into();
            }
            if !diagnosis.stderr.is_empty() {
                details["stderr"] = json!(diagnosis.stderr);
            }
        }
        let printable =
            |text: &&str| !text.contains(|c: char| c.is_control() && !c.is_whitespace());
        match std::str::from_utf8(&self.received).ok().filter(printable) {
            Some("") => {}
            Some(text) => details["received"] = text.into(),
            None => {
                let hex = self.received.iter().map(|byte| format!("{byte:02x}"));
                details["received_hex"] = hex.collect::<String>().into();
            }
        }
        recorder.note(plugin, "failed", details);
    }
}

fn start_once(
    plugin: &Arc<PluginCore>,
    engine: &Arc<EngineCore>,
    mode: Mode,
) -> Result<Arc<Instance>, Failed> {
    recorded(plugin, engine, |recorder| {
        start_recorded(plugin, engine, mode, recorder)
    })
}

/// Starts with a recorder, if there is one, and writes down why that failed.
pub(crate) fn recorded(
    plugin: &PluginCore,
    engine: &EngineCore,
    start: impl FnOnce(Option<Recorder>) -> Result<Arc<Instance>, Failed>,
) -> Result<Arc<Instance>, Failed> {
    let recorder = engine.config.recorder.as_ref().map(Recorder::instance);
    start(recorder.clone()).inspect_err(|failed| {
        if let Some(recorder) = &recorder {
            failed.note(recorder, &plugin.name);
        }
    })
}

fn start_recorded(
    plugin: &Arc<PluginCore>,
    engine: &Arc<EngineCore>,
    mode: Mode,
    recorder: Option<Recorder>,
) -> Result<Arc<Instance>, Failed> {
    let deadlines = engine.config.deadlines;
    #[cfg(unix)]
    let listener = match mode {
        Mode::Stdio => None,
        Mode::LocalSocket => Some(listen(plugin, engine)?),
    };
    let (arguments, streams) = match mode {
        Mode::Stdio => (vec!["--stdio".into()], Streams::Link),
        #[cfg(unix)]
        Mode::LocalSocket => {
            let path = listener.iter().map(|listener| listener.path().into());
            let streams = match engine.config.terminal {
                Terminal::Kept => Streams::Apart,
                Terminal::Shared => Streams::Shared,
            };
            let arguments = std::iter::once("--local-socket".into()).chain(path);
            (arguments.collect(), streams)
        }
        #[cfg(not(unix))]
        Mode::LocalSocket => {
            return Err(start_error(plugin, "local sockets need Unix".to_owned()).into());
        }
    };
    let launch = prepare(plugin, engine, arguments, streams)?;
    let (starting, link) = Starting::begin(plugin, engine, launch, recorder)?;
    #[cfg(unix)]
    let link = match (link, &listener) {
        (Some(link), _) => link,
        (None, Some(listener)) => {
            let deadline = Instant::now() + deadlines.connect;
            match listener.accept(deadline, || starting.process.ended().is_some()) {
                Ok(link) => link,
                Err(error) => {
                    let why = match error.kind() {
                        io::ErrorKind::TimedOut => format!("within {:?}", deadlines.connect),
                        io::ErrorKind::BrokenPipe => "before it ended".to_owned(),
                        _ => format!("as it should: {error}"),
                    };
                    let message = format!("it did not connect twice to its local socket {why}");
                    return Err(starting.fail(message, None));
                }
            }
        }
        (None, None) => return Err(starting.fail("it has no link".to_owned(), None)),
    };
    #[cfg(not(unix))]
    let link = match link {
        Some(link) => link,
        None => return Err(starting.fail("it has no link".to_owned(), None)),
    };
    starting.connect(link)
}

/// A local socket for a plugin to connect to.
#[cfg(unix)]
pub(crate) fn listen(
    plugin: &PluginCore,
    engine: &Arc<EngineCore>,
) -> Result<LocalListener, Error> {
    engine
        .listen()
        .map_err(|error| start_error(plugin, format!("a local socket could not be made: {error}")))
}

/// What is to be started: the plugin's program with these arguments, behind those that its interpreter needs.
pub(crate) fn prepare(
    plugin: &PluginCore,
    engine: &EngineCore,
    more: Vec<OsString>,
    streams: Streams,
) -> Result<Launch, Error> {
    let (program, mut arguments) = command_line(plugin, engine)?;
    arguments.extend(more);
    Ok(Launch {
        program,
        arguments,
        environment: environment(engine),
        directory: plugin
            .path
            .parent()
            .map_or_else(|| PathBuf::from("/"), Path::to_owned),
        mark: engine.next_mark(),
        streams,
        stderr: match engine.config.stderr {
            Stderr::Inherit => StderrTo::Inherit,
            Stderr::Discard | Stderr::Forward(_) => StderrTo::Pipe,
        },
    })
}

/// Starts a process under the guard's eyes, and follows its standard error.
pub(crate) fn spawn(
    plugin: &PluginCore,
    engine: &Arc<EngineCore>,
    launch: Launch,
) -> Result<(Spawned, Arc<Tail>, Option<StderrReader>), Error> {
    let guard = engine
        .guard()
        .map_err(|error| start_error(plugin, format!("no guard could be started: {error}")))?;
    let program = launch.program.clone();
    let mut spawned =
        runner::spawn(launch, guard).map_err(|error| spawn_error(plugin, &program, &error))?;
    let tail = Arc::<Tail>::default();
    let (name, to) = (plugin.name.clone(), engine.config.stderr.clone());
    let follow = |source| stderr::follow(source, name, tail.clone(), to);
    let stderr = spawned.stderr.take().and_then(|source| follow(source).ok());
    Ok((spawned, tail, stderr))
}

/// A process that was started and has no connection yet.
pub(crate) struct Starting<'a> {
    pub(crate) plugin: &'a Arc<PluginCore>,
    engine: &'a Arc<EngineCore>,
    pub(crate) process: Owned,
    pub(crate) tail: Arc<Tail>,
    stderr: Option<StderrReader>,
    pub(crate) recorder: Option<Recorder>,
}

impl<'a> Starting<'a> {
    /// Starts the process, and gives the link if its streams are it.
    pub(crate) fn begin(
        plugin: &'a Arc<PluginCore>,
        engine: &'a Arc<EngineCore>,
        launch: Launch,
        recorder: Option<Recorder>,
    ) -> Result<(Starting<'a>, Option<Link>), Failed> {
        if let Some(recorder) = &recorder {
            let argv: Vec<_> = std::iter::once(launch.program.as_os_str())
                .chain(launch.arguments.iter().map(OsString::as_os_str))
                .map(|word| word.to_string_lossy())
                .collect();
            recorder.note(&plugin.name, "start", json!({ "argv": argv }));
        }
        let (Spawned { process, link, .. }, tail, stderr) = spawn(plugin, engine, launch)?;
        let starting = Starting {
            plugin,
            engine,
            process,
            tail,
            stderr,
            recorder,
        };
        if !engine.process_started(starting.process.share()) {
            return Err(starting.fail("the engine is being shut down".to_owned(), None));
        }
        Ok((starting, link))
    }

    fn connect(self, link: Link) -> Result<Arc<Instance>, Failed> {
        let config = &self.engine.config;
        let Learned {
            version, features, ..
        } = self.plugin.learned();
        // A plugin that speaks first is answered with the extensions that it offers.
        let mut ours = Feature::offered();
        if version.is_some() || matches!(config.versions, Versions::Only(_)) {
            ours.retain(|feature| *feature == Feature::LocalSocket || features.contains(feature));
        }
        let policy = match (&config.versions, version) {
            (Versions::Only(version), _) => EnginePolicy::Exactly(version.clone()),
            (Versions::Any { .. }, Some(version)) => EnginePolicy::Mirror {
                wait: Duration::ZERO,
                otherwise: version,
            },
            (Versions::Any { wait, otherwise }, None) => EnginePolicy::Mirror {
                wait: *wait,
                otherwise: otherwise.clone(),
            },
        };
        let settings = EngineSettings {
            name: self.plugin.name.clone(),
            policy,
            features: ours,
            limits: config.limits,
            flow: config.flow,
            encoding_timeout: config.deadlines.encoding,
            hello_timeout: config.deadlines.hello,
            recorder: self.recorder.clone(),
        };
        let mut starting = Some(self);
        let mut made = None;
        let connected = Connection::start_engine(link, settings, |_| {
            let starting = starting.take();
            let instance = starting.map(Starting::into_instance);
            let handler = InstanceHandler(
                instance
                    .as_ref()
                    .map_or_else(std::sync::Weak::new, Arc::downgrade),
            );
            made = instance;
            Arc::new(handler)
        });
        match (connected, made, starting) {
            (Ok(connection), Some(instance), _) => {
                instance.connect(Talk::Nushell(connection));
                Ok(instance)
            }
            (Err(error), _, Some(starting)) => {
                let version = match &error.failure {
                    StartFailure::Closed => error
                        .version
                        .as_deref()
                        .and_then(|version| Version::parse(version).ok()),
                    _ => None,
                };
                Err(starting.fail_start(&error, version))
            }
            (_, made, starting) => {
                drop(made);
                if let Some(starting) = starting {
                    starting.process.end_tree();
                }
                Err(Error::refused("the connection could not be set up").into())
            }
        }
    }

    pub(crate) fn into_instance(self) -> Arc<Instance> {
        self.engine.process_connected(&self.process);
        Instance::new(Parts {
            plugin: Arc::downgrade(self.plugin),
            engine: Arc::downgrade(self.engine),
            name: self.plugin.name.clone(),
            process: self.process,
            tail: self.tail,
            stderr: self.stderr,
            recorder: self.recorder,
        })
    }

    fn fail_start(self, error: &StartError, retry_with: Option<Version>) -> Failed {
        let help = match &error.failure {
            StartFailure::Undecodable(cause) if cause.kind() == DecodeErrorKind::Announcement => {
                Some("a plugin has to begin by announcing its encoding; is this program a plugin?")
            }
            StartFailure::Handshake(HandshakeError::Incompatible { .. }) => Some(
                "install the plugin's build for this version, or let the engine take any version",
            ),
            StartFailure::TimedOut(_) => {
                Some("is this program a plugin? It may be waiting for something else")
            }
            _ => None,
        };
        let mut failed = self.fail(error.to_string(), help);
        let mut diagnosis = failed.error.diagnosis().cloned().unwrap_or_default();
        diagnosis.plugin_version = error.version.clone();
        // Its end tells something only if it came before we closed the link.
        let told_nothing = match &error.failure {
            StartFailure::TimedOut(_) | StartFailure::Handshake(_) => true,
            StartFailure::Closed | StartFailure::Link(_) => false,
            StartFailure::Undecodable(_) => diagnosis.exit.as_deref() == Some("exit code 0"),
        };
        if told_nothing {
            diagnosis.exit = None;
        }
        failed.error = failed.error.diagnosed(diagnosis);
        Failed {
            retry_with,
            received: error.received.clone(),
            ..failed
        }
    }

    /// Ends the process and tells what it said last.
    pub(crate) fn fail(self, message: String, help: Option<&str>) -> Failed {
        // A process that is about to end by itself has something to tell by its exit status.
        let patience = Duration::from_millis(200);
        let own_end = self.process.wait(Instant::now() + patience).is_some();
        let status = self.process.end_tree();
        let status = own_end.then_some(status);
        self.engine.process_ended(&self.process);
        if let Some(stderr) = self.stderr {
            stderr.finish(Instant::now() + LAST_WORDS);
        }
        let diagnosis = crate::Diagnosis {
            exit: status.and_then(crate::instance::describe),
            stderr: self.tail.lines(),
            ..crate::Diagnosis::default()
        };
        let mut error = start_error(self.plugin, message).diagnosed(diagnosis);
        if let Some(help) = help {
            error = error.help(help);
        }
        error.into()
    }
}

pub(crate) fn start_error(plugin: &PluginCore, message: String) -> Error {
    Error::new(ErrorKind::Start, LabeledError::new(message)).of(&plugin.name)
}

fn environment(engine: &EngineCore) -> Vec<(OsString, OsString)> {
    let mut environment = engine.config.environment.clone();
    environment.retain(|(name, _)| name != "PWD");
    environment.push(("PWD".into(), engine.config.directory.clone().into()));
    environment
}
