//! The published examples of the JSON protocol: each message is understood as its text means it, whatever version or
//! mistake its form comes from.

use pegboard_protocol::codec::{self, Decoder, Encoding, Limits, Sender};
use pegboard_protocol::nu::{
    Call, CallId, CustomValueOp, Dialect, EngineCall, EngineCallId, EngineResponse, EvaluatedCall,
    Example, Flag, Header, Hello, Message, PluginMetadata, PluginSignature, PositionalArg,
    Response, RunCall, Signal, Signature, StreamId, StreamItem, SyntaxShape,
};
use pegboard_protocol::{CustomValue, LabeledError, Opaque, Owner, Span, Spanned, Value};

const EXAMPLES: &str = include_str!("../data/seed-json-examples.md");

/// The JSON blocks of the document, in order.
fn blocks() -> Vec<&'static str> {
    let mut blocks = Vec::new();
    let mut rest = EXAMPLES;
    while let Some((_, block)) = rest.split_once("```json\n") {
        let (block, behind) = block.split_once("```").unwrap();
        blocks.push(block);
        rest = behind;
    }
    blocks
}

fn span(start: u64, end: u64) -> Span {
    Span::new(start, end)
}

fn string(text: &str, start: u64, end: u64) -> Value {
    Value::string(text).at(span(start, end))
}

fn int(number: i64, end: u64) -> Value {
    Value::int(number).at(span(0, end))
}

fn yes(start: u64, end: u64) -> Value {
    Value::bool(true).at(span(start, end))
}

fn object(data: &[u8]) -> CustomValue {
    CustomValue {
        name: "DotNetObject".to_owned(),
        data: data.to_vec(),
        notify_on_drop: false,
        owner: Owner::NONE,
    }
}

fn custom(data: &[u8]) -> Value {
    Value::Custom(Box::new(object(data)), Span::UNKNOWN)
}

fn run(
    id: u64,
    name: &str,
    head: Span,
    positional: Vec<Value>,
    named: Vec<(&str, Value)>,
) -> Message {
    run_with(id, name, head, positional, named, Header::Empty)
}

fn run_with(
    id: u64,
    name: &str,
    head: Span,
    positional: Vec<Value>,
    named: Vec<(&str, Value)>,
    input: Header,
) -> Message {
    let named = named
        .into_iter()
        // A name without a place of its own has that of the command.
        .map(|(name, value)| (Spanned::new(name.to_owned(), head), Some(value)))
        .collect();
    let call = EvaluatedCall {
        head,
        positional,
        named,
    };
    Message::Call(
        CallId(id),
        Call::Run(Box::new(RunCall {
            name: name.to_owned(),
            call,
            input,
        })),
    )
}

fn answer(id: u64, value: Value) -> Message {
    let header = Header::Value(value, None);
    Message::CallResponse(CallId(id), Response::Data(header))
}

fn failure(id: u64, error: LabeledError) -> Message {
    Message::CallResponse(CallId(id), Response::Error(Box::new(error)))
}

fn stream(call: u64, id: u64) -> Message {
    let header = Header::ListStream {
        id: StreamId(id),
        span: Span::UNKNOWN,
        metadata: None,
    };
    Message::CallResponse(CallId(call), Response::Data(header))
}

fn item(id: u64, value: Value) -> Message {
    Message::Data(StreamId(id), StreamItem::List(value))
}

fn ask(id: u64, call: EngineCall) -> Message {
    Message::EngineCall {
        context: CallId(1),
        id: EngineCallId(id),
        call,
    }
}

fn told(id: u64, value: Value) -> Message {
    let header = Header::Value(value, None);
    Message::EngineCallResponse(EngineCallId(id), EngineResponse::Data(header))
}

fn operate(id: u64, data: &[u8], place: Span, op: CustomValueOp) -> Message {
    let subject = Spanned::new(object(data), place);
    Message::Call(CallId(id), Call::CustomValueOp(Box::new(subject), op))
}

fn hello() -> Message {
    Message::Hello(Hello {
        protocol: "nu-plugin".to_owned(),
        version: "0.94.0".to_owned(),
        features: Vec::new(),
    })
}

