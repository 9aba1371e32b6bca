//! One run of a command: arguments by name, input, and the engine.

use std::path::PathBuf;
use std::sync::Arc;

use pegboard_protocol::nu::{EvaluatedCall, PluginSignature};
use pegboard_protocol::{
    Closure, ConvertError, LabeledError, Record, Span, Spanned, Value, from_value,
};
use pegboard_transport::ListStream;
use serde::de::DeserializeOwned;

use crate::{CustomType, Engine, Input};

/// One run of a command.
#[derive(Debug)]
pub struct Call {
    pub(crate) signature: Arc<PluginSignature>,
    pub(crate) arguments: EvaluatedCall,
    pub(crate) input: std::sync::Mutex<Input>,
    pub(crate) engine: Engine,
}

impl Call {
    /// The place of the command's name in the source text.
    pub fn head(&self) -> Span {
        self.arguments.head
    }

    /// What flows in. The second time it is nothing.
    pub fn input(&self) -> Input {
        std::mem::take(
            &mut *self
                .input
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        )
    }

    /// The items that flow in, one after the other: those of a stream, a list or a range, or the single value.
    ///
    /// Bytes come in pieces of no certain size: as text, never cut inside a character, as long as they are text, else as
    /// binaries. For lines of text there is [`Call::lines`].
    ///
    /// They end with an error when the user interrupts, also those of a range without an end, which is a single value
    /// to [`Call::input`].
    pub fn items(&self) -> impl Iterator<Item = Result<Value, LabeledError>> + Send + use<> {
        let input = self.input();
        // A stream is ended from outside; an endless value has nobody but us to look at the interrupt.
        let watched = matches!(input, Input::Value(..)).then(|| self.engine.clone());
        let is_interrupted = move || watched.as_ref().is_some_and(Engine::is_interrupted);
        ListStream::new(input.into_items().map(move |item| match is_interrupted() {
            true => Err(LabeledError::new("interrupted")),
            false => item,
        }))
    }

    /// The lines that flow in, without their ends: those of text, be it a string or a stream of bytes as from another
    /// program, and the items of a list or stream of strings. Anything else is an error that says so.
    ///
    /// A line is held whole, the input is not.
    pub fn lines(&self) -> impl Iterator<Item = Result<String, LabeledError>> + Send + use<> {
        self.input().into_lines()
    }

