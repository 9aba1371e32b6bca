//! Tasks of Octa's plugins as a user types them: where their text comes from, and what an exit code is about.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pegboard_testkit::peers::{example, hostile, shipped};
use rustix::process::Signal;

use crate::octa::{Home, plugin};
use crate::support::{Cli, Folder, finish, signal};

/// A store with the shell plugin of Octa's newer generation.
fn home(name: &str) -> Home {
    Home::new(&format!("tasks-{name}"), "0.2.1")
}

/// The shell plugin of Pegboard's own, which gives tasks an input, without a store.
fn own(words: &[&str]) -> Cli {
    let plugin = shipped("octa_plugin_shell");
    let cli = Cli::new(["run", "--plugin"]).argument(plugin);
    words.iter().fold(cli, |cli, word| cli.argument(word))
}

#[test]
fn the_text_can_be_standard_input() {
    let home = home("stdin");
    let script = "echo one\necho two\n";
    assert_eq!(home.run(&["shell"]).input(script).out(), "one\ntwo\n");
    assert_eq!(home.run(&["shell", "-"]).input(script).out(), "one\ntwo\n");
    let words = ["shell", "--env", "A=1"];
    assert_eq!(home.run(&words).input("echo $A").out(), "1\n");
    // Far more than one argument of a program can be, and exactly as it came.
    let long = format!("# {}\necho $#$1\ncat\n", "x".repeat(3 << 20));
    assert_eq!(own(&["shell", "-", "y"]).input(long).out(), "1y\n");
    assert_eq!(own(&["shell", "-"]).input("").out(), "");
}

#[test]
fn the_text_takes_the_place_of_the_input() {
    let folder = Folder::new("tasks-input");
    fs::write(folder.file("in"), "from a file").unwrap();
    let file = folder.file("in");
    let cli = Cli::new(["run", "--input"])
        .argument(&file)
        .argument("--plugin")
        .argument(shipped("octa_plugin_shell"));
    assert_eq!(cli.argument("shell").input("cat").out(), "from a file");
    // What flows from one task to the next is its input all the same.
    let words = ["shell", "echo first", "|", "shell", "-"];
    assert_eq!(own(&words).input("tr a-z A-Z").out(), "FIRST\n");
}

#[test]
fn a_text_that_is_not_there_is_an_error() {
    let home = home("missing");
    for input in [None, Some("")] {
        let run = home.run(&["shell"]);
        let said = match input {
            Some(input) => run.input(input),
            None => run,
        };
        let said = said.fails(122);
        assert!(said.contains("`shell` lacks the argument `text`"), "{said}");
        assert!(said.contains("may also come from standard input"), "{said}");
    }
    for (words, input, message) in [
        (
            &["shell", "-", "|", "shell", "-"][..],
            &b"x"[..],
            "it is the text of another task",
        ),
        (
            &["--input", "-", "shell", "-"],
            b"x",
            "it is the input of the first command",
        ),
        (
            &["--from", "text", "shell", "-"],
            b"x",
            "it is the input of the first command",
        ),
        (&["--from", "text", "shell"], b"x", "lacks the argument"),
        (&["shell", "x", "|", "shell"], b"x", "lacks the argument"),
        (
            &["shell", "-"],
            b"echo \xff",
            "standard input is not UTF-8: byte 6",
        ),
    ] {
        let said = home.run(words).input(input).fails(122);
        assert!(said.contains(message), "{words:?}: {said}");
    }
}

/// The wait for a text ends as any other.
#[test]
fn a_text_that_does_not_end_can_be_given_up() {
    let mut child = own(&["shell"]).start_with(Some(Stdio::piped()), Stdio::piped());
    let text = child.stdin.take().expect("a pipe");
    signal(child.id(), Signal::TERM);
    let ran = finish(child);
    assert_eq!((ran.code, ran.err.as_str()), (Some(143), ""));
    drop(text);
}

