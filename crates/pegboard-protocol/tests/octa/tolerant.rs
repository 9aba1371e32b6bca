//! Every form of each message that some peer or document uses, and what is written for each dialect.

use pegboard_protocol::octa::{
    Decoder, Dialect, Execute, Form, FromHost, FromPlugin, Hello, Incoming, Limits, LineErrorKind,
    Outgoing, Stream, encode,
};

fn read<M: Incoming>(line: &str) -> M {
    let mut decoder = Decoder::new(Limits::default());
    decoder.feed(line.as_bytes());
    let frame = decoder
        .next()
        .unwrap_or_else(|| panic!("incomplete: {line}"));
    frame
        .content
        .unwrap_or_else(|error| panic!("{error}: {line}"))
}

fn written<M: Outgoing>(message: &M, form: Form) -> String {
    let mut bytes = Vec::new();
    encode(message, form, &mut bytes);
    assert_eq!(bytes.pop(), Some(b'\n'));
    String::from_utf8(bytes).unwrap()
}

/// A message, as 0.2.1 writes it, as 0.2.0 does, and for both; and other forms that are read.
fn check<M>(message: M, v021: &str, v020: &str, every: &str, others: &[&str])
where
    M: Incoming + Outgoing + PartialEq + std::fmt::Debug,
{
    assert_eq!(written(&message, Form::Only(Dialect::V021)), v021);
    assert_eq!(written(&message, Form::Only(Dialect::V020)), v020);
    assert_eq!(written(&message, Form::Every), every);
    for line in [v021, v020, every].iter().chain(others) {
        assert_eq!(read::<M>(line), message, "{line}");
    }
}

fn id() -> String {
    "U".to_owned()
}

#[test]
fn what_hosts_say() {
    let hello = Hello {
        version: "0.2.1".to_owned(),
        features: Vec::new(),
    };
    let line = r#"{"type":"Hello","payload":{"version":"0.2.1","features":[]}}"#;
    check(
        FromHost::Hello(hello),
        line,
        line,
        line,
        &[
            r#"{"payload":{"features":null,"version":"0.2.1"},"type":"Hello"}"#,
            r#"{"type":"Hello","version":"0.2.1"}"#,
        ],
    );
    for (message, line, other) in [
        (
            FromHost::Schema,
            r#"{"type":"Schema"}"#,
            r#"{"type":"Schema","payload":null}"#,
        ),
        (
            FromHost::Shutdown,
            r#"{"type":"Shutdown"}"#,
            r#"{"type":"Shutdown","payload":{}}"#,
        ),
    ] {
        check(message, line, line, line, &[other]);
    }
    let execute = Execute {
        text: "echo hi".to_owned(),
        dir: "/abs/dir".to_owned(),
        ..Execute::default()
    };
    check(
        FromHost::Execute(Box::new(execute)),
        r#"{"type":"Execute","payload":{"params":"echo hi","args":[],"dir":"/abs/dir","envs":{},"vars":{},"dry":false}}"#,
        r#"{"type":"Execute","payload":{"command":"echo hi","args":[],"dir":"/abs/dir","envs":{},"vars":{},"dry":false}}"#,
        r#"{"type":"Execute","payload":{"params":"echo hi","command":"echo hi","args":[],"dir":"/abs/dir","envs":{},"vars":{},"dry":false}}"#,
        &[
            r#"{"type":"Execute","payload":{"dir":"/abs/dir","command":"not this","params":"echo hi"}}"#,
            r#"{"type":"Execute","payload":{"command":"echo hi","dir":"/abs/dir","params":null,"args":null}}"#,
        ],
    );
}

