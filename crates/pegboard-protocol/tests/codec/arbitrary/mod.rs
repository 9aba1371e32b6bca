//! Random messages, within what the newest version can say.

mod values;

use pegboard_protocol::codec::Sender;
use pegboard_protocol::nu::{
    Assignment, Bits, Boolean, ByteStreamKind, Call, CallDecl, CallId, Category, Comparison,
    Completion, CompletionCall, CompletionTarget, CustomValueOp, DeclId, EngineCall, EngineCallId,
    EngineResponse, EvalClosure, EvaluatedCall, Example, Feature, Flag, Header, Hello, Math,
    Message, Metadata, Operator, Ordering, Origin, PluginMetadata, PluginOption, PluginSignature,
    PositionalArg, Response, RunCall, Signal, Signature, SignatureComplete, StreamId, StreamItem,
    Suggestion, SuggestionKind, SyntaxShape, Type,
};
use pegboard_protocol::{Closure, Value};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

pub(crate) use values::value;
use values::{bytes, custom, labeled_error, number, opaque, record, span, spanned, text};

fn metadata() -> BoxedStrategy<Option<Box<Metadata>>> {
    let source = prop_oneof![
        Just(Origin::None),
        Just(Origin::HtmlThemes),
        text().prop_map(Origin::FilePath),
    ];
    let small = text().prop_map(Value::string);
    option::of(
        (source, vec(text(), 0..3), option::of(text()), record(small)).prop_map(
            |(data_source, path_columns, content_type, custom)| {
                Box::new(Metadata {
                    data_source,
                    path_columns,
                    content_type,
                    custom,
                })
            },
        ),
    )
    .boxed()
}

fn header() -> BoxedStrategy<Header> {
    let kind = select(vec![
        ByteStreamKind::Binary,
        ByteStreamKind::String,
        ByteStreamKind::Unknown,
    ]);
    prop_oneof![
        Just(Header::Empty),
        (value(), metadata()).prop_map(|(value, metadata)| Header::Value(value, metadata)),
        (number(), span(), metadata()).prop_map(|(id, span, metadata)| Header::ListStream {
            id: StreamId(id),
            span,
            metadata,
        }),
        (number(), span(), kind, metadata()).prop_map(|(id, span, kind, metadata)| {
            Header::ByteStream {
                id: StreamId(id),
                span,
                kind,
                metadata,
            }
        }),
    ]
    .boxed()
}

fn evaluated_call() -> BoxedStrategy<EvaluatedCall> {
    let named = vec((spanned(text()), option::of(value())), 0..3);
    (span(), vec(value(), 0..3), named)
        .prop_map(|(head, positional, named)| EvaluatedCall {
            head,
            positional,
            named,
        })
        .boxed()
}

fn operator() -> BoxedStrategy<Operator> {
    prop_oneof![
        select(Math::ALL).prop_map(Operator::Math),
        select(Comparison::ALL).prop_map(Operator::Comparison),
        select(Boolean::ALL).prop_map(Operator::Boolean),
        select(Bits::ALL).prop_map(Operator::Bits),
        select(Assignment::ALL).prop_map(Operator::Assignment),
    ]
    .boxed()
}

fn custom_value_op() -> BoxedStrategy<CustomValueOp> {
    prop_oneof![
        Just(CustomValueOp::ToBaseValue),
        Just(CustomValueOp::Dropped),
        (spanned(number()), any::<bool>())
            .prop_map(|(index, optional)| CustomValueOp::FollowPathInt { index, optional }),
        (spanned(text()), any::<bool>(), any::<bool>()).prop_map(
            |(column, optional, insensitive)| CustomValueOp::FollowPathString {
                column,
                optional,
                insensitive,
            }
        ),
        value().prop_map(CustomValueOp::PartialCmp),
        (spanned(operator()), value())
            .prop_map(|(operator, value)| CustomValueOp::Operation(operator, value)),
        (spanned(text()), span()).prop_map(|(path, save_call_span)| CustomValueOp::Save {
            path,
            save_call_span,
        }),
    ]
    .boxed()
}

