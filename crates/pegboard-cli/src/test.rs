//! `pegboard test`: plays the engine against a plugin, rule by rule, and says what is wrong.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use pegboard_host::{Error, LabeledError, Protocol, ReportStyle, Sources, Span};
use pegboard_testkit::conformance::{
    CheckError, Fault, Options, Outcome, Report, Subject, Verdict, check_with, rules,
};
use serde_json::json;

use crate::exit::{Exit, Failure, write_out};
use crate::installed;
use crate::options::{Spoken, duration};
use crate::remove::unknown;
use crate::terminal::{self, Progress};

const EXIT_CODES: &str = "\
Exit codes:
  0    no rule is broken
  1    at least one rule is broken
  2    the command line makes no sense, or the plugin is not there
  3    the plugin cannot be started
  4    the output could not be written";

/// Check that a program is a plugin that works under real engines.
///
/// Starts the program again and again, talks to it as a real engine would and as a hostile one might, and says for each
/// rule whether the program keeps it, and if not, what is wrong and where in the conversation. Nothing is left running.
///
/// Only commands that are known to be harmless are run: those whose own examples show a result and need nothing else, or
/// those that are named with --command. An Octa plugin is only asked for dry executions without --command.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct TestOptions {
    /// The plugin: a program, a script that its extension tells how to run, or the name of an installed plugin.
    #[arg(value_name = "PLUGIN", required_unless_present = "list")]
    plugin: Option<PathBuf>,

    /// A command that may be run, as it would be typed, such as 'seq 500' or '[1 2] | sum'; of an Octa plugin, a text that
    /// may be executed. Can be repeated; the examples are not run then.
    #[arg(long = "command", value_name = "LINE")]
    commands: Vec<String>,

    /// Check only this rule. Can be repeated.
    #[arg(long = "rule", value_name = "NAME")]
    rules: Vec<String>,

    /// What it speaks. Without it, what the name of its file says: Octa's protocol if it begins with octa_plugin_, else
    /// Nushell's; an installed plugin is known.
    #[arg(long, value_enum, value_name = "PROTOCOL")]
    protocol: Option<Spoken>,

    /// How long the plugin may take for each thing that is asked of it, such as 500ms or 10s.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "5s")]
    timeout: Duration,

    /// Print one JSON document.
    #[arg(long)]
    json: bool,

    /// List the rules; of Nushell's protocol, or of that of --protocol.
    #[arg(long, conflicts_with_all = ["plugin", "commands", "rules", "timeout"])]
    list: bool,
}

pub(crate) fn test(options: &TestOptions) -> Result<Exit, Failure> {
    let Some(plugin) = &options.plugin else {
        let spoken = options.protocol.unwrap_or(Spoken::Nushell);
        return Ok(write_out(&listed(spoken.protocol(), options.json)));
    };
    let mut subject = subject(plugin)?;
    if let Some(spoken) = options.protocol {
        subject.protocol = spoken.protocol();
    }
    let settings = Options {
        timeout: options.timeout,
        commands: options.commands.clone(),
        rules: options.rules.clone(),
    };
    let mut progress = Progress::new("rule", settings.played(subject.protocol).len());
    let checked = check_with(&subject, &settings, |rule| progress.next(rule.name));
    progress.clear();
    let report = checked.map_err(failure)?;
    let text = if options.json {
        format!("{:#}\n", report.to_json())
    } else {
        told(&report, marks())
    };
    match write_out(&text) {
        Exit::Done if !report.passed() => Ok(Exit::Failed),
        exit => Ok(exit),
    }
}

/// A file, or an installed plugin by its name.
fn subject(plugin: &Path) -> Result<Subject, Failure> {
    let directory = env::current_dir()
        .map_err(|error| Failure::misuse(format!("the current directory is not there: {error}")))?;
    let subject = Subject::new(plugin, directory, env::vars_os());
    let Some(name) = installed::name(plugin) else {
        return Ok(subject);
    };
    let store = installed::store()?;
    let snapshot = installed::read(&store)?;
    let Some(known) = snapshot.index().plugin(name) else {
        if plugin.exists() {
            return Ok(subject);
        }
        return Err(unknown(&store, name)?);
    };
    let interpreter = known.interpreter();
    Ok(Subject {
        program: known.path().into(),
        interpreter: interpreter.map(|words| words.map(OsString::from).collect()),
        protocol: Protocol::from_name(known.kind()).unwrap_or(Protocol::Nushell),
        ..subject
    })
}

