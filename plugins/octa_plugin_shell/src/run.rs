//! A command from its start to its end: what it reads and writes, and how it ends.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::sync_channel;

use pegboard_plugin::octa::{Error, Execution, ExitStatus};

use crate::ending::{self, Running};
use crate::pipes::Pipes;
use crate::script::Script;

/// Runs a command and passes on what it writes, as it comes.
///
/// It is over when `sh` is: what that has left running in the background goes on, until the plugin ends, and what it
/// writes then goes nowhere. A command that is cancelled ends with everything it has started.
pub(crate) fn run(execution: &Execution, command: &str) -> Result<ExitStatus, Error> {
    let stdin = execution.stdin();
    let mark = ending::mark();
    let script = Script::new(command)
        .map_err(|error| format!("the command could not be handed to `sh`: {error}"))?;
    let (mut child, running) = Running::start(&mark, || {
        // One is started at a time, so that at the plugin's end none comes after those that are ended.
        if execution.cancellation().is_cancelled() {
            return Err(io::Error::other("it was cancelled before it began"));
        }
        Command::new("sh")
            .arg("-c")
            .arg(script.argument())
            // Octa sends none. What others send are `$1` and so on.
            .arg("sh")
            .args(execution.args())
            .current_dir(execution.dir())
            .envs(execution.envs())
            .env(ending::MARK, &mark)
            .process_group(0)
            .stdin(if stdin.is_none() {
                Stdio::null()
            } else {
                Stdio::piped()
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
    })
    .map_err(|error| cannot_start(execution, &error))?;
    let cancelled = running.clone();
    let _cancel = execution
        .cancellation()
        .on_cancel(move || cancelled.cancel());
    // A command that is cancelled must not take a part of its input to be all of it: it finds no end before its own.
    let (keep, _kept) = sync_channel(1);
    if let Some(mut to) = child.stdin.take() {
        let mut from = stdin;
        let cancellation = execution.cancellation().clone();
        // It ends when the command, or whoever sends, has enough.
        let copy = move || {
            let _ = io::copy(&mut from, &mut to);
            if cancellation.is_cancelled() {
                let _ = keep.send(to);
            }
        };
        std::thread::Builder::new()
            .name("stdin".into())
            .spawn(copy)?;
    }
    let passed_on = pass_on(execution, &mut child, &running);
    let status = running.finish(&mut child)?;
    passed_on?;
    Ok(status.into())
}

fn pass_on(execution: &Execution, child: &mut Child, running: &Running) -> io::Result<()> {
    let mut pipes = Pipes::new(child, running.exited());
    let (mut stdout, mut stderr) = (execution.stdout(), execution.stderr());
    pipes.read_until_exit(|is_stdout, bytes| {
        let writer = if is_stdout { &mut stdout } else { &mut stderr };
        // Nobody may want it any more; the command is ended then, and not by a pipe.
        let _ = writer.write_all(bytes).and_then(|()| writer.flush());
    })?;
    pipes.drain();
    Ok(())
}

fn cannot_start(execution: &Execution, error: &io::Error) -> String {
    let dir = execution.dir();
    match error.kind() {
        io::ErrorKind::NotFound if !dir.exists() => {
            format!("there is no directory {}", dir.display())
        }
        _ if dir.exists() && !dir.is_dir() => format!("{} is not a directory", dir.display()),
        io::ErrorKind::Other => error.to_string(),
        _ => format!("`sh` cannot be started in {}: {error}", dir.display()),
    }
}
