//! An installed plugin: started when it is first used, never twice, and again when it is needed again.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};

use pegboard_protocol::nu::{Call, PluginMetadata, PluginSignature, Response};
use pegboard_protocol::session::Failure;

use crate::call::{await_answer, unexpected_response, within};
use crate::crashes::Crashes;
use crate::engine::EngineCore;
use crate::instance::{Instance, Lease, Slot, Talk};
use crate::launch::{self, Learned};
use crate::{Error, ErrorKind, Idle, NoContext, PluginConfig, Protocol, Restarts, Run};

/// A plugin that was loaded into an engine. Copies stand for the same plugin.
#[derive(Clone, Debug)]
pub struct Plugin {
    pub(crate) core: Arc<PluginCore>,
}

/// How a plugin is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Whether it runs.
    pub state: State,
    /// Its process, while it runs.
    pub pid: Option<u32>,
    /// The version of Nushell whose protocol it announced, while it runs; of an Octa plugin, its requirement on the
    /// version of Octa.
    pub protocol_version: Option<String>,
    /// The encoding that it chose, while it runs: `json` or `msgpack`.
    pub encoding: Option<&'static str>,
    /// The abilities beyond the common protocol that it announced, while it runs, such as `LocalSocket`.
    pub features: Vec<String>,
    /// Calls that are under way.
    pub active_calls: usize,
    /// Calls that were made to the running process.
    pub calls: u64,
    /// How often it was started.
    pub starts: u64,
    /// Memory that its process has resident, in bytes; none where that is not known.
    pub memory: Option<u64>,
    /// Since when it runs.
    pub running_for: Option<Duration>,
}

/// Whether a plugin runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is not running, and will be started when it is needed.
    Stopped,
    /// It is being started.
    Starting,
    /// It is running.
    Running,
    /// It crashed too often and is not started for now.
    Paused,
}

impl Plugin {
    /// The plugin's name: its file's name without `nu_plugin_` or `octa_plugin_` and extension.
    pub fn name(&self) -> &str {
        &self.core.name
    }

    /// The plugin's file, as an absolute path.
    pub fn path(&self) -> &Path {
        &self.core.path
    }

    /// What the plugin speaks.
    pub fn protocol(&self) -> Protocol {
        self.core.protocol()
    }

    /// The commands that the plugin has, in the order in which it names them. Starts it when it is asked for the first
    /// time; the answer is kept for as long as the plugin is loaded.
    pub fn signatures(&self) -> Result<Arc<[PluginSignature]>, Error> {
        self.core.signatures()
    }

    /// The same for a caller who gives up after this time, start and all. It goes on without him then.
    pub fn signatures_within(&self, patience: Duration) -> Result<Arc<[PluginSignature]>, Error> {
        let until = Instant::now() + patience;
        let what = "starting it and asking for its commands";
        within(&self.core, Some((until, patience)), None, what, |core| {
            core.signatures()
        })
    }

    /// What the plugin says about itself. Nothing for plugins from before Nushell 0.95. Starts it the first time.
    pub fn metadata(&self) -> Result<PluginMetadata, Error> {
        self.core.metadata()
    }

    /// Begins a run of one of the plugin's commands.
    pub fn run(&self, command: impl Into<String>) -> Run {
        Run::new(self.core.clone(), command.into())
    }

    /// How the plugin is doing.
    pub fn status(&self) -> Status {
        self.core.status()
    }

    /// Starts the plugin unless it runs.
    pub fn start(&self) -> Result<(), Error> {
        self.core.instance().map(drop)
    }

    /// Asks the plugin to end, forces it if it does not, and comes back when it has. The next use starts it again.
    pub fn stop(&self) {
        if let Some(instance) = self.core.take_started() {
            instance.stop();
        }
    }
}

/// A plugin that was loaded into an engine.
#[derive(Debug)]
pub(crate) struct PluginCore {
    pub(crate) engine: Weak<EngineCore>,
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) config: PluginConfig,
    state: Mutex<Running>,
    changed: Condvar,
    learned: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Running {
    phase: Phase,
    starts: u64,
    /// The last start that failed, by its number among all attempts, for those who waited for it.
    failed: Option<(u64, Error)>,
    attempts: u64,
    crashes: Crashes,
}

#[derive(Debug, Default)]
enum Phase {
    #[default]
    Stopped,
    Starting,
    Running(Arc<Instance>),
}

#[derive(Debug, Default)]
struct Known {
    launch: Learned,
    signatures: Option<Arc<[PluginSignature]>>,
    /// When the file was changed that has these signatures.
    of: Option<SystemTime>,
    metadata: Option<PluginMetadata>,
}

impl Running {
    /// The session of an instance is over, which counts once.
    fn end(&mut self, instance: &Arc<Instance>, failure: &Failure, restarts: Restarts) {
        let was_current =
            matches!(&self.phase, Phase::Running(running) if Arc::ptr_eq(running, instance));
        if was_current {
            self.phase = Phase::Stopped;
            if !instance.was_asked_to_end() {
                self.crashes.add(restarts, failure.to_string());
            }
        }
    }
}

