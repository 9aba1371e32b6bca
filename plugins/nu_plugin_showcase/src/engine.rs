//! What a plugin can ask of its engine.

use pegboard_plugin::protocol::nu::EvaluatedCall;
use pegboard_plugin::protocol::{Opaque, Spanned};
use pegboard_plugin::{Command, Input, LabeledError, Output, SyntaxShape, Type, Value};

pub(crate) fn commands() -> Vec<Command> {
    [asking(), running(), wishing()]
        .into_iter()
        .flatten()
        .collect()
}

fn ask(name: &str, description: &str) -> Command {
    Command::new(format!("showcase engine {name}"), description).types(Type::Nothing, Type::Any)
}

fn asking() -> Vec<Command> {
    vec![
        ask("version", "The version of Nushell that the engine speaks")
            .run(|call| Ok(Value::string(call.engine().version()))),
        ask(
            "env",
            "An environment variable of the caller's, or all of them",
        )
        .optional("name", SyntaxShape::String, "Which one")
        .run(|call| match call.get::<String>("name")? {
            Some(name) => Ok(call.engine().env(&name)?.unwrap_or(Value::nothing())),
            None => Ok(Value::record(call.engine().envs()?)),
        }),
        ask("set-env", "Sets an environment variable for the caller")
            .required("name", SyntaxShape::String, "Which one")
            .required("value", SyntaxShape::Any, "To what")
            .run(|call| {
                let value: Option<&Value> = call.value("value");
                let value = value.cloned().unwrap_or(Value::nothing());
                call.engine()
                    .set_env(&call.need::<String>("name")?, value)?;
                Ok(Output::Empty)
            }),
        ask("directory", "The caller's directory").run(|call| {
            let here = call.engine().current_dir()?;
            Ok(Value::string(here.display().to_string()))
        }),
        ask("config", "The keys of the engine's configuration").run(|call| {
            let keys = match call.engine().config()? {
                Opaque::Map(fields) => fields.into_iter().map(|(key, _)| key).collect(),
                _ => Vec::new(),
            };
            Ok(Value::list(keys.into_iter().map(Value::string)))
        }),
        ask(
            "plugin-config",
            "What the user has configured for this plugin",
        )
        .run(|call| {
            let config = call.engine().plugin_config()?;
            Ok(config.unwrap_or(Value::nothing()))
        }),
        ask("help", "The help text of this command")
            .run(|call| call.engine().help().map(Value::string)),
        ask("source", "The source text of the argument")
            .required("value", SyntaxShape::Any, "Anything")
            .run(|call| {
                let span = call.value("value").map_or(call.head(), Value::span);
                let text = call.engine().span_contents(span)?;
                Ok(Value::string(String::from_utf8_lossy(&text)))
            }),
        ask(
            "code",
            "How many instructions the code of a closure has. Needs Nushell 0.110",
        )
        .required("closure", SyntaxShape::Closure(None), "Which one")
        .run(|call| {
            let closure = call.closure("closure")?;
            let count = match call.engine().block_ir(closure.item.block_id)? {
                Opaque::Map(fields) => {
                    fields
                        .into_iter()
                        .find_map(|(key, value)| match (key.as_str(), value) {
                            ("instructions", Opaque::Array(list)) => Some(list.len()),
                            _ => None,
                        })
                }
                _ => None,
            };
            let count = count.ok_or_else(|| LabeledError::new("it has no instructions"))?;
            Ok(Value::int(count.try_into().unwrap_or(i64::MAX)))
        }),
    ]
}

fn running() -> Vec<Command> {
    vec![
        Command::new(
            "showcase eval",
            "Runs a closure on the whole input, as it is",
        )
        .types(Type::Any, Type::Any)
        .required("closure", SyntaxShape::Closure(None), "What to run")
        .rest("arguments", SyntaxShape::Any, "What to run it with")
        .run(|call| {
            let (closure, input) = (call.closure("closure")?, call.input());
            call.engine()
                .eval(closure, call.rest_values().to_vec(), input)
        }),
        Command::new(
            "showcase each",
            "Runs a closure on each item of the input, lazily",
        )
        .types(Type::Any, Type::List(Box::new(Type::Any)))
        .required("closure", SyntaxShape::Closure(None), "What to run")
        .filter()
        .run(|call| {
            let (closure, engine) = (call.closure("closure")?, call.engine().clone());
            let items = call.items().map(move |item| {
                let item = item?;
                engine
                    .eval(closure.clone(), vec![item.clone()], item)?
                    .into_value()
            });
            Ok(Output::try_list(items))
        }),
        Command::new(
            "showcase call",
            "Runs a command of the engine's on the input",
        )
        .types(Type::Any, Type::Any)
        .required("name", SyntaxShape::String, "Which command")
        .rest("arguments", SyntaxShape::Any, "What to run it with")
        .flag(
            "flags",
            'f',
            SyntaxShape::Record(Vec::new()),
            "Its flags; null for a switch",
        )
        .run(|call| {
            let name: String = call.need("name")?;
            let Some(command) = call.engine().find_command(&name)? else {
                return Err(
                    LabeledError::new(format!("there is no command `{name}`")).with_label(
                        "named here",
                        call.value("name").map_or(call.head(), Value::span),
                    ),
                );
            };
            let named = match call.value("flags") {
                Some(Value::Record(flags, span)) => flags
                    .iter()
                    .map(|(flag, value)| {
                        let value = (!matches!(value, Value::Nothing(_))).then(|| value.clone());
                        (Spanned::new(flag.to_owned(), *span), value)
                    })
                    .collect(),
                _ => Vec::new(),
            };
            let arguments = EvaluatedCall {
                head: call.head(),
                positional: call.rest_values().to_vec(),
                named,
            };
            call.engine().call_command(command, arguments, call.input())
        }),
        Command::new(
            "showcase watch",
            "A stream of an environment variable, asked for item by item",
        )
        .types(Type::Nothing, Type::List(Box::new(Type::Any)))
        .required("name", SyntaxShape::String, "Which one")
        .required("count", SyntaxShape::Int, "How often")
        .run(|call| {
            let (name, count) = (call.need::<String>("name")?, call.need::<u64>("count")?);
            let engine = call.engine().clone();
            let items = (0..count).map(move |_| Ok(engine.env(&name)?.unwrap_or(Value::nothing())));
            Ok(Output::try_list(items))
        }),
    ]
}

fn wishing() -> Vec<Command> {
    vec![
        ask(
            "keep",
            "Asks the engine not to stop this plugin when it is idle, or to do so again",
        )
        .required("keep", SyntaxShape::Boolean, "Whether to keep it")
        .run(|call| {
            call.engine().set_gc_disabled(call.need("keep")?)?;
            Ok(Input::Empty)
        }),
        ask("foreground", "Takes the terminal and gives it back").run(|call| {
            let foreground = call.engine().enter_foreground()?;
            drop(foreground);
            Ok(Value::string("had the terminal"))
        }),
        ask("process", "The number of this plugin's process")
            .run(|_| Ok(Value::int(std::process::id().into()))),
    ]
}
