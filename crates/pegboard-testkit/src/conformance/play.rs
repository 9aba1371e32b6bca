//! How a rule is played, whatever the protocol: where, in what conversations, and what comes of it.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use pegboard_host::{Plugin, RawProcess, RawStart};

use super::report::{Fault, Outcome};
use super::rule::Rule;
use super::transcript::Noticed;
use super::wire::Wire;
use super::{Options, Subject};

/// After its last answer a plugin may have this long to say something that it should not say.
pub(super) const QUIET: Duration = Duration::from_millis(30);
/// How long a process that has closed its link may take to be seen as ended.
const GONE: Duration = Duration::from_millis(300);

/// Why a rule cannot be played to its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// The plugin breaks it.
    Broken(String),
    /// It is about something that the plugin does not have.
    NotApplicable(String),
    /// There is no way to try it.
    NotChecked(String),
}

impl Stop {
    /// The verdict on a rule that could not be played; none if the plugin breaks it.
    pub(super) fn excuse(self) -> Option<Outcome> {
        match self {
            Stop::Broken(_) => None,
            Stop::NotApplicable(why) => Some(Outcome::NotApplicable(why)),
            Stop::NotChecked(why) => Some(Outcome::NotChecked(why)),
        }
    }
}

pub(super) type Played<T = ()> = Result<T, Stop>;

/// A rule that a message breaks, and what is wrong.
pub(super) type Broken = (&'static str, String);

/// Says that the plugin breaks the rule that is played.
pub(super) fn broken<T>(what: impl Into<String>) -> Played<T> {
    Err(Stop::Broken(what.into()))
}

/// The plugin has not done what it should for so long.
pub(super) fn silent<T>(what: &str, within: Duration) -> Played<T> {
    broken(format!("it does not {what} within {within:?}"))
}

/// What listening gives.
#[derive(Debug)]
pub(super) enum Heard<M> {
    Message(M),
    /// Nothing until the deadline.
    Silence,
    /// The plugin has closed its end.
    Closed,
}

/// Where the rules of one protocol are played.
pub(super) trait Plays {
    fn grounds(&self) -> &Grounds;

    /// Plays a rule, if it is one that is played.
    fn play(&mut self, rule: &Rule) -> Option<Outcome>;

    /// The verdict on messages if there were none to look at.
    fn unheard(&self) -> Option<Outcome>;

    /// The commands that may be run, as they were called.
    fn command_lines(&self) -> Vec<String>;
}

/// What every stage stands on: the plugin, and what came of the conversations with it.
pub(super) struct Grounds {
    plugin: Plugin,
    pub(super) timeout: Duration,
    pub(super) directory: PathBuf,
    pub(super) noticed: Noticed,
    /// What went wrong in the last conversation.
    fault: Option<Fault>,
}

impl Grounds {
    pub(super) fn new(plugin: Plugin, subject: &Subject, options: &Options) -> Grounds {
        Grounds {
            plugin,
            timeout: options.timeout,
            directory: subject.directory.clone(),
            noticed: Noticed::default(),
            fault: None,
        }
    }

    pub(super) fn start(&self, start: RawStart) -> Result<RawProcess, String> {
        self.plugin
            .start_raw(start)
            .map_err(|error| error.to_string())
    }

    /// A conversation with a process of its own, in which nothing was said yet.
    pub(super) fn converse<C: Converses, T>(
        &mut self,
        start: RawStart,
        open: impl FnOnce(Wire) -> C,
        play: impl FnOnce(&mut C) -> Played<T>,
    ) -> Played<T> {
        let process = match self.start(start) {
            Ok(process) => process,
            Err(error) => return broken(format!("it cannot be started: {error}")),
        };
        let wire = Wire::connect(process, self.timeout, &self.noticed, C::unlinked);
        let mut conversation = match wire {
            Ok(wire) => open(wire),
            Err(fault) => {
                let what = fault.what.clone();
                self.fault = Some(fault);
                return broken(what);
            }
        };
        let played = play(&mut conversation);
        if let Err(Stop::Broken(what)) = &played {
            self.fault = Some(conversation.wire().fault(what.clone()));
        }
        played
    }

    /// The verdict on a rule that was played.
    pub(super) fn verdict(&mut self, played: Played) -> Outcome {
        let fault = self.fault.take();
        match played {
            Ok(()) => Outcome::Passed,
            Err(Stop::NotApplicable(why)) => Outcome::NotApplicable(why),
            Err(Stop::NotChecked(why)) => Outcome::NotChecked(why),
            Err(Stop::Broken(what)) => {
                let fault = fault.filter(|fault| fault.what == what);
                let fault = fault.unwrap_or_else(|| Fault {
                    what,
                    ..Fault::default()
                });
                Outcome::Failed(Box::new(fault))
            }
        }
    }

    /// What went wrong up to now was only a try.
    pub(super) fn forget(&mut self) {
        self.fault = None;
    }
}

/// One conversation with one process of the plugin, in the place of its engine.
pub(super) trait Converses {
    type Message;

    /// What closing its end is called.
    const CLOSES: &'static str;

    /// Why there is no link to a process, in words.
    fn unlinked(error: &io::Error, within: Duration) -> String;

    fn wire(&mut self) -> &mut Wire;

    /// The next message.
    fn listen(&mut self, deadline: Instant) -> Played<Heard<Self::Message>>;

    /// True for a message that shows that the plugin has read what it was told, and so earns it more time.
    fn shows_reading(message: &Self::Message) -> bool;

    /// Listens until `reached`, for as long as the plugin may be silent, and anew whenever it has shown that it reads
    /// what it was told. `what` is what it has to do, as in "it does not ... within 5s".
    fn until(&mut self, what: &str, mut reached: impl FnMut(&Self) -> bool) -> Played {
        let last = Instant::now() + self.wire().patience.all();
        let mut within = self.wire().patience.silence();
        let mut deadline = Instant::now() + within;
        while !reached(self) {
            match self.listen(deadline)? {
                Heard::Message(message) if Self::shows_reading(&message) => {
                    within = self.wire().patience.silence();
                    deadline = last.min(Instant::now() + within);
                }
                Heard::Message(_) => {}
                Heard::Silence => return silent(what, within),
                Heard::Closed => return self.gone(what),
            }
            if Instant::now() > deadline && !reached(self) {
                return silent(what, within);
            }
        }
        Ok(())
    }

    /// Listens for what the plugin says unasked, for a moment.
    fn listen_on(&mut self) -> Played {
        let deadline = Instant::now() + QUIET;
        while let Heard::Message(_) = self.listen(deadline)? {
            if Instant::now() > deadline {
                break;
            }
        }
        Ok(())
    }

    /// Says bytes with a write of its own for each. The first is alone for a while, so that it is read alone.
    fn say_in_pieces(&mut self, bytes: &[u8]) -> Played {
        for (index, byte) in bytes.iter().enumerate() {
            self.wire().write(vec![*byte]);
            if index == 0 {
                self.listen_on()?;
            }
        }
        Ok(())
    }

    /// The plugin has closed its end when it should do something else.
    fn gone<T>(&mut self, what: &str) -> Played<T> {
        broken(match self.wire().process.wait(Instant::now() + GONE) {
            Some(end) => format!("it ends ({}) when it should {what}", end.words),
            None => format!("it {} when it should {what}", Self::CLOSES),
        })
    }
}
