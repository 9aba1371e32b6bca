//! What a command gets and gives.

use std::fs;
use std::time::Instant;

use pegboard_testkit::tree::wait_until;
use serde_json::json;

use super::host::{PATIENCE, Plugin};

#[test]
fn a_background_child_delays_nothing_and_ends_with_the_plugin() {
    let plugin = Plugin::start();
    let mut host = plugin.greet();
    let begun = Instant::now();
    host.execute("sleep 1000 & echo fg done");
    host.expect(&["0 Started", "0 Stdout \"fg done\\n\"", "0 ExitStatus 0"]);
    assert!(begun.elapsed() < PATIENCE);
    assert_eq!(plugin.processes().len(), 2);
    host.shut_down();
    host.expect(&["Shutdown Plugin shutting down", ""]);
    assert!(plugin.end().success());
}

#[test]
fn what_a_background_child_writes_later_ends_neither_it_nor_the_next_execution() {
    let plugin = Plugin::start();
    let file = plugin.directory().join("written");
    let mut host = plugin.greet();
    let gate = plugin.directory().join("gate");
    host.execute(&format!(
        "(while ! test -e {gate}; do sleep 0.01; done; seq 100000; echo yes > {file}) & echo now",
        gate = gate.display(),
        file = file.display(),
    ));
    host.expect(&["0 Started", "0 Stdout \"now\\n\"", "0 ExitStatus 0"]);
    fs::write(gate, "").unwrap();
    assert!(wait_until(PATIENCE, || fs::read_to_string(&file)
        .is_ok_and(|text| text == "yes\n")));
    host.execute("echo next");
    host.expect(&["1 Started", "1 Stdout \"next\\n\"", "1 ExitStatus 0"]);
}

#[test]
fn everything_that_was_written_before_the_end_is_there() {
    let plugin = Plugin::start();
    let mut host = plugin.greet();
    for number in 0..50 {
        host.execute("seq 2000; echo last 1>&2");
        let heard = host.hear_until(&format!("{number} ExitStatus"));
        let lines = |kind: &str| heard.iter().filter(|it| it.contains(kind)).count();
        assert_eq!((lines("Stdout"), lines("Stderr")), (2000, 1));
    }
}

#[test]
fn a_command_gets_the_tasks_environment_and_directory_and_no_input() {
    let plugin = Plugin::start();
    let mut host = plugin.greet();
    let dir = plugin.directory().canonicalize().unwrap();
    host.say(&json!({"type": "Execute", "payload": {
        "params": "pwd; env | grep ^TASKV; cat; echo {{ name | upper }}", "args": [], "dir": dir,
        "envs": {"TASKV": "a b"}, "vars": {"name": "you"}, "dry": false,
    }}));
    let pwd = format!("0 Stdout \"{}\\n\"", dir.display());
    host.expect(&[
        "0 Started",
        &pwd,
        "0 Stdout \"TASKV=a b\\n\"",
        "0 Stdout \"YOU\\n\"",
        "0 ExitStatus 0",
    ]);
}

#[test]
fn what_is_wrong_with_a_directory_is_said() {
    let plugin = Plugin::start();
    let mut host = plugin.greet();
    let file = plugin.directory().join("file");
    fs::write(&file, "").unwrap();
    let missing = plugin.directory().join("missing");
    let wrong = [
        (&file, format!("{} is not a directory", file.display())),
        (
            &missing,
            format!("there is no directory {}", missing.display()),
        ),
    ];
    for (id, (dir, message)) in wrong.iter().enumerate() {
        host.say(&json!({"type": "Execute", "payload": {
            "params": "pwd", "args": [], "dir": dir, "envs": {}, "vars": {}, "dry": false,
        }}));
        host.expect(&[&format!("{id} Started"), &format!("{id} Error {message:?}")]);
    }
}

#[test]
fn a_command_may_be_longer_than_an_argument_of_a_program() {
    let plugin = Plugin::start();
    let mut host = plugin.greet();
    for (number, length) in [(128 << 10) - 1, 128 << 10, 3 << 20]
        .into_iter()
        .enumerate()
    {
        let end = "; echo $0 $#; exit 7";
        let begin = format!(": {}", "x".repeat(length - end.len() - 2));
        host.execute(&(begin + end));
        host.expect(&[
            &format!("{number} Started"),
            &format!("{number} Stdout \"sh 0\\n\""),
            &format!("{number} ExitStatus 7"),
        ]);
    }
}

#[test]
fn a_script_as_octa_sends_it_is_the_one_that_was_written() {
    let plugin = Plugin::start();
    let mut host = plugin.greet();
    // Two lines and a quoted word, with the escapes that Octa leaves in them.
    host.execute(r#"echo one\necho \"two  three\"\n"#);
    host.expect(&[
        "0 Started",
        "0 Stdout \"one\\n\"",
        "0 Stdout \"two  three\\n\"",
        "0 ExitStatus 0",
    ]);
}

#[test]
fn ended_orphans_are_buried() {
    let plugin = Plugin::start();
    let mut host = plugin.greet();
    let pid = plugin.child.id();
    let zombies = || {
        let pids = fs::read_dir("/proc").unwrap().flatten();
        let stats = pids.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
        let mine = format!(" Z {pid} ");
        stats.filter(|stat| stat.contains(&mine)).count()
    };
    for number in 0..20 {
        host.execute("(true &)");
        host.hear_until(&format!("{number} ExitStatus"));
    }
    // Each execution buries those that ended before it.
    assert!(wait_until(PATIENCE, || zombies() <= 1 || {
        host.execute("true");
        host.hear_until("");
        host.hear_until("");
        false
    }));
}

#[test]
fn the_log_is_where_it_was_asked_for() {
    let plugin = Plugin::start_with(&["--log-dir", "logs/of/plugins"]);
    let mut host = plugin.greet();
    host.execute("exit 3");
    host.expect(&["0 Started", "0 ExitStatus 3"]);
    host.shut_down();
    host.expect(&["Shutdown Plugin shutting down", ""]);
    let log = plugin.directory().join("logs/of/plugins/shell.log");
    assert!(wait_until(PATIENCE, || fs::read_to_string(&log)
        .is_ok_and(|text| text.ends_with("the end\n"))));
    let text = fs::read_to_string(&log).unwrap();
    assert!(
        text.contains("] a host has connected: Octa 0.2.1\n"),
        "{text}"
    );
    assert!(
        text.contains("] execution 0 ended with exit status 3\n"),
        "{text}"
    );
    assert!(plugin.end().success());
}

#[test]
fn only_this_user_can_connect() {
    use std::os::unix::fs::PermissionsExt;
    let plugin = Plugin::start();
    let _host = plugin.greet();
    let mode = fs::metadata(plugin.socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_path_that_is_taken_is_said() {
    let first = Plugin::start();
    let _host = first.greet();
    let mut second = std::process::Command::new(env!("CARGO_BIN_EXE_octa_plugin_shell"));
    let output = second
        .arg("--socket-path")
        .arg(first.socket())
        .output()
        .unwrap();
    assert!(!output.status.success());
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("listening on") && error.contains("in use"),
        "{error}"
    );
    assert!(first.socket().exists());
}
