//! One message in a few words.

use pegboard_host::protocol::nu::{
    Call, EngineCall, EngineResponse, Message, Response, StreamItem,
};
use pegboard_host::trace::call_name;
use serde_json::Value as Json;

/// What is shown of a message.
pub(super) struct Words {
    /// Its name and number.
    pub(super) name: String,
    /// The rest of it, as JSON.
    pub(super) content: String,
}

pub(super) fn words(message: &Message, text: &str) -> Words {
    let name = match message {
        Message::Hello(_) => "Hello".to_owned(),
        Message::Call(id, call) => format!("Call {id} {}", call_name(call)),
        Message::CallResponse(id, response) => {
            format!("CallResponse {id} {}", response_name(response))
        }
        Message::EngineCall { context, id, call } => {
            format!("EngineCall {id} {} in call {context}", call.name())
        }
        Message::EngineCallResponse(id, response) => {
            format!("EngineCallResponse {id} {}", engine_response_name(response))
        }
        Message::Data(id, _) => format!("Data {id}"),
        Message::End(id) => format!("End {id}"),
        Message::Drop(id) => format!("Drop {id}"),
        Message::Ack(id) => format!("Ack {id}"),
        Message::Signal(signal) => format!("Signal {signal:?}"),
        Message::Option(_) => "Option".to_owned(),
        Message::Goodbye => "Goodbye".to_owned(),
        Message::Unknown(name) => name.clone(),
    };
    Words {
        name,
        content: content(message, text),
    }
}

/// The same for a message of Octa's: its kind with the execution, and what it says of that.
pub(super) fn octa_words(name: &str, execution: Option<&str>, text: &str) -> Words {
    let name = match execution {
        Some(id) => format!("{name} {id}"),
        None => name.to_owned(),
    };
    let mut message: Json = serde_json::from_str(text).unwrap_or_default();
    let content = match message.get_mut("payload").map(Json::take) {
        Some(payload) => payload,
        None => message,
    };
    let content = match content {
        Json::Object(mut fields) => {
            fields.retain(|name, _| name != "type" && name != "id");
            match fields.is_empty() {
                true => String::new(),
                false => Json::Object(fields).to_string(),
            }
        }
        other => other.to_string(),
    };
    Words { name, content }
}

fn response_name(response: &Response) -> String {
    match response {
        Response::Ok => "Ok".to_owned(),
        Response::Error(error) => format!("Error `{}`", error.msg),
        Response::Metadata(_) => "Metadata".to_owned(),
        Response::Signature(signatures) => format!("Signature of {} commands", signatures.len()),
        Response::Ordering(_) => "Ordering".to_owned(),
        Response::Completions(_) => "CompletionItems".to_owned(),
        Response::Data(_) => "PipelineData".to_owned(),
    }
}

fn engine_response_name(response: &EngineResponse) -> String {
    match response {
        EngineResponse::Error(error) => format!("Error `{}`", error.msg),
        EngineResponse::Data(_) => "PipelineData".to_owned(),
        EngineResponse::Config(_) => "Config".to_owned(),
        EngineResponse::ValueMap(values) => format!("ValueMap of {}", values.len()),
        EngineResponse::Identifier(_) => "Identifier".to_owned(),
        EngineResponse::IrBlock(_) => "IrBlock".to_owned(),
    }
}

/// The innermost part of the message that its name does not tell already.
fn content(message: &Message, text: &str) -> String {
    let told = matches!(
        message,
        Message::Call(_, Call::Metadata | Call::Signature)
            | Message::CallResponse(_, Response::Ok | Response::Signature(_))
            | Message::EngineCall {
                call: EngineCall::GetConfig
                    | EngineCall::GetPluginConfig
                    | EngineCall::GetEnvVars
                    | EngineCall::GetCurrentDir
                    | EngineCall::GetHelp
                    | EngineCall::EnterForeground
                    | EngineCall::LeaveForeground,
                ..
            }
            | Message::End(_)
            | Message::Drop(_)
            | Message::Ack(_)
            | Message::Signal(_)
            | Message::Goodbye
    );
    let is_chunk = matches!(message, Message::Data(_, StreamItem::Raw(_)));
    let Ok(json) = serde_json::from_str::<Json>(text) else {
        return if told {
            String::new()
        } else {
            "(as MessagePack)".to_owned()
        };
    };
    if told {
        String::new()
    } else {
        let mut json = inner(json);
        if let Some(bytes) = json.get_mut("Ok").filter(|_| is_chunk) {
            json = bytes.take();
        }
        with_bytes_shown(json, is_chunk).to_string()
    }
}

