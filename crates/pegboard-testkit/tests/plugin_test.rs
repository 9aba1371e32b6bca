//! Plugins, right and wrong, under the test of plugins.

use std::time::Duration;

use pegboard_plugin::{
    Command, CustomType, Input, LabeledError, Output, Plugin, Span, SyntaxShape, Value,
};
use pegboard_protocol::Spanned;
use pegboard_protocol::nu::{CustomValueOp, EvaluatedCall, PluginOption, Signal, Suggestion};
use pegboard_testkit::{Checked, Outcome, PluginTest};
use serde::{Deserialize, Serialize};

/// A custom value that shows itself as its number.
#[derive(Serialize, Deserialize)]
struct Box(i64);

impl CustomType for Box {
    const NAME: &'static str = "Box";

    fn to_base_value(&self, span: Span) -> Result<Value, LabeledError> {
        Ok(Value::Int(self.0, span))
    }

    fn compare(&self, other: &Value) -> Option<std::cmp::Ordering> {
        Some(self.0.cmp(&Box::from_handle(other).ok()?.0))
    }
}

fn handle(number: i64) -> Value {
    Box(number).into_handle(Span::UNKNOWN).expect("a handle")
}

fn echo(name: &str) -> Command {
    Command::new(name, "Gives its input").run(|call| Ok(call.input()))
}

fn boxed() -> Command {
    Command::new("box", "Puts a number in a box")
        .required("number", SyntaxShape::Int, "The number")
        .run(|call| Box(call.need("number")?).into_handle(call.head()))
}

/// What becomes of an example of `echo` in a plugin that also has `box`.
fn example(line: &str, result: Option<Value>) -> Checked {
    let (mut echo, mut boxed) = (echo("echo"), boxed());
    if line.contains("echo") {
        echo = echo.example(line, "Described", result);
    } else {
        boxed = boxed.example(line, "Described", result);
    }
    let plugin = Plugin::new("test", "1")
        .command(echo)
        .command(boxed)
        .custom::<Box>();
    let test = PluginTest::new(plugin)
        .command("fail", |_, _| {
            Err(LabeledError::new("it failed").with_help("do better"))
        })
        .command("args", |_, call| Ok(Value::list(call.positional).into()));
    test.examples().remove(0)
}

#[test]
fn examples_and_what_becomes_of_them() {
    let record = || Value::record([("b", Value::int(2)), ("a", Value::int(1))]);
    for (line, result, expected) in [
        ("5 | echo", Some(Value::int(5)), "passed"),
        ("'a' | echo | echo", Some(Value::string("a")), "passed"),
        ("{a: 1, b: 2} | echo", Some(record()), "passed"),
        ("box 5", Some(handle(5)), "passed"),
        ("box 5", Some(Value::int(5)), "passed"),
        (
            "box 1 | args x 1 [2] --flag",
            Some(Value::list([
                Value::string("x"),
                Value::int(1),
                Value::from([2]),
                Value::string("--flag"),
            ])),
            "passed",
        ),
        (
            "[1 2] | echo",
            Some(Value::from([1, 3])),
            "differs: at 1: 3 is expected, not 2",
        ),
        (
            "[1 2] | echo",
            Some(Value::from([1])),
            "differs: 1 items are expected, not 2",
        ),
        (
            "[{x: [1]}] | echo",
            Some(Value::list([Value::record([("x", Value::from(["1"]))])])),
            "differs: at 0.x.0: \"1\" (string) is expected, not 1 (int)",
        ),
        (
            "{a: 1} | echo",
            Some(record()),
            "differs: the field `b` is missing",
        ),
        (
            "{a: 1, b: 2, c: 3} | echo",
            Some(record()),
            "differs: the field `c` is not expected",
        ),
        (
            "1.0 | echo",
            Some(Value::int(1)),
            "differs: 1 (int) is expected, not 1.0 (float)",
        ),
        (
            "[(box 5)]",
            Some(Value::int(5)),
            "unchecked: a subexpression can be used only in Nushell's own language",
        ),
        ("box 6", Some(handle(5)), "differs: 5 is expected, not 6"),
        ("box 6", None, "unchecked: it says no result"),
        (
            "open x | echo",
            Some(Value::int(5)),
            "unchecked: there is no command `open`",
        ),
        (
            "echo $x",
            None,
            "unchecked: a variable can be used only in Nushell's own language",
        ),
        ("echo 5", None, "failed: `echo` takes no arguments"),
        ("box", None, "failed: `box` lacks the argument `number`"),
        (
            "box 5 --large",
            Some(handle(5)),
            "failed: `box` has no flag `--large`",
        ),
        (
            "'a | echo",
            Some(Value::string("a")),
            "failed: a text is not closed",
        ),
        ("fail | echo", Some(Value::int(5)), "failed: it failed"),
    ] {
        let checked = example(line, result);
        let outcome = match &checked.outcome {
            Outcome::Passed => "passed".to_owned(),
            Outcome::Differs { difference, .. } => format!("differs: {difference}"),
            Outcome::Failed(error) => format!("failed: {}", error.msg),
            Outcome::Unchecked(why) => format!("unchecked: {why}"),
        };
        assert_eq!(outcome, expected, "{line}");
        assert!(line.contains(&checked.command));
        let fine = expected == "passed" || expected.starts_with("unchecked");
        assert_eq!(checked.is_fine(), fine, "{line}");
    }
}

