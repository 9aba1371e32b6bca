//! The text forms of ranges and cell paths, and trees of plain data.

use pegboard_protocol::{Bound, CellPath, Opaque, PathMember, Range, Span};

fn name(val: &str, optional: bool, insensitive: bool) -> PathMember {
    PathMember::String {
        val: val.to_owned(),
        span: Span::UNKNOWN,
        optional,
        insensitive,
    }
}

fn index(val: u64, optional: bool) -> PathMember {
    PathMember::Int {
        val,
        span: Span::UNKNOWN,
        optional,
    }
}

#[test]
fn ranges() {
    let int = |start, step, end| Range::Int { start, step, end };
    let float = |start, step, end| Range::Float { start, step, end };
    use Bound::{Excluded, Included, Unbounded};
    // Each text is the one that is written.
    let both = [
        ("1..5", int(1, 1, Included(5))),
        ("1..<10", int(1, 1, Excluded(10))),
        ("0..2..10", int(0, 2, Included(10))),
        ("0..2..<10", int(0, 2, Excluded(10))),
        ("3..", int(3, 1, Unbounded)),
        ("3..5..", int(3, 2, Unbounded)),
        ("5..4..1", int(5, -1, Included(1))),
        ("-5..-3..-1", int(-5, 2, Included(-1))),
        ("1.5..3.0", float(1.5, 1.0, Included(3.0))),
        ("1.0..1.5..<3.0", float(1.0, 0.5, Excluded(3.0))),
        ("0.0..", float(0.0, 1.0, Unbounded)),
        (
            "-9223372036854775808..9223372036854775807",
            int(i64::MIN, 1, Included(i64::MAX)),
        ),
    ];
    for (text, range) in both {
        assert_eq!(range.to_string(), text);
        assert_eq!(text.parse(), Ok(range), "{text}");
    }
    let read = [
        ("..5", int(0, 1, Included(5))),
        ("..<5", int(0, 1, Excluded(5))),
        ("5..1", int(5, -1, Included(1))),
        ("1..2.5", float(1.0, 1.0, Included(2.5))),
        ("3..<", int(3, 1, Unbounded)),
    ];
    for (text, range) in read {
        assert_eq!(text.parse(), Ok(range), "{text}");
    }
    for text in [
        "",
        "..",
        "1",
        "1..2..3..4",
        "a..b",
        "99999999999999999999..",
        "1..<2..3",
    ] {
        assert!(text.parse::<Range>().is_err(), "{text}");
    }
}

#[test]
fn cell_paths() {
    // Each text is the one that is written.
    let both = [
        ("$.", vec![]),
        ("$.a", vec![name("a", false, false)]),
        (
            "$.a.0?.b!",
            vec![
                name("a", false, false),
                index(0, true),
                name("b", false, true),
            ],
        ),
        ("$.a!?", vec![name("a", true, true)]),
        (r#"$."a b""#, vec![name("a b", false, false)]),
        (r#"$."x1""#, vec![name("x1", false, false)]),
        (r#"$."12""#, vec![name("12", false, false)]),
        (r#"$."""#, vec![name("", false, false)]),
        (r#"$."q\"\\"!?"#, vec![name("q\"\\", true, true)]),
        (
            r#"$."true"."NaN"."-inf""#,
            ["true", "NaN", "-inf"]
                .map(|word| name(word, false, false))
                .to_vec(),
        ),
        (
            "$.naïve.名前",
            ["naïve", "名前"]
                .map(|word| name(word, false, false))
                .to_vec(),
        ),
        ("$.-", vec![name("-", false, false)]),
        ("$.18446744073709551615", vec![index(u64::MAX, false)]),
    ];
    for (text, members) in both {
        let path = CellPath { members };
        assert_eq!(path.to_string(), text);
        assert_eq!(text.parse(), Ok(path), "{text}");
    }
    let read = [
        ("", vec![]),
        ("a", vec![name("a", false, false)]),
        ("a.", vec![name("a", false, false)]),
        (
            "'a b'.`c d`",
            ["a b", "c d"].map(|word| name(word, false, false)).to_vec(),
        ),
        (r#""a\nb\/\q""#, vec![name("a\nb/\\q", false, false)]),
        ("a?!", vec![name("a", true, true)]),
        (
            "0x1F.0b11.0o17.1_000",
            [31, 3, 15, 1000]
                .map(|number| index(number, false))
                .to_vec(),
        ),
        ("x1", vec![name("x1", false, false)]),
        ("$", vec![name("$", false, false)]),
    ];
    for (text, members) in read {
        assert_eq!(text.parse(), Ok(CellPath { members }), "{text}");
    }
    for text in ["a??", "a!!", "a?b", "\"a", "'a", "a b", "a(b"] {
        assert!(text.parse::<CellPath>().is_err(), "{text}");
    }
}

#[test]
fn plain_data() {
    let tree = serde_json::json!({"a": [1, -1, 0.5, u64::MAX, null, true, "x"], "b": {}});
    let opaque = Opaque::from(tree.clone());
    assert!(matches!(&opaque, Opaque::Map(fields) if fields.len() == 2));
    assert_eq!(serde_json::Value::from(opaque), tree);
    let bytes = Opaque::Bytes(vec![1, 200]);
    assert_eq!(serde_json::Value::from(bytes), serde_json::json!([1, 200]));
}
