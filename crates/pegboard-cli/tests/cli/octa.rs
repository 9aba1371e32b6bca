//! Plugins of Octa's: added, listed, inspected, run, cancelled, traced.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use pegboard_testkit::peers::{peer, shipped};
use pegboard_testkit::tree::{processes_with_env, wait_until};
use rustix::process::Signal;

use crate::support::{Cli, Folder, PATIENCE, finish, json, signal};

const MARK: &str = "PEGBOARD_CLI_OCTA";

/// A store with the shell plugin of a generation.
pub(crate) struct Home {
    pub(crate) folder: Folder,
    generation: &'static str,
    mark: String,
}

impl Home {
    pub(crate) fn new(name: &str, generation: &'static str) -> Home {
        let home = Home {
            folder: Folder::new(name),
            generation,
            mark: format!("{name}.{}", std::process::id()),
        };
        let added = home.cli(&["add"]).argument(plugin()).out();
        assert_eq!(added, "added shell with 1 command\n");
        home
    }

    pub(crate) fn cli(&self, arguments: &[&str]) -> Cli {
        Cli::new(arguments)
            .variable("PEGBOARD_HOME", self.folder.path().to_str().unwrap())
            .variable("OCTA_REPLICA", self.generation)
            .variable(MARK, &self.mark)
    }

    pub(crate) fn run(&self, words: &[&str]) -> Cli {
        let words: Vec<&str> = ["run"].iter().chain(words).copied().collect();
        self.cli(&words)
    }

    /// Whether nothing runs that was started for it.
    fn is_quiet(&self) -> bool {
        wait_until(PATIENCE, || processes_with_env(MARK, &self.mark).is_empty())
    }
}

pub(crate) fn plugin() -> PathBuf {
    peer("octa_plugin_shell.py")
}

fn both(name: &str, check: impl Fn(&Home)) {
    for generation in ["0.2.0", "0.2.1"] {
        println!("generation: {generation}");
        let home = Home::new(&format!("octa-{name}-{generation}"), generation);
        check(&home);
        assert!(home.is_quiet());
    }
}

#[test]
fn it_is_listed_inspected_and_explained_like_any_other() {
    both("listed", |home| {
        let listed = json(&home.cli(&["list", "--json"]).out());
        assert_eq!(listed[0]["kind"], "octa");
        assert_eq!(listed[0]["commands"][0], "shell");
        let text = home.cli(&["inspect", "shell"]).out();
        assert!(
            text.contains(&format!("protocol  Octa {}", home.generation)),
            "{text}"
        );
        assert!(text.contains("shell [flags] <text> [args]..."), "{text}");
        let document = json(&home.cli(&["inspect", "--json", "shell"]).out());
        assert_eq!(document["kind"], "octa");
        let help = home.run(&["shell", "--help"]).out();
        for part in ["--dir", "--env", "--var", "--dry", "<text>"] {
            assert!(help.contains(part), "{help}");
        }
        let checked = home.cli(&["doctor"]).out();
        assert!(
            checked.contains(&format!("Octa {}, json", home.generation)),
            "{checked}"
        );
        let checked = home.cli(&["test", "shell", "--rule=listen"]).out();
        assert!(checked.contains("rules: 1 kept, 0 broken"), "{checked}");
    });
}

#[test]
fn output_errors_and_exit_codes_are_those_of_the_task() {
    both("ends", |home| {
        assert_eq!(home.run(&["shell", "echo hi"]).out(), "hi\n");
        let ran = home
            .run(&["shell", "echo out; echo oops >&2; exit 3"])
            .end();
        assert_eq!(ran.code, Some(3), "{ran:?}");
        assert_eq!((ran.out.as_str(), ran.err.as_str()), ("out\n", "oops\n"));
        let said = home.run(&["shell", "{{ NOBODY }}"]).fails(121);
        assert!(said.contains("NOBODY"), "{said}");
        let list = home.run(&["--to", "json", "shell", "echo a; echo b"]).out();
        assert_eq!(json(&list), "a\nb\n");
        // What a task said before it failed is told in every form.
        for (form, shown) in [("json", "\"a\\n\"\n"), ("table", "a\n"), ("raw", "a\n")] {
            let ran = home.run(&["--to", form, "shell", "echo a; exit 3"]).end();
            assert_eq!((ran.code, ran.out.as_str()), (Some(3), shown), "{form}");
        }
        // Also what others have made of it.
        let words = shipped("nu_plugin_words");
        let words = ["--plugin", words.to_str().unwrap()];
        for (form, task, shown) in [
            ("json", "echo a; exit 3", "\"A\\n\"\n"),
            ("table", "echo a; exit 3", "A\n"),
            ("raw", "echo a; exit 3", "A\n"),
        ] {
            let line = ["--to", form, "shell", task, "|", "words", "upper"];
            let ran = home.run(&[&words[..], &line].concat()).end();
            assert_eq!(
                (ran.code, ran.out.as_str()),
                (Some(3), shown),
                "{form}: {ran:?}"
            );
        }
        let said = home.run(&["--from", "text", "shell"]).input("x").fails(122);
        let why = "standard input is not its text: it is the input of the first command";
        assert!(said.contains(why), "{said}");
    });
}