#[test]
#[should_panic(expected = "2 of 3 examples do not do what they say

echo: Wrong
  > 5 | echo
  expected: 6
  got:      5
            6 is expected, not 5

echo: Broken
  > 5 | echo --all
  error:    `echo` has no flag `--all`
            unknown flag
  help:     write `--` before arguments that start with a dash
            usage: echo [flags]
")]
fn the_report_of_wrong_examples() {
    let command = echo("echo")
        .example("5 | echo", "Right", Value::int(5))
        .example("5 | echo", "Wrong", Value::int(6))
        .example("5 | echo --all", "Broken", Value::int(5));
    PluginTest::new(Plugin::new("test", "1").command(command)).check();
}

#[test]
#[should_panic(expected = "the command `idle` does nothing: it has no `run`

2 of 2 examples do not do what they say

echo: Mistyped
  > 5 | ecoh
  error:    the example does not use `echo`
  help:     is a name in it mistyped?

two words: Of another name
  > 5 | two word
  error:    the example does not use `two words`
")]
fn mistakes_and_mistyped_names() {
    let plugin = Plugin::new("test", "1")
        .command(echo("echo").example("5 | ecoh", "Mistyped", Value::int(5)))
        .command(echo("two words").example("5 | two word", "Of another name", Value::int(5)))
        .command(Command::new("idle", "Has no code"));
    PluginTest::new(plugin).check();
}

#[test]
#[should_panic(expected = "0 of 2 examples could be checked

echo
  > 5 | str trim | echo
  there is no command `str`

echo
  > echo
  it says no result
")]
fn that_nothing_could_be_checked_is_told() {
    let command = echo("echo")
        .example(
            "5 | str trim | echo",
            "Uses what is not there",
            Value::int(5),
        )
        .example("echo", "Says nothing", None);
    PluginTest::new(Plugin::new("test", "1").command(command)).check();
}

#[test]
fn paths_reach_the_plugin_as_that_version_of_nushell_hands_them_over() -> Result<(), LabeledError> {
    fn plugin() -> Plugin {
        let command = Command::new("path", "Gives a path as it came, and as it is meant")
            .required("file", SyntaxShape::Filepath, "A file")
            .run(|call| {
                let meant = call.path("file")?.display().to_string();
                Ok([call.need::<String>("file")?, meant])
            });
        Plugin::new("test", "1").command(command)
    }
    for (version, typed) in [
        ("0.98.0", "/here/lib"),
        ("0.105.1", "/here/lib"),
        ("0.106.0", "lib"),
        ("0.115.1", "lib"),
    ] {
        let test = PluginTest::new(plugin()).version(version);
        let test = test.directory("/here");
        let expected = Value::from([typed, "/here/lib"]);
        assert_eq!(test.line("path lib")?, expected, "{version}");
    }
    let test = PluginTest::new(plugin()).directory("here");
    let error = test.line("path lib").expect_err("it is relative");
    assert!(error.msg.contains("`here` is not absolute"), "{error}");
    Ok(())
}

