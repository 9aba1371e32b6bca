//! `pegboard trace replay`, against real plugins and real Nushells.

use std::path::{Path, PathBuf};
use std::process::Command;

use pegboard_testkit::peers::{peer, peer_in};

use crate::support::{Cli, Folder};

/// Records a command of the reference plugin.
fn record(folder: &Folder, line: &str, input: &str) -> PathBuf {
    let file = folder.file("trace");
    let path = file.to_str().expect("a plain path");
    let options = ["--from", "json", "--trace", path];
    let options = if input.is_empty() {
        &options[2..]
    } else {
        &options
    };
    let cli = Cli::run_with("nu_plugin_reference", options, line);
    // Whatever came of it is what is recorded.
    cli.input(input).end();
    file
}

fn replay(file: &Path, plugin: &Path, options: &[&str]) -> Cli {
    let mut cli = Cli::new(["trace", "replay"]).argument(file);
    cli = cli.argument("--plugin").argument(plugin);
    options.iter().fold(cli, Cli::argument)
}

#[test]
fn a_plugin_says_again_what_it_said() {
    let folder = Folder::new("replay-same");
    let input: String = (0..500).map(|item| format!("{item}\n")).collect();
    for (line, input) in [
        ("ref values", ""),
        ("ref error", ""),
        ("ref seq 1000", ""),
        ("ref bytes 1000000", ""),
        ("ref custom list 3", ""),
        ("ref engine cwd", ""),
        ("ref each-tenth", &input),
        ("ref head 3", &input),
    ] {
        let file = record(&folder, line, input);
        let told = replay(&file, &peer("nu_plugin_reference"), &[]).out();
        let expected = "same: the plugin has said again what was recorded (";
        assert!(told.starts_with(expected), "{line}: {told}");
    }
}

