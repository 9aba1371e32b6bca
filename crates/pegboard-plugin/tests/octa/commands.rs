//! Nushell's commands, run for Octa.

use std::collections::BTreeMap;

use pegboard_plugin::octa::{ExitStatus, Key};
use pegboard_plugin::protocol::octa::{Execute, Features, HostEvent, Outcome};
use pegboard_plugin::{Command, LabeledError, Output, Plugin, SyntaxShape, Type, Value};
use serde_json::json;

use super::host::{PATIENCE, serve, serve_with, text};

fn plugin() -> Plugin {
    Plugin::new("greet", "1.0.0")
        .command(
            Command::new("greet", "Greets its input")
                .types(Type::String, Type::String)
                .switch("loud", 'l', "In capitals")
                .run(|call| {
                    let greeting = format!("Hello, {}!", call.input().into_text()?);
                    Ok(match call.has("loud") {
                        true => greeting.to_uppercase(),
                        false => greeting,
                    })
                }),
        )
        .command(
            Command::new("greet many", "Greets many")
                .rest("names", SyntaxShape::String, "Who")
                .run(|call| {
                    let names = call.rest::<String>()?;
                    Ok(Output::list(names.into_iter().map(Value::string)))
                }),
        )
        .command(
            Command::new("greet about", "Tells things")
                .required("what", SyntaxShape::String, "What")
                .run(|call| {
                    let engine = call.engine();
                    let value: Value = match call.need::<String>("what")?.as_str() {
                        "dir" => Value::string(engine.current_dir()?.to_string_lossy()),
                        "env" => engine.env("NAME")?.unwrap_or(Value::string("nobody")),
                        "envs" => {
                            Value::bool(engine.envs()?.iter().any(|(name, _)| name == "NAME"))
                        }
                        "record" => Value::record([("a", Value::int(1))]),
                        "bytes" => Value::binary(*b"\xff\n"),
                        "config" => {
                            engine.config()?;
                            Value::nothing()
                        }
                        "three" => return Err(ExitStatus::from(3).into()),
                        "seven" => {
                            let error = LabeledError::new("no");
                            let error = error.with_code("octa::exit_status::7");
                            return Err(error.with_label("so late", call.head()));
                        }
                        "panic" => panic!("oh no"),
                        other => return Err(LabeledError::new(format!("{other}?"))),
                    };
                    Ok(value)
                }),
        )
        .command(Command::new("greet ever", "Never ends").run(|_| {
            Ok(Output::list(std::iter::repeat_with(|| {
                Value::string("again")
            })))
        }))
}

fn check(execute: Execute, stdout: &str, outcome: Outcome) {
    let mut served = serve(plugin());
    let what = format!("{:?}", execute.text);
    let ran = served.run(execute);
    assert_eq!(
        (ran.stdout.as_str(), ran.outcome),
        (stdout, outcome),
        "{what}"
    );
}

fn fails(execute: Execute, message: &str) {
    let what = format!("{:?}", execute.text);
    match serve(plugin()).run(execute).outcome {
        Outcome::Error(error) => assert!(error.contains(message), "{what}: {error}"),
        other => panic!("{what}: {other:?}"),
    }
}

#[test]
fn a_text_is_a_pipeline_or_the_arguments() {
    let done = Outcome::Exit(0);
    check(text("'you' | greet"), "Hello, you!\n", done.clone());
    check(text("'you' | greet --loud"), "HELLO, YOU!\n", done.clone());
    check(text("greet many a 'b c'"), "a\nb c\n", done.clone());
    let mut served = serve(plugin().octa(Key::new("many", "Greets").command("greet many")));
    assert_eq!(served.run(text("a 'b c'")).stdout, "a\nb c\n");
    let ran = served.run(Execute {
        args: vec!["--".to_owned(), "it's".to_owned()],
        ..text("")
    });
    assert_eq!(ran.stdout, "it's\n");
    fails(text("--quiet"), "--quiet");
    fails(text("'you' | greet | nothing"), "nothing");
}

