//! Closures on the command line: pipelines of plugin commands that a plugin has evaluated.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use pegboard_args::line::{Block, Resolved, Scope, resolve};
use pegboard_args::{Caller, Word};
use pegboard_host::protocol::Closure;
use pegboard_host::protocol::nu::{EvaluatedCall, Signature};
use pegboard_host::{AppContext, CancelToken, Command, Flow, LabeledError, Value};

use crate::commands::Commands;

/// What closures are made with.
#[derive(Clone, Copy)]
pub(super) struct Closures<'a> {
    pub(super) commands: &'a Commands<'a>,
    pub(super) caller: &'a Caller<'a>,
    pub(super) context: &'a Arc<AppContext>,
    pub(super) cancel: &'a CancelToken,
}

/// A stage of a closure.
enum Step {
    Value(Value),
    Call(Box<Command>, EvaluatedCall),
}

impl Closures<'_> {
    /// Makes a closure of its text. What is wrong with it is found now, not when a plugin has it evaluated.
    pub(super) fn closure(&self, block: &Block) -> Result<Closure, LabeledError> {
        if let Some(parameter) = block.parameters.first() {
            return Err(
                LabeledError::new("closures have no parameters on this command line")
                    .with_code("pegboard::closure::parameters")
                    .with_label("nothing could use this", parameter.span)
                    .with_help("the first command gets what the plugin passes in as its input"),
            );
        }
        let known = self.known(block)?;
        let scope = Known {
            closures: self,
            commands: &known,
        };
        let mut steps = Vec::new();
        for stage in &block.pipeline.stages {
            steps.push(match resolve(stage, &scope, self.caller)? {
                Resolved::Value(value) => Step::Value(value),
                Resolved::Call { name, call } => match known.get(&name) {
                    Some(command) => Step::Call(Box::new(command.clone()), call),
                    None => continue,
                },
            });
        }
        let (context, cancel) = (Arc::downgrade(self.context), self.cancel.clone());
        let value = self
            .context
            .closure(move |arguments, input| evaluate(&steps, arguments, input, &context, &cancel));
        match value {
            Value::Closure(closure, _) => Ok(*closure),
            _ => Err(LabeledError::new("the closure could not be made")),
        }
    }

    /// The commands that its stages may begin with, by name.
    fn known(&self, block: &Block) -> Result<BTreeMap<String, Command>, LabeledError> {
        let mut known = BTreeMap::new();
        for stage in &block.pipeline.stages {
            let bare = stage.words.iter().map_while(|word| match word {
                Word::Bare(text) => Some(text.item.as_str()),
                _ => None,
            });
            let words: Vec<&str> = bare.collect();
            let found = self.commands.longest(&words);
            if let Some((command, _)) = found.map_err(|failure| failure.labeled().clone())? {
                known.insert(command.signature.sig.name.clone(), command);
            }
        }
        Ok(known)
    }
}

/// The commands of one closure.
struct Known<'a> {
    closures: &'a Closures<'a>,
    commands: &'a BTreeMap<String, Command>,
}

impl Scope for Known<'_> {
    fn signature(&self, name: &str) -> Option<&Signature> {
        let command = self.commands.get(name)?;
        Some(&command.signature.sig)
    }

    fn names(&self) -> Vec<&str> {
        self.closures.commands.names()
    }

    fn closure(&self, block: &Block) -> Result<Closure, LabeledError> {
        self.closures.closure(block)
    }
}

/// Runs the stages one after the other. Where nothing comes in, the first argument does: that is how commands like
/// `each` pass an item.
fn evaluate(
    steps: &[Step],
    arguments: Vec<Value>,
    input: Flow,
    context: &Weak<AppContext>,
    cancel: &CancelToken,
) -> Result<Flow, LabeledError> {
    let Some(context) = context.upgrade() else {
        return Err(LabeledError::new("the command line has ended"));
    };
    let mut flow = match (input, arguments.into_iter().next()) {
        (Flow::Empty, Some(first)) => Flow::value(first),
        (input, _) => input,
    };
    for step in steps {
        flow = match step {
            Step::Value(value) => Flow::value(value.clone()),
            Step::Call(command, call) => command
                .plugin
                .run(&command.signature.sig.name)
                .arguments(call.clone())
                .input(flow)
                .context(context.clone())
                .cancel(cancel)
                .call()
                .map_err(|error| error.labeled().clone())?,
        };
    }
    Ok(flow)
}
