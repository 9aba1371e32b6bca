//! Octa's shell plugin, as its official SDK of either generation speaks: run, side by side, cancelled, stopped.

#![cfg(unix)]

mod common;

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pegboard_host::protocol::nu::{ByteStreamKind, SyntaxShape};
use pegboard_host::{
    CancelToken, Config, Error, ErrorKind, Flow, Plugin, Protocol, Record, Recorder, Run, State,
    Stderr, TaskResult, Value,
};
use pegboard_testkit::peers::peer;
use pegboard_testkit::tree::wait_until;

use common::{PATIENCE, Rig, impatient, set};

const GENERATIONS: [&str; 2] = ["0.2.0", "0.2.1"];

/// The plugin in an engine of its own.
struct Shell {
    plugin: Plugin,
    rig: Rig,
}

impl Shell {
    fn new(generation: &str) -> Shell {
        Shell::with(generation, |_| {})
    }

    fn with(generation: &str, change: impl FnOnce(&mut Config)) -> Shell {
        let rig = Rig::with(|config| {
            set(config, "OCTA_REPLICA", generation);
            change(config);
        });
        let plugin = rig.load("octa_plugin_shell.py");
        Shell { plugin, rig }
    }

    fn run(&self, text: &str) -> Run {
        self.plugin.run("shell").argument(text)
    }

    fn text(&self, text: &str) -> String {
        text_of(self.run(text)).unwrap_or_else(|error| panic!("{text}: {error}\n{error:?}"))
    }

    /// Starts a run that says a word and then goes on until it is ended.
    fn endless(&self) -> pegboard_host::ByteStream {
        let mut stream = common::bytes(self.run("echo on; exec sleep 1000"));
        assert_eq!(stream.next().unwrap().unwrap(), b"on\n");
        stream
    }

    fn sleepers(&self) -> usize {
        let processes = self.rig.processes().into_iter();
        let name =
            |pid: &u32| std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        processes.filter(|pid| name(pid) == "sleep\n").count()
    }
}

fn text_of(run: Run) -> Result<String, Error> {
    run.call().and_then(Flow::into_text)
}

fn both(check: impl Fn(&Shell)) {
    for generation in GENERATIONS {
        println!("generation: {generation}");
        check(&Shell::new(generation));
    }
}

#[test]
fn a_plugin_is_known_by_its_file_and_has_its_key_for_a_command() {
    both(|shell| {
        assert_eq!(shell.plugin.name(), "shell");
        assert_eq!(shell.plugin.protocol(), Protocol::Octa);
        let signatures = shell.plugin.signatures().unwrap();
        let [signature] = &signatures[..] else {
            panic!("{signatures:?}");
        };
        assert_eq!(signature.sig.name, "shell");
        assert_eq!(signature.sig.required_positional[0].name, "text");
        let flags: Vec<_> = signature.sig.named.iter().map(|flag| &flag.long).collect();
        assert_eq!(flags, ["dir", "env", "var", "dry"]);
        assert_eq!(signature.sig.named[0].arg, Some(SyntaxShape::Directory));
        assert_eq!(shell.plugin.metadata().unwrap().version, None);
        let status = shell.plugin.status();
        assert_eq!(status.encoding, Some("json"));
        assert!(status.protocol_version.unwrap().starts_with("0.2."));
    });
}

#[test]
fn output_comes_as_it_is_written_and_is_whole() {
    both(|shell| {
        assert_eq!(shell.text("echo one; echo two"), "one\ntwo\n");
        assert_eq!(shell.text("true"), "");
        // Several lines, quotes and what looks like escapes arrive as they are.
        assert_eq!(
            shell.text("echo 'a \"b\"'\nprintf '%s' '\\n'"),
            "a \"b\"\n\\n\n"
        );
        let long = "x".repeat(200_000);
        assert_eq!(
            shell
                .text("head -c 200000 /dev/zero | tr '\\0' x")
                .trim_end(),
            long
        );
        let mut stream = common::bytes(shell.run("echo first; exec sleep 1000"));
        assert_eq!(stream.kind, ByteStreamKind::Unknown);
        assert_eq!(stream.next().unwrap().unwrap(), b"first\n");
    });
}

