//! The conformance runner: plays the engine against any plugin program, rule by rule, and says in words what is wrong.
//!
//! There is a table of rules for Nushell's protocol and one for Octa's.
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

mod nushell;
mod octa;
mod patience;
mod play;
mod report;
mod rule;
mod transcript;
mod wire;
mod writer;

pub use pegboard_host::Protocol;
pub use report::{Counts, Fault, Outcome, Report, Said, Speaker, Verdict};
pub use rule::{Rule, Turn, rules};

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use pegboard_host::{Config, Engine, PluginConfig, RawStart, Stderr};
use pegboard_protocol::LabeledError;

use play::Plays;
use rule::Judge;

/// The program to be checked, and what it is started with.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The program, or a script that its extension tells how to run.
    pub program: PathBuf,
    /// Where relative paths start; absolute.
    pub directory: PathBuf,
    /// The environment that it is started with.
    pub environment: Vec<(OsString, OsString)>,
    /// The program and arguments that run it; none for what its extension says.
    pub interpreter: Option<Vec<OsString>>,
    /// What it speaks, and so the rules that it has to keep.
    pub protocol: Protocol,
}

impl Subject {
    /// A program with the caller's directory and environment, that speaks what the name of its file says: Octa's protocol
    /// if it begins with `octa_plugin_`, else Nushell's.
    pub fn new(
        program: impl Into<PathBuf>,
        directory: impl Into<PathBuf>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Subject {
        let program = program.into();
        Subject {
            protocol: Protocol::of(&program),
            program,
            directory: directory.into(),
            environment: environment.into_iter().collect(),
            interpreter: None,
        }
    }
}

/// How a plugin is checked.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long the plugin may take for each thing that is asked of it.
    pub timeout: Duration,
    /// Commands that may be run, each with its arguments as they would be typed. With none, those are run whose
    /// examples show a result and need nothing else. For an Octa plugin, texts that may be executed; with none, it is only
    /// asked for dry executions of an empty text.
    pub commands: Vec<String>,
    /// The rules to be checked, by name; all of them if there are none.
    pub rules: Vec<String>,
}

impl Options {
    /// The rules that are played, in their order. If only some are to be checked, all may have to be played, since what
    /// must hold of every message is noticed on the way.
    pub fn played(&self, protocol: Protocol) -> Vec<&'static Rule> {
        let rules = rules(protocol);
        let watches = |rule: &Rule| matches!(rule.judge, Judge::Watches);
        let all = rules.iter().any(|rule| watches(rule) && self.wants(rule));
        let played = |rule: &&Rule| !watches(rule) && (all || self.wants(rule));
        rules.iter().filter(played).collect()
    }

    fn wants(&self, rule: &Rule) -> bool {
        self.rules.is_empty() || self.rules.iter().any(|name| *name == rule.name)
    }
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
    Command {
        /// The command as it was named in the options.
        line: String,
        /// What is wrong with it; its places are byte offsets within the line.
        error: LabeledError,
    },
    /// There is no rule of this name.
    UnknownRule(String),
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CheckError::Program(error) => error.fmt(f),
            CheckError::Command { line, error } => write!(f, "the command `{line}`: {error}"),
            CheckError::UnknownRule(name) => write!(f, "there is no rule `{name}`"),
        }
    }
}

impl std::error::Error for CheckError {}

/// Checks a plugin.
///
/// Fails only if there is nothing to be checked, or if the options make no sense.
pub fn check(subject: &Subject, options: &Options) -> Result<Report, CheckError> {
    check_with(subject, options, |_| {})
}

/// As [`check`], for those who wait: `begin` is called with each of [`Options::played`] before it is played.
pub fn check_with(
    subject: &Subject,
    options: &Options,
    mut begin: impl FnMut(&'static Rule),
) -> Result<Report, CheckError> {
    let table = rules(subject.protocol);
    let unknown = |name: &&String| !table.iter().any(|rule| rule.name == **name);
    if let Some(name) = options.rules.iter().find(unknown) {
        return Err(CheckError::UnknownRule(name.clone()));
    }
    let mut config = Config::new(&subject.directory, subject.environment.iter().cloned());
    config.stderr = Stderr::Discard;
    let engine = Engine::new(config).map_err(CheckError::Program)?;
    let how = PluginConfig {
        interpreter: subject.interpreter.clone(),
        protocol: Some(subject.protocol),
        ..PluginConfig::default()
    };
    let plugin = engine
        .load_with(&subject.program, how)
        .map_err(CheckError::Program)?;
    let start = match subject.protocol {
        Protocol::Nushell => RawStart::Stdio,
        Protocol::Octa => RawStart::SocketPath(&[]),
    };
    drop(plugin.start_raw(start).map_err(CheckError::Program)?);
    let mut stage: Box<dyn Plays> = match subject.protocol {
        Protocol::Nushell => Box::new(nushell::Stage::set(plugin, subject, options)?),
        Protocol::Octa => Box::new(octa::Stage::set(plugin, subject, options)),
    };
    let mut played = BTreeMap::new();
    for rule in options.played(subject.protocol) {
        begin(rule);
        let start = Instant::now();
        if let Some(outcome) = stage.play(rule) {
            played.insert(rule.name, (outcome, start.elapsed()));
        }
    }
    let wanted = table.iter().filter(|rule| options.wants(rule));
    let rules = wanted.map(|rule| {
        let (outcome, took) = played.remove(rule.name).unwrap_or_else(|| {
            // What was not said cannot have been wrong.
            (stage.unheard().unwrap_or(Outcome::Passed), Duration::ZERO)
        });
        let noticed = stage.grounds().noticed.fault(rule.name);
        Verdict {
            rule: rule.name,
            sentence: rule.sentence,
            outcome: match noticed {
                Some(fault) if !matches!(outcome, Outcome::Failed(_)) => {
                    Outcome::Failed(Box::new(fault))
                }
                _ => outcome,
            },
            took,
        }
    });
    Ok(Report {
        rules: rules.collect(),
        commands: stage.command_lines(),
    })
}
