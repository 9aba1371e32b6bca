//! `--trace` and `pegboard trace show`.

use std::path::Path;

use serde_json::Value as Json;

use crate::support::{Cli, Folder, json};

/// `pegboard trace show` with these options.
fn show(file: &Path, options: &[&str]) -> Cli {
    let mut cli = Cli::new(["trace", "show"]).argument(file);
    for option in options {
        cli = cli.argument(option);
    }
    cli
}

/// Records a command of a real plugin with this input.
fn record(file: &Path, plugin: &str, line: &str, input: &str) {
    let options = [
        "--from",
        "json",
        "--trace",
        file.to_str().expect("a plain path"),
    ];
    let typed = if input.is_empty() {
        &options[2..]
    } else {
        &options
    };
    Cli::run_with(plugin, typed, line).input(input).out();
}

#[test]
fn what_calls_and_streams_took() {
    let folder = Folder::new("took");
    let file = folder.file("trace");
    let input: String = (0..300).map(|item| format!("{item}\n")).collect();
    record(&file, "nu_plugin_reference", "ref each-tenth", &input);
    let shown = show(&file, &["--call", "1"]).out();
    let calls = shown.split("\ncalls\n").nth(1).expect("a summary");
    let lines: Vec<&str> = calls.lines().collect();
    let [call, input, output] = lines.as_slice() else {
        panic!("{shown}")
    };
    for (line, parts) in [
        (
            call,
            &[
                "  reference#2 call 1 Run `ref each-tenth`: the engine waited ",
                " for the answer; over after ",
            ][..],
        ),
        (
            input,
            &[
                "    input, stream 0 from the engine: 300 items, ",
                ", ended after ",
            ],
        ),
        (
            output,
            &[
                "    output, stream 0 from the plugin: 30 items, ",
                ", the first after ",
            ],
        ),
    ] {
        let has = |part: &&str| line.contains(*part);
        assert!(
            line.starts_with(parts[0]) && parts.iter().all(has),
            "{shown}"
        );
    }
    // Of the messages, those of the call and its streams alone.
    assert!(
        !shown.contains("Hello") && shown.contains("End 0 (30 items)"),
        "{shown}"
    );
    let error = show(&file, &["--call", "7", "--plugin", "reference"]).fails(2);
    let expected =
        "error: the trace has no call 7 of a plugin reference; it has reference#1, reference#2\n";
    assert_eq!(error, expected);
}

#[test]
fn engine_calls_stand_below_their_call() {
    let folder = Folder::new("below");
    let file = folder.file("trace");
    record(&file, "nu_plugin_reference", "ref engine env HOME", "");
    let shown = show(&file, &[]).out();
    let engine_call = "\n    engine call 0 GetEnvVar `HOME`: the plugin waited ";
    assert!(shown.contains(engine_call), "{shown}");
}

#[test]
fn a_trace_as_json() {
    let folder = Folder::new("json");
    let file = folder.file("trace");
    record(&file, "nu_plugin_reference", "ref seq 3", "");
    let document = json(&show(&file, &["--json"]).out());
    let keys = |json: &Json| -> Vec<String> {
        let object = json.as_object().expect("an object");
        object.keys().cloned().collect()
    };
    let expected = [
        "format",
        "began",
        "calls",
        "streams",
        "messages",
        "unreadable",
    ];
    assert_eq!(keys(&document), expected);
    let list = |name: &str| document[name].as_array().expect("a list").clone();
    let run = list("calls").pop().expect("a call");
    let expected =
        "line plugin instance from id name within began answered answer error over streams";
    assert_eq!(keys(&run).join(" "), expected);
    assert_eq!(run["name"], "Run `ref seq`");
    let [stream] = list("streams").try_into().expect("one stream");
    let expected = "line call from id role kind began first ended dropped items bytes held";
    assert_eq!(keys(&stream).join(" "), expected);
    assert_eq!(
        (&stream["items"], &stream["kind"]),
        (&Json::from(3), &Json::from("list"))
    );
    assert_eq!(
        (&stream["call"], &run["streams"][0]),
        (&run["line"], &stream["line"])
    );
    // The messages are those of the file, each with its line.
    let text = std::fs::read_to_string(&file).expect("the trace");
    let lines: Vec<Json> = text.lines().map(json).collect();
    let messages = list("messages");
    assert_eq!(messages.len(), lines.len() - 1);
    for message in messages {
        let line = message["line"].as_u64().expect("a number") as usize;
        let written = &lines[line - 1];
        assert_eq!(
            (&message["message"], &message["t"]),
            (&written["message"], &written["t"])
        );
    }
    assert!(list("unreadable").is_empty());
}

