//! Answers to what plugins ask while a call runs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pegboard_protocol::nu::{
    CallDecl, DeclId, EngineCall, EngineCallId, EngineResponse, EvalClosure, Header,
};
use pegboard_protocol::{LabeledError, Opaque, Value};
use pegboard_transport::InStream;

use crate::args::Usage;
use crate::engine::{Declaration, EngineCore};
use crate::engine_config;
use crate::instance::{Instance, Slot, SlotEvent};
use crate::plugin::{Plugin, PluginCore};
use crate::pump::{Pump, read_flow, send_flow};
use crate::{Error, Flow, runner};

/// Answers an engine call on this thread, with what the call's context provides.
pub(crate) fn answer(
    instance: &Arc<Instance>,
    slot: &Arc<Slot>,
    id: EngineCallId,
    call: EngineCall,
    input: Option<InStream>,
) {
    let name = call.name().to_owned();
    // Taken out of the call before it is answered, so that a stream that is refused is dropped.
    let outcome = if slot.is_abandoned() {
        Err(LabeledError::new("the call was cancelled"))
    } else {
        let respond = || respond(instance, slot, call, input);
        catch_unwind(AssertUnwindSafe(respond)).unwrap_or_else(|_| {
            let message = format!("{name}: the application panicked while it answered");
            Err(LabeledError::new(message))
        })
    };
    let (response, pump) = match outcome {
        Ok(Answer::Flow(flow)) => match send_flow(instance, slot, flow) {
            Ok((header, pump)) => (EngineResponse::Data(header), Some(pump)),
            Err(error) => (EngineResponse::Error(Box::new(error)), None),
        },
        Ok(Answer::Other(response)) => (response, None),
        Err(error) => (EngineResponse::Error(Box::new(named(error, &name))), None),
    };
    instance.answer(id, response);
    // A thread that cannot be had leaves the stream to its drop, which ends it.
    let _ = pump.map(Pump::start);
}

/// Says in the code which engine call an error is about, unless it has a code.
fn named(mut error: LabeledError, call: &str) -> LabeledError {
    if error.code.as_deref() == Some("pegboard::not_provided") {
        error.msg = format!("{call}: {}", error.msg);
    }
    error
}

/// The refusal of an engine call whose call has nobody to answer for it.
pub(crate) fn no_context(call: &EngineCall) -> EngineResponse {
    let message = format!(
        "{}: nothing can be asked of the engine during this call",
        call.name()
    );
    EngineResponse::Error(Box::new(LabeledError::new(message)))
}

/// Answers engine calls that come while a call's answer is streaming, on a thread of their own.
pub(crate) fn answer_late(instance: &Arc<Instance>, slot: Arc<Slot>) {
    let instance = instance.clone();
    let thread = {
        let (instance, slot) = (instance.clone(), slot.clone());
        std::thread::Builder::new()
            .name("pegboard engine calls".into())
            .spawn(move || answer_all(&instance, &slot))
    };
    if thread.is_err() {
        while let Some(event) = slot.next_late() {
            if let SlotEvent::EngineCall { id, call, .. } = event {
                instance.answer(id, no_context(&call));
            }
        }
    }
}

/// How long one wait for a plugin to read may be; another one follows.
const LOOK: Duration = Duration::from_secs(60);

fn answer_all(instance: &Arc<Instance>, slot: &Arc<Slot>) {
    while let Some(event) = slot.next_late() {
        if let SlotEvent::EngineCall { id, call, input } = event {
            // A plugin that does not read the answers gets no more of them.
            if let Some(connection) = instance.connection() {
                while !connection.wait_for_room(Instant::now() + LOOK) {}
            }
            answer(instance, slot, id, call, input);
        }
    }
}

enum Answer {
    Flow(Flow),
    Other(EngineResponse),
}

impl From<Option<Value>> for Answer {
    fn from(value: Option<Value>) -> Answer {
        Answer::Flow(value.map_or(Flow::Empty, Flow::value))
    }
}

