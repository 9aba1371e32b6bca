//! Lines, and what can stand at their end. The plugins that are installed here have no files.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use pegboard_host::manifest::{Entry, FileStamp};
use pegboard_host::protocol::nu::{
    Completion, Flag, PluginSignature, PositionalArg, Signature, SyntaxShape,
};
use pegboard_host::store::{Snapshot, Store, signatures_as_json};

use super::Asker;
use super::answer::Whom;
use super::typed::Typed;

/// A store in a directory that goes away with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Scratch {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("pegboard-completions.{}.{number}", std::process::id());
        Scratch(std::env::temp_dir().join(name))
    }

    fn add(&self, plugin: &str, protocol: &str, commands: &[Signature]) {
        let file = FileStamp::default();
        let mut entry = Entry::new(plugin, format!("/nowhere/nu_plugin_{plugin}"), file);
        let commands: Vec<PluginSignature> = commands
            .iter()
            .map(|sig| PluginSignature {
                sig: sig.clone(),
                examples: Vec::new(),
            })
            .collect();
        entry.signatures = signatures_as_json(&commands).expect("signatures");
        entry.protocol = Some(protocol.to_owned());
        Store::open(&self.0).add(&entry).expect("installed");
    }

    fn read(&self) -> Snapshot {
        Store::open(&self.0).read().expect("a store")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn signature(name: &str) -> Signature {
    Signature {
        name: name.to_owned(),
        description: format!("Does {name}.\nMore."),
        ..Signature::default()
    }
}

fn argument(name: &str, shape: SyntaxShape) -> PositionalArg {
    PositionalArg {
        name: name.to_owned(),
        shape,
        ..PositionalArg::default()
    }
}

fn flag(long: &str, short: char, arg: Option<SyntaxShape>) -> Flag {
    Flag {
        long: long.to_owned(),
        short: Some(short),
        arg,
        ..Flag::default()
    }
}

fn list(words: &[&str]) -> Option<Completion> {
    Some(Completion::List(
        words.iter().map(|&word| word.to_owned()).collect(),
    ))
}

fn scratch() -> Scratch {
    let scratch = Scratch::new();
    let mut freq = signature("words freq");
    freq.required_positional = vec![PositionalArg {
        completion: list(&["short", "a b"]),
        ..argument("how", SyntaxShape::String)
    }];
    freq.optional_positional = vec![argument("place", SyntaxShape::Directory)];
    freq.named = vec![
        flag("top", 't', Some(SyntaxShape::Int)),
        flag("fold", 'f', None),
        Flag {
            completion: list(&["red", "green"]),
            ..flag("colour", 'c', Some(SyntaxShape::String))
        },
        flag("strict", 's', Some(SyntaxShape::Boolean)),
        flag("by", 'b', Some(SyntaxShape::String)),
    ];
    let mut lines = signature("words lines");
    lines.rest_positional = Some(argument("file", SyntaxShape::Filepath));
    let mut open = signature("words open");
    open.required_positional = vec![
        argument("name", SyntaxShape::Any),
        argument(
            "in",
            SyntaxShape::Keyword(b"in".to_vec(), Box::new(SyntaxShape::Directory)),
        ),
    ];
    let deep = signature("words deep er");
    scratch.add(
        "words",
        "0.115.1",
        &[freq, lines, open, deep, signature("words")],
    );
    let mut old = signature("old");
    old.required_positional = vec![argument("name", SyntaxShape::String)];
    scratch.add("elder", "0.108.0", &[old.clone()]);
    old.name = "words old".to_owned();
    old.description = "\u{1b}[31mred\tbell\u{7}".to_owned();
    scratch.add("odd name", "0.109.0", &[old]);
    scratch
}

/// What a shell without quotes of its own is told about a line, with the question to the plugin. Descriptions are left
/// out.
fn told(snapshot: &Snapshot, line: &[&str]) -> String {
    let words: Vec<String> = std::iter::once("pegboard")
        .chain(line.iter().copied())
        .map(str::to_owned)
        .collect();
    let typed = Typed::read(Asker::Plain, &words).expect("words");
    let answer = super::own::answer(snapshot, &typed, &|_| Vec::new());
    let text = answer.print(Asker::Plain, &typed);
    let mut parts: Vec<String> = text
        .lines()
        .map(|line| match line.strip_prefix('\t') {
            Some(files) => format!("<{}>", files.trim_end().replace('\t', " ")),
            None => line.split('\t').next().unwrap_or_default().to_owned(),
        })
        .collect();
    if let Some(question) = answer.question {
        let plugin = match question.plugin {
            Whom::Installed(name) => name,
            Whom::Given(path) => path.display().to_string(),
        };
        parts.push(format!(
            "?{plugin} {} {:?}",
            question.command, question.target
        ));
    }
    parts.join(",")
}

#[test]
fn what_can_stand_at_the_end_of_a_line() {
    let scratch = scratch();
    let snapshot = scratch.read();
    for (line, expected) in [
        // Pegboard's own words.
        (&["re"][..], "remove"),
        (&["trace", "s"], "show"),
        (&["help", "trace", "s"], "show"),
        (&["help", "wor"], "words"),
        (&["help", "words", "l"], "lines"),
        (&["help", "nothing", ""], ""),
        (&["compl"], "completions"),
        (&["completions", "z"], "zsh"),
        (&["list", "--c"], "--commands"),
        (&["list", "--json", "--"], "--commands,--help"),
        (&["list", ""], "--commands,--json,-h,--help"),
        (&["remove", ""], "elder,odd name,words"),
        (&["remove", "words", ""], "elder,odd name"),
        (&["inspect", "w"], "words,<files>"),
        (&["inspect", "words", "w"], ""),
        (&["add", ""], "<files>"),
        (&["add", "x", "y"], "<files>"),
        (&["man", "--dir", ""], "<directories>"),
        (&["test", "--rule", "unknown-com"], "unknown-command"),
        (&["run", "--to", "ms"], "msgpack"),
        (&["run", "--to=ms"], "--to=msgpack"),
        (&["run", "--to=json", "--t"], "--trace,--timeout"),
        (&["run", "--plugin", "x", "--plu"], "--plugin"),
        (&["run", "--input=a"], "<files --input=>"),
        (&["run", "--input", "a"], "<files>"),
        (&["run", "--timeout", ""], ""),
        // Nonsense.
        (&["nothing", ""], ""),
        (&["list", "--nothing", ""], ""),
        (&["list", "--nothing="], ""),
        (&["run", "nothing", ""], ""),
        // Names of commands.
        (&["run", ""], "old,words"),
        (&["run", "wo"], "words"),
        (&["run", "words", ""], "deep,freq,lines,old,open,--help"),
        (&["run", "--to", "json", "words", "l"], "lines"),
        (&["run", "--", "words", "l"], "lines"),
        (&["run", "words", "deep", ""], "er,--help"),
        (&["run", "words l"], "words lines"),
        (&["run", "words freq", "s"], "short"),
        (&["run", "words", "freq", "x", "|", "words", "l"], "lines"),
        (&["run", "words", "freq", "x", r"\|", "wor"], ""),
        (&["run", "words", "freq", "x", "|", ""], "old,words"),
        // Flags.
        (
            &["run", "words", "freq", "-"],
            "-t,--top,-f,--fold,-c,--colour,-s,--strict,-b,--by,--help",
        ),
        (
            &["run", "words", "freq", "-ft5", "--colour=red", "--"],
            "--strict,--by,--help",
        ),
        (&["run", "words", "freq", "--", "--"], ""),
        (&["run", "words", "freq", "--colour", ""], "red,green"),
        (&["run", "words", "freq", "-fc", "g"], "green"),
        (&["run", "words", "freq", "--colour=r"], "--colour=red"),
        (&["run", "words", "freq", "--strict", "t"], "true"),
        (&["run", "words", "freq", "--top", ""], ""),
        (
            &["run", "words", "freq", "--by="],
            "<files --by=>,?words words freq Flag(\"by\")",
        ),
        // Arguments.
        (&["run", "words", "freq", ""], "short,a b"),
        (&["run", "words", "freq", "-t", "5", "a"], "a b"),
        (&["run", "words", "freq", "x", ""], "<directories>"),
        (&["run", "words", "lines", "x", "y", ""], "<files>"),
        (
            &["run", "words", "open", ""],
            "<files>,?words words open Positional(0)",
        ),
        (&["run", "words", "open", "x", ""], "in"),
        (&["run", "words", "open", "x", "in", ""], "<directories>"),
        (&["run", "words", "open", "x", "in", "y", ""], "--help"),
        // Not every plugin can be asked.
        (&["run", "old", ""], "<files>"),
        (
            &["run", "words", "old", ""],
            "<files>,?odd name words old Positional(0)",
        ),
    ] {
        assert_eq!(told(&snapshot, line), expected, "{line:?}");
    }
}

#[test]
fn of_two_commands_of_one_name_that_of_the_named_plugin_is_meant() {
    let scratch = Scratch::new();
    for (plugin, value) in [("first", "one"), ("second", "two")] {
        let mut both = signature("both");
        both.required_positional = vec![PositionalArg {
            completion: list(&[value]),
            ..argument("x", SyntaxShape::String)
        }];
        scratch.add(plugin, "0.115.1", &[both]);
    }
    let snapshot = scratch.read();
    for (line, expected) in [
        (&["run", "both", ""][..], "one"),
        (&["run", "--plugin", "second", "both", ""], "two"),
        (&["run", "--plugin=second", "both", ""], "two"),
        (&["run", "--plugin=other", "both", ""], "one"),
    ] {
        assert_eq!(told(&snapshot, line), expected, "{line:?}");
    }
}

#[test]
fn descriptions_are_one_line_of_harmless_text() {
    let scratch = scratch();
    let snapshot = scratch.read();
    for (last, expected) in [
        ("freq", "freq\tDoes words freq.\n"),
        ("old", "old\t␛[31mred    bell␇\n"),
    ] {
        let words = ["pegboard", "run", "words", last].map(str::to_owned);
        let typed = Typed::read(Asker::Plain, &words).expect("words");
        let answer = super::own::answer(&snapshot, &typed, &|_| Vec::new());
        assert_eq!(answer.print(Asker::Plain, &typed), expected);
    }
}