#[test]
fn a_text_is_only_so_long() {
    let endless = Command::new("yes").stdout(Stdio::piped()).spawn();
    let mut endless = endless.expect("yes");
    let output = endless.stdout.take().expect("a pipe");
    let ran = finish(own(&["shell"]).start_with(Some(output.into()), Stdio::piped()));
    endless.kill().expect("it runs");
    endless.wait().expect("it ends");
    assert_eq!(ran.code, Some(122), "{ran:?}");
    assert!(
        ran.err.contains("standard input is longer than 64 MiB"),
        "{ran:?}"
    );
}

/// Whatever a task ends with, pegboard's own trouble has another code.
#[test]
fn exit_codes_of_tasks_are_not_those_of_pegboard() {
    let home = home("codes");
    for code in 1..=4 {
        let ran = home.run(&["shell", &format!("exit {code}")]).end();
        assert_eq!((ran.code, ran.err.as_str()), (Some(code), ""));
    }
    let folder = Folder::new("tasks-codes");
    let broken = folder.file("octa_plugin_broken.py");
    fs::write(&broken, "raise SystemExit(1)\n").unwrap();
    let cli = |words: &[&str]| {
        let cli = Cli::new(["run", "--plugin"]).argument(&broken);
        words.iter().fold(cli, |cli, word| cli.argument(word))
    };
    for (run, code) in [
        (home.run(&["shell", "{{ NOBODY }}"]), 121),
        (home.run(&["shell", "--nothing", "x"]), 122),
        (home.run(&["--timeout", "1ms", "shell", "sleep 1000"]), 123),
        (cli(&["x", "y"]), 123),
        // Before a task was found there is none.
        (home.run(&["shel", "x"]), 2),
        (home.run(&["shell", "--help"]), 0),
    ] {
        let ran = run.end();
        assert_eq!(ran.code, Some(code), "{ran:?}");
        assert_eq!(ran.err.starts_with("error"), code != 0, "{ran:?}");
    }
    if fs::metadata("/dev/full").is_ok() {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let ran = home.run(&["shell", "echo x"]).start_with(None, full);
        assert_eq!(finish(ran).code, Some(124));
    }
}

/// Also where the plugin is not even there: the index says what its commands are.
#[test]
fn a_task_whose_plugin_cannot_be_loaded_has_an_exit_code_of_pegboard() {
    let folder = Folder::new("tasks-unloadable");
    let store = folder.path().to_str().unwrap();
    let cli = |words: &[&str]| Cli::new(words).variable("PEGBOARD_HOME", store);
    for (file, program, command, code) in [
        (
            "octa_plugin_task",
            shipped("octa_plugin_shell"),
            "shell",
            122,
        ),
        (
            "nu_plugin_mine",
            shipped("nu_plugin_words"),
            "words upper",
            2,
        ),
    ] {
        let path = folder.file(file);
        fs::copy(program, &path).unwrap();
        cli(&["add"]).argument(&path).out();
        let name = file.split('_').next_back().unwrap();
        let runs = || {
            [
                cli(&["run", command, "x"]),
                cli(&["run", "--plugin", name, command, "x"]),
            ]
        };
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        for run in runs() {
            let said = run.fails(code);
            assert!(said.contains("may not be executed"), "{said}");
        }
        fs::remove_file(&path).unwrap();
        for run in runs() {
            let said = run.fails(code);
            assert!(said.contains("is gone"), "{said}");
        }
    }
}

#[test]
fn the_name_of_a_plugin_that_is_not_its_key_is_explained() {
    let folder = Folder::new("tasks-key");
    let path = folder.file("octa_plugin_foo.py");
    let text = fs::read_to_string(plugin()).unwrap();
    fs::write(&path, text.replace("\"shell\"", "\"bar\"")).unwrap();
    let advice = "`foo` is the name of the plugin, its key is `bar`: `pegboard run bar`";
    let given = Cli::new(["run", "--plugin"]).argument(&path);
    let said = given.argument("foo").argument("x").fails(122);
    assert!(said.contains(advice), "{said}");
    let store = folder.path().to_str().unwrap();
    let cli = |words: &[&str]| Cli::new(words).variable("PEGBOARD_HOME", store);
    cli(&["add"]).argument(&path).out();
    let said = cli(&["run", "foo", "x"]).fails(2);
    assert!(said.contains(advice), "{said}");
    assert_eq!(cli(&["run", "bar", "echo hi"]).out(), "hi\n");
}

