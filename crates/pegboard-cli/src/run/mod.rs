//! `pegboard run`: commands of plugins, from standard input to standard output.

mod call;
mod closures;
mod task;
mod trace_file;

use std::env;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;

use pegboard_host::{CancelToken, Config, Engine, Recorder, Stderr, Terminal};

use crate::exit::{Exit, Failure, print_error};
use crate::line::Line;
use crate::options::RunOptions;
use crate::signals;
use call::call;
use trace_file::TraceFile;

pub(crate) fn run(options: &RunOptions) -> Result<Exit, Failure> {
    let line = Line::new(&options.words)?;
    let trace = options.trace.as_deref().map(TraceFile::new).transpose()?;
    let recorder = trace.as_ref().map(TraceFile::recorder);
    let engine = engine(recorder.clone())?;
    let cancel = CancelToken::new();
    signals::listen(&engine, &cancel)
        .map_err(|error| Failure::misuse(format!("listening for signals failed: {error}")))?;
    let mut exit = call(options, &engine, &line, &cancel, trace.as_ref());
    let of_tasks =
        task::is_of_tasks(options, &engine) || exit.as_ref().is_err_and(Failure::is_of_tasks);
    if exit.as_ref().is_err_and(Failure::is_timeout) {
        // A plugin that does not listen would be asked in vain. What guards it ends it when this process is gone.
        std::mem::forget(engine);
    } else {
        // Every message has to be in the trace, those of the end too.
        engine.shutdown();
    }
    if let (Some(trace), Err(failure)) = (&trace, &exit)
        && !failure.is_misuse()
    {
        // What a plugin did wrong before its commands were known is worth looking at.
        if let Err(unwritten) = trace.open() {
            unwritten.show();
        }
    }
    if let Some(error) = recorder.and_then(|recorder| recorder.take_error()) {
        print_error(&format!("warning: the trace is incomplete: {error}\n"));
        if matches!(exit, Ok(Exit::Done)) {
            exit = Ok(Exit::Unwritten);
        }
    }
    if let Some(signal) = signals::received() {
        // Whoever pressed Ctrl-C knows why the call failed.
        return Ok(Exit::Signalled(signal));
    }
    match of_tasks {
        true => Ok(exit.unwrap_or_else(Exit::shown).beside_tasks()),
        false => exit,
    }
}

/// An engine for the caller's directory and environment, whose plugins share the caller's standard error.
pub(crate) fn engine(recorder: Option<Recorder>) -> Result<Engine, Failure> {
    let mut config = Config::new(directory()?, env::vars_os());
    config.stderr = Stderr::Forward(Arc::new(|_, bytes| {
        let _ = std::io::stderr().lock().write_all(bytes);
    }));
    config.recorder = recorder;
    // A plugin that takes the terminal draws on it, and reads from it. In a pipe the streams are the command's.
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        config.terminal = Terminal::Shared;
    }
    Ok(Engine::new(config)?)
}

fn directory() -> Result<PathBuf, Failure> {
    env::current_dir()
        .map_err(|error| Failure::misuse(format!("the current directory is not there: {error}")))
}
