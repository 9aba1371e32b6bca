//! Messages as bytes: there and back, cut anywhere, within limits, in linear time.

use std::collections::BTreeMap;
use std::path::Path;

use pegboard_protocol::octa::{
    Decoder, Dialect, Execute, Form, FromHost, FromPlugin, Hello, Incoming, Limits, LineError,
    LineErrorKind, Outgoing, Stream, encode,
};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::Value;

use super::stream;

#[test]
fn corpus() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/octa_stream");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        stream::stream(&std::fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count > 50);
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(".{0,4}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn hello() -> impl Strategy<Value = Hello> {
    (".*", vec(".*", 0..3)).prop_map(|(version, features)| Hello { version, features })
}

fn execute() -> impl Strategy<Value = Execute> {
    let vars = btree_map(".{0,6}", json(), 0..4);
    let envs = btree_map(".{0,6}", ".{0,6}", 0..4);
    let extensions = (any::<Option<u32>>(), any::<bool>(), any::<Option<u64>>());
    (
        ".*",
        vec(".*", 0..3),
        ".*",
        envs,
        vars,
        any::<bool>(),
        extensions,
    )
        .prop_map(
            |(text, args, dir, envs, vars, dry, (id, input, credit))| Execute {
                text,
                args,
                dir,
                envs: envs.into_iter().collect::<BTreeMap<_, _>>(),
                vars: vars.into_iter().collect(),
                dry,
                id: id.map(|id| id.to_string()),
                input,
                credit,
            },
        )
}

fn from_host() -> impl Strategy<Value = FromHost> {
    prop_oneof![
        hello().prop_map(FromHost::Hello),
        Just(FromHost::Schema),
        Just(FromHost::Shutdown),
        execute().prop_map(|execute| FromHost::Execute(Box::new(execute))),
        ".*".prop_map(|id| FromHost::Cancel { id }),
        (".*", any::<Vec<u8>>()).prop_map(|(id, bytes)| FromHost::Stdin { id, bytes }),
        ".*".prop_map(|id| FromHost::StdinEnd { id }),
        (".*", any::<u64>()).prop_map(|(id, bytes)| FromHost::Credit { id, bytes }),
    ]
}

fn from_plugin() -> impl Strategy<Value = FromPlugin> {
    let stream = prop_oneof![Just(Stream::Stdout), Just(Stream::Stderr)];
    let bytes = prop_oneof![any::<Vec<u8>>(), ".*".prop_map(String::into_bytes)];
    prop_oneof![
        hello().prop_map(FromPlugin::Hello),
        ".*".prop_map(|key| FromPlugin::Schema { key }),
        (".*", any::<Option<u64>>()).prop_map(|(id, credit)| FromPlugin::Started { id, credit }),
        (".*", stream, bytes).prop_map(|(id, stream, bytes)| FromPlugin::Output {
            id,
            stream,
            bytes
        }),
        (".*", json()).prop_map(|(id, value)| FromPlugin::Result { id, value }),
        (".*", any::<i32>()).prop_map(|(id, code)| FromPlugin::ExitStatus { id, code }),
        (".*", ".*").prop_map(|(id, message)| FromPlugin::Error { id, message }),
        (".*", any::<u64>()).prop_map(|(id, bytes)| FromPlugin::Credit { id, bytes }),
        ".*".prop_map(|message| FromPlugin::Shutdown { message }),
    ]
}

fn form() -> impl Strategy<Value = Form> {
    prop_oneof![
        Just(Form::Every),
        Just(Form::Only(Dialect::V020)),
        Just(Form::Only(Dialect::V021)),
    ]
}

