//! Rules 2 to 11: what Rust sources say.

use std::collections::HashSet;

use super::Finding;
use super::exempt::Exemption;
use super::files::RepoFile;
use super::scan::{Source, is_word, matching, words};

/// The crates that are pure: functions of their arguments.
const PURE: &[&str] = &[
    "crates/pegboard-protocol/src/",
    "crates/pegboard-args/src/",
    "crates/pegboard-manifest/src/",
];
/// What a pure crate does not name, below `std::`.
const IMPURE: &[&str] = &["io", "thread", "env", "process", "net", "fs"];
const CLOCKS: &[&str] = &["Instant::now", "SystemTime::now"];
const PRINTING: &[&str] = &["print!", "println!", "eprint!", "eprintln!", "dbg!"];
const AMBIENT: &[&str] = &[
    "process::exit",
    "home_dir",
    "env::var",
    "env::var_os",
    "env::vars",
    "env::vars_os",
];
const WEAK_WORDS: &[&str] = &[
    "Manager", "Managers", "Helper", "Helpers", "Util", "Utils", "Info", "Infos", "Data",
];
const UNFINISHED: &[&str] = &["todo!", "unimplemented!", "#[ignore"];
const FOR_LATER: &[&str] = &["TODO", "FIXME", "XXX"];

const LONGEST_FILE: usize = 1000;

/// Checks all Rust files; some are known as tests only from the file that declares them.
pub(super) fn check_all(files: &[RepoFile], exemptions: &[Exemption]) -> Vec<Finding> {
    let sources: Vec<(&str, &str, Source)> = files
        .iter()
        .filter(|file| file.path.ends_with(".rs"))
        .filter_map(|file| Some((file.path.as_str(), file.text.as_deref()?)))
        .map(|(path, text)| (path, text, Source::new(text)))
        .collect();
    let test_files: HashSet<String> = sources
        .iter()
        .flat_map(|(path, _, source)| {
            source
                .test_modules()
                .flat_map(|name| module_files(path, name))
                .collect::<Vec<_>>()
        })
        .collect();

    let mut findings = Vec::new();
    for (path, text, source) in &sources {
        let file = File {
            path,
            text,
            source,
            is_test: is_test(path, &test_files),
        };
        findings.extend(file.check());
    }
    let (excused, mut findings): (Vec<_>, Vec<_>) = findings
        .into_iter()
        .partition(|finding| exemptions.iter().any(|row| excuses(row, finding)));
    let stale = exemptions.iter().filter(|row| {
        sources.iter().any(|(path, ..)| path.starts_with(row.path))
            && !excused.iter().any(|finding| excuses(row, finding))
    });
    findings.extend(stale.map(|row| {
        let what = format!("the exemption of {} excuses nothing", row.path);
        Finding::new("xtask/src/tidy/exempt.rs", 1, row.rule, what)
    }));
    findings
}

fn excuses(row: &Exemption, finding: &Finding) -> bool {
    row.rule == finding.rule
        && finding.path.starts_with(row.path)
        && finding.what.contains(row.what)
}

/// The files that `mod name;` in `path` may mean.
fn module_files(path: &str, name: &str) -> [String; 2] {
    let (directory, file) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = file.trim_end_matches(".rs");
    let directory = match stem {
        "mod" | "lib" | "main" => directory.to_owned(),
        _ => format!("{directory}/{stem}"),
    };
    [
        format!("{directory}/{name}.rs"),
        format!("{directory}/{name}/mod.rs"),
    ]
}

fn is_test(path: &str, test_files: &HashSet<String>) -> bool {
    test_files.iter().any(|file| {
        let below = file.trim_end_matches("mod.rs").trim_end_matches(".rs");
        path == file || path.starts_with(&format!("{}/", below.trim_end_matches('/')))
    }) || path
        .split('/')
        .any(|part| matches!(part, "tests" | "benches" | "examples"))
}

/// One Rust file under check.
struct File<'a> {
    path: &'a str,
    text: &'a str,
    source: &'a Source,
    is_test: bool,
}

