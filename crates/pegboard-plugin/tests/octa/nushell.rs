//! A key's handler as a command of Nushell's.

use std::io::{Read, Write};
use std::sync::mpsc::sync_channel;

use pegboard_plugin::octa::{ExitStatus, Key};
use pegboard_plugin::protocol::nu::Signal;
use pegboard_plugin::{LabeledError, Plugin, Value};
use pegboard_testkit::PluginTest;

use super::host::PATIENCE;

fn test(
    handler: impl Fn(pegboard_plugin::octa::Execution) -> Result<i32, pegboard_plugin::octa::Error>
    + Send
    + Sync
    + 'static,
) -> PluginTest {
    let key = Key::new("task", "Does a task").execute(handler);
    PluginTest::new(Plugin::new("task", "1.0.0").octa(key)).directory("/tmp")
}

#[test]
fn arguments_and_output_are_those_of_a_task() -> Result<(), LabeledError> {
    let test = test(|execution| {
        let mut stdin = String::new();
        execution.stdin().read_to_string(&mut stdin)?;
        write!(
            execution.stdout(),
            "{} {:?} {} {:?} {:?} {} {stdin:?}",
            execution.text(),
            execution.args(),
            execution.dir().display(),
            execution.envs(),
            execution.vars(),
            execution.is_dry(),
        )?;
        Ok(0)
    });
    assert_eq!(
        test.line("task 'do it'")?,
        Value::string("do it [] /tmp {} {} false \"\"")
    );
    assert_eq!(
        test.line("'in' | task x a b --dir sub --env {A: b} --var {n: [1 {m: 2}]} --dry")?,
        Value::string(
            r#"x ["a", "b"] /tmp/sub {"A": "b"} {"n": Array [Number(1), Object {"m": Number(2)}]} true "in""#
        )
    );
    assert_eq!(
        test.line("task x --env A=b=c --env {B: 1} --var n=[1] --var 's=\"t\"'")?,
        Value::string(
            r#"x [] /tmp {"A": "b=c", "B": "1"} {"n": Array [Number(1)], "s": String("t")} false """#
        )
    );
    let message = |line: &str| test.line(line).expect_err(line).msg;
    assert_eq!(
        message("task x --env A"),
        "`env`: `A` has no `=` behind a name"
    );
    assert_eq!(
        message("task x --env 1"),
        "`env`: neither a record nor NAME=VALUE"
    );
    assert!(message("task x --var 'A=[1'").starts_with("`var`: `[1` is no JSON"));
    assert_eq!(
        test.line("[one two] | task x")?,
        Value::string(r#"x [] /tmp {} {} false "one\ntwo\n""#)
    );
    Ok(())
}

#[test]
fn the_definition_is_in_order() {
    let key = Key::new("task", "Does a task").execute(|_| Ok(()));
    let plugin = Plugin::new("task", "1.0.0").octa(key);
    assert_eq!(plugin.mistakes(), [""; 0]);
}

#[test]
fn an_exit_status_is_an_error_with_a_code() {
    let test = test(|execution| match execution.text() {
        "panic" => panic!("oh no"),
        "error" => Err("no luck".into()),
        "result" => {
            execution.result(1)?;
            Ok(0)
        }
        _ => Ok(7),
    });
    let error = test.line("task x").expect_err("7 is no success");
    assert_eq!(ExitStatus::of(&error), Some(ExitStatus::from(7)));
    assert_eq!(error.code.as_deref(), Some("octa::exit_status::7"));
    assert_eq!(error.msg, "ended with exit status 7");
    let message = |line: &str| test.line(line).expect_err(line).msg;
    assert_eq!(message("task error"), "no luck");
    assert_eq!(message("task panic"), "the plugin's code panicked: oh no");
    assert_eq!(
        message("task result"),
        "the host takes no result with a structure"
    );
}

#[test]
fn an_interrupt_cancels() -> Result<(), LabeledError> {
    let (sender, begun) = sync_channel(1);
    let test = test(move |execution| {
        sender.send(())?;
        Ok(i32::from(!execution.cancellation().wait(PATIENCE)))
    });
    std::thread::scope(|scope| {
        let run = scope.spawn(|| test.line("task x"));
        begun.recv_timeout(PATIENCE).expect("it has begun");
        test.signal(Signal::Interrupt)?;
        run.join().expect("no panic")?;
        Ok(())
    })
}

#[test]
fn who_wants_no_more_output_cancels() -> Result<(), LabeledError> {
    let (sender, cancelled) = sync_channel(1);
    let test = test(move |execution| {
        writeln!(execution.stdout(), "first")?;
        sender.send(execution.cancellation().wait(PATIENCE))?;
        Ok(0)
    });
    let pegboard_plugin::Output::Bytes(mut output) = test.run("task").arg("x").call()? else {
        panic!("output is a stream");
    };
    assert_eq!(output.next().expect("a chunk")?, b"first\n");
    drop(output);
    assert_eq!(cancelled.recv_timeout(PATIENCE), Ok(true));
    Ok(())
}
