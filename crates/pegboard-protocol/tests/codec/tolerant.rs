//! Reading takes every form that some version or author writes: each row is an odd form and the usual one.

use pegboard_protocol::codec::{DecodeErrorKind, Decoder, Encoding, Limits, Sender};
use pegboard_protocol::nu::{Call, Message, Response, SyntaxShape};
use serde_json::Value as Tree;

use crate::common::{decode, decode_all, dialect, from_engine, from_plugin, pack};

const SPAN: &str = r#"{"start":1,"end":2}"#;

/// Checks that both texts mean the same, in JSON and as the same tree in MessagePack.
fn same(sender: Sender, odd: &str, usual: &str) {
    let odd = odd.replace("SPAN", SPAN);
    let usual = usual.replace("SPAN", SPAN);
    let meant = decode(usual.as_bytes(), sender, Encoding::Json)
        .unwrap_or_else(|error| panic!("{usual}: {error}"));
    let json = decode(odd.as_bytes(), sender, Encoding::Json)
        .unwrap_or_else(|error| panic!("{odd}: {error}"));
    assert_eq!(json, meant, "{odd}");
    let tree: Tree = serde_json::from_str(&odd).unwrap();
    let mut packed = Vec::new();
    pack(&tree, &mut packed);
    let message = decode(&packed, sender, Encoding::MsgPack)
        .unwrap_or_else(|error| panic!("{odd} packed: {error}"));
    assert_eq!(message, meant, "{odd} packed");
}

fn plugin_rows(rows: &[(&str, &str)]) {
    for (odd, usual) in rows {
        same(Sender::Plugin, odd, usual);
    }
}

fn engine_rows(rows: &[(&str, &str)]) {
    for (odd, usual) in rows {
        same(Sender::Engine, odd, usual);
    }
}

/// A response with a value in place of `VALUE`, for rows about values.
fn value_rows(rows: &[(&str, &str)]) {
    let frame = r#"{"CallResponse":[7,{"PipelineData":{"Value":[VALUE,null]}}]}"#;
    for (odd, usual) in rows {
        same(
            Sender::Plugin,
            &frame.replace("VALUE", odd),
            &frame.replace("VALUE", usual),
        );
    }
}

