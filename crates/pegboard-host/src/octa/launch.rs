//! Starting an Octa plugin: a place for its socket, its process, and the first messages.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use pegboard_protocol::octa::{HandshakeError, HostConfig, Limits};
use pegboard_transport::Recorder;
use pegboard_transport::octa::{Connection, HostSettings, StartError, StartFailure};

use super::conversation::{Board, Conversation};
use super::handler::OctaHandler;
use super::stderr::Said;
use crate::engine::EngineCore;
use crate::instance::{Instance, Talk};
use crate::launch::{Failed, Starting, prepare, recorded, start_error};
use crate::plugin::PluginCore;
use crate::runner::Streams;
use crate::{Config, Error};

/// The longest path of a socket that every system takes.
const LONGEST_PATH: usize = 100;

/// A directory of its own, that only this user can enter, for the socket of one plugin. It goes when this is dropped.
#[derive(Debug)]
pub(crate) struct SocketPlace {
    directory: PathBuf,
}

impl SocketPlace {
    /// Makes the directory, which must not exist.
    pub(crate) fn make(directory: PathBuf) -> io::Result<SocketPlace> {
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&directory)?;
        Ok(SocketPlace { directory })
    }

    pub(crate) fn socket(&self) -> PathBuf {
        socket_in(&self.directory)
    }
}

fn socket_in(directory: &Path) -> PathBuf {
    directory.join("octa.sock")
}

/// Whether every system takes the path of a socket in this directory.
pub(crate) fn socket_fits(directory: &Path) -> bool {
    socket_in(directory).as_os_str().len() <= LONGEST_PATH
}

impl Drop for SocketPlace {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Starts a plugin and does the handshake with it.
pub(crate) fn start(
    plugin: &Arc<PluginCore>,
    engine: &Arc<EngineCore>,
) -> Result<Arc<Instance>, Error> {
    let started = recorded(plugin, engine, |recorder| {
        start_recorded(plugin, engine, recorder)
    });
    started.map_err(|failed| failed.error)
}

fn start_recorded(
    plugin: &Arc<PluginCore>,
    engine: &Arc<EngineCore>,
    recorder: Option<Recorder>,
) -> Result<Arc<Instance>, Failed> {
    let place = place(plugin, engine)?;
    let socket = place.socket();
    let arguments: [OsString; 2] = ["--socket-path".into(), socket.clone().into()];
    let mut launch = prepare(plugin, engine, arguments.into(), Streams::Apart)?;
    // As Octa does it.
    launch.directory = engine.config.directory.clone();
    let (starting, _) = Starting::begin(plugin, engine, launch, recorder)?;
    let said = Said::start(
        plugin.name.clone(),
        starting.tail.clone(),
        engine.config.stderr.clone(),
    );
    let said = match said {
        Ok(said) => said,
        Err(error) => {
            return Err(starting.fail(format!("no thread could be started: {error}"), None));
        }
    };
    connect(starting, &engine.config, place, &socket, said)
}

/// A place for a plugin's socket, of which every system takes the path.
pub(crate) fn place(
    plugin: &Arc<PluginCore>,
    engine: &Arc<EngineCore>,
) -> Result<SocketPlace, Error> {
    let place = engine.socket_place().map_err(|error| {
        start_error(
            plugin,
            format!("no place for its socket could be made: {error}"),
        )
    })?;
    if !socket_fits(&place.directory) {
        let socket = place.socket();
        let message = format!("the path of its socket is too long: {}", socket.display());
        let help = "set XDG_RUNTIME_DIR to a directory with a shorter path";
        return Err(start_error(plugin, message).help(help));
    }
    Ok(place)
}

fn connect(
    starting: Starting<'_>,
    config: &Config,
    place: SocketPlace,
    socket: &Path,
    said: Said,
) -> Result<Arc<Instance>, Failed> {
    let deadline = Instant::now() + config.deadlines.connect;
    let link = dial(socket, deadline, || starting.process.ended().is_some());
    let link = match link {
        Ok(link) => link,
        Err(error) => {
            let why = match error.kind() {
                io::ErrorKind::TimedOut => format!("within {:?}", config.deadlines.connect),
                io::ErrorKind::BrokenPipe => "before it ended".to_owned(),
                _ => format!("as it should: {error}"),
            };
            let message = format!("it did not listen on the socket that it was given {why}");
            let help = "an Octa plugin is given `--socket-path PATH`, and has to listen there";
            return Err(starting.fail(message, Some(help)));
        }
    };
    let settings = HostSettings {
        name: starting.plugin.name.clone(),
        config: host_config(config),
        hello_timeout: config.deadlines.hello,
        recorder: starting.recorder.clone(),
    };
    let board = Board::new(said);
    let mut starting = Some(starting);
    let mut made = None;
    let connected = Connection::start_host(link, settings, |_| {
        made = starting.take().map(Starting::into_instance);
        Arc::new(OctaHandler {
            instance: made.as_ref().map_or_else(Default::default, Arc::downgrade),
            board: board.clone(),
        })
    });
    match (connected, made, starting) {
        (Ok(connection), Some(instance), _) => {
            let conversation = Conversation::new(connection, board, place);
            instance.connect(Talk::Octa(conversation));
            Ok(instance)
        }
        (Err(error), _, Some(starting)) => Err(refused(starting, &error)),
        // Whoever drops what was made ends the process.
        _ => Err(Error::refused("the connection could not be set up").into()),
    }
}

fn refused(starting: Starting<'_>, error: &StartError) -> Failed {
    let help = match &error.failure {
        StartFailure::Handshake(HandshakeError::Version(_)) => {
            Some("install the plugin's build for this version of Octa")
        }
        StartFailure::Handshake(HandshakeError::Unreadable(_)) | StartFailure::TimedOut(_) => {
            Some("is this program a plugin of Octa's?")
        }
        _ => None,
    };
    let told_nothing = !matches!(
        &error.failure,
        StartFailure::Handshake(HandshakeError::Closed(_)) | StartFailure::Link(_)
    );
    let mut failed = starting.fail(error.to_string(), help);
    if told_nothing {
        // Its end came after we had closed the link.
        let mut diagnosis = failed.error.diagnosis().cloned().unwrap_or_default();
        diagnosis.exit = None;
        failed.error = failed.error.diagnosed(diagnosis);
    }
    Failed {
        received: error.received.clone(),
        ..failed
    }
}

fn host_config(config: &Config) -> HostConfig {
    let usual = Limits::default();
    HostConfig {
        limits: Limits {
            line: usual.line.min(config.limits.frame),
            depth: usual.depth.min(config.limits.depth),
            buffered: usual.buffered.min(config.flow.buffered),
            ..usual
        },
        ..HostConfig::default()
    }
}

/// Connects to a plugin as soon as it listens; `gone` tells that it never will.
#[cfg(unix)]
pub(crate) fn dial(
    socket: &Path,
    deadline: Instant,
    gone: impl FnMut() -> bool,
) -> io::Result<pegboard_transport::Link> {
    pegboard_transport::octa::connect(socket, deadline, gone)
}

#[cfg(not(unix))]
pub(crate) fn dial(
    _: &Path,
    _: Instant,
    _: impl FnMut() -> bool,
) -> io::Result<pegboard_transport::Link> {
    Err(io::Error::other("Octa plugins need Unix"))
}
