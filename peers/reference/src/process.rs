//! The process itself: state, sleeping, signals, printing, garbage collection, crashing, children.

use std::process::{Command as Program, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use nu_plugin::{EngineInterface, EvaluatedCall};
use nu_protocol::{
    LabeledError, ListStream, PipelineData, Signals, SyntaxShape, Type, Value, record,
};
use rustix::process::{Pid, Signal, getpid, kill_process};

use crate::command::{Command, value};

pub const COMMANDS: &[Command] = &[
    Command {
        name: "ref state",
        description: "Process ids, arguments, directory and environment of the plugin",
        signature: |sig| sig.input_output_type(Type::Nothing, Type::record()),
        run: |_, engine, call, _| value(state(engine, call)),
    },
    Command {
        name: "ref sleep",
        description: "Sleeps, but stops when interrupted",
        signature: |sig| {
            sig.required("ms", SyntaxShape::Int, "milliseconds")
                .input_output_type(Type::Any, Type::record())
        },
        run: |_, engine, call, _| sleep(call, engine.signals()),
    },
    Command {
        name: "ref stubborn",
        description: "Sleeps and ignores interrupts",
        signature: |sig| {
            sig.required("ms", SyntaxShape::Int, "milliseconds")
                .input_output_type(Type::Any, Type::record())
        },
        run: |_, _, call, _| sleep(call, &Signals::empty()),
    },
    Command {
        name: "ref signals",
        description: "How many interrupts were seen since the first command of this process",
        signature: |sig| sig.input_output_type(Type::Nothing, Type::Int),
        run: |plugin, _, call, _| {
            let seen = plugin.interrupts.load(Ordering::SeqCst);
            value(Value::int(seen as i64, call.head))
        },
    },
    Command {
        name: "ref gc",
        description: "Lets the engine stop this plugin when idle (on), or forbids it (off)",
        signature: |sig| {
            sig.required("state", SyntaxShape::String, "on or off")
                .input_output_type(Type::Nothing, Type::Nothing)
        },
        run: |_, engine, call, _| {
            let disabled = match call.req::<String>(0)?.as_str() {
                "on" => false,
                "off" => true,
                _ => return Err(unknown("expected `on` or `off`", call)),
            };
            engine.set_gc_disabled(disabled)?;
            value(Value::nothing(call.head))
        },
    },
    Command {
        name: "ref print",
        description: "Prints lines on standard error (or standard output)",
        signature: |sig| {
            sig.optional(
                "text",
                SyntaxShape::String,
                "the line (default `ref: hello`)",
            )
            .named(
                "lines",
                SyntaxShape::Int,
                "how many times (default 1)",
                None,
            )
            .switch(
                "stdout",
                "on standard output, which breaks the protocol on stdio",
                None,
            )
            .input_output_type(Type::Nothing, Type::Nothing)
        },
        run: |_, _, call, _| {
            let text = call
                .opt::<String>(0)?
                .unwrap_or_else(|| "ref: hello".into());
            let to_stdout = call.has_flag("stdout")?;
            for _ in 0..call.get_flag::<i64>("lines")?.unwrap_or(1) {
                match to_stdout {
                    true => println!("{text}"),
                    false => eprintln!("{text}"),
                }
            }
            value(Value::nothing(call.head))
        },
    },
    Command {
        name: "ref crash",
        description: "Ends the process: now, panic, mid-stream, exit or abort",
        signature: |sig| {
            sig.required(
                "how",
                SyntaxShape::String,
                "now, panic, mid-stream, exit or abort",
            )
            .optional(
                "number",
                SyntaxShape::Int,
                "exit code, or items before the crash",
            )
            .input_output_type(Type::Any, Type::Any)
        },
        run: |_, _, call, _| crash(call),
    },
    Command {
        name: "ref spawn-child",
        description: "Starts a child process that sleeps; returns its process id",
        signature: |sig| {
            sig.optional(
                "seconds",
                SyntaxShape::Int,
                "how long it sleeps (default 600)",
            )
            .switch("setsid", "in a session of its own", None)
            .switch(
                "hold",
                "the child keeps the plugin's standard streams open",
                None,
            )
            .input_output_type(Type::Nothing, Type::Int)
        },
        run: |_, _, call, _| spawn_child(call),
    },
];

/// The process group of the plugin; 0 when its leader is outside this namespace of process ids.
pub fn group() -> i64 {
    group_and_session("self").0
}

/// The process group and the session of a process, as the kernel lists them; 0 for one whose leader is outside this
/// namespace of process ids (for which a typed id has no room).
fn group_and_session(pid: &str) -> (i64, i64) {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name, in parentheses, may contain spaces: state, parent, group and session follow it.
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let mut ids = after_name.split_whitespace().skip(2).map(|id| id.parse());
    let mut next = || ids.next().and_then(Result::ok).unwrap_or(0);
    (next(), next())
}

fn state(engine: &EngineInterface, call: &EvaluatedCall) -> Value {
    let head = call.head;
    let text = |text: String| Value::string(text, head);
    let number = |pid: Option<Pid>| Value::int(i64::from(Pid::as_raw(pid)), head);
    let argv = std::env::args_os().map(|arg| text(arg.to_string_lossy().into_owned()));
    let cwd = std::env::current_dir().map(|dir| dir.display().to_string());
    let (group, session) = group_and_session("self");
    Value::record(
        record! {
            "pid" => number(Some(getpid())),
            "ppid" => number(rustix::process::getppid()),
            "pgid" => Value::int(group, head),
            "sid" => Value::int(session, head),
            "argv" => Value::list(argv.collect(), head),
            "cwd" => text(cwd.unwrap_or_default()),
            "pwd" => std::env::var("PWD").map_or(Value::nothing(head), text),
            "stdio" => Value::bool(engine.is_using_stdio(), head),
            "encoding" => text(std::env::var("REF_ENCODING").unwrap_or("msgpack".into())),
            "built-for" => text(env!("CARGO_PKG_NAME").into()),
        },
        head,
    )
}

fn sleep(call: &EvaluatedCall, signals: &Signals) -> Result<PipelineData, LabeledError> {
    let start = Instant::now();
    let total = Duration::from_millis(call.req::<u64>(0)?);
    while start.elapsed() < total && !signals.interrupted() {
        let left = total.saturating_sub(start.elapsed());
        std::thread::sleep(left.min(Duration::from_millis(5)));
    }
    let slept = start.elapsed();
    value(Value::record(
        record! {
            "slept_ms" => Value::int(slept.as_millis() as i64, call.head),
            "interrupted" => Value::bool(slept < total, call.head),
        },
        call.head,
    ))
}

fn crash(call: &EvaluatedCall) -> Result<PipelineData, LabeledError> {
    let number = call.opt::<i64>(1)?;
    match call.req::<String>(0)?.as_str() {
        "now" => {
            kill_process(getpid(), Signal::KILL)
                .map_err(|error| LabeledError::new(error.to_string()))?;
            Err(LabeledError::new("survived SIGKILL"))
        }
        "panic" => panic!("ref: asked to panic"),
        "exit" => std::process::exit(number.unwrap_or(1) as i32),
        "abort" => std::process::abort(),
        "mid-stream" => {
            let (head, after) = (call.head, number.unwrap_or(3));
            let items = (0..).map(move |n| {
                if n >= after {
                    std::process::exit(1);
                }
                Value::int(n, head)
            });
            let stream = ListStream::new(items, head, Signals::empty());
            Ok(PipelineData::ListStream(stream, None))
        }
        _ => Err(unknown(
            "expected now, panic, mid-stream, exit or abort",
            call,
        )),
    }
}

fn spawn_child(call: &EvaluatedCall) -> Result<PipelineData, LabeledError> {
    let seconds = call.opt::<u64>(0)?.unwrap_or(600).to_string();
    let own_session = call.has_flag("setsid")?;
    // `setsid` replaces itself by the program, so the process id stays the same.
    let mut program = Program::new(if own_session { "setsid" } else { "sleep" });
    if own_session {
        program.arg("sleep");
    }
    program.arg(seconds);
    if !call.has_flag("hold")? {
        program
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
    }
    let child = program
        .spawn()
        .map_err(|error| LabeledError::new(format!("cannot start the child: {error}")))?;
    if own_session {
        wait_for_session(child.id());
    }
    value(Value::int(i64::from(child.id()), call.head))
}

/// Waits until the child leads a session, so that nobody sees it in ours; at most a second.
fn wait_for_session(child: u32) {
    for _ in 0..1000 {
        if group_and_session(&child.to_string()).1 == i64::from(child) {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn unknown(text: &str, call: &EvaluatedCall) -> LabeledError {
    LabeledError::new("unknown argument").with_label(text, call.head)
}
