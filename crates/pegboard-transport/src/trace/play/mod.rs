//! Plays one side of a recorded conversation to a real program, and finds the first difference.
//!
//! What the recorded side said is said again, in its order, each message when all that came before it in the recording
//! has come. What the other side says has to be what was recorded, within each call and each stream: these may overtake
//! each other. Numbers and names, the cutting of bytes into pieces, flow control and times do not count.

mod drive;
mod json;
mod lines;
mod nushell;
mod octa;

pub use octa::{OctaConversation, Said};

use std::time::Duration;

use pegboard_protocol::nu::Message;

/// How a replay is to go.
#[derive(Clone, Debug)]
pub struct PlaySettings {
    /// How long the other side may take for each message, beyond the time that it took in the recording.
    pub patience: Duration,
    /// Values of environment variables, for those that were left out of the recording.
    pub environment: Vec<(String, String)>,
    /// Let the plugin have another version than in the recording, and speak to it in its own.
    pub any_version: bool,
    /// How long to let the other side say its version first where it may have another one, to then announce the same.
    /// None to speak at once.
    pub version_wait: Option<Duration>,
}

impl Default for PlaySettings {
    /// 30 s, no environment, the same version, two seconds.
    fn default() -> PlaySettings {
        PlaySettings {
            patience: Duration::from_secs(30),
            environment: Vec::new(),
            any_version: false,
            version_wait: Some(Duration::from_secs(2)),
        }
    }
}

/// How a replay went.
#[derive(Clone, Debug, Default)]
pub struct Played {
    /// The first difference. None if the program said all that was recorded, and nothing else.
    pub difference: Option<Mismatch>,
    /// How many recorded messages the program has said again.
    pub heard: usize,
    /// How many recorded messages were said to it.
    pub said: usize,
    /// How many values of environment variables were taken from [`PlaySettings::environment`].
    pub filled: usize,
    /// How many were said as they stand in the recording, which does not have them.
    pub hidden: usize,
}

/// Where a program first did something else than was recorded.
#[derive(Clone, Debug)]
pub struct Mismatch {
    /// The entry of the trace at which it happened. None behind the last.
    pub entry: Option<usize>,
    /// What was recorded there.
    pub recorded: Option<Spoken>,
    /// What the program said. None if it said nothing.
    pub now: Option<Spoken>,
    /// What is different, in a few words.
    pub what: String,
    /// The program had closed its side of the link, or did not listen any more.
    pub is_gone: bool,
}

/// A message of either protocol.
#[derive(Clone, Debug, PartialEq)]
pub enum Spoken {
    /// Of Nushell's.
    Nushell(Message),
    /// Of Octa's.
    Octa(Said),
}

impl Played {
    /// What is said in place of a value that was left out of the recording, by the variable's name.
    fn fill_in<'a>(&mut self, name: &str, settings: &'a PlaySettings) -> Option<&'a str> {
        let mut known = settings.environment.iter();
        let value = known.find(|(known, _)| known == name);
        match value {
            Some(_) => self.filled += 1,
            None => self.hidden += 1,
        }
        value.map(|(_, value)| value.as_str())
    }
}
