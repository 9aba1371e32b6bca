//! What real engines would stumble over in a message that a tolerant reader has understood.

use pegboard_protocol::codec::{Encoding, Sender, encode};
use pegboard_protocol::nu::{Dialect, Message};
use serde_json::Value as Tree;

use super::tree;

/// Messages that are longer are not compared: what is wrong with them is wrong with short ones too.
const LONGEST: usize = 1 << 20;
/// What may be written in more than one way: the fields of these values are only compared by their kind.
const FREE: [&str; 3] = ["Date", "CellPath", "Range"];

/// Compares what a plugin wrote with what a real plugin of this version would have written for the same message.
///
/// Gives the place and the difference in words. Keys in another order, unknown keys, keys left out whose value would be
/// nothing, and bytes in MessagePack's own form are all fine: real engines read them.
pub(super) fn difference(
    message: &Message,
    written: &[u8],
    encoding: Encoding,
    dialect: Dialect,
) -> Option<String> {
    if written.len() > LONGEST {
        return None;
    }
    let mut usual = Vec::new();
    if let Err(error) = encode(message, Sender::Plugin, encoding, dialect, &mut usual) {
        return Some(format!(
            "real engines of this version cannot read it: {error}"
        ));
    }
    // Most plugins write the same to the byte.
    if usual.strip_suffix(b"\n").unwrap_or(&usual) == written && encoding == Encoding::Json
        || usual == written
    {
        return None;
    }
    let (written, usual) = (
        tree::read(written, encoding)?,
        tree::read(&usual, encoding)?,
    );
    compare(&written, &usual, &mut Vec::new())
}

fn compare<'a>(written: &'a Tree, usual: &'a Tree, path: &mut Vec<&'a str>) -> Option<String> {
    match (written, usual) {
        (Tree::Object(written), Tree::Object(usual)) => {
            for (key, usual) in usual {
                path.push(key);
                let found = match written.get(key) {
                    Some(written) => compare(written, usual, path),
                    None if is_nothing(usual) => None,
                    None => Some(at(path, "is missing")),
                };
                path.pop();
                if found.is_some() {
                    return found;
                }
            }
            None
        }
        (Tree::Array(written), Tree::Array(usual)) => {
            if written.len() != usual.len() {
                let (there, needed) = (written.len(), usual.len());
                return Some(at(
                    path,
                    &format!("has {there} entries instead of {needed}"),
                ));
            }
            let mut pairs = written.iter().zip(usual);
            pairs.find_map(|(written, usual)| compare(written, usual, path))
        }
        (Tree::Number(written), Tree::Number(usual)) if written.as_f64() == usual.as_f64() => None,
        (Tree::String(_), Tree::String(_)) if path.iter().any(|key| FREE.contains(key)) => None,
        _ if written == usual => None,
        (written, usual) if std::mem::discriminant(written) == std::mem::discriminant(usual) => {
            Some(at(path, &format!("is {written} instead of {usual}")))
        }
        (written, usual) => {
            let (there, needed) = (kind(written), kind(usual));
            Some(at(path, &format!("is {there} instead of {needed}")))
        }
    }
}

fn at(path: &[&str], what: &str) -> String {
    match path {
        [] => format!("the message {what}"),
        path => format!("{} {what}", path.join(".")),
    }
}

/// What may as well be left out.
fn is_nothing(tree: &Tree) -> bool {
    match tree {
        Tree::Null | Tree::Bool(false) => true,
        Tree::Array(items) => items.is_empty(),
        Tree::Object(map) => map.is_empty(),
        Tree::Number(_) | Tree::String(_) | Tree::Bool(true) => false,
    }
}

fn kind(tree: &Tree) -> &'static str {
    match tree {
        Tree::Null => "null",
        Tree::Bool(_) => "a bool",
        Tree::Number(_) => "a number",
        Tree::String(_) => "a string",
        Tree::Array(_) => "an array",
        Tree::Object(_) => "a map",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pegboard_protocol::codec::{Decoder, Limits};

    fn check(written: &str, expected: Option<&str>) {
        let mut decoder = Decoder::new(Encoding::Json, Sender::Plugin, Limits::default());
        decoder.feed(written.as_bytes());
        let frame = decoder.next().expect(written).expect("a message");
        let bytes = written.as_bytes();
        let found = difference(&frame.message, bytes, Encoding::Json, Dialect::NEWEST);
        assert_eq!(found.as_deref(), expected, "{written}");
    }

    #[test]
    fn what_only_tolerant_readers_take() {
        check(r#"{"CallResponse":[0,{"PipelineData":"Empty"}]}"#, None);
        check(r#"{"CallResponse":[0,{"Metadata":{}}]}"#, None);
        check(
            r#"{"CallResponse":[0,{"Error":{"msg":"no","labels":null}}]}"#,
            Some("CallResponse.Error.labels is null instead of an array"),
        );
        check(
            r#"{"CallResponse":[0,"Empty"]}"#,
            Some("CallResponse is a string instead of a map"),
        );
        check(
            r#"{"Coffee":[1]}"#,
            Some(
                "real engines of this version cannot read it: `Coffee` is a message that is not known here, so it cannot be written",
            ),
        );
    }
}
