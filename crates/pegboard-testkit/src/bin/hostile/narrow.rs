//! The family of modes that understand less than they have to.

use pegboard_testkit::hostile::Mode;
use serde_json::Value;

use crate::endings::{die, wait_for_ever};
use crate::plugin::{COMMAND, Plugin, number};

/// How many calls `tires-of-calls` answers.
const CALLS: u64 = 16;
/// The longest message for `small-reader`, in bytes of JSON.
const LENGTH: usize = 64 * 1024;
/// The deepest message for `shallow-reader`.
const DEPTH: usize = 40;

/// False for a message that is not answered. What a mode does not understand may be the end.
pub(crate) fn understands(plugin: &mut Plugin, message: &Value) -> bool {
    let call = &message["Call"];
    let run = &call[1]["Run"];
    plugin.calls += u64::from(!call.is_null());
    plugin.runs += u64::from(run["name"] == COMMAND);
    let settings = &plugin.settings;
    for mode in settings.modes() {
        match mode {
            Mode::RefusesUnknownFeatures if has_unknown_features(&message["Hello"]) => {
                die(settings, "exiting on an unknown feature")
            }
            Mode::HangsOnOtherVersion => {
                let version = &message["Hello"]["version"];
                if !version.is_null() && *version != settings.version {
                    wait_for_ever()
                }
            }
            Mode::SmallCallNumbers
                if !call.is_null() && u32::try_from(number(&call[0])).is_err() =>
            {
                die(settings, "exiting on a large number")
            }
            Mode::TiresOfCalls if plugin.calls > CALLS && !call.is_null() => return false,
            Mode::RunsOnce if plugin.runs > 1 => die(settings, "exiting on the second run"),
            Mode::DiesWithoutArgument
                if run["name"] == COMMAND && run["call"]["positional"][0].is_null() =>
            {
                die(settings, "exiting without an argument")
            }
            Mode::SmallReader if message.to_string().len() > LENGTH => {
                die(settings, "exiting on a long message")
            }
            Mode::ShallowReader if depth(message) > DEPTH => {
                die(settings, "exiting on a deep message")
            }
            Mode::StrictFields if run.as_object().is_some_and(|run| run.len() > 3) => {
                die(settings, "exiting on an unknown field")
            }
            Mode::HangsOnUnknown if is_unknown(message) => wait_for_ever(),
            Mode::HangsOnStrays if is_stray(plugin, message) => wait_for_ever(),
            _ => {}
        }
    }
    true
}

fn has_unknown_features(hello: &Value) -> bool {
    let features = hello["features"].as_array();
    let unknown = |feature: &Value| feature["name"] != "LocalSocket";
    features.is_some_and(|features| features.iter().any(unknown))
}

fn is_unknown(message: &Value) -> bool {
    let kind = |message: &Value| message.as_object()?.keys().next().cloned();
    match kind(message).as_deref() {
        Some("Call") => kind(&message["Call"][1]).as_deref() == Some("MakeCoffee"),
        Some("Coffee") => true,
        _ => false,
    }
}

fn is_stray(plugin: &Plugin, message: &Value) -> bool {
    let item = &message["Data"][0];
    let stray_item = !item.is_null() && number(item) == crate::messages::UNKNOWN_ID;
    stray_item || (!message["EngineCallResponse"].is_null() && plugin.asking.is_empty())
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
