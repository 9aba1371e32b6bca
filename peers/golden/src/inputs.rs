//! Everything an engine says to a plugin.

use nu_plugin_protocol::{
    CallInfo, CustomValueOp, EngineCallResponse, EvaluatedCall, PipelineDataHeader, PluginCall,
    PluginInput, ProtocolInfo, StreamData,
};
use nu_protocol::ast::Operator;
use nu_protocol::{Config, SignalAction, Span, Value};
use nu_utils::SharedCow;

use crate::Vectors;
use crate::sample::{
    call, custom, decl, error, headers, int, known, local_socket, span, spanned, text,
};

pub fn add(vectors: &mut Vectors) {
    vectors.input("hello", PluginInput::Hello(ProtocolInfo::default()));
    vectors.input("hello-local-socket", PluginInput::Hello(local_socket()));
    vectors.input("goodbye", PluginInput::Goodbye);
    vectors.input(
        "signal-interrupt",
        PluginInput::Signal(SignalAction::Interrupt),
    );
    vectors.input("signal-reset", PluginInput::Signal(SignalAction::Reset));
    vectors.input("data-list", PluginInput::Data(1, StreamData::List(int(1))));
    vectors.input(
        "data-raw",
        PluginInput::Data(0, StreamData::Raw(Ok(vec![0, 1, 200]))),
    );
    vectors.input(
        "data-raw-empty",
        PluginInput::Data(70_000, StreamData::Raw(Ok(vec![]))),
    );
    vectors.input(
        "data-raw-error",
        PluginInput::Data(1, StreamData::Raw(Err(error()))),
    );
    vectors.input("end", PluginInput::End(127));
    vectors.input("drop", PluginInput::Drop(128));
    vectors.input("ack", PluginInput::Ack(65_536));
    calls(vectors);
    operations(vectors);
    responses(vectors);
}

fn calls(vectors: &mut Vectors) {
    let call_message = |id, call| PluginInput::Call(id, call);
    vectors.input("call-metadata", call_message(0, PluginCall::Metadata));
    vectors.input("call-signature", call_message(1, PluginCall::Signature));
    let run = |call, input| {
        PluginCall::Run(CallInfo {
            name: "my cmd".into(),
            call,
            input,
        })
    };
    for (name, header) in headers() {
        let message = call_message(2, run(call(), header));
        vectors.input(format!("call-run-{name}"), message);
    }
    let bare = EvaluatedCall::new(Span::unknown());
    vectors.input(
        "call-run-bare",
        call_message(3, run(bare, PipelineDataHeader::Empty)),
    );
    #[cfg(feature = "since-109")]
    completions(vectors);
}

#[cfg(feature = "since-109")]
fn completions(vectors: &mut Vectors) {
    use nu_plugin_protocol::{DynamicCompletionCall, GetCompletionArgType, GetCompletionInfo};
    use nu_protocol::ast::{Argument, Call, Expr, Expression};

    let expression = |expr, ty| Expression::new_unknown(expr, span(), ty);
    let mut parsed = Call::new(span());
    parsed.decl_id = decl(12);
    parsed.add_positional(expression(
        Expr::String("ca".into()),
        nu_protocol::Type::String,
    ));
    parsed.arguments.push(Argument::Named((
        spanned("count".into()),
        Some(spanned("c".into())),
        Some(expression(Expr::Int(5), nu_protocol::Type::Int)),
    )));
    let targets = [
        ("positional", GetCompletionArgType::Positional(0)),
        ("flag", GetCompletionArgType::Flag("count".into())),
    ];
    for (name, arg_type) in targets {
        let call = DynamicCompletionCall {
            call: parsed.clone(),
            strip: true,
            pos: 42,
        };
        let info = GetCompletionInfo {
            name: "my cmd".into(),
            arg_type,
            call,
        };
        let message = PluginInput::Call(4, PluginCall::GetCompletion(info));
        vectors.input(format!("call-get-completion-{name}"), message);
    }
}

fn operations(vectors: &mut Vectors) {
    let mut add = |name: &str, operation| {
        let call = PluginCall::CustomValueOp(spanned(custom(false)), operation);
        vectors.input(format!("call-custom-{name}"), PluginInput::Call(5, call));
    };
    add("to-base-value", CustomValueOp::ToBaseValue);
    add("partial-cmp", CustomValueOp::PartialCmp(int(3)));
    add(
        "partial-cmp-custom",
        CustomValueOp::PartialCmp(Value::custom(Box::new(custom(true)), span())),
    );
    add("dropped", CustomValueOp::Dropped);
    for (name, operator) in known::<Operator>(OPERATORS) {
        let operation = CustomValueOp::Operation(spanned(operator), text("x"));
        add(&format!("operation-{name}"), operation);
    }
    paths(&mut add);
}

#[cfg(not(feature = "since-108"))]
fn paths(add: &mut impl FnMut(&str, CustomValueOp)) {
    add(
        "follow-path-int",
        CustomValueOp::FollowPathInt(spanned(300)),
    );
    add(
        "follow-path-string",
        CustomValueOp::FollowPathString(spanned("näme".into())),
    );
}