#[test]
fn a_run_is_written_down_and_shown() {
    let folder = Folder::new("trace");
    let file = folder.file("inc.trace");
    let options = ["--trace", file.to_str().expect("a plain path")];
    Cli::run_with("nu_plugin_inc", &options, "inc --major")
        .input("1.2.3")
        .out();
    let shown = Cli::new(["trace".as_ref(), "show".as_ref(), file.as_os_str()]).out();
    let names: Vec<String> = shown.lines().skip(1).map(what).collect();
    let order = [
        "<- Hello",
        "-> Hello",
        "-> Call 0 Signature",
        "<- CallResponse 0 Signature of 1 commands",
        "-> Call 1 Run `inc`",
        "<- CallResponse 1 PipelineData",
        "-> Goodbye",
    ];
    let mut rest = names.iter();
    for wanted in order {
        assert!(
            rest.any(|name| name.starts_with(wanted)),
            "{wanted} in\n{shown}"
        );
    }
    assert!(
        shown
            .lines()
            .any(|line| line.contains("CallResponse 1") && line.contains("(after ")),
        "{shown}"
    );
}

#[test]
fn streams_are_shown_with_what_is_in_them() {
    let folder = Folder::new("trace-stream");
    let file = folder.file("trace");
    let options = ["--from", "raw", "--trace"];
    let options = [&options[..], &[file.to_str().expect("a plain path")]].concat();
    Cli::run_with("nu_plugin_reference", &options, "ref collect-bytes")
        .input("1.2.3")
        .out();
    let shown = Cli::new(["trace".as_ref(), "show".as_ref(), file.as_os_str()]).out();
    for wanted in ["-> Data 0 \"5 bytes: 1.2.3\"", "-> End 0 (1 item)"] {
        assert!(
            shown.lines().any(|line| line.ends_with(wanted)),
            "{wanted} in\n{shown}"
        );
    }
}

/// A line from its arrow on.
fn what(line: &str) -> String {
    let arrow = [" <- ", " -> ", " -- "]
        .iter()
        .filter_map(|arrow| line.find(arrow))
        .min();
    line[arrow.unwrap_or(0)..].trim().to_owned()
}

#[test]
fn values_of_variables_stay_out() {
    let folder = Folder::new("secret");
    let file = folder.file("trace");
    let options = ["--trace", file.to_str().expect("a plain path")];
    let line = "ref engine envs";
    let run =
        Cli::run_with("nu_plugin_reference", &options, line).variable("SECRET", "tell-nobody");
    assert!(run.out().contains("tell-nobody"));
    let text = std::fs::read_to_string(&file).expect("a trace");
    let answers: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("EngineCallResponse"))
        .collect();
    assert!(
        !answers.is_empty() && !answers.concat().contains("tell-nobody"),
        "{answers:?}"
    );
}

#[test]
fn files_that_are_no_trace() {
    let folder = Folder::new("bad-trace");
    let file = folder.file("trace");
    let show = || Cli::new(["trace".as_ref(), "show".as_ref(), file.as_os_str()]);
    let message = |error: String| error.replace(file.to_str().expect("a plain path"), "FILE");
    assert!(message(show().fails(2)).starts_with("error: FILE cannot be read: "));
    let head = "{\"trace\":\"pegboard\",\"format\":1,\"began\":0}\n";
    for (text, expected) in [
        ("", "error: FILE, line 1: this is not a Pegboard trace\n"),
        (
            "hello\n",
            "error: FILE, line 1: this is not a Pegboard trace\n",
        ),
        (
            &format!("{head}\n{{}}\n"),
            "error: FILE, line 3: `t` must be a number of seconds\n",
        ),
        (
            &format!("{head}{{\"t\":1,\"plugin\":\"x\",\"from\":\"engine\"}}\n"),
            "error: FILE, line 2: it has neither `message` nor `note`\n",
        ),
    ] {
        std::fs::write(&file, text).expect("a file");
        assert_eq!(message(show().fails(2)), expected, "{text}");
    }
    // Whoever wrote it may have been killed in the middle of a line.
    std::fs::write(&file, format!("{head}{{\"t\":0.5,\"plugin\":\"x\",\"from\":\"engine\",\"message\":\"Goodbye\"}}\n{{\"t")).expect("a file");
    let expected = "recorded 1970-01-01T00:00:00+00:00, 1 entry\n    0.500000  x -> Goodbye\n";
    assert_eq!(show().out(), expected);
}

