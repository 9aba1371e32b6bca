//! The commands of a line, from its input to its output.

use std::collections::HashMap;
use std::env;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use pegboard_args::line::Block;
use pegboard_args::{Caller, Word, parse_words};
use pegboard_host::protocol::Spanned;
use pegboard_host::protocol::nu::{EvaluatedCall, Flag, Signature};
use pegboard_host::{
    AppContext, CancelToken, Command, Engine, Error, ErrorKind, LabeledError, Plugin,
};

use super::closures::Closures;
use super::directory;
use super::trace_file::TraceFile;
use crate::commands::{Commands, Found};
use crate::exit::{Exit, Failure, write_out, written};
use crate::input::{self, Trouble, Wanted};
use crate::line::{Line, Stage};
use crate::options::{OF_RUN, RunOptions};
use crate::output::{self, Outcome, Shown};
use crate::signals;

/// A command with its arguments, or a text that was asked for instead.
enum Step {
    Call(Box<Command>, EvaluatedCall),
    Help(String),
}

pub(super) fn call(
    options: &RunOptions,
    engine: &Engine,
    line: &Line,
    cancel: &CancelToken,
    trace: Option<&TraceFile>,
) -> Result<Exit, Failure> {
    let failed = |error: Error| Failure::new(error, &line.sources);
    let (directory, home) = (directory()?, home());
    let caller = Caller {
        directory: &directory,
        home: home.as_deref(),
    };
    let stages = line.stages()?;
    let context = AppContext::new()
        .with_environment(env::vars_os())
        .with_directory(&directory)
        .with_sources(line.sources.clone())
        .with_foreground();
    let context = Arc::new(context);
    let closures = Closures {
        commands: &Commands::new(engine, &options.plugins)?,
        caller: &caller,
        context: &context,
        cancel,
    };
    let mut calls = Vec::new();
    for stage in stages {
        match step(closures, &stage)? {
            Step::Call(command, arguments) => calls.push((command, arguments)),
            Step::Help(text) => return Ok(write_out(&text)),
        }
    }
    trace.map_or(Ok(()), TraceFile::open)?;
    // From here on, what is under way can be asked to stop.
    signals::calling();
    let trouble = Trouble::default();
    let wanted = Wanted {
        file: options.input.as_deref(),
        from: options.from,
    };
    let first = calls.first().map(|(command, _)| &command.signature.sig);
    let input = first.map_or(Ok(Default::default()), |signature| {
        input::input(signature, wanted, &trouble)
    });
    let mut flow = input.map_err(failed);
    let mut starts = starts(&calls);
    for (command, arguments) in calls {
        if let Some(error) = starts.remove(command.plugin.path()).and_then(failure_of) {
            flow = Err(failed(error));
            break;
        }
        let trouble = trouble.clone();
        // A later command sees no more than that its input ended with an error. That nobody reads on is none.
        let input = flow?.on_error(move |error| {
            if error.kind() != ErrorKind::Cancelled {
                trouble.keep(error);
            }
        });
        let mut run = command
            .plugin
            .run(&command.signature.sig.name)
            .arguments(arguments)
            .input(input)
            .context(context.clone())
            .cancel(cancel);
        if let Some(timeout) = options.timeout {
            run = run.deadline(timeout);
        }
        flow = run.call().map_err(failed);
        if flow.is_err() {
            break;
        }
    }
    let shown = Shown {
        engine,
        sources: &line.sources,
        trouble: &trouble,
    };
    let outcome = flow.and_then(|output| output::write(output, options.to, shown).map_err(failed));
    if let Some(error) = trouble.take() {
        // The cause of whatever the plugins have said about it.
        return Err(failed(error));
    }
    match outcome? {
        Outcome::Written { errors: 0 } => Ok(Exit::Done),
        Outcome::Written { .. } => Ok(Exit::Failed),
        Outcome::Unwritable(error) => Ok(written(Err(error))),
    }
}

type Starts = HashMap<PathBuf, JoinHandle<Result<(), Error>>>;

/// Begins to start the plugins of all commands but the first at once, so that they start side by side.
fn starts(calls: &[(Box<Command>, EvaluatedCall)]) -> Starts {
    let mut plugins = calls.iter().map(|(command, _)| &command.plugin);
    let first = plugins.next().map(Plugin::path);
    let mut starts = Starts::new();
    for plugin in plugins {
        if Some(plugin.path()) == first || starts.contains_key(plugin.path()) {
            continue;
        }
        let own = plugin.clone();
        let thread = thread::Builder::new().name("start".into());
        // Without a thread, the plugin starts when it is called.
        if let Ok(started) = thread.spawn(move || own.start()) {
            starts.insert(plugin.path().to_owned(), started);
        }
    }
    starts
}

/// Why a plugin has not started, if that is known. One that still starts is waited for by its call.
fn failure_of(start: JoinHandle<Result<(), Error>>) -> Option<Error> {
    match start.is_finished() {
        true => start.join().ok()?.err(),
        false => None,
    }
}

fn step(closures: Closures<'_>, stage: &Stage) -> Result<Step, Failure> {
    let commands = closures.commands;
    let (command, used) = match commands.find(stage)? {
        Found::Command(command, used) => (command, used),
        Found::Help(text) => return Ok(Step::Help(text)),
    };
    let signature = &command.signature.sig;
    let typed = &stage.words[used..];
    let words: Vec<Word> = typed.iter().cloned().map(Word::Shell).collect();
    let closure = |block: &Block| closures.closure(block);
    let head = stage.head(used);
    let arguments = parse_words(signature, head, &words, closures.caller, &closure);
    let arguments = arguments.map_err(|error| {
        let error = Error::misuse(misplaced(error, signature, typed));
        Failure::new(error, &stage.sources)
    })?;
    let wants_help = arguments
        .named
        .iter()
        .any(|(name, value)| name.item == "help" && value.is_none());
    if !wants_help {
        return Ok(Step::Call(command, arguments));
    }
    Ok(Step::Help(commands.usage(&command.signature)?))
}

/// Says so if what is wrong is that an option of pegboard's own stands behind the command.
fn misplaced(
    mut error: LabeledError,
    signature: &Signature,
    words: &[Spanned<String>],
) -> LabeledError {
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
    if let ([label], Some("pegboard::arguments::unknown_flag")) =
        (error.labels.as_mut_slice(), error.code.as_deref())
    {
        label.text = "not a flag of the command".to_owned();
    }
    let usage = error.help.unwrap_or_default();
    error.help = Some(format!(
        "pegboard's own option `{option}` goes before the command\n{usage}"
    ));
    error
}

fn home() -> Option<PathBuf> {
    env::var_os("HOME")
        .map(PathBuf::from)
        .filter(|home| home.is_absolute())
}
