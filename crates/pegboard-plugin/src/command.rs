//! The definition of one command: its signature, its examples and what it does.

use std::sync::Arc;

use pegboard_protocol::nu::{
    Category, Completion, Example, Flag, PluginSignature, PositionalArg, Signature, Suggestion,
    SyntaxShape, Type,
};
use pegboard_protocol::{LabeledError, Value};

use crate::{Call, Engine, Output};

/// A command of a plugin.
///
/// Methods add to the signature; [`Command::run`] says what the command does.
#[must_use]
pub struct Command {
    pub(crate) signature: PluginSignature,
    pub(crate) handler: Option<Arc<Handler>>,
    pub(crate) completers: Vec<(String, Arc<Completer>)>,
    /// What was said of arguments that there are not.
    pub(crate) mistakes: Vec<String>,
}

pub(crate) type Handler = dyn Fn(Call) -> Result<Output, LabeledError> + Send + Sync;
pub(crate) type Completer = dyn Fn(&Engine) -> Option<Vec<Suggestion>> + Send + Sync;

impl Command {
    /// A command with a name, whose words are separated by single spaces, and one sentence that says what it does.
    pub fn new(name: impl Into<String>, description: impl Into<String>) -> Command {
        let help = Flag {
            long: "help".to_owned(),
            short: Some('h'),
            desc: "Display the help message for this command".to_owned(),
            ..Flag::default()
        };
        let sig = Signature {
            name: name.into(),
            description: description.into(),
            named: vec![help],
            ..Signature::default()
        };
        let signature = PluginSignature {
            sig,
            examples: Vec::new(),
        };
        Command {
            signature,
            handler: None,
            completers: Vec::new(),
            mistakes: Vec::new(),
        }
    }

    /// More text for the help page.
    pub fn details(mut self, text: impl Into<String>) -> Command {
        self.signature.sig.extra_description = text.into();
        self
    }

    /// The chapter of the help in which the command is listed.
    pub fn category(mut self, category: Category) -> Command {
        self.signature.sig.category = category;
        self
    }

    /// Other words under which the command is found.
    pub fn search_terms<S: Into<String>>(mut self, terms: impl IntoIterator<Item = S>) -> Command {
        self.signature
            .sig
            .search_terms
            .extend(terms.into_iter().map(Into::into));
        self
    }

    /// Adds a pair of an input type and the output type it leads to. Without any, it is any to any.
    pub fn types(mut self, input: Type, output: Type) -> Command {
        self.signature.sig.input_output_types.push((input, output));
        self
    }

    /// Adds an argument that must be given.
    pub fn required(
        mut self,
        name: impl Into<String>,
        shape: SyntaxShape,
        description: impl Into<String>,
    ) -> Command {
        self.signature
            .sig
            .required_positional
            .push(positional(name, shape, description));
        self
    }

    /// Adds an argument that may be given.
    pub fn optional(
        mut self,
        name: impl Into<String>,
        shape: SyntaxShape,
        description: impl Into<String>,
    ) -> Command {
        self.signature
            .sig
            .optional_positional
            .push(positional(name, shape, description));
        self
    }

    /// Says where all further arguments go.
    pub fn rest(
        mut self,
        name: impl Into<String>,
        shape: SyntaxShape,
        description: impl Into<String>,
    ) -> Command {
        self.signature.sig.rest_positional = Some(positional(name, shape, description));
        self
    }

    /// Adds a flag without a value.
    pub fn switch(
        self,
        long: impl Into<String>,
        short: impl Into<Option<char>>,
        description: impl Into<String>,
    ) -> Command {
        self.with_flag(Flag {
            long: long.into(),
            short: short.into(),
            desc: description.into(),
            ..Flag::default()
        })
    }

