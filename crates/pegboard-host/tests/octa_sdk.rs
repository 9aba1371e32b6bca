//! Octa plugins that the SDK makes: beyond what Octa's own can, one execution can be cancelled, output is any bytes and waits
//! for who reads it, and tasks have an input.

#![cfg(unix)]

mod common;

use pegboard_host::protocol::nu::{ByteStreamKind, Type};
use pegboard_host::{
    ByteStream, CancelToken, Error, ErrorKind, Flow, Plugin, Run, State, TaskResult, Value,
};
use pegboard_testkit::peers::{example, shipped};
use pegboard_testkit::tree::wait_until;

use common::{PATIENCE, Rig, bytes};

struct Shell {
    plugin: Plugin,
    rig: Rig,
}

impl Shell {
    fn new() -> Shell {
        let rig = Rig::new();
        let plugin = rig.engine.load(shipped("octa_plugin_shell")).unwrap();
        Shell { plugin, rig }
    }

    fn run(&self, text: &str) -> Run {
        self.plugin.run("shell").argument(text)
    }

    fn endless(&self) -> ByteStream {
        let mut stream = bytes(self.run("echo on; exec sleep 1000"));
        assert_eq!(stream.next().unwrap().unwrap(), b"on\n");
        stream
    }

    fn sleepers(&self) -> usize {
        let processes = self.rig.processes().into_iter();
        let name = |pid: &u32| std::fs::read_to_string(format!("/proc/{pid}/comm"));
        let is_sleep = |pid: &u32| name(pid).is_ok_and(|name| name == "sleep\n");
        processes.filter(is_sleep).count()
    }
}

fn text(run: Run) -> Result<String, Error> {
    run.call().and_then(Flow::into_text)
}

#[test]
fn what_it_can_is_known() {
    let shell = Shell::new();
    let signatures = shell.plugin.signatures().unwrap();
    let inputs = &signatures[0].sig.input_output_types;
    assert!(inputs.contains(&(Type::Binary, Type::String)), "{inputs:?}");
    let features = shell.plugin.status().features;
    for feature in ["pegboard-cancel", "pegboard-bytes", "pegboard-credit"] {
        assert!(features.iter().any(|one| one == feature), "{features:?}");
    }
}

#[test]
fn output_is_exactly_what_was_written() {
    let shell = Shell::new();
    assert_eq!(text(shell.run("printf 'no end'")).unwrap(), "no end");
    let value = shell.run("printf '\\377\\000'").call().unwrap();
    let value = value.into_value().unwrap();
    assert_eq!(value, Value::binary(b"\xff\0".to_vec()));
    let error = text(shell.run("echo oops >&2; exit 9")).unwrap_err();
    assert_eq!(error.exit_code(), Some(9), "{error}");
}

#[test]
fn one_run_is_cancelled_and_its_neighbour_goes_on() {
    let shell = Shell::new();
    let token = CancelToken::new();
    let cancelled = bytes(shell.run("echo on; exec sleep 1000").cancel(&token));
    let neighbour = shell.endless();
    assert!(wait_until(PATIENCE, || shell.sleepers() == 2));
    let reading = std::thread::spawn(move || cancelled.collect::<Result<Vec<_>, _>>());
    token.cancel();
    let error = reading.join().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(wait_until(PATIENCE, || shell.sleepers() == 1));
    // Nobody reads on is the same.
    drop(neighbour);
    assert!(wait_until(PATIENCE, || shell.sleepers() == 0));
    assert_eq!(text(shell.run("echo alive")).unwrap(), "alive\n");
    let status = shell.plugin.status();
    assert_eq!((status.state, status.starts), (State::Running, 1));
}

#[test]
fn an_interrupt_ends_all_runs_and_not_the_plugin() {
    let shell = Shell::new();
    let streams = [shell.endless(), shell.endless()];
    shell.rig.engine.interrupt();
    for mut stream in streams {
        stream.find_map(Result::err).expect("no good end");
    }
    assert_eq!(text(shell.run("echo alive")).unwrap(), "alive\n");
    assert_eq!(shell.plugin.status().starts, 1);
}

#[test]
fn an_input_is_passed_on_as_it_is() {
    let shell = Shell::new();
    let data: Vec<u8> = (0..600_000_u32).map(|i| (i % 251) as u8).collect();
    let input = Flow::bytes(std::io::Cursor::new(data.clone()), ByteStreamKind::Binary);
    let output = shell.run("cat").input(input).call().unwrap();
    assert_eq!(output.into_value().unwrap(), Value::binary(data));
    assert_eq!(text(shell.run("cat").input("text")).unwrap(), "text");
    let lines = Flow::list(["a", "b"].map(Value::string));
    assert_eq!(text(shell.run("wc -l").input(lines)).unwrap().trim(), "2");
    // A task that wants no more of it ends all the same.
    let endless = Flow::bytes(std::io::repeat(b'x'), ByteStreamKind::Binary);
    assert_eq!(text(shell.run("head -c 3").input(endless)).unwrap(), "xxx");
    // Without an input there is none to wait for.
    assert_eq!(text(shell.run("cat")).unwrap(), "");
}

/// A task must not take a part of its input to be all of it.
#[test]
fn an_input_that_breaks_off_ends_the_run() {
    let shell = Shell::new();
    let items = [Ok(b"part".to_vec()), Err(Error::misuse("the source broke"))];
    let input = Flow::try_bytes(items, ByteStreamKind::Binary);
    let marker = shell.rig.scratch.path().join("done");
    let run = shell.run(&format!("cat && touch {}", marker.display()));
    let error = text(run.input(input)).unwrap_err();
    assert!(error.to_string().contains("the source broke"), "{error}");
    assert!(!marker.exists());
}

#[test]
fn a_flood_waits_for_who_reads_it() {
    let shell = Shell::new();
    let mut flood = bytes(shell.run("yes"));
    let mut taken = 0;
    while taken < 1 << 20 {
        taken += flood.next().unwrap().unwrap().len();
    }
    // While it stands still, others are served.
    for _ in 0..20 {
        assert_eq!(text(shell.run("echo hi")).unwrap(), "hi\n");
    }
    drop(flood);
    assert!(wait_until(PATIENCE, || shell.plugin.status().active_calls == 0));
    assert_eq!(shell.plugin.status().starts, 1);
}

/// Beside what a task writes there is its structured result, also of a task that fails.
#[test]
fn a_structured_result_is_beside_the_output() {
    let rig = Rig::new();
    let sum = example("pegboard-plugin", "octa_plugin_sum");
    let plugin = rig.engine.load(sum).unwrap();
    let result = TaskResult::new();
    let run = |numbers: &str| plugin.run("sum").argument(numbers).result(&result);
    let expected = |numbers: &[i64]| {
        let sum = Value::int(numbers.iter().sum());
        let numbers = Value::list(numbers.iter().copied().map(Value::int));
        Some(Value::record([("numbers", numbers), ("sum", sum)]))
    };
    assert_eq!(text(run("1 2 3")).unwrap(), "6\n");
    assert_eq!(result.value(), expected(&[1, 2, 3]));
    let error = text(run("1 -2")).unwrap_err();
    assert_eq!(error.exit_code(), Some(3), "{error}");
    assert_eq!(result.value(), expected(&[1, -2]));
    // A result is that of the last run, which may have none.
    text(run("no numbers")).unwrap_err();
    assert_eq!(result.value(), None);
    // Nobody has to want it.
    assert_eq!(text(plugin.run("sum").argument("4")).unwrap(), "4\n");
}