fn call() -> BoxedStrategy<Call> {
    let run = (text(), evaluated_call(), header())
        .prop_map(|(name, call, input)| Box::new(RunCall { name, call, input }));
    let target = prop_oneof![
        text().prop_map(CompletionTarget::Flag),
        number().prop_map(CompletionTarget::Positional),
    ];
    let completion = (text(), target, opaque(), any::<bool>(), number()).prop_map(
        |(name, target, call, strip, pos)| {
            Box::new(CompletionCall {
                name,
                target,
                call,
                strip,
                pos,
            })
        },
    );
    prop_oneof![
        Just(Call::Metadata),
        Just(Call::Signature),
        run.prop_map(Call::Run),
        completion.prop_map(Call::Completion),
        (spanned(custom()), custom_value_op())
            .prop_map(|(subject, op)| Call::CustomValueOp(Box::new(subject), op)),
    ]
    .boxed()
}

fn shape() -> BoxedStrategy<SyntaxShape> {
    let leaf = select(vec![
        SyntaxShape::Any,
        SyntaxShape::Int,
        SyntaxShape::ExternalArgument,
        SyntaxShape::ExternalSignature,
        SyntaxShape::VarWithOptType,
        SyntaxShape::Closure(None),
    ]);
    leaf.prop_recursive(2, 8, 3, |inner| {
        let columns = vec((text(), inner.clone()), 0..3);
        prop_oneof![
            inner
                .clone()
                .prop_map(|inner| SyntaxShape::List(Box::new(inner))),
            vec(inner.clone(), 0..3).prop_map(SyntaxShape::OneOf),
            columns.clone().prop_map(SyntaxShape::Record),
            columns.prop_map(SyntaxShape::Table),
            vec(inner.clone(), 0..3).prop_map(|inner| SyntaxShape::Closure(Some(inner))),
            (bytes(), inner).prop_map(|(word, of)| SyntaxShape::Keyword(word, Box::new(of))),
        ]
    })
    .boxed()
}

fn ty() -> BoxedStrategy<Type> {
    let leaf = prop_oneof![
        select(vec![
            Type::Any,
            Type::Block,
            Type::Glob,
            Type::Int,
            Type::Nothing
        ]),
        text().prop_map(Type::Custom),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        let columns = vec((text(), inner.clone()), 0..3);
        prop_oneof![
            inner.clone().prop_map(|inner| Type::List(Box::new(inner))),
            vec(inner, 0..3).prop_map(Type::OneOf),
            columns.clone().prop_map(Type::Record),
            columns.prop_map(Type::Table),
        ]
    })
    .boxed()
}

fn completion() -> BoxedStrategy<Option<Completion>> {
    option::of(prop_oneof![
        vec(text(), 0..3).prop_map(Completion::List),
        number().prop_map(|command| Completion::Command(DeclId(command))),
        opaque().prop_map(Completion::Builtin),
    ])
    .boxed()
}

fn positional() -> BoxedStrategy<PositionalArg> {
    let default = option::of(value());
    (
        text(),
        text(),
        shape(),
        completion(),
        option::of(number()),
        default,
    )
        .prop_map(
            |(name, desc, shape, completion, var_id, default_value)| PositionalArg {
                name,
                desc,
                shape,
                completion,
                var_id,
                default_value,
            },
        )
        .boxed()
}

fn flag() -> BoxedStrategy<Flag> {
    let short = option::of(any::<char>());
    (
        text(),
        short,
        option::of(shape()),
        any::<bool>(),
        text(),
        completion(),
    )
        .prop_map(|(long, short, arg, required, desc, completion)| Flag {
            long,
            short,
            arg,
            required,
            desc,
            completion,
            var_id: None,
            default_value: None,
        })
        .boxed()
}

