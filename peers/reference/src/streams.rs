//! Streams: produced lazily, without end, consumed, cut short.

use std::time::Duration;

use nu_plugin::{EngineInterface, EvaluatedCall};
use nu_protocol::{
    ByteStream, ByteStreamType, LabeledError, ListStream, PipelineData, ShellError, Signature,
    SyntaxShape, Type, Value,
};

use crate::command::{Command, value};

pub const COMMANDS: &[Command] = &[
    Command {
        name: "ref seq",
        description: "A lazy list stream of COUNT integers",
        signature: |sig| {
            paced(sig.required("count", SyntaxShape::Int, "how many"))
                .named("start", SyntaxShape::Int, "first integer (default 0)", None)
                .input_output_type(Type::Nothing, Type::list(Type::Int))
        },
        run: |_, engine, call, _| {
            let start = call.get_flag::<i64>("start")?.unwrap_or(0);
            let count = call.req::<i64>(0)?;
            list(engine, call, start..start.saturating_add(count))
        },
    },
    Command {
        name: "ref endless",
        description: "A list stream of integers that ends only when interrupted or dropped",
        signature: |sig| paced(sig).input_output_type(Type::Nothing, Type::list(Type::Int)),
        run: |_, engine, call, _| list(engine, call, 0..),
    },
    Command {
        name: "ref bytes",
        description: "A byte stream of COUNT bytes: 0 to 255 (or a to z) over and over",
        signature: |sig| {
            paced(sig.required("count", SyntaxShape::Int, "how many"))
                .named(
                    "chunk",
                    SyntaxShape::Int,
                    "bytes per chunk (default 8192)",
                    None,
                )
                .named(
                    "type",
                    SyntaxShape::String,
                    "binary (default), string or unknown",
                    None,
                )
                .input_output_type(Type::Nothing, Type::Any)
        },
        run: |_, engine, call, _| bytes(engine, call),
    },
    Command {
        name: "ref sum",
        description: "Adds the numbers of its input, item by item",
        signature: |sig| {
            sig.input_output_types(vec![
                (Type::list(Type::Int), Type::Int),
                (Type::list(Type::Float), Type::Float),
                (Type::list(Type::Any), Type::Number),
                (Type::Range, Type::Int),
            ])
        },
        run: |_, _, call, input| sum(call, input),
    },
    Command {
        name: "ref count",
        description: "Counts the items of its input, item by item",
        signature: |sig| sig.input_output_type(Type::Any, Type::Int),
        run: |_, _, call, input| {
            let count = input.into_iter().count();
            value(Value::int(count as i64, call.head))
        },
    },
    Command {
        name: "ref collect-bytes",
        description: "Joins its input (a byte stream, or strings and binaries) to one binary",
        signature: |sig| sig.input_output_type(Type::Any, Type::Binary),
        run: |_, _, call, input| {
            let bytes = match input {
                PipelineData::ByteStream(stream, _) => stream.into_bytes()?,
                other => {
                    let mut bytes = Vec::new();
                    for item in other {
                        bytes.extend(item.coerce_into_binary()?);
                    }
                    bytes
                }
            };
            value(Value::binary(bytes, call.head))
        },
    },
    Command {
        name: "ref head",
        description: "Reads COUNT items (or bytes) of its input and drops the rest",
        signature: |sig| {
            sig.required("count", SyntaxShape::Int, "how many")
                .input_output_type(Type::Any, Type::Any)
        },
        run: |_, _, call, input| {
            let count = call.req::<usize>(0)?;
            match input {
                PipelineData::ByteStream(stream, _) => {
                    let bytes = stream.take(call.head, count as u64)?.into_bytes()?;
                    value(Value::binary(bytes, call.head))
                }
                other => value(Value::list(
                    other.into_iter().take(count).collect(),
                    call.head,
                )),
            }
        },
    },
    Command {
        name: "ref ignore",
        description: "Returns at once and never reads its input",
        signature: |sig| sig.input_output_type(Type::Any, Type::String),
        run: |_, _, call, _| value(Value::string("ignored", call.head)),
    },
    Command {
        name: "ref each-tenth",
        description: "Streams through every tenth item of its input",
        signature: |sig| sig.input_output_type(Type::list(Type::Any), Type::list(Type::Any)),
        run: |_, engine, call, input| {
            let items = input.into_iter().step_by(10);
            let stream = ListStream::new(items, call.head, engine.signals().clone());
            Ok(PipelineData::ListStream(stream, None))
        },
    },
];

/// Adds the flag that slows a producer down.
fn paced(sig: Signature) -> Signature {
    sig.named(
        "sleep",
        SyntaxShape::Int,
        "milliseconds before each item or chunk",
        None,
    )
}

fn pause(call: &EvaluatedCall) -> Result<Duration, ShellError> {
    let millis = call.get_flag::<i64>("sleep")?.unwrap_or(0);
    Ok(Duration::from_millis(millis.max(0) as u64))
}

fn list(
    engine: &EngineInterface,
    call: &EvaluatedCall,
    numbers: impl Iterator<Item = i64> + Send + 'static,
) -> Result<PipelineData, LabeledError> {
    let head = call.head;
    let pause = pause(call)?;
    let items = numbers.map(move |n| {
        std::thread::sleep(pause);
        Value::int(n, head)
    });
    let stream = ListStream::new(items, head, engine.signals().clone());
    Ok(PipelineData::ListStream(stream, None))
}

fn bytes(engine: &EngineInterface, call: &EvaluatedCall) -> Result<PipelineData, LabeledError> {
    let count = call.req::<usize>(0)?;
    let chunk = call.get_flag::<usize>("chunk")?.unwrap_or(8192).max(1);
    let pause = pause(call)?;
    let (kind, alphabet): (_, Vec<u8>) = match call.get_flag::<String>("type")?.as_deref() {
        None | Some("binary") => (ByteStreamType::Binary, (0..=255).collect()),
        Some("string") => (ByteStreamType::String, (b'a'..=b'z').collect()),
        Some("unknown") => (ByteStreamType::Unknown, (b'a'..=b'z').collect()),
        Some(other) => {
            return Err(LabeledError::new(format!("no byte stream type `{other}`"))
                .with_label("asked for here", call.head));
        }
    };
    let chunks = (0..count).step_by(chunk).map(move |start| {
        std::thread::sleep(pause);
        let end = count.min(start.saturating_add(chunk));
        (start..end)
            .map(|i| alphabet[i % alphabet.len()])
            .collect::<Vec<u8>>()
    });
    let stream = ByteStream::from_iter(chunks, call.head, engine.signals().clone(), kind);
    Ok(PipelineData::ByteStream(stream, None))
}

fn sum(call: &EvaluatedCall, input: PipelineData) -> Result<PipelineData, LabeledError> {
    let mut whole = 0_i64;
    let mut fraction = None;
    for item in input {
        match item {
            Value::Int { val, .. } => whole = whole.wrapping_add(val),
            Value::Float { val, .. } => *fraction.get_or_insert(0.0) += val,
            Value::Error { error, .. } => return Err((*error).into()),
            other => {
                return Err(LabeledError::new("only numbers can be added")
                    .with_label(format!("this is {}", other.get_type()), other.span()));
            }
        }
    }
    value(match fraction {
        Some(fraction) => Value::float(fraction + whole as f64, call.head),
        None => Value::int(whole, call.head),
    })
}
