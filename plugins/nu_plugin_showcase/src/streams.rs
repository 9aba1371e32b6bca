//! Lists and bytes that flow, both ways, and end when nobody wants more of them.

use std::io::Read;
use std::time::Duration;

use pegboard_plugin::protocol::nu::{ByteStreamKind, Metadata};
use pegboard_plugin::{Command, Engine, Input, LabeledError, Output, SyntaxShape, Type, Value};

pub(crate) fn commands() -> Vec<Command> {
    let ints = || Type::List(Box::new(Type::Int));
    vec![
        Command::new(
            "showcase numbers",
            "A stream of numbers from 0 on; without an end if none is given",
        )
        .types(Type::Nothing, ints())
        .search_terms(["count", "sequence"])
        .optional("count", SyntaxShape::Int, "How many")
        .flag(
            "wait",
            'w',
            SyntaxShape::Duration,
            "How long to wait before each",
        )
        .example(
            "showcase numbers 3",
            "Three",
            Value::list([0, 1, 2].map(Value::int)),
        )
        .run(|call| {
            let count = call.get::<i64>("count")?.unwrap_or(i64::MAX);
            let wait = match call.value("wait") {
                Some(Value::Duration(nanoseconds, _)) => u64::try_from(*nanoseconds).unwrap_or(0),
                _ => 0,
            };
            let engine = call.engine().clone();
            Ok(Output::list((0..count).map(move |number| {
                pause(&engine, Duration::from_nanos(wait));
                Value::int(number)
            })))
        }),
        Command::new("showcase sum", "Adds up what flows in")
            .types(ints(), Type::Int)
            .types(Type::Range, Type::Int)
            .example("[1 2 3] | showcase sum", "Add up a list", Value::int(6))
            .run(|call| {
                let mut sum = 0_i64;
                for item in call.items() {
                    sum = sum.wrapping_add(int(item?)?);
                }
                Ok(Value::int(sum))
            }),
        Command::new("showcase double", "Doubles each number that flows through")
            .types(ints(), ints())
            .types(Type::Range, ints())
            .filter()
            .example(
                "[1 2] | showcase double",
                "Double a list",
                Value::list([2, 4].map(Value::int)),
            )
            .run(|call| {
                let items = call.items();
                Ok(Output::try_list(
                    items.map(|item| Ok(Value::int(int(item?)?.wrapping_mul(2)))),
                ))
            }),
        Command::new("showcase first", "The first items; the rest is not read")
            .types(Type::Any, Type::List(Box::new(Type::Any)))
            .required("count", SyntaxShape::Int, "How many")
            .run(|call| {
                let count = call.need::<usize>("count")?;
                let items: Result<Vec<_>, _> = call.items().take(count).collect();
                Ok(Value::list(items?))
            }),
        Command::new(
            "showcase bytes",
            "A stream of letters as bytes; without an end if none is given",
        )
        .types(Type::Nothing, Type::Any)
        .optional("count", SyntaxShape::Int, "How many")
        .switch("text", 't', "As text")
        .run(|call| {
            let count = call.get::<u64>("count")?.unwrap_or(u64::MAX);
            let kind = match call.has("text") {
                true => ByteStreamKind::String,
                false => ByteStreamKind::Binary,
            };
            let mut output = Output::bytes(Letters(0).take(count), kind);
            if let Output::Bytes(stream) = &mut output {
                stream.metadata = Some(Metadata {
                    content_type: Some("text/plain".to_owned()),
                    ..Metadata::default()
                });
            }
            Ok(output)
        }),
        Command::new("showcase size", "Counts the bytes that flow in")
            .types(Type::Any, Type::Int)
            .run(|call| {
                let size = match call.input() {
                    Input::Bytes(chunks) => {
                        let mut size = 0;
                        for chunk in chunks {
                            size += chunk?.len();
                        }
                        size
                    }
                    other => other.into_text()?.len(),
                };
                Ok(Value::int(i64::try_from(size).unwrap_or(i64::MAX)))
            }),
        Command::new(
            "showcase rotate",
            "Shifts each letter of a text that flows through by 13",
        )
        .types(Type::String, Type::String)
        .filter()
        .run(|call| {
            let rotate = |byte: u8| match byte {
                b'a'..=b'z' => b'a' + (byte - b'a' + 13) % 26,
                b'A'..=b'Z' => b'A' + (byte - b'A' + 13) % 26,
                other => other,
            };
            match call.input() {
                Input::Bytes(chunks) => {
                    let kind = chunks.kind;
                    let rotated =
                        chunks.map(move |chunk| Ok(chunk?.into_iter().map(rotate).collect()));
                    Ok(Output::try_bytes(rotated, kind))
                }
                other => {
                    let text = other.into_text()?;
                    let rotated = text.chars().map(|char| match char.is_ascii() {
                        true => char::from(rotate(char as u8)),
                        false => char,
                    });
                    Ok(Value::string(rotated.collect::<String>()).into())
                }
            }
        }),
    ]
}

/// Waits for a time, or until the user has had enough.
fn pause(engine: &Engine, time: Duration) {
    if time.is_zero() {
        return;
    }
    let (stop, stopped) = std::sync::mpsc::sync_channel::<()>(1);
    let _listener = engine.on_interrupt(move || {
        let _ = stop.try_send(());
    });
    if !engine.is_interrupted() {
        let _ = stopped.recv_timeout(time);
    }
}

fn int(value: Value) -> Result<i64, LabeledError> {
    match value {
        Value::Int(number, _) => Ok(number),
        Value::Error(error, _) => Err(*error),
        other => Err(LabeledError::new("a number is needed").with_label(
            format!("this is a value of type {}", other.type_name()),
            other.span(),
        )),
    }
}

/// The alphabet, again and again.
struct Letters(u8);

impl Read for Letters {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        for place in &mut *buffer {
            *place = b'a' + self.0;
            self.0 = (self.0 + 1) % 26;
        }
        Ok(buffer.len())
    }
}