/// What is written is read again, with or without line feeds between.
fn there_and_back<M>(messages: &[M], form: Form, line_feeds: bool, piece: usize)
where
    M: Incoming + Outgoing + PartialEq + std::fmt::Debug,
{
    let mut bytes = Vec::new();
    for message in messages {
        encode(message, form, &mut bytes);
        if !line_feeds {
            assert_eq!(bytes.pop(), Some(b'\n'));
        }
    }
    let mut decoder = Decoder::<M>::new(Limits::default());
    let mut read = Vec::new();
    for piece in bytes.chunks(piece) {
        decoder.feed(piece);
        while let Some(frame) = decoder.next() {
            read.push(frame.content.unwrap());
        }
    }
    decoder.finish().unwrap();
    assert_eq!(read, messages);
    assert_eq!(decoder.pending(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hosts(messages in vec(from_host(), 0..5), form in form(), feeds: bool, piece in 1usize..200) {
        there_and_back(&messages, form, feeds, piece);
    }

    #[test]
    fn plugins(messages in vec(from_plugin(), 0..5), form in form(), feeds: bool, piece in 1usize..200) {
        there_and_back(&messages, form, feeds, piece);
    }

    #[test]
    fn any_bytes(bytes in vec(any::<u8>(), 0..300)) {
        stream::stream(&bytes);
    }

    #[test]
    fn anything_like_json(words in vec(0usize..WORDS.len(), 0..60), control: u8) {
        let mut bytes = vec![control];
        for word in words {
            bytes.extend(WORDS[word].as_bytes());
        }
        stream::stream(&bytes);
    }
}

const WORDS: [&str; 24] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\n",
    " ",
    "null",
    "1",
    "\"type\":",
    "\"payload\":{",
    "\"Started\"",
    "\"Stdout\"",
    "\"ExitStatus\"",
    "\"Execute\"",
    "\"id\":\"0\"",
    "\"line\":\"x\"",
    "\"code\":0",
    "\"dir\":\"/\"",
    "{\"type\":\"Started\",\"id\":\"0\"}",
    "\"params\":\"x\"",
];

fn small(line: usize) -> Decoder<FromPlugin> {
    Decoder::new(Limits {
        line,
        ..Limits::default()
    })
}

#[test]
fn a_line_as_long_as_the_limit() {
    let line = b"{\"type\":\"Started\",\"id\":\"0\"}";
    let mut decoder = small(line.len());
    decoder.feed(line);
    decoder.feed(b"\r\n");
    assert!(decoder.next().unwrap().content.is_ok());
    assert_eq!(decoder.next(), None);

    let mut decoder = small(line.len() - 1);
    decoder.feed(line);
    let error = decoder.next().unwrap().content.unwrap_err();
    assert_eq!(error.kind(), LineErrorKind::Limit);
    assert_eq!(error.offset(), line.len() - 1);
    assert!(error.to_string().contains("(line)"), "{error}");
    // There is no going on.
    decoder.feed(b"\n{\"type\":\"Schema\",\"key\":\"k\"}\n");
    assert_eq!(decoder.next().unwrap().content.unwrap_err(), error);
    assert_eq!(decoder.finish().unwrap_err(), error);
}

/// Whatever endless thing comes, memory stays flat.
#[test]
fn endless_lines() {
    const LINE: usize = 1 << 20;
    for (begin, fill) in [
        ("{\"type\":\"", "x"),
        ("{\"type\":", " "),
        ("{\"type\":\"\\", "\\\\"),
        ("", "garbage"),
    ] {
        let mut decoder = small(LINE);
        decoder.feed(begin.as_bytes());
        let piece = fill.repeat((64 << 10) / fill.len());
        let mut fed = 0;
        let error = loop {
            decoder.feed(piece.as_bytes());
            fed += piece.len();
            if let Some(frame) = decoder.next() {
                break frame.content.unwrap_err();
            }
            assert!(fed <= LINE, "nothing said after {fed} bytes");
            assert!(decoder.capacity() <= 2 * LINE + (128 << 10));
        };
        assert_eq!(error.kind(), LineErrorKind::Limit);
        assert_eq!(decoder.capacity(), 0);
    }
}

#[test]
fn each_byte_is_looked_at_once() {
    let mut line = Vec::new();
    let message = FromPlugin::Output {
        id: "0".to_owned(),
        stream: Stream::Stdout,
        bytes: vec![b'x'; 1 << 20],
    };
    encode(&message, Form::Every, &mut line);
    let mut decoder = Decoder::<FromPlugin>::new(Limits::default());
    for piece in line.chunks(7) {
        decoder.feed(piece);
        if let Some(frame) = decoder.next() {
            assert_eq!(frame.content.as_ref(), Ok(&message));
        }
    }
    assert_eq!(decoder.next(), None);
    assert_eq!(decoder.examined(), line.len() as u64);
    // And what was needed for it is given back.
    assert!(decoder.capacity() <= 128 << 10, "{}", decoder.capacity());
}

/// Real hosts have been seen to take 50 MB on one line.
#[test]
fn a_large_line() {
    assert!(Limits::default().line > 50_000_000);
    let bytes = vec![b'B'; 5_000_000];
    let message = FromPlugin::Output {
        id: "id-1".to_owned(),
        stream: Stream::Stdout,
        bytes,
    };
    let mut line = Vec::new();
    encode(&message, Form::Only(Dialect::V021), &mut line);
    let mut decoder = Decoder::<FromPlugin>::new(Limits::default());
    decoder.feed(&line);
    assert!(decoder.next().unwrap().content == Ok(message));
}

/// The deepest that can be asked for, on a thread with little stack.
#[test]
fn a_deep_message() {
    let deepest = Limits {
        depth: usize::MAX,
        ..Limits::default()
    };
    let read = move |levels: usize| {
        let line = format!(
            r#"{{"type":"Result","payload":{{"id":"0","value":{}{}}}}}"#,
            "[".repeat(levels),
            "]".repeat(levels)
        );
        let mut decoder = Decoder::<FromPlugin>::new(deepest);
        decoder.feed(line.as_bytes());
        let message = decoder.next().unwrap().content?;
        let mut written = Vec::new();
        encode(&message, Form::Only(Dialect::V021), &mut written);
        assert_eq!(written.trim_ascii_end(), line.as_bytes());
        Ok::<_, LineError>(())
    };
    let thread = std::thread::Builder::new().stack_size(512 << 10);
    let thread = thread.spawn(move || {
        read(118).unwrap();
        let error = read(119).unwrap_err();
        assert_eq!(error.kind(), LineErrorKind::Limit);
        assert!(error.to_string().contains("(depth)"), "{error}");
    });
    thread.unwrap().join().unwrap();
}

#[test]
fn the_input_ends_inside_a_message() {
    let mut decoder = small(100);
    decoder.feed(b"{\"type\":\"Started\",\"id\":\"0\"}\n \r\n");
    assert!(decoder.next().unwrap().content.is_ok());
    assert_eq!(decoder.next(), None);
    decoder.finish().unwrap();
    decoder.feed(b"{\"type\"");
    assert_eq!(decoder.next(), None);
    let error = decoder.finish().unwrap_err();
    assert_eq!(error.kind(), LineErrorKind::Truncated);
    assert_eq!(error.line(), 3);
}

#[test]
fn errors_say_where() {
    let mut decoder = small(1000);
    decoder.feed(b"{\"type\":\"Started\",\"id\":\"0\"}\n\n{\"type\":\"ExitStatus\",\"payload\":{\"id\":\"0\",\"code\":\"x\"}}\n");
    assert!(decoder.next().unwrap().content.is_ok());
    let error = decoder.next().unwrap().content.unwrap_err();
    assert_eq!(error.kind(), LineErrorKind::BadValue);
    assert_eq!((error.line(), error.offset()), (3, 48));
    assert_eq!(error.message_name(), Some("ExitStatus"));
    assert_eq!(error.message_id(), Some("0"));
    assert!(!error.is_final());
    assert_eq!(
        error.to_string(),
        "`ExitStatus`: the field `code`: invalid type: string \"x\", expected i32 \
         (line 3, byte 48, near `yload\":{\"id\":\"0\",\"code\":\"x\"}}`)"
    );
}
