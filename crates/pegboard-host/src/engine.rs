//! The object that owns plugins.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pegboard_protocol::nu::{CustomValueOp, DeclId, PluginSignature, Signal};
use pegboard_protocol::{LabeledError, Value};
#[cfg(unix)]
use pegboard_transport::LocalListener;

use crate::custom::Mark;
use crate::custom_ops;
use crate::instance::Instance;
use crate::launch::is_executable;
use crate::octa::{SocketPlace, plain_name};
use crate::plugin::{Plugin, PluginCore};
use crate::runner::{Guard, Process};
use crate::sockets::SocketDirectory;
use crate::supervisor::Supervisor;
use crate::{Config, Error, Flow, PluginConfig};

/// Owns plugins: starts them when they are needed, stops them when they are idle, and ends them all when its last copy
/// is dropped.
#[derive(Clone, Debug)]
pub struct Engine {
    owner: Arc<Owner>,
}

/// A command of a plugin.
#[derive(Clone, Debug)]
pub struct Command {
    /// The plugin that has it.
    pub plugin: Plugin,
    /// Its signature and examples.
    pub signature: PluginSignature,
}

impl Engine {
    /// An engine without plugins. Nothing is started.
    pub fn new(config: Config) -> Result<Engine, Error> {
        if !config.directory.is_absolute() {
            let directory = config.directory.display();
            return Err(Error::misuse(format!(
                "the engine's directory must be absolute, and `{directory}` is not"
            )));
        }
        let unique = RandomState::new().build_hasher().finish();
        let mark = format!("{}.{unique:016x}", std::process::id());
        let sockets = SocketDirectory::new(&config.runtime_directory, &mark);
        let core = EngineCore {
            guard: Arc::new(Guard::new(&mark, sockets.path().to_owned())),
            sockets,
            mark,
            config,
            supervisor: Supervisor::default(),
            plugins: Mutex::default(),
            declarations: Mutex::default(),
            next: AtomicU64::new(0),
            closing: AtomicBool::new(false),
            watched: Mutex::default(),
            busy: Mutex::default(),
            quiet: Condvar::new(),
        };
        Ok(Engine {
            owner: Arc::new(Owner {
                core: Arc::new(core),
            }),
        })
    }

    /// Loads the plugin in a file. It is not started before it is needed.
    pub fn load(&self, path: impl AsRef<Path>) -> Result<Plugin, Error> {
        self.load_with(path, PluginConfig::default())
    }

