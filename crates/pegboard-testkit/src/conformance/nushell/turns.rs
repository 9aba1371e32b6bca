//! Turns of a conversation that many rules take.

use std::time::Instant;

use pegboard_host::RawEnd;
use pegboard_protocol::nu::{
    Call, CallId, Dialect, Feature, Hello, Message, Response, StreamId, StreamItem,
};
use semver::Version;

use super::conversation::Conversation;
use super::watch::{Asked, Input, Kind};
use crate::conformance::play::{Converses, Heard, Played, broken, silent};

impl Conversation {
    /// Says Hello as an engine of this version.
    pub(super) fn say_hello(&mut self, version: &Version) {
        let hello = Hello {
            protocol: "nu-plugin".to_owned(),
            version: version.to_string(),
            features: vec![Feature::LocalSocket],
        };
        if let Ok(dialect) = Dialect::of(version) {
            self.dialect = dialect;
        }
        self.say(&Message::Hello(hello));
        self.wire.patience.nothing_waits();
    }

    /// Reads up to the plugin's Hello.
    pub(super) fn hear_hello(&mut self) -> Played<Hello> {
        let (deadline, within) = (self.wire.deadline(), self.wire.patience.silence());
        loop {
            match self.listen(deadline)? {
                Heard::Message(Message::Hello(hello)) => return Ok(hello),
                Heard::Message(_) if Instant::now() < deadline => {}
                Heard::Message(_) | Heard::Silence => return silent("say Hello", within),
                Heard::Closed => return self.gone("say Hello"),
            }
        }
    }

    /// Makes a call, and gives its number.
    pub(super) fn call(&mut self, call: Call) -> CallId {
        let id = self.new_call();
        self.say(&Message::Call(id, call));
        id
    }

    /// A number for a call that is written in some other way.
    pub(super) fn new_call(&mut self) -> CallId {
        let id = CallId(self.next_call);
        self.next_call += 1;
        self.watch.calls.insert(id, Asked::new(Kind::Any));
        self.wire.patience.call(id.0);
        id
    }

    /// A number for a stream that the engine is going to send.
    pub(super) fn new_stream(&mut self) -> StreamId {
        let id = StreamId(self.next_stream);
        self.next_stream += 1;
        self.expect_input(id);
        id
    }

    /// From now on the plugin may ack and drop this stream.
    pub(super) fn expect_input(&mut self, id: StreamId) {
        self.watch.inputs.insert(id, Input::default());
    }

    pub(super) fn send_item(&mut self, stream: StreamId, item: StreamItem) {
        self.say(&Message::Data(stream, item));
    }

    /// Waits for the answer to a call.
    pub(super) fn answer(&mut self, id: CallId) -> Played<Response> {
        self.until(&format!("answer call {id}"), |it| it.has_answered(id))?;
        let asked = self.watch.calls.get(&id);
        let answer = asked.and_then(|asked| asked.answer.clone());
        answer.map_or_else(|| broken("its answer is lost"), Ok)
    }

    pub(super) fn has_answered(&self, id: CallId) -> bool {
        let asked = self.watch.calls.get(&id);
        asked.is_some_and(|asked| asked.answer.is_some())
    }

    /// Makes a call and waits for its answer.
    pub(super) fn ask(&mut self, call: Call) -> Played<Response> {
        let id = self.call(call);
        self.answer(id)
    }

    /// Checks that the plugin still answers, and listens for what it says unasked.
    pub(super) fn goes_on(&mut self) -> Played {
        self.ask(Call::Signature)?;
        self.listen_on()
    }

    /// Checks that the plugin either goes on, or ends by itself and says why on standard error.
    pub(super) fn goes_on_or_ends_in_words(&mut self) -> Played {
        if self.goes_on_or_ends()? {
            return Ok(());
        }
        self.ended_in_words()
    }

    /// Checks that the plugin either goes on, or ends by itself when the engine knows its version, or knows
    /// why from standard error.
    pub(super) fn goes_on_or_ends_after_hello(&mut self) -> Played {
        if self.goes_on_or_ends()? {
            return Ok(());
        }
        let end = self.ended()?;
        if end.code.is_some() && self.watch.hellos > 0 {
            return Ok(());
        }
        self.ended_in_words()
    }

    /// True for a plugin that goes on, false for one that ends.
    fn goes_on_or_ends(&mut self) -> Played<bool> {
        let id = self.call(Call::Signature);
        let (deadline, within) = (self.wire.deadline(), self.wire.patience.silence());
        loop {
            if self.has_answered(id) {
                return Ok(true);
            }
            match self.listen(deadline)? {
                Heard::Message(_) if Instant::now() < deadline => {}
                Heard::Message(_) | Heard::Silence => {
                    return broken(format!("it neither goes on nor ends within {within:?}"));
                }
                Heard::Closed => return Ok(false),
            }
        }
    }

    /// Checks that the plugin ends by itself, and says why on standard error.
    pub(super) fn ended_in_words(&mut self) -> Played {
        let end = self.ended()?;
        if end.code.is_none() {
            return broken(format!("it does not end by itself: {}", end.words));
        }
        if self.wire.process.last_words().is_empty() {
            return broken(format!(
                "it ends ({}) without saying why on standard error",
                end.words
            ));
        }
        Ok(())
    }

    /// Waits for the plugin to end. What it says until then is read.
    pub(super) fn ended(&mut self) -> Played<RawEnd> {
        let (deadline, within) = (self.wire.deadline(), self.wire.patience.silence());
        while let Ok(Heard::Message(_)) = self.listen(deadline) {
            if Instant::now() > deadline {
                break;
            }
        }
        self.wire.end(deadline, within)
    }

    /// What the plugin has started and left behind.
    pub(super) fn offspring(&self) -> Vec<u32> {
        self.wire.process.offspring(self.wire.deadline())
    }
}
