//! A custom type: a count with a name, as a handle that only this plugin understands.

use std::path::Path;
use std::sync::Mutex;

use pegboard_plugin::protocol::nu::{Comparison, Math, Operator, Ordering};
use pegboard_plugin::{
    Command, CustomType, Engine, LabeledError, Output, Span, SyntaxShape, Type, Value,
};
use serde::{Deserialize, Serialize};

/// A count with a name.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Tally {
    name: String,
    count: i64,
}

/// The names of those that were dropped.
static DROPPED: Mutex<Vec<String>> = Mutex::new(Vec::new());

impl CustomType for Tally {
    const NAME: &'static str = "Tally";
    const NOTIFY_ON_DROP: bool = true;

    fn to_base_value(&self, span: Span) -> Result<Value, LabeledError> {
        let name = Value::string(&self.name).at(span);
        let count = Value::int(self.count).at(span);
        Ok(Value::record([("name", name), ("count", count)]).at(span))
    }

    fn follow_index(&self, index: u64, at: Span, optional: bool) -> Result<Value, LabeledError> {
        match index {
            0 => Ok(Value::string(&self.name).at(at)),
            1 => Ok(Value::int(self.count).at(at)),
            _ if optional => Ok(Value::nothing()),
            _ => Err(LabeledError::new("a tally has two items").with_label("this is beyond", at)),
        }
    }

    fn follow_field(
        &self,
        name: &str,
        at: Span,
        optional: bool,
        insensitive: bool,
    ) -> Result<Value, LabeledError> {
        let is = |known: &str| name == known || insensitive && name.eq_ignore_ascii_case(known);
        match name {
            _ if is("name") => Ok(Value::string(&self.name).at(at)),
            _ if is("count") => Ok(Value::int(self.count).at(at)),
            _ if is("next") => self.raised(1).into_handle(at),
            _ if optional => Ok(Value::nothing()),
            _ => Err(LabeledError::new(format!("a tally has no `{name}`"))
                .with_label("asked for here", at)),
        }
    }

    fn compare(&self, other: &Value) -> Option<Ordering> {
        Some(self.count.cmp(&number(other)?))
    }

    fn operate(&self, operator: Operator, right: &Value, at: Span) -> Result<Value, LabeledError> {
        let unknown = || LabeledError::new("a tally cannot do this").with_label("here", at);
        let other = number(right).ok_or_else(unknown)?;
        let compared = |is: bool| Ok(Value::bool(is).at(at));
        match operator {
            Operator::Math(Math::Add) => self.raised(other).into_handle(at),
            Operator::Comparison(Comparison::Equal) => compared(self.count == other),
            Operator::Comparison(Comparison::NotEqual) => compared(self.count != other),
            Operator::Comparison(Comparison::LessThan) => compared(self.count < other),
            Operator::Comparison(Comparison::GreaterThan) => compared(self.count > other),
            _ => Err(unknown()),
        }
    }

    fn save(&self, path: &Path, at: Span) -> Result<(), LabeledError> {
        std::fs::write(path, format!("{}: {}\n", self.name, self.count)).map_err(|error| {
            LabeledError::new(format!("it cannot be saved: {error}")).with_label("here", at)
        })
    }

    fn dropped(self, _: &Engine) {
        dropped().push(self.name);
    }
}

impl Tally {
    fn raised(&self, by: i64) -> Tally {
        Tally {
            name: self.name.clone(),
            count: self.count.wrapping_add(by),
        }
    }
}

fn dropped() -> std::sync::MutexGuard<'static, Vec<String>> {
    DROPPED
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// What a tally can be compared with and raised by: numbers and other tallies.
fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number, _) => Some(*number),
        other => Some(Tally::from_handle(other).ok()?.count),
    }
}

pub(crate) fn commands() -> Vec<Command> {
    let tally = || Type::Custom(Tally::NAME.to_owned());
    vec![
        Command::new("showcase tally", "Makes a tally, which is a custom value")
            .details("It has `.name`, `.count` and `.next`, or `.0` and `.1`; it can be added to, compared and saved.")
            .types(Type::Nothing, tally())
            .required("name", SyntaxShape::String, "Its name")
            .optional("count", SyntaxShape::Int, "Its count")
            .default("count", Value::int(0))
            .example(
                "showcase tally sheep 7",
                "Seven sheep",
                Tally { name: "sheep".to_owned(), count: 7 }.into_handle(Span::UNKNOWN).ok(),
            )
            .run(|call| {
                let (name, count) = (call.need("name")?, call.need("count")?);
                Tally { name, count }.into_handle(call.head())
            }),
        Command::new("showcase tally read", "Reads a tally that is given as input or as an argument")
            .types(tally(), Type::Record(Vec::new()))
            .types(Type::Nothing, Type::Record(Vec::new()))
            .optional("tally", SyntaxShape::Any, "The tally")
            .run(|call| match call.value("tally") {
                Some(_) => call.custom::<Tally>("tally")?.to_base_value(call.head()),
                None => Tally::from_handle(&call.input().into_value()?)?.to_base_value(call.head()),
            }),
        Command::new("showcase tally list", "A stream of tallies")
            .types(Type::Nothing, Type::List(Box::new(tally())))
            .required("count", SyntaxShape::Int, "How many")
            .run(|call| {
                let (head, count) = (call.head(), call.need::<i64>("count")?);
                let make = move |count| Tally { name: format!("tally {count}"), count }.into_handle(head);
                Ok(Output::try_list((0..count).rev().map(make)))
            }),
        Command::new("showcase tally dropped", "The names of the tallies that nobody has any more")
            .types(Type::Nothing, Type::List(Box::new(Type::String)))
            .run(|_| Ok(Value::list(dropped().iter().map(Value::string)))),
    ]
}