#[test]
fn an_exit_code_is_an_error_with_the_code_behind_the_output() {
    both(|shell| {
        let mut stream = common::bytes(shell.run("echo before; exit 7"));
        assert_eq!(stream.next().unwrap().unwrap(), b"before\n");
        let error = stream.next().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Plugin, "{error:?}");
        assert_eq!(error.exit_code(), Some(7));
        assert_eq!(error.to_string(), "`shell` ended with exit code 7");
        assert!(stream.next().is_none());
        let error = text_of(shell.run("kill -9 $$$$")).unwrap_err();
        assert_eq!(error.exit_code(), Some(-1));
    });
}

#[test]
fn what_the_plugin_refuses_is_its_word() {
    both(|shell| {
        let error = text_of(shell.run("echo {{ NOBODY }}")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Plugin);
        assert!(error.to_string().contains("NOBODY"), "{error}");
        assert_eq!(error.exit_code(), None);
        assert_eq!(shell.plugin.status().starts, 1);
    });
}

#[test]
fn standard_error_is_forwarded_before_the_end_is_told() {
    for generation in GENERATIONS {
        let said = Arc::<Mutex<Vec<u8>>>::default();
        let forward = said.clone();
        let shell = Shell::with(generation, |config| {
            config.stderr = Stderr::Forward(Arc::new(move |name, bytes| {
                assert_eq!(name, "shell");
                forward.lock().unwrap().extend_from_slice(bytes);
            }));
        });
        for i in 0..20 {
            said.lock().unwrap().clear();
            let text = shell.text(&format!("echo out; echo err {i} >&2"));
            assert_eq!(text, "out\n");
            let said = said.lock().unwrap();
            assert_eq!(String::from_utf8_lossy(&said), format!("err {i}\n"));
        }
    }
}

