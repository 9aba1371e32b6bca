//! `cargo xtask tidy`: the invariants of the design, checked on the sources and on cargo's metadata.

mod exempt;
mod files;
mod graph_rules;
mod scan;
mod source_rules;
mod text_rules;

use std::fmt;
use std::path::Path;

/// The rules, in the order of their numbers (from 1).
const RULES: &[&str] = &[
    "dependencies between crates point one way, and protocol's and manifest's trees are light",
    "pegboard-protocol and pegboard-args name no IO, thread, environment, process, network, file or clock",
    "only pegboard-cli prints, exits, reads variables or looks for the home directory",
    "only pegboard-host/src/runner starts processes or contains unsafe code",
    "a channel is bounded, or the line above says `// bounded by: ...`",
    "no source file has more than 1000 lines",
    "no type name contains the words Manager, Helper, Util, Info or Data",
    "every Rust file begins with a //! line",
    "nothing is ignored, unfinished or left for later",
    "tests do not sleep",
    "every allow and expect attribute has a reason",
    "no path of one machine, no path outside the repository, no registry host",
    "no dependency needs a newer Rust than the workspace",
    "no file is larger than one megabyte",
    "links in documents lead to files that exist",
];

/// One broken rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    line: usize,
    /// A number from [`RULES`], counted from 1.
    rule: usize,
    what: String,
}

impl Finding {
    fn new(path: &str, line: usize, rule: usize, what: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            rule,
            what: what.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            line,
            rule,
            what,
        } = self;
        write!(f, "{path}:{line}: rule {rule}: {what}")
    }
}

pub(crate) fn print_rules() {
    for (index, rule) in RULES.iter().enumerate() {
        println!("{:2}  {rule}", index + 1);
    }
}

/// Checks everything and prints what is wrong, one line each.
pub(crate) fn tidy(root: &Path) -> Result<(), String> {
    let files = files::walk(root)?;
    let mut findings = source_rules::check_all(&files, exempt::EXEMPTIONS);
    for file in &files {
        findings.extend(text_rules::check(root, file));
    }
    findings.extend(graph_rules::check(root)?);
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        count => Err(format!(
            "tidy: {count} findings; `cargo xtask tidy --rules` lists the rules"
        )),
    }
}