fn signature() -> Message {
    let switch = |long: &str, short, desc: &str| Flag {
        long: long.to_owned(),
        short: Some(short),
        desc: desc.to_owned(),
        ..Flag::default()
    };
    let sig = Signature {
        name: "dn-obj".to_owned(),
        description: "Work with .NET objects".to_owned(),
        extra_description: "Create, manipulate and invoke .NET objects".to_owned(),
        search_terms: ["dotnet", "object", "clr"].map(str::to_owned).to_vec(),
        optional_positional: vec![PositionalArg {
            name: "type_name".to_owned(),
            desc: "The .NET type name to create".to_owned(),
            shape: SyntaxShape::String,
            ..PositionalArg::default()
        }],
        named: vec![
            switch("help", 'h', "Display the help message for this command"),
            switch("new", 'n', "Create a new instance"),
        ],
        ..Signature::default()
    };
    let example = Example {
        example: "dn-obj System.String --new".to_owned(),
        description: "Create a new string object".to_owned(),
        result: Some(custom(b"System.String")),
    };
    let commands = vec![PluginSignature {
        sig,
        examples: vec![example],
    }];
    Message::CallResponse(CallId(0), Response::Signature(commands))
}

fn config() -> Message {
    let tree = serde_json::json!({
        "filesize_metric": false,
        "table_mode": "rounded",
        "use_grid_icons": true,
        "footer_mode": "RowCount",
        "float_precision": 4,
        "max_external_completion_results": 100,
        "recursion_limit": 50,
        "use_ansi_coloring": true,
        "completions": {
            "case_sensitive": false,
            "quick": true,
            "partial": true,
            "algorithm": "prefix"
        }
    });
    let config = EngineResponse::Config(Box::new(Opaque::from(tree)));
    Message::EngineCallResponse(EngineCallId(3), config)
}

fn type_record(name: &str, end: u64) -> Value {
    let fields = [
        ("name", string(name, 0, end)),
        ("namespace", string("System", 0, 6)),
        ("is_public", yes(0, 4)),
    ];
    Value::record(fields).at(span(0, 30))
}

