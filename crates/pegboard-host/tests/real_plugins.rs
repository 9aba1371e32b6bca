//! Nushell's own plugins doing what they are for, with results that are known.

mod common;

use std::path::Path;
use std::process::Command;

use common::{PATIENCE, Rig, error, field, headed, int, items, text, value};
use pegboard_host::protocol::nu::ByteStreamKind;
use pegboard_host::protocol::{CellPath, Spanned};
use pegboard_host::{AppContext, ErrorKind, Flow, ReportStyle, Run, Sources, Span, State, Value};
use pegboard_testkit::peers::peer;
use pegboard_testkit::tree::wait_until;

fn word(word: &str) -> Value {
    Value::string(word)
}

fn path(path: &str) -> Value {
    Value::CellPath(path.parse::<CellPath>().expect("a path"), Span::UNKNOWN)
}

fn record(fields: &[(&str, Value)]) -> Value {
    Value::record(fields.iter().map(|(name, value)| (*name, value.clone())))
}

#[test]
fn inc_raises_numbers_and_versions() {
    let rig = Rig::new();
    let inc = rig.load("nu_plugin_inc");
    let run = |input: Value| inc.run("inc").input(input);
    assert_eq!(value(run(Value::int(41))), Value::int(42));
    // Which part to raise has to be said.
    assert_eq!(value(run(word("1.2.3"))), word("1.2.3"));
    assert_eq!(value(run(word("1.2.3")).switch("patch")), word("1.2.4"));
    assert_eq!(value(run(word("1.2.3")).switch("minor")), word("1.3.0"));
    assert_eq!(value(run(word("1.2.3")).switch("major")), word("2.0.0"));
    assert_eq!(value(run(word("7"))), word("8"));
    let package = record(&[("name", word("x")), ("version", word("0.9.1"))]);
    let raised = value(run(package).argument(path("version")).switch("minor"));
    assert_eq!(
        raised,
        record(&[("name", word("x")), ("version", word("0.10.0"))])
    );
    let got = error(run(Value::list([Value::int(1)])).argument(path("nonsense")));
    assert_eq!(got.kind(), ErrorKind::Plugin);
    assert_eq!(inc.status().starts, 1);
}

#[test]
fn an_error_of_inc_is_shown_on_the_command_line() {
    let rig = Rig::new();
    let inc = rig.load("nu_plugin_inc");
    let sources = Sources::new();
    let line = sources.add("command line", "inc --major");
    let head = Span::new(line.start, line.start + 3);
    let mut call = headed(head, []);
    call.named.push((
        Spanned::new("major".to_owned(), Span::new(line.start + 4, line.end)),
        None,
    ));
    let got = error(inc.run("inc").arguments(call).input(Value::bool(true)));
    assert_eq!(got.kind(), ErrorKind::Plugin);
    let report = got.report(Some(&sources), ReportStyle::default());
    assert!(
        report.contains("inc --major") && report.contains("^^^"),
        "{report}"
    );
}

#[test]
fn query_finds_things_in_json_xml_and_web_pages() {
    let rig = Rig::new();
    let query = rig.load("nu_plugin_query");
    let run = |command: &str, input: &str| -> Run {
        query.run(format!("query {command}")).input(word(input))
    };
    let json = r#"{"users": [{"name": "Ann", "age": 30}, {"name": "Bob", "age": 25}]}"#;
    assert_eq!(
        value(run("json", json).argument(word("users.1.name"))),
        word("Bob")
    );
    let names = value(run("json", json).argument(word("users.#.name")));
    assert_eq!(names, Value::list([word("Ann"), word("Bob")]));
    assert_eq!(int(&value(run("json", json).argument(word("users.#")))), 2);
    let got = error(run("json", "{not json").argument(word("a")));
    assert_eq!(got.kind(), ErrorKind::Plugin);

    let html = "<ul><li class='a'>one</li><li>two</li></ul><p>three</p>";
    let found = value(run("web", html).flag("query", word("li")));
    let found: Vec<_> = items(found).into_iter().flat_map(items).collect();
    assert_eq!(found, [word("one"), word("two")]);
    let found = value(
        run("web", html)
            .flag("query", word("li"))
            .flag("attribute", word("class")),
    );
    assert_eq!(items(found)[0], word("a"));

    let xml = "<a><b x='1'>first</b><b x='2'>second</b></a>";
    let found = format!("{:?}", value(run("xml", xml).argument(word("//b[@x='2']"))));
    assert!(
        found.contains("second") && !found.contains("first"),
        "{found}"
    );

    let page = "<html lang='en'><head><title>A page</title></head><body></body></html>";
    let found = value(run("webpage-info", page));
    assert_eq!(field(&found, "title"), word("A page"));
    assert_eq!(field(&found, "language"), word("en"));
    let help = text(&value(query.run("query")));
    assert!(help.contains("Show all the query commands"), "{help}");
    assert_eq!(query.status().starts, 1);
}

