//! Where the two generations of Octa's hosts look for the fields of a plugin's message.

use pegboard_protocol::octa::Dialect;
use serde_json::Value as Tree;

/// The kind of a field.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Text,
    Texts,
    /// A signed number of 32 bits.
    Code,
}

/// Every message and its fields.
const FIELDS: &[(&str, &[(&str, Kind)])] = &[
    (
        "Hello",
        &[("version", Kind::Text), ("features", Kind::Texts)],
    ),
    ("Schema", &[("key", Kind::Text)]),
    ("Started", &[("id", Kind::Text)]),
    ("Stdout", &[("id", Kind::Text), ("line", Kind::Text)]),
    ("Stderr", &[("id", Kind::Text), ("line", Kind::Text)]),
    ("ExitStatus", &[("id", Kind::Text), ("code", Kind::Code)]),
    ("Error", &[("id", Kind::Text), ("message", Kind::Text)]),
    ("Shutdown", &[("message", Kind::Text)]),
];

/// Why the hosts of one generation cannot read a message; none if they can, or if they pass over it.
pub(super) fn unreadable(line: &Tree, dialect: Dialect) -> Option<String> {
    let name = line["type"].as_str().unwrap_or_default();
    let (_, fields) = FIELDS.iter().find(|(known, _)| *known == name)?;
    let (place, words) = match dialect {
        Dialect::V020 => (line, "beside `type`"),
        Dialect::V021 => (&line["payload"], "in `payload`"),
    };
    fields.iter().find_map(|(field, kind)| {
        let value = &place[*field];
        let what = match kind {
            _ if value.is_null() => format!("the field `{field}` is not {words}"),
            Kind::Text if !value.is_string() => format!("the field `{field}` is no text"),
            Kind::Texts if !is_texts(value) => format!("the field `{field}` is no list of texts"),
            Kind::Code
                if value
                    .as_i64()
                    .and_then(|it| i32::try_from(it).ok())
                    .is_none() =>
            {
                format!("the field `{field}` is no number of 32 bits")
            }
            _ => return None,
        };
        Some(format!("{name}: {what}"))
    })
}

/// Why no host can read a message.
pub(super) fn unreadable_by_all(line: &Tree) -> Option<String> {
    let released = unreadable(line, Dialect::V020)?;
    let later = unreadable(line, Dialect::V021)?;
    Some(match line["payload"].is_object() {
        true => later,
        false => released,
    })
}

fn is_texts(value: &Tree) -> bool {
    let items = value.as_array();
    items.is_some_and(|items| items.iter().all(Tree::is_string))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_generation_looks_in_its_own_place() {
        let flat = json!({"type": "ExitStatus", "id": "a", "code": -1});
        let nested = json!({"type": "ExitStatus", "payload": {"id": "a", "code": 0}});
        let huge = json!({"type": "ExitStatus", "id": "a", "code": 1_i64 << 40});
        let poor = json!({"type": "Hello", "payload": {"version": "*", "features": "x"}});
        for (line, released, later, all) in [
            (
                &flat,
                None,
                Some("ExitStatus: the field `id` is not in `payload`"),
                None,
            ),
            (
                &nested,
                Some("ExitStatus: the field `id` is not beside `type`"),
                None,
                None,
            ),
            (
                &huge,
                Some("ExitStatus: the field `code` is no number of 32 bits"),
                Some("ExitStatus: the field `id` is not in `payload`"),
                Some("ExitStatus: the field `code` is no number of 32 bits"),
            ),
            (
                &poor,
                Some("Hello: the field `version` is not beside `type`"),
                Some("Hello: the field `features` is no list of texts"),
                Some("Hello: the field `features` is no list of texts"),
            ),
            (&json!({"type": "Progress"}), None, None, None),
        ] {
            assert_eq!(
                unreadable(line, Dialect::V020).as_deref(),
                released,
                "{line}"
            );
            assert_eq!(unreadable(line, Dialect::V021).as_deref(), later, "{line}");
            assert_eq!(unreadable_by_all(line).as_deref(), all, "{line}");
        }
    }
}