#[test]
fn the_first_difference_is_told() {
    let folder = Folder::new("replay-different");
    let file = record(&folder, "ref values int", "");
    let text = std::fs::read_to_string(&file).expect("the trace");
    let is_answer = |line: &str| line.contains(r#"{"CallResponse":[1,"#);
    let line = text.lines().position(is_answer).expect("the answer") + 1;
    let answer = text
        .lines()
        .find(|line| is_answer(line))
        .expect("the answer");
    let number = answer.split(r#""Int":{"val":"#).nth(1);
    let number = number
        .and_then(|rest| rest.split(',').next())
        .expect("a number");
    let recorded = answer.replace(&format!(r#""val":{number},"#), r#""val":6,"#);
    let changed = text.replace(answer, &recorded);
    std::fs::write(&file, changed).expect("the trace");
    let told = replay(&file, &peer("nu_plugin_reference"), &[]).end();
    assert_eq!(told.code, Some(1), "{told:?}");
    let expected = format!(
        "different: line {line} of the trace: CallResponse.1.PipelineData.Value.0.Int.val was 6 and is {number}\n  \
         recorded  <- CallResponse 1 PipelineData {{\"Value\":"
    );
    assert!(told.out.starts_with(&expected), "{}", told.out);
    assert!(
        told.out.contains("\n  now       <- CallResponse 1 "),
        "{}",
        told.out
    );
}

#[test]
fn a_plugin_of_another_version() {
    let folder = Folder::new("replay-version");
    let file = record(&folder, "ref values int", "");
    let older = peer_in("bin-105", "nu_plugin_reference");
    let told = replay(&file, &older, &[]).end();
    let expected = "the plugin speaks version 0.105.1, and spoke 0.115.1 in the recording\n";
    assert_eq!(told.code, Some(1));
    assert!(told.out.contains(expected), "{}", told.out);
    let options = ["--any-version"];
    let told = replay(&file, &older, &options).end();
    // It is spoken to in its own version, and lacks the command for what that version lacks.
    let expected = "was \"ref engine block-ir\" and is \"ref engine call-decl\"\n";
    assert_eq!(told.code, Some(1));
    assert!(told.out.contains(expected), "{}", told.out);
}

#[test]
fn values_that_were_left_out_come_from_the_environment() {
    let folder = Folder::new("replay-environment");
    let file = folder.file("trace");
    let path = file.to_str().expect("a plain path");
    let line = "ref engine env SECRET";
    let run = Cli::run_with("nu_plugin_reference", &["--trace", path], line);
    run.variable("SECRET", "tell-nobody").out();
    let plugin = peer("nu_plugin_reference");
    let again = |value: &str| replay(&file, &plugin, &[]).variable("SECRET", value).end();
    let note = |taken: u8, said: u8| {
        format!(
            "note: the recording has no values of environment variables: {taken} taken from this environment, {said} \
             said as `[redacted]`\n"
        )
    };
    let told = again("tell-nobody");
    assert_eq!(told.code, Some(0), "{told:?}");
    assert!(told.out.ends_with(&note(1, 0)), "{}", told.out);
    // The plugin's answer was recorded with the value.
    let told = again("else");
    assert_eq!(told.code, Some(1), "{told:?}");
    let expected = "was \"tell-nobody\" and is \"else\"\n";
    assert!(
        told.out.contains(expected) && told.out.ends_with(&note(1, 0)),
        "{}",
        told.out
    );
    let told = replay(&file, &plugin, &[]).end();
    assert!(told.out.contains("and is \"[redacted]\"\n"), "{}", told.out);
    assert!(told.out.ends_with(&note(0, 1)), "{}", told.out);
}

#[test]
fn a_plugin_that_is_gone_is_told_with_its_end() {
    let folder = Folder::new("replay-gone");
    let file = record(&folder, "ref values int", "");
    let told = replay(&file, Path::new("/bin/false"), &[]).end();
    assert_eq!(told.code, Some(1), "{told:?}");
    let expected = "it closed the connection\n  recorded  <- Hello ";
    assert!(told.out.contains(expected), "{}", told.out);
    let end = "  now       nothing\n  the plugin ended with exit code 1\n";
    assert!(told.out.ends_with(end), "{}", told.out);
}

/// Has a real Nushell use a program made from a trace. Gives what it printed, and the outcome.
fn in_nushell(nu: &Path, folder: &Folder, trace: &Path, script: &str) -> (String, String) {
    let (plugin, report) = (folder.file("nu_plugin_reference"), folder.file("report"));
    let _ = std::fs::remove_file(&report);
    let cli = Cli::new(["trace", "replay"]).argument(trace);
    let cli = cli.argument("--make-plugin").argument(&plugin);
    let made = cli.argument("--report").argument(&report).out();
    assert!(
        made.contains("nu_plugin_reference plays the plugin"),
        "{made}"
    );
    let plugins = format!("[{}]", plugin.display());
    let out = Command::new(nu)
        .args([
            "--no-config-file",
            "--plugins",
            &plugins,
            "--commands",
            script,
        ])
        .output()
        .expect("nu");
    let error = String::from_utf8_lossy(&out.stderr);
    let told = std::fs::read_to_string(&report).unwrap_or_else(|_| panic!("no report: {error}"));
    // It is on standard error too.
    assert!(
        error.contains(told.lines().next().unwrap_or_default()),
        "{error}"
    );
    (String::from_utf8_lossy(&out.stdout).into_owned(), told)
}

#[test]
fn the_plugins_side_for_real_engines() {
    let folder = Folder::new("replay-nu");
    let input: String = (0..300).map(|item| format!("{item}\n")).collect();
    for nu in [peer("nu"), peer_in("bin-0.98.0", "nu")] {
        let trace = record(&folder, "ref each-tenth", &input);
        let script = "0..<300 | each {|x| $x} | ref each-tenth | length";
        let (out, told) = in_nushell(&nu, &folder, &trace, script);
        assert_eq!(out, "30\n", "{told}");
        assert!(
            told.starts_with("same: the engine has said again"),
            "{told}"
        );

        let trace = record(&folder, "ref engine cwd", "");
        let (_, told) = in_nushell(&nu, &folder, &trace, "ref engine cwd");
        assert!(told.starts_with("same: "), "{told}");

        let trace = record(&folder, "ref values int", "");
        let (_, told) = in_nushell(&nu, &folder, &trace, "ref values string");
        let expected = "Call.1.Run.call.positional.0.String.val was \"int\" and is \"string\"\n";
        assert!(
            told.starts_with("different: ") && told.contains(expected),
            "{told}"
        );

        let (_, told) = in_nushell(&nu, &folder, &trace, "ref values int; ref error");
        let expected = "the recording does not have this message\n  recorded  nothing more\n";
        assert!(
            told.contains(expected) && told.contains("Run `ref error`"),
            "{told}"
        );

        let (_, told) = in_nushell(&nu, &folder, &trace, "null");
        assert!(told.contains("it closed the connection\n"), "{told}");
    }
}

#[test]
fn the_plugins_side_for_pegboard() {
    let folder = Folder::new("replay-pegboard");
    let trace = record(&folder, "ref seq 5", "");
    let plugin = folder.file("nu_plugin_made");
    let cli = Cli::new(["trace", "replay"]).argument(&trace);
    cli.argument("--make-plugin").argument(&plugin).out();
    let run = Cli::new(["run", "--plugin"]).argument(&plugin);
    let ran = ["ref", "seq", "5"].iter().fold(run, Cli::argument).end();
    assert_eq!((ran.code, ran.out.lines().count()), (Some(0), 5), "{ran:?}");
    assert!(ran.err.starts_with("same: the engine "), "{}", ran.err);
    // What it was made from is not overwritten, and neither is anything else.
    let cli = Cli::new(["trace", "replay"]).argument(&trace);
    let error = cli.argument("--make-plugin").argument(&trace).fails(2);
    assert!(error.contains("is not such a program"), "{error}");
}

#[test]
fn a_recording_that_breaks_off_is_replayed_as_far_as_it_goes() {
    let folder = Folder::new("replay-cut");
    let file = record(&folder, "ref seq 50", "");
    let text = std::fs::read_to_string(&file).expect("the trace");
    let place = text.rfind("{\"Data\":[").expect("an item");
    // In the middle of the last item's line.
    std::fs::write(&file, &text[..place + 20]).expect("the trace");
    let told = replay(&file, &peer("nu_plugin_reference"), &[]).out();
    assert!(
        told.starts_with("same: the plugin has said again"),
        "{told}"
    );
}

#[test]
fn a_silent_plugin_is_not_waited_for_without_end() {
    let folder = Folder::new("replay-silent");
    let file = record(&folder, "ref values int", "");
    let plugin = folder.file("nu_plugin_silent.sh");
    std::fs::write(&plugin, "#!/bin/sh\nexec cat\n").expect("a program");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&plugin, mode).expect("an executable");
    let told = replay(&file, &plugin, &["--timeout", "200ms"]).end();
    assert_eq!(told.code, Some(1), "{told:?}");
    let expected = "it did not say this within 20";
    assert!(told.out.contains(expected), "{}", told.out);
    assert!(told.out.ends_with("  now       nothing\n"), "{}", told.out);
}

#[test]
fn which_conversation() {
    let folder = Folder::new("replay-which");
    let file = folder.file("trace");
    let head = "{\"trace\":\"pegboard\",\"format\":1,\"began\":0}\n";
    let line = |instance: u8| {
        format!(
            "{{\"t\":1,\"plugin\":\"a\",\"instance\":{instance},\"from\":\"engine\",\"message\":{{\"Call\":[0,\"Metadata\"]}}}}\n"
        )
    };
    let plugin = Path::new("/bin/false");
    for (text, options, expected) in [
        (
            [head, &line(1), &line(2)].concat(),
            &[][..],
            "error: choose one of the trace's conversations with `--of`: a#1, a#2\n",
        ),
        (
            [head, &line(1), &line(2)].concat(),
            &["--of", "b"],
            "error: choose one of the trace's conversations with `--of`: a#1, a#2\n",
        ),
        (
            head.to_owned(),
            &[],
            "error: no call to a plugin was recorded in the trace\n",
        ),
        (
            [head, "what?\n"].concat(),
            &[],
            "error: FILE, line 2: expected value at line 1 column 1\n",
        ),
        (
            "what?\n".to_owned(),
            &[],
            "error: FILE, line 1: this is not a Pegboard trace\n",
        ),
    ] {
        std::fs::write(&file, text).expect("a file");
        let error = replay(&file, plugin, options).fails(2);
        let error = error.replace(file.to_str().expect("a plain path"), "FILE");
        assert_eq!(error, expected);
    }
    let text = [head, &line(1), &line(2)].concat();
    std::fs::write(&file, text).expect("a file");
    let told = replay(&file, plugin, &["--of", "a#2"]).end();
    assert!(told.out.starts_with("different: "), "{told:?}");
}
