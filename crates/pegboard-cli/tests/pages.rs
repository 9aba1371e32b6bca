//! The pages of docs/commands show what is really printed. `UPDATE_DOCS=1` writes them anew.
//!
//! Each page runs in a folder of its own with some plugins and files, as a new user would have it. The commands of its
//! ```` ```console ```` blocks are run one after the other by `sh`.
#![cfg(unix)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pegboard_testkit::peers::{peer, shipped};

/// What stands for the folder in which a page is run.
const HERE: &str = "/home/me";

#[test]
fn pages_show_what_is_printed() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/commands");
    let mut pages: Vec<PathBuf> = fs::read_dir(&docs)
        .expect("the pages")
        .map(|page| page.expect("a page").path())
        .collect();
    pages.sort();
    let plugins = [
        shipped("nu_plugin_words"),
        peer("nu_plugin_inc"),
        peer("nu_plugin_query"),
        peer("nu_plugin_nodehand.js"),
        shipped("octa_plugin_shell"),
    ];
    let mut differ = Vec::new();
    for page in pages {
        let name = page
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let text = fs::read_to_string(&page).expect("a page");
        let home = Home::new(&name, &plugins);
        let printed = home.run(&text);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::write(&page, &printed).expect("the page is written");
        } else if printed != text {
            let first = text.lines().zip(printed.lines()).find(|(a, b)| a != b);
            differ.push(format!("{name}: {first:?}"));
        }
    }
    assert!(
        differ.is_empty(),
        "pages differ from what is printed:\n{}",
        differ.join("\n")
    );
}

/// Every command of the program has a page, but for `help`.
#[test]
fn every_command_has_a_page() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/commands");
    let help = Command::new(env!("CARGO_BIN_EXE_pegboard"))
        .arg("--help")
        .output();
    let help = String::from_utf8(help.expect("the help").stdout).expect("text");
    let commands = help
        .split("Commands:\n")
        .nth(1)
        .and_then(|it| it.split("\n\n").next());
    let names: Vec<&str> = commands
        .expect("commands")
        .lines()
        .filter_map(|line| {
            line.strip_prefix("  ")?
                .split(' ')
                .next()
                .filter(|it| !it.is_empty())
        })
        .filter(|name| *name != "help")
        .collect();
    assert!(names.len() > 5, "{names:?}");
    for name in names {
        let page = docs.join(format!("{name}.md"));
        let text = fs::read_to_string(&page).unwrap_or_default();
        assert!(
            text.contains("```console\n$ "),
            "{} shows nothing",
            page.display()
        );
    }
}

/// A folder with plugins and files, and with a store of its own.
struct Home(PathBuf);

impl Home {
    fn new(page: &str, plugins: &[PathBuf]) -> Home {
        let folder =
            std::env::temp_dir().join(format!("pegboard-page-{page}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        for plugin in plugins {
            let name = plugin.file_name().expect("a name");
            fs::copy(plugin, folder.join(name)).expect("a copy");
        }
        for (name, text) in [
            ("book.txt", "A rose is a rose is a rose.\nThe end.\n"),
            ("sales.csv", "city,sold\nOslo,12\nRoma,7\n"),
            (
                "Cargo.json",
                "{\"name\": \"demo\", \"version\": \"1.2.3\"}\n",
            ),
        ] {
            fs::write(folder.join(name), text).expect("a file");
        }
        Home(folder)
    }

    /// The page with what is printed now.
    fn run(&self, text: &str) -> String {
        let mut page = String::new();
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            writeln!(page, "{line}").expect("room");
            if line != "```console" {
                continue;
            }
            let mut first = true;
            while let Some(line) = lines.next_if(|line| *line != "```") {
                // All others are output, which is printed anew.
                if let Some(command) = line.strip_prefix("$ ") {
                    let gap = if first { "" } else { "\n" };
                    let printed = self.printed(command);
                    write!(page, "{gap}{line}\n{printed}").expect("room");
                    first = false;
                }
            }
        }
        page
    }

    /// What a command prints, on standard output and standard error in their order.
    fn printed(&self, command: &str) -> String {
        let program = Path::new(env!("CARGO_BIN_EXE_pegboard"));
        let mut path = program.parent().expect("a folder").as_os_str().to_owned();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let output = Command::new("sh")
            .args(["-c", &format!("{{ {command}\n}} 2>&1")])
            .current_dir(&self.0)
            .env("PATH", path)
            .env("HOME", &self.0)
            .env("TERM", "dumb")
            .env("TMPDIR", "/tmp")
            .env("LC_ALL", "C.UTF-8")
            .env_remove("PEGBOARD_HOME")
            .env_remove("XDG_DATA_HOME")
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_RUNTIME_DIR")
            .stdin(Stdio::null())
            .output()
            .expect("a shell");
        let text = String::from_utf8(output.stdout).expect("text");
        let folder = self.0.display().to_string();
        let longer = folder.len() - HERE.len();
        let mut shown = String::new();
        for line in text.replace(&folder, HERE).lines() {
            let mut line = same_each_time(line);
            // The rule below the paths of a table is as wide as they were.
            if line.trim_matches(['-', ' ']).is_empty() && line.ends_with(&"-".repeat(longer + 4)) {
                line.truncate(line.len() - longer);
            }
            writeln!(shown, "{line}").expect("room");
        }
        shown
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A line in which every time is a round one.
fn same_each_time(line: &str) -> String {
    // The lines of a trace begin with seconds and six decimals.
    let digits = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    if line.starts_with("recorded 20") {
        return "recorded 2026-11-22T10:20:30.400+00:00".to_owned();
    }
    let mut shown = String::new();
    let mut line = line;
    if let Some((seconds, rest)) = line.trim_start().split_once("  ")
        && seconds.len() == 8
        && digits(seconds)
    {
        shown.push_str("    0.012345  ");
        line = rest;
    }
    let mut words = line.split_inclusive(' ').peekable();
    while let Some(word) = words.next() {
        let is_number = |word: &str| {
            let digits = word.trim_end().trim_matches(|c: char| !c.is_ascii_digit());
            !digits.is_empty()
                && digits
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || byte == b'.')
        };
        let unit = words
            .peek()
            .map(|next| next.trim_end_matches([' ', ';', ',', ')', '.']));
        if is_number(word) && matches!(unit, Some("ms" | "s" | "us" | "\u{b5}s")) {
            let digits = word.trim_matches(|c: char| !c.is_ascii_digit());
            shown.push_str(&word.replace(digits, "5"));
            if let (Some(next), Some(unit)) = (words.next(), unit) {
                shown.push_str(&next.replacen(unit, "ms", 1));
            }
        } else {
            shown.push_str(word);
        }
    }
    shown
}

#[test]
fn times_are_made_round() {
    for (line, expected) in [
        (
            "after 12 ms; Nushell 0.115.1",
            "after 5 ms; Nushell 0.115.1",
        ),
        ("(took 1.25 s)", "(took 5 ms)"),
        ("3 plugins", "3 plugins"),
        ("no ms", "no ms"),
    ] {
        assert_eq!(same_each_time(line), expected);
    }
}
