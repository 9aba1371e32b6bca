//! Errors: in the response, in a value, inside a stream, with odd spans.

use std::io::{self, Read};

use nu_plugin::{EngineInterface, EvaluatedCall};
use nu_protocol::{
    ByteStream, ByteStreamType, LabeledError, ListStream, PipelineData, ShellError, Signals, Span,
    SyntaxShape, Type, Value,
};

use crate::command::{Command, value};

pub const COMMANDS: &[Command] = &[Command {
    name: "ref error",
    description: "Fails: with labels, code, url, help and an inner error",
    signature: |sig| {
        sig.switch("plain", "only a message", None)
            .switch(
                "odd-spans",
                "labels outside any source, and one that ends before it starts",
                None,
            )
            .switch("in-value", "return an error value instead of failing", None)
            .named(
                "in-stream",
                SyntaxShape::Int,
                "a list stream whose error follows N items",
                None,
            )
            .named(
                "in-bytes",
                SyntaxShape::Int,
                "a byte stream that fails after N chunks",
                None,
            )
            .named("deep", SyntaxShape::Int, "nest N inner errors", None)
            .named(
                "message",
                SyntaxShape::String,
                "message instead of the usual one",
                Some('m'),
            )
            .input_output_type(Type::Any, Type::Any)
    },
    run: |_, engine, call, _| run(engine, call),
}];

fn run(engine: &EngineInterface, call: &EvaluatedCall) -> Result<PipelineData, LabeledError> {
    let head = call.head;
    let mut error = if call.has_flag("plain")? {
        LabeledError::new("reference error")
    } else if call.has_flag("odd-spans")? {
        odd()
    } else {
        full(head)
    };
    if let Some(message) = call.get_flag::<String>("message")? {
        error.msg = message;
    }
    for level in 1..=call.get_flag::<i64>("deep")?.unwrap_or(0) {
        let inner: ShellError = error.into();
        error = LabeledError::new(format!("level {level}")).with_inner(inner);
    }

    if call.has_flag("in-value")? {
        value(Value::error(error.into(), head))
    } else if let Some(after) = call.get_flag::<i64>("in-stream")? {
        let items = (0..after)
            .map(move |n| Value::int(n, head))
            .chain([Value::error(error.into(), head)])
            .chain([Value::string("after the error", head)]);
        let stream = ListStream::new(items, head, engine.signals().clone());
        Ok(PipelineData::ListStream(stream, None))
    } else if let Some(after) = call.get_flag::<i64>("in-bytes")? {
        let reader = FailingReader { chunks_left: after };
        let stream = ByteStream::read(reader, head, Signals::empty(), ByteStreamType::Binary);
        Ok(PipelineData::ByteStream(stream, None))
    } else {
        Err(error)
    }
}

/// An error that fills every field.
pub fn full(span: Span) -> LabeledError {
    let inner = LabeledError::new("inner error")
        .with_code("reference::inner")
        .with_label("inner label", span);
    LabeledError::new("reference error")
        .with_code("reference::outer")
        .with_url("https://example.com/reference")
        .with_help("this is only a test")
        .with_label("first label", span)
        .with_label("second label", Span::new(span.start, span.start))
        .with_inner(inner)
}

fn odd() -> LabeledError {
    // Built field by field: the constructor asserts that a span does not end before it starts.
    let backwards = Span { start: 20, end: 10 };
    let huge = Span {
        start: usize::MAX - 1,
        end: usize::MAX,
    };
    LabeledError::new("reference error")
        .with_label("nowhere", Span::unknown())
        .with_label("far away", Span::new(1_000_000_000, 1_000_000_005))
        .with_label("backwards", backwards)
        .with_label("huge", huge)
}

/// Yields some chunks, then fails with an IO error of a kind that the SDK can carry.
struct FailingReader {
    chunks_left: i64,
}

impl Read for FailingReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.chunks_left <= 0 {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        self.chunks_left -= 1;
        let length = buffer.len().min(16);
        buffer[..length].fill(b'x');
        Ok(length)
    }
}