#[test]
fn its_options_are_those_of_the_command() {
    both("options", |home| {
        let folder = home.folder.path().canonicalize().unwrap();
        let folder = folder.to_str().unwrap();
        let words = ["shell", "--dir", folder, "pwd"];
        assert_eq!(home.run(&words).out().trim_end(), folder);
        let words = [
            "shell",
            "--env",
            "A=1",
            "--env",
            "B=2",
            "--var",
            "V={\"x\":[1]}",
            "echo $A$B; echo \"{{ V }}\"",
        ];
        assert_eq!(home.run(&words).out(), "12\n{'x': [1]}\n");
        let file = home.folder.file("made");
        let touch = format!("touch {}", file.display());
        assert_eq!(home.run(&["shell", "--dry", &touch]).out(), "");
        assert!(!file.exists());
        for (words, message) in [
            (&["shell"][..], "text"),
            (
                &["shell", "--dir", "/nowhere", "x"],
                "there is no directory /nowhere",
            ),
            (&["shell", "--dir", "", "x"], "a path cannot be empty"),
            (&["shell", "--dir", "/bin/sh", "x"], "is not a directory"),
            (
                &["shell", "--env", "[\"A=1\"]", "x"],
                "`[\"A` is no name of a variable",
            ),
            (&["shell", "--env", "=x", "y"], "no `=` behind a name"),
            (&["shell", "--env", "x", "y"], "needs a name and a value"),
            (&["shell", "--var", "x=y", "z"], "has to be JSON"),
        ] {
            let said = home.run(words).fails(122);
            assert!(said.contains(message), "{said}");
        }
    });
}

