//! The conformance runner: plays the engine against any plugin program, rule by rule, and says in words what is wrong.
//!
//! [`check`] starts the program again and again, talks to each process as a real engine would, or as a hostile one
//! might, and gives a [`Report`] with a verdict on every rule. Commands are run only when their own examples show that
//! they need nothing, or when [`Options::commands`] names them. Every wait has a deadline, and nothing is left running.
//!
//! ```no_run
//! use pegboard_testkit::conformance::{Options, Subject, check};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let subject = Subject::new("/opt/nu_plugin_inc", std::env::current_dir()?, std::env::vars_os());
//! let report = check(&subject, &Options::default())?;
//! for verdict in report.failed() {
//!     println!("{}: {:?}", verdict.sentence, verdict.outcome);
//! }
//! # Ok(())
//! # }
//! ```

mod commands;
mod conversation;
mod form;
mod report;
mod rules;
mod stage;
mod transcript;
mod tree;
mod watch;
mod writer;

pub use report::{Fault, Outcome, Report, Said, Speaker, Verdict};
pub use rules::{Rule, Turn, rules};

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use pegboard_host::{Config, Engine, Stderr};
use pegboard_protocol::LabeledError;

use conversation::Stop;
use rules::Judge;
use stage::Stage;

/// The program to be checked, and what it is started with.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The program, or a script that its extension tells how to run.
    pub program: PathBuf,
    /// Where relative paths start; absolute.
    pub directory: PathBuf,
    /// The environment that it is started with.
    pub environment: Vec<(OsString, OsString)>,
}

impl Subject {
    /// A program with the caller's directory and environment.
    pub fn new(
        program: impl Into<PathBuf>,
        directory: impl Into<PathBuf>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Subject {
        Subject {
            program: program.into(),
            directory: directory.into(),
            environment: environment.into_iter().collect(),
        }
    }
}

/// How a plugin is checked.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long the plugin may take for each thing that is asked of it.
    pub timeout: Duration,
    /// Commands that may be run, each with its arguments as they would be typed. With none, those are run whose
    /// examples show a result and need nothing else.
    pub commands: Vec<String>,
    /// The rules to be checked, by name; all of them if there are none.
    pub rules: Vec<String>,
}

impl Default for Options {
    /// Every rule, 5 s for each answer.
    fn default() -> Options {
        Options {
            timeout: Duration::from_secs(5),
            commands: Vec::new(),
            rules: Vec::new(),
        }
    }
}

/// Why a plugin cannot be checked at all.
#[derive(Debug)]
pub enum CheckError {
    /// The program is not there or cannot be started.
    Program(pegboard_host::Error),
    /// A command that may be run does not exist, or its arguments make no sense.
    Command(LabeledError),
    /// There is no rule of this name.
    UnknownRule(String),
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CheckError::Program(error) => error.fmt(f),
            CheckError::Command(error) => error.fmt(f),
            CheckError::UnknownRule(name) => write!(f, "there is no rule `{name}`"),
        }
    }
}

impl std::error::Error for CheckError {}

/// Checks a plugin.
///
/// Fails only if there is nothing to be checked, or if the options make no sense.
pub fn check(subject: &Subject, options: &Options) -> Result<Report, CheckError> {
    let unknown = |name: &&String| !rules().iter().any(|rule| rule.name == **name);
    if let Some(name) = options.rules.iter().find(unknown) {
        return Err(CheckError::UnknownRule(name.clone()));
    }
    let mut config = Config::new(&subject.directory, subject.environment.iter().cloned());
    config.stderr = Stderr::Discard;
    let engine = Engine::new(config).map_err(CheckError::Program)?;
    let plugin = engine.load(&subject.program).map_err(CheckError::Program)?;
    drop(
        plugin
            .start_raw(pegboard_host::RawStart::Stdio)
            .map_err(CheckError::Program)?,
    );
    let mut stage = Stage::set(plugin, subject, options)?;
    let wanted = |rule: &&Rule| {
        options.rules.is_empty() || options.rules.iter().any(|name| *name == rule.name)
    };
    // What must hold of every message is noticed while all the other rules are played.
    let watches = rules()
        .iter()
        .filter(wanted)
        .any(|rule| matches!(rule.judge, Judge::Watches));
    let mut verdicts = Vec::new();
    for rule in rules() {
        let begin = Instant::now();
        let outcome = match rule.judge {
            Judge::Watches => Outcome::Passed,
            Judge::Plays(play) if watches || wanted(&rule) => stage.play(play),
            Judge::Plays(_) => continue,
        };
        if wanted(&rule) {
            verdicts.push((rule, outcome, begin.elapsed()));
        }
    }
    let rules = verdicts.into_iter().map(|(rule, outcome, took)| Verdict {
        rule: rule.name,
        sentence: rule.sentence,
        outcome: match (outcome, stage.noticed.fault(rule.name)) {
            (Outcome::Passed, Some(fault)) => Outcome::Failed(Box::new(fault)),
            (Outcome::Passed, None) if matches!(rule.judge, Judge::Watches) => {
                match stage.hello() {
                    Err(Stop::NotApplicable(why)) => Outcome::NotApplicable(why),
                    _ => Outcome::Passed,
                }
            }
            (outcome, _) => outcome,
        },
        took,
    });
    Ok(Report {
        rules: rules.collect(),
        commands: stage.command_lines(),
    })
}
