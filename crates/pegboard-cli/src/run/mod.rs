//! `pegboard run`: one command of a plugin, from standard input to standard output.

mod find;
mod trace_file;

use std::env;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;

use pegboard_host::protocol::Spanned;
use pegboard_host::protocol::nu::{Flag, Signature};
use pegboard_host::{
    AppContext, Caller, CancelToken, Config, Engine, Error, Recorder, Stderr, Terminal, Usage,
    parse_arguments,
};

use crate::exit::{Exit, Failure, print_error, write_out, written};
use crate::input::{self, InputError, Wanted};
use crate::line::Line;
use crate::options::{OF_RUN, RunOptions};
use crate::output::{self, Outcome, Shown};
use crate::{signals, terminal};
use find::Found;
use trace_file::TraceFile;

pub(crate) fn run(options: &RunOptions) -> Result<Exit, Failure> {
    let line = Line::new(&options.words);
    let trace = options.trace.as_deref().map(TraceFile::new).transpose()?;
    let recorder = trace.as_ref().map(TraceFile::recorder);
    let engine = engine(recorder.clone())?;
    let cancel = CancelToken::new();
    signals::listen(&engine, &cancel)
        .map_err(|error| Failure::misuse(format!("listening for signals failed: {error}")))?;
    for path in &options.plugins {
        engine.load(path)?;
    }
    let mut exit = call(options, &engine, &line, &cancel, trace.as_ref());
    // Every message has to be in the trace, those of the end too.
    engine.shutdown();
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
    match (exit, signals::received()) {
        // Whoever pressed Ctrl-C knows why the call failed.
        (_, Some(signal)) => Ok(Exit::Signalled(signal)),
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

fn call(
    options: &RunOptions,
    engine: &Engine,
    line: &Line,
    cancel: &CancelToken,
    trace: Option<&TraceFile>,
) -> Result<Exit, Failure> {
    let failed = |error: Error| Failure::new(error, &line.sources);
    let (command, used, below) = match find::command(engine, line)? {
        Found::Command(command, used, below) => (command, used, below),
        Found::Help(text) => return Ok(write_out(&text)),
    };
    let signature = &command.signature.sig;
    let (directory, home) = (directory()?, home());
    let caller = Caller {
        directory: &directory,
        home: home.as_deref(),
    };
    let arguments = parse_arguments(signature, line.head(used), &line.words[used..], &caller)
        .map_err(|error| failed(misplaced(error, signature, &line.words[used..])))?;
    if arguments
        .named
        .iter()
        .any(|(name, value)| name.item == "help" && value.is_none())
    {
        let mut usage = Usage::new(&command.signature)
            .width(terminal::output_width())
            .to_string();
        if !below.is_empty() {
            usage.push_str(&format!("\nCommands:\n{below}"));
        }
        return Ok(write_out(&usage));
    }
    trace.map_or(Ok(()), TraceFile::open)?;
    // From here on, what is under way can be asked to stop.
    signals::calling();
    let trouble = InputError::default();
    let wanted = Wanted {
        file: options.input.as_deref(),
        from: options.from,
    };
    let input = input::input(signature, wanted, &trouble).map_err(failed)?;
    let context = AppContext::new()
        .with_environment(env::vars_os())
        .with_directory(directory)
        .with_sources(line.sources.clone())
        .with_foreground();
    let mut run = command
        .plugin
        .run(&signature.name)
        .arguments(arguments)
        .input(input);
    if let Some(timeout) = options.timeout {
        run = run.deadline(timeout);
    }
    let output = run.context(Arc::new(context)).cancel(cancel).call();
    let shown = Shown {
        engine,
        sources: &line.sources,
        trouble: &trouble,
    };
    let outcome = output.and_then(|output| output::write(output, options.to, shown));
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

/// Says so if what is wrong is that an option of pegboard's own stands behind the command.
fn misplaced(error: Error, signature: &Signature, words: &[Spanned<String>]) -> Error {
    let words = words.iter().map(|word| word.item.as_str());
    let own = |word: &str| {
        let name = word.split('=').next().unwrap_or(word);
        let known = |flag: &Flag| name.strip_prefix("--") == Some(&flag.long);
        OF_RUN
            .into_iter()
            .find(|own| *own == name && !signature.named.iter().any(known))
    };
    let Some(option) = words.take_while(|word| *word != "--").find_map(own) else {
        return error;
    };
    let mut error = error.labeled().clone();
    if let ([label], Some("pegboard::arguments::unknown_flag")) =
        (error.labels.as_mut_slice(), error.code.as_deref())
    {
        label.text = "not a flag of the command".to_owned();
    }
    let usage = error.help.unwrap_or_default();
    error.help = Some(format!(
        "pegboard's own option `{option}` goes before the command\n{usage}"
    ));
    Error::misuse(error)
}

fn home() -> Option<PathBuf> {
    env::var_os("HOME")
        .map(PathBuf::from)
        .filter(|home| home.is_absolute())
}
