//! The forms that only our own peers use.

use pegboard_protocol::codec::{Encoding, Sender};
use pegboard_protocol::nu::{Dialect, Feature, Hello, Message, StreamId, StreamItem};
use pegboard_protocol::{CellPath, Glob, LabeledError, PathMember, Span, Value};

use super::common::{decode, dialect, encode};

/// Writes a message in JSON, compares, and reads it back from both encodings. Gives the bytes in MessagePack.
fn check(message: &Message, expected: &str, dialect: Dialect) -> Vec<u8> {
    let json = encode(message, Sender::Plugin, Encoding::Json, dialect).unwrap();
    assert_eq!(String::from_utf8_lossy(&json).trim_end(), expected);
    let packed = encode(message, Sender::Plugin, Encoding::MsgPack, dialect).unwrap();
    for (bytes, encoding) in [(&json, Encoding::Json), (&packed, Encoding::MsgPack)] {
        let read = decode(bytes, Sender::Plugin, encoding);
        assert_eq!(read.as_ref(), Ok(message));
    }
    packed
}

fn items(values: Vec<Value>) -> Message {
    Message::Data(StreamId(3), StreamItem::Items(values))
}

#[test]
fn several_items_are_written_without_the_names_of_fields() {
    let span = Span { start: 1, end: 200 };
    let packed = check(
        &items(vec![
            Value::int(7).at(span),
            Value::string("a"),
            Value::Nothing(span),
        ]),
        r#"{"Data":[3,{"Items":[{"Int":[7,[1,200]]},{"String":["a",[0,0]]},{"Nothing":[[1,200]]}]}]}"#,
        Dialect::NEWEST,
    );
    let expected = b"\x81\xa4Data\x92\x03\x81\xa5Items\x93\
        \x81\xa3Int\x92\x07\x92\x01\xcc\xc8\
        \x81\xa6String\x92\xa1a\x92\0\0\
        \x81\xa7Nothing\x91\x92\x01\xcc\xc8";
    assert_eq!(packed, expected);
}

#[test]
fn what_is_inside_of_items_is_short_too_and_what_follows_is_not() {
    let glob = Glob {
        pattern: "*".to_owned(),
        no_expand: true,
    };
    let error = LabeledError::new("no");
    let path = CellPath {
        members: vec![PathMember::Int {
            val: 1,
            span: Span::UNKNOWN,
            optional: false,
        }],
    };
    check(
        &items(vec![
            Value::record([("a", Value::list([Value::bool(true)]))]),
            Value::Glob(Box::new(glob), Span::UNKNOWN),
            Value::error(error),
            Value::CellPath(path, Span::UNKNOWN),
        ]),
        concat!(
            r#"{"Data":[3,{"Items":[{"Record":[{"a":{"List":[[{"Bool":[true,[0,0]]}],[0,0]]}},[0,0]]},"#,
            r#"{"Glob":["*",true,[0,0]]},"#,
            r#"{"Error":[{"msg":"no","labels":[],"code":null,"url":null,"help":null,"inner":[]},[0,0]]},"#,
            r#"{"CellPath":[{"members":[{"Int":{"val":1,"span":[0,0],"optional":false}}]},[0,0]]}]}]}"#,
        ),
        dialect("0.113.0"),
    );
    check(
        &Message::Data(StreamId(3), StreamItem::List(Value::int(1))),
        r#"{"Data":[3,{"List":{"Int":{"val":1,"span":{"start":0,"end":0}}}}]}"#,
        Dialect::NEWEST,
    );
}

#[test]
fn names_of_features() {
    for feature in Feature::EXTENSIONS {
        assert_eq!(Feature::named(feature.name()), feature);
    }
    check(
        &Message::Hello(Hello {
            protocol: "nu-plugin".to_owned(),
            version: "0.115.1".to_owned(),
            features: Feature::EXTENSIONS.to_vec(),
        }),
        concat!(
            r#"{"Hello":{"protocol":"nu-plugin","version":"0.115.1","#,
            r#""features":[{"name":"PegboardBytes"},{"name":"PegboardItems"}]}}"#,
        ),
        Dialect::NEWEST,
    );
}
