//! The text of an execution, spoiled as real hosts do it and made plain again.

use pegboard_protocol::octa::plain_text;
use proptest::prelude::*;

/// What a real host does to a text.
fn spoil(text: &str) -> String {
    let json = serde_json::to_string(text).unwrap();
    json.trim_matches('"').to_owned()
}

#[test]
fn as_recorded() {
    for (sent, text) in [
        (r#"echo \"dq\" end"#, r#"echo "dq" end"#),
        (r"echo one\necho two\n", "echo one\necho two\n"),
        (r#"say \"hi\"#, r#"say "hi""#),
        (r"a: 1\nb:\n- x\n- 'y'\n", "a: 1\nb:\n- x\n- 'y'\n"),
        (r"\u001b[31m\ttab \\ back", "\u{1b}[31m\ttab \\ back"),
        ("", ""),
        (r"\", "\""),
    ] {
        assert_eq!(plain_text(sent), text, "{sent}");
    }
}

/// What no real host sends stays as it is.
#[test]
fn as_never_sent() {
    for text in [
        "line\nfeed",
        r"C:\Users",
        r#"a "quote" and \n"#,
        "tab\there \\n",
        r"\u12",
        r"\ud800",
    ] {
        assert_eq!(plain_text(text), text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_text(text in r#"(\\|"|\n|n|u0041|.){0,12}"#) {
        let sent = spoil(&text);
        prop_assert_eq!(plain_text(&sent), text);
    }
}