#[test]
fn what_plugins_say() {
    let hello = Hello {
        version: ">=0.2.0".to_owned(),
        features: Vec::new(),
    };
    check(
        FromPlugin::Hello(hello),
        r#"{"type":"Hello","payload":{"version":">=0.2.0","features":[]}}"#,
        r#"{"type":"Hello","version":">=0.2.0","features":[]}"#,
        r#"{"type":"Hello","version":">=0.2.0","features":[],"payload":{"version":">=0.2.0","features":[]}}"#,
        &[r#"{"type":"Hello","payload":{"version":">=0.2.0"}}"#],
    );
    check(
        FromPlugin::Schema {
            key: "shell".to_owned(),
        },
        r#"{"type":"Schema","payload":{"key":"shell"}}"#,
        r#"{"type":"Schema","key":"shell"}"#,
        r#"{"type":"Schema","key":"shell","payload":{"key":"shell"}}"#,
        &[],
    );
    check(
        FromPlugin::Started {
            id: id(),
            credit: None,
        },
        r#"{"type":"Started","payload":{"id":"U"}}"#,
        r#"{"type":"Started","id":"U"}"#,
        r#"{"type":"Started","id":"U","payload":{"id":"U"}}"#,
        &[r#" { "payload" : { "id" : "U" , "x" : [{}] } , "type" : "Start\u0065d" } "#],
    );
    for (name, stream) in [("Stdout", Stream::Stdout), ("Stderr", Stream::Stderr)] {
        check(
            FromPlugin::Output {
                id: id(),
                stream,
                bytes: b"hi\n".to_vec(),
            },
            &format!(r#"{{"type":"{name}","payload":{{"id":"U","line":"hi\n"}}}}"#),
            &format!(r#"{{"type":"{name}","id":"U","line":"hi\n"}}"#),
            &format!(
                r#"{{"type":"{name}","id":"U","line":"hi\n","payload":{{"id":"U","line":"hi\n"}}}}"#
            ),
            &[&format!(
                r#"{{"type":"{name}","id":"U","bytes":"aGkK","line":null}}"#
            )],
        );
    }
    check(
        FromPlugin::ExitStatus { id: id(), code: -7 },
        r#"{"type":"ExitStatus","payload":{"id":"U","code":-7}}"#,
        r#"{"type":"ExitStatus","id":"U","code":-7}"#,
        r#"{"type":"ExitStatus","id":"U","code":-7,"payload":{"id":"U","code":-7}}"#,
        &[],
    );
    check(
        FromPlugin::Error {
            id: id(),
            message: "text".to_owned(),
        },
        r#"{"type":"Error","payload":{"id":"U","message":"text"}}"#,
        r#"{"type":"Error","id":"U","message":"text"}"#,
        r#"{"type":"Error","id":"U","message":"text","payload":{"id":"U","message":"text"}}"#,
        &[],
    );
    check(
        FromPlugin::Shutdown {
            message: "bye".to_owned(),
        },
        r#"{"type":"Shutdown","payload":{"message":"bye"}}"#,
        r#"{"type":"Shutdown","message":"bye"}"#,
        r#"{"type":"Shutdown","message":"bye","payload":{"message":"bye"}}"#,
        &[],
    );
}

#[test]
fn what_is_no_message() {
    use LineErrorKind::{BadValue, MissingField, Syntax, Utf8};
    let cases: [(&[u8], LineErrorKind); 14] = [
        (b"this is not json", Syntax),
        (b"[1,2]", Syntax),
        (b"{oops}", Syntax),
        (b"{\"type\":\"Started\",}", Syntax),
        (b"{\"type\":\"St\narted\"}", Syntax),
        (b"{\"type\":\"Started\",\"payload\":{\"id\":\"U\"}]", Syntax),
        (b"{}", MissingField),
        (b"{\"type\":5}", BadValue),
        (b"{\"type\":\"Started\"}", MissingField),
        (b"{\"type\":\"Started\",\"payload\":{\"id\":5}}", BadValue),
        (
            b"{\"type\":\"ExitStatus\",\"id\":\"U\",\"code\":2147483648}",
            BadValue,
        ),
        (
            b"{\"type\":\"ExitStatus\",\"id\":\"U\",\"code\":1.5}",
            BadValue,
        ),
        (b"\xff\xfe not utf8", Utf8),
        (b"{\"type\":\"\xc3\"}", Utf8),
    ];
    for (line, kind) in cases {
        let mut decoder = Decoder::<FromPlugin>::new(Limits::default());
        decoder.feed(line);
        decoder.feed(b"\n");
        let error = decoder.next().unwrap().content.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        if kind == Utf8 {
            continue;
        }
        // The next line is none the worse for it.
        decoder.feed(b"{\"type\":\"Schema\",\"key\":\"k\"}\n");
        let last = std::iter::from_fn(|| decoder.next()).last().unwrap();
        let key = "k".to_owned();
        assert_eq!(last.content, Ok(FromPlugin::Schema { key }));
    }
}

/// A name that is not known is a message all the same.
#[test]
fn what_is_not_known() {
    let name = || "Progress".to_owned();
    assert_eq!(
        read::<FromPlugin>(r#"{"type":"Progress","payload":{"id":"U","pct":10}}"#),
        FromPlugin::Unknown {
            name: name(),
            id: Some(id())
        }
    );
    assert_eq!(
        read::<FromPlugin>(r#"{"type":"Progress","payload":{"id":5}}"#),
        FromPlugin::Unknown {
            name: name(),
            id: None
        }
    );
    assert_eq!(
        read::<FromHost>(r#"{"type":"Progress"}"#),
        FromHost::Unknown { name: name() }
    );
}
