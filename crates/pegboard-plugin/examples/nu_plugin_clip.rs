//! Arguments as a struct, and a stream that is changed while it flows.

use pegboard_plugin::protocol::to_value;
use pegboard_plugin::{Command, Output, Plugin, SyntaxShape, Type};
use serde::{Deserialize, Serialize};

/// A field for each argument and flag; what may be left out is an `Option`.
#[derive(Deserialize)]
struct Arguments {
    width: usize,
    mark: Option<String>,
    numbered: bool,
}

#[derive(Serialize)]
struct Line {
    number: Option<usize>,
    text: String,
}

fn main() -> std::process::ExitCode {
    Plugin::new("clip", env!("CARGO_PKG_VERSION"))
        .command(
            Command::new("clip", "Clips lines of text")
                .types(Type::String, Type::Table(vec![]))
                .types(Type::List(Box::new(Type::String)), Type::Table(vec![]))
                .required("width", SyntaxShape::Int, "How many characters to keep")
                .flag("mark", 'm', SyntaxShape::String, "Put where a line was cut")
                .switch("numbered", 'n', "Number the lines")
                .run(|call| {
                    let arguments: Arguments = call.arguments()?;
                    let mark = arguments.mark.unwrap_or_default();
                    let lines = call.lines().enumerate().map(move |(index, line)| {
                        let mut text = line?;
                        if let Some((end, _)) = text.char_indices().nth(arguments.width) {
                            text.replace_range(end.., &mark);
                        }
                        let number = arguments.numbered.then_some(index);
                        Ok(to_value(&Line { number, text })?)
                    });
                    Ok(Output::try_list(lines))
                }),
        )
        .serve()
}