#[test]
fn processes_of_one_plugin_have_numbers() {
    let folder = Folder::new("numbers");
    let file = folder.file("trace");
    let head = "{\"trace\":\"pegboard\",\"format\":1,\"began\":0}\n";
    let line = |plugin: &str, instance: u64| {
        format!(
            "{{\"t\":1,\"plugin\":\"{plugin}\",\"instance\":{instance},\"from\":\"engine\",\"message\":\"Goodbye\"}}\n"
        )
    };
    let text = [head.to_owned(), line("a", 1), line("b", 2), line("a", 3)].concat();
    std::fs::write(&file, text).expect("a file");
    let shown = Cli::new(["trace".as_ref(), "show".as_ref(), file.as_os_str()]).out();
    let names: Vec<_> = shown
        .lines()
        .skip(1)
        .map(|line| line[12..18].trim())
        .collect();
    assert_eq!(names, ["a#1", "b", "a#3"], "{shown}");
}

#[test]
fn one_bad_line_does_not_hide_the_others() {
    let folder = Folder::new("bad-line");
    let file = folder.file("trace");
    let entry = |t: u8| {
        format!("{{\"t\":{t},\"plugin\":\"x\",\"from\":\"engine\",\"message\":\"Goodbye\"}}\n")
    };
    let head = "{\"trace\":\"pegboard\",\"format\":1,\"began\":0}\n";
    let text = format!("{head}{}what?\n{}", entry(1), entry(2));
    std::fs::write(&file, text).expect("a file");
    let ran = Cli::new(["trace".as_ref(), "show".as_ref(), file.as_os_str()]).end();
    assert_eq!(ran.code, Some(2));
    assert_eq!(ran.out.matches("x -> Goodbye").count(), 2, "{}", ran.out);
    assert!(ran.err.contains("trace, line 3: "), "{}", ran.err);
    let ran = show(&file, &["--json"]).end();
    assert_eq!(ran.code, Some(2));
    let document = json(&ran.out);
    assert_eq!(document["unreadable"][0]["line"], 3);
    let lines = document["messages"].as_array().expect("messages").iter();
    let lines: Vec<_> = lines.map(|message| &message["line"]).collect();
    assert_eq!(lines, [2, 4]);
}

#[test]
fn what_a_terminal_acts_on_is_not_shown() {
    let folder = Folder::new("harmless");
    let file = folder.file("trace");
    let text = "{\"trace\":\"pegboard\",\"format\":1,\"began\":0}\n\
                {\"t\":1,\"plugin\":\"x\",\"note\":\"a\u{202e}b\\u001b[31m\",\"details\":null}\n";
    std::fs::write(&file, text).expect("a file");
    let out = Cli::new(["trace".as_ref(), "show".as_ref(), file.as_os_str()]).out();
    assert!(out.contains("a\\u{202e}b\u{241b}[31m"), "{out}");
}

#[test]
fn a_trace_costs_nobody_a_file() {
    let folder = Folder::new("overwrite");
    let file = folder.file("notes.txt");
    let path = file.to_str().expect("a plain path");
    let run = |line: &str| Cli::run_with("nu_plugin_reference", &["--trace", path], line);
    std::fs::write(&file, "dear diary\n").expect("a file");
    assert!(
        run("ref values int")
            .fails(2)
            .contains("is not a Pegboard trace")
    );
    assert_eq!(
        std::fs::read_to_string(&file).expect("a file"),
        "dear diary\n"
    );
    // An older trace is overwritten, but not before the command is understood.
    let old = "{\"trace\":\"pegboard\",\"format\":1,\"began\":0}\n";
    std::fs::write(&file, old).expect("a file");
    for line in ["ref valeus int", "ref args x", "ref args --help"] {
        run(line).end();
        assert_eq!(
            std::fs::read_to_string(&file).expect("a file"),
            old,
            "{line}"
        );
    }
    run("ref values int").out();
    let new = std::fs::read_to_string(&file).expect("a file");
    assert!(new.contains("\"Run\"") && new.contains("Goodbye"), "{new}");
    let error = Cli::run_with(
        "nu_plugin_reference",
        &["--trace", "/no/such/t"],
        "ref values int",
    );
    assert!(error.fails(4).contains("/no/such/t cannot be written"));
}