fn category() -> BoxedStrategy<Category> {
    prop_oneof![select(Category::ALL), text().prop_map(Category::Custom)].boxed()
}

fn signature() -> BoxedStrategy<PluginSignature> {
    let complete = option::of(prop_oneof![
        Just(SignatureComplete::External),
        number().prop_map(|command| SignatureComplete::Command(DeclId(command))),
    ]);
    let arguments = (
        vec(positional(), 0..2),
        vec(positional(), 0..2),
        option::of(positional()),
        vec(flag(), 0..3),
    );
    let example =
        (text(), text(), option::of(value())).prop_map(|(example, description, result)| Example {
            example,
            description,
            result,
        });
    let words = (text(), text(), text(), vec(text(), 0..3));
    let switches = any::<[bool; 4]>();
    let types = vec((ty(), ty()), 0..3);
    (
        words,
        arguments,
        types,
        switches,
        complete,
        category(),
        vec(example, 0..2),
    )
        .prop_map(
            |(words, arguments, types, switches, complete, category, examples)| {
                let sig = Signature {
                    name: words.0,
                    description: words.1,
                    extra_description: words.2,
                    search_terms: words.3,
                    required_positional: arguments.0,
                    optional_positional: arguments.1,
                    rest_positional: arguments.2,
                    named: arguments.3,
                    input_output_types: types,
                    allow_variants_without_examples: switches[0],
                    is_filter: switches[1],
                    creates_scope: switches[2],
                    allows_unknown_args: switches[3],
                    complete,
                    category,
                };
                PluginSignature { sig, examples }
            },
        )
        .boxed()
}

fn suggestion() -> BoxedStrategy<Suggestion> {
    let kind = option::of(prop_oneof![
        Just(SuggestionKind::File),
        ty().prop_map(SuggestionKind::Value),
        (text(), option::of(number()))
            .prop_map(|(name, command)| { SuggestionKind::Command(name, command.map(DeclId)) }),
    ]);
    let extra = option::of(vec(text(), 0..3));
    let indices = option::of(vec(number(), 0..3));
    (
        text(),
        [option::of(text()), option::of(text())],
        extra,
        any::<bool>(),
        indices,
        option::of(span()),
        kind,
    )
        .prop_map(
            |(
                value,
                [display_override, description],
                extra,
                append_whitespace,
                match_indices,
                span,
                kind,
            )| {
                Suggestion {
                    value,
                    display_override,
                    description,
                    extra,
                    append_whitespace,
                    match_indices,
                    span,
                    kind,
                }
            },
        )
        .boxed()
}

fn response() -> BoxedStrategy<Response> {
    prop_oneof![
        Just(Response::Ok),
        labeled_error().prop_map(|error| Response::Error(Box::new(error))),
        option::of(text()).prop_map(|version| Response::Metadata(PluginMetadata { version })),
        vec(signature(), 0..2).prop_map(Response::Signature),
        option::of(select(vec![
            Ordering::Less,
            Ordering::Equal,
            Ordering::Greater
        ]))
        .prop_map(Response::Ordering),
        option::of(vec(suggestion(), 0..3)).prop_map(Response::Completions),
        header().prop_map(Response::Data),
    ]
    .boxed()
}

