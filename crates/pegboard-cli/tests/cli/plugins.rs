//! Nushell's own plugins, on real input.

use std::process::Command;

use serde_json::json;

use crate::support::{Cli, Folder, json};

#[test]
fn inc_counts_up_versions() {
    for (line, input, output) in [
        ("inc --major", "1.2.3\n", "2.0.0"),
        ("inc -m", "1.2.3", "1.3.0"),
        ("inc -p", "1.2.3\n", "1.2.4"),
    ] {
        assert_eq!(
            Cli::run("nu_plugin_inc", line).input(input).out(),
            output,
            "{line}"
        );
    }
}

#[test]
fn inc_reaches_into_records() {
    let out = Cli::run_with(
        "nu_plugin_inc",
        &["--from", "json"],
        "inc package.version --minor",
    )
    .input(r#"{"package": {"version": "0.1.9"}}"#)
    .out();
    assert_eq!(out, "{\"package\":{\"version\":\"0.2.0\"}}\n");
}

#[test]
fn query_asks_json_xml_and_html() {
    let input = r#"{"a": [5, {"b": "c"}]}"#;
    assert_eq!(
        Cli::run("nu_plugin_query", "query json a.1.b")
            .input(input)
            .out(),
        "c"
    );
    let xml = "<a><b>1</b><b>2</b></a>";
    let out = Cli::run("nu_plugin_query", "query xml //b")
        .input(xml)
        .out();
    assert_eq!(out, "{\"string_value\":\"1\"}\n{\"string_value\":\"2\"}\n");
    let html = "<p>one</p>\n<p>two</p>\n";
    let out = Cli::run("nu_plugin_query", "query web --query p")
        .input(html)
        .out();
    assert_eq!(out, "[\"one\"]\n[\"two\"]\n");
}

#[test]
fn formats_reads_ini() {
    let out = Cli::run("nu_plugin_formats", "from ini")
        .input("[server]\nport = 80\n")
        .out();
    assert_eq!(json(&out), json!({"server": {"port": "80"}}));
}

#[test]
fn formats_reads_mail() {
    let mail =
        "From: a@example.com\r\nTo: b@example.com\r\nSubject: Greetings\r\n\r\nHello there\r\n";
    let mail = json(&Cli::run("nu_plugin_formats", "from eml").input(mail).out());
    assert_eq!(mail["Subject"], "Greetings");
    assert_eq!(mail["From"]["Address"], "a@example.com");
    assert!(
        mail["Body"]
            .as_str()
            .is_some_and(|body| body.starts_with("Hello there"))
    );
}

#[test]
fn formats_reads_contacts() {
    let card = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ada Lovelace\r\nEND:VCARD\r\n";
    let card = json(&Cli::run("nu_plugin_formats", "from vcf").input(card).out());
    let names = card["properties"].as_array().expect("properties");
    assert!(
        names
            .iter()
            .any(|property| property["value"] == "Ada Lovelace"),
        "{card}"
    );
}

#[test]
fn formats_reads_calendars() {
    let calendar = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nSUMMARY:Lunch\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let calendar = json(
        &Cli::run("nu_plugin_formats", "from ics")
            .input(calendar)
            .out(),
    );
    assert_eq!(
        calendar["events"][0]["properties"][0]["value"], "Lunch",
        "{calendar}"
    );
}

#[test]
fn formats_reads_property_lists() {
    let list = "<?xml version=\"1.0\"?><plist version=\"1.0\"><dict><key>a</key><integer>5</integer></dict></plist>";
    let out = Cli::run("nu_plugin_formats", "from plist")
        .input(list)
        .out();
    assert_eq!(json(&out), json!({"a": 5}));
}

#[test]
fn gstat_looks_at_the_callers_directory() {
    let folder = Folder::new("gstat");
    let git = Command::new("git")
        .args(["init", "--quiet"])
        .current_dir(folder.path())
        .status();
    assert!(git.expect("git").success());
    std::fs::write(folder.file("new"), "").expect("a file");
    let status = json(
        &Cli::run("nu_plugin_gstat", "gstat")
            .directory(folder.path())
            .out(),
    );
    assert_eq!(status["wt_untracked"], 1, "{status}");
}

#[test]
fn plugins_written_by_hand_work_too() {
    assert_eq!(
        Cli::run_with("nu_plugin_pyhand.py", &["--from", "text"], "py upper")
            .input("hello\n")
            .out(),
        "HELLO"
    );
    assert_eq!(
        Cli::run("nu_plugin_nodehand.js", "node list 3").out(),
        "0\n1\n2\n"
    );
}

#[test]
fn several_plugins_share_one_command_line() {
    let inc = pegboard_testkit::peers::peer("nu_plugin_inc");
    let options = ["--plugin", inc.to_str().expect("a plain path")];
    assert_eq!(
        Cli::run_with("nu_plugin_query", &options, "inc --major")
            .input("1.0.0")
            .out(),
        "2.0.0"
    );
    assert_eq!(
        Cli::run_with("nu_plugin_query", &options, "query json a")
            .input("{\"a\":1}")
            .out(),
        "1\n"
    );
}
