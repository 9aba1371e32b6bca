//! The signature of an Octa plugin's command. The plugin says no more than its key; the rest is Octa's.

use pegboard_protocol::Value;
use pegboard_protocol::nu::{Flag, PluginSignature, PositionalArg, Signature, SyntaxShape, Type};
use pegboard_protocol::octa::{Feature, Features};

pub(super) const DIRECTORY: &str = "dir";
pub(super) const ENVIRONMENT: &str = "env";
pub(super) const VARIABLE: &str = "var";
pub(super) const DRY: &str = "dry";

pub(super) fn of(key: &str, features: Features) -> PluginSignature {
    let argument = |name: &str, desc: &str| PositionalArg {
        name: name.to_owned(),
        desc: desc.to_owned(),
        shape: SyntaxShape::String,
        ..PositionalArg::default()
    };
    let flag = |long: &str, arg: Option<SyntaxShape>, desc: &str| Flag {
        long: long.to_owned(),
        arg,
        desc: desc.to_owned(),
        ..Flag::default()
    };
    let mut dry = flag(DRY, None, "Only say or pretend what would be done.");
    dry.default_value = Some(Value::bool(false));
    let inputs: &[Type] = match features.has(Feature::Input) {
        true => &[Type::Nothing, Type::Binary, Type::String],
        false => &[Type::Nothing],
    };
    let sig = Signature {
        name: key.to_owned(),
        description: format!("Run a task of the Octa plugin for `{key}`."),
        extra_description: "The output is what the task writes to its standard output. What it writes to its standard \
                            error goes there, and its exit code is that of the command."
            .to_owned(),
        required_positional: vec![argument("text", "What the task says; quote it as one word.")],
        rest_positional: Some(argument(
            "args",
            "Arguments beside the text; few plugins look at them.",
        )),
        named: vec![
            flag(
                DIRECTORY,
                Some(SyntaxShape::Directory),
                "The directory to work in, in place of the current one.",
            ),
            flag(
                ENVIRONMENT,
                Some(SyntaxShape::String),
                "An environment variable of the task, NAME=VALUE. Can be repeated.",
            ),
            flag(
                VARIABLE,
                Some(SyntaxShape::String),
                "A variable of the task, NAME=JSON. Can be repeated.",
            ),
            dry,
        ],
        input_output_types: inputs
            .iter()
            .map(|input| (input.clone(), Type::String))
            .collect(),
        ..Signature::default()
    };
    PluginSignature {
        sig,
        examples: Vec::new(),
    }
}