/// What each block means, in the order of the document.
fn meant() -> Vec<(Sender, Message)> {
    use Sender::{Engine, Plugin};
    let head = span(0, 6);
    vec![
        (Plugin, hello()),
        (Engine, hello()),
        (Engine, Message::Call(CallId(0), Call::Signature)),
        (Plugin, signature()),
        (
            Engine,
            run(
                1,
                "dn-obj",
                head,
                vec![string("System.String", 7, 20)],
                vec![("new", yes(21, 26))],
            ),
        ),
        (Plugin, answer(1, custom(b"System.String\0\0\0\0"))),
        (
            Engine,
            run(
                2,
                "dn-obj",
                head,
                vec![string("Invalid.Type.Name", 7, 25)],
                vec![("new", yes(26, 31))],
            ),
        ),
        (
            Plugin,
            failure(
                2,
                LabeledError::new("Type 'Invalid.Type.Name' not found")
                    .with_label("Unknown type name", span(7, 25))
                    .with_code("dotnet::type_not_found")
                    .with_help("Check the type name spelling and ensure the assembly is loaded"),
            ),
        ),
        (
            Plugin,
            failure(
                3,
                LabeledError::new("Assembly 'CustomLibrary.dll' could not be loaded")
                    .with_label("Assembly file not found", span(15, 32))
                    .with_code("dotnet::assembly_load_error")
                    .with_url("https://docs.microsoft.com/en-us/dotnet/api/system.io.filenotfoundexception")
                    .with_help("Ensure the assembly file exists and is accessible")
                    .with_inner(LabeledError::new(
                        "FileNotFoundException: Could not load file or assembly 'CustomLibrary.dll'",
                    )),
            ),
        ),
        (
            Plugin,
            answer(
                4,
                Value::record([
                    ("string_value", string("Hello World", 0, 11)),
                    ("int_value", int(42, 2)),
                    ("float_value", Value::float("3.14159".parse().unwrap()).at(span(0, 7))),
                    ("bool_value", yes(0, 4)),
                    ("null_value", Value::nothing().at(span(0, 4))),
                ])
                .at(span(0, 50)),
            ),
        ),
        (
            Plugin,
            answer(
                5,
                Value::list([custom(b"String1"), custom(b"String2")]).at(span(0, 20)),
            ),
        ),
        (
            Plugin,
            answer(
                6,
                Value::binary(*b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0").at(span(0, 16)),
            ),
        ),
        (Plugin, stream(7, 1)),
        (Plugin, item(1, type_record("System.String", 13))),
        (Plugin, item(1, type_record("System.Int32", 12))),
        (Plugin, Message::End(StreamId(1))),
        (Plugin, ask(1, EngineCall::GetEnvVar("DOTNET_ROOT".to_owned()))),
        (Engine, told(1, string("/usr/share/dotnet", 0, 17))),
        (Plugin, ask(2, EngineCall::GetCurrentDir)),
        (
            Engine,
            told(2, string("/home/user/projects/nu-plugin-dotnet", 0, 36)),
        ),
        (Plugin, ask(3, EngineCall::GetConfig)),
        (Engine, config()),
        (
            Engine,
            operate(8, b"System.String", span(10, 25), CustomValueOp::ToBaseValue),
        ),
        (Plugin, answer(8, string("System.String", 0, 13))),
        (
            Engine,
            operate(
                9,
                b"ObjectInfo",
                span(0, 10),
                CustomValueOp::FollowPathString {
                    column: Spanned::new("name".to_owned(), span(11, 15)),
                    optional: false,
                    insensitive: false,
                },
            ),
        ),
        (Plugin, answer(9, string("MyObject", 0, 8))),
        (Engine, Message::Signal(Signal::Interrupt)),
        (Engine, Message::Signal(Signal::Reset)),
        (
            Engine,
            run(
                10,
                "dn-load-asm",
                span(0, 11),
                vec![string("./MyLibrary.dll", 12, 28)],
                Vec::new(),
            ),
        ),
        (
            Plugin,
            answer(
                10,
                Value::record([
                    ("assembly_name", string("MyLibrary", 0, 9)),
                    ("types_count", int(25, 2)),
                    ("loaded", yes(0, 4)),
                ])
                .at(span(0, 30)),
            ),
        ),
        (
            Engine,
            run(
                11,
                "dn-types",
                span(0, 8),
                Vec::new(),
                vec![("assembly", string("MyLibrary", 20, 29))],
            ),
        ),
        (Plugin, stream(11, 2)),
        (
            Plugin,
            item(
                2,
                Value::record([
                    ("full_name", string("MyLibrary.MyClass", 0, 17)),
                    ("is_public", yes(0, 4)),
                    ("is_class", yes(0, 4)),
                    ("methods_count", int(5, 1)),
                ])
                .at(span(0, 50)),
            ),
        ),
        (Plugin, Message::End(StreamId(2))),
        (Engine, Message::Goodbye),
        (Engine, Message::Call(CallId(0), Call::Metadata)),
        (
            Plugin,
            Message::CallResponse(
                CallId(0),
                Response::Metadata(PluginMetadata {
                    version: Some("0.1.0".to_owned()),
                }),
            ),
        ),
        (
            Engine,
            run_with(
                1,
                "echo-test",
                span(0, 9),
                Vec::new(),
                Vec::new(),
                Header::Value(string("test input", 0, 10), None),
            ),
        ),
        (Plugin, answer(1, string("echo: test input", 0, 16))),
    ]
}

fn read(bytes: &[u8], sender: Sender, encoding: Encoding) -> Vec<Message> {
    let mut decoder = Decoder::new(encoding, sender, Limits::default());
    decoder.feed(bytes);
    let mut messages = Vec::new();
    while let Some(frame) = decoder.next().unwrap() {
        messages.push(frame.message);
    }
    decoder.finish().unwrap();
    messages
}

#[test]
fn every_message_is_understood_as_meant() {
    let meant = meant();
    let blocks = blocks();
    assert_eq!(blocks.len(), meant.len());
    for (block, (sender, message)) in blocks.into_iter().zip(meant) {
        assert_eq!(
            read(block.as_bytes(), sender, Encoding::Json),
            [message],
            "{block}"
        );
    }
}

#[test]
fn the_declaration_is_the_announcement() {
    assert!(EXAMPLES.contains("```\n\\x04json\n```"));
    let announced = codec::parse_announcement(b"\x04json{\"Hello\"").unwrap();
    assert_eq!(announced, Some((Encoding::Json, 5)));
}

/// What was understood can be said to real peers of any version, in their own form, and is still the same.
#[test]
fn every_message_survives_every_dialect() {
    for minor in 95..=116 {
        let version = format!("0.{minor}.1").parse().unwrap();
        let dialect = Dialect::of(&version).unwrap();
        for (sender, message) in meant() {
            for encoding in [Encoding::Json, Encoding::MsgPack] {
                let mut out = Vec::new();
                match codec::encode(&message, sender, encoding, dialect, &mut out) {
                    Ok(()) => {
                        assert_eq!(read(&out, sender, encoding), std::slice::from_ref(&message))
                    }
                    Err(error) => {
                        assert!(
                            matches!(message, Message::Signal(_)) && minor < 97,
                            "{error}"
                        );
                    }
                }
            }
        }
    }
}