fn engine_call() -> BoxedStrategy<EngineCall> {
    let closure = (number(), vec((number(), value()), 0..2))
        .prop_map(|(block_id, captures)| Closure { block_id, captures });
    let eval = (
        spanned(closure),
        vec(value(), 0..3),
        header(),
        any::<[bool; 2]>(),
    )
        .prop_map(
            |(closure, positional, input, [redirect_stdout, redirect_stderr])| {
                Box::new(EvalClosure {
                    closure,
                    positional,
                    input,
                    redirect_stdout,
                    redirect_stderr,
                })
            },
        );
    let call = (number(), evaluated_call(), header(), any::<[bool; 2]>()).prop_map(
        |(decl, call, input, [redirect_stdout, redirect_stderr])| {
            Box::new(CallDecl {
                decl_id: DeclId(decl),
                call,
                input,
                redirect_stdout,
                redirect_stderr,
            })
        },
    );
    prop_oneof![
        select(vec![
            EngineCall::GetConfig,
            EngineCall::GetPluginConfig,
            EngineCall::GetEnvVars,
            EngineCall::GetCurrentDir,
            EngineCall::GetHelp,
            EngineCall::EnterForeground,
            EngineCall::LeaveForeground,
        ]),
        text().prop_map(EngineCall::GetEnvVar),
        (text(), value()).prop_map(|(name, value)| EngineCall::AddEnvVar(name, value)),
        span().prop_map(EngineCall::GetSpanContents),
        eval.prop_map(EngineCall::EvalClosure),
        text().prop_map(EngineCall::FindDecl),
        call.prop_map(EngineCall::CallDecl),
        number().prop_map(EngineCall::GetBlockIr),
    ]
    .boxed()
}

fn engine_response() -> BoxedStrategy<EngineResponse> {
    prop_oneof![
        labeled_error().prop_map(|error| EngineResponse::Error(Box::new(error))),
        header().prop_map(EngineResponse::Data),
        opaque().prop_map(|config| EngineResponse::Config(Box::new(config))),
        vec((text(), value()), 0..4).prop_map(EngineResponse::ValueMap),
        number().prop_map(|command| EngineResponse::Identifier(DeclId(command))),
        opaque().prop_map(|block| EngineResponse::IrBlock(Box::new(block))),
    ]
    .boxed()
}

/// A message and who sends it.
pub(crate) fn message() -> BoxedStrategy<(Sender, Message)> {
    let feature = prop_oneof![
        Just(Feature::LocalSocket),
        select(Feature::EXTENSIONS.to_vec()),
        "[a-z]{1,8}".prop_map(Feature::Other),
    ];
    let hello = (text(), vec(feature, 0..3)).prop_map(|(version, features)| {
        Message::Hello(Hello {
            protocol: "nu-plugin".to_owned(),
            version,
            features,
        })
    });
    let item = prop_oneof![
        value().prop_map(StreamItem::List),
        vec(value(), 0..4).prop_map(StreamItem::Items),
        bytes().prop_map(StreamItem::Raw),
        labeled_error().prop_map(|error| StreamItem::RawError(Box::new(error))),
    ];
    let either = prop_oneof![
        hello,
        (number(), item).prop_map(|(id, item)| Message::Data(StreamId(id), item)),
        number().prop_map(|id| Message::End(StreamId(id))),
        number().prop_map(|id| Message::Drop(StreamId(id))),
        number().prop_map(|id| Message::Ack(StreamId(id))),
    ];
    let engine = prop_oneof![
        4 => (number(), call()).prop_map(|(id, call)| Message::Call(CallId(id), call)),
        4 => (number(), engine_response())
            .prop_map(|(id, response)| Message::EngineCallResponse(EngineCallId(id), response)),
        1 => select(vec![
            Message::Goodbye,
            Message::Signal(Signal::Interrupt),
            Message::Signal(Signal::Reset),
        ]),
    ];
    let plugin = prop_oneof![
        4 => (number(), response())
            .prop_map(|(id, response)| Message::CallResponse(CallId(id), response)),
        4 => (number(), number(), engine_call()).prop_map(|(context, id, call)| {
            Message::EngineCall {
                context: CallId(context),
                id: EngineCallId(id),
                call,
            }
        }),
        1 => any::<bool>().prop_map(|disabled| Message::Option(PluginOption::GcDisabled(disabled))),
    ];
    prop_oneof![
        (select(vec![Sender::Engine, Sender::Plugin]), either),
        engine.prop_map(|message| (Sender::Engine, message)),
        plugin.prop_map(|message| (Sender::Plugin, message)),
    ]
    .boxed()
}
