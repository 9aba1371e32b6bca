//! Real plugins: what Nushell's own do is right, and what hand-written ones lack is told.

use std::collections::BTreeSet;

use pegboard_testkit::peers::{peer, peer_in};

use crate::support::{Checked, broken, left_out, told};

fn check(folder: &str, name: &str, commands: &[&str], expected: &[&str]) {
    let program = peer_in(folder, name);
    let report = Checked::new(&program).commands(commands).report();
    let expected: BTreeSet<&str> = expected.iter().copied().collect();
    assert_eq!(broken(&report), expected, "{name}\n{}", told(&report));
}

#[test]
fn plugins_of_nushell_keep_every_rule() {
    check("bin", "nu_plugin_inc", &["'1.2.3' | inc"], &[]);
    // The examples that need nothing are run.
    check("bin", "nu_plugin_query", &[], &[]);
    check("bin", "nu_plugin_formats", &[], &[]);
    check("bin", "nu_plugin_gstat", &[], &[]);
}

#[test]
fn the_reference_plugin_keeps_every_rule_in_every_version() {
    let commands = [
        "ref seq 500",
        "ref bytes 1000000",
        "ref count",
        "ref custom make cat",
        "ref endless",
        "ref collect-bytes",
        "ref echo",
        "ref engine cwd",
        "ref error",
    ];
    check("bin", "nu_plugin_reference", &commands, &[]);
    for folder in ["bin-stdio", "bin-105"] {
        check(folder, "nu_plugin_reference", &commands[..4], &[]);
    }
}

#[test]
fn every_rule_applies_to_the_reference_plugin() {
    let program = peer("nu_plugin_reference");
    let commands = [
        "[1 2 3] | ref sum",
        "ref collect-bytes",
        "ref seq 500",
        "ref custom make cat",
        "ref engine cwd",
    ];
    let report = Checked::new(&program).commands(&commands).report();
    let reasons = report
        .rules
        .iter()
        .filter_map(|verdict| left_out(&report, verdict.rule).map(|why| (verdict.rule, why)));
    let expected = [(
        "examples-hold",
        "no example that was run has a result to compare with",
    )];
    assert_eq!(reasons.collect::<Vec<_>>(), expected);
}

#[test]
fn without_a_harmless_command_the_rules_about_running_do_not_apply() {
    let program = peer("nu_plugin_gstat");
    let report = Checked::new(&program)
        .rules(&["commands-run", "goodbye"])
        .report();
    let why = left_out(&report, "commands-run").expect("no command is run");
    assert_eq!(
        why,
        "no command is known to be harmless; name one that may be run"
    );
    assert_eq!(left_out(&report, "goodbye"), None);
}

#[test]
fn what_a_simple_python_plugin_lacks() {
    // It knows no signals, no completion and no byte streams, and reads nothing but what it expects.
    let commands = ["py echo", "py list 500", "py cwd"];
    let expected = [
        "completion",
        "input-bytes",
        "input-error",
        "input-list",
        "input-unwanted",
        "interrupt",
        "missing-argument",
        "parallel-runs",
        "reset",
        "stream-credit",
        "stream-waits",
    ];
    check("bin", "nu_plugin_pyhand.py", &commands, &expected);
}

#[test]
fn what_a_simple_node_plugin_lacks() {
    let program = peer("nu_plugin_nodehand.js");
    let rules = [
        "interrupt",
        "missing-argument",
        "stream-waits",
        "unknown-command",
    ];
    let commands = ["node list 5", "node list 500"];
    let report = Checked::new(&program)
        .commands(&commands)
        .rules(&rules)
        .report();
    let expected = BTreeSet::from(["missing-argument"]);
    assert_eq!(broken(&report), expected, "{}", told(&report));
}
