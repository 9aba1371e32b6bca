//! What a plugin can ask of the application while a command runs.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pegboard_protocol::nu::EvaluatedCall;
use pegboard_protocol::{Closure, LabeledError, Span, Value};

use crate::{Flow, Sources};

/// Answers a plugin's questions to the application. Each method refuses unless it is implemented; the plugin is told
/// so and goes on.
///
/// Methods may be called from several threads at once, and as long as a stream of the call is open.
pub trait Context: Send + Sync {
    /// The value of an environment variable; none if it is not set.
    fn environment_variable(&self, name: &str) -> Result<Option<Value>, LabeledError> {
        let all = self.environment()?;
        Ok(all
            .into_iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value))
    }

    /// All environment variables.
    fn environment(&self) -> Result<Vec<(String, Value)>, LabeledError> {
        Err(not_provided("environment variables"))
    }

    /// Sets an environment variable for the caller.
    fn set_environment_variable(&self, name: &str, value: Value) -> Result<(), LabeledError> {
        let _ = (name, value);
        Err(not_provided("setting environment variables"))
    }

    /// The caller's directory. A plugin that asks for one whose path is not UTF-8 gets an error, since messages cannot
    /// carry it.
    fn directory(&self) -> Result<PathBuf, LabeledError> {
        Err(not_provided("a current directory"))
    }

    /// The user's configuration for the plugin of this name, if it is not in the plugin's own settings.
    fn plugin_config(&self, plugin: &str) -> Result<Option<Value>, LabeledError> {
        let _ = plugin;
        Ok(None)
    }

    /// The engine's configuration, as JSON of the form that Nushell 0.`minor` has. None for that version's defaults.
    fn config(&self, minor: u64) -> Result<Option<serde_json::Value>, LabeledError> {
        let _ = minor;
        Ok(None)
    }

    /// The text at a place of the source. Empty if there is none, as in a real Nushell for spans that it does not know.
    fn span_contents(&self, span: Span) -> Result<Vec<u8>, LabeledError> {
        let _ = span;
        Ok(Vec::new())
    }

    /// Evaluates a closure.
    fn evaluate(
        &self,
        closure: &Closure,
        arguments: Vec<Value>,
        input: Flow,
    ) -> Result<Flow, LabeledError> {
        let _ = (closure, arguments, input);
        Err(not_provided("closures"))
    }

    /// A command of the application's own, by name; none if there is none of that name.
    ///
    /// Commands of the engine's plugins are found without this.
    fn command(&self, name: &str) -> Option<Arc<CommandFn>> {
        let _ = name;
        None
    }

    /// Whether plugins may take the terminal.
    fn allows_foreground(&self) -> bool {
        false
    }
}

/// A command of the application's own.
pub type CommandFn = dyn Fn(EvaluatedCall, Flow) -> Result<Flow, LabeledError> + Send + Sync;
/// A closure of the application's own: arguments and input in, output out.
pub type ClosureFn = dyn Fn(Vec<Value>, Flow) -> Result<Flow, LabeledError> + Send + Sync;

fn not_provided(what: &str) -> LabeledError {
    LabeledError::new(format!(
        "this application does not provide {what} to plugins"
    ))
    .with_code("pegboard::not_provided")
}

/// Answers nothing: every question is refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoContext;

impl Context for NoContext {}

/// A context made of values and functions that the application puts in.
#[derive(Default)]
pub struct AppContext {
    environment: Mutex<BTreeMap<String, Value>>,
    directory: Option<PathBuf>,
    plugin_config: BTreeMap<String, Value>,
    sources: Option<Arc<Sources>>,
    closures: Mutex<HashMap<u64, Arc<ClosureFn>>>,
    commands: HashMap<String, Arc<CommandFn>>,
    foreground: bool,
}

impl AppContext {
    /// A context that provides nothing yet.
    pub fn new() -> AppContext {
        AppContext::default()
    }

