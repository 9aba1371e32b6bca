//! Which commands may be run, and how.

use std::path::Path;

use pegboard_args::Caller;
use pegboard_args::line::{self, Block, Resolved, Scope};
use pegboard_protocol::codec::{Encoding, encode_value};
use pegboard_protocol::nu::{
    Dialect, EvaluatedCall, Example, PluginSignature, Signature, StreamKind, Type,
};
use pegboard_protocol::{Closure, LabeledError, Record, Span, Value};
use serde_json::Value as Tree;

use crate::conformance::CheckError;
use crate::differ::differ;

/// As many examples are run.
const EXAMPLES: usize = 8;

/// A command that may be run, with everything that it needs.
#[derive(Clone, Debug)]
pub(super) struct Runnable {
    /// As it would be typed.
    pub(super) line: String,
    pub(super) name: String,
    pub(super) call: EvaluatedCall,
    pub(super) input: Option<Value>,
    /// What its example says that it gives.
    pub(super) promised: Option<Value>,
    pub(super) signature: Signature,
}

/// The commands that are named, or else those whose examples show that they need nothing.
pub(super) fn runnable(
    signatures: &[PluginSignature],
    lines: &[String],
    directory: &Path,
) -> Result<Vec<Runnable>, CheckError> {
    let mut commands = Commands {
        signatures,
        directory,
        closure: None,
    };
    if !lines.is_empty() {
        // What it does does not matter, as it cannot be run here.
        commands.closure = Some(Closure {
            block_id: 0,
            captures: Vec::new(),
        });
        let named = lines.iter().map(|line| {
            commands.read(line).map_err(|error| CheckError::Command {
                line: line.clone(),
                error,
            })
        });
        return named.collect();
    }
    let examples = signatures.iter().flat_map(|signature| {
        let examples = signature.examples.iter();
        examples.filter_map(|example| commands.shown(&signature.sig.name, example))
    });
    Ok(examples.take(EXAMPLES).collect())
}

/// What lines are read by.
struct Commands<'a> {
    signatures: &'a [PluginSignature],
    directory: &'a Path,
    /// What every closure is; none where there may be no closures.
    closure: Option<Closure>,
}

impl Commands<'_> {
    /// An example of this command that shows its result and needs nothing else.
    fn shown(&self, name: &str, example: &Example) -> Option<Runnable> {
        let promised = example.result.clone()?;
        let read = self.read(&example.example).ok()?;
        (read.name == name).then_some(Runnable {
            promised: Some(promised),
            ..read
        })
    }

    /// A line: one of the plugin's commands, with at most a literal in front of it.
    fn read(&self, line: &str) -> Result<Runnable, LabeledError> {
        let caller = Caller {
            directory: self.directory,
            home: None,
        };
        let pipeline = line::read(line, 0)?;
        let stages = pipeline.stages.iter();
        let stages = stages.map(|stage| line::resolve(stage, self, &caller));
        let stages = stages.collect::<Result<Vec<Resolved>, _>>()?;
        let (input, name, call) = match <[Resolved; 1]>::try_from(stages) {
            Ok([Resolved::Call { name, call }]) => (None, name, call),
            Ok([Resolved::Value(_)]) => return Err(no_command(line)),
            Err(stages) => match <[Resolved; 2]>::try_from(stages) {
                Ok([Resolved::Value(input), Resolved::Call { name, call }]) => {
                    (Some(input), name, call)
                }
                _ => return Err(no_command(line)),
            },
        };
        let signature = self.signature(&name).cloned();
        Ok(Runnable {
            line: line.to_owned(),
            signature: signature.ok_or_else(|| no_command(line))?,
            name,
            call,
            input,
            promised: None,
        })
    }
}

fn no_command(line: &str) -> LabeledError {
    LabeledError::new(format!(
        "`{line}` is not one command of the plugin, with at most a literal in front of it"
    ))
}

impl Scope for Commands<'_> {
    fn signature(&self, name: &str) -> Option<&Signature> {
        let signatures = self.signatures.iter().map(|signature| &signature.sig);
        signatures
            .into_iter()
            .find(|signature| signature.name == name)
    }

    fn names(&self) -> Vec<&str> {
        let signatures = self.signatures.iter();
        signatures
            .map(|signature| signature.sig.name.as_str())
            .collect()
    }

    fn closure(&self, _: &Block) -> Result<Closure, LabeledError> {
        let why = "there is nothing that could run a closure";
        self.closure.clone().ok_or_else(|| LabeledError::new(why))
    }
}

impl Runnable {
    /// An item that its input streams may have; none if it takes no streams of this kind.
    pub(super) fn item(&self, kind: StreamKind) -> Option<Value> {
        let types = &self.signature.input_output_types;
        if types.is_empty() {
            return Some(Value::int(1));
        }
        types.iter().find_map(|(input, _)| match (kind, input) {
            (_, Type::Any) => Some(Value::int(1)),
            (StreamKind::List, Type::List(of)) => sample(of),
            (StreamKind::List, Type::Table(columns)) => record(columns),
            (StreamKind::Raw, Type::Binary | Type::String) => Some(Value::string("x")),
            _ => None,
        })
    }
}

fn sample(of: &Type) -> Option<Value> {
    Some(match of {
        Type::Any | Type::Int | Type::Number => Value::int(1),
        Type::Float => Value::float(1.0),
        Type::String => Value::string("x"),
        Type::Bool => Value::bool(true),
        Type::Record(columns) => record(columns)?,
        _ => return None,
    })
}

fn record(columns: &[(String, Type)]) -> Option<Value> {
    let fields = columns
        .iter()
        .map(|(name, of)| Some((name.clone(), sample(of)?)));
    let record: Record = fields.collect::<Option<Vec<_>>>()?.into_iter().collect();
    Some(Value::Record(record, Span::UNKNOWN))
}

/// Where an example's promise and what was given differ, and how. Custom values are the same if their bytes are.
pub(super) fn difference(promised: &Value, given: &Value) -> Option<String> {
    differ(promised, given, "", &|custom, promised, given, path| {
        let same = plain(promised).is_some_and(|one| Some(one) == plain(given));
        let place = match path {
            "" => String::new(),
            path => format!("at {path}: "),
        };
        (!same).then(|| format!("{place}another {} is expected", custom.name))
    })
}

fn plain(value: &Value) -> Option<Tree> {
    let mut bytes = Vec::new();
    encode_value(value, Encoding::Json, Dialect::NEWEST, &mut bytes).ok()?;
    let mut tree = serde_json::from_slice(&bytes).ok()?;
    forget_places(&mut tree);
    Some(tree)
}

fn forget_places(tree: &mut Tree) {
    match tree {
        Tree::Object(map) => {
            map.remove("span");
            map.values_mut().for_each(forget_places);
        }
        Tree::Array(items) => items.iter_mut().for_each(forget_places),
        _ => {}
    }
}
