//! One run of a command, put together by a test.

use std::time::Instant;

use pegboard_args::nearest;
use pegboard_plugin::{Input, LabeledError, Output, Span, Value};
use pegboard_protocol::Spanned;
use pegboard_protocol::nu::{EvaluatedCall, Signature};

use super::PluginTest;

/// A run of a command: its arguments and its input.
///
/// As from an engine, nothing reaches the plugin that its signature does not allow: an unknown flag, too many arguments
/// or too few are an error of the test. Types are not checked, so a test can give a plugin what no engine would.
#[must_use = "nothing runs before `call` or `value`"]
pub struct Run<'a> {
    test: &'a PluginTest,
    command: String,
    arguments: EvaluatedCall,
    input: Input,
}

impl<'a> Run<'a> {
    pub(super) fn new(test: &'a PluginTest, command: &str) -> Run<'a> {
        Run {
            test,
            command: command.to_owned(),
            arguments: EvaluatedCall::default(),
            input: Input::Empty,
        }
    }

    /// Adds a positional argument.
    pub fn arg(mut self, value: impl Into<Value>) -> Run<'a> {
        self.arguments.positional.push(value.into());
        self
    }

    /// Gives a flag, by its long name, with a value.
    pub fn flag(mut self, name: &str, value: impl Into<Value>) -> Run<'a> {
        let name = Spanned::new(name.to_owned(), Span::UNKNOWN);
        self.arguments.named.push((name, Some(value.into())));
        self
    }

    /// Gives a switch, by its long name.
    pub fn switch(mut self, name: &str) -> Run<'a> {
        let name = Spanned::new(name.to_owned(), Span::UNKNOWN);
        self.arguments.named.push((name, None));
        self
    }

    /// Says where the command's name stands in the source, to which labels of errors may point.
    pub fn head(mut self, head: Span) -> Run<'a> {
        self.arguments.head = head;
        self
    }

    /// Gives the input: a value, or a stream such as `Input::list(..)` or `Input::bytes(..)`.
    pub fn input(mut self, input: impl Into<Input>) -> Run<'a> {
        self.input = input.into();
        self
    }

    /// Runs the command. The output may be a stream, which is produced while it is read.
    pub fn call(self) -> Result<Output, LabeledError> {
        self.run(None)
    }

    /// Runs the command and waits for its whole output as one value. An error in it, also as an item of a list, is the
    /// result; to see what came before one, use [`Run::call`].
    pub fn value(self) -> Result<Value, LabeledError> {
        let end = Instant::now() + self.test.side.patience();
        super::whole(self.run(Some(end))?)
    }

    fn run(self, end: Option<Instant>) -> Result<Output, LabeledError> {
        allowed(&self.test.signature(&self.command)?.sig, &self.arguments)?;
        self.test.connection()?;
        let side = &self.test.side;
        side.run(&self.command, self.arguments, self.input, end)
    }
}

impl std::fmt::Debug for Run<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run")
            .field("command", &self.command)
            .field("arguments", &self.arguments)
            .field("input", &self.input)
            .finish()
    }
}

/// What an engine sees to before it makes a call.
fn allowed(signature: &Signature, call: &EvaluatedCall) -> Result<(), LabeledError> {
    let (required, optional) = (
        signature.required_positional.len(),
        signature.optional_positional.len(),
    );
    let given = call.positional.len();
    let more = signature.rest_positional.is_some() || signature.allows_unknown_args;
    let command = &signature.name;
    if given < required {
        let missing = &signature.required_positional[given].name;
        return Err(LabeledError::new(format!(
            "`{command}` needs the argument `{missing}`"
        )));
    }
    if given > required + optional && !more {
        return Err(LabeledError::new(format!(
            "`{command}` takes {} arguments, not {given}",
            required + optional
        )));
    }
    let known = |name: &str| {
        let long = signature.named.iter().any(|flag| flag.long == name);
        let short = |flag: &pegboard_protocol::nu::Flag| {
            flag.long.is_empty() && flag.short.is_some_and(|short| short.to_string() == name)
        };
        long || signature.named.iter().any(short) || signature.allows_unknown_args
    };
    match call.named.iter().find(|(name, _)| !known(&name.item)) {
        None => Ok(()),
        Some((name, _)) => {
            let names = signature.named.iter().map(|flag| flag.long.as_str());
            let error = LabeledError::new(format!("`{command}` has no flag `{}`", name.item));
            Err(match nearest(&name.item, names) {
                Some(meant) => error.with_help(format!("did you mean `{meant}`?")),
                None => error,
            })
        }
    }
}
