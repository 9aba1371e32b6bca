//! Values of the plugin's own.

use pegboard_plugin::{Command, CustomType, LabeledError, Plugin, Span, SyntaxShape, Type, Value};
use serde::{Deserialize, Serialize};

/// The user holds a handle. What is in here travels with it, so it means the same after the plugin was restarted.
#[derive(Serialize, Deserialize)]
struct Colour {
    red: u8,
    green: u8,
    blue: u8,
}

impl CustomType for Colour {
    const NAME: &'static str = "Colour";

    /// What is shown, and what other commands get.
    fn to_base_value(&self, span: Span) -> Result<Value, LabeledError> {
        let Colour { red, green, blue } = self;
        Ok(Value::string(format!("#{red:02x}{green:02x}{blue:02x}")).at(span))
    }

    /// What `$colour.red` gives.
    fn follow_field(
        &self,
        name: &str,
        at: Span,
        _optional: bool,
        _insensitive: bool,
    ) -> Result<Value, LabeledError> {
        let part = match name {
            "red" => self.red,
            "green" => self.green,
            "blue" => self.blue,
            _ => {
                return Err(LabeledError::new("a colour has red, green and blue")
                    .with_label("and not this", at));
            }
        };
        Ok(Value::int(part.into()).at(at))
    }
}

fn main() -> std::process::ExitCode {
    let colour = || Type::Custom("Colour".to_owned());
    Plugin::new("colour", env!("CARGO_PKG_VERSION"))
        .custom::<Colour>()
        .command(
            Command::new("colour mix", "Makes a colour")
                .types(Type::Nothing, colour())
                .required("red", SyntaxShape::Int, "From 0 to 255")
                .required("green", SyntaxShape::Int, "From 0 to 255")
                .required("blue", SyntaxShape::Int, "From 0 to 255")
                .run(|call| call.arguments::<Colour>()?.into_handle(call.head())),
        )
        .command(
            Command::new("colour invert", "Makes the opposite colour")
                .types(colour(), colour())
                .run(|call| {
                    let Colour { red, green, blue } =
                        Colour::from_handle(&call.input().into_value()?)?;
                    let [red, green, blue] = [red, green, blue].map(|part| 255 - part);
                    Colour { red, green, blue }.into_handle(call.head())
                }),
        )
        .serve()
}
