//! Where two trees of JSON differ.

use serde_json::Value as Json;

/// The first difference between two trees, in words.
pub(super) fn json_difference(recorded: &Json, now: &Json) -> Option<String> {
    let mut path = Vec::new();
    let (old, new) = differing(recorded, now, &mut path)?;
    let shown = |side: Option<&Json>| side.map_or_else(|| "nothing".to_owned(), Json::to_string);
    let path = match path.as_slice() {
        [] => "the message".to_owned(),
        path => path.join("."),
    };
    Some(format!("{path} was {} and is {}", shown(old), shown(new)))
}

/// The first place at which two trees differ, with what is there.
fn differing<'a>(
    old: &'a Json,
    new: &'a Json,
    path: &mut Vec<String>,
) -> Option<(Option<&'a Json>, Option<&'a Json>)> {
    let mut pairs = Vec::new();
    match (old, new) {
        (Json::Object(old), Json::Object(new)) => {
            pairs.extend(
                old.iter()
                    .map(|(key, old)| (key.clone(), Some(old), new.get(key))),
            );
            let added = new.iter().filter(|(key, _)| !old.contains_key(*key));
            pairs.extend(added.map(|(key, new)| (key.clone(), None, Some(new))));
        }
        (Json::Array(old), Json::Array(new)) => {
            let count = old.len().max(new.len());
            pairs.extend((0..count).map(|at| (at.to_string(), old.get(at), new.get(at))));
        }
        _ => return (old != new).then_some((Some(old), Some(new))),
    }
    for (key, old, new) in pairs {
        path.push(key);
        let found = match (old, new) {
            (Some(old), Some(new)) => differing(old, new, path),
            one_sided => Some(one_sided),
        };
        if found.is_some() {
            return found;
        }
        path.pop();
    }
    // The order of the keys of a record counts, and is all that can differ here.
    let keys = |json: &Json| -> Vec<String> {
        let object = json.as_object();
        object.map_or_else(Vec::new, |object| object.keys().cloned().collect())
    };
    (keys(old) != keys(new)).then_some((Some(old), Some(new)))
}