#[test]
fn an_argument_that_is_no_text_is_shown() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let said = own(&["shell"])
        .argument(OsStr::from_bytes(b"caf\xe9'"))
        .fails(2);
    assert!(said.contains(r"shell $'caf\xe9\''"), "{said}");
    assert!(said.contains("plugins can be told no other text"), "{said}");
    let said = Cli::new(["remove"])
        .argument(OsStr::from_bytes(b"caf\xe9"))
        .fails(2);
    assert!(said.contains(r"remove $'caf\xe9'"), "{said}");
    // Nor can a task be told to work in such a directory.
    let folder = Folder::new("tasks-bytes");
    let directory = folder.path().join(OsStr::from_bytes(b"caf\xe9"));
    fs::create_dir(&directory).unwrap();
    let said = own(&["shell", "pwd"]).directory(&directory).fails(122);
    assert!(
        said.contains("without `--dir`, it would work there"),
        "{said}"
    );
    let run = own(&["shell", "--dir", "/", "pwd"]).directory(&directory);
    assert_eq!(run.out(), "/\n");
}

/// A form of values shows the structured result of a task in place of its text, also of one that fails.
#[test]
fn a_form_of_values_shows_the_structured_result() {
    let sum = example("pegboard-plugin", "octa_plugin_sum");
    let run = |options: &[&str], text: &str| {
        let cli = ["run"].iter().chain(options);
        Cli::new(cli.copied().collect::<Vec<_>>())
            .argument("--plugin")
            .argument(&sum)
            .argument("sum")
            .argument(text)
    };
    assert_eq!(run(&[], "1 2").out(), "3\n");
    assert_eq!(run(&["--to", "text"], "1 2").out(), "3\n");
    let line = "{\"numbers\":[1,2],\"sum\":3}\n";
    assert_eq!(run(&["--to", "ndjson"], "1 2").out(), line);
    let csv = "numbers,sum\n\"[1,2]\",3\n";
    assert_eq!(run(&["--to", "csv"], "1 2").out(), csv);
    let failed = run(&["--to", "ndjson"], " -1").end();
    assert_eq!(failed.code, Some(3), "{failed:?}");
    assert_eq!(failed.out, "{\"numbers\":[-1],\"sum\":-1}\n");
    assert_eq!(failed.err, "");
    // That it could not be written is worse than how the task ended.
    if fs::metadata("/dev/full").is_ok() {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let child = run(&["--to", "json"], " -1").start_with(None, Stdio::from(full));
        assert_eq!(finish(child).code, Some(124));
    }
    // What gives none has its text.
    let home = home("structure");
    let text = home.cli(&["run", "--to", "json", "shell", "echo hi"]).out();
    assert_eq!(text, "\"hi\\n\"\n");
}

/// Also of a plugin that is named by its file the start has only as long as it is given, which is less than its 10 s.
#[test]
fn a_start_has_as_long_as_it_is_given() {
    let folder = Folder::new("tasks-start");
    for (file, modes) in [
        (
            "octa_plugin_hostile",
            ["never-listens", "silent", "no-schema"].as_slice(),
        ),
        ("nu_plugin_hostile", &["silent", "never-replies-signature"]),
    ] {
        let path = folder.file(file);
        symlink(hostile(), &path).unwrap();
        for mode in modes {
            let began = Instant::now();
            let cli = Cli::new(["run", "--timeout", "300ms", "--plugin"]).argument(&path);
            let cli = cli.argument("hostile").argument("x");
            let ran = cli.variable("HOSTILE", mode).end();
            let waited = began.elapsed();
            assert!(
                ran.err.contains("took longer than 300ms"),
                "{mode}: {ran:?}"
            );
            assert!(waited < Duration::from_secs(8), "{mode}: {waited:?}");
        }
    }
}