impl File<'_> {
    fn check(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let ours = self.path.starts_with("crates/");
        let library = ours && !self.path.starts_with("crates/pegboard-cli/") && !self.is_program();
        if PURE.iter().any(|path| self.path.starts_with(path)) {
            findings.extend(self.purity());
        }
        if library {
            findings.extend(self.ambient());
        }
        if ours {
            findings.extend(self.processes());
            findings.extend(self.channels());
        }
        findings.extend(self.shape());
        findings.extend(self.type_names());
        findings.extend(self.unfinished());
        findings.extend(self.sleeps());
        findings.extend(self.reasons());
        findings
    }

    /// A binary, a build script: programs of their own, also inside a library's package.
    fn is_program(&self) -> bool {
        self.path.contains("/src/bin/")
            || self.path.ends_with("/src/main.rs")
            || self.path.ends_with("/build.rs")
    }

    fn finding(&self, at: usize, rule: usize, what: impl Into<String>) -> Finding {
        Finding::new(self.path, self.source.line(at), rule, what)
    }

    fn is_test(&self, at: usize) -> bool {
        self.is_test || self.source.is_test(at)
    }

    /// Where a needle stands in code that is no test.
    fn product(&self, needle: &str) -> impl Iterator<Item = usize> {
        self.source.find(needle).filter(|at| !self.is_test(*at))
    }

    fn purity(&self) -> Vec<Finding> {
        let named = std_names(&self.source.code)
            .filter(|(at, name)| IMPURE.contains(name) && !self.is_test(*at))
            .map(|(at, name)| self.finding(at, 2, format!("names std::{name}")));
        named
            .chain(self.named(CLOCKS, 2, "reads the clock"))
            .collect()
    }

    fn ambient(&self) -> Vec<Finding> {
        let mut findings = self.named(PRINTING, 3, "prints");
        findings.extend(self.named(AMBIENT, 3, "reaches for its surroundings"));
        findings
    }

    /// A finding for every needle in code that is no test.
    fn named(&self, needles: &[&str], rule: usize, what: &str) -> Vec<Finding> {
        let mut findings = Vec::new();
        for needle in needles {
            let found = self.product(needle);
            findings.extend(found.map(|at| self.finding(at, rule, format!("{what}: {needle}"))));
        }
        findings
    }

    fn processes(&self) -> Vec<Finding> {
        let code = &self.source.code;
        // clap has a `Command::new` of its own.
        let std_command = words(code, "process::Command").next().is_some()
            || words(code, "process").any(|at| {
                let rest = &code[at + "process".len()..];
                let group = rest
                    .strip_prefix("::{")
                    .and_then(|group| group.split('}').next());
                group.is_some_and(|group| words(group, "Command").next().is_some())
            });
        let starts = self
            .product("Command::new")
            .filter(|_| std_command)
            .map(|at| self.finding(at, 4, "starts a process: Command::new"));
        let unsafe_code = self
            .product("unsafe")
            .map(|at| self.finding(at, 4, "unsafe code"));
        starts.chain(unsafe_code).collect()
    }

    fn channels(&self) -> Vec<Finding> {
        let code = &self.source.code;
        let direct = self.product("mpsc::channel").collect::<Vec<_>>();
        let imported = self.product("mpsc::{").filter(|at| {
            let group = code[at + "mpsc::{".len()..]
                .split('}')
                .next()
                .unwrap_or_default();
            words(group, "channel").next().is_some()
        });
        imported
            .chain(direct)
            .filter(|at| !self.line_above(*at).contains("// bounded by: "))
            .map(|at| {
                self.finding(
                    at,
                    5,
                    "an unbounded channel without `// bounded by: ...` above",
                )
            })
            .collect()
    }

    fn line_above(&self, at: usize) -> &str {
        let line = self.source.line(at);
        line.checked_sub(2)
            .and_then(|above| self.text.lines().nth(above))
            .unwrap_or_default()
    }

    fn shape(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let lines = self.text.lines().count();
        if lines > LONGEST_FILE {
            findings.push(Finding::new(self.path, lines, 6, format!("{lines} lines")));
        }
        if !self.text.starts_with("//!") {
            findings.push(Finding::new(
                self.path,
                1,
                8,
                "the first line is no //! line",
            ));
        }
        findings
    }

    fn type_names(&self) -> Vec<Finding> {
        let code = &self.source.code;
        let mut findings = Vec::new();
        for keyword in ["struct", "enum", "trait", "type", "union"] {
            for at in words(code, keyword) {
                let rest = &code[at + keyword.len()..];
                let name: &str = rest
                    .trim_start()
                    .split(|c| !is_word(c))
                    .next()
                    .unwrap_or("");
                if let Some(word) = camel_words(name).find(|word| WEAK_WORDS.contains(word)) {
                    findings.push(self.finding(at, 7, format!("the type {name} contains {word}")));
                }
            }
        }
        findings
    }

    fn unfinished(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for needle in UNFINISHED {
            let found = self.source.find(needle);
            findings.extend(found.map(|at| self.finding(at, 9, format!("contains {needle}"))));
        }
        for needle in FOR_LATER {
            let found = words(&self.source.comments, needle);
            findings
                .extend(found.map(|at| self.finding(at, 9, format!("a comment says {needle}"))));
        }
        findings
    }

    fn sleeps(&self) -> Vec<Finding> {
        // Examples and benchmarks are no product, yet they may take their time.
        let tests = !self.path.contains("/examples/") && !self.path.contains("/benches/");
        let found = self.source.find("thread::sleep");
        found
            .filter(|at| tests && self.is_test(*at))
            .map(|at| self.finding(at, 10, "a test sleeps"))
            .collect()
    }

    fn reasons(&self) -> Vec<Finding> {
        let code = &self.source.code;
        let mut findings = Vec::new();
        for (at, _) in code.match_indices('#') {
            let open = at + 1 + usize::from(code[at + 1..].starts_with('!'));
            if !code[open..].starts_with('[') {
                continue;
            }
            let Some(close) = matching(code, open) else {
                continue;
            };
            let attribute = &code[open..close];
            let level = ["allow", "expect"].into_iter().find(|level| {
                words(attribute, level).any(|at| attribute[at + level.len()..].starts_with('('))
            });
            if let Some(level) = level
                && words(attribute, "reason").next().is_none()
            {
                findings.push(self.finding(at, 11, format!("{level} without a reason")));
            }
        }
        findings
    }
}