fn failure(error: CheckError) -> Failure {
    match error {
        CheckError::Program(error) => error.into(),
        CheckError::Command { line, mut error } => {
            let sources = Arc::new(Sources::new());
            let start = sources.add("--command", line).start;
            for label in error.labels.iter_mut() {
                let Span { start: from, end } = label.span;
                label.span = Span::new(start.saturating_add(from), start.saturating_add(end));
            }
            Failure::new(Error::misuse(error), &sources)
        }
        CheckError::UnknownRule(name) => Failure::misuse(
            LabeledError::new(format!("there is no rule `{name}`"))
                .with_help("`pegboard test --list` lists the rules"),
        ),
    }
}

/// So many rules are counted and not named.
const MANY: usize = 20;

/// What stands in front of a rule that is kept, broken, or not applicable.
type Marks = [&'static str; 3];

fn marks() -> Marks {
    let style = terminal::table_style();
    if style.plain || env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
        ["ok  ", "FAIL", "-   "]
    } else if style.colour {
        [
            "\u{1b}[32m\u{2713}\u{1b}[0m",
            "\u{1b}[31m\u{2717}\u{1b}[0m",
            "\u{2013}",
        ]
    } else {
        ["\u{2713}", "\u{2717}", "\u{2013}"]
    }
}

fn listed(protocol: Protocol, as_json: bool) -> String {
    if as_json {
        let rules = rules(protocol).iter().map(|rule| {
            json!({ "rule": rule.name, "sentence": rule.sentence, "turn": rule.turn.name() })
        });
        return format!("{:#}\n", json!({ "rules": rules.collect::<Vec<_>>() }));
    }
    let lines = rules(protocol)
        .iter()
        .map(|rule| line(rule.name, rule.sentence));
    lines.collect()
}

fn line(name: &str, sentence: &str) -> String {
    format!("{name:20} {sentence}\n")
}

fn told(report: &Report, marks: Marks) -> String {
    let mut text: String = report
        .rules
        .iter()
        .map(|rule| verdict(rule, marks))
        .collect();
    text.push('\n');
    text.push_str(&not_checked(report));
    if !report.commands.is_empty() {
        let lines = report.commands.iter().map(|line| line.replace('\n', " "));
        let lines: Vec<String> = lines.map(|line| harmless(&line)).collect();
        text.push_str(&format!("commands that were run: {}\n", lines.join(", ")));
    }
    let counts = report.counts();
    text.push_str(&format!(
        "rules: {} kept, {} broken, {} not applicable, {} not checked\n",
        counts.passed, counts.failed, counts.not_applicable, counts.not_checked
    ));
    text
}

/// Which rules could not be tried, by the reason, and what has to be mended first.
fn not_checked(report: &Report) -> String {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for verdict in &report.rules {
        if let Outcome::NotChecked(why) = &verdict.outcome {
            match reasons.iter_mut().find(|(known, _)| known == why) {
                Some((_, rules)) => rules.push(verdict.rule),
                None => reasons.push((why, vec![verdict.rule])),
            }
        }
    }
    let mut text = String::new();
    for (why, rules) in &reasons {
        let rules = match rules.len() {
            count @ MANY.. => format!("{count} rules"),
            _ => rules.join(", "),
        };
        text.push_str(&format!("not checked: {rules}: {}\n", harmless(why)));
    }
    if let Some(verdict) = report.failed().next()
        && let Outcome::Failed(fault) = &verdict.outcome
        && !reasons.is_empty()
    {
        let (rule, what) = (verdict.rule, harmless(&fault.what));
        text.push_str(&format!("mend this first: {rule}: {what}\n"));
    }
    text
}

fn verdict(verdict: &Verdict, [kept, wrong, left_out]: Marks) -> String {
    let line = line(verdict.rule, verdict.sentence);
    match &verdict.outcome {
        Outcome::Passed => format!("{kept} {line}"),
        Outcome::NotChecked(_) => String::new(),
        Outcome::NotApplicable(why) => format!("{left_out} {line}       {}\n", harmless(why)),
        Outcome::Failed(fault) => format!("{wrong} {line}{}", explained(fault)),
    }
}

/// What is wrong, what was said last, and how the program ended.
fn explained(fault: &Fault) -> String {
    let mut text = format!("       {}\n", harmless(&fault.what));
    for said in &fault.conversation {
        text.push_str(&format!("       {}\n", harmless(&said.to_string())));
    }
    if let Some(exit) = &fault.exit {
        text.push_str(&format!("       it ended: {exit}\n"));
    }
    for line in &fault.stderr {
        text.push_str(&format!("       stderr: {}\n", harmless(line)));
    }
    text
}

fn harmless(text: &str) -> String {
    ReportStyle::harmless(text)
}
