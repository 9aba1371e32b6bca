//! The family of modes that ask the engine for what it does not have.

use pegboard_testkit::hostile::Mode;
use serde_json::Value;

use crate::endings::die;
use crate::messages::{self, UNKNOWN_ID};
use crate::plugin::{Plugin, Reaction};

pub(crate) fn on_run(plugin: &mut Plugin, call: u64, mode: Mode) -> Reaction {
    let message = match mode {
        Mode::EngineCallUnknown => messages::engine_call(call, 0, "MakeCoffee"),
        Mode::HangsOnRefusal => messages::engine_call(call, 0, "GetCurrentDir"),
        Mode::TakesForeground => messages::engine_call(call, 0, "EnterForeground"),
        Mode::EngineCallBadContext => messages::engine_call(UNKNOWN_ID, 0, "GetCurrentDir"),
        _ => return Reaction::GoOn,
    };
    plugin.wire.send(&message);
    plugin.asking.push_back(call);
    Reaction::Done
}

/// The engine has replied: the waiting Run is answered with the reply's text.
pub(crate) fn reply(plugin: &mut Plugin, reply: &Value) {
    if let Some(call) = plugin.asking.pop_front() {
        if plugin.settings.has(Mode::TakesForeground) {
            // Whoever watches the terminal sees from this that the plugin has it.
            eprintln!("hostile: has the terminal");
            if plugin.settings.has(Mode::DiesOnRun) {
                die(&plugin.settings, "exiting with the terminal");
            } else if plugin.settings.has(Mode::NeverReplies) {
                return;
            }
        }
        if plugin.settings.has(Mode::HangsOnRefusal) && reply.get("Error").is_some() {
            return;
        }
        plugin.answer(call, messages::string(&reply.to_string()));
    }
}
