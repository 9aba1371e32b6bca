//! Arguments: every shape, the parsed call as a record, required flags, dynamic completion.

use nu_plugin::EvaluatedCall;
use nu_protocol::{Signature, Span, SyntaxShape, Type, Value, record};

use crate::command::{Command, value};

pub const COMMANDS: &[Command] = &[
    Command {
        name: "ref args",
        description: "Returns the call that the plugin received, as a record",
        signature: args_signature,
        run: |_, _, call, _| value(call_record(call)),
    },
    Command {
        name: "ref required",
        description: "Has a flag that must be given; returns its value",
        signature: |sig| {
            sig.required_named("level", SyntaxShape::Int, "must be given", Some('l'))
                .input_output_type(Type::Nothing, Type::Int)
        },
        run: |_, _, call, _| {
            let level = call.get_flag::<i64>("level")?.unwrap_or(-1);
            value(Value::int(level, call.head))
        },
    },
    Command {
        name: "ref shapes",
        description: "Declares a flag of every shape and every input type; returns the call",
        signature: shapes_signature,
        run: |_, _, call, _| value(call_record(call)),
    },
    Command {
        name: "ref complete",
        description: "Completes its argument and its flag in the plugin; returns the argument",
        signature: |sig| {
            sig.required("animal", SyntaxShape::String, "completed dynamically")
                .named(
                    "colour",
                    SyntaxShape::String,
                    "completed dynamically too",
                    Some('c'),
                )
                .input_output_type(Type::Nothing, Type::String)
        },
        run: |_, _, call, _| value(call.req(0)?),
    },
];

fn args_signature(sig: Signature) -> Signature {
    sig.required("number", SyntaxShape::Int, "a required integer")
        .optional("text", SyntaxShape::String, "an optional string")
        .rest("rest", SyntaxShape::Any, "anything else")
        .switch("switch", "a switch", Some('s'))
        .named("count", SyntaxShape::Int, "an integer", Some('c'))
        .named("name", SyntaxShape::String, "a string", Some('n'))
        .named(
            "paths",
            list(SyntaxShape::Filepath),
            "a list of paths",
            None,
        )
        .named("rate", SyntaxShape::Float, "a float", None)
        .named("size", SyntaxShape::Filesize, "a file size", None)
        .named("wait", SyntaxShape::Duration, "a duration", None)
        .named("when", SyntaxShape::DateTime, "a date", None)
        .named("range", SyntaxShape::Range, "a range", None)
        .named("do", SyntaxShape::Closure(None), "a closure", None)
        .named("cell", SyntaxShape::CellPath, "a cell path", None)
        .named(
            "record",
            SyntaxShape::Record(Default::default()),
            "a record",
            None,
        )
        .named("any", SyntaxShape::Any, "any value", None)
        .input_output_type(Type::Any, Type::record())
}

fn shapes_signature(sig: Signature) -> Signature {
    use SyntaxShape as S;
    let columns = || vec![("name".to_owned(), S::String), ("size".to_owned(), S::Int)];
    let shapes = vec![
        ("any", S::Any),
        ("binary", S::Binary),
        ("boolean", S::Boolean),
        ("cell-path", S::CellPath),
        ("closure", S::Closure(None)),
        ("closure-of", S::Closure(Some(vec![S::Any, S::Int]))),
        ("date-time", S::DateTime),
        ("directory", S::Directory),
        ("duration", S::Duration),
        ("error", S::Error),
        ("external-argument", S::ExternalArgument),
        ("filepath", S::Filepath),
        ("filesize", S::Filesize),
        ("float", S::Float),
        ("full-cell-path", S::FullCellPath),
        ("glob", S::GlobPattern),
        ("int", S::Int),
        ("list", list(S::List(Box::new(S::Int)))),
        ("nothing", S::Nothing),
        ("number", S::Number),
        ("one-of", S::OneOf(vec![S::Int, S::String])),
        ("range", S::Range),
        ("record", S::Record(columns().into_iter().collect())),
        ("string", S::String),
        ("table", S::Table(columns().into_iter().collect())),
    ];
    let types = vec![
        Type::Nothing,
        Type::Bool,
        Type::Int,
        Type::Float,
        Type::Number,
        Type::String,
        Type::Glob,
        Type::Binary,
        Type::Filesize,
        Type::Duration,
        Type::Date,
        Type::Range,
        Type::CellPath,
        Type::Closure,
        Type::Error,
        Type::list(Type::Int),
        Type::Record([("a".to_owned(), Type::Int)].into_iter().collect()),
        Type::Table([("a".to_owned(), Type::Any)].into_iter().collect()),
        Type::custom("ReferenceItem"),
    ];
    let types = types.into_iter().map(|ty| (ty, Type::Any)).collect();
    shapes
        .into_iter()
        .fold(sig, |sig, (name, shape)| {
            sig.named(name, shape, "one shape", None)
        })
        .allows_unknown_args()
        .input_output_types(types)
}

fn list(item: SyntaxShape) -> SyntaxShape {
    SyntaxShape::List(Box::new(item))
}

fn call_record(call: &EvaluatedCall) -> Value {
    let head = call.head;
    let named = call.named.iter().map(|(name, given)| {
        let given = given.clone().unwrap_or_else(|| Value::nothing(name.span));
        Value::record(
            record! {
                "name" => Value::string(name.item.clone(), name.span),
                "value" => given,
                "span" => span_record(name.span, head),
            },
            head,
        )
    });
    Value::record(
        record! {
            "head" => span_record(head, head),
            "positional" => Value::list(call.positional.clone(), head),
            "named" => Value::list(named.collect(), head),
        },
        head,
    )
}

fn span_record(span: Span, head: Span) -> Value {
    let offset = |n: usize| Value::int(n as i64, head);
    Value::record(
        record! { "start" => offset(span.start), "end" => offset(span.end) },
        head,
    )
}

/// Suggestions for `ref complete`; for every other command, fall back to the engine's own.
#[cfg(feature = "since-109")]
pub fn completion(
    command: &str,
    call: &nu_plugin::DynamicCompletionCall,
    arg_type: &nu_protocol::engine::ArgType,
) -> Option<Vec<nu_protocol::DynamicSuggestion>> {
    use nu_protocol::engine::ArgType;
    use nu_protocol::{DynamicSuggestion, SuggestionKind};

    if command != "ref complete" {
        return None;
    }
    let suggestions = match arg_type {
        ArgType::Positional(0) => vec![
            DynamicSuggestion {
                value: "cat".into(),
                description: Some(format!("meows at position {}", call.pos)),
                ..Default::default()
            },
            DynamicSuggestion {
                value: "dog".into(),
                display_override: Some("Dog".into()),
                append_whitespace: false,
                match_indices: Some(vec![0, 2]),
                span: Some(call.call.head),
                kind: Some(SuggestionKind::Value(Type::String)),
                extra: Some(vec!["good".into(), "boy".into()]),
                ..Default::default()
            },
        ],
        ArgType::Flag(flag) if flag == "colour" => vec![DynamicSuggestion {
            value: "red".into(),
            ..Default::default()
        }],
        _ => vec![],
    };
    Some(suggestions)
}
