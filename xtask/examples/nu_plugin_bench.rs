//! The plugin that `cargo xtask bench` measures. The same with Nushell's SDK is `peers/engine-115/src/plugin.rs`.

use std::io::Read;
use std::process::ExitCode;

use pegboard_plugin::protocol::nu::ByteStreamKind;
use pegboard_plugin::{Command, Input, LabeledError, Output, Plugin, SyntaxShape, Type, Value};

fn main() -> ExitCode {
    let ints = || Type::List(Box::new(Type::Int));
    Plugin::new("bench", env!("CARGO_PKG_VERSION"))
        .command(
            Command::new("bench echo", "Gives its input back as it is")
                .types(Type::Any, Type::Any)
                .run(|call| Ok::<_, LabeledError>(call.input())),
        )
        .command(
            Command::new("bench numbers", "A stream of numbers from 0 on")
                .types(Type::Nothing, ints())
                .required("count", SyntaxShape::Int, "How many")
                .run(|call| {
                    let count = call.need::<i64>("count")?;
                    Ok::<_, LabeledError>(Output::list((0..count).map(Value::int)))
                }),
        )
        .command(
            Command::new("bench sum", "Adds up what flows in")
                .types(ints(), Type::Int)
                .run(|call| {
                    let mut sum = 0_i64;
                    for item in call.items() {
                        match item? {
                            Value::Int(number, _) => sum = sum.wrapping_add(number),
                            _ => return Err(LabeledError::new("a number is needed")),
                        }
                    }
                    Ok::<_, LabeledError>(Value::int(sum))
                }),
        )
        .command(
            Command::new("bench bytes", "A stream of bytes")
                .types(Type::Nothing, Type::Binary)
                .required("count", SyntaxShape::Int, "How many")
                .run(|call| {
                    let bytes = std::io::repeat(b'x').take(call.need::<u64>("count")?);
                    Ok::<_, LabeledError>(Output::bytes(bytes, ByteStreamKind::Binary))
                }),
        )
        .command(
            Command::new("bench size", "Counts the bytes that flow in")
                .types(Type::Binary, Type::Int)
                .run(|call| {
                    let Input::Bytes(chunks) = call.input() else {
                        return Err(LabeledError::new("a byte stream is needed"));
                    };
                    let mut size = 0;
                    for chunk in chunks {
                        size += chunk?.len() as i64;
                    }
                    Ok(Value::int(size))
                }),
        )
        .serve()
}