    /// Adds a flag with a value.
    pub fn flag(
        self,
        long: impl Into<String>,
        short: impl Into<Option<char>>,
        shape: SyntaxShape,
        description: impl Into<String>,
    ) -> Command {
        self.with_flag(Flag {
            long: long.into(),
            short: short.into(),
            arg: Some(shape),
            desc: description.into(),
            ..Flag::default()
        })
    }

    /// Adds a flag as it is, for what the other methods do not say.
    pub fn with_flag(mut self, flag: Flag) -> Command {
        self.signature.sig.named.push(flag);
        self
    }

    /// Says what is taken when the optional argument or flag of this name, already added, is not given.
    pub fn default(mut self, name: &str, value: impl Into<Value>) -> Command {
        let sig = &mut self.signature.sig;
        let value = value.into();
        if let Some(argument) = sig
            .optional_positional
            .iter_mut()
            .find(|argument| argument.name == name)
        {
            argument.default_value = Some(value);
        } else if let Some(flag) = sig.named.iter_mut().find(|flag| flag.long == name) {
            flag.default_value = Some(value);
        } else {
            let mistake = "has a default for `{}`, which is no optional argument or flag before it";
            self.mistakes.push(mistake.replace("{}", name));
        }
        self
    }

    /// Offers these words for the argument or flag of this name, already added. Engines before 0.108 do not show them.
    pub fn candidates<S: Into<String>>(
        mut self,
        name: &str,
        words: impl IntoIterator<Item = S>,
    ) -> Command {
        let words = Completion::List(words.into_iter().map(Into::into).collect());
        let mut found = false;
        let sig = &mut self.signature.sig;
        let arguments = sig
            .required_positional
            .iter_mut()
            .chain(&mut sig.optional_positional)
            .chain(&mut sig.rest_positional);
        for argument in arguments.filter(|argument| argument.name == name) {
            argument.completion = Some(words.clone());
            found = true;
        }
        for flag in sig.named.iter_mut().filter(|flag| flag.long == name) {
            flag.completion = Some(words.clone());
            found = true;
        }
        if !found {
            let mistake = "has candidates for `{}`, which is no argument or flag before it";
            self.mistakes.push(mistake.replace("{}", name));
        }
        self
    }

    /// Has a function find candidates for the argument or flag of this name while it is typed. None leaves it to the
    /// engine. Engines before 0.109 never ask, and those before 0.115 refuse engine calls meanwhile.
    pub fn complete(
        mut self,
        name: impl Into<String>,
        complete: impl Fn(&Engine) -> Option<Vec<Suggestion>> + Send + Sync + 'static,
    ) -> Command {
        self.completers.push((name.into(), Arc::new(complete)));
        self
    }

    /// Adds an example to the help. With a result, a test can check that it does what it says: see
    /// [`PluginTest` of `pegboard-testkit`](../pegboard_testkit/struct.PluginTest.html).
    pub fn example(
        mut self,
        line: impl Into<String>,
        description: impl Into<String>,
        result: impl Into<Option<Value>>,
    ) -> Command {
        self.signature.examples.push(Example {
            example: line.into(),
            description: description.into(),
            result: result.into(),
        });
        self
    }

    /// The command is meant to be used in the middle of a pipeline.
    pub fn filter(mut self) -> Command {
        self.signature.sig.is_filter = true;
        self
    }

    /// Unknown flags are passed on rather than refused.
    pub fn allow_unknown(mut self) -> Command {
        self.signature.sig.allows_unknown_args = true;
        self
    }

    /// Says what the command does. Several calls may run it at once.
    pub fn run<O: Into<Output>>(
        mut self,
        handler: impl Fn(Call) -> Result<O, LabeledError> + Send + Sync + 'static,
    ) -> Command {
        self.handler = Some(Arc::new(move |call| handler(call).map(Into::into)));
        self
    }
}

fn positional(
    name: impl Into<String>,
    shape: SyntaxShape,
    description: impl Into<String>,
) -> PositionalArg {
    PositionalArg {
        name: name.into(),
        desc: description.into(),
        shape,
        ..PositionalArg::default()
    }
}
