//! The plugin as a process on plain pipes: what it says is whole, whatever it prints and however it is told to end.

use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use pegboard_plugin::protocol::codec::{self, Decoder, Encoding, Limits, Sender};
use pegboard_plugin::protocol::nu::{
    Call, CallId, Dialect, EvaluatedCall, Header, Hello, Message, Response, RunCall,
};
use pegboard_plugin::{Span, Value};

/// No case takes nearly as long. What waits longer has hung.
const PATIENCE: Duration = Duration::from_secs(60);

fn plugin(arguments: &[&str]) -> Command {
    let mut plugin = Command::new(env!("CARGO_BIN_EXE_nu_plugin_showcase"));
    plugin
        .args(arguments)
        .env_remove("PEGBOARD_INSTANCE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    plugin
}

fn run(id: u64, name: &str, input: Header) -> Message {
    let run = RunCall {
        name: name.to_owned(),
        call: EvaluatedCall {
            head: Span::UNKNOWN,
            ..EvaluatedCall::default()
        },
        input,
    };
    Message::Call(CallId(id), Call::Run(Box::new(run)))
}

/// Says everything at once, closes nothing, and reads only then: the bytes that the plugin wrote, what it printed, and
/// how it ended.
fn talk_as(version: &str, messages: &[Message]) -> (Vec<u8>, String, ExitStatus) {
    let mut child = plugin(&["--stdio"]).spawn().expect("the plugin starts");
    let hello = Message::Hello(Hello {
        protocol: "nu-plugin".to_owned(),
        version: version.to_owned(),
        features: Vec::new(),
    });
    let mut bytes = Vec::new();
    for message in [&[hello], messages].concat() {
        let (side, encoding) = (Sender::Engine, Encoding::MsgPack);
        codec::encode(&message, side, encoding, Dialect::NEWEST, &mut bytes)
            .expect("it can be said");
    }
    let mut stdin = child.stdin.take().expect("it is piped");
    // Held open: only the goodbye ends the plugin.
    stdin.write_all(&bytes).expect("the plugin reads");
    let said = all(child.stdout.take().expect("it is piped"));
    let printed = all(child.stderr.take().expect("it is piped"));
    let status = ended(child);
    drop(stdin);
    (said, String::from_utf8_lossy(&printed).into_owned(), status)
}

/// The same with what the plugin said as messages.
fn talk(messages: &[Message]) -> (Vec<Message>, String, ExitStatus) {
    let (said, printed, status) = talk_as("0.115.1", messages);
    let (encoding, used) = codec::parse_announcement(&said)
        .expect("a known encoding")
        .expect("a whole announcement");
    let mut decoder = Decoder::new(encoding, Sender::Plugin, Limits::default());
    decoder.set_dialect(Dialect::NEWEST);
    decoder.feed(&said[used..]);
    let mut messages = Vec::new();
    while let Some(frame) = decoder.next().expect("nothing but messages") {
        messages.push(frame.message);
    }
    (messages, printed, status)
}

fn all(mut from: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes).expect("it can be read");
    bytes
}

/// How a process ended; a test that waits for one that never does fails.
fn ended(mut child: Child) -> ExitStatus {
    let (sender, status) = std::sync::mpsc::sync_channel(1);
    let pid = child.id();
    std::thread::spawn(move || sender.send(child.wait()));
    let status = status.recv_timeout(PATIENCE);
    status
        .unwrap_or_else(|_| panic!("process {pid} goes on"))
        .expect("it can be waited for")
}

#[test]
fn what_is_printed_goes_elsewhere() {
    let (messages, printed, status) = talk(&[
        run(0, "showcase print", Header::Empty),
        run(1, "showcase print", Header::Empty),
        Message::Goodbye,
    ]);
    assert!(status.success());
    assert_eq!(messages.len(), 3, "{messages:?}");
    for message in &messages[1..] {
        let Message::CallResponse(_, Response::Data(Header::Value(value, _))) = message else {
            panic!("{message:?}")
        };
        assert_eq!(*value, Value::int(1));
    }
    assert_eq!(
        printed.matches("printed by the plugin\n").count(),
        2,
        "{printed}"
    );
    assert_eq!(
        printed.matches("printed by its child\n").count(),
        2,
        "{printed}"
    );
}

#[test]
fn the_last_answer_is_whole() {
    // Far more than a pipe holds.
    let large = Value::string("x".repeat(5 << 20));
    let (messages, _, status) = talk(&[
        run(0, "showcase echo", Header::Value(large.clone(), None)),
        Message::Goodbye,
    ]);
    assert!(status.success());
    let expected = Message::CallResponse(CallId(0), Response::Data(Header::Value(large, None)));
    assert!(messages[1..] == [expected], "{} messages", messages.len());
}

/// Whether `bytes` are somewhere in it.
fn holds(said: &[u8], bytes: &[u8]) -> bool {
    said.windows(bytes.len()).any(|window| window == bytes)
}

#[test]
fn bytes_are_written_as_such_to_engines_that_are_known_to_read_them() {
    let echo = |value| run(0, "showcase echo", Header::Value(value, None));
    let value = Value::binary([0, 127, 128, 255]);
    let native = b"\xc4\x04\x00\x7f\x80\xff";
    let numbers = b"\x94\x00\x7f\xcc\x80\xcc\xff";
    for (version, is_native) in [("0.97.1", false), ("0.98.0", true), ("0.115.1", true)] {
        let (said, ..) = talk_as(version, &[echo(value.clone()), Message::Goodbye]);
        assert_eq!(holds(&said, native), is_native, "{version}: {said:x?}");
        assert_eq!(holds(&said, numbers), !is_native, "{version}: {said:x?}");
    }
}

#[test]
fn by_hand_it_explains_itself() {
    for arguments in [
        &[][..],
        &["--help"],
        &["-h"],
        &["--nonsense"],
        &["--stdio", "more"],
    ] {
        let output = plugin(arguments).output().expect("the plugin starts");
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        let is_help = output.status.success();
        assert_eq!(
            is_help,
            !arguments.contains(&"--nonsense") && arguments.len() < 2,
            "{arguments:?}"
        );
        if is_help {
            assert!(stdout.contains("showcase values  "), "{stdout}");
        } else {
            assert!(stderr.contains("`--help` explains it"), "{stderr}");
        }
    }
}

#[test]
fn by_hand_it_says_where_it_is_and_what_it_is() {
    let help = plugin(&["--help"]).output().expect("it starts").stdout;
    let help = String::from_utf8(help).expect("text");
    let advice = format!("plugin add {}", env!("CARGO_BIN_EXE_nu_plugin_showcase"));
    assert!(help.contains(&advice), "{help}");
    for flag in ["--version", "-V"] {
        let output = plugin(&[flag]).output().expect("it starts");
        assert!(output.status.success());
        let version = concat!("showcase ", env!("CARGO_PKG_VERSION"), "\n");
        assert_eq!(output.stdout, version.as_bytes());
    }
}

#[test]
fn an_engine_that_is_not_there_is_an_error() {
    let output = plugin(&["--local-socket", "/no/such/socket"])
        .output()
        .expect("the plugin starts");
    assert!(!output.status.success());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("showcase: the engine cannot be reached"),
        "{stderr}"
    );

    let output = plugin(&["--stdio"])
        .stdin(Stdio::null())
        .output()
        .expect("the plugin starts");
    assert!(!output.status.success());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("did not begin"), "{stderr}");
}
