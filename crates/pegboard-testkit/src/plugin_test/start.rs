//! The plugin on a thread of its own, and the connection to it.

use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};

use pegboard_plugin::{LabeledError, Plugin};
use pegboard_protocol::codec::Limits;
use pegboard_protocol::session::{EnginePolicy, FlowLimits};
use pegboard_transport::{Connection, EngineSettings, Link, StartError};

use super::answer::Ear;
use super::engine::{EngineSide, lock};

pub(super) type Host = Connection<pegboard_protocol::session::Host>;
type Ended = Receiver<std::thread::Result<Result<(), StartError>>>;

/// A plugin that starts when it is first needed.
pub(super) struct Start {
    pub(super) version: String,
    /// Whether the plugin is to talk JSON.
    pub(super) json: bool,
    state: Mutex<State>,
}

enum State {
    Waiting(Box<Plugin>),
    Running(Host, Ended),
    Failed(LabeledError),
}

impl Start {
    pub(super) fn new(plugin: Plugin, version: &str) -> Start {
        Start {
            version: version.to_owned(),
            json: false,
            state: Mutex::new(State::Waiting(Box::new(plugin))),
        }
    }

    pub(super) fn connection(&self, side: &Arc<EngineSide>) -> Result<Host, LabeledError> {
        let mut state = lock(&self.state);
        let failed = State::Failed(LabeledError::new("the plugin did not start"));
        *state = match std::mem::replace(&mut *state, failed) {
            State::Waiting(plugin) => {
                let plugin = if self.json { plugin.json() } else { *plugin };
                match start(plugin, &self.version, side) {
                    Ok((host, ended)) => State::Running(host, ended),
                    Err(error) => State::Failed(error),
                }
            }
            other => other,
        };
        match &*state {
            State::Running(host, _) => Ok(host.clone()),
            State::Failed(error) => Err(error.clone()),
            State::Waiting(_) => Err(LabeledError::new("the plugin did not start")),
        }
    }

    /// Says goodbye and waits for the plugin.
    pub(super) fn end(&self, side: &EngineSide) -> Result<(), LabeledError> {
        match &*lock(&self.state) {
            State::Waiting(_) => Ok(()),
            State::Failed(error) => Err(error.clone()),
            State::Running(host, ended) => {
                host.session(|session| session.goodbye());
                let patience = side.patience();
                match ended.recv_timeout(patience) {
                    Ok(Ok(Ok(()))) => Ok(()),
                    Ok(Ok(Err(error))) => Err(LabeledError::new(error.to_string())),
                    Ok(Err(panic)) => Err(LabeledError::new(format!(
                        "the plugin panicked: {}",
                        pegboard_transport::panic_message(&*panic)
                    ))),
                    Err(_) => Err(LabeledError::new(format!(
                        "the plugin did not end within {patience:?} after the engine's goodbye"
                    ))),
                }
            }
        }
    }
}

fn start(
    plugin: Plugin,
    version: &str,
    side: &Arc<EngineSide>,
) -> Result<(Host, Ended), LabeledError> {
    let version = version.parse().map_err(|error: semver::Error| {
        LabeledError::new(format!("`{version}` is no version of Nushell: {error}"))
    })?;
    let (ours, theirs) = Link::memory();
    let (sender, ended) = mpsc::sync_channel(1);
    let thread = std::thread::spawn(move || plugin.serve_on(theirs));
    std::thread::spawn(move || sender.send(thread.join()));
    let patience = side.patience();
    let settings = EngineSettings {
        name: "test".to_owned(),
        policy: EnginePolicy::Exactly(version),
        features: Vec::new(),
        limits: Limits::default(),
        flow: FlowLimits::default(),
        encoding_timeout: patience,
        hello_timeout: patience,
        recorder: None,
    };
    let host = Connection::start_engine(ours, settings, |connection| {
        side.connect(connection.clone());
        Arc::new(Ear(side.clone()))
    });
    match host {
        Ok(host) => Ok((host, ended)),
        Err(error) => Err(LabeledError::new(format!(
            "the plugin did not start: {error}"
        ))),
    }
}
