//! Manual pages.

use std::collections::BTreeSet;
use std::fs;

use crate::support::{Home, run, shown};

const PEGBOARD: &str = env!("CARGO_BIN_EXE_pegboard");

#[test]
fn pages_are_understood_by_groff() {
    let home = Home::new("man");
    let directory = home.file("man/man1");
    run(home
        .command(PEGBOARD)
        .args(["man", "--dir"])
        .arg(&directory));
    let pages: BTreeSet<String> = fs::read_dir(&directory)
        .expect("pages")
        .map(|page| shown(&page.expect("a page").path()))
        .collect();
    let has = |name: &str| pages.iter().any(|page| page.ends_with(name));
    assert!(has("/pegboard.1") && has("/pegboard-run.1") && has("/pegboard-trace-show.1"));
    assert!(!has("/pegboard-complete.1"), "{pages:?}");
    for page in &pages {
        // A warning would be an error here.
        let text = run(home
            .command("groff")
            .args(["-ww", "-man", "-Tutf8", "-P-cbou", page]));
        for heading in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS"] {
            assert!(text.lines().any(|line| line == heading), "{page}: {text}");
        }
    }
}

#[test]
fn the_main_page_is_printed() {
    let home = Home::new("man-main");
    let page = run(home.command(PEGBOARD).arg("man"));
    assert!(
        page.contains(".TH pegboard 1") && page.contains(r"pegboard\-run(1)"),
        "{page}"
    );
}
