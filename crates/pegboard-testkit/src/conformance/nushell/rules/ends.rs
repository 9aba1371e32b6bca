//! Rules about signals, ends, and the local socket.

use pegboard_host::RawStart;
use pegboard_protocol::nu::{Call, Change, Dialect, Feature, Message, Signal};

use crate::conformance::nushell::conversation::Conversation;
use crate::conformance::nushell::stage::Stage;
use crate::conformance::play::{Played, Stop, broken};

pub(super) fn interrupt(stage: &mut Stage) -> Played {
    signal(stage, Signal::Interrupt)
}

pub(super) fn reset(stage: &mut Stage) -> Played {
    signal(stage, Signal::Reset)
}

fn signal(stage: &mut Stage, signal: Signal) -> Played {
    if !stage.dialect()?.has(Change::Signals) {
        let since = Dialect::since(Change::Signals);
        let why = format!("its version has no signals; {since} has");
        return Err(Stop::NotApplicable(why));
    }
    stage.talk(|it| {
        it.say(&Message::Signal(signal));
        it.goes_on()
    })
}

pub(super) fn goodbye(stage: &mut Stage) -> Played {
    stage.greet(|it| {
        it.say(&Message::Goodbye);
        ended_well(it)
    })
}

pub(super) fn goodbye_twice(stage: &mut Stage) -> Played {
    stage.greet(|it| {
        it.say_together(&[Message::Goodbye, Message::Goodbye]);
        ended_well(it)
    })
}

pub(super) fn goodbye_finishes(stage: &mut Stage) -> Played {
    stage.talk(|it| {
        let id = it.new_call();
        it.say_together(&[Message::Call(id, Call::Signature), Message::Goodbye]);
        it.answer(id)?;
        ended_well(it)
    })
}

pub(super) fn input_closed(stage: &mut Stage) -> Played {
    stage.greet(|it| {
        it.wire.close_input();
        let end = it.ended()?;
        match end.code {
            Some(_) => Ok(()),
            None => broken(format!("it does not end by itself: {}", end.words)),
        }
    })
}

pub(super) fn nothing_left(stage: &mut Stage) -> Played {
    let commands = stage.commands().unwrap_or_default();
    stage.greet(|it| {
        for command in &commands {
            let id = it.run(command);
            it.answer(id)?;
            it.finish(id)?;
        }
        it.say(&Message::Goodbye);
        it.wire.close_input();
        it.ended()?;
        match it.offspring().len() {
            0 => Ok(()),
            1 => broken("a process that it started still runs"),
            count => broken(format!("{count} processes that it started still run")),
        }
    })
}

pub(super) fn local_socket(stage: &mut Stage) -> Played {
    if !stage.has_feature(&Feature::LocalSocket)? {
        let why = "it does not offer one";
        return Err(Stop::NotApplicable(why.to_owned()));
    }
    let version = stage.version()?;
    stage.signatures()?;
    stage.raw(RawStart::LocalSocket, |it| {
        it.announcement()?;
        it.say_hello(&version);
        it.hear_hello()?;
        it.goes_on()?;
        it.say(&Message::Goodbye);
        ended_well(it)
    })
}

fn ended_well(it: &mut Conversation) -> Played {
    let end = it.ended()?;
    match end.code {
        Some(0) => Ok(()),
        _ => broken(format!("it ends with {}", end.words)),
    }
}