/// How many bytes of a chunk are looked at.
const LOOKED_AT: usize = 64;

/// Shows bytes as text if they are, else in hexadecimal. Bytes are the values of the type Binary, and the whole of a
/// chunk of a byte stream.
fn with_bytes_shown(json: Json, is_bytes: bool) -> Json {
    match json {
        Json::Array(items) if is_bytes => shown_bytes(&items).unwrap_or(Json::Array(items)),
        Json::Array(items) => {
            let items = items.into_iter();
            items.map(|item| with_bytes_shown(item, false)).collect()
        }
        Json::Object(fields) => {
            let shown = fields.into_iter().map(|(name, field)| match field {
                Json::Object(mut inner) if name == "Binary" => {
                    if let Some(val) = inner.get_mut("val") {
                        *val = with_bytes_shown(val.take(), true);
                    }
                    (name, Json::Object(inner))
                }
                field => (name, with_bytes_shown(field, false)),
            });
            Json::Object(shown.collect())
        }
        other => other,
    }
}

fn shown_bytes(numbers: &[Json]) -> Option<Json> {
    let first: Option<Vec<u8>> = numbers
        .iter()
        .take(LOOKED_AT)
        .map(|number| number.as_u64().and_then(|number| u8::try_from(number).ok()))
        .collect();
    let first = first?;
    let more = if numbers.len() > LOOKED_AT { "..." } else { "" };
    let is_text = |text: &str| !text.chars().any(|c| c.is_control() && !c.is_whitespace());
    let text = match std::str::from_utf8(&first) {
        Ok(text) => Some(text),
        // The last character may be cut off.
        Err(error) if error.error_len().is_none() && !more.is_empty() => {
            std::str::from_utf8(&first[..error.valid_up_to()]).ok()
        }
        Err(_) => None,
    };
    let shown = match text.filter(|text| is_text(text)) {
        Some(text) => text.to_owned(),
        None => {
            let hex: Vec<String> = first.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("0x[{}{more}]", hex.join(" "))
        }
    };
    let more = if shown.starts_with("0x[") { "" } else { more };
    let count = numbers.len();
    let noun = if count == 1 { "byte" } else { "bytes" };
    Some(Json::String(format!("{count} {noun}: {shown}{more}")))
}

/// Takes off the names of variants and the numbers that come first.
fn inner(json: Json) -> Json {
    let mut json = json;
    // A message, its kind and its data are at most three names deep.
    for _ in 0..3 {
        json = match json {
            Json::Object(mut object) if object.len() == 1 => match object.iter_mut().next() {
                Some((name, inner)) if name.starts_with(|c: char| c.is_ascii_uppercase()) => {
                    inner.take()
                }
                _ => return Json::Object(object),
            },
            Json::Array(mut items) if items.len() == 2 && items[0].is_u64() => items.remove(1),
            Json::Object(mut object)
                if object.contains_key("context") && object.contains_key("call") =>
            {
                object.remove("call").unwrap_or_default()
            }
            other => return other,
        };
    }
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_as_text_or_in_hexadecimal() {
        let bytes = |bytes: &[u8]| Json::from(bytes.to_vec());
        for (given, expected) in [
            (bytes(b"a\n"), r#""2 bytes: a\n""#.to_owned()),
            (bytes(&[0, 255]), r#""2 bytes: 0x[00 ff]""#.to_owned()),
            (bytes(b""), r#""0 bytes: ""#.to_owned()),
            (
                bytes(&[b'x'; 100]),
                format!(r#""100 bytes: {}...""#, "x".repeat(64)),
            ),
        ] {
            assert_eq!(with_bytes_shown(given, true).to_string(), expected);
        }
        let value = serde_json::json!({"Binary": {"val": [1], "span": [1, 2]}});
        let expected = r#"[{"Binary":{"val":"1 byte: 0x[01]","span":[1,2]}}]"#;
        assert_eq!(
            with_bytes_shown(Json::Array(vec![value]), false).to_string(),
            expected
        );
    }
}
