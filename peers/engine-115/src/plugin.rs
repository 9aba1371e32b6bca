//! The plugin that is measured, written with Nushell's SDK. Pegboard's is `xtask/examples/nu_plugin_bench.rs`.

use std::io::Read;

use nu_plugin::{
    EngineInterface, EvaluatedCall, MsgPackSerializer, Plugin, PluginCommand, serve_plugin,
};
use nu_protocol::{
    ByteStream, ByteStreamType, LabeledError, ListStream, PipelineData, Signature, SyntaxShape,
    Type, Value,
};

fn main() {
    serve_plugin(&Bench, MsgPackSerializer);
}

struct Bench;

impl Plugin for Bench {
    fn version(&self) -> String {
        env!("CARGO_PKG_VERSION").into()
    }

    fn commands(&self) -> Vec<Box<dyn PluginCommand<Plugin = Self>>> {
        COMMANDS
            .iter()
            .map(|command| Box::new(*command) as _)
            .collect()
    }
}

const COMMANDS: &[Command] = &[
    Command {
        name: "bench echo",
        description: "Gives its input back as it is",
        signature: |sig| sig.input_output_type(Type::Any, Type::Any),
        run: |_, _, input| Ok(input),
    },
    Command {
        name: "bench numbers",
        description: "A stream of numbers from 0 on",
        signature: |sig| {
            sig.required("count", SyntaxShape::Int, "How many")
                .input_output_type(Type::Nothing, Type::list(Type::Int))
        },
        run: |engine, call, _| {
            let (head, count) = (call.head, call.req::<i64>(0)?);
            let numbers = (0..count).map(move |number| Value::int(number, head));
            let stream = ListStream::new(numbers, head, engine.signals().clone());
            Ok(PipelineData::ListStream(stream, None))
        },
    },
    Command {
        name: "bench sum",
        description: "Adds up what flows in",
        signature: |sig| sig.input_output_type(Type::list(Type::Int), Type::Int),
        run: |_, call, input| {
            let mut sum = 0_i64;
            for item in input {
                sum = sum.wrapping_add(item.as_int()?);
            }
            Ok(PipelineData::Value(Value::int(sum, call.head), None))
        },
    },
    Command {
        name: "bench bytes",
        description: "A stream of bytes",
        signature: |sig| {
            sig.required("count", SyntaxShape::Int, "How many")
                .input_output_type(Type::Nothing, Type::Binary)
        },
        run: |engine, call, _| {
            let bytes = std::io::repeat(b'x').take(call.req::<i64>(0)? as u64);
            let signals = engine.signals().clone();
            let stream = ByteStream::read(bytes, call.head, signals, ByteStreamType::Binary);
            Ok(PipelineData::ByteStream(stream, None))
        },
    },
    Command {
        name: "bench size",
        description: "Counts the bytes that flow in",
        signature: |sig| sig.input_output_type(Type::Binary, Type::Int),
        run: |_, call, input| {
            let PipelineData::ByteStream(stream, _) = input else {
                return Err(LabeledError::new("a byte stream is needed"));
            };
            let size = size(stream)?;
            Ok(PipelineData::Value(Value::int(size, call.head), None))
        },
    },
];

fn size(stream: ByteStream) -> Result<i64, LabeledError> {
    let Some(mut bytes) = stream.reader() else {
        return Ok(0);
    };
    let size = std::io::copy(&mut bytes, &mut std::io::sink());
    Ok(size.map_err(|error| LabeledError::new(error.to_string()))? as i64)
}

type Run = fn(&EngineInterface, &EvaluatedCall, PipelineData) -> Result<PipelineData, LabeledError>;

#[derive(Clone, Copy)]
struct Command {
    name: &'static str,
    description: &'static str,
    /// Adds parameters and types to the empty signature.
    signature: fn(Signature) -> Signature,
    run: Run,
}

impl PluginCommand for Command {
    type Plugin = Bench;

    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> Signature {
        (self.signature)(Signature::build(self.name))
    }

    fn description(&self) -> &str {
        self.description
    }

    fn run(
        &self,
        _: &Bench,
        engine: &EngineInterface,
        call: &EvaluatedCall,
        input: PipelineData,
    ) -> Result<PipelineData, LabeledError> {
        (self.run)(engine, call, input)
    }
}