const ICS: &str =
    "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1@x\r\nSUMMARY:Tea\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
const EML: &str =
    "From: ann@example.com\r\nTo: bob@example.com\r\nSubject: Hello\r\n\r\nThe text.\r\n";
const VCF: &str = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ann Example\r\nEND:VCARD\r\n";

#[test]
fn formats_read_what_others_write() {
    let rig = Rig::new();
    let formats = rig.load("nu_plugin_formats");
    let run = |command: &str, input: &str| value(formats.run(command).input(word(input)));
    let ini = run("from ini", "top=1\n[section]\nkey=a value\n");
    assert_eq!(field(&ini, "section.key"), word("a value"));
    let eml = run("from eml", EML);
    assert_eq!(field(&eml, "Subject"), word("Hello"));
    assert!(format!("{:?}", field(&eml, "From")).contains("ann@example.com"));
    let ics = format!("{:?}", run("from ics", ICS));
    assert!(ics.contains("SUMMARY") && ics.contains("Tea"), "{ics}");
    let vcf = format!("{:?}", run("from vcf", VCF));
    assert!(vcf.contains("Ann Example"), "{vcf}");

    let data = record(&[
        ("name", word("ü")),
        ("list", Value::list([Value::int(1), Value::bool(false)])),
    ]);
    let plist = value(formats.run("to plist").input(data.clone()));
    assert!(text(&plist).contains("<plist"), "{plist:?}");
    assert_eq!(value(formats.run("from plist").input(plist)), data);
    let got = error(formats.run("from plist").input(word("no plist")));
    assert_eq!(got.kind(), ErrorKind::Plugin);
    assert_eq!(formats.status().starts, 1);
}

#[test]
fn formats_take_text_as_a_stream_too() {
    let rig = Rig::new();
    let formats = rig.load("nu_plugin_formats");
    let lines: String = (0..5_000).map(|n| format!("key{n}=value {n}\n")).collect();
    let stream = Flow::bytes(
        std::io::Cursor::new(format!("[all]\n{lines}")),
        ByteStreamKind::String,
    );
    let got = value(formats.run("from ini").input(stream));
    let Value::Record(all, _) = field(&got, "all") else {
        panic!("no record")
    };
    assert_eq!(
        (all.len(), all.get("key4999")),
        (5_000, Some(&word("value 4999")))
    );
}

