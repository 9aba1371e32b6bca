//! The family of modes that answer wrongly, or die instead.

use std::process;

use pegboard_testkit::hostile::Mode;
use serde_json::json;

use crate::endings::die;
use crate::messages::{self, UNKNOWN_ID};
use crate::plugin::{Plugin, Reaction};

pub(crate) fn on_run(plugin: &mut Plugin, call: u64, mode: Mode) -> Reaction {
    let wire = &plugin.wire;
    match mode {
        Mode::NeverReplies => {}
        Mode::WrongResponseKind => {
            wire.send(&messages::response(call, json!({"Ordering": "Less"})));
        }
        Mode::InvalidSpanLabels => {
            let labels = json!([
                {"text": "ends before it starts", "span": {"start": 10, "end": 5}},
                {"text": "lies far outside", "span": {"start": u64::MAX - 1, "end": u64::MAX}},
            ]);
            let error = json!({"msg": "the labels are wrong", "labels": labels});
            wire.send(&messages::response(call, json!({"Error": error})));
        }
        Mode::ErrorWithoutLabelsNull => {
            let error = json!({"msg": "the labels are null", "labels": null, "inner": null});
            wire.send(&messages::response(call, json!({"Error": error})));
        }
        Mode::ResponseUnknownId => {
            wire.send(&messages::answer(
                UNKNOWN_ID,
                messages::string("for nobody"),
            ));
            return Reaction::GoOn;
        }
        Mode::EmptyError => wire.send(&messages::error(call, "")),
        Mode::CustomValue => {
            let custom = json!({"type": "PluginCustomValue", "name": "riddle", "data": [1, 2]});
            let span = json!({"start": 0, "end": 0});
            let value = json!({"Custom": {"val": custom, "span": span}});
            wire.send(&messages::answer(call, value));
        }
        Mode::PrintsToStdout => {
            wire.bytes(b"warning: something was printed to stdout\n");
            return Reaction::GoOn;
        }
        Mode::AckUnknown => {
            wire.send(&messages::ack(UNKNOWN_ID));
            wire.send(&messages::drop_stream(UNKNOWN_ID));
            return Reaction::GoOn;
        }
        Mode::DiesOnRun => die(&plugin.settings, "exiting on Run"),
        Mode::DiesMidMessage => {
            let bytes = wire.encode(&messages::answer(call, messages::string("half of it")));
            wire.bytes(&bytes[..bytes.len() / 2]);
            die(&plugin.settings, "exiting in the middle of a message")
        }
        Mode::AbortsOnRun => process::abort(),
        _ => return Reaction::GoOn,
    }
    Reaction::Done
}