#[test]
fn directory_environment_variables_and_pretending() {
    both(|shell| {
        let here = shell.rig.scratch.path().canonicalize().unwrap();
        assert_eq!(shell.text("pwd").trim_end(), here.to_str().unwrap());
        let there = here.join("there");
        std::fs::create_dir(&there).unwrap();
        let run = shell.run("pwd").flag("dir", "there");
        assert_eq!(text_of(run).unwrap().trim_end(), there.to_str().unwrap());
        let run = shell
            .run("echo $A-$B {{ V }}{{ W }}")
            .flag("env", "A=1")
            .flag("env", "B=x=y")
            .flag("var", "V=42")
            .flag("var", r#"W="text""#);
        assert_eq!(text_of(run).unwrap(), "1-x=y 42text\n");
        let record = Record::from_iter([("V".to_owned(), Value::int(3))]);
        let run = shell
            .run("echo $A {{ V }}")
            .flag("env", vec![Value::string("A=list")])
            .flag("var", Value::record(record));
        assert_eq!(text_of(run).unwrap(), "list 3\n");
        let witness = here.join("witness");
        let run = shell
            .run(&format!("touch {}", witness.display()))
            .switch("dry");
        assert_eq!(text_of(run).unwrap(), "");
        assert!(!witness.exists());
    });
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_runs() {
    let shell = Shell::new("0.2.1");
    std::fs::write(shell.rig.scratch.path().join("file"), "").unwrap();
    let field = |name: &str| Record::from_iter([(name.to_owned(), Value::string("1"))]);
    for (run, message) in [
        (
            shell.run("x").flag("dir", "nowhere"),
            "there is no directory",
        ),
        (
            shell.run("x").flag("dir", "file"),
            "file is not a directory",
        ),
        (shell.run("x").flag("dir", ""), "has no name"),
        (shell.run("x").flag("env", "=1"), "needs a name and a value"),
        (
            shell.run("x").flag("env", r#"["A=1"]"#),
            r#"`["A` is no name of a variable"#,
        ),
        (
            shell.run("x").flag("var", r#"{"A": "b=1"}"#),
            r#"`{"A": "b` is no name of a variable"#,
        ),
        (
            shell.run("x").flag("env", Value::record(field("A=B"))),
            "`A=B` is no name",
        ),
        (
            shell.run("x").flag("env", "A=1\u{0}"),
            "cannot have a zero byte",
        ),
        (
            shell.run("x").flag("env", "novalue"),
            "needs a name and a value",
        ),
        (shell.run("x").flag("var", "V=nojson"), "has to be JSON"),
        (shell.run("x").flag("what", "1"), "no flag `--what`"),
        (shell.plugin.run("shell"), "needs the text"),
        (
            shell.plugin.run("other").argument("x"),
            "no command `other`",
        ),
        (
            shell.plugin.run("shell").argument(Value::nothing()),
            "expected a text",
        ),
    ] {
        let checked = run.check();
        let error = text_of(run).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misuse, "{error}");
        assert!(error.to_string().contains(message), "{error}");
        // Which commands it has is not known before it was asked.
        match checked {
            Err(checked) => assert_eq!(checked.to_string(), error.to_string()),
            Ok(()) => assert!(message.contains("other"), "{message}"),
        }
    }
    assert!(shell.run("x").flag("dir", "/").check().is_ok());
    let error = text_of(shell.run("cat").input("text")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("input"), "{error}");
}

#[test]
fn nothing_but_what_the_caller_names_is_sent() {
    let shell = Shell::with("0.2.1", |config| set(config, "SECRET_TOKEN", "hunter2"));
    let error = text_of(shell.run("{{ SECRET_TOKEN }}")).unwrap_err();
    // The plugin knows no such variable.
    assert!(error.to_string().contains("not found"), "{error}");
}

#[test]
fn several_runs_go_side_by_side() {
    both(|shell| {
        let fifo = shell.rig.scratch.path().join("go");
        let status = std::process::Command::new("mkfifo").arg(&fifo).status();
        assert!(status.unwrap().success());
        // All of them wait for one another, so they have to run at once.
        let shell = &shell;
        std::thread::scope(|scope| {
            let reader = scope.spawn(move || shell.text("cat go"));
            assert_eq!(shell.text("echo met > go"), "");
            assert_eq!(reader.join().unwrap(), "met\n");
        });
    });
}

#[test]
fn many_callers_get_what_is_theirs() {
    let shell = Shell::new("0.2.0");
    let shell = &shell;
    std::thread::scope(|scope| {
        for caller in 0..8 {
            scope.spawn(move || {
                for i in 0..10 {
                    let said = format!("{caller} {i}\n");
                    assert_eq!(shell.text(&format!("echo {caller} {i}")), said);
                }
            });
        }
    });
    let status = shell.plugin.status();
    assert_eq!((status.starts, status.active_calls), (1, 0));
}

/// A plugin that cannot end one execution goes on with it as long as others run, and is stopped then.
#[test]
fn giving_up_harms_no_sibling() {
    both(|shell| {
        let given_up = shell.endless();
        let sibling = shell.endless();
        assert_eq!(shell.sleepers(), 2);
        drop(given_up);
        assert_eq!(shell.sleepers(), 2, "the sibling was harmed");
        assert_eq!(shell.text("echo alive"), "alive\n");
        drop(sibling);
        assert!(wait_until(PATIENCE, || shell.sleepers() == 0));
        assert!(wait_until(PATIENCE, || shell.plugin.status().state == State::Stopped));
        // The next run has a new one.
        assert_eq!(shell.text("echo again"), "again\n");
        assert_eq!(shell.plugin.status().starts, 2);
    });
}

/// Of what Octa's own plugins do not have, they see a name in Hello and nothing more.
#[test]
fn a_plugin_without_results_sees_nothing_of_them() {
    for generation in GENERATIONS {
        let trace = Arc::<Mutex<Vec<u8>>>::default();
        let shell = Shell::with(generation, |config| {
            config.recorder = Some(Recorder::new(Written(trace.clone())));
        });
        let result = TaskResult::new();
        let run = shell.run("echo hi").result(&result);
        assert_eq!(text_of(run).unwrap(), "hi\n");
        assert_eq!(result.value(), None);
        assert!(shell.plugin.status().features.is_empty());
        drop(shell);
        let trace = String::from_utf8(trace.lock().unwrap().clone()).unwrap();
        let mentions = trace
            .lines()
            .filter(|line| line.to_lowercase().contains("result"));
        let mentions: Vec<_> = mentions.collect();
        assert_eq!(mentions.len(), 1, "{mentions:?}");
        assert!(mentions[0].contains("\"Hello\""), "{mentions:?}");
    }
}

#[test]
fn a_trace_tells_what_became_of_what_was_given_up() {
    let trace = Arc::<Mutex<Vec<u8>>>::default();
    let shell = Shell::with("0.2.1", |config| {
        config.recorder = Some(Recorder::new(Written(trace.clone())));
    });
    let (given_up, sibling) = (shell.endless(), shell.endless());
    let told = |text: &str| {
        let trace = trace.lock().unwrap();
        String::from_utf8_lossy(&trace).contains(text)
    };
    drop(given_up);
    assert!(told("goes on with what was given up"));
    assert!(!told(r#""note":"stopped""#));
    drop(sibling);
    assert!(told(r#""note":"stopped""#));
}

struct Written(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_cancelled_call_comes_back_at_once_and_its_command_ends() {
    both(|shell| {
        let token = CancelToken::new();
        let stream = common::bytes(shell.run("echo on; exec sleep 1000").cancel(&token));
        let reading = std::thread::spawn(move || stream.collect::<Result<Vec<_>, _>>());
        assert!(wait_until(PATIENCE, || shell.sleepers() == 1));
        token.cancel();
        let error = reading.join().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled, "{error:?}");
        assert!(wait_until(PATIENCE, || shell.sleepers() == 0));
    });
}

#[test]
fn an_interrupt_ends_what_runs() {
    both(|shell| {
        let mut stream = shell.endless();
        shell.rig.engine.interrupt();
        let error = stream.find_map(Result::err).expect("no good end");
        assert!(wait_until(PATIENCE, || shell.sleepers() == 0));
        assert!(
            error.exit_code() == Some(-1) || error.kind() == ErrorKind::Gone,
            "{error:?}"
        );
    });
}

#[test]
fn a_deadline_is_for_the_first_output_and_not_for_the_rest() {
    both(|shell| {
        shell.plugin.start().unwrap();
        let deadline = Duration::from_secs(2);
        let run = shell.run("echo a; sleep 2.2; echo b").deadline(deadline);
        assert_eq!(text_of(run).unwrap(), "a\nb\n");
        let run = shell
            .run("exec sleep 1000")
            .deadline(Duration::from_millis(100));
        let error = run.call().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut, "{error:?}");
        assert!(wait_until(PATIENCE, || shell.sleepers() == 0));
    });
}

#[test]
fn an_idle_plugin_is_stopped_and_leaves_nothing() {
    let shell = Shell::with("0.2.1", |config| {
        config.idle = Some(Duration::from_millis(20))
    });
    assert_eq!(shell.text("echo hi"), "hi\n");
    assert!(wait_until(PATIENCE, || shell.plugin.status().state == State::Stopped));
    assert!(wait_until(PATIENCE, || shell.rig.processes().is_empty()));
    let sockets = || {
        let engines = std::fs::read_dir(shell.rig.scratch.path())
            .unwrap()
            .flatten();
        let inside = engines.filter_map(|entry| std::fs::read_dir(entry.path()).ok());
        // Beside them is the file that says that the engine lives.
        let inside = inside.flatten().flatten();
        inside.filter(|entry| entry.path().is_dir()).count()
    };
    assert!(wait_until(PATIENCE, || sockets() == 0));
    assert_eq!(shell.text("echo again"), "again\n");
}

#[test]
fn stopping_ends_commands_that_ignore_it() {
    let shell = Shell::with("0.2.1", impatient);
    let mut stream = common::bytes(
        shell.run("trap '' TERM INT; (trap '' TERM INT; echo on; while :; do sleep 1000; done)"),
    );
    assert_eq!(stream.next().unwrap().unwrap(), b"on\n");
    shell.plugin.stop();
    assert!(wait_until(PATIENCE, || shell.rig.processes().is_empty()));
    let error = stream.find_map(Result::err).expect("no good end");
    assert_ne!(error.kind(), ErrorKind::Misuse, "{error:?}");
}

/// A plugin that is ready is of use while another one still starts.
#[test]
fn plugins_start_side_by_side() {
    let rig = Rig::with(|config| set(config, "OCTA_REPLICA", "0.2.1"));
    let source = std::fs::read(peer("octa_plugin_shell.py")).unwrap();
    let late = rig.scratch.path().join("octa_plugin_late.py");
    let gate = rig.scratch.path().join("gate");
    let waits =
        format!("import os, time\nwhile not os.path.exists({gate:?}): time.sleep(0.001)\n",);
    std::fs::write(&late, [waits.as_bytes(), &source].concat()).unwrap();
    let late = rig.engine.load(&late).unwrap();
    let early = rig.load("octa_plugin_shell.py");
    let (sender, ended): (_, Receiver<Result<String, Error>>) = channel();
    let plugin = late.clone();
    let waiting =
        std::thread::spawn(move || sender.send(text_of(plugin.run("shell").argument("echo late"))));
    assert!(wait_until(PATIENCE, || late.status().state == State::Starting));
    let run = early.run("shell").argument("echo early");
    assert_eq!(text_of(run).unwrap(), "early\n");
    assert_eq!(late.status().state, State::Starting);
    std::fs::write(&gate, "").unwrap();
    assert_eq!(ended.recv_timeout(PATIENCE).unwrap().unwrap(), "late\n");
    waiting.join().unwrap().unwrap();
}
