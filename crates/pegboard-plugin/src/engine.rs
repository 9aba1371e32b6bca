//! What a plugin can ask of its engine.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use pegboard_protocol::nu::{
    CallDecl, CallId, DeclId, EngineCall, EngineResponse, EvalClosure, EvaluatedCall, Header,
    PluginOption,
};
use pegboard_protocol::{Closure, LabeledError, Opaque, Span, Spanned, Value};

use crate::runtime::Shared;
use crate::{Input, Output};

/// Asks the engine things on behalf of one call. Valid until the call's answer is complete, its streams included.
#[derive(Clone)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
    pub(crate) context: CallId,
    /// What the call is about, for errors that point at it.
    pub(crate) at: Span,
}

impl Engine {
    /// The version of Nushell that the engine speaks, such as `0.115.1`.
    pub fn version(&self) -> String {
        self.shared.engine_version()
    }

    /// An environment variable of the caller's; none if it is not set.
    pub fn env(&self, name: &str) -> Result<Option<Value>, LabeledError> {
        self.value(EngineCall::GetEnvVar(name.to_owned()))
    }

    /// All environment variables of the caller's.
    pub fn envs(&self) -> Result<Vec<(String, Value)>, LabeledError> {
        match self.ask(EngineCall::GetEnvVars)?.0 {
            EngineResponse::ValueMap(values) => Ok(values),
            other => Err(unexpected("GetEnvVars", &other)),
        }
    }

    /// Sets an environment variable for the caller. Has no effect any more once a stream is being given out.
    pub fn set_env(&self, name: &str, value: impl Into<Value>) -> Result<(), LabeledError> {
        self.value(EngineCall::AddEnvVar(name.to_owned(), value.into()))
            .map(drop)
    }

    /// The caller's directory. The plugin's own working directory is another one.
    pub fn current_dir(&self) -> Result<PathBuf, LabeledError> {
        match self.value(EngineCall::GetCurrentDir)? {
            Some(Value::String(path, _)) => Ok(path.into()),
            _ => Err(LabeledError::new("the engine gave no current directory")),
        }
    }

    /// A path as the caller means it: a relative one starts at the caller's directory, and a leading `~` is the caller's
    /// home. The engine is asked only if it has to be. `.` and `..` are taken out, symbolic links are not followed.
    pub fn absolute(&self, path: impl AsRef<Path>) -> Result<PathBuf, LabeledError> {
        let path = path.as_ref();
        let (start, path) = match path.strip_prefix("~") {
            Ok(below) => match self.env("HOME")? {
                Some(Value::String(home, _)) => (home.into(), below),
                _ => (self.current_dir()?, path),
            },
            Err(_) if path.is_absolute() => (PathBuf::new(), path),
            Err(_) => (self.current_dir()?, path),
        };
        let mut whole = PathBuf::new();
        for component in start.join(path).components() {
            match component {
                Component::CurDir => {}
                Component::ParentDir => drop(whole.pop()),
                other => whole.push(other),
            }
        }
        Ok(whole)
    }

    /// The engine's whole configuration, as it is. Its shape changes with every release of Nushell.
    pub fn config(&self) -> Result<Opaque, LabeledError> {
        match self.ask(EngineCall::GetConfig)?.0 {
            EngineResponse::Config(config) => Ok(*config),
            other => Err(unexpected("GetConfig", &other)),
        }
    }

    /// What the user has configured for this plugin, if anything.
    pub fn plugin_config(&self) -> Result<Option<Value>, LabeledError> {
        self.value(EngineCall::GetPluginConfig)
    }

    /// The help text of the running command.
    pub fn help(&self) -> Result<String, LabeledError> {
        match self.value(EngineCall::GetHelp)? {
            Some(Value::String(text, _)) => Ok(text),
            _ => Err(LabeledError::new("the engine gave no help text")),
        }
    }

    /// The source text at a place; empty if there is none.
    pub fn span_contents(&self, span: Span) -> Result<Vec<u8>, LabeledError> {
        match self.value(EngineCall::GetSpanContents(span))? {
            Some(Value::Binary(bytes, _)) => Ok(bytes),
            Some(Value::String(text, _)) => Ok(text.into_bytes()),
            _ => Ok(Vec::new()),
        }
    }

    /// Evaluates a closure that the engine gave.
    pub fn eval(
        &self,
        closure: Spanned<Closure>,
        arguments: Vec<Value>,
        input: impl Into<Output>,
    ) -> Result<Input, LabeledError> {
        let call = |input| {
            EngineCall::EvalClosure(Box::new(EvalClosure {
                closure,
                positional: arguments,
                input,
                redirect_stdout: true,
                redirect_stderr: false,
            }))
        };
        self.flow(call, input.into())
    }

    /// The number of the engine's command with this name, if there is one. Needs Nushell 0.96.
    pub fn find_command(&self, name: &str) -> Result<Option<DeclId>, LabeledError> {
        match self.ask(EngineCall::FindDecl(name.to_owned()))?.0 {
            EngineResponse::Identifier(id) => Ok(Some(id)),
            EngineResponse::Data(Header::Empty) => Ok(None),
            other => Err(unexpected("FindDecl", &other)),
        }
    }