/// The names that follow `std::`, also inside one level of braces.
fn std_names(code: &str) -> impl Iterator<Item = (usize, &str)> {
    words(code, "std::").flat_map(|at| {
        let start = at + "std::".len();
        let rest = &code[start..];
        if !rest.starts_with('{') {
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            return vec![(at, &rest[..end])];
        }
        let group = matching(code, start).map_or("", |close| &code[start + 1..close]);
        let mut names = Vec::new();
        let mut depth = 0_usize;
        let mut from = 0;
        for (index, c) in group.char_indices().chain([(group.len(), ',')]) {
            match c {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                ',' if depth == 0 => {
                    let name = group[from..index].trim();
                    let end = name.find(|c| !is_word(c)).unwrap_or(name.len());
                    names.push((at, &name[..end]));
                    from = index + 1;
                }
                _ => {}
            }
        }
        names
    })
}

fn camel_words(name: &str) -> impl Iterator<Item = &str> {
    let mut starts: Vec<usize> = name
        .char_indices()
        .filter(|(_, c)| c.is_uppercase())
        .map(|(at, _)| at)
        .collect();
    starts.push(name.len());
    (1..starts.len())
        .map(|index| (starts[index - 1], starts[index]))
        .map(|(start, end)| &name[start..end])
        .collect::<Vec<_>>()
        .into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROTOCOL: &str = "crates/pegboard-protocol/src/a.rs";
    const TRANSPORT: &str = "crates/pegboard-transport/src/a.rs";

    /// The lines and rules that are found in a file with this text below a good header.
    fn check(path: &str, text: &str, expected: &[(usize, usize)]) {
        let text = format!("//! Header.\n{text}");
        let file = RepoFile {
            path: path.into(),
            size: 0,
            text: Some(text.clone()),
        };
        let found: Vec<_> = check_all(&[file], &[])
            .into_iter()
            .map(|found| (found.line, found.rule))
            .collect();
        assert_eq!(found, expected, "{path}:\n{text}");
    }

    #[test]
    fn rule_2_protocol_is_pure() {
        check(PROTOCOL, "use std::io;", &[(2, 2)]);
        check("crates/pegboard-args/src/a.rs", "use std::io;", &[(2, 2)]);
        check(
            PROTOCOL,
            "use std::{fmt, thread::{self, JoinHandle}};",
            &[(2, 2)],
        );
        check(PROTOCOL, "let now = std::time::Instant::now();", &[(2, 2)]);
        check(PROTOCOL, "use std::{fmt, time::Instant}; // std::io", &[]);
        check(PROTOCOL, "#[cfg(test)]\nmod tests {\n use std::fs;\n}", &[]);
        check(TRANSPORT, "use std::io;", &[]);
    }

    #[test]
    fn rule_3_libraries_take_values() {
        check(TRANSPORT, "println!(\"x\");", &[(2, 3)]);
        check(TRANSPORT, "std::process::exit(1);", &[(2, 3)]);
        check(TRANSPORT, "std::env::var(\"HOME\");", &[(2, 3)]);
        check(
            TRANSPORT,
            "/// println!(\"x\")\nfn a() { log(\"println!\") }",
            &[],
        );
        check("crates/pegboard-cli/src/a.rs", "println!(\"x\");", &[]);
        check(
            "crates/pegboard-testkit/src/bin/hostile.rs",
            "println!(\"x\");",
            &[],
        );
        check("crates/pegboard-host/tests/a.rs", "println!(\"x\");", &[]);
    }

    #[test]
    fn rule_4_one_place_owns_processes() {
        check(
            TRANSPORT,
            "use std::process::Command;\nfn a() { Command::new(\"x\"); }",
            &[(3, 4)],
        );
        check(
            TRANSPORT,
            "use std::process::{Child, Command};\nlet a = Command::new(x);",
            &[(3, 4)],
        );
        check(TRANSPORT, "unsafe { a() }", &[(2, 4)]);
        check(TRANSPORT, "#![forbid(unsafe_code)]", &[]);
        check(
            "crates/pegboard-cli/src/a.rs",
            "clap::Command::new(\"x\");",
            &[],
        );
    }

    #[test]
    fn rule_5_channels_are_bounded() {
        check(TRANSPORT, "let a = mpsc::channel();", &[(2, 5)]);
        check(
            TRANSPORT,
            "use std::sync::mpsc::{Sender, channel};",
            &[(2, 5)],
        );
        check(
            TRANSPORT,
            "// bounded by: one per call\nlet a = mpsc::channel::<u8>();",
            &[],
        );
        check(TRANSPORT, "let a = mpsc::sync_channel(1);", &[]);
    }

    #[test]
    fn rule_6_files_are_short() {
        check(TRANSPORT, &"\n".repeat(999), &[]);
        check(TRANSPORT, &"\n".repeat(1000), &[(1001, 6)]);
    }

    #[test]
    fn rule_7_type_names_say_something() {
        check(TRANSPORT, "struct LinkManager;", &[(2, 7)]);
        check(TRANSPORT, "pub(crate) enum StreamData {}", &[(2, 7)]);
        check(
            TRANSPORT,
            "struct Database; struct Informed; let data = Info;",
            &[],
        );
    }

    #[test]
    fn rule_8_files_say_what_they_are() {
        let file = RepoFile {
            path: TRANSPORT.into(),
            size: 0,
            text: Some("use x;\n".into()),
        };
        assert_eq!(check_all(&[file], &[])[0].rule, 8);
    }

    #[test]
    fn rule_9_nothing_is_unfinished() {
        check(TRANSPORT, concat!("// TO", "DO: more"), &[(2, 9)]);
        check(TRANSPORT, "fn a() { todo!() }", &[(2, 9)]);
        check(
            "crates/pegboard-host/tests/a.rs",
            "#[ignore]\nfn a() {}",
            &[(2, 9)],
        );
        check(TRANSPORT, "let a = \"todo!\";", &[]);
    }

    #[test]
    fn rule_10_tests_do_not_sleep() {
        check(
            "crates/pegboard-host/tests/a.rs",
            "thread::sleep(d);",
            &[(2, 10)],
        );
        check(
            TRANSPORT,
            "#[cfg(test)]\nmod tests { fn a() { std::thread::sleep(d); } }",
            &[(3, 10)],
        );
        check(TRANSPORT, "thread::sleep(d);", &[]);
        check(
            "crates/pegboard-plugin/examples/a.rs",
            "thread::sleep(d);",
            &[],
        );
    }

    #[test]
    fn rule_11_attributes_have_reasons() {
        check(TRANSPORT, "#[allow(dead_code)]\nfn a() {}", &[(2, 11)]);
        check(
            TRANSPORT,
            "#[cfg_attr(x, expect(dead_code))]\nfn a() {}",
            &[(2, 11)],
        );
        check(
            TRANSPORT,
            "#[expect(dead_code, reason = \"x\")]\nfn a() { b.expect(\"c\") }",
            &[],
        );
    }

    #[test]
    fn test_modules_in_files_of_their_own_are_tests() {
        let file = |path: &str, text: &str| RepoFile {
            path: format!("crates/pegboard-host/src/{path}"),
            size: 0,
            text: Some(format!("//! Header.\n{text}")),
        };
        let files = [
            file("engine.rs", "#[cfg(test)]\nmod cases;"),
            file("engine/cases.rs", "println!();"),
            file("engine/cases/more.rs", "println!();"),
            file("engine/other.rs", "println!();"),
        ];
        let found: Vec<_> = check_all(&files, &[])
            .into_iter()
            .map(|found| found.path)
            .collect();
        assert_eq!(found, ["crates/pegboard-host/src/engine/other.rs"]);
    }

    #[test]
    fn exemptions_excuse_and_become_stale() {
        let row = || Exemption {
            rule: 4,
            path: "crates/a/",
            what: "unsafe",
            reason: "a test",
        };
        let check = |code: &str, expected: &[&str]| {
            let text = Some(format!("//! Header.\n{code}\n"));
            let file = RepoFile {
                path: "crates/a/src/b.rs".into(),
                size: 0,
                text,
            };
            let found = check_all(&[file], &[row()]);
            let found: Vec<_> = found.iter().map(|found| found.what.as_str()).collect();
            assert_eq!(found, expected, "{code}");
        };
        check("unsafe { b() }", &[]);
        check("fn b() {}", &["the exemption of crates/a/ excuses nothing"]);
    }
}
