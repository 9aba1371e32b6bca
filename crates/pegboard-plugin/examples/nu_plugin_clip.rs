//! Arguments as a struct, and a stream that is changed while it flows. `cargo build --example nu_plugin_clip`

use pegboard_plugin::protocol::to_value;
use pegboard_plugin::{Command, LabeledError, Output, Plugin, SyntaxShape, Type, Value};
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
                .types(Type::List(Box::new(Type::String)), Type::Table(vec![]))
                .required("width", SyntaxShape::Int, "How many characters to keep")
                .flag("mark", 'm', SyntaxShape::String, "Put where a line was cut")
                .switch("numbered", 'n', "Number the lines")
                .run(|call| {
                    let arguments: Arguments = call.arguments()?;
                    let mark = arguments.mark.unwrap_or_default();
                    let lines = call.items().enumerate();
                    let lines = lines.map(move |(index, item)| {
                        let (mut text, span) = match item? {
                            Value::String(text, span) => (text, span),
                            other => {
                                return Err(LabeledError::new("only text can be clipped")
                                    .with_label("this is something else", other.span()));
                            }
                        };
                        if let Some((end, _)) = text.char_indices().nth(arguments.width) {
                            text.replace_range(end.., &mark);
                        }
                        let number = arguments.numbered.then_some(index);
                        Ok(to_value(&Line { number, text })?.at(span))
                    });
                    Ok::<_, LabeledError>(Output::try_list(lines))
                }),
        )
        .serve()
}