    /// Loads the plugin in a file and says how it is to be run.
    ///
    /// A relative path is relative to the engine's directory. Loading the same file again gives the same plugin and
    /// leaves its configuration as it was.
    pub fn load_with(&self, path: impl AsRef<Path>, config: PluginConfig) -> Result<Plugin, Error> {
        let core = &self.owner.core;
        // Without the dots of `./plugin`.
        let path: PathBuf = core.config.directory.join(path).components().collect();
        let shown = path.display();
        let metadata = std::fs::metadata(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::misuse(format!("there is no file {shown}")),
            _ => Error::misuse(format!("{shown} cannot be read: {error}")),
        })?;
        if !metadata.is_file() {
            return Err(Error::misuse(format!(
                "{shown} is no file; a plugin is a program in one file"
            )));
        }
        // The name counts, not what a link of that name points to.
        let path = plain_path(&path).unwrap_or(path);
        if config.interpreter.is_none() && !may_run(&path) {
            let error = LabeledError::new(format!("{} may not be executed", path.display()))
                .with_help("give the file the right to be executed (chmod +x), or name an interpreter for it");
            return Err(Error::misuse(error));
        }
        let name = plugin_name(&path)?;
        let mut plugins = core.plugins();
        if let Some(known) = plugins.iter().find(|known| known.path == path) {
            return Ok(Plugin {
                core: known.clone(),
            });
        }
        if let Some(other) = plugins.iter().find(|known| known.name == name) {
            let message = format!(
                "{} was not loaded: a plugin named `{name}` is loaded already, from {}",
                path.display(),
                other.path.display()
            );
            return Err(Error::misuse(message).help(
                "give one of them another name, which is that of its file or of a link to it, without `nu_plugin_` or \
                 `octa_plugin_` and the extension",
            ));
        }
        let plugin = Arc::new(PluginCore::new(Arc::downgrade(core), name, path, config));
        plugins.push(plugin.clone());
        Ok(Plugin { core: plugin })
    }

    /// False if no plugin of Octa's can be started, since the paths of their sockets would be longer than every system takes.
    /// A shorter [`Config::runtime_directory`] helps.
    pub fn has_room_for_sockets(&self) -> bool {
        // Of few plugins the number is as long as this one at most.
        crate::octa::socket_fits(&self.owner.core.sockets.path().join("99"))
    }

    /// The plugins that are loaded.
    pub fn plugins(&self) -> Vec<Plugin> {
        self.owner
            .core
            .plugins()
            .iter()
            .map(|core| Plugin { core: core.clone() })
            .collect()
    }

    /// Finds the command whose name is the longest match for the beginning of `words`, and says how many words its
    /// name has. Starts plugins whose commands are not known yet; one that cannot be started is an error only if no
    /// other has the command.
    pub fn find(&self, words: &[&str]) -> Result<Option<(Command, usize)>, Error> {
        let mut best: Option<(Command, usize)> = None;
        let mut failed = None;
        for plugin in self.plugins() {
            // A plugin that cannot be asked must not be in the way of the others' commands.
            let signatures = match plugin.signatures() {
                Ok(signatures) => signatures,
                Err(error) => {
                    failed.get_or_insert(error);
                    continue;
                }
            };
            for signature in signatures.iter() {
                let name: Vec<&str> = signature.sig.name.split_whitespace().collect();
                let longer = best.as_ref().is_none_or(|(_, words)| name.len() > *words);
                if !name.is_empty() && longer && words.starts_with(&name) {
                    best = Some((
                        Command {
                            plugin: plugin.clone(),
                            signature: signature.clone(),
                        },
                        name.len(),
                    ));
                }
            }
        }
        match (best, failed) {
            (None, Some(error)) => Err(error),
            (best, _) => Ok(best),
        }
    }

    /// Tells every running plugin that the user wants what runs to stop.
    pub fn interrupt(&self) {
        self.signal(Signal::Interrupt);
    }

    /// Takes an interrupt back. Happens by itself before the next call.
    pub fn reset(&self) {
        self.signal(Signal::Reset);
    }

    fn signal(&self, signal: Signal) {
        for plugin in self.plugins() {
            if let Some(instance) = plugin.core.running() {
                instance.signal(signal);
            }
        }
    }

    /// Turns custom values inside a value, at any depth, into plain ones by asking the plugins that made them.
    pub fn to_base_value(&self, value: Value) -> Result<Value, Error> {
        custom_ops::to_base_value(value)
    }

    /// Applies an operation to a custom value, by asking the plugin that made it.
    ///
    /// Following a path and applying an operator give a value, a comparison gives -1, 0, 1 or nothing, saving gives
    /// nothing.
    pub fn custom_value_op(&self, value: &Value, operation: CustomValueOp) -> Result<Flow, Error> {
        custom_ops::operate(value, operation)
    }

    /// Ends all plugins and refuses new calls. Comes back when their processes are gone.
    pub fn shutdown(&self) {
        self.owner.core.shutdown();
    }
}

/// Ends everything when the last copy of the engine goes.
#[derive(Debug)]
struct Owner {
    core: Arc<EngineCore>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.core.shutdown();
    }
}

/// What the engine's threads share.
pub(crate) struct EngineCore {
    pub(crate) config: Config,
    pub(crate) supervisor: Supervisor,
    mark: String,
    sockets: SocketDirectory,
    plugins: Mutex<Vec<Arc<PluginCore>>>,
    /// Commands that plugins have found by name; a command's number is its place.
    // bounded by: the commands that exist, each of which is listed once
    declarations: Mutex<Vec<Declaration>>,
    pub(crate) guard: Arc<Guard>,
    next: AtomicU64,
    closing: AtomicBool,
    /// Processes whose end has to be noticed.
    watched: Mutex<Vec<Watched>>,
    /// Starts and ends of instances that are under way.
    busy: Mutex<usize>,
    quiet: Condvar,
}

