//! The conformance runner: real plugins pass, and each planted fault is found.
#![cfg(target_os = "linux")]

mod octa;
mod planted;
mod real;
mod support;

use pegboard_testkit::conformance::{Protocol, rules};

#[test]
fn the_reference_has_every_rule() {
    let page = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/reference/conformance.md"
    );
    let page = std::fs::read_to_string(page).expect("the page");
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let rows = rows.filter(|row| !row.starts_with("| `--"));
    let all = [Protocol::Nushell, Protocol::Octa]
        .into_iter()
        .flat_map(rules);
    let expected = all.map(|rule| {
        format!(
            "| `{}` | {} | {} |",
            rule.name,
            rule.sentence,
            rule.turn.name()
        )
    });
    assert_eq!(
        rows.collect::<Vec<_>>().join("\n"),
        expected.collect::<Vec<_>>().join("\n")
    );
}