impl PluginCore {
    pub(crate) fn new(
        engine: Weak<EngineCore>,
        name: String,
        path: PathBuf,
        config: PluginConfig,
    ) -> PluginCore {
        PluginCore {
            engine,
            name,
            path,
            config,
            state: Mutex::default(),
            changed: Condvar::new(),
            learned: Mutex::default(),
        }
    }

    pub(crate) fn protocol(&self) -> Protocol {
        let named = self.config.protocol;
        named.unwrap_or_else(|| Protocol::of(&self.path))
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn learned(&self) -> Learned {
        self.known().launch.clone()
    }

    pub(crate) fn learn(&self, change: impl FnOnce(&mut Learned)) {
        change(&mut self.known().launch);
    }

    /// The running instance, if there is one.
    pub(crate) fn running(&self) -> Option<Arc<Instance>> {
        match &self.lock().phase {
            Phase::Running(instance) => Some(instance.clone()),
            Phase::Stopped | Phase::Starting => None,
        }
    }

    /// Takes the running instance out, so that the next use starts another one.
    pub(crate) fn take_running(&self) -> Option<Arc<Instance>> {
        let mut state = self.lock();
        match std::mem::take(&mut state.phase) {
            Phase::Running(instance) => Some(instance),
            other => {
                state.phase = other;
                None
            }
        }
    }

    /// The same, after waiting for a start that is under way.
    fn take_started(&self) -> Option<Arc<Instance>> {
        let mut state = self.lock();
        while matches!(state.phase, Phase::Starting) {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        self.take_running()
    }

    /// Takes out this very instance if it is idle, which it is not while somebody is about to make a call.
    pub(crate) fn take_if_idle(&self, instance: &Arc<Instance>) -> bool {
        let mut state = self.lock();
        let take = matches!(&state.phase, Phase::Running(running) if Arc::ptr_eq(running, instance))
            && instance.is_idle();
        if take {
            state.phase = Phase::Stopped;
        }
        take
    }

    /// Takes out this very instance if it may be, which is asked while nobody gets hold of it. False if it may not.
    pub(crate) fn let_go(&self, instance: &Arc<Instance>, may: impl FnOnce() -> bool) -> bool {
        let mut state = self.lock();
        let may = may();
        if may && matches!(&state.phase, Phase::Running(running) if Arc::ptr_eq(running, instance))
        {
            state.phase = Phase::Stopped;
        }
        may
    }

    /// The running instance; starts one if there is none. Several callers at once share one start.
    pub(crate) fn instance(self: &Arc<Self>) -> Result<Lease, Error> {
        let Some(engine) = self.engine.upgrade() else {
            return Err(self.shut_down());
        };
        let mut state = self.lock();
        let mut awaited = None;
        loop {
            match &state.phase {
                Phase::Running(instance) => {
                    let Some(failure) = instance.failure() else {
                        return Ok(Lease::new(instance));
                    };
                    // The thread that tells of it has not come so far.
                    let instance = instance.clone();
                    state.end(&instance, &failure, engine.config.restarts);
                }
                // A start is bounded by its deadlines.
                Phase::Starting => {
                    awaited = Some(state.attempts);
                    state = self
                        .changed
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner)
                }
                Phase::Stopped => break,
            }
        }
        if let Some((attempt, error)) = &state.failed
            && Some(*attempt) == awaited
        {
            return Err(error.clone());
        }
        // The engine's end waits for the start from here on.
        let Some(busy) = engine.busy_starting() else {
            return Err(self.shut_down());
        };
        state.crashes.check(engine.config.restarts, &self.name)?;
        state.phase = Phase::Starting;
        state.attempts += 1;
        drop(state);
        let started = launch::start(self, &engine);
        let mut state = self.lock();
        state.starts += 1;
        state.phase = Phase::Stopped;
        let mut result = started.map(|instance| {
            // It may have failed already, before it was known here.
            match instance.failure() {
                None => state.phase = Phase::Running(instance.clone()),
                Some(failure) => state
                    .crashes
                    .add(engine.config.restarts, failure.to_string()),
            }
            Lease::new(&instance)
        });
        let mut late = None;
        if engine.is_closing() {
            late = match std::mem::take(&mut state.phase) {
                Phase::Running(instance) => Some(instance),
                Phase::Stopped | Phase::Starting => None,
            };
            result = Err(self.shut_down());
        }
        if let Err(error) = &result {
            // A program that could not even be started has not crashed.
            if error.diagnosis().is_some() {
                state
                    .crashes
                    .add(engine.config.restarts, error.labeled().msg.clone());
            }
            state.failed = Some((state.attempts, error.clone()));
        }
        drop(state);
        self.changed.notify_all();
        if let Some(instance) = late {
            engine.stop_in_background(&instance);
        }
        engine.supervisor.look();
        drop(busy);
        result
    }

    fn shut_down(&self) -> Error {
        Error::misuse("the engine has been shut down").of(&self.name)
    }

    /// An instance's session is over.
    pub(crate) fn instance_failed(&self, instance: &Arc<Instance>, failure: &Failure) {
        let restarts = self.engine.upgrade().map(|engine| engine.config.restarts);
        self.lock()
            .end(instance, failure, restarts.unwrap_or_default());
    }

    pub(crate) fn idle_limit(&self, engine: Option<Duration>) -> Option<Duration> {
        match self.config.idle {
            Idle::Engine => engine,
            Idle::After(limit) => Some(limit),
            Idle::Never => None,
        }
    }

    /// The plugin's commands, if it was asked for them before, they are those of the file as it is now, and this is none
    /// of them.
    pub(crate) fn commands_without(&self, name: &str) -> Option<Arc<[PluginSignature]>> {
        let known = self.known();
        let signatures = known.signatures.as_ref()?;
        let missing = !signatures.iter().any(|known| known.sig.name == name);
        (missing && known.of == self.modified()).then(|| signatures.clone())
    }

    /// Forgets what the plugin has said about itself, so that it is asked again.
    pub(crate) fn forget_answers(&self) {
        let mut known = self.known();
        known.signatures = None;
        known.metadata = None;
    }

    /// When the plugin's file was changed.
    fn modified(&self) -> Option<SystemTime> {
        std::fs::metadata(&self.path).ok()?.modified().ok()
    }

    pub(crate) fn signatures(self: &Arc<Self>) -> Result<Arc<[PluginSignature]>, Error> {
        if let Some(known) = &self.known().signatures {
            return Ok(known.clone());
        }
        let deadline = self
            .engine
            .upgrade()
            .map_or(Duration::ZERO, |engine| engine.config.deadlines.signature);
        let modified = self.modified();
        match self.ask(Call::Signature, deadline, "its signatures")? {
            Response::Signature(signatures) => {
                let signatures: Arc<[PluginSignature]> = signatures.into();
                let mut known = self.known();
                known.signatures = Some(signatures.clone());
                known.of = modified;
                Ok(signatures)
            }
            other => Err(unexpected_response(
                &other,
                "sending its signatures",
                &self.name,
            )),
        }
    }

    pub(crate) fn metadata(self: &Arc<Self>) -> Result<PluginMetadata, Error> {
        if let Some(known) = &self.known().metadata {
            return Ok(known.clone());
        }
        let deadline = self
            .engine
            .upgrade()
            .map_or(Duration::ZERO, |engine| engine.config.deadlines.metadata);
        let metadata = match self.ask(Call::Metadata, deadline, "its metadata") {
            Ok(Response::Metadata(metadata)) => metadata,
            Ok(other) => {
                return Err(unexpected_response(
                    &other,
                    "sending its metadata",
                    &self.name,
                ));
            }
            // Versions before 0.95 know no metadata.
            Err(error) if error.kind() == ErrorKind::Refused && self.running().is_some() => {
                PluginMetadata::default()
            }
            Err(error) => return Err(error),
        };
        self.known().metadata = Some(metadata.clone());
        Ok(metadata)
    }

    fn ask(
        self: &Arc<Self>,
        call: Call,
        deadline: Duration,
        what: &str,
    ) -> Result<Response, Error> {
        let instance = self.instance()?;
        let slot = Slot::new(String::new(), Arc::new(NoContext));
        instance.call(call, &slot)?;
        let patience = (Instant::now() + deadline, deadline);
        await_answer(&instance, &slot, Some(patience), &format!("sending {what}"))
            .map(|(response, _)| response)
    }

    fn status(&self) -> Status {
        let state = self.lock();
        let instance = match &state.phase {
            Phase::Running(instance) => Some(instance.clone()),
            Phase::Stopped | Phase::Starting => None,
        };
        let paused = state.crashes.pause_left().is_some();
        let (name, starts) = match &state.phase {
            Phase::Running(_) => (State::Running, state.starts),
            Phase::Starting => (State::Starting, state.starts),
            Phase::Stopped if paused => (State::Paused, state.starts),
            Phase::Stopped => (State::Stopped, state.starts),
        };
        drop(state);
        let talk = instance.as_ref().and_then(|instance| instance.talk());
        Status {
            state: name,
            pid: instance.as_ref().map(|instance| instance.process.pid()),
            protocol_version: talk.map(Talk::version),
            encoding: talk.map(Talk::encoding),
            features: talk.map_or_else(Vec::new, Talk::features),
            active_calls: instance
                .as_ref()
                .map_or(0, |instance| instance.active_calls()),
            calls: instance.as_ref().map_or(0, |instance| {
                instance
                    .calls_made
                    .load(std::sync::atomic::Ordering::Relaxed)
            }),
            starts,
            memory: instance
                .as_ref()
                .and_then(|instance| instance.process.memory()),
            running_for: instance.as_ref().map(|instance| instance.started.elapsed()),
        }
    }
}
