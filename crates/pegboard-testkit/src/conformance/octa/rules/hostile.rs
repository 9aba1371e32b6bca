//! Rules about hosts that are odd, newer, or broken.

use pegboard_protocol::octa::{PARSE_ERROR, PROTOCOL_ERROR};
use serde_json::{Value as Tree, json};

use crate::conformance::octa::conversation::{Conversation, hello};
use crate::conformance::octa::stage::{Stage, VERSION};
use crate::conformance::play::{Converses, Played, broken};

/// The bytes of a large text.
const LARGE: usize = 1 << 20;

pub(super) fn carriage_returns(stage: &mut Stage) -> Played {
    let dry = stage.dry();
    stage.talk(|it| {
        let order = it.expect();
        it.say_line(&format!("{dry}\r\n"));
        it.finished(order).map(drop)
    })
}

pub(super) fn split_line(stage: &mut Stage) -> Played {
    let dry = stage.dry();
    stage.talk(|it| {
        let order = it.expect();
        it.say_line_in_pieces(&format!("{dry}\n"))?;
        it.finished(order).map(drop)
    })
}

pub(super) fn large_text(stage: &mut Stage) -> Played {
    let mut dry = stage.dry();
    let text = "x".repeat(LARGE);
    dry["payload"]["params"] = text.as_str().into();
    dry["payload"]["command"] = text.into();
    stage.talk(|it| it.goes_on(&dry))
}

pub(super) fn unknown_fields(stage: &mut Stage) -> Played {
    let mut dry = stage.dry();
    dry["since"] = "yesterday".into();
    dry["payload"]["mood"] = json!({"good": [true]});
    stage.talk(|it| it.goes_on(&dry))
}

pub(super) fn missing_text(stage: &mut Stage) -> Played {
    let mut execute = stage.dry();
    if let Some(fields) = execute["payload"].as_object_mut() {
        fields.retain(|name, _| name != "params" && name != "command");
    }
    complains(stage, &format!("{execute}\n"), &[PARSE_ERROR], |message| {
        message.contains("params") || message.contains("command")
    })
}

pub(super) fn malformed_line(stage: &mut Stage) -> Played {
    complains(stage, "{\"type\":\n", &[PARSE_ERROR], |_| true)
}

pub(super) fn unknown_message(stage: &mut Stage) -> Played {
    let message = json!({"type": "Telepathy", "payload": {"what": "hello"}});
    let errors = [PARSE_ERROR, PROTOCOL_ERROR];
    complains(stage, &format!("{message}\n"), &errors, |_| true)
}

pub(super) fn second_hello(stage: &mut Stage) -> Played {
    let line = format!("{}\n", hello(VERSION));
    complains(stage, &line, &[PROTOCOL_ERROR], |_| true)
}

/// The plugin answers a line with an error of one of these ids, and goes on.
fn complains(stage: &mut Stage, line: &str, ids: &[&str], says: fn(&str) -> bool) -> Played {
    let dry: Tree = stage.dry();
    stage.talk(|it| {
        it.watch.mistaken = 1;
        it.say_line(line);
        it.until("answer with an Error", |it: &Conversation| {
            !it.watch.complaints.is_empty() || !it.watch.executions.is_empty()
        })?;
        match it.watch.complaints.first() {
            None => broken("it starts an execution instead of answering with an Error"),
            Some((id, _)) if !ids.contains(&id.as_str()) => broken(format!(
                "its Error has the id `{id}` instead of `{}`",
                ids[0]
            )),
            Some((_, message)) if !says(message) => {
                broken(format!("its Error does not name the field: {message}"))
            }
            Some(_) => it.goes_on(&dry),
        }
    })
}
