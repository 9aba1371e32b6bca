//! Write a plugin once; it runs in every Nushell from 0.98 on, and in every application that embeds Pegboard.
//!
//! ```no_run
//! use pegboard_plugin::{Command, Plugin, Type, Value};
//!
//! fn main() -> std::process::ExitCode {
//!     Plugin::new("hello", env!("CARGO_PKG_VERSION"))
//!         .command(
//!             Command::new("hello", "Greets its input")
//!                 .types(Type::String, Type::String)
//!                 .switch("loud", 'l', "In capitals")
//!                 .example("'you' | hello", "Greets you", Value::string("Hello, you!"))
//!                 .run(|call| {
//!                     let name = call.input().into_text()?;
//!                     let greeting = format!("Hello, {name}!");
//!                     let greeting = if call.has("loud") { greeting.to_uppercase() } else { greeting };
//!                     Ok(Value::string(greeting))
//!                 }),
//!         )
//!         .serve()
//! }
//! ```
//!
//! A command's handler gets a [`Call`]: its arguments by name, its input, which may be a stream, and the [`Engine`] that
//! it can ask things of. It gives an [`Output`]: a value, an iterator or a reader. Calls run side by side, each on a
//! thread of its own; a panic is an error of that call alone. Whatever the plugin prints cannot get between its messages: it
//! goes to standard error, or, when engine and plugin talk over a local socket, where it always goes.

mod call;
mod command;
mod custom;
pub mod engine;
mod help;
mod mistakes;
pub mod octa;
mod plugin;
mod runtime;

pub use call::Call;
pub use command::Command;
pub use custom::CustomType;
pub use engine::Engine;
pub use plugin::Plugin;

pub use pegboard_protocol as protocol;
pub use pegboard_protocol::nu::{SyntaxShape, Type};
pub use pegboard_protocol::{LabeledError, Span, Value};

/// What flows into a command: nothing, a value, a stream of values or a stream of bytes.
pub type Input = pegboard_transport::Flow<LabeledError>;
/// What flows out of a command. Streams are produced only as fast as they are read.
pub type Output = pegboard_transport::Flow<LabeledError>;