#[test]
fn what_the_plugin_may_know_is_what_was_named() {
    let home = Home::new("octa-secrets", "0.2.1");
    let trace = home.folder.file("trace");
    let file = trace.to_str().unwrap();
    home.run(&[
        "--trace",
        file,
        "shell",
        "--env",
        "TOKEN=hunter2",
        "echo hi",
    ])
    .variable("SECRET", "correct-horse")
    .out();
    let text = fs::read_to_string(&trace).unwrap();
    assert!(
        !text.contains("correct-horse") && !text.contains("hunter2"),
        "{text}"
    );
    assert!(text.contains(r#""envs":{"TOKEN":"[redacted]"}"#), "{text}");
    assert!(text.contains(r#""vars":{}"#), "{text}");
}

#[test]
fn a_trace_is_shown() {
    let home = Home::new("octa-trace", "0.2.0");
    let trace = home.folder.file("trace");
    let file = trace.to_str().unwrap();
    home.run(&["--trace", file, "shell", "echo hi"]).out();
    let shown = home.cli(&["trace", "show", file]).out();
    for part in [
        "-> Hello",
        "<- Schema {\"key\":\"shell\"}",
        "-> Execute",
        "<- Started",
        "<- Stdout",
        "\"line\":\"hi\\n\"",
        "<- ExitStatus",
        "-> Shutdown",
    ] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
    let shown = home.cli(&["trace", "show", "--json", file]).end();
    assert!(
        shown.out.contains(r#""octa":{"type":"Execute""#),
        "{shown:?}"
    );
    let said = home
        .cli(&["trace", "replay", file, "--plugin"])
        .argument(plugin())
        .out();
    assert!(said.starts_with("same: "), "{said}");
}

#[test]
fn ctrl_c_ends_the_task_and_everything_else() {
    both("interrupt", |home| {
        let mut child = home
            .run(&["shell", "echo on; exec sleep 1000"])
            .start_with(None, Stdio::piped());
        let mut first = [0; 3];
        child
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut first)
            .unwrap();
        assert_eq!(&first, b"on\n");
        signal(child.id(), Signal::INT);
        let ran = finish(child);
        assert_eq!(ran.code, Some(130), "{ran:?}");
    });
}

#[test]
fn whoever_reads_the_output_may_stop() {
    both("pipe", |home| {
        let mut child = home
            .run(&["shell", "while :; do echo y; done"])
            .start_with(None, Stdio::piped());
        let mut first = [0; 2];
        child
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut first)
            .unwrap();
        drop(child.stdout.take());
        assert_eq!(finish(child).code, Some(0));
    });
}

/// Each of the two comes up only when the other one has been started.
#[test]
fn all_plugins_of_a_run_start_side_by_side() {
    let folder = Folder::new("octa-side-by-side");
    let gated = |name: &str, other: &str, program: &Path| {
        let path = folder.file(name);
        let (own, other) = (
            folder.file(&format!("{name}.on")),
            folder.file(&format!("{other}.on")),
        );
        let script = format!(
            "#!/bin/sh\n: > '{}'\nwhile ! [ -e '{}' ]; do sleep 0.01; done\nexec '{}' \"$@\"\n",
            own.display(),
            other.display(),
            program.display()
        );
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    };
    let tasks = gated("octa_plugin_shell", "nu_plugin_words", &plugin());
    let words = gated(
        "nu_plugin_words",
        "octa_plugin_shell",
        &shipped("nu_plugin_words"),
    );
    let home = folder.path().to_str().unwrap();
    // To be asked what it can, each has to be alone.
    for (path, gate) in [
        (&tasks, "nu_plugin_words.on"),
        (&words, "octa_plugin_shell.on"),
    ] {
        fs::write(folder.file(gate), "").unwrap();
        Cli::new(["add"])
            .variable("PEGBOARD_HOME", home)
            .argument(path)
            .out();
    }
    for gate in ["nu_plugin_words.on", "octa_plugin_shell.on"] {
        fs::remove_file(folder.file(gate)).unwrap();
    }
    let out = Cli::new(["run", "shell", "echo side by side", "|", "words", "lines"])
        .variable("PEGBOARD_HOME", home)
        .out();
    assert!(out.contains("side by side"), "{out}");
}

/// Both are called `shell`, and neither takes the place of the other unseen.
#[test]
fn a_plugin_of_nushells_may_have_the_same_name() {
    let folder = Folder::new("octa-name");
    let home = folder.path().to_str().unwrap();
    let cli = |words: &[&str]| Cli::new(words).variable("PEGBOARD_HOME", home);
    let (nu, link) = (
        folder.file("nu_plugin_shell"),
        folder.file("octa_plugin_task"),
    );
    std::os::unix::fs::symlink(shipped("octa_plugin_shell"), &nu).unwrap();
    std::os::unix::fs::symlink(plugin(), &link).unwrap();
    cli(&["add"]).argument(&nu).out();
    let said = cli(&["add"]).argument(plugin()).fails(2);
    assert!(
        said.contains("there is a plugin of Nushell's of the same name, `shell`, in "),
        "{said}"
    );
    assert!(said.contains("pegboard remove shell"), "{said}");
    // The same is to be done where both come at once.
    let both = cli(&["add"]).argument(&nu).argument(plugin()).fails(2);
    for said in [said, both] {
        let flat: Vec<&str> = said.split_whitespace().collect();
        let advice = "give one of them another name, which is that of its file or of a link to it";
        assert!(flat.join(" ").contains(advice), "{said}");
    }
    let listed = json(&cli(&["list", "--json"]).out());
    assert_eq!(listed[0]["kind"], "nushell");
    // Under another name it is taken, and one whose file is gone stands in nobody's way.
    let python = ["add", "--interpreter", "python3"];
    let added = cli(&python).argument(&link).out();
    assert_eq!(added, "added task with 1 command, `shell`\n");
    fs::remove_file(&nu).unwrap();
    let added = cli(&["add"]).argument(plugin()).out();
    assert_eq!(added, "renewed shell with 1 command\n");
}

#[test]
fn another_name_needs_the_protocol_to_be_said() {
    let folder = Folder::new("octa-named");
    let path = folder.file("tasks.py");
    fs::copy(plugin(), &path).unwrap();
    let home = folder.path().to_str().unwrap();
    let cli = |words: &[&str]| Cli::new(words).variable("PEGBOARD_HOME", home);
    let added = cli(&["add", "--protocol", "octa"]).argument(&path).out();
    assert_eq!(added, "added tasks with 1 command, `shell`\n");
    assert_eq!(cli(&["run", "shell", "echo hi"]).out(), "hi\n");
    let exported = cli(&["export", "-"]).end();
    assert_eq!(
        (exported.code, exported.err.as_str()),
        (
            Some(0),
            "note: Nushell cannot run plugins of Octa's, so these are left out: tasks\n"
        )
    );
}
