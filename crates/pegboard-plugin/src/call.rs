//! One run of a command: arguments by name, input, and the engine.

use std::sync::Arc;

use pegboard_protocol::nu::{EvaluatedCall, PluginSignature};
use pegboard_protocol::{Closure, LabeledError, Record, Span, Spanned, Value, from_value};
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

    /// Asks the engine things on behalf of this call. Can be cloned and moved into an output stream.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The value of the argument or flag of this name; its default, or none, if it was not given. A switch that was
    /// given is true.
    pub fn value(&self, name: &str) -> Option<&Value> {
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

    /// The argument or flag of this name as any type that serde can read.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, LabeledError> {
        match self.value(name) {
            None | Some(Value::Nothing(_)) => Ok(None),
            Some(value) => read(name, value.clone()).map(Some),
        }
    }

    /// The argument or flag of this name, which has to be there.
    pub fn need<T: DeserializeOwned>(&self, name: &str) -> Result<T, LabeledError> {
        match self.value(name) {
            Some(value) => read(name, value.clone()),
            None => Err(LabeledError::new(format!("`{name}` is missing"))
                .with_label("it has to be given", self.head())),
        }
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
    pub fn has(&self, name: &str) -> bool {
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
            if let Some(value) = self.value(&argument.name) {
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
            } else if let Some(value) = self.value(&flag.long) {
                record.insert(field(&flag.long), value.clone());
            }
        }
        from_value(Value::Record(record, self.head())).map_err(LabeledError::from)
    }

    /// The argument or flag of this name as a custom value of this plugin's.
    pub fn custom<T: CustomType>(&self, name: &str) -> Result<T, LabeledError> {
        match self.value(name) {
            Some(value) => crate::custom::from_value(value),
            None => Err(LabeledError::new(format!("`{name}` is missing"))
                .with_label("it has to be given", self.head())),
        }
    }

    /// The argument or flag of this name as a closure, for [`Engine::eval`].
    pub fn closure(&self, name: &str) -> Result<Spanned<Closure>, LabeledError> {
        match self.value(name) {
            Some(Value::Closure(closure, span)) => Ok(Spanned::new((**closure).clone(), *span)),
            Some(other) => Err(LabeledError::new(format!("`{name}` is not a closure"))
                .with_label(format!("this is a {}", other.type_name()), other.span())),
            None => Err(LabeledError::new(format!("`{name}` is missing"))
                .with_label("it has to be given", self.head())),
        }
    }

    /// The arguments as they came.
    pub fn raw(&self) -> &EvaluatedCall {
        &self.arguments
    }
}

static TRUE: Value = Value::Bool(true, Span::UNKNOWN);

fn read<T: DeserializeOwned>(name: &str, value: Value) -> Result<T, LabeledError> {
    let span = value.span();
    from_value(value).map_err(|error| {
        LabeledError::new(format!("`{name}` is not what is needed: {error}"))
            .with_label("given here", span)
    })
}
