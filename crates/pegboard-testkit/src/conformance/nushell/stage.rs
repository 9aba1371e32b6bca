//! Where rules are played: the plugin, what is known about it, and conversations with it.

use std::time::{Duration, Instant};

use pegboard_host::{Plugin, RawStart};
use pegboard_protocol::nu::{
    Call, CallId, Dialect, EvaluatedCall, Feature, Header, Hello, Message, PluginSignature,
    Response, RunCall,
};
use semver::Version;

use super::commands::{self, Runnable};
use super::conversation::Conversation;
use super::replies::Replies;
use crate::conformance::play::{Converses, Grounds, Heard, Played, Plays, Stop};
use crate::conformance::report::Outcome;
use crate::conformance::rule::{Judge, Rule};
use crate::conformance::{CheckError, Options, Subject};

/// How long the first Hello is waited for before the runner says its own, as a plugin may want it.
const FIRST_HELLO: Duration = Duration::from_millis(300);
/// What an engine says that has to speak before it knows the plugin's version.
const USUAL_VERSION: Version = Version::new(0, 115, 1);
/// Streams that are longer than so many times their credit are dropped.
const LONG_STREAM: u64 = 6;

/// The plugin, and what is known about it.
pub(in crate::conformance) struct Stage {
    pub(super) grounds: Grounds,
    hello: Option<Hello>,
    signatures: Option<Vec<PluginSignature>>,
    runnable: Vec<Runnable>,
    /// The runnable commands that answer; found out once.
    answering: Option<Vec<Answering>>,
}

/// A command that answers.
struct Answering {
    command: Runnable,
    /// Its answer is a stream.
    streams: bool,
    /// The stream comes to an end.
    ends: bool,
}

impl Plays for Stage {
    fn grounds(&self) -> &Grounds {
        &self.grounds
    }

    fn play(&mut self, rule: &Rule) -> Option<Outcome> {
        let Judge::Plays(play) = rule.judge else {
            return None;
        };
        let played = play(self);
        Some(self.grounds.verdict(played))
    }

    fn unheard(&self) -> Option<Outcome> {
        self.hello().err().and_then(Stop::excuse)
    }

    fn command_lines(&self) -> Vec<String> {
        self.runnable.iter().map(|it| it.line.clone()).collect()
    }
}

impl Stage {
    /// Finds out what the plugin says about itself.
    pub(in crate::conformance) fn set(
        plugin: Plugin,
        subject: &Subject,
        options: &Options,
    ) -> Result<Stage, CheckError> {
        let mut stage = Stage {
            grounds: Grounds::new(plugin, subject, options),
            hello: None,
            signatures: None,
            runnable: Vec::new(),
            answering: None,
        };
        stage.hello = stage.raw(RawStart::Stdio, meet).ok();
        let asked = stage.greet(|it| it.ask(Call::Signature));
        if let Ok(Response::Signature(signatures)) = asked {
            let runnable = commands::runnable(&signatures, &options.commands, &subject.directory);
            stage.runnable = runnable?;
            stage.signatures = Some(signatures);
        }
        stage.grounds.forget();
        Ok(stage)
    }

    /// The plugin's Hello.
    pub(super) fn hello(&self) -> Played<&Hello> {
        let why = "it does not get as far as a Hello";
        let hello = self.hello.as_ref();
        hello.ok_or_else(|| Stop::NotChecked(why.to_owned()))
    }

    pub(super) fn version(&self) -> Played<Version> {
        let hello = self.hello()?;
        let unusable = |_| Stop::NotChecked("its Hello has no usable version".to_owned());
        Version::parse(&hello.version).map_err(unusable)
    }

    pub(super) fn dialect(&self) -> Played<Dialect> {
        let version = self.version()?;
        Dialect::of(&version).map_err(|error| Stop::NotChecked(error.to_string()))
    }

    /// The plugin's commands.
    pub(super) fn signatures(&self) -> Played<&[PluginSignature]> {
        self.hello()?;
        let why = "it does not get as far as naming its commands";
        let signatures = self.signatures.as_deref();
        signatures.ok_or_else(|| Stop::NotChecked(why.to_owned()))
    }

    /// The commands that may be run.
    pub(super) fn runnable(&self) -> Played<Vec<Runnable>> {
        self.signatures()?;
        if self.runnable.is_empty() {
            let why = "no command is known to be harmless; name one that may be run";
            return Err(Stop::NotChecked(why.to_owned()));
        }
        Ok(self.runnable.clone())
    }

