//! Messages as plain JSON trees.

use pegboard_testkit::hostile::Mode;
use serde_json::{Value, json};

use crate::settings::Settings;

/// The stream that the plugin produces.
pub(crate) const STREAM: u64 = 0;
/// A stream or call that nobody has heard of.
pub(crate) const UNKNOWN_ID: u64 = 9_999;

pub(crate) fn hello(protocol: &str, version: &str, local_socket: bool) -> Value {
    let features = match local_socket {
        true => json!([{"name": "LocalSocket"}]),
        false => json!([]),
    };
    json!({"Hello": {"protocol": protocol, "version": version, "features": features}})
}

pub(crate) fn option(name: &str) -> Value {
    json!({"Option": {name: true}})
}

pub(crate) fn response(call: u64, body: Value) -> Value {
    json!({"CallResponse": [call, body]})
}

/// Answers a call with a value.
pub(crate) fn answer(call: u64, value: Value) -> Value {
    response(call, json!({"PipelineData": {"Value": [value, null]}}))
}

/// Answers a call with a list stream whose items follow.
pub(crate) fn list_stream(call: u64) -> Value {
    let header = json!({"ListStream": {"id": STREAM, "span": span(), "metadata": null}});
    response(call, json!({"PipelineData": header}))
}

/// Answers a call with a byte stream whose chunks follow.
pub(crate) fn byte_stream(call: u64) -> Value {
    let header =
        json!({"ByteStream": {"id": STREAM, "span": span(), "type": "Binary", "metadata": null}});
    response(call, json!({"PipelineData": header}))
}

pub(crate) fn item(stream: u64, number: u64) -> Value {
    json!({"Data": [stream, {"List": int(number)}]})
}

pub(crate) fn chunk(stream: u64, bytes: &[u8]) -> Value {
    json!({"Data": [stream, {"Raw": {"Ok": bytes}}]})
}

pub(crate) fn end(stream: u64) -> Value {
    json!({"End": stream})
}

pub(crate) fn ack(stream: u64) -> Value {
    json!({"Ack": stream})
}

pub(crate) fn drop_stream(stream: u64) -> Value {
    json!({"Drop": stream})
}

pub(crate) fn engine_call(context: u64, id: u64, call: &str) -> Value {
    json!({"EngineCall": {"context": context, "id": id, "call": call}})
}

pub(crate) fn error(call: u64, message: &str) -> Value {
    response(call, json!({"Error": {"msg": message}}))
}

pub(crate) fn int(number: u64) -> Value {
    json!({"Int": {"val": number, "span": span()}})
}

pub(crate) fn string(text: &str) -> Value {
    json!({"String": {"val": text, "span": span()}})
}

fn span() -> Value {
    json!({"start": 0, "end": 0})
}

pub(crate) fn metadata(call: u64) -> Value {
    response(call, json!({"Metadata": {"version": "1.0.0"}}))
}

/// Answers with the signature of the only command.
pub(crate) fn signature(call: u64, command: &str) -> Value {
    let help = json!({
        "long": "help", "short": "h", "arg": null, "required": false,
        "desc": "Display the help message for this command",
        "var_id": null, "default_value": null, "completion": null,
    });
    let signature = json!({
        "name": command,
        "description": "Misbehave on demand",
        "extra_description": "",
        "search_terms": [],
        "required_positional": [],
        "optional_positional": [],
        "rest_positional": {
            "name": "rest", "desc": "Ignored", "shape": "Any",
            "var_id": null, "default_value": null, "completion": null,
        },
        "named": [help],
        "input_output_types": [["Any", "Any"]],
        "allow_variants_without_examples": true,
        "is_filter": false,
        "creates_scope": false,
        "allows_unknown_args": false,
        "complete": null,
        "category": "Experimental",
    });
    response(
        call,
        json!({"Signature": [{"sig": signature, "examples": []}]}),
    )
}

/// The same, with what the modes get wrong about it.
pub(crate) fn described(call: u64, command: &str, settings: &Settings) -> Value {
    let mut answer = signature(call, command);
    let commands = &mut answer["CallResponse"][1]["Signature"];
    let example = |line: &str, result: Value| json!({"example": line, "description": "An example", "result": result});
    for mode in settings.modes() {
        let sig = &mut commands[0]["sig"];
        match mode {
            Mode::SameCommandTwice => *commands = json!([commands[0], commands[0]]),
            Mode::SameArgumentTwice => {
                sig["optional_positional"] = json!([sig["rest_positional"]]);
            }
            Mode::DiesWithoutArgument => {
                let mut argument = sig["rest_positional"].clone();
                argument["name"] = json!("first");
                sig["required_positional"] = json!([argument]);
            }
            Mode::SameFlagTwice => {
                let mut flag = sig["named"][0].clone();
                flag["long"] = json!("hello");
                sig["named"] = json!([sig["named"][0], flag]);
            }
            Mode::ForeignExample => {
                commands[0]["examples"] = json!([example("ls", Value::Null)]);
            }
            Mode::FalseExample => {
                commands[0]["examples"] = json!([example(command, string("friendly"))]);
            }
            _ => {}
        }
    }
    answer
}
