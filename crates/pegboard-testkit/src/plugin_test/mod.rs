//! A plugin under test, with an engine made of what the test says.

mod answer;
mod difference;
mod engine;
mod examples;
mod line;
mod output;
mod run;
mod start;

pub use examples::{Checked, Outcome};
pub use run::Run;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pegboard_args::nearest;
use pegboard_plugin::{Input, LabeledError, Output, Plugin, Span, Value};
use pegboard_protocol::nu::{
    Change, Completion, CompletionTarget, CustomValueOp, EngineCall, EvaluatedCall, PluginOption,
    PluginSignature, Signal, Signature, Suggestion,
};
use pegboard_protocol::{Closure, Opaque};

use difference::without_places;
use engine::{Block, EngineSide, lock};
use start::Start;

/// How long anything may take, unless [`PluginTest::patience`] says otherwise.
const PATIENCE: Duration = Duration::from_secs(10);
/// The version that the engine has, unless [`PluginTest::version`] says otherwise.
const VERSION: &str = "0.115.1";

/// A plugin, and an engine that knows what the test has told it. Both ends of the real conversation run in this process,
/// over memory: values, streams and errors take the way that they take in a real engine, in well under a millisecond.
///
/// ```
/// use pegboard_plugin::{Command, LabeledError, Plugin, Value};
/// use pegboard_testkit::PluginTest;
///
/// fn plugin() -> Plugin {
///     Plugin::new("greet", "1.0.0").command(
///         Command::new("greet", "Greets its input")
///             .switch("loud", 'l', "In capitals")
///             .example("'you' | greet", "Greets you", Value::string("Hello, you!"))
///             .run(|call| {
///                 let name = match call.engine().env("NAME")? {
///                     Some(Value::String(name, _)) => name,
///                     _ => call.input().into_text()?,
///                 };
///                 let greeting = format!("Hello, {name}!");
///                 let loud = call.has("loud");
///                 Ok(Value::string(if loud { greeting.to_uppercase() } else { greeting }))
///             }),
///     )
/// }
///
/// # fn main() -> Result<(), LabeledError> {
/// PluginTest::new(plugin()).check();
///
/// let test = PluginTest::new(plugin()).env("NAME", "me");
/// let value = test.run("greet").switch("loud").input("you").value()?;
/// assert_eq!(value, Value::string("HELLO, ME!"));
/// assert_eq!(test.line("'you' | greet")?, Value::string("Hello, me!"));
/// # Ok(())
/// # }
/// ```
///
/// The plugin starts with the first call and ends when this is dropped. Nothing is waited for without end: what takes
/// longer than [`PluginTest::patience`] is an error that says what was waited for.
pub struct PluginTest {
    side: Arc<EngineSide>,
    start: Start,
    /// What is wrong with the plugin's definitions.
    mistakes: Vec<String>,
}

impl PluginTest {
    /// A plugin to be tested, in an engine of the newest version that knows nothing yet.
    pub fn new(plugin: Plugin) -> PluginTest {
        PluginTest {
            mistakes: plugin.mistakes(),
            side: Arc::new(EngineSide::new(plugin.signatures(), PATIENCE)),
            start: Start::new(plugin, VERSION),
        }
    }

    /// Lets the engine have this version of Nushell, such as `0.98.0`.
    #[must_use]
    pub fn version(mut self, version: &str) -> PluginTest {
        self.start.version = version.to_owned();
        self
    }

    /// Lets the plugin talk JSON rather than the encoding of its own choice.
    #[must_use]
    pub fn json(mut self) -> PluginTest {
        self.start.json = true;
        self
    }

    /// How long each answer, each item of an output and each whole value may take; 10 seconds if nothing is said.
    #[must_use]
    pub fn patience(self, patience: Duration) -> PluginTest {
        lock(&self.side.state).patience = patience;
        self
    }

    /// Sets an environment variable of the caller's.
    #[must_use]
    pub fn env(self, name: impl Into<String>, value: impl Into<Value>) -> PluginTest {
        let variable = (name.into(), value.into());
        lock(&self.side.state).environment.extend([variable]);
        self
    }

