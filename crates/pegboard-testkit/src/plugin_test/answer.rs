//! What the engine says to the plugin's questions.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use pegboard_args::Usage;
use pegboard_plugin::{Input, LabeledError, Output, Value};
use pegboard_protocol::nu::{
    CallId, DeclId, EngineCall, EngineCallId, EngineResponse, Header, PluginSignature,
};
use pegboard_transport::{Handler, InStream, Incoming};

use super::engine::{Block, EngineSide, Open, SOURCE, State, lock};
use super::output::{Until, read};

/// What a connection tells.
pub(super) struct Ear(pub(super) Arc<EngineSide>);

impl Handler for Ear {
    fn handle(&self, incoming: Incoming) {
        let side = &self.0;
        match incoming {
            Incoming::Response {
                id,
                response,
                output,
            } => {
                let answer = lock(&side.calls)
                    .get_mut(&id)
                    .and_then(|call| call.answer.take());
                if let Some(answer) = answer {
                    // Nobody may be waiting any more.
                    let _ = answer.send((response, output));
                }
            }
            Incoming::CallClosed { id } | Incoming::CallFailed { id } => {
                lock(&side.calls).remove(&id);
            }
            Incoming::EngineCall {
                context,
                id,
                call,
                input,
            } => {
                let response = side.reply(context, id, call, input);
                if let (Some(response), Ok(host)) = (response, side.connected()) {
                    host.session(|session| session.answer(id, response));
                }
            }
            Incoming::Option(option) => lock(&side.state).options.push(option),
            // Who waits is told by the end of the calls and streams.
            _ => {}
        }
    }
}

impl EngineSide {
    /// What the engine says to a question; none if somebody else will say it.
    fn reply(
        self: &Arc<Self>,
        context: CallId,
        id: EngineCallId,
        call: EngineCall,
        input: Option<InStream>,
    ) -> Option<EngineResponse> {
        let mut state = lock(&self.state);
        state.asked.push(call.clone());
        let value = |value| EngineResponse::Data(Header::Value(value, None));
        let maybe = |found: Option<Value>| found.map_or(EngineResponse::Data(Header::Empty), value);
        Some(match call {
            EngineCall::GetEnvVar(name) => maybe(state.environment.get(&name).cloned()),
            EngineCall::GetEnvVars => {
                EngineResponse::ValueMap(state.environment.clone().into_iter().collect())
            }
            EngineCall::AddEnvVar(name, new) => {
                state.environment.insert(name, new);
                EngineResponse::Data(Header::Empty)
            }
            EngineCall::GetCurrentDir => match &state.directory {
                Some(directory) => value(Value::string(directory.to_string_lossy())),
                None => refuse("the test has no directory: see `PluginTest::directory`"),
            },
            EngineCall::GetPluginConfig => maybe(state.plugin_config.clone()),
            EngineCall::GetConfig => match &state.config {
                Some(config) => EngineResponse::Config(Box::new(config.clone())),
                None => refuse("the test has no configuration: see `PluginTest::config`"),
            },
            EngineCall::GetHelp => {
                let calls = lock(&self.calls);
                let command = calls.get(&context).map(|call| call.command.as_str());
                let known = |signature: &&PluginSignature| Some(&*signature.sig.name) == command;
                match self.signatures.iter().find(known) {
                    Some(signature) => value(Value::string(Usage::new(signature).to_string())),
                    None => refuse("no command is running that has help"),
                }
            }
            EngineCall::GetSpanContents(span) => {
                let place = |at: u64| {
                    usize::try_from(at)
                        .unwrap_or(usize::MAX)
                        .saturating_sub(SOURCE)
                };
                let text = state.source.as_bytes();
                let text = text
                    .get(place(span.start)..place(span.end))
                    .unwrap_or_default();
                value(Value::binary(text))
            }
            EngineCall::FindDecl(name) => match self.number(&state, &name) {
                Some(id) => EngineResponse::Identifier(id),
                None => EngineResponse::Data(Header::Empty),
            },
            EngineCall::EvalClosure(eval) => {
                let (number, arguments) = (eval.closure.item.block_id, eval.positional);
                self.produce(id, eval.input, input, move |side, input| {
                    side.evaluate_closure(number, arguments, input)
                });
                return None;
            }
            EngineCall::CallDecl(call) => {
                let Some(name) = self.name(&state, call.decl_id) else {
                    return Some(refuse("there is no command with this number"));
                };
                let arguments = call.call;
                self.produce(id, call.input, input, move |side, input| {
                    side.run(&name, arguments, input, None)
                });
                return None;
            }
            EngineCall::GetBlockIr(_) => refuse("closures of a test have no code"),
            EngineCall::EnterForeground => refuse("a test has no terminal"),
            EngineCall::LeaveForeground => EngineResponse::Data(Header::Empty),
            EngineCall::Unknown(name) => refuse(&format!("a test does not know {name}")),
        })
    }

    /// Answers an engine call with an output, on a thread of its own: a handler must not wait.
    fn produce(
        self: &Arc<Self>,
        id: EngineCallId,
        header: Header,
        stream: Option<InStream>,
        produce: impl FnOnce(&Arc<Self>, Input) -> Result<Output, LabeledError> + Send + 'static,
    ) {
        let side = self.clone();
        std::thread::spawn(move || {
            let Ok(host) = side.connected() else { return };
            let until = Until::new(lock(&side.state).patience, None, "the plugin".to_owned());
            let input = read(header, stream, until);
            // The plugin, and through it the test, is told at once: it would wait for an answer that never comes.
            let produced = catch_unwind(AssertUnwindSafe(|| produce(&side, input)));
            let produced = produced.unwrap_or_else(|panic| {
                let message = pegboard_transport::panic_message(&*panic);
                let message = format!("a closure or command of the test panicked: {message}");
                Err(LabeledError::new(message))
            });
            let announced = produced.and_then(|output| output.announce(&host, Open));
            let (response, feed) = match announced {
                Ok((header, feed)) => (EngineResponse::Data(header), feed),
                Err(error) => (EngineResponse::Error(Box::new(error)), None),
            };
            host.session(|session| session.answer(id, response));
            if let Some(feed) = feed {
                feed.run();
            }
        });
    }

    fn evaluate_closure(
        self: &Arc<Self>,
        number: u64,
        arguments: Vec<Value>,
        input: Input,
    ) -> Result<Output, LabeledError> {
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        let block = lock(&self.state).closures.get(place).cloned();
        match block {
            Some(Block::Function(function)) => function(arguments, input),
            Some(Block::Written(block)) => self.evaluate(&block.pipeline, input, None),
            None => Err(LabeledError::new(format!(
                "there is no closure with the number {number}"
            ))),
        }
    }

    /// The number of a command: the plugin's come first.
    fn number(&self, state: &State, name: &str) -> Option<DeclId> {
        let plugins = self
            .signatures
            .iter()
            .map(|signature| signature.sig.name.as_str());
        let own = state.commands.iter().map(|(name, _)| name.as_str());
        let place = plugins.chain(own).position(|known| known == name)?;
        Some(DeclId(place as u64))
    }

    fn name(&self, state: &State, id: DeclId) -> Option<String> {
        let place = usize::try_from(id.0).ok()?;
        let plugins = self.signatures.iter().map(|signature| &signature.sig.name);
        let own = state.commands.iter().map(|(name, _)| name);
        plugins.chain(own).nth(place).cloned()
    }
}

fn refuse(why: &str) -> EngineResponse {
    EngineResponse::Error(Box::new(LabeledError::new(why)))
}