fn respond(
    instance: &Arc<Instance>,
    slot: &Arc<Slot>,
    call: EngineCall,
    input: Option<InStream>,
) -> Result<Answer, LabeledError> {
    let context = &slot.context;
    let plugin = instance.plugin.upgrade().ok_or_else(closing)?;
    let engine = instance.engine.upgrade().ok_or_else(closing)?;
    Ok(match call {
        EngineCall::GetConfig => {
            let minor = instance.connection().map_or(0, |connection| {
                connection.ask(|session| session.dialect().minor())
            });
            let config = context
                .config(minor)?
                .unwrap_or_else(|| engine_config::for_version(minor));
            Answer::Other(EngineResponse::Config(Box::new(Opaque::from(config))))
        }
        EngineCall::GetPluginConfig => match &plugin.config.settings {
            Some(settings) => Some(settings.clone()).into(),
            None => context.plugin_config(&plugin.name)?.into(),
        },
        EngineCall::GetEnvVar(name) => context.environment_variable(&name)?.into(),
        EngineCall::GetEnvVars => {
            Answer::Other(EngineResponse::ValueMap(plain(context.environment()?)))
        }
        EngineCall::GetCurrentDir => {
            let directory = context.directory()?;
            let Some(directory) = directory.to_str() else {
                return Err(LabeledError::new(format!(
                    "GetCurrentDir: the path of the directory is not UTF-8, and so cannot be told to a plugin: {}",
                    directory.to_string_lossy()
                )));
            };
            Some(Value::string(directory)).into()
        }
        EngineCall::AddEnvVar(name, mut value) => {
            crate::custom::adopt(&mut value, instance);
            context.set_environment_variable(&name, value)?;
            None.into()
        }
        EngineCall::GetHelp => Some(Value::string(help(&plugin, &slot.command)?)).into(),
        EngineCall::EnterForeground => enter_foreground(instance, slot)?,
        EngineCall::LeaveForeground => {
            if slot.leave_foreground() {
                runner::take_terminal().map_err(|error| LabeledError::new(error.to_string()))?;
            }
            None.into()
        }
        EngineCall::GetSpanContents(span) => {
            Some(Value::binary(context.span_contents(span)?)).into()
        }
        EngineCall::EvalClosure(eval) => {
            let EvalClosure {
                closure,
                mut positional,
                input: header,
                ..
            } = *eval;
            let mut closure = closure.item;
            let values = positional
                .iter_mut()
                .chain(closure.captures.iter_mut().map(|(_, value)| value));
            values.for_each(|value| crate::custom::adopt(value, instance));
            let flow = read_flow(instance, header, input, None);
            Answer::Flow(context.evaluate(&closure, positional, flow)?)
        }
        EngineCall::FindDecl(name) => match find(&engine, slot, &name) {
            Some(id) => Answer::Other(EngineResponse::Identifier(id)),
            None => Answer::Other(EngineResponse::Data(Header::Empty)),
        },
        EngineCall::CallDecl(call) => {
            Answer::Flow(call_declaration(instance, &engine, slot, *call, input)?)
        }
        EngineCall::GetBlockIr(_) => {
            return Err(LabeledError::new(
                "GetBlockIR: this application has no Nushell code, and so no blocks of it",
            ));
        }
        EngineCall::Unknown(name) => {
            return Err(LabeledError::new(format!(
                "{name}: this engine does not know this engine call"
            )));
        }
    })
}

fn closing() -> LabeledError {
    LabeledError::new("the engine is being shut down")
}

/// Environment variables hold no custom values that a plugin could use.
fn plain(values: Vec<(String, Value)>) -> Vec<(String, Value)> {
    values
        .into_iter()
        .filter(|(_, value)| !matches!(value, Value::Custom(..)))
        .collect()
}

fn help(plugin: &Arc<PluginCore>, command: &str) -> Result<String, LabeledError> {
    let signatures = plugin.signatures().map_err(Error::into_labeled)?;
    match signatures
        .iter()
        .find(|signature| signature.sig.name == command)
    {
        Some(signature) => Ok(Usage::new(signature).to_string()),
        None => Err(LabeledError::new(format!(
            "GetHelp: the plugin has no command `{command}` in its signatures"
        ))),
    }
}

fn enter_foreground(instance: &Arc<Instance>, slot: &Arc<Slot>) -> Result<Answer, LabeledError> {
    if !slot.context.allows_foreground() {
        return Err(LabeledError::new(
            "EnterForeground: this application does not give its terminal to plugins",
        ));
    }
    if !slot.enter_foreground() {
        return Err(LabeledError::new(
            "EnterForeground: the plugin has the terminal already",
        ));
    }
    if let Err(error) = runner::give_terminal(instance.process.pid()) {
        slot.leave_foreground();
        return Err(LabeledError::new(format!(
            "EnterForeground: there is no terminal to give: {error}"
        )));
    }
    Ok(None.into())
}

fn find(engine: &Arc<EngineCore>, slot: &Arc<Slot>, name: &str) -> Option<DeclId> {
    if slot.context.command(name).is_some() {
        return Some(engine.declare(Declaration::Application {
            command: name.to_owned(),
        }));
    }
    for plugin in engine.all_plugins() {
        // A plugin that cannot be asked has no commands to offer.
        let Ok(signatures) = plugin.signatures() else {
            continue;
        };
        if signatures
            .iter()
            .any(|signature| signature.sig.name == name)
        {
            let declaration = Declaration::Plugin {
                plugin: plugin.name.clone(),
                command: name.to_owned(),
            };
            return Some(engine.declare(declaration));
        }
    }
    None
}

fn call_declaration(
    instance: &Arc<Instance>,
    engine: &Arc<EngineCore>,
    slot: &Arc<Slot>,
    call: CallDecl,
    input: Option<InStream>,
) -> Result<Flow, LabeledError> {
    let mut arguments = call.call;
    let values = arguments
        .positional
        .iter_mut()
        .chain(arguments.named.iter_mut().filter_map(|(_, v)| v.as_mut()));
    values.for_each(|value| crate::custom::adopt(value, instance));
    let flow = read_flow(instance, call.input, input, None);
    let unknown = || {
        LabeledError::new(format!(
            "CallDecl: there is no command with the number {}",
            call.decl_id
        ))
    };
    match engine.declaration(call.decl_id).ok_or_else(unknown)? {
        Declaration::Application { command } => {
            let function = slot.context.command(&command).ok_or_else(unknown)?;
            function(arguments, flow)
        }
        Declaration::Plugin { plugin, command } => {
            let core = engine
                .all_plugins()
                .into_iter()
                .find(|core| core.name == plugin)
                .ok_or_else(unknown)?;
            let mut run = Plugin { core }
                .run(command)
                .arguments(arguments)
                .input(flow)
                .context(slot.context.clone());
            // Who gives the outer call up wants nothing of the inner one either.
            let bounds = slot.bounds();
            if let Some(until) = bounds.until {
                run = run.deadline(until.saturating_duration_since(Instant::now()));
            }
            if let Some(token) = &bounds.cancel {
                run = run.cancel(token);
            }
            run.call().map_err(Error::into_labeled)
        }
    }
}