    /// Sets the caller's directory, an absolute path: with another one, nothing runs. Without one, a plugin that asks
    /// for it gets an error.
    #[must_use]
    pub fn directory(self, directory: impl Into<PathBuf>) -> PluginTest {
        lock(&self.side.state).directory = Some(directory.into());
        self
    }

    /// Sets what the user has configured for the plugin.
    #[must_use]
    pub fn plugin_config(self, config: impl Into<Value>) -> PluginTest {
        lock(&self.side.state).plugin_config = Some(config.into());
        self
    }

    /// Sets the engine's own configuration. Without one, a plugin that asks for it gets an error.
    #[must_use]
    pub fn config(self, config: impl Into<Opaque>) -> PluginTest {
        lock(&self.side.state).config = Some(config.into());
        self
    }

    /// Adds a command of the engine's, which the plugin can find and call, and which pipelines and examples can use.
    ///
    /// It takes any arguments; in pipelines, flags come to it as text.
    #[must_use]
    pub fn command(
        self,
        name: impl Into<String>,
        command: impl Fn(Input, EvaluatedCall) -> Result<Output, LabeledError> + Send + Sync + 'static,
    ) -> PluginTest {
        let command = (name.into(), Arc::new(command) as Arc<engine::CommandFn>);
        lock(&self.side.state).commands.push(command);
        self
    }

    /// A closure to be given to the plugin, as an argument or inside a value: its arguments and input in, its output
    /// out. It may be evaluated on several threads at once.
    pub fn closure(
        &self,
        closure: impl Fn(Vec<Value>, Input) -> Result<Output, LabeledError> + Send + Sync + 'static,
    ) -> Value {
        let closure: Closure = self.side.keep(Block::Function(Arc::new(closure)));
        Value::Closure(Box::new(closure), Span::UNKNOWN)
    }

    /// Puts a run of a command together.
    pub fn run(&self, command: &str) -> Run<'_> {
        Run::new(self, command)
    }

    /// Runs a pipeline that is written as text, such as `"a b" | words count --top 2`, and gives its whole output.
    ///
    /// It may use the commands of the plugin and those of [`PluginTest::command`]; of Nushell's language only literals,
    /// commands and closures made of these. Paths that are arguments become absolute only where the version does that,
    /// before 0.106. An error in the output, also as an item of it, is the result. The value comes without its places in the source; a plugin that asks for the source text at a place gets that of the line.
    pub fn line(&self, text: &str) -> Result<Value, LabeledError> {
        self.connection()?;
        let end = Instant::now() + self.side.patience();
        let pipeline = self.side.read(text)?;
        let output = self.side.evaluate(&pipeline, Input::Empty, Some(end))?;
        whole(output).map(without_places)
    }

    /// The plain value behind every custom value in this one, as the plugin gives it.
    pub fn base_value(&self, value: Value) -> Result<Value, LabeledError> {
        self.connection()?;
        self.side.base_value(value)
    }

    /// Applies an operation to a custom value of the plugin's. One that gives no value, such as saving, gives nothing; a
    /// comparison gives -1, 0 or 1, or nothing.
    pub fn operate(&self, custom: &Value, operation: CustomValueOp) -> Result<Value, LabeledError> {
        self.connection()?;
        self.side.operate(custom, operation)
    }

    /// Tells the plugin that the user wants what runs to stop, or that this is over again.
    pub fn signal(&self, signal: Signal) -> Result<(), LabeledError> {
        self.connection()?.session(|session| session.signal(signal));
        Ok(())
    }

    /// The candidates that the plugin offers for an argument or flag of a command; none if it leaves that to the engine.
    /// Engines before 0.109 cannot ask, and those before 0.108 do not know the words of `Command::candidates`.
    pub fn complete(
        &self,
        command: &str,
        name: &str,
    ) -> Result<Option<Vec<Suggestion>>, LabeledError> {
        let signature = &self.signature(command)?.sig;
        let target = target(signature, name)?;
        let host = self.connection()?;
        if let Some(words) = words(signature, name) {
            let known = host.ask(|session| session.dialect().has(Change::Completions));
            let suggestion = |word: &String| Suggestion {
                value: word.clone(),
                ..Suggestion::default()
            };
            return Ok(known.then(|| words.iter().map(suggestion).collect()));
        }
        self.side.complete(command, target)
    }

    /// The caller's environment as it is now, with what the plugin has set.
    pub fn environment(&self) -> BTreeMap<String, Value> {
        lock(&self.side.state).environment.clone()
    }

    /// What the plugin has asked of the engine, in order.
    pub fn engine_calls(&self) -> Vec<EngineCall> {
        lock(&self.side.state).asked.clone()
    }

    /// What the plugin has wished for, in order, such as not to be stopped when it is idle.
    pub fn options(&self) -> Vec<PluginOption> {
        lock(&self.side.state).options.clone()
    }

    /// Says goodbye and waits until the plugin has ended. An error says that it did not, or how it failed.
    pub fn end(self) -> Result<(), LabeledError> {
        self.start.end(&self.side)
    }

    /// The connection to the plugin, which is started if it was not yet.
    fn connection(&self) -> Result<start::Host, LabeledError> {
        if let Some(directory) = &lock(&self.side.state).directory
            && !directory.is_absolute()
        {
            let directory = directory.display();
            return Err(LabeledError::new(format!(
                "the test's directory `{directory}` is not absolute: see `PluginTest::directory`"
            )));
        }
        self.start.connection(&self.side)
    }

    fn signature(&self, command: &str) -> Result<&PluginSignature, LabeledError> {
        let signatures = &self.side.signatures;
        if let Some(found) = signatures.iter().find(|known| known.sig.name == command) {
            return Ok(found);
        }
        let names = signatures.iter().map(|known| known.sig.name.as_str());
        let error = LabeledError::new(format!("the plugin has no command `{command}`"));
        Err(match nearest(command, names) {
            Some(meant) => error.with_help(format!("did you mean `{meant}`?")),
            None => error,
        })
    }
}