#[cfg(feature = "since-108")]
fn paths(add: &mut impl FnMut(&str, CustomValueOp)) {
    use nu_protocol::casing::Casing;

    for optional in [false, true] {
        let suffix = if optional { "-optional" } else { "" };
        let operation = CustomValueOp::FollowPathInt {
            index: spanned(300),
            optional,
        };
        add(&format!("follow-path-int{suffix}"), operation);
        for (casing, name) in [
            (Casing::Sensitive, ""),
            (Casing::Insensitive, "-insensitive"),
        ] {
            let column_name = spanned("näme".into());
            let operation = CustomValueOp::FollowPathString {
                column_name,
                optional,
                casing,
            };
            add(&format!("follow-path-string{suffix}{name}"), operation);
        }
    }
    let path = spanned("/a/b c.txt".into());
    add(
        "save",
        CustomValueOp::Save {
            path,
            save_call_span: Span::new(1, 2),
        },
    );
}

fn responses(vectors: &mut Vectors) {
    let mut add = |name: &str, response| {
        let message = PluginInput::EngineCallResponse(0, response);
        vectors.input(format!("response-{name}"), message);
    };
    add("error", EngineCallResponse::Error(error().into()));
    for (name, header) in headers() {
        add(
            &format!("pipeline-data-{name}"),
            EngineCallResponse::PipelineData(header),
        );
    }
    add(
        "config",
        EngineCallResponse::Config(SharedCow::new(config())),
    );
    // One entry only: the order of a hash map is not stable.
    let map = [("FOO".to_owned(), text("bar"))].into_iter().collect();
    add("value-map", EngineCallResponse::ValueMap(map));
    add(
        "value-map-empty",
        EngineCallResponse::ValueMap(Default::default()),
    );
    add("identifier", EngineCallResponse::Identifier(decl(231)));
    #[cfg(feature = "since-110")]
    add(
        "ir-block",
        EngineCallResponse::IrBlock(Box::new(ir_block())),
    );
}

/// The default configuration, with at most one entry in each hash map: their order is not stable.
fn config() -> Config {
    let mut config = Config::default();
    for map in [
        &mut config.color_config,
        &mut config.explore,
        &mut config.plugins,
    ] {
        let first = map.keys().min().cloned();
        map.retain(|key, _| Some(key) == first.as_ref());
    }
    config
}

#[cfg(feature = "since-110")]
fn ir_block() -> nu_protocol::ir::IrBlock {
    use nu_protocol::RegId;
    use nu_protocol::ir::{DataSlice, Instruction, IrBlock, Literal};

    let register = RegId::new(0);
    IrBlock {
        instructions: vec![
            Instruction::LoadLiteral {
                dst: register,
                lit: Literal::Int(5),
            },
            Instruction::LoadLiteral {
                dst: register,
                lit: Literal::String(DataSlice { start: 0, len: 2 }),
            },
            Instruction::Span { src_dst: register },
            Instruction::Return { src: register },
        ],
        spans: vec![span(), span(), span(), Span::unknown()],
        data: (*b"hi").into(),
        ast: vec![None, None, None, None],
        comments: vec!["".into(), "note".into(), "".into(), "".into()],
        register_count: 1,
        file_count: 0,
        scope_regions: vec![],
    }
}

const OPERATORS: &[&str] = &[
    r#"{"Math":"Add"}"#,
    r#"{"Math":"Plus"}"#,
    r#"{"Math":"Subtract"}"#,
    r#"{"Math":"Minus"}"#,
    r#"{"Math":"Multiply"}"#,
    r#"{"Math":"Divide"}"#,
    r#"{"Math":"FloorDivide"}"#,
    r#"{"Math":"FloorDivision"}"#,
    r#"{"Math":"Modulo"}"#,
    r#"{"Math":"Pow"}"#,
    r#"{"Math":"Concatenate"}"#,
    r#"{"Math":"Append"}"#,
    r#"{"Comparison":"Equal"}"#,
    r#"{"Comparison":"NotEqual"}"#,
    r#"{"Comparison":"LessThan"}"#,
    r#"{"Comparison":"GreaterThan"}"#,
    r#"{"Comparison":"LessThanOrEqual"}"#,
    r#"{"Comparison":"GreaterThanOrEqual"}"#,
    r#"{"Comparison":"RegexMatch"}"#,
    r#"{"Comparison":"NotRegexMatch"}"#,
    r#"{"Comparison":"In"}"#,
    r#"{"Comparison":"NotIn"}"#,
    r#"{"Comparison":"Has"}"#,
    r#"{"Comparison":"NotHas"}"#,
    r#"{"Comparison":"StartsWith"}"#,
    r#"{"Comparison":"NotStartsWith"}"#,
    r#"{"Comparison":"EndsWith"}"#,
    r#"{"Comparison":"NotEndsWith"}"#,
    r#"{"Boolean":"Or"}"#,
    r#"{"Boolean":"Xor"}"#,
    r#"{"Boolean":"And"}"#,
    r#"{"Bits":"BitOr"}"#,
    r#"{"Bits":"BitXor"}"#,
    r#"{"Bits":"BitAnd"}"#,
    r#"{"Bits":"ShiftLeft"}"#,
    r#"{"Bits":"ShiftRight"}"#,
    r#"{"Assignment":"Assign"}"#,
    r#"{"Assignment":"AddAssign"}"#,
    r#"{"Assignment":"PlusAssign"}"#,
    r#"{"Assignment":"SubtractAssign"}"#,
    r#"{"Assignment":"MinusAssign"}"#,
    r#"{"Assignment":"MultiplyAssign"}"#,
    r#"{"Assignment":"DivideAssign"}"#,
    r#"{"Assignment":"ConcatenateAssign"}"#,
    r#"{"Assignment":"AppendAssign"}"#,
];
