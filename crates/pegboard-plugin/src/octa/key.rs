//! What a plugin is in Octa: its key, the hosts that it fits, and what it does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use pegboard_protocol::LabeledError;
use pegboard_protocol::octa::default_requirement;
use pegboard_transport::panic_message;
use semver::VersionReq;

use super::{Error, Execution, ExitStatus};
use crate::runtime::MISTAKE;
use crate::runtime::pool::Pool;

/// A plugin's key: the attribute of Octa's tasks that it serves.
///
/// Octa finds a plugin only if its program is called `octa_plugin_` and the key.
#[must_use]
pub struct Key {
    pub(crate) name: String,
    pub(crate) description: String,
    requirement: Result<VersionReq, String>,
    pub(crate) work: Work,
}

/// What a key does.
pub(crate) enum Work {
    Nothing,
    Execute(Arc<Start>),
    /// The plugin's command of this name.
    Command(String),
}

/// Begins an execution, and has somebody see to it that it is done.
pub(crate) type Start = dyn Fn(Execution, Done) + Send + Sync;
/// How an execution ended. An error may [stand for an exit status](ExitStatus::of).
pub(crate) type Outcome = Result<ExitStatus, LabeledError>;

impl Key {
    /// A key, and one sentence that says what it does.
    pub fn new(name: impl Into<String>, description: impl Into<String>) -> Key {
        Key {
            name: name.into(),
            description: description.into(),
            requirement: Ok(default_requirement()),
            work: Work::Nothing,
        }
    }

    /// Which versions of Octa it fits, such as `>=0.2.1`; if nothing is said, every one that is known:
    /// `>=0.2.0, <0.3.0`. Hosts of Pegboard's own speak all of these.
    pub fn requires(mut self, versions: &str) -> Key {
        self.requirement = VersionReq::parse(versions).map_err(|error| {
            format!("requires the versions `{versions}` of Octa, which is no requirement: {error}")
        });
        self
    }

    /// Says what the key does. Several executions may run at once, each on a thread of its own.
    ///
    /// An execution ends when the handler does: with an exit status (a number, or `()` for success), or with an error for
    /// the user. A panic is an error of that execution alone.
    pub fn execute<S: Into<ExitStatus>>(
        mut self,
        handler: impl Fn(Execution) -> Result<S, Error> + Send + Sync + 'static,
    ) -> Key {
        let (handler, pool) = (Arc::new(handler), Pool::default());
        self.work = Work::Execute(Arc::new(move |execution, done| {
            let handler = handler.clone();
            pool.run(
                move || match catch_unwind(AssertUnwindSafe(|| handler(execution))) {
                    Ok(result) => done.end(result.map(Into::into)),
                    Err(panic) => done.panicked(panic_message(&*panic)),
                },
            );
        }));
        self
    }

    /// The same for a handler that awaits, on a runtime of tokio's that the plugin starts when it is first needed.
    ///
    /// Writers and inputs wait like those of std: see [`Writer::send`](super::Writer::send).
    #[cfg(feature = "tokio")]
    pub fn execute_async<F, S>(
        mut self,
        handler: impl Fn(Execution) -> F + Send + Sync + 'static,
    ) -> Key
    where
        F: Future<Output = Result<S, Error>> + Send + 'static,
        S: Into<ExitStatus>,
    {
        self.work = Work::Execute(super::tasks::start(handler));
        self
    }

    /// Has the key run the plugin's command of this name. What the text of an execution means then is said in
    /// [`crate::octa`].
    pub fn command(mut self, name: impl Into<String>) -> Key {
        self.work = Work::Command(name.into());
        self
    }

    /// Which hosts it fits, or what is wrong with what was said about it.
    pub(crate) fn requirement(&self) -> Result<&VersionReq, &str> {
        self.requirement.as_ref().map_err(String::as_str)
    }
}

/// Ends an execution, exactly once: also when it is dropped.
pub(crate) struct Done {
    execution: Execution,
    tell: Option<Box<dyn FnOnce(Outcome) + Send>>,
}

impl Done {
    pub(crate) fn new(execution: &Execution, tell: impl FnOnce(Outcome) + Send + 'static) -> Done {
        Done {
            execution: execution.clone(),
            tell: Some(Box::new(tell)),
        }
    }

    pub(crate) fn end(self, result: Result<ExitStatus, Error>) {
        self.tell(result.map_err(labeled));
    }

    pub(crate) fn panicked(self, message: &str) {
        let error = LabeledError::new(format!("the plugin's code panicked: {message}"));
        self.tell(Err(error.with_help(MISTAKE)));
    }

    pub(crate) fn tell(mut self, outcome: Outcome) {
        self.tell_once(outcome);
    }

    fn tell_once(&mut self, outcome: Outcome) {
        if let Some(tell) = self.tell.take() {
            self.execution.flush();
            tell(outcome);
        }
    }
}

impl Drop for Done {
    fn drop(&mut self) {
        self.tell_once(Err(LabeledError::new("the plugin gave the execution up")));
    }
}

/// Any error as one that travels, with what led to it.
fn labeled(error: Error) -> LabeledError {
    match error.downcast::<LabeledError>() {
        Ok(error) => *error,
        Err(error) => LabeledError::new(chain(&*error)),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let reason = error.to_string();
        // Many errors say themselves what led to them.
        if !text.contains(&reason) {
            text = format!("{text}: {reason}");
        }
        source = error.source();
    }
    text
}

/// An error as text, for hosts that know nothing else. Labels that only point are left out: there is no place to be seen.
pub(crate) fn plain(error: &LabeledError) -> String {
    let mut text = error.msg.clone();
    for label in &error.labels {
        if !only_points(&label.text) && !text.contains(&label.text) {
            text.push_str(": ");
            text.push_str(&label.text);
        }
    }
    for inner in &error.inner {
        text.push_str("\ncaused by: ");
        text.push_str(&plain(inner));
    }
    if let Some(help) = &error.help {
        text.push_str("\nhelp: ");
        text.push_str(help);
    }
    text
}

/// Whether a label says nothing without the place that it points at.
fn only_points(label: &str) -> bool {
    const POINTING: [&str; 14] = [
        "this", "here", "one", "during", "at", "by", "for", "in", "on", "given", "run", "asked",
        "value", "command",
    ];
    label
        .split_whitespace()
        .all(|word| POINTING.contains(&word))
}

#[cfg(test)]
mod tests {
    use pegboard_protocol::Span;

    use super::*;

    #[test]
    fn labels_that_only_point_are_left_out() {
        for (label, expected) in [
            ("this", "no"),
            ("this one", "no"),
            ("during this", "no"),
            ("given here", "no"),
            ("asked for here", "no"),
            ("this value", "no"),
            ("", "no"),
            ("this is a record", "no: this is a record"),
            ("here the list ends", "no: here the list ends"),
            ("a number is needed", "no: a number is needed"),
        ] {
            let error = LabeledError::new("no").with_label(label, Span::new(1, 2));
            assert_eq!(plain(&error), expected, "{label}");
        }
        let both = LabeledError::new("no")
            .with_label("this", Span::new(1, 2))
            .with_label("too long", Span::new(3, 4))
            .with_help("shorten it");
        assert_eq!(plain(&both), "no: too long\nhelp: shorten it");
    }
}
