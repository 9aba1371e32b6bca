//! Values: one of each kind, echo, metadata, and what the plugin saw of its input.

use chrono::{DateTime, FixedOffset};
use nu_plugin::EvaluatedCall;
use nu_protocol::ast::{CellPath, PathMember, RangeInclusion};
use nu_protocol::casing::Casing;
use nu_protocol::engine::Closure;
use nu_protocol::{
    BlockId, DataSource, LabeledError, ListStream, PipelineData, PipelineMetadata, Range, Record,
    ShellError, Signals, Span, SyntaxShape, Type, Value, VarId, record,
};

use crate::command::{Command, value};

pub const COMMANDS: &[Command] = &[
    Command {
        name: "ref values",
        description: "A record with one value of every kind, or only the one that is named",
        signature: |sig| {
            sig.optional(
                "kind",
                SyntaxShape::String,
                "column to return instead of the record",
            )
            .input_output_type(Type::Nothing, Type::Any)
        },
        run: |_, _, call, _| {
            let all = values(call.head)?;
            match call.opt::<String>(0)? {
                None => value(Value::record(all, call.head)),
                Some(kind) => value(all.get(&kind).cloned().ok_or_else(|| {
                    LabeledError::new(format!("no value of kind `{kind}`"))
                        .with_label("unknown kind", call.head)
                })?),
            }
        },
    },
    Command {
        name: "ref echo",
        description: "Returns its input as it is: value or stream, with its metadata",
        signature: |sig| sig.input_output_type(Type::Any, Type::Any),
        run: |_, _, _, input| Ok(input),
    },
    Command {
        name: "ref describe",
        description: "What arrived as input: kind, type, and metadata",
        signature: |sig| sig.input_output_type(Type::Any, Type::record()),
        run: |_, _, call, input| value(describe(call, input)),
    },
    Command {
        name: "ref metadata",
        description: "A value or stream that carries metadata",
        signature: |sig| {
            sig.switch(
                "stream",
                "return a list stream instead of a value",
                Some('s'),
            )
            .named(
                "path",
                SyntaxShape::String,
                "data source: this file path",
                None,
            )
            .named("content-type", SyntaxShape::String, "content type", None)
            .input_output_type(Type::Nothing, Type::Any)
        },
        run: |_, _, call, _| {
            let metadata = PipelineMetadata {
                data_source: match call.get_flag::<String>("path")? {
                    Some(path) => DataSource::FilePath(path.into()),
                    None => DataSource::None,
                },
                content_type: call.get_flag("content-type")?,
                ..Default::default()
            };
            let head = call.head;
            if call.has_flag("stream")? {
                let items = [Value::int(1, head), Value::int(2, head)].into_iter();
                let stream = ListStream::new(items, head, Signals::empty());
                Ok(PipelineData::ListStream(stream, Some(metadata)))
            } else {
                Ok(PipelineData::Value(
                    Value::string("text", head),
                    Some(metadata),
                ))
            }
        },
    },
];

fn values(span: Span) -> Result<Record, LabeledError> {
    let int = |n| Value::int(n, span);
    let float = |x| Value::float(x, span);
    let nothing = || Value::nothing(span);
    let range = |start, next, end, inclusion| -> Result<Value, ShellError> {
        Ok(Value::range(
            Range::new(start, next, end, inclusion, span)?,
            span,
        ))
    };
    let date = |text: &str| {
        DateTime::<FixedOffset>::parse_from_rfc3339(text)
            .map(|date| Value::date(date, span))
            .map_err(|error| LabeledError::new(error.to_string()))
    };
    use RangeInclusion::{Inclusive, RightExclusive};
    Ok(record! {
        "nothing" => nothing(),
        "bool" => Value::bool(true, span),
        "int" => int(42),
        "int_min" => int(i64::MIN),
        "int_max" => int(i64::MAX),
        "float" => float(1.5),
        "float_whole" => float(3.0),
        "float_big" => float(1e21),
        "string" => Value::string("grüße, \"world\"\n\t🦀", span),
        "glob" => Value::glob("*.rs", false, span),
        "glob_quoted" => Value::glob("a b*", true, span),
        "filesize" => Value::filesize(-2048, span),
        "duration" => Value::duration(90_000_000_001, span),
        "date" => date("2024-01-02T03:04:05.678+02:00")?,
        "date_utc" => date("1969-12-31T23:59:59.000000001Z")?,
        "range_int" => range(int(1), int(3), int(9), Inclusive)?,
        "range_exclusive" => range(int(0), nothing(), int(4), RightExclusive)?,
        "range_down" => range(int(5), int(4), int(1), Inclusive)?,
        "range_unbounded" => range(int(7), nothing(), nothing(), Inclusive)?,
        "range_float" => range(float(1.5), float(2.0), float(3.0), Inclusive)?,
        "record" => Value::record(record! { "b" => int(1), "a" => nothing() }, span),
        "record_empty" => Value::record(Record::new(), span),
        "list" => Value::list(vec![int(1), Value::string("two", span), nothing()], span),
        "list_empty" => Value::list(vec![], span),
        "table" => Value::list(
            vec![
                Value::record(record! { "n" => int(1) }, span),
                Value::record(record! { "n" => int(2) }, span),
            ],
            span,
        ),
        "nested" => nested(8, span),
        "closure" => Value::closure(
            Closure { block_id: BlockId::new(0), captures: vec![(VarId::new(9), int(5))] },
            span,
        ),
        "binary" => Value::binary((0..=255).collect::<Vec<u8>>(), span),
        "binary_empty" => Value::binary(vec![], span),
        "cell_path" => Value::cell_path(cell_path(span), span),
        "error" => Value::error(crate::errors::full(span).into(), span),
    })
}

fn nested(depth: usize, span: Span) -> Value {
    (0..depth).fold(Value::int(0, span), |inner, _| {
        Value::record(record! { "in" => Value::list(vec![inner], span) }, span)
    })
}

fn cell_path(span: Span) -> CellPath {
    CellPath {
        members: vec![
            PathMember::string("a".into(), false, Casing::Sensitive, span),
            PathMember::int(0, true, span),
            PathMember::string("two words".into(), true, Casing::Insensitive, span),
            PathMember::string("12".into(), false, Casing::Sensitive, span),
        ],
    }
}

fn describe(call: &EvaluatedCall, input: PipelineData) -> Value {
    let text = |text: &str| Value::string(text, call.head);
    let (kind, ty, metadata) = match &input {
        PipelineData::Empty => ("empty", String::new(), None),
        PipelineData::Value(value, meta) => ("value", value.get_type().to_string(), meta.as_ref()),
        PipelineData::ListStream(_, meta) => ("list stream", String::new(), meta.as_ref()),
        PipelineData::ByteStream(stream, meta) => (
            "byte stream",
            stream.type_().describe().to_owned(),
            meta.as_ref(),
        ),
    };
    let metadata = metadata.map_or_else(
        || Value::nothing(call.head),
        |meta| {
            let content_type = match &meta.content_type {
                Some(content_type) => text(content_type),
                None => Value::nothing(call.head),
            };
            let source = text(&format!("{:?}", meta.data_source));
            Value::record(
                record! { "data_source" => source, "content_type" => content_type },
                call.head,
            )
        },
    );
    Value::record(
        record! { "kind" => text(kind), "type" => text(&ty), "metadata" => metadata },
        call.head,
    )
}