#[test]
fn an_error_in_the_output_is_the_result() -> Result<(), LabeledError> {
    let late = Command::new("late", "Fails after two items").run(|_| {
        let items = [Ok(Value::int(0)), Err(LabeledError::new("too late"))];
        Ok(Output::try_list(items))
    });
    let test = PluginTest::new(Plugin::new("test", "1").command(late));
    let failed = Err(LabeledError::new("too late"));
    assert_eq!(test.run("late").value(), failed);
    assert_eq!(test.line("late"), failed);
    let first = test.run("late").call()?.into_items().next();
    assert_eq!(first, Some(Ok(Value::int(0))));
    Ok(())
}

#[test]
fn a_panic_of_the_tests_own_code_is_told_at_once() {
    let patience = Duration::from_secs(600);
    let test = PluginTest::new(asking()).patience(patience);
    let closure = test.closure(|_, _| panic!("a failed assertion"));
    let error = test
        .run("each")
        .arg(closure)
        .input([1])
        .value()
        .expect_err("it panicked");
    let expected = "a closure or command of the test panicked: a failed assertion";
    assert_eq!(error.msg, expected);
}

#[test]
fn words_of_the_signature_are_candidates_too() -> Result<(), LabeledError> {
    fn plugin() -> Plugin {
        Plugin::new("test", "1").command(
            echo("paint")
                .flag("colour", None, SyntaxShape::String, "A colour")
                .candidates("colour", ["red", "green"]),
        )
    }
    let offered = PluginTest::new(plugin()).complete("paint", "colour")?;
    let offered: Vec<_> = offered.into_iter().flatten().map(|one| one.value).collect();
    assert_eq!(offered, ["red", "green"]);
    let old = PluginTest::new(plugin()).version("0.107.0");
    assert_eq!(old.complete("paint", "colour")?, None);
    Ok(())
}

/// Asks its engine everything that a test can answer.
fn asking() -> Plugin {
    let ask = Command::new("ask", "Asks").run(|call| {
        let engine = call.engine();
        let mut said = vec![
            Value::string(engine.version()),
            engine.env("USER")?.unwrap_or(Value::nothing()),
            engine.env("NOBODY")?.unwrap_or(Value::nothing()),
            Value::string(engine.current_dir()?.display().to_string()),
            engine.plugin_config()?.unwrap_or(Value::nothing()),
            Value::bool(engine.help()?.contains("Usage:\n  ask")),
        ];
        engine.set_env("COUNT", Value::int(1))?;
        engine.set_gc_disabled(true)?;
        let id = engine.find_command("add one")?.ok_or("no `add one`")?;
        let call = EvaluatedCall::default();
        said.push(engine.call_command(id, call, Value::int(1))?.into_value()?);
        let echo = engine.find_command("echo")?.ok_or("no `echo`")?;
        let numbers = Input::list((0..300).map(Value::int));
        let echoed = engine.call_command(echo, EvaluatedCall::default(), numbers)?;
        said.push(Value::int(
            echoed.into_items().count().try_into().unwrap_or(0),
        ));
        Ok(Value::list(said))
    });
    let each = Command::new("each", "Runs a closure for each item")
        .required("closure", SyntaxShape::Closure(None), "What to run")
        .run(|call| {
            let (engine, closure): (_, Spanned<_>) =
                (call.engine().clone(), call.closure("closure")?);
            let items = call.input().into_items();
            let items =
                items.map(move |item| engine.eval(closure.clone(), vec![], item?)?.into_value());
            Ok(Output::try_list(items))
        });
    let source = Command::new("source", "The source of its argument")
        .required("value", SyntaxShape::Any, "Anything")
        .run(|call| {
            let span = call.value("value").map_or(call.head(), Value::span);
            let text = call.engine().span_contents(span)?;
            Ok(Value::string(String::from_utf8_lossy(&text)))
        });
    [ask, each, source, echo("echo")]
        .into_iter()
        .fold(Plugin::new("test", "1"), Plugin::command)
}

