//! Writing is exactly what each version reads: a row for every change, with the text before it and since.

use pegboard_protocol::codec::{EncodeErrorKind, Encoding, Sender};
use pegboard_protocol::nu::Message;

use crate::common::{decode, dialect, from_engine, from_plugin, json};

const SPAN: &str = r#"{"start":1,"end":2}"#;

/// A message's text, as each of these versions has it. Every text means the same message, but for what it cannot say.
fn row(sender: Sender, message: &str, versions: &[(&str, &str)]) {
    let read = |text: &str| match sender {
        Sender::Engine => from_engine(text),
        Sender::Plugin => from_plugin(text),
    };
    let message = read(&message.replace("SPAN", SPAN)).unwrap();
    for (version, text) in versions {
        let written = json(&message, sender, version).unwrap();
        assert_eq!(written, text.replace("SPAN", SPAN), "for {version}");
        read(&written).unwrap();
    }
}

/// A message that only later versions have.
fn since(sender: Sender, text: &str, before: &str, version: &str) {
    let text = text.replace("SPAN", SPAN);
    let message = decode(text.as_bytes(), sender, Encoding::Json).unwrap();
    assert_eq!(json(&message, sender, version).unwrap(), text);
    let error = json(&message, sender, before).unwrap_err();
    assert_eq!(error.kind(), EncodeErrorKind::NeedsVersion, "{text}");
    let minor = version.trim_end_matches(".0");
    assert!(error.to_string().contains(minor), "{error}");
}

