//! Arguments: typed, with defaults, as a struct, and completed while they are typed.

use std::path::PathBuf;

use pegboard_plugin::protocol::nu::Suggestion;
use pegboard_plugin::protocol::to_value;
use pegboard_plugin::{Command, LabeledError, SyntaxShape, Type, Value};
use serde::{Deserialize, Serialize};

/// The arguments of `showcase arguments`.
#[derive(Deserialize, Serialize)]
struct Arguments {
    name: String,
    times: i64,
    more: Vec<f64>,
    loud: bool,
    colour: Option<String>,
    options: Option<Options>,
}

#[derive(Deserialize, Serialize)]
struct Options {
    width: i64,
    #[serde(default)]
    tags: Vec<String>,
}

pub(crate) fn commands() -> Vec<Command> {
    let options = [
        ("width".to_owned(), SyntaxShape::Int),
        (
            "tags".to_owned(),
            SyntaxShape::List(Box::new(SyntaxShape::String)),
        ),
    ];
    vec![
        Command::new(
            "showcase arguments",
            "Shows its arguments as they were understood",
        )
        .types(Type::Nothing, Type::Record(Vec::new()))
        .required("name", SyntaxShape::String, "A name")
        .optional("times", SyntaxShape::Int, "How often")
        .default("times", Value::int(1))
        .rest("more", SyntaxShape::Number, "Numbers")
        .switch("loud", 'l', "With a loud voice")
        .flag("colour", 'c', SyntaxShape::String, "One of three")
        .candidates("colour", ["red", "green", "blue"])
        .flag(
            "options",
            None,
            SyntaxShape::Record(options.to_vec()),
            "A record",
        )
        .run(|call| {
            let arguments: Arguments = call.arguments()?;
            to_value(&arguments).map_err(LabeledError::from)
        }),
        Command::new("showcase path", "Shows paths as the caller means them")
            .types(Type::Nothing, Type::List(Box::new(Type::String)))
            .required("file", SyntaxShape::Filepath, "A file")
            .flag("in", 'i', SyntaxShape::Directory, "A directory")
            .rest("more", SyntaxShape::Filepath, "More files")
            .run(|call| {
                let mut paths = vec![call.path("file")?];
                for path in call.get::<PathBuf>("in")?.into_iter().chain(call.rest()?) {
                    paths.push(call.engine().absolute(path)?);
                }
                let paths = paths
                    .iter()
                    .map(|path| Value::string(path.to_string_lossy()));
                Ok(Value::list(paths))
            }),
        Command::new(
            "showcase pick",
            "Picks an animal that lives in this directory",
        )
        .details(
            "The candidates are found while they are typed. Nushell asks for them since 0.109.",
        )
        .types(Type::Nothing, Type::String)
        .required("animal", SyntaxShape::String, "Which one")
        .complete("animal", |engine| {
            // Not every engine answers while a line is typed.
            let here = engine.current_dir().ok();
            let place = here.as_ref().and_then(|here| here.file_name());
            let place = place.unwrap_or("here".as_ref()).to_string_lossy();
            let animals = ["cat", "dog", "giraffe"].map(|animal| Suggestion {
                value: animal.to_owned(),
                description: Some(format!("lives in {place}")),
                append_whitespace: true,
                ..Suggestion::default()
            });
            Some(animals.to_vec())
        })
        .run(|call| call.need::<String>("animal").map(Value::string)),
    ]
}
