//! What the text of an execution means: a pipeline, or the arguments of one command.

use pegboard_args::line::{self, Block, Pipeline, Resolved, Scope};
use pegboard_args::{Caller, Word};
use pegboard_protocol::nu::{EvaluatedCall, Signature};
use pegboard_protocol::{Closure, LabeledError, Span, Spanned, Value};

use crate::octa::Execution;
use crate::runtime::Definition;

/// One step of what is to be done.
pub(super) enum Stage {
    Value(Value),
    Call(Run),
}

impl Stage {
    /// The name of the command that it runs, if it does.
    pub(super) fn command(&self) -> Option<&str> {
        match self {
            Stage::Value(_) => None,
            Stage::Call(run) => Some(&run.name),
        }
    }
}

/// A command and its arguments.
pub(super) struct Run {
    pub(super) name: String,
    pub(super) call: EvaluatedCall,
}

/// Reads an execution's text: a pipeline, such as `'you' | hello --loud`, if it names a command of the plugin's; else
/// what would be typed behind the name of `command`. Further arguments come behind it, as they are.
pub(super) fn read(
    definition: &Definition,
    command: &str,
    execution: &Execution,
) -> Result<Vec<Stage>, LabeledError> {
    let commands = Commands(definition);
    let text = execution.text();
    let mut pipeline = match line::read(text, 0) {
        Ok(pipeline) if commands.names_one(&pipeline) => pipeline,
        _ => line::read(&format!("{command} {text}"), 0)?,
    };
    if let Some(last) = pipeline.stages.last_mut() {
        let args = execution.args().iter();
        let args = args.map(|arg| Word::Shell(Spanned::new(arg.clone(), Span::UNKNOWN)));
        last.words.extend(args);
    }
    let caller = Caller {
        directory: execution.dir(),
        home: None,
    };
    let stages = pipeline.stages.iter();
    stages
        .map(|stage| {
            Ok(match line::resolve(stage, &commands, &caller)? {
                Resolved::Value(value) => Stage::Value(value),
                Resolved::Call { name, call } => Stage::Call(Run { name, call }),
            })
        })
        .collect()
}

/// The commands of the plugin.
struct Commands<'a>(&'a Definition);

impl Commands<'_> {
    fn all(&self) -> impl Iterator<Item = &Signature> {
        self.0.commands.iter().map(|command| &command.signature.sig)
    }

    /// Whether a stage begins with the name of a command.
    fn names_one(&self, pipeline: &Pipeline) -> bool {
        pipeline.stages.iter().any(|stage| {
            let words: Vec<&str> = stage
                .words
                .iter()
                .map_while(|word| match word {
                    Word::Bare(text) => Some(text.item.as_str()),
                    _ => None,
                })
                .collect();
            self.all()
                .any(|sig| words.starts_with(&sig.name.split(' ').collect::<Vec<_>>()))
        })
    }
}

impl Scope for Commands<'_> {
    fn signature(&self, name: &str) -> Option<&Signature> {
        self.all().find(|known| known.name == name)
    }

    fn names(&self) -> Vec<&str> {
        self.all().map(|known| known.name.as_str()).collect()
    }

    fn closure(&self, block: &Block) -> Result<Closure, LabeledError> {
        let error = LabeledError::new("Octa has no closures");
        Err(error.with_label("a closure cannot be given here", block.span))
    }
}
