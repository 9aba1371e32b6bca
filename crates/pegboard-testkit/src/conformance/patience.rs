//! How long a plugin may take: as long as was given for each message that it still has to read.

use std::collections::BTreeMap;
use std::time::Duration;

/// A silence is not waited out for longer than so many messages take.
const MOST: u64 = 4;

/// What a plugin was told, and how much of that it is known to have read.
#[derive(Debug)]
pub(super) struct Patience {
    /// How long one message may take.
    each: Duration,
    said: u64,
    read: u64,
    /// How much had been said with each call, by its number.
    calls: BTreeMap<u64, u64>,
}

impl Patience {
    pub(super) fn new(each: Duration) -> Patience {
        Patience {
            each,
            said: 0,
            read: 0,
            calls: BTreeMap::new(),
        }
    }

    /// Something is said that the plugin has to read.
    pub(super) fn say(&mut self) {
        self.said += 1;
    }

    /// The next thing that is said is this call.
    pub(super) fn call(&mut self, call: u64) {
        self.calls.insert(call, self.said + 1);
    }

    /// What was said up to now takes the plugin no time.
    pub(super) fn nothing_waits(&mut self) {
        self.read = self.said;
    }

    /// The plugin has answered a call, so it has read all up to there.
    pub(super) fn answered(&mut self, call: u64) {
        let read = self.calls.get(&call).copied().unwrap_or_default();
        self.read = self.read.max(read);
    }

    /// The plugin has read one thing more.
    pub(super) fn acked(&mut self) {
        self.read = self.said.min(self.read + 1);
    }

    /// How long the plugin may be silent.
    pub(super) fn silence(&self) -> Duration {
        self.each * u32::try_from(self.waiting().min(MOST)).unwrap_or(1)
    }

    /// How long the plugin may take for all that it was told.
    pub(super) fn all(&self) -> Duration {
        self.each * u32::try_from(self.waiting()).unwrap_or(u32::MAX)
    }

    /// How many messages the plugin may still have to read; the one that it is asked for counts in any case.
    fn waiting(&self) -> u64 {
        self.said.saturating_sub(self.read).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_that_waits_has_its_time() {
        let seconds = |patience: &Patience| {
            let (silence, all) = (patience.silence(), patience.all());
            (silence.as_secs(), all.as_secs())
        };
        let mut patience = Patience::new(Duration::from_secs(1));
        assert_eq!(seconds(&patience), (1, 1));
        patience.say();
        patience.nothing_waits();
        assert_eq!(seconds(&patience), (1, 1));
        patience.call(7);
        (0..3).for_each(|_| patience.say());
        assert_eq!(seconds(&patience), (3, 3));
        patience.answered(7);
        assert_eq!(seconds(&patience), (2, 2));
        (0..9).for_each(|_| patience.say());
        assert_eq!(seconds(&patience), (4, 11));
        patience.acked();
        assert_eq!(seconds(&patience), (4, 10));
        // An answer that comes late takes nothing back.
        patience.answered(7);
        assert_eq!(seconds(&patience), (4, 10));
        (0..99).for_each(|_| patience.acked());
        assert_eq!(seconds(&patience), (1, 1));
    }
}
