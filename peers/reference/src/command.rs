//! One command as data: a row of the table that each module exports.

use nu_plugin::{EngineInterface, EvaluatedCall, PluginCommand};
use nu_protocol::{Category, Example, LabeledError, PipelineData, Signature, Span, Value};

use crate::Reference;

pub type Run = fn(
    &Reference,
    &EngineInterface,
    &EvaluatedCall,
    PipelineData,
) -> Result<PipelineData, LabeledError>;

#[derive(Clone, Copy)]
pub struct Command {
    pub name: &'static str,
    pub description: &'static str,
    /// Adds parameters, flags and types to the empty signature.
    pub signature: fn(Signature) -> Signature,
    pub run: Run,
}

impl PluginCommand for Command {
    type Plugin = Reference;

    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> Signature {
        let category = Category::Custom("reference".into());
        (self.signature)(Signature::build(self.name).category(category))
    }

    fn description(&self) -> &str {
        self.description
    }

    fn extra_description(&self) -> &str {
        "Part of a test peer: it exists to make one corner of the protocol happen."
    }

    fn search_terms(&self) -> Vec<&str> {
        vec!["reference", "test peer"]
    }

    fn examples(&self) -> Vec<Example<'_>> {
        match self.name {
            "ref sum" => vec![
                Example {
                    example: "[1 2 3] | ref sum",
                    description: "Add three numbers",
                    result: Some(Value::int(6, Span::unknown())),
                },
                Example {
                    example: "ref seq 4 | ref sum",
                    description: "Add a stream; this example shows no result",
                    result: None,
                },
            ],
            "ref custom make" => vec![Example {
                example: "ref custom make cat --count 2",
                description: "The result is a custom value",
                result: Some(crate::custom::sample()),
            }],
            _ => vec![],
        }
    }

    fn run(
        &self,
        plugin: &Reference,
        engine: &EngineInterface,
        call: &EvaluatedCall,
        input: PipelineData,
    ) -> Result<PipelineData, LabeledError> {
        plugin.watch_signals(engine);
        (self.run)(plugin, engine, call, input)
    }

    #[cfg(feature = "since-109")]
    #[expect(
        deprecated,
        reason = "the SDK marks completion experimental by this type"
    )]
    fn get_dynamic_completion(
        &self,
        _plugin: &Reference,
        _engine: &EngineInterface,
        call: nu_plugin::DynamicCompletionCall,
        arg_type: nu_protocol::engine::ArgType,
        _experimental: nu_protocol::engine::ExperimentalMarker,
    ) -> Option<Vec<nu_protocol::DynamicSuggestion>> {
        crate::args::completion(self.name, &call, &arg_type)
    }
}

/// A single value without metadata.
pub fn value(value: Value) -> Result<PipelineData, LabeledError> {
    Ok(PipelineData::Value(value, None))
}