#[test]
fn the_engine_knows_what_the_test_says() -> Result<(), LabeledError> {
    for version in ["0.98.0", "0.107.0", "0.115.1"] {
        for test in [PluginTest::new(asking()), PluginTest::new(asking()).json()] {
            let test = test
                .version(version)
                .env("USER", "me")
                .directory("/here")
                .plugin_config(5)
                .command("add one", |input, _| match input.into_value()? {
                    Value::Int(number, _) => Ok((number + 1).into()),
                    _ => Err("no number".into()),
                });
            let said = Value::list([
                Value::string(version),
                Value::string("me"),
                Value::nothing(),
                Value::string("/here"),
                Value::int(5),
                Value::bool(true),
                Value::int(2),
                Value::int(300),
            ]);
            assert_eq!(test.run("ask").value()?, said);
            assert_eq!(test.environment()["COUNT"], Value::int(1));
            assert_eq!(test.options(), [PluginOption::GcDisabled(true)]);
            let calls = test.engine_calls();
            let names: Vec<_> = calls.iter().map(|call| call.name()).collect();
            assert_eq!(names[..3], ["GetEnvVar", "GetEnvVar", "GetCurrentDir"]);
            test.end()?;
        }
    }
    let error = PluginTest::new(asking())
        .run("ask")
        .value()
        .expect_err("no directory");
    assert!(error.msg.contains("PluginTest::directory"), "{}", error.msg);
    Ok(())
}

#[test]
fn closures_and_lines() -> Result<(), LabeledError> {
    let test = PluginTest::new(asking());
    let closure = test.closure(|_, input| Ok(Value::list([input.into_value()?]).into()));
    let numbers = Input::list((0..200).map(Value::int));
    let given = test.run("each").arg(closure).input(numbers).value()?;
    assert_eq!(
        given,
        Value::list((0..200).map(|number| Value::from([number])))
    );
    for (line, expected) in [
        ("[1 2] | each { echo } | echo", Value::from([1, 2])),
        ("[1 2] | each { 5 }", Value::from([5, 5])),
        ("[1] | each {|x| each { echo } }", Value::from([[1]])),
        ("source [1, größe]", Value::string("[1, größe]")),
        ("source 'x'", Value::string("'x'")),
    ] {
        assert_eq!(test.line(line)?, expected, "{line}");
    }
    Ok(())
}

#[test]
fn custom_values() -> Result<(), LabeledError> {
    let plugin = Plugin::new("test", "1").command(boxed()).custom::<Box>();
    let test = PluginTest::new(plugin);
    let (five, six) = (test.line("box 5")?, test.line("box 6")?);
    assert!(matches!(five, Value::Custom(..)));
    let compared = test.operate(&five, CustomValueOp::PartialCmp(six.clone()))?;
    assert_eq!(compared, Value::int(-1));
    let plain = test.base_value(Value::record([("both", Value::list([five.clone(), six]))]))?;
    assert_eq!(plain, Value::record([("both", Value::from([5, 6]))]));
    let followed = test.operate(
        &five,
        CustomValueOp::FollowPathInt {
            index: Spanned::new(0, Span::UNKNOWN),
            optional: false,
        },
    );
    assert_eq!(
        followed.expect_err("it has none").msg,
        "a Box has no items to be taken by number"
    );
    Ok(())
}

