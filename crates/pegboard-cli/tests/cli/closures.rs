//! Closures on the command line, evaluated by plugins.

use crate::support::Cli;

const REF: &str = "nu_plugin_reference";

/// `ref engine eval` or another command with a closure.
fn eval(command: &str, closure: &str) -> Cli {
    Cli::run(REF, command).argument(closure)
}

#[test]
fn a_plugin_evaluates_commands_of_plugins() {
    for (command, closure, input, expected) in [
        ("ref engine eval", "{ ref echo }", "a\n", "a"),
        (
            "ref engine eval",
            "{ ref echo | ref echo }",
            "a\nb\n",
            "a\nb\n",
        ),
        ("ref engine eval", "{ ref seq 2 }", "", "0\n1\n"),
        ("ref engine eval", "{ 'x y' }", "", "x y"),
        (
            "ref engine eval",
            "{ [1, {a: 2}] | ref echo }",
            "",
            "1\n{\"a\":2}\n",
        ),
        ("ref engine eval", "{}", "a\n", "a"),
        (
            "ref engine eval",
            "{ ref engine eval { ref echo } }",
            "a\n",
            "a",
        ),
    ] {
        assert_eq!(
            eval(command, closure).input(input).out(),
            expected,
            "{closure}"
        );
    }
    let each = Cli::run_with(REF, &["--from", "ndjson"], "ref nested").argument("{ ref echo }");
    assert_eq!(each.input("1\n2\n").out(), "1\n2\n");
    // An argument is what comes in, where nothing else does.
    let out = eval("ref engine eval", "{ ref echo }")
        .argument("item")
        .out();
    assert_eq!(out, "item");
}

#[test]
fn what_is_wrong_with_a_closure_is_underlined_before_anything_runs() {
    for (closure, expected) in [
        (
            "{ ref ehco }",
            "there is no command `ref ehco`\n |\n | ref engine eval '{ ref ehco }'\n |                    ^^^^^^^^ did you mean `ref echo`?",
        ),
        (
            "{ ref seq x }",
            "must be an integer\n |\n | ref engine eval '{ ref seq x }'\n |                            ^ expected an integer",
        ),
        (
            "{ ref echo | }",
            "is empty\n |\n | ref engine eval '{ ref echo | }'\n |                             ^ nothing comes behind this",
        ),
        (
            "{|it| ref echo }",
            "have no parameters on this command line\n |\n | ref engine eval '{|it| ref echo }'\n |                    ^^",
        ),
        (
            "{ ref echo $it }",
            "a variable can be used only in Nushell's own language",
        ),
        ("{ ref echo", "is not closed"),
        ("x", "expected a closure, such as { COMMAND ARGS }"),
    ] {
        let error = eval("ref engine eval", closure).fails(2);
        assert!(error.contains(expected), "{closure}: {error}");
    }
}

#[test]
fn an_error_inside_has_its_place() {
    let error = eval("ref engine eval", "{ ref error --message no }").fails(1);
    assert!(
        error.starts_with("error[reference::outer]: no\n"),
        "{error}"
    );
    assert!(
        error.contains(
            "| ref engine eval '{ ref error --message no }'\n |                    ^^^^^^^^^"
        ),
        "{error}"
    );
}