#[test]
fn input_of_the_host_is_the_commands() {
    let mut served = serve_with(plugin(), Features::ALL);
    let (id, output) = served.begin(Execute {
        input: true,
        ..text("--loud")
    });
    served.host.input(id, b"you", None).expect("it runs");
    served.host.session(|session| session.end_input(id));
    assert_eq!(served.follow(id, output).stdout, "HELLO, YOU!\n");
}

#[test]
fn a_command_asks_what_the_execution_knows() {
    let envs = || BTreeMap::from([("NAME".to_owned(), "me".to_owned())]);
    let about = |what: &str| Execute {
        envs: envs(),
        ..text(&format!("greet about {what}"))
    };
    let done = Outcome::Exit(0);
    check(about("dir"), "/tmp\n", done.clone());
    check(about("env"), "me\n", done.clone());
    check(about("envs"), "true\n", done.clone());
    check(about("record"), "{\"a\":1}\n", done.clone());
    check(about("bytes"), "\u{fffd}\n", done);
    check(about("three"), "", Outcome::Exit(3));
    fails(about("config"), "Octa has no GetConfig");
    fails(about("panic"), "the plugin's code panicked: oh no\nhelp: ");
    fails(about("what"), "what?");
    fails(text("greet many {|x| greet }"), "closure");
}

#[test]
fn an_error_that_stands_for_an_exit_status_is_said_before() {
    let mut served = serve(plugin());
    for (what, stderr, code) in [("three", "", 3), ("seven", "no: so late\n", 7)] {
        let ran = served.run(text(&format!("greet about {what}")));
        assert_eq!(
            (ran.stderr.as_str(), ran.outcome),
            (stderr, Outcome::Exit(code))
        );
    }
}

#[test]
fn a_single_record_is_a_result_with_a_structure() {
    let mut served = serve_with(plugin(), Features::ALL);
    assert_eq!(served.run(text("greet about record")).stdout, "{\"a\":1}\n");
    let event = served.await_event(|event| matches!(event, HostEvent::Result { .. }));
    assert!(matches!(event, HostEvent::Result { value, .. } if value == json!({"a": 1})));
}

#[test]
fn a_dry_run_only_reads_the_text() {
    let dry = |line: &str| Execute {
        dry: true,
        ..text(line)
    };
    check(dry("greet about three"), "", Outcome::Exit(0));
    let ran = serve(plugin()).run(dry("'you' | greet | greet many a"));
    let said = (ran.stderr.as_str(), ran.outcome);
    assert_eq!(
        said,
        ("would run `greet` | `greet many`\n", Outcome::Exit(0))
    );
    fails(dry("greet about"), "what");
}

#[test]
fn an_endless_command_is_cancelled_alone() {
    use pegboard_plugin::protocol::nu::StreamItem;
    let mut served = serve_with(plugin(), Features::ALL);
    let (endless, mut output) = served.begin(text("greet ever"));
    let deadline = std::time::Instant::now() + PATIENCE;
    let first = output.next_item(Some(deadline)).expect("there is more");
    assert!(matches!(first, Ok(StreamItem::Raw(_))));
    served
        .host
        .session(|session| session.cancel(endless))
        .expect("it is agreed on");
    let ran = served.run(text("'you' | greet"));
    assert_eq!(ran.stdout, "Hello, you!\n");
    let ran = served.follow(endless, output);
    let message = "the execution was cancelled".to_owned();
    assert_eq!(ran.outcome, Outcome::Error(message));
}

#[test]
fn without_a_key_the_command_of_the_plugins_name_is_served() {
    let served = serve(plugin());
    assert_eq!(served.host.ask(|session| session.key().to_owned()), "greet");
    let none = Plugin::new("other", "1.0.0")
        .command(Command::new("a", "A").run(|_| Ok(1i64)))
        .command(Command::new("b", "B").run(|_| Ok(1i64)));
    let (_, link) = pegboard_transport::Link::memory();
    let error = none.serve_octa_on(link).expect_err("it has no key");
    assert!(error.msg.contains("it has no key for Octa"), "{error}");
}