    /// Runs a command of the engine's by its number. Needs Nushell 0.96.
    pub fn call_command(
        &self,
        command: DeclId,
        arguments: EvaluatedCall,
        input: impl Into<Output>,
    ) -> Result<Input, LabeledError> {
        let call = |input| {
            EngineCall::CallDecl(Box::new(CallDecl {
                decl_id: command,
                call: arguments,
                input,
                redirect_stdout: true,
                redirect_stderr: false,
            }))
        };
        self.flow(call, input.into())
    }

    /// The code of a closure's block, as it is. Needs Nushell 0.110.
    pub fn block_ir(&self, block: u64) -> Result<Opaque, LabeledError> {
        match self.ask(EngineCall::GetBlockIr(block))?.0 {
            EngineResponse::IrBlock(block) => Ok(*block),
            other => Err(unexpected("GetBlockIR", &other)),
        }
    }

    /// Takes the terminal, until what is given back is dropped.
    pub fn enter_foreground(&self) -> Result<Foreground, LabeledError> {
        let group = match self.value(EngineCall::EnterForeground)? {
            Some(Value::Int(group, _)) => i32::try_from(group).ok(),
            _ => None,
        };
        if let Some(group) = group
            && let Err(error) = pegboard_transport::join_group(Some(group))
        {
            let _ = self.value(EngineCall::LeaveForeground);
            return Err(LabeledError::new(format!(
                "the terminal's process group cannot be joined: {error}"
            )));
        }
        Ok(Foreground {
            engine: self.clone(),
            joined: group.is_some(),
        })
    }

    /// Asks the engine not to stop the plugin when it is idle, or to do so again.
    pub fn set_gc_disabled(&self, disabled: bool) -> Result<(), LabeledError> {
        self.shared.option(PluginOption::GcDisabled(disabled))
    }

    /// True while the user wants what runs to stop. Streams and inputs see to it themselves.
    pub fn is_interrupted(&self) -> bool {
        self.shared.interrupts.is_set()
    }

    /// Has a function called at every interrupt, on a thread of its own, until what is given back is dropped.
    #[must_use = "it is called no more when this is dropped"]
    pub fn on_interrupt(&self, act: impl Fn() + Send + Sync + 'static) -> OnInterrupt {
        OnInterrupt {
            _registration: self.shared.interrupts.on(act),
        }
    }

    fn flow(
        &self,
        call: impl FnOnce(Header) -> EngineCall,
        input: Output,
    ) -> Result<Input, LabeledError> {
        let (response, output) = self.shared.engine_call_with_input(self, call, input)?;
        match response {
            EngineResponse::Data(header) => Ok(self.shared.input(header, output)),
            EngineResponse::Error(error) => Err(*error),
            other => Err(unexpected("the call", &other)),
        }
    }

    fn value(&self, call: EngineCall) -> Result<Option<Value>, LabeledError> {
        let name = call.name().to_owned();
        let (response, output) = self.ask(call)?;
        match response {
            EngineResponse::Data(header) => {
                let input: Input = self.shared.input(header, output);
                Ok(Some(input.into_value()?).filter(|value| !matches!(value, Value::Nothing(_))))
            }
            other => Err(unexpected(&name, &other)),
        }
    }

    fn ask(
        &self,
        call: EngineCall,
    ) -> Result<(EngineResponse, Option<pegboard_transport::InStream>), LabeledError> {
        match self.shared.engine_call(self.context, call)? {
            (EngineResponse::Error(error), _) => Err(*error),
            answer => Ok(answer),
        }
    }
}

fn unexpected(call: &str, response: &EngineResponse) -> LabeledError {
    let kind = match response {
        EngineResponse::Error(_) => "Error",
        EngineResponse::Data(_) => "PipelineData",
        EngineResponse::Config(_) => "Config",
        EngineResponse::ValueMap(_) => "ValueMap",
        EngineResponse::Identifier(_) => "Identifier",
        EngineResponse::IrBlock(_) => "IrBlock",
    };
    LabeledError::new(format!("the engine answered {call} with `{kind}`"))
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Engine({})", self.context)
    }
}

/// Takes a function for interrupts back when it is dropped.
pub struct OnInterrupt {
    _registration: crate::runtime::Registration,
}

impl std::fmt::Debug for OnInterrupt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OnInterrupt")
    }
}

/// The plugin has the terminal. Dropping it gives the terminal back.
#[derive(Debug)]
pub struct Foreground {
    engine: Engine,
    joined: bool,
}

impl Drop for Foreground {
    fn drop(&mut self) {
        if self.joined {
            // There is nobody to tell of an error, and the engine takes the terminal back in any case.
            let _ = pegboard_transport::join_group(None);
        }
        let _ = self.engine.value(EngineCall::LeaveForeground);
    }
}
