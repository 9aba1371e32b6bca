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
    /// The rule is about something that the plugin does not have, or that could not be tried.
    NotApplicable(String),
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

    /// How many rules were kept, broken, and not applicable.
    pub fn counts(&self) -> (usize, usize, usize) {
        let (mut passed, mut failed, mut left_out) = (0, 0, 0);
        for verdict in &self.rules {
            match verdict.outcome {
                Outcome::Passed => passed += 1,
                Outcome::Failed(_) => failed += 1,
                Outcome::NotApplicable(_) => left_out += 1,
            }
        }
        (passed, failed, left_out)
    }

    /// The report as one JSON document.
    pub fn to_json(&self) -> Json {
        let (passed, failed, not_applicable) = self.counts();
        json!({
            "passed": passed,
            "failed": failed,
            "not_applicable": not_applicable,
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
            Outcome::NotApplicable(why) => json["why"] = why.as_str().into(),
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