/// A process whose end has to be noticed, whether or not something that it started holds its streams open.
struct Watched {
    process: Arc<Process>,
    /// It has no connection yet.
    starting: bool,
}

/// Something under way that the engine's end has to wait for.
pub(crate) struct Busy(Arc<EngineCore>);

impl Drop for Busy {
    fn drop(&mut self) {
        *self.0.busy.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.quiet.notify_all();
    }
}

/// A command that a plugin has found by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Declaration {
    /// A command of a loaded plugin.
    Plugin { plugin: String, command: String },
    /// A command of the application.
    Application { command: String },
}

impl EngineCore {
    fn plugins(&self) -> MutexGuard<'_, Vec<Arc<PluginCore>>> {
        self.plugins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn all_plugins(&self) -> Vec<Arc<PluginCore>> {
        self.plugins().clone()
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    /// A number for a command that stays the same as long as the engine lives.
    pub(crate) fn declare(&self, declaration: Declaration) -> DeclId {
        let mut all = self
            .declarations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let place = all
            .iter()
            .position(|known| *known == declaration)
            .unwrap_or_else(|| {
                all.push(declaration);
                all.len() - 1
            });
        DeclId(place as u64)
    }

    pub(crate) fn declaration(&self, id: DeclId) -> Option<Declaration> {
        let all = self
            .declarations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        usize::try_from(id.0)
            .ok()
            .and_then(|place| all.get(place))
            .cloned()
    }

    /// A mark that no other process has. All begin alike, so that the guard finds them.
    pub(crate) fn next_mark(&self) -> String {
        format!(
            "{}.{}",
            self.mark,
            self.next.fetch_add(1, Ordering::Relaxed)
        )
    }

    #[cfg(unix)]
    pub(crate) fn listen(self: &Arc<Self>) -> io::Result<LocalListener> {
        LocalListener::bind(&self.new_directory()?)
    }

    /// A directory for a socket that a plugin listens on.
    pub(crate) fn socket_place(self: &Arc<Self>) -> io::Result<SocketPlace> {
        SocketPlace::make(self.new_directory()?)
    }

    /// A directory that does not exist, inside of one that only this user can enter.
    fn new_directory(self: &Arc<Self>) -> io::Result<PathBuf> {
        // The guard removes the directory if nobody else can, so it has to be there first.
        self.guard()?;
        self.sockets.make()?;
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        Ok(self.sockets.path().join(number.to_string()))
    }

    /// Has the guard and the supervisor run, before the first process that they are for.
    pub(crate) fn guard(self: &Arc<Self>) -> io::Result<&Arc<Guard>> {
        self.supervisor.start(self)?;
        self.guard.watch()?;
        Ok(&self.guard)
    }

    /// Has the end of a process noticed that is being started. False when the engine comes to its end, and the process
    /// with it.
    pub(crate) fn process_started(&self, process: Arc<Process>) -> bool {
        self.watched().push(Watched {
            process,
            starting: true,
        });
        self.supervisor.look();
        // Asked last: the engine's end looks for processes that are being started after it has said that it comes.
        !self.is_closing()
    }

    /// A process has a connection, over which it can be stopped.
    pub(crate) fn process_connected(&self, process: &Process) {
        let mut watched = self.watched();
        let found = watched
            .iter_mut()
            .find(|one| std::ptr::eq(&*one.process, process));
        if let Some(one) = found {
            one.starting = false;
        }
    }

    /// Nobody needs to hear of a process's end any more.
    pub(crate) fn process_ended(&self, process: &Process) {
        self.watched()
            .retain(|one| !std::ptr::eq(&*one.process, process));
        self.supervisor.look();
    }

    pub(crate) fn watched_processes(&self) -> Vec<Arc<Process>> {
        self.watched()
            .iter()
            .map(|one| one.process.clone())
            .collect()
    }

    fn watched(&self) -> MutexGuard<'_, Vec<Watched>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees to what processes that have ended by themselves leave behind. What they started may hold their streams
    /// open, and then nothing else tells of their end.
    pub(crate) fn see_to_ended(&self) {
        let mut ended = Vec::new();
        self.watched().retain(|one| {
            let gone = one.process.ended().is_some();
            if gone {
                ended.push(one.process.clone());
            }
            !gone
        });
        for process in ended {
            let running = self.all_plugins().into_iter().find_map(|plugin| {
                let instance = plugin.running()?;
                std::ptr::eq(&*instance.process, &*process).then_some(instance)
            });
            match running {
                Some(instance) => instance.bury(),
                None => {
                    process.end_tree();
                }
            }
        }
    }

    /// Begins to stop an instance that nobody will use again.
    pub(crate) fn stop_in_background(self: &Arc<Self>, instance: &Arc<Instance>) {
        instance.begin_stop();
    }

    /// Begins something that the engine's end has to wait for.
    pub(crate) fn busy(self: &Arc<Self>) -> Busy {
        *self.busy.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Busy(self.clone())
    }

    /// The same for a start, which is refused once the engine comes to its end.
    pub(crate) fn busy_starting(self: &Arc<Self>) -> Option<Busy> {
        let busy = self.busy();
        (!self.is_closing()).then_some(busy)
    }

    /// Stops plugins that have been idle for long enough, and says when the next may be due.
    pub(crate) fn stop_idle(self: &Arc<Self>) -> Option<Instant> {
        /// How soon a busy plugin is looked at again, at the most.
        const LOOK_AGAIN: Duration = Duration::from_millis(250);
        let now = Instant::now();
        let mut next: Option<Instant> = None;
        for plugin in self.all_plugins() {
            let (Some(limit), Some(instance)) =
                (plugin.idle_limit(self.config.idle), plugin.running())
            else {
                continue;
            };
            let due = match instance.idle_at(limit) {
                Some(due) if due <= now => {
                    if plugin.take_if_idle(&instance) {
                        self.stop_in_background(&instance);
                    }
                    continue;
                }
                Some(due) => due,
                // It cannot be due before it has been idle for the whole time.
                None => now + limit.max(Duration::from_millis(5)).min(LOOK_AGAIN),
            };
            next = Some(next.map_or(due, |next| next.min(due)));
        }
        next
    }

    /// Ends all plugins, at once rather than one after the other. Every step has its deadline.
    fn shutdown(self: &Arc<Self>) {
        self.closing.store(true, Ordering::SeqCst);
        let starting: Vec<_> = {
            let watched = self.watched();
            let starting = watched.iter().filter(|one| one.starting);
            starting.map(|one| one.process.clone()).collect()
        };
        // Whoever waits for them learns that the engine has come to its end.
        for process in starting {
            process.end_tree();
        }
        for plugin in self.all_plugins() {
            if let Some(instance) = plugin.take_running() {
                self.stop_in_background(&instance);
            }
        }
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        while *busy > 0 {
            busy = self
                .quiet
                .wait(busy)
                .unwrap_or_else(PoisonError::into_inner);
        }
        drop(busy);
        self.supervisor.close();
        self.sockets.remove();
        self.guard.release();
    }
}

impl std::fmt::Debug for EngineCore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EngineCore({})", self.mark)
    }
}

/// The plugin that made a custom value.
pub(crate) fn owner_of(value: &pegboard_protocol::CustomValue) -> Option<Arc<PluginCore>> {
    value.owner.mark::<Mark>()?.plugin.upgrade()
}

/// A path without `.` and `..`, so that a plugin has one path. Links are left as they are, unless a `..` follows.
fn plain_path(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    let climbs = path.components().any(|part| part == Component::ParentDir);
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) if climbs => Ok(parent.canonicalize()?.join(name)),
        _ => Ok(path),
    }
}

/// Whether there is a file that may be executed, or that is none to be.
pub(crate) fn may_run(path: &Path) -> bool {
    has_interpreter(path) || is_executable(path)
}

fn has_interpreter(path: &Path) -> bool {
    matches!(
        path.extension().and_then(|extension| extension.to_str()),
        Some("py" | "rb" | "jar" | "nu")
    )
}

/// The name that a plugin's file gives it.
fn plugin_name(path: &Path) -> Result<String, Error> {
    let stem = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default();
    let name = plain_name(&stem);
    if name.is_empty() {
        return Err(Error::misuse(format!(
            "{} does not name a plugin",
            path.display()
        )));
    }
    Ok(name.to_owned())
}
