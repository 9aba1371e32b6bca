//! The smallest plugin: one command.

use pegboard_plugin::{Command, Plugin, Type, Value};

fn main() -> std::process::ExitCode {
    Plugin::new("hello", env!("CARGO_PKG_VERSION"))
        .command(
            Command::new("hello", "Greets its input")
                .types(Type::String, Type::String)
                .switch("loud", 'l', "In capitals")
                .example("'you' | hello", "Greets you", Value::string("Hello, you!"))
                .run(|call| {
                    let name = call.input().into_text()?;
                    let greeting = format!("Hello, {}!", name.trim_end());
                    let greeting = if call.has("loud") {
                        greeting.to_uppercase()
                    } else {
                        greeting
                    };
                    Ok(Value::string(greeting))
                }),
        )
        .serve()
}
