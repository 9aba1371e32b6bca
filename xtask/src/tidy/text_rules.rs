//! Rules 12, 14 and 15, and rule 9 outside Rust: what any text file says.

use std::path::Path;

use super::Finding;
use super::files::RepoFile;
use super::scan::words;

const LARGEST_FILE: u64 = 1_000_000;

/// Split, so that this file does not contain what it looks for.
const FOREIGN: &[(&str, &str)] = &[
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("/ro", "ot/"), "a path of one machine"),
    (
        concat!("sha", "red/reference"),
        "a path outside the repository",
    ),
    (concat!("sha", "red/seeds"), "a path outside the repository"),
    (
        concat!("sha", "red/transcripts"),
        "a path outside the repository",
    ),
    (
        concat!("sha", "red/DESIGN"),
        "a path outside the repository",
    ),
    (concat!("index.", "crates.io"), "a registry host"),
    (concat!("static.", "crates.io"), "a registry host"),
    (concat!("registry.", "npmjs.org"), "a registry host"),
    (concat!("files.", "pythonhosted.org"), "a registry host"),
    (concat!("//py", "pi.org"), "a registry host"),
];

const FOR_LATER: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME")];

/// Files of these kinds are read for unfinished work; Rust has its own rule.
const SCRIPTS: &[&str] = &[".py", ".js", ".ts", ".mjs", ".sh", ".toml", ".yml", ".yaml"];

pub(super) fn check(root: &Path, file: &RepoFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    if file.size > LARGEST_FILE {
        findings.push(Finding::new(
            &file.path,
            1,
            14,
            format!("{} bytes", file.size),
        ));
    }
    let Some(text) = &file.text else {
        return findings;
    };
    findings.extend(foreign(&file.path, text));
    if SCRIPTS.iter().any(|ending| file.path.ends_with(ending)) {
        findings.extend(for_later(&file.path, text));
    }
    if file.path.ends_with(".md") {
        let directory = root.join(&file.path);
        let directory = directory.parent().unwrap_or(root);
        findings.extend(links(&file.path, text, |target| {
            directory.join(target).exists()
        }));
    }
    findings
}

fn foreign(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (needle, what) in FOREIGN {
        for (at, _) in text.match_indices(needle) {
            // `a/work/b` is a path inside something else.
            let before = text[..at].chars().next_back();
            if needle.starts_with('/')
                && before.is_some_and(|c| c.is_alphanumeric() || "._-$}".contains(c))
            {
                continue;
            }
            findings.push(Finding::new(
                path,
                line(text, at),
                12,
                format!("{what}: {needle}"),
            ));
        }
    }
    findings
}

fn for_later(path: &str, text: &str) -> Vec<Finding> {
    let find = |needle: &&'static str| {
        let needle = *needle;
        let found = words(text, needle).map(move |at| (at, needle));
        found
            .map(|(at, needle)| Finding::new(path, line(text, at), 9, format!("contains {needle}")))
            .collect::<Vec<_>>()
    };
    FOR_LATER.iter().flat_map(find).collect()
}

/// Finds `[text](target)` whose target is a relative path that leads nowhere.
fn links(path: &str, text: &str, exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut fenced = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        let targets = line
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        for target in targets {
            let target = target.split(['#', ' ']).next().unwrap_or_default();
            let elsewhere = target.is_empty() || target.contains(':') || target.starts_with('<');
            if !elsewhere && !exists(target) {
                findings.push(Finding::new(
                    path,
                    index + 1,
                    15,
                    format!("no file {target}"),
                ));
            }
        }
    }
    findings
}

fn line(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str, size: u64) -> Vec<(usize, usize)> {
        let file = RepoFile {
            path: path.into(),
            size,
            text: Some(text.into()),
        };
        let found = check(Path::new("no such directory"), &file);
        found
            .into_iter()
            .map(|found| (found.line, found.rule))
            .collect()
    }

    #[test]
    fn rule_9_holds_for_scripts() {
        assert_eq!(rules("a.py", concat!("x\n# TO", "DO: y\n"), 0), [(2, 9)]);
        assert_eq!(rules("a.py", "todo = []\n", 0), []);
    }

    #[test]
    fn rule_12_paths_of_one_machine() {
        assert_eq!(rules("a.md", concat!("see /wo", "rk/x\n"), 0), [(1, 12)]);
        assert_eq!(
            rules("a.md", concat!("see sha", "red/reference/x\n"), 0),
            [(1, 12)]
        );
        assert_eq!(
            rules("a.md", concat!("at https://registry.", "npmjs.org/x\n"), 0),
            [(1, 12)]
        );
        assert_eq!(rules("a.md", "see a/work/x and $W/root/y\n", 0), []);
    }

    #[test]
    fn rule_14_files_are_small() {
        assert_eq!(rules("a.bin", "", 1_000_001), [(1, 14)]);
    }

    #[test]
    fn rule_15_links_lead_somewhere() {
        let text = "[a](b.md) [c](d.md#e)\n```\n[x](y)\n```\n[u](https://x.y/z) [v](#w)\n";
        let found = links("a.md", text, |target| target == "b.md");
        let found: Vec<_> = found
            .iter()
            .map(|found| (found.line, found.what.as_str()))
            .collect();
        assert_eq!(found, [(1, "no file d.md")]);
    }
}
