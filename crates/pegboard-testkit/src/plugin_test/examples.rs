//! The documented examples of a plugin, checked.

use std::fmt::Write as _;
use std::time::Instant;

use pegboard_args::line::{NUSHELL_ONLY, UNKNOWN_COMMAND};
use pegboard_args::literal;
use pegboard_plugin::{Input, LabeledError, Value};
use pegboard_protocol::nu::Example;

use super::PluginTest;

/// An example, and what came of it.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The command whose help shows it.
    pub command: String,
    /// The example.
    pub example: Example,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of an example.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It gives what it says.
    Passed,
    /// It gives something else.
    Differs {
        /// What it gives.
        got: Value,
        /// Where the values differ first, and how.
        difference: String,
    },
    /// It is wrong in itself, or the command gave an error.
    Failed(LabeledError),
    /// It could not be checked, for this reason: it says no result, or uses what is not there in a test.
    Unchecked(String),
}

impl Checked {
    /// True if the example is right, as far as can be said.
    pub fn is_fine(&self) -> bool {
        matches!(self.outcome, Outcome::Passed | Outcome::Unchecked(_))
    }
}

impl PluginTest {
    /// Runs all examples that have a result and use only what is there: the plugin's own commands, those of
    /// [`PluginTest::command`], and literals. Commands in examples without a result are read, and not run.
    pub fn examples(&self) -> Vec<Checked> {
        let signatures = self.side.signatures.iter();
        let examples = signatures.flat_map(|signature| {
            let command = &signature.sig.name;
            signature
                .examples
                .iter()
                .map(move |example| (command, example))
        });
        examples
            .map(|(command, example)| Checked {
                command: command.clone(),
                example: example.clone(),
                outcome: self.outcome(command, example),
            })
            .collect()
    }

    /// Checks what can be checked without knowing what the plugin is for: its definitions, as [`Plugin::mistakes`] does,
    /// and the examples in the help of all commands, as [`PluginTest::examples`] does.
    ///
    /// # Panics
    ///
    /// With a report of all mistakes and of all examples that do not do what they say; also if there was nothing to
    /// check, because no example with a result uses only what is there. A test of a plugin that can have no such
    /// examples asks [`Plugin::mistakes`] and [`PluginTest::examples`] themselves.
    ///
    /// [`Plugin::mistakes`]: pegboard_plugin::Plugin::mistakes
    #[track_caller]
    pub fn check(&self) {
        let checked = self.examples();
        let wrong: Vec<_> = checked
            .iter()
            .filter(|checked| !checked.is_fine())
            .collect();
        let passed = |checked: &Checked| matches!(checked.outcome, Outcome::Passed);
        let mut report = Vec::new();
        if !self.mistakes.is_empty() {
            report.push(format!("{}\n", self.mistakes.join("\n")));
        }
        if !wrong.is_empty() {
            report.push(wrong_examples(&wrong, checked.len()));
        } else if !checked.iter().any(passed) {
            report.push(nothing_checked(&checked));
        }
        if !report.is_empty() {
            panic!("{}", report.join("\n"));
        }
    }

    fn outcome(&self, command: &str, example: &Example) -> Outcome {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !words(&example.example).contains(command) {
            let error = LabeledError::new(format!("the example does not use `{command}`"));
            return Outcome::Failed(error.with_help("is a name in it mistyped?"));
        }
        match self.run_example(example) {
            Ok(outcome) => outcome,
            Err(error) => match error.code.as_deref() {
                Some(NUSHELL_ONLY | UNKNOWN_COMMAND) => Outcome::Unchecked(error.msg),
                _ => Outcome::Failed(error),
            },
        }
    }

    fn run_example(&self, example: &Example) -> Result<Outcome, LabeledError> {
        let pipeline = self.side.read(&example.example)?;
        self.side.resolve(&pipeline)?;
        let Some(expected) = &example.result else {
            return Ok(Outcome::Unchecked("it says no result".to_owned()));
        };
        self.connection()?;
        let end = Instant::now() + self.side.patience();
        let output = self.side.evaluate(&pipeline, Input::Empty, Some(end))?;
        let got = output.into_value()?;
        Ok(match self.side.difference(expected, &got) {
            None => Outcome::Passed,
            Some(difference) => Outcome::Differs { got, difference },
        })
    }
}

/// How many characters of a value are shown.
const LONGEST: usize = 1000;

fn nothing_checked(all: &[Checked]) -> String {
    let count = all.len();
    let mut text = format!("0 of {count} examples could be checked\n");
    for checked in all {
        if let Outcome::Unchecked(why) = &checked.outcome {
            let line = checked.example.example.replace('\n', "\n    ");
            let _ = write!(text, "\n{}\n  > {line}\n  {why}\n", checked.command);
        }
    }
    let advice = "\nan example with a result, and of nothing but literals and the plugin's own commands, can be";
    text + advice
}

fn wrong_examples(wrong: &[&Checked], all: usize) -> String {
    let count = wrong.len();
    let mut text = format!("{count} of {all} examples do not do what they say\n");
    for checked in wrong {
        let Checked {
            command,
            example,
            outcome,
        } = checked;
        let line = example.example.replace('\n', "\n    ");
        let mut say = |what: &str| {
            let _ = write!(text, "{what}");
        };
        say(&format!(
            "\n{command}: {}\n  > {line}\n",
            example.description
        ));
        match outcome {
            Outcome::Passed | Outcome::Unchecked(_) => {}
            Outcome::Failed(error) => {
                say(&format!("  error:    {}\n", error.msg));
                for label in &error.labels {
                    say(&format!("            {}\n", label.text));
                }
                if let Some(help) = &error.help {
                    say(&format!(
                        "  help:     {}\n",
                        help.replace('\n', "\n            ")
                    ));
                }
            }
            Outcome::Differs { got, difference } => {
                let expected = example.result.as_ref();
                let expected = expected.map_or_else(String::new, |value| literal(value, LONGEST));
                say(&format!("  expected: {expected}\n"));
                say(&format!("  got:      {}\n", literal(got, LONGEST)));
                say(&format!("            {difference}\n"));
            }
        }
    }
    text
}
