//! Rules about ends.

use std::path::PathBuf;

use pegboard_host::RawProcess;
use serde_json::json;

use crate::conformance::octa::conversation::Conversation;
use crate::conformance::octa::stage::Stage;
use crate::conformance::play::{Converses, Played, QUIET, broken};

/// Hosts wait five times as long for an answer as for the end that follows it.
const ANSWERS_PER_END: u32 = 5;

pub(super) fn shutdown(stage: &mut Stage) -> Played {
    stage.greet(shut_down)
}

pub(super) fn shutdown_running(stage: &mut Stage) -> Played {
    for text in stage.texts()? {
        let execute = stage.execute(&text);
        stage.greet(|it| {
            let order = it.ask(&execute);
            it.started(order)?;
            shut_down(it)
        })?;
    }
    Ok(())
}

pub(super) fn socket_removed(stage: &mut Stage) -> Played {
    stage.greet(|it| {
        say_shutdown(it);
        it.ended(it.timeout())?;
        removed(it)
    })
}

pub(super) fn nothing_left(stage: &mut Stage) -> Played {
    for text in stage.texts()? {
        let execute = stage.execute(&text);
        stage.greet(|it| {
            let order = it.ask(&execute);
            it.started(order)?;
            say_shutdown(it);
            it.ended(it.timeout())?;
            match it
                .wire
                .process
                .offspring(std::time::Instant::now() + QUIET * 10)
                .len()
            {
                0 => Ok(()),
                1 => broken("a process that it started still runs"),
                count => broken(format!("{count} processes that it started still run")),
            }
        })?;
    }
    Ok(())
}

pub(super) fn interrupt(stage: &mut Stage) -> Played {
    signal(stage, RawProcess::interrupt)
}

pub(super) fn terminate(stage: &mut Stage) -> Played {
    signal(stage, RawProcess::terminate)
}

fn signal(stage: &mut Stage, signal: fn(&RawProcess)) -> Played {
    stage.greet(|it| {
        signal(&it.wire.process);
        it.ended(it.timeout())?;
        removed(it)
    })
}

pub(super) fn connection_closed(stage: &mut Stage) -> Played {
    stage.greet(|it| {
        it.wire.hang_up();
        it.ended(it.timeout()).map(drop)
    })
}

fn say_shutdown(it: &mut Conversation) {
    it.say(&json!({"type": "Shutdown"}));
}

/// Asks the plugin to end: it answers, and does.
fn shut_down(it: &mut Conversation) -> Played {
    say_shutdown(it);
    it.until("answer Shutdown", |it| it.watch.shut_down)?;
    let end = it.ended(it.timeout() / ANSWERS_PER_END)?;
    match end.code {
        Some(0) => Ok(()),
        _ => broken(format!("it ends with {}", end.words)),
    }
}

fn removed(it: &Conversation) -> Played {
    match it
        .wire
        .process
        .socket()
        .filter(|path: &PathBuf| path.exists())
    {
        None => Ok(()),
        Some(_) => broken("the file of its socket is still there"),
    }
}