    /// Asks the engine things on behalf of this call. Can be cloned and moved into an output stream.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The value of the argument or flag of this name; its default, or none, if it was not given. A switch that was
    /// given is true.
    ///
    /// # Panics
    ///
    /// If the command has no argument of this name, which is a mistake of its author's.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.expect_known(name);
        self.find(name)
    }

    /// The argument or flag of this name as any type that serde can read.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, LabeledError> {
        match self.known(name)? {
            None | Some(Value::Nothing(_)) => Ok(None),
            Some(value) => read(name, value.clone()).map(Some),
        }
    }

    /// The argument or flag of this name, which has to be there.
    pub fn need<T: DeserializeOwned>(&self, name: &str) -> Result<T, LabeledError> {
        read(name, self.needed(name)?.clone())
    }

    /// The argument or flag of this name, which has to be there, as an absolute path.
    ///
    /// What engines hand over is not always one: current Nushells leave relative paths as they were typed, all leave
    /// them when they are quoted or in a variable, and the plugin runs in another directory than its caller. For other
    /// paths, such as those of a struct, there is [`Engine::absolute`].
    pub fn path(&self, name: &str) -> Result<PathBuf, LabeledError> {
        self.engine.absolute(self.need::<PathBuf>(name)?)
    }

    /// The further arguments.
    pub fn rest<T: DeserializeOwned>(&self) -> Result<Vec<T>, LabeledError> {
        let name = self
            .signature
            .sig
            .rest_positional
            .as_ref()
            .map_or("rest", |rest| rest.name.as_str());
        self.rest_values()
            .iter()
            .map(|value| read(name, value.clone()))
            .collect()
    }

    /// The further arguments as values.
    pub fn rest_values(&self) -> &[Value] {
        let sig = &self.signature.sig;
        let named = sig.required_positional.len() + sig.optional_positional.len();
        self.arguments.positional.get(named..).unwrap_or_default()
    }

    /// Whether a switch was given, and not as `--switch=false`; for other flags, whether they were given at all.
    ///
    /// # Panics
    ///
    /// If the command has no flag of this name, which is a mistake of its author's.
    pub fn has(&self, name: &str) -> bool {
        self.expect_known(name);
        let given = self
            .arguments
            .named
            .iter()
            .rev()
            .find(|(flag, _)| flag.item == name);
        given.is_some_and(|(_, value)| !matches!(value, Some(Value::Bool(false, _))))
    }

    /// All arguments as one struct: a field for each argument and flag, with `_` for `-`. A switch is a bool; what was
    /// not given is left out, so such a field has to be an `Option` or have a default.
    pub fn arguments<T: DeserializeOwned>(&self) -> Result<T, LabeledError> {
        let sig = &self.signature.sig;
        let mut record = Record::new();
        let field = |name: &str| name.replace('-', "_");
        for argument in sig
            .required_positional
            .iter()
            .chain(&sig.optional_positional)
        {
            if let Some(value) = self.find(&argument.name) {
                record.insert(field(&argument.name), value.clone());
            }
        }
        if let Some(rest) = &sig.rest_positional {
            record.insert(
                field(&rest.name),
                Value::list(self.rest_values().iter().cloned()),
            );
        }
        for flag in sig.named.iter().filter(|flag| flag.long != "help") {
            if flag.arg.is_none() {
                record.insert(field(&flag.long), Value::bool(self.has(&flag.long)));
            } else if let Some(value) = self.find(&flag.long) {
                record.insert(field(&flag.long), value.clone());
            }
        }
        let head = self.head();
        from_value(Value::Record(record, head)).map_err(|error| match error.missing() {
            Some(missing) if error.path().is_empty() => {
                match self.names().find(|name| field(name) == missing) {
                    Some(name) => self.is_missing(name),
                    None => self.has_no(missing),
                }
            }
            _ => {
                let path = error.path();
                let end = path.find(['.', '[']).unwrap_or(path.len());
                let name = self.names().find(|name| field(name) == path[..end]);
                let path = name.map_or(path.clone(), |name| format!("{name}{}", &path[end..]));
                does_not_fit(&path, &error)
            }
        })
    }

    /// The argument or flag of this name as a custom value of this plugin's.
    pub fn custom<T: CustomType>(&self, name: &str) -> Result<T, LabeledError> {
        crate::custom::from_value(self.needed(name)?)
    }

    /// The argument or flag of this name as a closure, for [`Engine::eval`].
    pub fn closure(&self, name: &str) -> Result<Spanned<Closure>, LabeledError> {
        match self.needed(name)? {
            Value::Closure(closure, span) => Ok(Spanned::new((**closure).clone(), *span)),
            other => Err(LabeledError::new(format!("`{name}` is not a closure"))
                .with_label(format!("this is a {}", other.type_name()), other.span())),
        }
    }

    /// The arguments as they came.
    pub fn raw(&self) -> &EvaluatedCall {
        &self.arguments
    }

    fn find(&self, name: &str) -> Option<&Value> {
        let sig = &self.signature.sig;
        let mut positional = sig
            .required_positional
            .iter()
            .chain(&sig.optional_positional)
            .enumerate();
        if let Some((place, argument)) = positional.find(|(_, argument)| argument.name == name) {
            return self
                .arguments
                .positional
                .get(place)
                .or(argument.default_value.as_ref());
        }
        let given = self
            .arguments
            .named
            .iter()
            .rev()
            .find(|(flag, _)| flag.item == name);
        match given {
            Some((_, None)) => Some(&TRUE),
            Some((_, value)) => value.as_ref(),
            None => sig
                .named
                .iter()
                .find(|flag| flag.long == name)?
                .default_value
                .as_ref(),
        }
    }

    fn needed(&self, name: &str) -> Result<&Value, LabeledError> {
        self.known(name)?.ok_or_else(|| self.is_missing(name))
    }

    fn known(&self, name: &str) -> Result<Option<&Value>, LabeledError> {
        if self.is_known(name) {
            Ok(self.find(name))
        } else {
            Err(self.has_no(name))
        }
    }

    fn expect_known(&self, name: &str) {
        assert!(self.is_known(name), "{}", self.has_no(name));
    }

    fn is_known(&self, name: &str) -> bool {
        let sig = &self.signature.sig;
        let mut short = sig.named.iter().filter(|flag| flag.long.is_empty());
        sig.allows_unknown_args
            || self.names().any(|known| known == name)
            || short.any(|flag| flag.short.is_some_and(|short| name == short.to_string()))
    }

    /// The names of arguments and flags that have one value.
    fn names(&self) -> impl Iterator<Item = &str> {
        let sig = &self.signature.sig;
        let positional = sig
            .required_positional
            .iter()
            .chain(&sig.optional_positional);
        let positional = positional.map(|argument| argument.name.as_str());
        positional.chain(sig.named.iter().map(|flag| flag.long.as_str()))
    }

    /// The user has left something out.
    fn is_missing(&self, name: &str) -> LabeledError {
        LabeledError::new(format!("`{name}` is missing"))
            .with_label("it has to be given", self.head())
    }

    /// The author asks for what the signature does not have.
    fn has_no(&self, name: &str) -> LabeledError {
        let sig = &self.signature.sig;
        let command = &sig.name;
        let error = LabeledError::new(format!("`{command}` has no argument or flag `{name}`"))
            .with_label("asked for by the code of this command", self.head());
        match &sig.rest_positional {
            Some(rest) if rest.name == name => {
                error.with_help("in the plugin, ask for further arguments with `Call::rest`")
            }
            _ => error.with_help(crate::runtime::MISTAKE),
        }
    }
}

static TRUE: Value = Value::Bool(true, Span::UNKNOWN);

fn read<T: DeserializeOwned>(name: &str, value: Value) -> Result<T, LabeledError> {
    let span = value.span();
    from_value(value).map_err(|error| {
        let path = match error.path() {
            path if path.is_empty() || path.starts_with('[') => format!("{name}{path}"),
            path => format!("{name}.{path}"),
        };
        let error = does_not_fit(&path, &error);
        match error.labels.is_empty() {
            true => error.with_label("given here", span),
            false => error,
        }
    })
}

/// What is wrong with a part of the arguments.
fn does_not_fit(path: &str, error: &ConvertError) -> LabeledError {
    let reason = error.reason();
    let labeled = LabeledError::new(format!("`{path}`: {reason}"));
    match error.span() {
        Span::UNKNOWN => labeled,
        span => labeled.with_label(reason, span),
    }
}