#[test]
fn headers() {
    let usual =
        r#"{"CallResponse":[1,{"PipelineData":{"Value":[{"Int":{"val":1,"span":SPAN}},null]}}]}"#;
    let stream = r#"{"CallResponse":[1,{"PipelineData":{"ListStream":{"id":3,"span":SPAN,"metadata":null}}}]}"#;
    let empty = r#"{"CallResponse":[1,{"PipelineData":"Empty"}]}"#;
    plugin_rows(&[
        (
            r#"{"CallResponse":[1,{"PipelineData":{"Value":[{"Int":{"val":1,"span":SPAN}}]}}]}"#,
            usual,
        ),
        (
            r#"{"CallResponse":[1,{"PipelineData":{"Value":{"Int":{"val":1,"span":SPAN}}}}]}"#,
            usual,
        ),
        (
            r#"{"CallResponse":[1,{"Value":[{"Int":{"val":1,"span":SPAN}},null]}]}"#,
            usual,
        ),
        (
            r#"{"CallResponse":[1,{"Value":{"Int":{"val":1,"span":SPAN}}}]}"#,
            usual,
        ),
        (
            r#"{"CallResponse":[1,{"ListStream":{"id":3,"span":SPAN}}]}"#,
            stream,
        ),
        (r#"{"CallResponse":[1,{"ListStream":[3,SPAN]}]}"#, stream),
        (r#"{"CallResponse":[1,"Empty"]}"#, empty),
        (r#"{"CallResponse":[1,{"Empty":null}]}"#, empty),
        (
            r#"{"CallResponse":[1,{"PipelineData":{"Empty":null}}]}"#,
            empty,
        ),
        (
            r#"{"CallResponse":[1,{"ByteStream":{"id":3,"span":SPAN}}]}"#,
            r#"{"CallResponse":[1,{"PipelineData":{"ByteStream":{"id":3,"span":SPAN,"type":"Unknown","metadata":null}}}]}"#,
        ),
        (
            r#"{"CallResponse":[1,{"ByteStream":{"id":3,"span":SPAN,"type":{"String":null}}}]}"#,
            r#"{"CallResponse":[1,{"PipelineData":{"ByteStream":{"id":3,"span":SPAN,"type":"String","metadata":null}}}]}"#,
        ),
    ]);
    let told = r#"{"EngineCallResponse":[1,{"PipelineData":{"Value":[{"Int":{"val":1,"span":SPAN}},null]}}]}"#;
    engine_rows(&[
        (
            r#"{"EngineCallResponse":[1,{"Value":{"Int":{"val":1,"span":SPAN}}}]}"#,
            told,
        ),
        (
            r#"{"EngineCallResponse":[1,{"PipelineData":{"Value":{"Int":{"val":1,"span":SPAN}}}}]}"#,
            told,
        ),
    ]);
}

#[test]
fn metadata() {
    let frame =
        r#"{"CallResponse":[1,{"PipelineData":{"Value":[{"Nothing":{"span":SPAN}},META]}}]}"#;
    let rows = [
        (
            "{}",
            r#"{"data_source":"None","path_columns":[],"content_type":null,"custom":{}}"#,
        ),
        (
            r#"{"data_source":{"FilePath":"/a"},"path_columns":null,"custom":null}"#,
            r#"{"data_source":{"FilePath":"/a"},"path_columns":[],"content_type":null,"custom":{}}"#,
        ),
        (
            r#"{"data_source":"Brand new"}"#,
            r#"{"data_source":"None"}"#,
        ),
        (
            r#"["HtmlThemes",["p"],"text/x",{}]"#,
            r#"{"data_source":"HtmlThemes","path_columns":["p"],"content_type":"text/x"}"#,
        ),
    ];
    for (odd, usual) in rows {
        same(
            Sender::Plugin,
            &frame.replace("META", odd),
            &frame.replace("META", usual),
        );
    }
}

#[test]
fn values() {
    value_rows(&[
        (r#"{"Int":[5,[1,2]]}"#, r#"{"Int":{"val":5,"span":SPAN}}"#),
        (
            r#"{"Int":{"span":SPAN,"more":{"a":[1]},"val":5}}"#,
            r#"{"Int":{"val":5,"span":SPAN}}"#,
        ),
        (
            r#"{"Float":{"val":3,"span":SPAN}}"#,
            r#"{"Float":{"val":3.0,"span":SPAN}}"#,
        ),
        (
            r#"{"Float":{"val":-3,"span":SPAN}}"#,
            r#"{"Float":{"val":-3.0,"span":SPAN}}"#,
        ),
        (r#"{"Nothing":[[1,2]]}"#, r#"{"Nothing":{"span":SPAN}}"#),
        (
            r#"{"Error":{"val":{"msg":"m"},"span":SPAN}}"#,
            r#"{"Error":{"error":{"msg":"m","labels":[],"inner":[]},"span":SPAN}}"#,
        ),
        (
            r#"{"Error":{"error":{"msg":"m","labels":null,"inner":null},"span":SPAN}}"#,
            r#"{"Error":{"error":{"msg":"m"},"span":SPAN}}"#,
        ),
        (
            r#"{"List":{"val":[],"span":SPAN}}"#,
            r#"{"List":{"vals":[],"span":SPAN}}"#,
        ),
        (
            r#"{"Glob":{"val":"a*","span":SPAN}}"#,
            r#"{"Glob":{"val":"a*","no_expand":false,"span":SPAN}}"#,
        ),
        (
            r#"{"Date":{"val":"2024-01-02 03:04:05 +02:00","span":SPAN}}"#,
            r#"{"Date":{"val":"2024-01-02T03:04:05+02:00","span":SPAN}}"#,
        ),
        (
            r#"{"Range":{"val":{"IntRange":{"start":1,"step":2,"end":{"Excluded":9}}},"span":SPAN}}"#,
            r#"{"Range":{"val":"1..3..<9","span":SPAN}}"#,
        ),
        (
            r#"{"Range":{"val":{"FloatRange":{"start":1,"step":0.5,"end":"Unbounded"}},"span":SPAN}}"#,
            r#"{"Range":{"val":"1.0..1.5..","span":SPAN}}"#,
        ),
        (
            r#"{"CellPath":{"val":"a.0","span":SPAN}}"#,
            r#"{"CellPath":{"val":"$.a.0","span":SPAN}}"#,
        ),
        (
            r#"{"CellPath":{"val":{"members":[{"String":{"val":"a","span":[0,0],"optional":true}},{"Int":{"val":0,"span":[0,0],"optional":false}}]},"span":SPAN}}"#,
            r#"{"CellPath":{"val":"$.a?.0","span":SPAN}}"#,
        ),
        (
            r#"{"CellPath":{"val":{"members":[{"String":{"val":"a","span":[0,0],"optional":false,"casing":"Insensitive"}}]},"span":SPAN}}"#,
            r#"{"CellPath":{"val":"$.a!","span":SPAN}}"#,
        ),
        (
            r#"{"Custom":{"val":{"name":"N","notify_on_drop":false,"data":[1],"type":"PluginCustomValue"},"span":SPAN}}"#,
            r#"{"Custom":{"val":{"type":"PluginCustomValue","name":"N","data":[1]},"span":SPAN}}"#,
        ),
    ]);
}

#[test]
fn calls() {
    let run = r#"{"Call":[1,{"Run":{"name":"c","call":{"head":SPAN,"positional":[],"named":[[{"item":"f","span":SPAN},null]]},"input":"Empty"}}]}"#;
    let item = r#"{"item":{"name":"N","data":[]},"span":SPAN}"#;
    let op = |op: &str| format!(r#"{{"Call":[1,{{"CustomValueOp":[{item},{op}]}}]}}"#);
    engine_rows(&[
        (
            r#"{"Call":[1,{"Run":{"name":"c","call":{"head":SPAN,"named":[["f",null]]}}}]}"#,
            run,
        ),
        (
            r#"{"Call":[1,{"Run":["c",[SPAN,[],[["f"]]],{"Empty":null}]}]}"#,
            run,
        ),
        (
            r#"{"Call":[1,{"Metadata":null}]}"#,
            r#"{"Call":[1,"Metadata"]}"#,
        ),
        (r#"{"Goodbye":null}"#, r#""Goodbye""#),
        (r#"{"Signal":{"Reset":null}}"#, r#"{"Signal":"Reset"}"#),
    ]);
    for (odd, usual) in [
        (
            r#"{"FollowPathInt":{"item":4,"span":SPAN}}"#,
            r#"{"FollowPathInt":{"index":{"item":4,"span":SPAN},"optional":false}}"#,
        ),
        (
            r#"{"FollowPathInt":[4,SPAN]}"#,
            r#"{"FollowPathInt":{"index":{"item":4,"span":SPAN},"optional":false}}"#,
        ),
        (
            r#"{"FollowPathInt":[[4,SPAN],true]}"#,
            r#"{"FollowPathInt":{"index":{"item":4,"span":SPAN},"optional":true}}"#,
        ),
        (
            r#"{"FollowPathString":{"item":"a","span":SPAN}}"#,
            r#"{"FollowPathString":{"column_name":{"item":"a","span":SPAN},"optional":false,"casing":"Sensitive"}}"#,
        ),
        (
            r#"{"FollowPathString":[["a",SPAN],true,"Insensitive"]}"#,
            r#"{"FollowPathString":{"column_name":{"item":"a","span":SPAN},"optional":true,"casing":"Insensitive"}}"#,
        ),
        (r#"{"ToBaseValue":null}"#, r#""ToBaseValue""#),
    ] {
        same(Sender::Engine, &op(odd), &op(usual));
    }
    for (old, new) in [
        (r#"{"Math":"Plus"}"#, r#"{"Math":"Add"}"#),
        (r#"{"Math":"Minus"}"#, r#"{"Math":"Subtract"}"#),
        (r#"{"Math":"FloorDivision"}"#, r#"{"Math":"FloorDivide"}"#),
        (r#"{"Math":"Append"}"#, r#"{"Math":"Concatenate"}"#),
        (r#"{"Math":"Concat"}"#, r#"{"Math":"Concatenate"}"#),
        (
            r#"{"Assignment":"AppendAssign"}"#,
            r#"{"Assignment":"ConcatenateAssign"}"#,
        ),
        (r#"{"Boolean":{"And":null}}"#, r#"{"Boolean":"And"}"#),
    ] {
        let operation = |name: &str| {
            op(&format!(
                r#"{{"Operation":[{{"item":{name},"span":SPAN}},{{"Nothing":{{"span":SPAN}}}}]}}"#
            ))
        };
        same(Sender::Engine, &operation(old), &operation(new));
    }
}

#[test]
fn other_messages() {
    plugin_rows(&[
        (
            r#"{"Hello":{"protocol":"nu-plugin","version":"0.94.0","features":null,"more":1}}"#,
            r#"{"Hello":{"protocol":"nu-plugin","version":"0.94.0","features":[]}}"#,
        ),
        (
            r#"{"Hello":{"protocol":"nu-plugin","version":"0.94.0","features":["LocalSocket",{"name":"x","y":1}]}}"#,
            r#"{"Hello":{"protocol":"nu-plugin","version":"0.94.0","features":[{"name":"LocalSocket"},{"name":"x"}]}}"#,
        ),
        (
            r#"{"EngineCall":[1,2,{"GetHelp":null}]}"#,
            r#"{"EngineCall":{"context":1,"id":2,"call":"GetHelp"}}"#,
        ),
        (
            r#"{"CallResponse":[1,{"Metadata":{}}]}"#,
            r#"{"CallResponse":[1,{"Metadata":{"version":null}}]}"#,
        ),
        (
            r#"{"CallResponse":[1,{"Metadata":null}]}"#,
            r#"{"CallResponse":[1,{"Metadata":{"version":null}}]}"#,
        ),
        (
            r#"{"CallResponse":[1,{"Ok":null}]}"#,
            r#"{"CallResponse":[1,"Ok"]}"#,
        ),
        (
            r#"{"CallResponse":[1,{"Error":{"LabeledError":{"msg":"m","help":"h"}}}]}"#,
            r#"{"CallResponse":[1,{"Error":{"msg":"m","help":"h"}}]}"#,
        ),
        (
            r#"{"CallResponse":[1,{"CompletionItems":[{"value":"v"}]}]}"#,
            r#"{"CallResponse":[1,{"CompletionItems":[{"value":"v","append_whitespace":true}]}]}"#,
        ),
    ]);
}

#[test]
fn signatures() {
    let frame = r#"{"CallResponse":[1,{"Signature":[{"sig":SIG,"examples":[]}]}]}"#;
    let usual = r#"{"name":"c","description":"d","extra_description":"e","search_terms":[],"required_positional":[],"optional_positional":[],"rest_positional":null,"named":[],"input_output_types":[],"allow_variants_without_examples":false,"is_filter":false,"creates_scope":false,"allows_unknown_args":false,"complete":null,"category":"Default"}"#;
    let arg = r#"{"name":"c","required_positional":[{"name":"a","desc":"","shape":"Any","completion":{"Command":7},"var_id":null,"default_value":null}]}"#;
    let rows = [
        (
            r#"{"name":"c","usage":"d","extra_usage":"e","vectorizes_over_list":true}"#,
            usual,
        ),
        (
            r#"{"name":"c","description":"d","extra_description":"e","input_type":"Any"}"#,
            usual,
        ),
        (r#"["c","d","e"]"#, usual),
        (
            r#"{"name":"c","required_positional":[{"name":"a","custom_completion":7}]}"#,
            arg,
        ),
        (
            r#"{"name":"c","category":"Fishing"}"#,
            r#"{"name":"c","category":{"Custom":"Fishing"}}"#,
        ),
        (
            r#"{"name":"c","named":[{"long":"f","short":""}]}"#,
            r#"{"name":"c","named":[{"long":"f","short":null,"arg":null,"required":false,"desc":""}]}"#,
        ),
        (
            r#"{"name":"c","named":[{"long":"f","arg":"Closure"}]}"#,
            r#"{"name":"c","named":[{"long":"f","arg":{"Closure":null}}]}"#,
        ),
    ];
    for (odd, usual) in rows {
        same(
            Sender::Plugin,
            &frame.replace("SIG", odd),
            &frame.replace("SIG", usual),
        );
    }
}

#[test]
fn arrays_for_structs_follow_the_version() {
    let json = r#"{"CallResponse":[1,{"PipelineData":{"Value":[{"Nothing":[[0,0]]},["None","text/x"]]}}]}"#;
    let mut decoder = Decoder::new(Encoding::Json, Sender::Plugin, Limits::default());
    decoder.set_dialect(dialect("0.101.0"));
    decoder.feed(json.as_bytes());
    let message = decoder.next().unwrap().unwrap().message;
    let named = json.replace(
        r#"["None","text/x"]"#,
        r#"{"data_source":"None","content_type":"text/x"}"#,
    );
    assert_eq!(message, from_plugin(&named).unwrap());
}

#[test]
fn bytes_may_be_binary() {
    let as_integers = b"\x81\xa4Data\x92\x01\x81\xa3Raw\x81\xa2Ok\x93\x01\x02\xcc\xff";
    for as_binary in [
        &b"\x81\xa4Data\x92\x01\x81\xa3Raw\x81\xa2Ok\xc4\x03\x01\x02\xff"[..],
        b"\x81\xa4Data\x92\x01\x81\xa3Raw\x81\xa2Ok\xc5\0\x03\x01\x02\xff",
        b"\x81\xa4Data\x92\x01\x81\xa3Raw\x81\xa2Ok\xc6\0\0\0\x03\x01\x02\xff",
    ] {
        assert_eq!(
            decode(as_binary, Sender::Plugin, Encoding::MsgPack).unwrap(),
            decode(as_integers, Sender::Plugin, Encoding::MsgPack).unwrap()
        );
    }
}

#[test]
fn what_is_unknown_is_kept_by_name() {
    let unknown = |name: &str| Message::Unknown(name.to_owned());
    assert_eq!(
        from_plugin(r#"{"Shiny":{"a":[1,{"b":2}]}}"#).unwrap(),
        unknown("Shiny")
    );
    assert_eq!(from_engine(r#""Shiny""#).unwrap(), unknown("Shiny"));
    assert_eq!(
        from_engine(r#"{"Signal":"Hup"}"#).unwrap(),
        unknown("Signal.Hup")
    );
    assert_eq!(
        from_plugin(r#"{"Option":{"Shiny":[1]}}"#).unwrap(),
        unknown("Option.Shiny")
    );
    let Message::Call(_, call) = from_engine(r#"{"Call":[3,{"Shiny":[{}]}]}"#).unwrap() else {
        panic!()
    };
    assert_eq!(call, Call::Unknown("Shiny".to_owned()));
    let json = r#"{"CallResponse":[1,{"Signature":[{"sig":{"name":"c","named":[{"long":"f","arg":{"Shiny":[1,"x"]}}]}}]}]}"#;
    let Message::CallResponse(_, Response::Signature(commands)) = from_plugin(json).unwrap() else {
        panic!()
    };
    let shape = commands[0].sig.named[0].arg.clone();
    assert_eq!(shape, Some(SyntaxShape::Unknown("Shiny".to_owned())));
}

#[test]
fn white_space_and_none() {
    let pretty = "\u{feff}{\r\n  \"End\" : 1\r\n}\r\n\r\n\t{\"Ack\":\n2}\"Goodbye\"{\"Drop\":3}  ";
    let messages = decode_all(pretty.as_bytes(), Sender::Engine, Encoding::Json).unwrap();
    assert_eq!(messages.len(), 4);
    assert_eq!(messages[2], Message::Goodbye);
}

#[test]
fn what_python_writes_for_floats() {
    for (text, number) in [
        ("Infinity", f64::INFINITY),
        ("-Infinity", f64::NEG_INFINITY),
    ] {
        let json =
            format!(r#"{{"Data":[0,{{"List":{{"Float":{{"val":{text},"span":[0,0]}}}}}}]}}"#);
        let shown = format!("{:?}", from_plugin(&json).unwrap());
        assert!(shown.contains(&format!("Float({number:?}")), "{shown}");
    }
    assert!(from_plugin(r#"{"Data":[0,{"List":{"Float":{"val":NaN,"span":[0,0]}}}]}"#).is_ok());
}

#[test]
fn mistakes_are_explained() {
    let cases: &[(&str, DecodeErrorKind, &str, &str)] = &[
        (
            r#"{"CallResponse":[1,{"PipelineData":{"Value":[{"Int":{"val":1}},null]}}]}"#,
            DecodeErrorKind::MissingField,
            "CallResponse.PipelineData.Value.Int",
            "missing field `span` in Int",
        ),
        (
            r#"{"Data":[1,{"List":{"Record":{"val":{"a":{"List":{"vals":[{"Bool":{"val":1,"span":[0,0]}}],"span":[0,0]}}},"span":[0,0]}}}]}"#,
            DecodeErrorKind::WrongType,
            "Data.List.Record.val.a.List.vals[0].Bool.val",
            "expected a boolean, found a number",
        ),
        (
            r#"{"Data":[1,{"List":{"Float":{"val":null,"span":[0,0]}}}]}"#,
            DecodeErrorKind::WrongType,
            "Data.List.Float.val",
            "JSON cannot carry infinity or NaN",
        ),
        (
            r#"{"Data":[1,{"List":{"Int":{"val":3.5,"span":[0,0]}}}]}"#,
            DecodeErrorKind::BadValue,
            "Data.List.Int.val",
            "expected an integer, found 3.5",
        ),
        (
            r#"{"Data":[1,{"List":{"Block":{"val":3,"span":[0,0]}}}]}"#,
            DecodeErrorKind::UnknownVariant,
            "Data.List",
            "`Block` is not a known kind of value",
        ),
        (
            r#"{"CallResponse":[1,{"PipelineData":{"ExternalStream":{"span":[0,0]}}}]}"#,
            DecodeErrorKind::TooOld,
            "CallResponse.PipelineData.ExternalStream",
            "0.93",
        ),
        (
            r#"{"Call":[0,"Signature"]}"#,
            DecodeErrorKind::WrongSender,
            "",
            "`Call` comes from the engine, never from a plugin",
        ),
        (
            r#"{"Data":[1,{"List":{"Record":{"val":{"a":{"Nothing":[[0,0]]},"a":{"Nothing":[[0,0]]}},"span":[0,0]}}}]}"#,
            DecodeErrorKind::BadValue,
            "Data.List.Record.val",
            "`a` comes twice",
        ),
        (
            r#"{"Data":[1,{"List":{"Custom":{"val":{"type":"SemverValue"},"span":[0,0]}}}]}"#,
            DecodeErrorKind::UnknownVariant,
            "Data.List.Custom.val.type",
            "SemverValue",
        ),
        (
            r#"{"Data":[1,{"Raw":{"Ok":[1,256]}}]}"#,
            DecodeErrorKind::BadValue,
            "Data.Raw.Ok",
            "from 0 to 255",
        ),
        ("hello there", DecodeErrorKind::Syntax, "", "found `h`"),
        (r#"{"End":1,}"#, DecodeErrorKind::Syntax, "", "found `}`"),
        (
            r#"{"End":1 2}"#,
            DecodeErrorKind::Syntax,
            "",
            "expected `,` or `}`",
        ),
        (
            r#"[1]"#,
            DecodeErrorKind::WrongType,
            "",
            "expected a message, found an array",
        ),
        (
            r#"{"End":-1}"#,
            DecodeErrorKind::BadValue,
            "End",
            "from 0 up",
        ),
        (
            r#"{"End":1,"Ack":2}"#,
            DecodeErrorKind::WrongType,
            "",
            "side by side",
        ),
        (
            r#""End""#,
            DecodeErrorKind::MissingField,
            "End",
            "needs content",
        ),
    ];
    for (json, kind, path, what) in cases {
        let error = from_plugin(json).unwrap_err();
        let shown = error.to_string();
        assert!(shown.contains(what), "{json}: {shown}");
        assert_eq!(error.kind(), *kind, "{json}: {shown}");
        assert_eq!(error.path(), *path, "{json}: {shown}");
        assert!(error.offset() <= json.len());
        assert!(!error.excerpt().is_empty());
    }
}
