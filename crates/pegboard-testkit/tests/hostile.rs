//! The hostile plugin does what its modes say, and nothing else.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::time::Duration;

use pegboard_testkit::hostile::{MODES, Mode, octa};
use pegboard_testkit::{peers, tree};
use serde_json::{Value, json};

const HELLO: &str = r#"{"Hello":{"protocol":"nu-plugin","version":"0.115.1","features":[]}}"#;
const LONG: Duration = Duration::from_secs(20);

fn start(env: &[(&str, &str)]) -> Child {
    Command::new(peers::hostile())
        .arg("--stdio")
        .env("HOSTILE_LIFETIME_MS", "30000")
        .envs(env.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn say(stdin: &mut ChildStdin, lines: &[&str]) {
    for line in lines {
        // A plugin that has gone does not listen, which its exit code will say.
        let _ = writeln!(stdin, "{line}");
    }
}

/// Runs the plugin with these messages as its whole input.
fn talk(env: &[(&str, &str)], lines: &[&str]) -> Output {
    let mut child = start(env);
    let mut stdin = child.stdin.take().unwrap();
    say(&mut stdin, lines);
    drop(stdin);
    child.wait_with_output().unwrap()
}

fn run(input: &str) -> String {
    format!(
        r#"{{"Call":[7,{{"Run":{{"name":"hostile","call":{{"head":{{"start":0,"end":0}},"positional":[],"named":[]}},"input":{input}}}}}]}}"#
    )
}

/// The messages behind the encoding and Hello.
fn messages(output: &Output) -> Vec<Value> {
    let rest = output.stdout.strip_prefix(b"\x04json").unwrap();
    let all = serde_json::Deserializer::from_slice(rest).into_iter::<Value>();
    let all: Vec<Value> = all.map(Result::unwrap).collect();
    assert_eq!(all[0]["Hello"]["protocol"], "nu-plugin");
    all[1..].to_vec()
}

/// What `Run` without input is answered with, and whatever else is said.
fn said_on_run(mode: Mode) -> Vec<Value> {
    let output = talk(&[("HOSTILE", mode.name())], &[HELLO, &run("\"Empty\"")]);
    messages(&output)
}

fn value(value: Value) -> Value {
    json!({"CallResponse": [7, {"PipelineData": {"Value": [value, null]}}]})
}

fn plain() -> Value {
    value(json!({"String": {"val": "hostile", "span": {"start": 0, "end": 0}}}))
}

fn int(number: u64) -> Value {
    json!({"Int": {"val": number, "span": {"start": 0, "end": 0}}})
}

#[test]
fn the_list_has_every_mode_once() {
    let output = Command::new(peers::hostile())
        .arg("--list")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let (nushell, octa) = lines.split_at(MODES.len());
    for (line, mode) in nushell.iter().zip(MODES) {
        assert_eq!(*line, format!("{mode}: {}", mode.sentence()));
        assert_eq!(mode.name().parse(), Ok(*mode), "names are unique");
    }
    assert_eq!(octa.len(), octa::MODES.len());
    for (line, mode) in octa.iter().zip(octa::MODES) {
        assert_eq!(*line, format!("octa {mode}: {}", mode.sentence()));
        assert_eq!(mode.name().parse(), Ok(*mode), "names are unique");
    }
}

#[test]
fn without_a_mode_it_behaves() {
    let output = talk(
        &[],
        &[
            HELLO,
            r#"{"Call":[0,"Metadata"]}"#,
            r#"{"Call":[1,"Signature"]}"#,
            r#"{"Signal":"Reset"}"#,
            &run("\"Empty\""),
            &run(&format!(r#"{{"Value":[{},null]}}"#, int(5))),
            &run(r#"{"ListStream":{"id":3,"span":{"start":0,"end":0}}}"#),
            &format!(r#"{{"Data":[3,{{"List":{}}}]}}"#, int(1)),
            &format!(r#"{{"Data":[3,{{"List":{}}}]}}"#, int(2)),
            r#"{"End":3}"#,
            "\"Goodbye\"",
        ],
    );
    assert_eq!(output.status.code(), Some(0));
    let said = messages(&output);
    assert_eq!(said[0]["CallResponse"][1]["Metadata"]["version"], "1.0.0");
    let signature = &said[1]["CallResponse"][1]["Signature"][0]["sig"];
    assert_eq!(signature["name"], "hostile");
    assert_eq!(
        said[2..],
        [
            plain(),
            value(int(5)),
            json!({"Ack": 3}),
            json!({"Ack": 3}),
            json!({"Drop": 3}),
            value(int(2)),
        ]
    );
}

#[test]
fn messagepack_is_spoken_too() {
    let env = [("HOSTILE_ENCODING", "msgpack")];
    let mut child = start(&env);
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all(b"\x81\xa4Call\x92\x07\xa8Metadata\xa7Goodbye")
        .unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let answer = b"\x81\xacCallResponse\x92\x07\x81\xa8Metadata\x81\xa7version\xa51.0.0";
    assert!(output.stdout.starts_with(b"\x07msgpack\x81\xa5Hello\x83"));
    assert!(output.stdout.ends_with(answer), "{:?}", output.stdout);
}

#[test]
fn modes_that_exit_say_so() {
    for (mode, stdout) in [
        (Mode::ExitBeforeEncoding, ""),
        (Mode::ExitBeforeHello, "\x04json"),
    ] {
        let output = talk(&[("HOSTILE", mode.name())], &[HELLO]);
        assert_eq!(output.status.code(), Some(42), "{mode}");
        assert_eq!(output.stdout, stdout.as_bytes(), "{mode}");
        assert!(output.stderr.starts_with(b"hostile: exiting"), "{mode}");
    }
    for mode in [Mode::ExitAfterHello, Mode::CrashLoop, Mode::DiesOnRun] {
        let env = [("HOSTILE", mode.name()), ("HOSTILE_EXIT_CODE", "7")];
        let output = talk(&env, &[HELLO, &run("\"Empty\"")]);
        assert_eq!(output.status.code(), Some(7), "{mode}");
        assert_eq!(messages(&output), [] as [Value; 0], "{mode}");
    }
}

#[test]
fn modes_on_run_do_what_they_say() {
    let stream = json!({"ListStream": {"id": 0, "span": {"start": 0, "end": 0}, "metadata": null}});
    let header = json!({"CallResponse": [7, {"PipelineData": stream}]});
    let item = |n| json!({"Data": [0, {"List": int(n)}]});
    for (mode, expected) in [
        (Mode::LocalSocket, vec![plain()]),
        (Mode::NeverReplies, vec![]),
        (Mode::ResponseTwice, vec![plain(), plain()]),
        (Mode::SplitWrites, vec![plain()]),
        (Mode::EndWithoutStart, vec![json!({"End": 9999}), plain()]),
        (
            Mode::AckUnknown,
            vec![json!({"Ack": 9999}), json!({"Drop": 9999}), plain()],
        ),
        (
            Mode::DiesMidStream,
            vec![header.clone(), item(0), item(1), item(2)],
        ),
        (
            Mode::GluedWrites,
            vec![header, item(0), item(1), item(2), json!({"End": 0})],
        ),
    ] {
        assert_eq!(said_on_run(mode), expected, "{mode}");
    }
}

#[test]
fn deep_nesting_is_whole_and_deep() {
    let env = [("HOSTILE", "deep-nesting")];
    let output = talk(&env, &[HELLO, &run("\"Empty\"")]);
    let text = String::from_utf8(output.stdout).unwrap();
    let count = |part| text.matches(part).count();
    assert_eq!(count("{\"List\":{\"vals\":["), 100_000);
    assert_eq!(count("{"), count("}"));
    assert_eq!(count("["), count("]"));
}

#[test]
fn a_flood_ends_with_a_drop() {
    let mut child = start(&[("HOSTILE", "floods-stream")]);
    let mut stdin = child.stdin.take().unwrap();
    say(&mut stdin, &[HELLO, &run("\"Empty\"")]);
    let mut stdout = child.stdout.take().unwrap();
    let mut much = vec![0; 1 << 20];
    stdout.read_exact(&mut much).unwrap();
    say(&mut stdin, &[r#"{"Drop":0}"#]);
    let mut lines = BufReader::new(stdout).lines();
    assert!(lines.any(|line| line.unwrap() == "{\"End\":0}"));
    say(&mut stdin, &["\"Goodbye\""]);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn forks_are_found_by_their_environment() {
    let mark = std::process::id().to_string();
    let env = [
        ("HOSTILE", "forks,forks-holding-stdout,ignores-goodbye"),
        ("HOSTILE_TEST", mark.as_str()),
    ];
    let mut child = start(&env);
    let mine = || tree::processes_with_env("HOSTILE_TEST", &mark);
    assert!(tree::wait_until(LONG, || mine().len() == 4));
    let mut stdin = child.stdin.take().unwrap();
    say(&mut stdin, &[HELLO, "\"Goodbye\""]);
    drop(stdin);
    assert!(child.wait().unwrap().success());
    assert!(tree::wait_until(LONG, || mine().len() == 3));
    for pid in mine() {
        Command::new("kill").arg(pid.to_string()).status().unwrap();
    }
    assert!(tree::wait_until(LONG, || mine().is_empty()));
}

#[cfg(unix)]
#[test]
fn sigterm_can_be_ignored() {
    let mut child = start(&[("HOSTILE", "ignores-sigterm")]);
    let mut hello = [0; 5];
    let stdout = child.stdout.as_mut().unwrap();
    stdout.read_exact(&mut hello).unwrap();
    let pid = child.id().to_string();
    Command::new("kill").arg(&pid).status().unwrap();
    let output = {
        let mut stdin = child.stdin.take().unwrap();
        say(&mut stdin, &[HELLO, &run("\"Empty\"")]);
        drop(stdin);
        child.wait_with_output().unwrap()
    };
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(&plain().to_string()), "{text}");
}

#[cfg(unix)]
#[test]
fn local_sockets_are_connected_twice_in_order() {
    use std::os::unix::net::UnixListener;

    let path = std::env::temp_dir().join(format!("hostile-{}.sock", std::process::id()));
    let listener = UnixListener::bind(&path).unwrap();
    let spawn = |modes: &str| {
        Command::new(peers::hostile())
            .args(["--local-socket".as_ref(), path.as_os_str()])
            .env("HOSTILE", modes)
            .env("HOSTILE_LIFETIME_MS", "30000")
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    let mut child = spawn("local-socket");
    let (mut to_plugin, _) = listener.accept().unwrap();
    let (mut from_plugin, _) = listener.accept().unwrap();
    writeln!(to_plugin, "{HELLO}\n\"Goodbye\"").unwrap();
    let mut said = String::new();
    from_plugin.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("\x04json{\"Hello\":"), "{said}");
    assert!(
        said.contains(r#""features":[{"name":"LocalSocket"}]"#),
        "{said}"
    );
    assert_eq!(child.wait().unwrap().code(), Some(0));

    let mut child = spawn("local-socket-refuse");
    assert_eq!(child.wait().unwrap().code(), Some(1));
    std::fs::remove_file(path).unwrap();
}

#[test]
fn input_streams_are_treated_badly() {
    let stream = run(r#"{"ListStream":{"id":3,"span":{"start":0,"end":0}}}"#);
    let data = format!(r#"{{"Data":[3,{{"List":{}}}]}}"#, int(1));
    let ack = json!({"Ack": 3});
    let drop_it = json!({"Drop": 3});
    for (mode, lines, expected) in [
        (
            Mode::ExtraAcks,
            vec![&data, r#"{"End":3}"#],
            vec![
                ack.clone(),
                ack.clone(),
                ack,
                drop_it.clone(),
                value(int(1)),
            ],
        ),
        (
            Mode::NoAck,
            vec![&data, &data, r#"{"End":3}"#],
            vec![drop_it.clone(), value(int(2))],
        ),
        (
            Mode::DropInputEarly,
            vec![&data, &data, r#"{"End":3}"#],
            vec![drop_it, value(int(1))],
        ),
    ] {
        let lines = [vec![HELLO, &stream], lines].concat();
        // The pause of no-ack must not pass on a slow machine: the stream's end is what it waits for here.
        let env = [("HOSTILE", mode.name()), ("HOSTILE_PAUSE_MS", "10000")];
        let output = talk(&env, &lines);
        assert_eq!(messages(&output), expected, "{mode}");
    }
}

#[test]
fn stress_internals_exits_on_signals() {
    let env = [
        ("HOSTILE", "stress-internals-like"),
        ("STRESS_WRONG_VERSION", "1"),
    ];
    let output = talk(&env, &[HELLO, r#"{"Signal":"Reset"}"#]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("stress_internals: args: [\"--stdio\"]\n"));
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains(r#""version":"0.0.0""#), "{stdout}");
}
