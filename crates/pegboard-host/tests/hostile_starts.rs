//! What a user meets first: plugins that do not start, commands that are not there, and what the errors say of it.

mod hostile_common;

use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use hostile_common::{PATIENCE, Rig, Scratch, link_plugin};
use pegboard_host::{
    AppContext, Error, ErrorKind, LinkChoice, PluginConfig, ReportStyle, Stderr, Terminal, Value,
};
use pegboard_testkit::{peers, tree};

fn report(error: &Error) -> String {
    error.report(None, ReportStyle::default())
}

#[track_caller]
fn says(error: &Error, kind: ErrorKind, parts: &[&str]) {
    let report = report(error);
    assert_eq!(error.kind(), kind, "{report}");
    for part in parts {
        assert!(report.contains(part), "no `{part}` in: {report}");
    }
}

/// A plugin that is a script of these bytes.
fn script(scratch: &Scratch, name: &str, text: &str) -> PathBuf {
    let path = scratch.path().join(format!("nu_plugin_{name}"));
    std::fs::write(&path, text).expect("a script");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("its rights");
    path
}

#[test]
fn a_plugin_on_a_local_socket_has_streams_of_its_own() {
    let said = Arc::<Mutex<Vec<u8>>>::default();
    let heard = said.clone();
    let rig = Rig::with(|config| {
        config.stderr = Stderr::Forward(Arc::new(move |_, bytes| {
            heard
                .lock()
                .expect("what was said")
                .extend_from_slice(bytes);
        }));
        assert_eq!(config.terminal, Terminal::Kept);
    });
    let path = link_plugin(&rig.scratch, "subject", &peers::hostile());
    let config = PluginConfig {
        interpreter: Some(
            [
                "sh",
                "-c",
                "cat; echo printed; HOSTILE=local-socket exec \"$@\"",
                "sh",
            ]
            .map(Into::into)
            .into(),
        ),
        link: LinkChoice::LocalSocket,
        ..PluginConfig::default()
    };
    let plugin = rig.engine.load_with(path, config).expect("a plugin");
    let answer = plugin.run("hostile").call().expect("an answer");
    assert_eq!(
        answer.into_value().expect("a value"),
        Value::string("hostile")
    );
    let printed = || {
        let said = said.lock().expect("what was said");
        String::from_utf8_lossy(&said).contains("printed")
    };
    assert!(tree::wait_until(PATIENCE, printed));
    rig.end();
}

#[test]
fn a_command_that_is_not_there_is_the_callers_mistake_once_the_commands_are_known() {
    let rig = Rig::new();
    let plugin = rig.hostile("subject", &[]);
    // Nobody has asked for them: nothing but the call goes to the plugin.
    let _ = plugin.run("hostil").call();
    assert_eq!(plugin.status().calls, 1);
    plugin.signatures().expect("its commands");
    assert_eq!(plugin.status().calls, 2);
    let error = plugin.run("hostil").call().expect_err("no such command");
    says(
        &error,
        ErrorKind::Misuse,
        &[
            "plugin subject: it has no command `hostil`",
            "did you mean `hostile`?",
        ],
    );
    let error = plugin.run("xyz").call().expect_err("no such command");
    says(
        &error,
        ErrorKind::Misuse,
        &["no command `xyz`", "it has `hostile`"],
    );
    assert_eq!(plugin.status().calls, 2);

    // Another build may have other commands: it is asked itself.
    let text = format!("#!/bin/sh\nexec {} \"$@\"\n", peers::hostile().display());
    let file = script(&rig.scratch, "changing", &text);
    let plugin = rig.engine.load(&file).expect("a plugin");
    plugin.signatures().expect("its commands");
    let error = plugin.run("new").call().expect_err("no such command");
    assert_eq!(error.kind(), ErrorKind::Misuse);
    let changed = std::fs::File::options()
        .append(true)
        .open(&file)
        .expect("the file");
    changed
        .set_modified(std::time::SystemTime::UNIX_EPOCH)
        .expect("another time");
    let calls = plugin.status().calls;
    let _ = plugin.run("new").call();
    assert_eq!(plugin.status().calls, calls + 1);
    std::fs::remove_file(&file).expect("the script");
    rig.end();
}

#[test]
fn advice_about_printing_is_for_what_is_printed() {
    for encoding in ["json", "msgpack"] {
        advice_in(encoding);
    }
}

fn advice_in(encoding: &str) {
    let rig = Rig::new();
    let with = |modes| [("HOSTILE", modes), ("HOSTILE_ENCODING", encoding)];
    let printing = rig.hostile("printing", &with("prints-to-stdout"));
    let error = printing.run("hostile").call().expect_err("no message");
    says(&error, ErrorKind::Gone, &["standard output"]);
    let garbled = rig.hostile("garbled", &with("bad-utf8-string"));
    let error = garbled.run("hostile").call().expect_err("no message");
    says(&error, ErrorKind::Gone, &["not UTF-8"]);
    assert!(
        !report(&error).contains("standard output"),
        "{}",
        report(&error)
    );
    rig.end();
}

