//! What comes of a check: a verdict on every rule, in words and as JSON.

use std::fmt;
use std::time::Duration;

use serde_json::{Value as Json, json};

/// What comes of checking a plugin.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// A verdict on every rule that was asked for, in the order of the table of rules.
    pub rules: Vec<Verdict>,
    /// The commands that were run, as they were called; none means that the rules about running could not be checked.
    pub commands: Vec<String>,
}

/// What is said about one rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The rule's name, such as `unknown-command`.
    pub rule: &'static str,
    /// The rule, in a sentence.
    pub sentence: &'static str,
    /// Whether the plugin keeps it.
    pub outcome: Outcome,
    /// How long that took to find out.
    pub took: Duration,
}

/// Whether a plugin keeps a rule.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It does.
    Passed,
    /// It does not.
    Failed(Box<Fault>),
    /// The rule is about something that the plugin does not have.
    NotApplicable(String),
    /// It could not be tried, for this reason, so nothing is known.
    NotChecked(String),
}

/// How many rules were kept, broken, about something that the plugin does not have, and not tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Kept.
    pub passed: usize,
    /// Broken.
    pub failed: usize,
    /// About something that the plugin does not have.
    pub not_applicable: usize,
    /// Not tried, so that nothing is known.
    pub not_checked: usize,
}

/// What is wrong, and where in the conversation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fault {
    /// What is wrong, in words.
    pub what: String,
    /// What was said last, the latest at the end.
    pub conversation: Vec<Said>,
    /// How the plugin had ended by then, if it had.
    pub exit: Option<String>,
    /// The last lines that it wrote on standard error.
    pub stderr: Vec<String>,
}

/// Something that was said in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Its number in the conversation, from 1.
    pub number: u64,
    /// Who said it.
    pub by: Speaker,
    /// What, in short.
    pub text: String,
}

/// Who says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// The runner, in the place of an engine.
    Engine,
    /// The plugin.
    Plugin,
}

impl Report {
    /// True if no rule was broken.
    pub fn passed(&self) -> bool {
        self.failed().next().is_none()
    }

    /// The verdicts on rules that were broken.
    pub fn failed(&self) -> impl Iterator<Item = &Verdict> {
        let failed = |verdict: &&Verdict| matches!(verdict.outcome, Outcome::Failed(_));
        self.rules.iter().filter(failed)
    }

    /// How many verdicts there are of each kind.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for verdict in &self.rules {
            *match verdict.outcome {
                Outcome::Passed => &mut counts.passed,
                Outcome::Failed(_) => &mut counts.failed,
                Outcome::NotApplicable(_) => &mut counts.not_applicable,
                Outcome::NotChecked(_) => &mut counts.not_checked,
            } += 1;
        }
        counts
    }

    /// The report as one JSON document.
    pub fn to_json(&self) -> Json {
        let counts = self.counts();
        json!({
            "passed": counts.passed,
            "failed": counts.failed,
            "not_applicable": counts.not_applicable,
            "not_checked": counts.not_checked,
            "commands": self.commands,
            "rules": self.rules.iter().map(Verdict::to_json).collect::<Vec<_>>(),
        })
    }
}

impl Verdict {
    fn to_json(&self) -> Json {
        let mut json = json!({
            "rule": self.rule,
            "sentence": self.sentence,
            "outcome": self.outcome.name(),
            "milliseconds": self.took.as_millis() as u64,
        });
        match &self.outcome {
            Outcome::Passed => {}
            Outcome::NotApplicable(why) | Outcome::NotChecked(why) => {
                json["why"] = why.as_str().into();
            }
            Outcome::Failed(fault) => {
                json["what"] = fault.what.as_str().into();
                let said = fault.conversation.iter().map(|said| {
                    json!({ "number": said.number, "by": said.by.name(), "text": said.text })
                });
                json["conversation"] = said.collect();
                json["exit"] = fault.exit.clone().into();
                json["stderr"] = fault.stderr.clone().into();
            }
        }
        json
    }
}

impl Outcome {
    /// Its name in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Passed => "passed",
            Outcome::Failed(_) => "failed",
            Outcome::NotApplicable(_) => "not-applicable",
            Outcome::NotChecked(_) => "not-checked",
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrow = match self.by {
            Speaker::Engine => "->",
            Speaker::Plugin => "<-",
        };
        write!(f, "{:>4} {arrow} {}", self.number, self.text)
    }
}

impl Speaker {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Speaker::Engine => "engine",
            Speaker::Plugin => "plugin",
        }
    }
}
