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
    AppContext, CancelToken, Command, Engine, Error, ErrorKind, Flow, LabeledError, Plugin,
    Protocol, Run, TaskResult,
};

use super::closures::Closures;
use super::directory;
use super::task::{self, Text};
use super::trace_file::TraceFile;
use crate::commands::{Commands, Found};
use crate::exit::{Exit, Failure, write_out, written};
use crate::input::{self, Trouble, Wanted};
use crate::line::{Line, Stage};
use crate::options::{OF_RUN, RunOptions, To};
use crate::output::{self, Outcome, Shown};
use crate::signals;

/// A command with its arguments, or a text that was asked for instead.
enum Step {
    Call(Box<Call>),
    Help(String),
}

struct Call {
    command: Box<Command>,
    arguments: EvaluatedCall,
    /// The text of a task, if that is standard input.
    text: Option<Text>,
}

impl Call {
    fn is_task(&self) -> bool {
        self.command.plugin.protocol() == Protocol::Octa
    }

    fn run(&self, arguments: EvaluatedCall) -> Run {
        let name = &self.command.signature.sig.name;
        self.command.plugin.run(name).arguments(arguments)
    }
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
        commands: &Commands::new(engine, &options.plugins, options.timeout)?,
        caller: &caller,
        context: &context,
        cancel,
    };
    let mut calls = Vec::new();
    for stage in stages {
        match step(closures, &stage)? {
            Step::Call(call) => calls.push(*call),
            Step::Help(text) => return Ok(write_out(&text)),
        }
    }
    for call in &calls {
        call.run(call.arguments.clone()).check().map_err(failed)?;
    }
    trace.map_or(Ok(()), TraceFile::open)?;
    // From here on, what is under way can be asked to stop.
    signals::calling();
    let stdin_is_text = texts(&mut calls, options).map_err(failed)?;
    let trouble = Trouble::default();
    let wanted = Wanted {
        file: options.input.as_deref(),
        from: options.from,
    };
    let input = match calls.first() {
        Some(_) if stdin_is_text && wanted.file.is_none() => Ok(Flow::Empty),
        Some(call) => input::input(&call.command.signature.sig, wanted, &trouble),
        None => Ok(Flow::Empty),
    };
    let mut flow = input.map_err(failed);
    let mut starts = starts(&calls);
    let shows_result =
        options.to.is_some_and(To::has_structure) && calls.last().is_some_and(Call::is_task);
    let result = shows_result.then(TaskResult::new);
    let last = calls.len().saturating_sub(1);
    let is_behind_task = calls.iter().take(last).any(Call::is_task);
    for (place, mut call) in calls.into_iter().enumerate() {
        if let Some(error) = starts
            .remove(call.command.plugin.path())
            .and_then(failure_of)
        {
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
        let arguments = std::mem::take(&mut call.arguments);
        let mut run = call
            .run(arguments)
            .input(input)
            .context(context.clone())
            .cancel(cancel);
        if let Some(timeout) = options.timeout {
            run = run.deadline(timeout);
        }
        if let Some(result) = result.as_ref().filter(|_| place == last) {
            run = run.result(result);
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
    let write = |output| output::write(output, options.to, shown);
    let outcome = flow.and_then(|output| {
        let output = match is_behind_task {
            true => task::made_of_output(output, &trouble),
            false => output,
        };
        let written = match &result {
            Some(result) => task::write_result(output, result, write),
            None => write(output),
        };
        written.map_err(failed)
    });
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

/// Reads the text of a task from standard input, if one has it there. True if so.
fn texts(calls: &mut [Call], options: &RunOptions) -> Result<bool, Error> {
    let mut read = false;
    for call in calls {
        let Some(text) = call.text.take() else {
            continue;
        };
        if task::stdin_is_input(options) {
            return Err(Error::misuse(
                text.refused("it is the input of the first command"),
            ));
        }
        if read {
            return Err(Error::misuse(
                text.refused("it is the text of another task"),
            ));
        }
        text.read(&mut call.arguments)?;
        read = true;
    }
    Ok(read)
}

type Starts = HashMap<PathBuf, JoinHandle<Result<(), Error>>>;

/// Begins to start the plugins of all commands but the first at once, so that they start side by side.
fn starts(calls: &[Call]) -> Starts {
    let mut plugins = calls.iter().map(|call| &call.command.plugin);
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
    let parse =
        |signature: &Signature| parse_words(signature, head, &words, closures.caller, &closure);
    let is_task = command.plugin.protocol() == Protocol::Octa;
    let parsed = match parse(signature) {
        Ok(arguments) if is_task => {
            let text = task::text_asked_for(&arguments);
            Ok((arguments, text))
        }
        Ok(arguments) => Ok((arguments, None)),
        Err(error) if is_task && stage.is_first => task::without_text(error, signature, parse)
            .map(|(arguments, text)| (arguments, Some(text))),
        Err(error) => Err(error),
    };
    let (arguments, text) = parsed.map_err(|error| {
        let error = Error::misuse(misplaced(error, signature, typed));
        Failure::new(error, &stage.sources)
    })?;
    let wants_help = arguments
        .named
        .iter()
        .any(|(name, value)| name.item == "help" && value.is_none());
    if wants_help {
        let usage = commands.usage(&command.signature, command.plugin.protocol())?;
        return Ok(Step::Help(usage));
    }
    Ok(Step::Call(Box::new(Call {
        command,
        arguments,
        text,
    })))
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