    /// The commands that may be run and answer.
    fn answering(&mut self) -> Played<&[Answering]> {
        let runnable = self.runnable()?;
        if self.answering.is_none() {
            let mut found = Vec::new();
            for command in runnable {
                let answer = self.talk(|it| {
                    let id = it.run(&command);
                    it.answer(id)?;
                    let streams = it.watch.output_of(id).is_some();
                    match it.finish(id) {
                        Err(stop) if it.wire.is_closed() => Err(stop),
                        finished => Ok((streams, finished.is_ok())),
                    }
                });
                if let Ok((streams, ends)) = answer {
                    found.push(Answering {
                        command,
                        streams,
                        ends,
                    });
                }
            }
            self.answering = Some(found);
        }
        Ok(self.answering.as_deref().unwrap_or_default())
    }

    /// The commands that may be run, and answer to the end.
    pub(super) fn commands(&mut self) -> Played<Vec<Runnable>> {
        let why = "no command that may be run answers to the end";
        self.which(|it| it.ends, why)
    }

    /// Those that answer with a stream.
    pub(super) fn streaming(&mut self) -> Played<Vec<Runnable>> {
        let why = "no command that may be run gives a stream";
        self.which(|it| it.streams, why)
    }

    /// Those of them that come to an end.
    pub(super) fn ending(&mut self) -> Played<Vec<Runnable>> {
        let why = "no command that may be run gives a stream that ends";
        self.which(|it| it.streams && it.ends, why)
    }

    fn which(&mut self, wanted: fn(&Answering) -> bool, why: &str) -> Played<Vec<Runnable>> {
        let answering = self.answering()?.iter().filter(|it| wanted(it));
        let found: Vec<Runnable> = answering.map(|it| it.command.clone()).collect();
        match found.is_empty() {
            true if self.answering()?.iter().any(|it| it.ends) => {
                Err(Stop::NotApplicable(why.to_owned()))
            }
            true => Err(Stop::NotChecked(why.to_owned())),
            false => Ok(found),
        }
    }

    /// A conversation in which nothing was said yet.
    pub(super) fn raw<T>(
        &mut self,
        start: RawStart,
        play: impl FnOnce(&mut Conversation) -> Played<T>,
    ) -> Played<T> {
        let replies = Replies::Plain(self.grounds.directory.clone());
        let open = |wire| Conversation::new(wire, replies);
        self.grounds.converse(start, open, play)
    }

    /// A conversation in which both sides have said Hello, the engine first, with a plugin that answers.
    pub(super) fn talk<T>(
        &mut self,
        play: impl FnOnce(&mut Conversation) -> Played<T>,
    ) -> Played<T> {
        self.signatures()?;
        self.greet(play)
    }

    /// A conversation in which both sides have said Hello, the engine first.
    pub(super) fn greet<T>(
        &mut self,
        play: impl FnOnce(&mut Conversation) -> Played<T>,
    ) -> Played<T> {
        let version = self.version()?;
        self.raw(RawStart::Stdio, |it| {
            it.announcement()?;
            it.say_hello(&version);
            it.hear_hello()?;
            play(it)
        })
    }

    pub(super) fn has_feature(&self, feature: &Feature) -> Played<bool> {
        Ok(self.hello()?.features.contains(feature))
    }
}

/// Hears a plugin's Hello and says one of the same version. A plugin that waits is told the usual version.
pub(super) fn meet(it: &mut Conversation) -> Played<Hello> {
    it.announcement()?;
    let hello = match it.listen(Instant::now() + FIRST_HELLO)? {
        Heard::Message(Message::Hello(hello)) => hello,
        Heard::Message(_) | Heard::Closed => it.hear_hello()?,
        Heard::Silence => {
            it.say_hello(&USUAL_VERSION);
            return it.hear_hello();
        }
    };
    if let Ok(version) = Version::parse(&hello.version) {
        it.say_hello(&version);
    }
    Ok(hello)
}

impl Conversation {
    /// Runs a command with its own input, and gives the number of the call.
    pub(super) fn run(&mut self, command: &Runnable) -> CallId {
        let input = match &command.input {
            Some(value) => Header::Value(value.clone(), None),
            None => Header::Empty,
        };
        self.run_with(&command.name, command.call.clone(), input)
    }

    pub(super) fn run_with(&mut self, name: &str, call: EvaluatedCall, input: Header) -> CallId {
        let name = name.to_owned();
        self.call(Call::Run(Box::new(RunCall { name, call, input })))
    }

    /// Waits for the end of the stream that a call has given, if it has. One that is long is dropped on the way.
    pub(super) fn finish(&mut self, call: CallId) -> Played {
        let Some((id, _)) = self.watch.output_of(call) else {
            return Ok(());
        };
        let what = format!("end stream {id}");
        self.until(&what, |it| {
            let output = it.watch.outputs.get(&id);
            output.is_none_or(|output| output.ended || output.sent >= LONG_STREAM * output.credit())
        })?;
        if self.watch.outputs.get(&id).is_some_and(|it| !it.ended) {
            self.say(&Message::Drop(id));
            self.until(&format!("end stream {id}, which was dropped,"), |it| {
                it.watch.outputs.get(&id).is_none_or(|output| output.ended)
            })?;
        }
        Ok(())
    }
}
