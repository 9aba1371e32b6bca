//! Reads the one message that comes by the million, a line of output, in the form in which it usually comes. All others,
//! and everything that is wrong, are left to the general reader, which gives the same for what is read here.

use crate::octa::message::{FromPlugin, Stream};

/// `{"type":"Stdout","payload":{"id":"...","line":"..."}}`, without white space and with nothing to undo in the id.
pub(super) fn output(text: &str) -> Option<FromPlugin> {
    let rest = text.strip_prefix(r#"{"type":"Std"#)?;
    let (stream, rest) = match rest.split_at_checked(3)? {
        ("out", rest) => (Stream::Stdout, rest),
        ("err", rest) => (Stream::Stderr, rest),
        _ => return None,
    };
    let rest = rest.strip_prefix(r#"","payload":{"id":""#)?;
    let (id, rest) = rest.split_once('"')?;
    if id.bytes().any(|byte| byte == b'\\' || byte < b' ') {
        return None;
    }
    let line = rest.strip_prefix(r#","line":"#)?.strip_suffix("}}")?;
    // More entries behind it would make this no string.
    let line: String = serde_json::from_str(line).ok()?;
    Some(FromPlugin::Output {
        id: id.to_owned(),
        stream,
        bytes: line.into_bytes(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::octa::error::LineError;
    use crate::octa::wire::decode;

    fn general(text: &str) -> Result<FromPlugin, LineError> {
        // White space is left to the general reader.
        decode(&text.replacen("{\"type\"", "{ \"type\"", 1))
    }

    #[test]
    fn the_usual_form_is_read_as_the_general_reader_does() {
        for text in [
            r#"{"type":"Stdout","payload":{"id":"a-1","line":"hi\n"}}"#,
            r#"{"type":"Stderr","payload":{"id":"","line":""}}"#,
            r#"{"type":"Stdout","payload":{"id":"é","line":"\"}}\\ \u00e9 \ud83d\ude00 é"}}"#,
        ] {
            let read = output(text);
            assert_eq!(read, general(text).ok(), "{text}");
            assert!(read.is_some(), "{text}");
        }
    }

    #[test]
    fn everything_else_is_left_to_the_general_reader() {
        for text in [
            r#"{"type":"Stdout","payload":{"id":"a","line":"hi","bytes":"aGk="}}"#,
            r#"{"type":"Stdout","payload":{"id":"a","line":"hi"},"x":"}}"}"#,
            r#"{"type":"Stdout","payload":{"id":"a\n","line":"hi"}}"#,
            r#"{"type":"Stdout","payload":{"id":"a","line":null}}"#,
            r#"{"type":"Stdout","payload":{"id":"a","line":"hi"}"#,
            r#"{"type":"Stdout","payload":{"id":"a","bytes":"aGk="}}"#,
            r#"{"type":"Stdin","payload":{"id":"a","line":"hi"}}"#,
            r#"{"type":"Stdout","id":"a","line":"hi"}"#,
            r#"{"type":"Stdé","payload":{"id":"a","line":"hi"}}"#,
            r#"{"type":"St"#,
        ] {
            assert_eq!(output(text), None, "{text}");
        }
    }
}