#[test]
fn what_an_engine_would_not_send_is_an_error() {
    let command = Command::new("add", "Adds")
        .required("a", SyntaxShape::Int, "A number")
        .optional("b", SyntaxShape::Int, "Another one")
        .switch("loud", 'l', "Loudly")
        .run(|_| Ok(Value::int(0)));
    let test = PluginTest::new(Plugin::new("test", "1").command(command));
    let failed = |run: pegboard_testkit::Run<'_>| {
        let error = run.value().expect_err("it is refused");
        format!("{} {}", error.msg, error.help.unwrap_or_default())
    };
    let add = || test.run("add");
    assert_eq!(failed(add()), "`add` needs the argument `a` ");
    assert_eq!(
        failed(add().arg(1).arg(2).arg(3)),
        "`add` takes 2 arguments, not 3 "
    );
    assert_eq!(
        failed(add().arg(1).switch("luod")),
        "`add` has no flag `luod` did you mean `loud`?"
    );
    assert_eq!(
        failed(test.run("ad")),
        "the plugin has no command `ad` did you mean `add`?"
    );
    assert_eq!(add().arg(1).switch("loud").value(), Ok(Value::int(0)));
    let error = PluginTest::new(Plugin::new("test", "1"))
        .version("new")
        .line("5")
        .expect_err("no version");
    assert!(error.msg.contains("`new` is no version"), "{}", error.msg);
}

#[test]
fn nothing_is_waited_for_without_end() {
    let (_keep, over) = std::sync::mpsc::sync_channel::<()>(1);
    let over = std::sync::Mutex::new(over);
    let stuck = |name: &str| Command::new(name, "Never ends");
    let plugin = Plugin::new("test", "1")
        .command(stuck("silent").run(move |_| {
            let _ = over.lock().map(|over| over.recv());
            Ok(Value::nothing())
        }))
        .command(stuck("endless").run(|_| Ok(Output::list((0..).map(Value::int)))));
    let test = PluginTest::new(plugin).patience(Duration::from_millis(100));
    let error = |name| test.run(name).value().expect_err(name).msg;
    assert_eq!(
        error("silent"),
        "waited 100ms for the answer of `silent`, which did not come"
    );
    assert_eq!(
        error("endless"),
        "waited 100ms for the end of what `endless` gives"
    );
    let first = test
        .run("endless")
        .call()
        .expect("a stream")
        .into_items()
        .take(3);
    assert_eq!(
        first.collect::<Result<Vec<_>, _>>(),
        Ok([0, 1, 2].map(Value::int).to_vec())
    );
}

#[test]
fn a_panic_is_an_error_of_its_call() {
    let gone = Command::new("gone", "Panics")
        .run(|_| -> Result<Value, LabeledError> { panic!("at the disco") });
    let test = PluginTest::new(Plugin::new("test", "1").command(gone));
    let error = test.run("gone").value().expect_err("it panics");
    assert_eq!(error.msg, "the plugin's code panicked: at the disco");
    assert_eq!(test.end(), Ok(()));
}

#[test]
fn completion_and_signals() -> Result<(), LabeledError> {
    let (began, begins) = std::sync::mpsc::sync_channel(1);
    let command = Command::new("wait", "Waits for an interrupt")
        .optional("animal", SyntaxShape::String, "Which one")
        .flag("colour", None, SyntaxShape::String, "Of it")
        .complete("animal", |_| {
            let cat = Suggestion {
                value: "cat".to_owned(),
                ..Suggestion::default()
            };
            Some(vec![cat])
        })
        .run(move |call| {
            let (tell, told) = std::sync::mpsc::sync_channel(1);
            let _listening = call.engine().on_interrupt(move || {
                let _ = tell.send(Value::string("interrupted"));
            });
            let _ = began.send(());
            told.recv_timeout(Duration::from_secs(60))
                .map_err(|error| error.to_string().into())
        });
    let test = PluginTest::new(Plugin::new("test", "1").command(command));
    let found = test.complete("wait", "animal")?.unwrap_or_default();
    assert_eq!(
        found
            .iter()
            .map(|word| word.value.as_str())
            .collect::<Vec<_>>(),
        ["cat"]
    );
    assert_eq!(test.complete("wait", "colour")?, None);
    let error = test.complete("wait", "size").expect_err("there is none");
    assert_eq!(error.msg, "`wait` has no argument or flag `size`");
    std::thread::scope(|scope| {
        let run = scope.spawn(|| test.run("wait").value());
        begins
            .recv_timeout(Duration::from_secs(60))
            .expect("it begins");
        test.signal(Signal::Interrupt)?;
        assert_eq!(
            run.join().expect("no panic"),
            Ok(Value::string("interrupted"))
        );
        test.signal(Signal::Reset)
    })
}
