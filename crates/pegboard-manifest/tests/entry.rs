//! Entries: the document is a promise.

use pegboard_manifest::{Entry, FileStamp};
use serde_json::{Value as Json, json};

const GOLDEN: &str = include_str!("golden/entry.json");

fn golden() -> Entry {
    let file = FileStamp {
        size: 1_234_567,
        modified: 1_700_000_000_123_456_789,
    };
    let mut entry = Entry::new("inc", "/usr/lib/plugins/nu_plugin_inc.py", file);
    entry.interpreter = Some(vec!["python3".to_owned(), "-I".to_owned()]);
    entry.version = Some("2.1.0".to_owned());
    entry.protocol = Some("0.115.1".to_owned());
    entry.encoding = Some("msgpack".to_owned());
    entry.features = vec!["LocalSocket".to_owned()];
    entry.added = 1_700_000_001_000;
    entry.signatures = json!([{ "sig": { "name": "inc", "description": "Raise a \"version\"." }, "examples": [] }]);
    entry
}

#[test]
fn the_document_is_what_was_promised() {
    assert_eq!(golden().print(), GOLDEN);
    assert_eq!(Entry::parse(GOLDEN.as_bytes()), Ok(golden()));
}

#[test]
fn what_is_not_known_yet_is_left_out() {
    let entry = Entry::new("inc", "/inc", FileStamp::default());
    let json: Json = serde_json::from_str(&entry.print()).expect("JSON");
    assert_eq!(
        json,
        json!({
            "format": 1, "name": "inc", "path": "/inc", "kind": "nushell", "file": { "size": 0, "modified": 0 },
            "features": [], "added": 0, "signatures": [],
        })
    );
    assert_eq!(Entry::parse(entry.print().as_bytes()), Ok(entry));
}

#[test]
fn fields_that_are_not_known_are_kept() {
    let mut json: Json = serde_json::from_str(GOLDEN).expect("JSON");
    json["grants"] = json!({ "files": ["/tmp"] });
    let entry = Entry::parse(json.to_string().as_bytes()).expect("an entry");
    assert_eq!(entry.other["grants"]["files"][0], "/tmp");
    let again: Json = serde_json::from_str(&entry.print()).expect("JSON");
    assert_eq!(again, json);
}

#[test]
fn numbers_stay_what_they_were() {
    let mut entry = golden();
    // Read without care, this comes out as its neighbour.
    entry.signatures = json!([1.715_478_324_432_165_4e-308, 0.1, u64::MAX, i64::MIN]);
    assert_eq!(Entry::parse(entry.print().as_bytes()), Ok(entry));
}

#[test]
fn what_is_no_entry_is_refused_with_a_reason() {
    let without = |field: &str| {
        let mut json: Json = serde_json::from_str(GOLDEN).expect("JSON");
        json.as_object_mut().expect("an object").shift_remove(field);
        json.to_string()
    };
    let newer = GOLDEN.replace("\"format\": 1", "\"format\": 2");
    let older = GOLDEN.replace("\"format\": 1", "\"format\": 0");
    let nameless = GOLDEN.replace(
        "\"name\": \"inc\",\n  \"path\"",
        "\"name\": \"\",\n  \"path\"",
    );
    for (document, reason) in [
        (String::new(), "EOF while parsing"),
        ("null".to_owned(), "invalid type: null"),
        (GOLDEN[..GOLDEN.len() / 2].to_owned(), "EOF while parsing"),
        (without("name"), "missing field `name`"),
        (without("path"), "missing field `path`"),
        (without("format"), "missing field `format`"),
        (without("signatures"), "missing field `signatures`"),
        (newer, "from a newer Pegboard"),
        (older, "there is no format 0"),
        (nameless, "the name is empty"),
    ] {
        let error = Entry::parse(document.as_bytes())
            .expect_err(reason)
            .to_string();
        assert!(error.contains(reason), "{error}");
    }
}
