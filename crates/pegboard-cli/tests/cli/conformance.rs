//! `pegboard test`.

use pegboard_testkit::peers::{hostile, peer};

use crate::support::{Cli, json};

#[test]
fn a_plugin_that_keeps_the_rules() {
    let path = peer("nu_plugin_inc");
    let out = Cli::new(["test".as_ref(), path.as_os_str()])
        .argument("--command='1.2.3' | inc --minor")
        .out();
    let lines: Vec<&str> = out.lines().collect();
    assert!(
        lines[0].starts_with("ok   help-without-engine  Started by hand"),
        "{out}"
    );
    let at = lines
        .iter()
        .position(|line| line.starts_with("-    local-socket"));
    let at = at.expect("the rule");
    assert_eq!(lines[at + 1], "       it does not offer one");
    let tail = &lines[lines.len() - 2..];
    assert_eq!(tail[0], "commands that were run: '1.2.3' | inc --minor");
    assert!(tail[1].contains(" kept, 0 broken, "), "{out}");
}

#[test]
fn a_plugin_that_breaks_one() {
    let path = hostile();
    let ran = Cli::new(["test".as_ref(), path.as_os_str()])
        .variable("HOSTILE", "exit-after-hello")
        .argument("--rule=goodbye")
        .argument("--rule=encoding")
        .end();
    assert_eq!((ran.code, ran.err.as_str()), (Some(1), ""), "{ran:?}");
    let mut lines = ran.out.lines();
    let mut next = || lines.next().unwrap_or_default();
    assert!(next().starts_with("ok   encoding"), "{ran:?}");
    assert!(next().starts_with("FAIL goodbye "), "{ran:?}");
    assert_eq!(next(), "       it ends with exit code 42");
    assert_eq!(next(), "          1 <- 5 bytes: \\u{4}json");
    assert!(
        ran.out.contains(
            "       it ended: exit code 42\n       stderr: hostile: exiting after Hello\n"
        ),
        "{ran:?}"
    );
    assert!(
        ran.out
            .ends_with("rules: 1 kept, 1 broken, 0 not applicable, 0 not checked\n"),
        "{ran:?}"
    );
}

#[test]
fn the_verdicts_as_json() {
    let path = hostile();
    let ran = Cli::new(["test".as_ref(), path.as_os_str()])
        .variable("HOSTILE", "hello-twice")
        .argument("--rule=hello-once")
        .argument("--json")
        .end();
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let report = json(&ran.out);
    assert_eq!(report["failed"], 1);
    let rule = &report["rules"][0];
    assert_eq!(rule["rule"], "hello-once");
    assert_eq!(rule["outcome"], "failed");
    assert_eq!(rule["what"], "it says Hello again");
    assert_eq!(rule["conversation"][0]["by"], "plugin");
}

#[test]
fn the_rules_are_listed() {
    let out = Cli::new(["test", "--list"]).out();
    assert!(
        out.starts_with("help-without-engine  Started by hand"),
        "{out}"
    );
    let rules = json(&Cli::new(["test", "--list", "--json"]).out());
    let rules = rules["rules"].as_array().expect("rules");
    assert_eq!(rules.len(), out.lines().count());
    assert_eq!(rules[0]["turn"], "strict");
    let out = Cli::new(["test", "--list", "--protocol=octa"]).out();
    assert!(out.starts_with("listen               It listens"), "{out}");
}

#[test]
fn what_makes_no_sense() {
    let path = hostile();
    let path = path.to_str().expect("a path");
    for (arguments, expected) in [
        (
            &["test", path, "--rule", "nonsense"][..],
            "there is no rule `nonsense`",
        ),
        (
            &["test", path, "--command", "nonsense"],
            "there is no command `nonsense`",
        ),
        (
            &["test", "/nowhere/nu_plugin_x"],
            "there is no file /nowhere/nu_plugin_x",
        ),
        (&["test"], "<PLUGIN>"),
        (&["test", "nonsense"], "no plugin `nonsense` is installed"),
    ] {
        let err = Cli::new(arguments).fails(2);
        assert!(err.contains(expected), "{err}");
    }
}

#[test]
fn what_comes_first_is_told_last() {
    let path = hostile();
    let ran = Cli::new(["test".as_ref(), path.as_os_str()])
        .variable("HOSTILE", "prints-text-first")
        .end();
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let tail: Vec<&str> = ran.out.lines().rev().take(3).collect();
    let [summary, first, not_checked] = tail[..] else {
        panic!("{ran:?}")
    };
    assert_eq!(
        summary,
        "rules: 1 kept, 2 broken, 0 not applicable, 62 not checked"
    );
    assert!(
        first.starts_with("mend this first: encoding: ")
            && first.contains("This is an ordinary program"),
        "{first}"
    );
    assert_eq!(
        not_checked,
        "not checked: 62 rules: it does not get as far as a Hello"
    );
}

#[test]
fn a_command_that_makes_no_sense_is_underlined() {
    let path = hostile();
    let path = path.to_str().expect("a path");
    let err = Cli::new([
        "test",
        path,
        "--command",
        "hostile",
        "--command",
        "'x' | nonsense",
    ])
    .fails(2);
    let lines: Vec<&str> = err.lines().collect();
    let at = lines
        .iter()
        .position(|line| line.contains("'x' | nonsense"));
    let under = lines[at.expect("the command") + 1];
    assert!(under.contains("^^^^^^^^"), "{err}");
}

#[test]
fn a_closure_may_be_given_and_is_not_run() {
    let path = hostile();
    let path = path.to_str().expect("a path");
    let arguments = [
        "test",
        path,
        "--command",
        "hostile {|x| hostile }",
        "--rule",
        "commands-run",
    ];
    let out = Cli::new(arguments).out();
    assert!(out.contains("ok   commands-run"), "{out}");
    assert!(out.contains("rules: 1 kept, 0 broken"), "{out}");
}