    /// Provides environment variables as strings. Names and values that are not UTF-8 are left out.
    #[must_use]
    pub fn with_environment(
        self,
        variables: impl IntoIterator<Item = (std::ffi::OsString, std::ffi::OsString)>,
    ) -> AppContext {
        let strings = variables.into_iter().filter_map(|(name, value)| {
            Some((
                name.into_string().ok()?,
                Value::string(value.into_string().ok()?),
            ))
        });
        lock(&self.environment).extend(strings);
        self
    }

    /// Provides the caller's directory.
    #[must_use]
    pub fn with_directory(mut self, directory: impl Into<PathBuf>) -> AppContext {
        self.directory = Some(directory.into());
        self
    }

    /// Provides the configuration for the plugin of this name.
    #[must_use]
    pub fn with_plugin_config(mut self, plugin: impl Into<String>, config: Value) -> AppContext {
        self.plugin_config.insert(plugin.into(), config);
        self
    }

    /// Provides the source text that spans point into.
    #[must_use]
    pub fn with_sources(mut self, sources: Arc<Sources>) -> AppContext {
        self.sources = Some(sources);
        self
    }

    /// Provides a command that plugins can find by name and call.
    #[must_use]
    pub fn with_command(
        mut self,
        name: impl Into<String>,
        command: impl Fn(EvaluatedCall, Flow) -> Result<Flow, LabeledError> + Send + Sync + 'static,
    ) -> AppContext {
        self.commands.insert(name.into(), Arc::new(command));
        self
    }

    /// Lets plugins take the terminal while their commands run.
    #[must_use]
    pub fn with_foreground(mut self) -> AppContext {
        self.foreground = true;
        self
    }

    /// Makes a closure value that plugins can have evaluated in this context.
    pub fn closure(
        &self,
        closure: impl Fn(Vec<Value>, Flow) -> Result<Flow, LabeledError> + Send + Sync + 'static,
    ) -> Value {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let block_id = NEXT.fetch_add(1, Ordering::Relaxed);
        lock(&self.closures).insert(block_id, Arc::new(closure));
        Value::Closure(
            Box::new(Closure {
                block_id,
                captures: Vec::new(),
            }),
            Span::UNKNOWN,
        )
    }

    /// What the environment is now, with what plugins have set.
    pub fn current_environment(&self) -> BTreeMap<String, Value> {
        lock(&self.environment).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Context for AppContext {
    fn environment_variable(&self, name: &str) -> Result<Option<Value>, LabeledError> {
        Ok(lock(&self.environment).get(name).cloned())
    }

    fn environment(&self) -> Result<Vec<(String, Value)>, LabeledError> {
        Ok(lock(&self.environment)
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect())
    }

    fn set_environment_variable(&self, name: &str, value: Value) -> Result<(), LabeledError> {
        lock(&self.environment).insert(name.to_owned(), value);
        Ok(())
    }

    fn directory(&self) -> Result<PathBuf, LabeledError> {
        self.directory
            .clone()
            .ok_or_else(|| not_provided("a current directory"))
    }

    fn plugin_config(&self, plugin: &str) -> Result<Option<Value>, LabeledError> {
        Ok(self.plugin_config.get(plugin).cloned())
    }

    fn span_contents(&self, span: Span) -> Result<Vec<u8>, LabeledError> {
        let sources = self.sources.as_ref();
        Ok(sources.map_or_else(Vec::new, |sources| sources.contents(span)))
    }

    fn evaluate(
        &self,
        closure: &Closure,
        arguments: Vec<Value>,
        input: Flow,
    ) -> Result<Flow, LabeledError> {
        let found = lock(&self.closures).get(&closure.block_id).cloned();
        match found {
            Some(function) => function(arguments, input),
            None => Err(LabeledError::new(format!(
                "there is no closure with the number {}",
                closure.block_id
            ))),
        }
    }

    fn command(&self, name: &str) -> Option<Arc<CommandFn>> {
        self.commands.get(name).cloned()
    }

    fn allows_foreground(&self) -> bool {
        self.foreground
    }
}

impl std::fmt::Debug for AppContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppContext")
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}
