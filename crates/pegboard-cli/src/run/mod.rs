//! `pegboard run`: one command of a plugin, from standard input to standard output.

mod find;

use std::env;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pegboard_host::{
    AppContext, Caller, CancelToken, Config, Engine, Error, Recorder, Stderr, Usage,
    parse_arguments,
};

use crate::exit::{Exit, Failure, print_error, written};
use crate::input::{self, InputError};
use crate::line::Line;
use crate::options::RunOptions;
use crate::output::{self, Outcome};
use crate::{signals, terminal};

pub(crate) fn run(options: RunOptions) -> Result<Exit, Failure> {
    let line = Line::new(&options.words);
    let recorder = options.trace.as_deref().map(recorder).transpose()?;
    let engine = engine(recorder.clone())?;
    let cancel = CancelToken::new();
    signals::listen(&engine, &cancel)
        .map_err(|error| Failure::misuse(format!("listening for signals failed: {error}")))?;
    for path in &options.plugins {
        engine.load(path)?;
    }
    let exit = call(&options, &engine, &line, &cancel);
    // Every message has to be in the trace, those of the end too.
    engine.shutdown();
    if let Some(error) = recorder.and_then(|recorder| recorder.take_error()) {
        print_error(&format!("warning: the trace is incomplete: {error}\n"));
    }
    match (exit, signals::received()) {
        (Err(failure), Some(signal)) => {
            // Whoever pressed Ctrl-C knows why the call failed.
            drop(failure);
            Ok(Exit::Signalled(signal))
        }
        (Ok(_), Some(signal)) => Ok(Exit::Signalled(signal)),
        (exit, None) => exit,
    }
}

/// An engine for the caller's directory and environment, whose plugins share the caller's standard error.
pub(crate) fn engine(recorder: Option<Recorder>) -> Result<Engine, Failure> {
    let mut config = Config::new(directory()?, env::vars_os());
    config.stderr = Stderr::Forward(Arc::new(|_, bytes| {
        let _ = std::io::stderr().lock().write_all(bytes);
    }));
    config.recorder = recorder;
    Ok(Engine::new(config)?)
}

fn directory() -> Result<PathBuf, Failure> {
    env::current_dir()
        .map_err(|error| Failure::misuse(format!("the current directory is not there: {error}")))
}

fn recorder(path: &Path) -> Result<Recorder, Failure> {
    let created = File::create(path);
    let file = created.map_err(|error| {
        Failure::misuse(format!("{} cannot be written: {error}", path.display()))
    })?;
    Ok(Recorder::new(file))
}

fn call(
    options: &RunOptions,
    engine: &Engine,
    line: &Line,
    cancel: &CancelToken,
) -> Result<Exit, Failure> {
    let failed = |error: Error| Failure::new(error, &line.sources);
    let (command, used) = find::command(engine, line)?;
    let signature = &command.signature.sig;
    let (directory, home) = (directory()?, home());
    let caller = Caller {
        directory: &directory,
        home: home.as_deref(),
    };
    let arguments = parse_arguments(signature, line.head(used), &line.words[used..], &caller)
        .map_err(failed)?;
    if arguments
        .named
        .iter()
        .any(|(name, value)| name.item == "help" && value.is_none())
    {
        let usage = Usage::new(&command.signature)
            .width(terminal::output_width())
            .to_string();
        return Ok(written(
            std::io::stdout().lock().write_all(usage.as_bytes()),
        ));
    }
    let trouble = InputError::default();
    let input = input::input(signature, options.from, &trouble).map_err(failed)?;
    let context = AppContext::new()
        .with_environment(env::vars_os())
        .with_directory(directory)
        .with_sources(line.sources.clone())
        .with_foreground();
    signals::calling();
    let run = command
        .plugin
        .run(&signature.name)
        .arguments(arguments)
        .input(input);
    let output = run.context(Arc::new(context)).cancel(cancel).call();
    let outcome =
        output.and_then(|output| output::write(output, options.to, engine, &line.sources));
    if let Some(error) = trouble.take() {
        // The cause of whatever the plugin has said about it.
        return Err(failed(error));
    }
    match outcome.map_err(failed)? {
        Outcome::Written { errors: 0 } => Ok(Exit::Done),
        Outcome::Written { .. } => Ok(Exit::Failed),
        Outcome::Unwritable(error) => Ok(written(Err(error))),
    }
}

fn home() -> Option<PathBuf> {
    env::var_os("HOME")
        .map(PathBuf::from)
        .filter(|home| home.is_absolute())
}