fn git(directory: &Path, arguments: &[&str]) {
    let output = Command::new("git")
        .current_dir(directory)
        .args([
            "-c",
            "user.name=A",
            "-c",
            "user.email=a@example.com",
            "-c",
            "commit.gpgsign=false",
        ])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .expect("git");
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn gstat_tells_the_state_of_a_repository() {
    let rig = Rig::new();
    let gstat = rig.load("nu_plugin_gstat");
    let repository = rig.scratch.path().join("work");
    std::fs::create_dir(&repository).expect("a directory");
    git(&repository, &["init", "-q", "-b", "trunk"]);
    for name in ["kept", "changed"] {
        std::fs::write(repository.join(name), "one\n").expect("a file");
    }
    git(&repository, &["add", "."]);
    git(&repository, &["commit", "-q", "-m", "first"]);
    git(&repository, &["tag", "v1"]);
    std::fs::write(repository.join("changed"), "two\n").expect("a file");
    std::fs::write(repository.join("new"), "new\n").expect("a file");
    std::fs::write(repository.join("staged"), "staged\n").expect("a file");
    git(&repository, &["add", "staged"]);

    // It asks for the caller's directory, and is told where the repository is.
    let context = || common::shared(AppContext::new().with_directory(&repository));
    let state = value(gstat.run("gstat").context(context()));
    let number = |name: &str| int(&field(&state, name));
    assert_eq!(field(&state, "repo_name"), word("work"));
    assert_eq!(field(&state, "branch"), word("trunk"));
    assert_eq!(number("idx_added_staged"), 1);
    assert_eq!(number("wt_untracked"), 1);
    assert_eq!(number("wt_modified"), 1);
    assert_eq!(number("stashes"), 0);
    assert_eq!(field(&state, "tag"), word("v1"));
    let elsewhere = common::shared(AppContext::new().with_directory(rig.scratch.path()));
    let state = value(gstat.run("gstat").context(elsewhere));
    assert_eq!(field(&state, "branch"), word("no_branch"));
    // Without anybody to ask it says so, and goes on.
    let got = error(gstat.run("gstat"));
    assert!(got.to_string().contains("GetCurrentDir"), "{got}");
    assert_eq!(
        value(gstat.run("gstat").context(context())),
        value(gstat.run("gstat").context(context()))
    );
    assert_eq!(gstat.status().starts, 1);
}

#[test]
fn all_of_them_at_once_and_gone_with_the_engine() {
    let rig = Rig::new();
    let names = [
        "nu_plugin_inc",
        "nu_plugin_query",
        "nu_plugin_formats",
        "nu_plugin_gstat",
        "nu_plugin_reference",
    ];
    let plugins = names.map(|name| rig.load(name));
    std::thread::scope(|scope| {
        for plugin in &plugins {
            scope.spawn(|| {
                let signatures = plugin.signatures().expect("signatures");
                assert!(!signatures.is_empty());
                assert!(
                    plugin.metadata().expect("metadata").version.is_some(),
                    "{}",
                    plugin.name()
                );
            });
        }
    });
    for plugin in &plugins {
        let status = plugin.status();
        assert_eq!((status.state, status.starts), (State::Running, 1));
        assert_eq!(status.protocol_version.as_deref(), Some("0.115.1"));
    }
    let found = |words: &[&str]| {
        rig.engine
            .find(words)
            .expect("signatures")
            .map(|(found, count)| (found.plugin.name().to_owned(), count))
    };
    assert_eq!(
        found(&["from", "ini", "x"]),
        Some(("formats".to_owned(), 2))
    );
    assert_eq!(found(&["query", "web"]), Some(("query".to_owned(), 2)));
    assert_eq!(found(&["query", "nonsense"]), Some(("query".to_owned(), 1)));
    assert_eq!(found(&["from"]), None);
    assert!(rig.processes().len() >= plugins.len());
    rig.engine.shutdown();
    assert!(wait_until(PATIENCE, || rig.processes().is_empty()));
}

#[test]
fn one_plugins_output_is_anothers_input() {
    let rig = Rig::new();
    let [inc, query, formats] =
        ["nu_plugin_inc", "nu_plugin_query", "nu_plugin_formats"].map(|name| rig.load(name));
    let ini = formats
        .run("from ini")
        .input(word("[package]\nversion=0.9.9\n"))
        .call()
        .expect("a record");
    let raised = inc
        .run("inc")
        .argument(path("package.version"))
        .switch("minor")
        .input(ini)
        .call()
        .expect("raised");
    let version = field(&raised.into_value().expect("a record"), "package.version");
    assert_eq!(version, word("0.10.0"));
    let json = format!(r#"{{"v": "{}"}}"#, text(&version));
    assert_eq!(
        value(
            query
                .run("query json")
                .argument(word("v"))
                .input(word(&json))
        ),
        version
    );
}

#[test]
fn hand_written_plugins_die_of_what_they_do_not_know_and_come_back() {
    let rig = Rig::new();
    let python = rig
        .engine
        .load(peer("nu_plugin_pyhand.py"))
        .expect("a plugin");
    let echo = || python.run("py echo").input(word("x"));
    assert_eq!(value(echo()), word("x"));
    // It knows no signals, and ends.
    rig.engine.interrupt();
    assert!(wait_until(PATIENCE, || python.status().state != State::Running));
    assert_eq!(value(echo()), word("x"));
    assert_eq!(python.status().starts, 2);
}