/// Rows about one value, in place of `VALUE`.
fn value(message: &str, versions: &[(&str, &str)]) {
    let frame = |value: &str| format!(r#"{{"Data":[0,{{"List":{value}}}]}}"#);
    let versions: Vec<(&str, String)> = versions
        .iter()
        .map(|(version, value)| (*version, frame(value)))
        .collect();
    let versions: Vec<(&str, &str)> = versions
        .iter()
        .map(|(version, text)| (*version, text.as_str()))
        .collect();
    row(Sender::Plugin, &frame(message), &versions);
}

#[test]
fn messages_that_came_later() {
    since(
        Sender::Engine,
        r#"{"Call":[0,"Metadata"]}"#,
        "0.94.2",
        "0.95.0",
    );
    since(
        Sender::Plugin,
        r#"{"CallResponse":[0,{"Metadata":{"version":null}}]}"#,
        "0.94.2",
        "0.95.0",
    );
    since(
        Sender::Plugin,
        r#"{"EngineCall":{"context":0,"id":0,"call":{"FindDecl":"x"}}}"#,
        "0.95.0",
        "0.96.0",
    );
    since(
        Sender::Engine,
        r#"{"EngineCallResponse":[0,{"Identifier":4}]}"#,
        "0.95.0",
        "0.96.0",
    );
    since(Sender::Engine, r#"{"Signal":"Reset"}"#, "0.97.0", "0.97.1");
    since(
        Sender::Plugin,
        r#"{"CallResponse":[0,"Ok"]}"#,
        "0.107.0",
        "0.108.0",
    );
    since(
        Sender::Engine,
        r#"{"Call":[0,{"CustomValueOp":[{"item":{"name":"N","data":[]},"span":SPAN},{"Save":{"path":{"item":"/p","span":SPAN},"save_call_span":SPAN}}]}]}"#,
        "0.107.0",
        "0.108.0",
    );
    since(
        Sender::Engine,
        r#"{"Call":[0,{"GetCompletion":{"name":"c","arg_type":{"Positional":0},"call":{"call":{"head":SPAN},"strip":true,"pos":9}}}]}"#,
        "0.108.0",
        "0.109.0",
    );
    since(
        Sender::Plugin,
        r#"{"CallResponse":[0,{"CompletionItems":null}]}"#,
        "0.108.0",
        "0.109.0",
    );
    since(
        Sender::Plugin,
        r#"{"EngineCall":{"context":0,"id":0,"call":{"GetBlockIR":3}}}"#,
        "0.109.1",
        "0.110.0",
    );
    since(
        Sender::Engine,
        r#"{"EngineCallResponse":[0,{"IrBlock":{"data":[1]}}]}"#,
        "0.109.1",
        "0.110.0",
    );
}

#[test]
fn headers() {
    row(
        Sender::Plugin,
        r#"{"CallResponse":[0,{"PipelineData":{"Value":[{"Int":{"val":1,"span":SPAN}},null]}}]}"#,
        &[
            (
                "0.97.0",
                r#"{"CallResponse":[0,{"PipelineData":{"Value":{"Int":{"val":1,"span":SPAN}}}}]}"#,
            ),
            (
                "0.97.1",
                r#"{"CallResponse":[0,{"PipelineData":{"Value":[{"Int":{"val":1,"span":SPAN}},null]}}]}"#,
            ),
        ],
    );
    row(
        Sender::Plugin,
        r#"{"CallResponse":[0,{"PipelineData":{"ByteStream":{"id":1,"span":SPAN,"type":"String"}}}]}"#,
        &[
            (
                "0.94.2",
                r#"{"CallResponse":[0,{"PipelineData":{"ByteStream":{"id":1,"span":SPAN,"type":"String"}}}]}"#,
            ),
            (
                "0.97.1",
                r#"{"CallResponse":[0,{"PipelineData":{"ByteStream":{"id":1,"span":SPAN,"type":"String","metadata":null}}}]}"#,
            ),
        ],
    );
    row(
        Sender::Plugin,
        r#"{"CallResponse":[0,{"PipelineData":{"ListStream":{"id":1,"span":SPAN}}}]}"#,
        &[
            (
                "0.94.2",
                r#"{"CallResponse":[0,{"PipelineData":{"ListStream":{"id":1,"span":SPAN}}}]}"#,
            ),
            (
                "0.97.1",
                r#"{"CallResponse":[0,{"PipelineData":{"ListStream":{"id":1,"span":SPAN,"metadata":null}}}]}"#,
            ),
        ],
    );
}

#[test]
fn metadata() {
    let frame = |metadata: &str| {
        format!(
            r#"{{"CallResponse":[0,{{"PipelineData":{{"ListStream":{{"id":1,"span":SPAN,"metadata":{metadata}}}}}}}]}}"#
        )
    };
    let rows: &[(&str, &[(&str, &str)])] = &[
        (
            r#"{"data_source":{"FilePath":"/p"},"path_columns":["a"],"content_type":"text/x","custom":{"k":{"Nothing":{"span":SPAN}}}}"#,
            &[
                (
                    "0.97.1",
                    r#"{"data_source":{"FilePath":"/p"},"content_type":"text/x"}"#,
                ),
                (
                    "0.107.0",
                    r#"{"data_source":{"FilePath":"/p"},"content_type":"text/x"}"#,
                ),
                (
                    "0.108.0",
                    r#"{"data_source":{"FilePath":"/p"},"content_type":"text/x","custom":{"k":{"Nothing":{"span":SPAN}}}}"#,
                ),
                (
                    "0.111.0",
                    r#"{"data_source":{"FilePath":"/p"},"path_columns":["a"],"content_type":"text/x","custom":{"k":{"Nothing":{"span":SPAN}}}}"#,
                ),
            ],
        ),
        (
            r#"{"data_source":"Ls"}"#,
            &[
                (
                    "0.110.0",
                    r#"{"data_source":"Ls","content_type":null,"custom":{}}"#,
                ),
                (
                    "0.112.2",
                    r#"{"data_source":"Ls","path_columns":[],"content_type":null,"custom":{}}"#,
                ),
                (
                    "0.113.0",
                    r#"{"data_source":"None","path_columns":["name"],"content_type":null,"custom":{}}"#,
                ),
            ],
        ),
        (
            r#"{"data_source":"None","path_columns":["name"]}"#,
            &[
                (
                    "0.110.0",
                    r#"{"data_source":"Ls","content_type":null,"custom":{}}"#,
                ),
                (
                    "0.111.0",
                    r#"{"data_source":"None","path_columns":["name"],"content_type":null,"custom":{}}"#,
                ),
            ],
        ),
    ];
    for (message, versions) in rows {
        let versions: Vec<(&str, String)> = versions
            .iter()
            .map(|(version, metadata)| (*version, frame(metadata)))
            .collect();
        let versions: Vec<(&str, &str)> = versions
            .iter()
            .map(|(version, text)| (*version, text.as_str()))
            .collect();
        row(Sender::Plugin, &frame(message), &versions);
    }
}

#[test]
fn ranges_and_paths() {
    value(
        r#"{"Range":{"val":"1..3..<9","span":SPAN}}"#,
        &[
            (
                "0.113.1",
                r#"{"Range":{"val":{"IntRange":{"start":1,"step":2,"end":{"Excluded":9}}},"span":SPAN}}"#,
            ),
            ("0.114.0", r#"{"Range":{"val":"1..3..<9","span":SPAN}}"#),
        ],
    );
    value(
        r#"{"Range":{"val":"1.5..","span":SPAN}}"#,
        &[
            (
                "0.113.1",
                r#"{"Range":{"val":{"FloatRange":{"start":1.5,"step":1.0,"end":"Unbounded"}},"span":SPAN}}"#,
            ),
            ("0.114.0", r#"{"Range":{"val":"1.5..","span":SPAN}}"#),
        ],
    );
    let zero = r#"{"start":0,"end":0}"#;
    let old = |casing: &str| {
        format!(
            r#"{{"CellPath":{{"val":{{"members":[{{"String":{{"val":"a","span":{zero},"optional":true{casing}}}}},{{"Int":{{"val":0,"span":{zero},"optional":false}}}}]}},"span":SPAN}}}}"#
        )
    };
    value(
        r#"{"CellPath":{"val":"$.a!?.0","span":SPAN}}"#,
        &[
            ("0.104.1", &old("")),
            ("0.105.0", &old(r#","casing":"Insensitive""#)),
            ("0.113.1", &old(r#","casing":"Insensitive""#)),
            ("0.114.0", r#"{"CellPath":{"val":"$.a!?.0","span":SPAN}}"#),
        ],
    );
}

#[test]
fn custom_value_operations() {
    let frame = |op: &str| {
        format!(
            r#"{{"Call":[0,{{"CustomValueOp":[{{"item":{{"name":"N","data":[]}},"span":SPAN}},{op}]}}]}}"#
        )
    };
    let check = |message: &str, versions: &[(&str, &str)]| {
        let versions: Vec<(&str, String)> = versions
            .iter()
            .map(|(version, op)| (*version, frame(op)))
            .collect();
        let versions: Vec<(&str, &str)> = versions
            .iter()
            .map(|(version, text)| (*version, text.as_str()))
            .collect();
        row(Sender::Engine, &frame(message), &versions);
    };
    let index = r#"{"FollowPathInt":{"index":{"item":0,"span":SPAN},"optional":true}}"#;
    check(
        index,
        &[
            ("0.107.0", r#"{"FollowPathInt":{"item":0,"span":SPAN}}"#),
            ("0.108.0", index),
        ],
    );
    let column = r#"{"FollowPathString":{"column_name":{"item":"a","span":SPAN},"optional":true,"casing":"Insensitive"}}"#;
    check(
        column,
        &[
            (
                "0.107.0",
                r#"{"FollowPathString":{"item":"a","span":SPAN}}"#,
            ),
            ("0.108.0", column),
        ],
    );
    let operation = |name: &str| {
        format!(r#"{{"Operation":[{{"item":{name},"span":SPAN}},{{"Nothing":{{"span":SPAN}}}}]}}"#)
    };
    for (new, old) in [
        ("Add", "Plus"),
        ("Subtract", "Minus"),
        ("FloorDivide", "FloorDivision"),
        ("Multiply", "Multiply"),
        ("Pow", "Pow"),
    ] {
        let new = operation(&format!(r#"{{"Math":"{new}"}}"#));
        let old = operation(&format!(r#"{{"Math":"{old}"}}"#));
        check(&new, &[("0.102.0", &old), ("0.103.0", &new)]);
    }
    check(
        &operation(r#"{"Math":"Concatenate"}"#),
        &[
            ("0.100.0", &operation(r#"{"Math":"Append"}"#)),
            ("0.101.0", &operation(r#"{"Math":"Concat"}"#)),
            ("0.103.0", &operation(r#"{"Math":"Concatenate"}"#)),
        ],
    );
    check(
        &operation(r#"{"Assignment":"ConcatenateAssign"}"#),
        &[
            ("0.100.0", &operation(r#"{"Assignment":"AppendAssign"}"#)),
            ("0.102.0", &operation(r#"{"Assignment":"ConcatAssign"}"#)),
            (
                "0.103.0",
                &operation(r#"{"Assignment":"ConcatenateAssign"}"#),
            ),
        ],
    );
    since(
        Sender::Engine,
        &frame(&operation(r#"{"Comparison":"Has"}"#)),
        "0.101.0",
        "0.102.0",
    );
    since(
        Sender::Engine,
        &frame(&operation(r#"{"Comparison":"NotEndsWith"}"#)),
        "0.107.0",
        "0.108.0",
    );
}

#[test]
fn signatures() {
    let frame = |sig: &str| {
        format!(r#"{{"CallResponse":[0,{{"Signature":[{{"sig":{sig},"examples":[]}}]}}]}}"#)
    };
    let old = r#"{"name":"c","usage":"d","extra_usage":"e","search_terms":[],"required_positional":[{"name":"a","desc":"","shape":"Int","var_id":null,"default_value":null}],"optional_positional":[],"rest_positional":null,"named":[{"long":"f","short":"f","arg":null,"required":false,"desc":"","var_id":null,"default_value":null}],"input_output_types":[],"allow_variants_without_examples":false,"is_filter":false,"creates_scope":false,"allows_unknown_args":false,"category":"Default"}"#;
    let described = old
        .replace("usage\":\"d", "description\":\"d")
        .replace("extra_usage", "extra_description");
    let custom = described
        .replace(
            r#""shape":"Int","var_id":null,"default_value":null"#,
            r#""shape":"Int","var_id":null,"default_value":null,"custom_completion":7"#,
        )
        .replace(
            r#""desc":"","var_id":null,"default_value":null}],"input"#,
            r#""desc":"","var_id":null,"default_value":null,"custom_completion":null}],"input"#,
        );
    let named = described
        .replace(
            r#""shape":"Int","#,
            r#""shape":"Int","completion":{"Command":7},"#,
        )
        .replace(
            r#""required":false,"desc":"","#,
            r#""required":false,"desc":"","completion":null,"#,
        )
        .replace(
            r#""allows_unknown_args":false,"#,
            r#""allows_unknown_args":false,"complete":"External","#,
        );
    row(
        Sender::Plugin,
        &frame(&named),
        &[
            ("0.97.1", &frame(old)),
            ("0.98.0", &frame(&described)),
            ("0.106.1", &frame(&described)),
            ("0.107.0", &frame(&custom)),
            ("0.108.0", &frame(&named)),
        ],
    );
    let builtin = named.replace(r#"{"Command":7}"#, r#"{"Builtin":"EnvVar"}"#);
    let none = named.replace(r#"{"Command":7}"#, "null");
    row(
        Sender::Plugin,
        &frame(&builtin),
        &[("0.114.1", &frame(&none)), ("0.115.0", &frame(&builtin))],
    );
}

#[test]
fn shapes_types_and_categories() {
    let check = |part: &str, versions: &[(&str, &str)]| {
        let at = |version: &str, part: &str| {
            let message = from_plugin(&format!(
                r#"{{"CallResponse":[0,{{"Signature":[{{"sig":{{"name":"c",{part}}}}}]}}]}}"#
            ))
            .unwrap();
            json(&message, Sender::Plugin, version).unwrap()
        };
        for (version, text) in versions {
            let written = at(version, part);
            assert!(written.contains(text), "for {version}: {written}");
        }
    };
    let shape = |shape: &str| format!(r#""named":[{{"long":"f","arg":{shape}}}]"#);
    check(
        &shape(r#""ExternalSignature""#),
        &[
            ("0.95.0", r#""arg":"Any""#),
            ("0.111.0", r#""arg":"ExternalArgument""#),
            ("0.112.0", r#""arg":"ExternalSignature""#),
        ],
    );
    check(
        &shape(r#"{"CompleterWrapper":["Int",3]}"#),
        &[
            ("0.106.1", r#""arg":{"CompleterWrapper":["Int",3]}"#),
            ("0.107.0", r#""arg":"Int""#),
        ],
    );
    check(&shape(r#"{"Shiny":1}"#), &[("0.115.0", r#""arg":"Any""#)]);
    check(
        &shape(r#"{"Closure":null}"#),
        &[
            ("0.94.0", r#""arg":{"Closure":null}"#),
            ("0.115.0", r#""arg":{"Closure":null}"#),
        ],
    );
    let ty = |ty: &str| format!(r#""input_output_types":[["Any",{ty}]]"#);
    check(
        &ty(r#""ListStream""#),
        &[
            ("0.100.0", r#"["Any","ListStream"]"#),
            ("0.101.0", r#"["Any","Any"]"#),
        ],
    );
    check(
        &ty(r#""Signature""#),
        &[
            ("0.101.0", r#"["Any","Signature"]"#),
            ("0.102.0", r#"["Any","Any"]"#),
        ],
    );
    check(
        &ty(r#""Block""#),
        &[
            ("0.101.0", r#"["Any","Block"]"#),
            ("0.102.0", r#"["Any","Any"]"#),
            ("0.106.0", r#"["Any","Block"]"#),
        ],
    );
    check(
        &ty(r#"{"OneOf":["Int"]}"#),
        &[
            ("0.108.0", r#"["Any","Any"]"#),
            ("0.109.0", r#"["Any",{"OneOf":["Int"]}]"#),
        ],
    );
    check(
        r#""category":"Deprecated""#,
        &[
            ("0.100.0", r#""category":{"Custom":"deprecated"}"#),
            ("0.101.0", r#""category":"Deprecated""#),
        ],
    );
}

#[test]
fn candidates() {
    let old = r#"{"CallResponse":[0,{"CompletionItems":[{"value":"v","description":null,"extra":null,"append_whitespace":true,"match_indices":null,"span":SPAN,"kind":{"Command":["Builtin",3]}}]}]}"#;
    let new = old.replace(
        r#""description""#,
        r#""display_override":"o","description""#,
    );
    row(
        Sender::Plugin,
        &new,
        &[("0.109.0", old), ("0.110.0", old), ("0.111.0", &new)],
    );
}

#[test]
fn errors_leave_the_buffer_alone() {
    let message = from_plugin(r#"{"CallResponse":[0,"Ok"]}"#).unwrap();
    let mut out = b"before".to_vec();
    for encoding in crate::common::BOTH {
        let result = pegboard_protocol::codec::encode(
            &message,
            Sender::Plugin,
            encoding,
            dialect("0.100.0"),
            &mut out,
        );
        assert!(result.is_err());
        assert_eq!(out, b"before");
    }
}

#[test]
fn senders_and_unknowns_are_refused() {
    let refused = |message: &Message, sender| json(message, sender, "0.115.0").unwrap_err().kind();
    let goodbye = Message::Goodbye;
    assert_eq!(
        refused(&goodbye, Sender::Plugin),
        EncodeErrorKind::WrongSender
    );
    let unknown = Message::Unknown("Shiny".to_owned());
    assert_eq!(refused(&unknown, Sender::Plugin), EncodeErrorKind::Unknown);
    let call = from_engine(r#"{"Call":[0,"Shiny"]}"#).unwrap();
    assert_eq!(refused(&call, Sender::Engine), EncodeErrorKind::Unknown);
}