#[test]
fn a_directory_that_is_not_utf8_is_not_told_as_another_one() {
    let context =
        AppContext::new().with_directory(std::ffi::OsString::from_vec(b"/tmp/\xff".into()));
    let rig = Rig::new();
    let plugin = rig
        .engine
        .load(peers::peer("nu_plugin_reference"))
        .expect("a real plugin");
    let run = plugin.run("ref engine cwd").context(Arc::new(context));
    let error = run.call().expect_err("no directory");
    says(&error, ErrorKind::Plugin, &["GetCurrentDir", "not UTF-8"]);
    rig.end();
}

#[test]
fn a_missing_interpreter_is_named() {
    let rig = Rig::new();
    for (name, text, parts) in [
        (
            "unix",
            "#!/nowhere/python3 -u\n",
            [
                "names the interpreter `/nowhere/python3`",
                "install /nowhere/python3",
            ],
        ),
        (
            "windows",
            "#!/bin/sh\r\n",
            ["names the interpreter `/bin/sh`", "CR LF"],
        ),
    ] {
        let plugin = rig
            .engine
            .load(script(&rig.scratch, name, text))
            .expect("a file");
        let error = plugin.run("x").call().expect_err("no interpreter");
        says(&error, ErrorKind::Start, &parts);
        std::fs::remove_file(plugin.path()).expect("the script");
    }
    rig.end();
}

#[test]
fn of_two_plugins_of_one_name_the_second_is_refused() {
    let rig = Rig::new();
    let first = rig.hostile("twin", &[]);
    // However its path is written, a file is one plugin.
    let name = rig.scratch.path().file_name().expect("a name");
    let detour = rig
        .scratch
        .path()
        .join("..")
        .join(name)
        .join("./nu_plugin_twin");
    let again = rig.engine.load(detour).expect("the same plugin");
    assert_eq!(again.path(), first.path());
    assert_eq!(rig.engine.plugins().len(), 1);
    let other = Scratch::new();
    let path = link_plugin(&other, "twin", &peers::hostile());
    let error = rig.engine.load(&path).expect_err("the same name");
    let (refused, loaded) = (
        path.display().to_string(),
        first.path().display().to_string(),
    );
    let flat = report(&error).replace('\n', " ");
    assert_eq!(error.kind(), ErrorKind::Misuse);
    for part in [
        &*refused,
        &*loaded,
        "was not loaded",
        "give one of them another name, which is that of its file or of a link to it",
    ] {
        assert!(flat.contains(part), "no `{part}` in: {flat}");
    }
    rig.end();
}

/// Interpreters that only say how they were run stand in for those that a machine may not have.
#[test]
fn the_extension_chooses_the_interpreter() {
    const SAY: &str = "#!/bin/sh\necho \"ran ${0##*/} $*\" >&2\nexit 3\n";
    for (interpreters, file, expected) in [
        (vec!["python"], "a.py", "ran python FILE --stdio"),
        (vec!["python3"], "b.py", "ran python3 FILE --stdio"),
        (vec!["python3", "python"], "c.py", "ran python FILE --stdio"),
        (vec!["ruby"], "d.rb", "ran ruby FILE --stdio"),
        (vec!["java"], "e.jar", "ran java -jar FILE --stdio"),
        (vec!["nu"], "f.nu", "ran nu --stdin FILE --stdio"),
        (vec!["sh"], "g.sh", "ran nu_plugin_g.sh --stdio"),
        (vec!["node"], "h.js", "ran nu_plugin_h.js --stdio"),
        (vec!["python"], "i.PY", "ran nu_plugin_i.PY --stdio"),
    ] {
        let bin = Scratch::new();
        for interpreter in interpreters {
            let path = bin.path().join(interpreter);
            std::fs::write(&path, SAY).expect("an interpreter");
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("its rights");
        }
        let rig = Rig::with(|config| {
            config.environment.retain(|(name, _)| name != "PATH");
            let path = bin.path().as_os_str().to_owned();
            config.environment.push(("PATH".into(), path));
        });
        let path = script(&rig.scratch, file, SAY);
        let plugin = rig.engine.load(&path).expect("a file");
        let error = plugin.start().expect_err("no plugin");
        let expected = expected.replace("FILE", &plugin.path().to_string_lossy());
        let said = &error.diagnosis().expect("a diagnosis").stderr;
        assert_eq!(said, &[expected], "{file}");
        std::fs::remove_file(path).expect("the script");
        rig.end();
    }
}
