//! The smallest plugin: one command. `cargo build --example nu_plugin_hello`

use pegboard_plugin::{Command, LabeledError, Plugin, Type, Value};

fn main() -> std::process::ExitCode {
    Plugin::new("hello", env!("CARGO_PKG_VERSION"))
        .command(
            Command::new("hello", "Greets its input")
                .types(Type::String, Type::String)
                .switch("loud", 'l', "In capitals")
                .example("'you' | hello", "Greets you", Value::string("Hello, you!"))
                .run(|call| {
                    let greeting = format!("Hello, {}!", call.input().into_text()?);
                    let greeting = if call.has("loud") {
                        greeting.to_uppercase()
                    } else {
                        greeting
                    };
                    Ok::<_, LabeledError>(Value::string(greeting))
                }),
        )
        .serve()
}