/// The whole output as one value. As in an engine that goes on with it, an error in it is all there is.
fn whole(output: Output) -> Result<Value, LabeledError> {
    match output.into_value()? {
        Value::Error(error, _) => Err(*error),
        Value::List(items, span) => {
            let items = items.into_iter().map(|item| match item {
                Value::Error(error, _) => Err(*error),
                item => Ok(item),
            });
            Ok(Value::List(items.collect::<Result<_, _>>()?, span))
        }
        value => Ok(value),
    }
}

/// The words that the signature itself has for the argument or flag of this name.
fn words<'a>(signature: &'a Signature, name: &str) -> Option<&'a [String]> {
    let named = signature
        .required_positional
        .iter()
        .chain(&signature.optional_positional)
        .chain(&signature.rest_positional);
    let arguments = named.map(|argument| (&argument.name, &argument.completion));
    let flags = signature
        .named
        .iter()
        .map(|flag| (&flag.long, &flag.completion));
    let mut all = arguments.chain(flags);
    match all.find(|(known, _)| *known == name)?.1 {
        Some(Completion::List(words)) => Some(words),
        _ => None,
    }
}

/// What an engine calls the argument or flag of this name.
fn target(signature: &Signature, name: &str) -> Result<CompletionTarget, LabeledError> {
    let named = signature
        .required_positional
        .iter()
        .chain(&signature.optional_positional);
    let mut arguments = named.chain(&signature.rest_positional);
    if let Some(place) = arguments.position(|argument| argument.name == name) {
        return Ok(CompletionTarget::Positional(place as u64));
    }
    if signature.named.iter().any(|flag| flag.long == name) {
        return Ok(CompletionTarget::Flag(name.to_owned()));
    }
    let command = &signature.name;
    Err(LabeledError::new(format!(
        "`{command}` has no argument or flag `{name}`"
    )))
}

impl Drop for PluginTest {
    fn drop(&mut self) {
        self.side.hang_up();
    }
}

impl std::fmt::Debug for PluginTest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PluginTest").finish_non_exhaustive()
    }
}
