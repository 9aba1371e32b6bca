//! Errors as they are shown, with their exit codes.

use std::process::Stdio;

use crate::support::{Cli, Folder, finish};

const REF: &str = "nu_plugin_reference";

#[test]
fn a_wrong_argument_is_underlined() {
    let expected = "\
error[pegboard::arguments::wrong_value]: the argument `number` must be an integer
 |
 | ref args five
 |          ^^^^ expected an integer, such as 5 or 0x1f
 |
 = help: usage: ref args [flags] <number> [text] [rest]...
";
    assert_eq!(Cli::run(REF, "ref args five").fails(2), expected);
}

#[test]
fn a_word_with_spaces_is_underlined_as_it_is_typed() {
    let error = Cli::run(REF, "ref args 1 --count").argument("a b").fails(2);
    assert!(
        error.contains("\n | ref args 1 --count 'a b'\n |                    ^^^^^ expected"),
        "{error}"
    );
}

#[test]
fn unknown_words() {
    let expected = "\
error[pegboard::arguments::unknown_flag]: `ref args` has no flag `--cuont`
 |
 | ref args 1 --cuont 5
 |            ^^^^^^^ did you mean `--count`?
 |
 = help: write `--` before arguments that start with a dash
         usage: ref args [flags] <number> [text] [rest]...
";
    assert_eq!(Cli::run(REF, "ref args 1 --cuont 5").fails(2), expected);
    let expected = "\
error[pegboard::run::unknown_command]: the plugin reference has no command `ref agrs`
 |
 | ref agrs 1
 | ^^^^^^^^ unknown command
 |
 = help: did you mean `ref args`?
";
    assert_eq!(Cli::run(REF, "ref agrs 1").fails(2), expected);
    assert!(
        Cli::run(REF, "--foo ref args")
            .fails(2)
            .contains("there is no option `--foo`")
    );
    assert!(
        Cli::run(REF, "unheard")
            .fails(2)
            .contains("= help: there are `ref ")
    );
}

#[test]
fn missing_words() {
    let expected = "\
error[pegboard::arguments::missing_flag]: `ref required` lacks the flag `--level`
 |
 | ref required
 | ^^^^^^^^^^^^ needs `--level`
 |
 = help: usage: ref required --level <int> [flags]
";
    assert_eq!(Cli::run(REF, "ref required").fails(2), expected);
    assert!(
        Cli::run(REF, "ref args")
            .fails(2)
            .contains("`ref args` lacks the argument `number`")
    );
    assert!(
        Cli::run("nu_plugin_inc", "inc a b")
            .fails(2)
            .contains("`inc` takes only one argument")
    );
    assert!(Cli::new(["run"]).fails(2).contains("<COMMAND> [ARGS]..."));
}

#[test]
fn a_plugin_that_says_no() {
    let expected = "\
error[reference::outer]: told to
 |
 | ref error --message 'told to'
 | ^^^^^^^^^
 | |
 | first label
 | second label
 |
 = help: this is only a test
 = help: see https://example.com/reference
caused by[reference::inner]: inner error
 |
 | ref error --message 'told to'
 | ^^^^^^^^^ inner label
";
    assert_eq!(
        Cli::run(REF, "ref error --message")
            .argument("told to")
            .fails(1),
        expected
    );
    // Spans of the plugin's own invention are no reason to fall over.
    assert!(
        Cli::run(REF, "ref error --odd-spans")
            .fails(1)
            .starts_with("error: reference error\n")
    );
}

#[test]
fn errors_in_the_output_are_shown_beside_it() {
    let ran = Cli::run(REF, "ref error --in-stream 2").end();
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (Some(1), "0\n1\n\"after the error\"\n")
    );
    assert!(
        ran.err
            .starts_with("error[reference::outer]: reference error\n"),
        "{}",
        ran.err
    );
    let ran = Cli::run_with(REF, &["--to", "json"], "ref error --in-value").end();
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{}", ran.err);
}

#[test]
fn plugins_that_are_none() {
    let folder = Folder::new("none");
    let text = folder.file("nu_plugin_text");
    std::fs::write(&text, "no program").expect("a file");
    for (path, code, message) in [
        ("/no/such/file", 2, "there is no file /no/such/file"),
        ("/usr", 2, "is no file"),
        (
            text.to_str().expect("a plain path"),
            2,
            "may not be executed",
        ),
        ("/bin/true", 3, "plugin true: "),
    ] {
        let error = Cli::new(["run", "--plugin", path, "x"]).fails(code);
        assert!(
            error.starts_with("error: ") && error.contains(message),
            "{path}: {error}"
        );
        assert_eq!(Cli::new(["inspect", path]).fails(code), error);
    }
}

#[test]
fn a_plugin_that_dies() {
    let error = Cli::run(REF, "ref crash now").fails(3);
    assert!(error.starts_with("error: plugin reference: "), "{error}");
    assert!(
        error.contains("its process ended: killed by signal 9"),
        "{error}"
    );
    assert!(!error.contains("last words"), "{error}");
    let error = Cli::run(REF, "ref crash exit 7").fails(3);
    assert!(error.contains("its process ended: exit code 7"), "{error}");
    let ran = Cli::run(REF, "ref crash mid-stream").end();
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (Some(3), "0\n1\n2\n"),
        "{}",
        ran.err
    );
}

#[test]
fn input_of_the_wrong_kind() {
    let expected = "\
error[pegboard::input::untyped]: `ref sum` does not take plain text or bytes as its input
 |
 = help: add `--from json` (before the command) if the input is JSON, or `--from lines` for its lines
";
    assert_eq!(Cli::run(REF, "ref sum").input("[1]").fails(2), expected);
    assert_eq!(
        Cli::run_with(REF, &["--from", "json"], "ref sum")
            .input("[1, 2]")
            .out(),
        "3\n"
    );
    let error = Cli::run_with(REF, &["--from", "json"], "ref sum")
        .input("1\n2\n?\n")
        .fails(2);
    assert_eq!(
        error,
        "error[pegboard::input::not_json]: the input is not JSON: line 3, column 1: expected value, at `?`\n"
    );
}

#[test]
fn a_bad_document_in_the_middle_is_told_once() {
    let ran = Cli::run_with(REF, &["--from", "json"], "ref echo")
        .input("1\n2\n{\"a\": x}\n")
        .end();
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), "1\n2\n"));
    let expected = "error[pegboard::input::not_json]: the input is not JSON: line 3, column 7: expected value, \
                    at `{\"a\": x}`\n";
    assert_eq!(ran.err, expected);
}

#[test]
fn input_that_cannot_be_taken() {
    for from in ["json", "text", "raw"] {
        let directory = std::fs::File::open("/").expect("a directory");
        let cli = Cli::run_with(REF, &["--from", from], "ref echo");
        let ran = finish(cli.start_with(Some(directory.into()), Stdio::piped()));
        assert_eq!(ran.code, Some(2), "{from}");
        assert!(ran.err.contains("Is a directory"), "{from}: {}", ran.err);
    }
    for levels in [81, 90, 130] {
        let deep = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let cli = Cli::run_with(REF, &["--from", "json"], "ref echo").input(deep);
        assert!(cli.fails(2).contains("nested too deeply"));
    }
    // What is let through is not too deep for a plugin.
    let deep = format!("{}1{}\n", "{\"a\":".repeat(80), "}".repeat(80));
    let cli = Cli::run_with(REF, &["--from", "json"], "ref echo").input(deep.clone());
    assert_eq!(cli.out(), deep);
}

#[test]
fn a_plugin_that_cannot_be_asked_is_named() {
    let first = pegboard_testkit::peers::peer(REF);
    let ran = Cli::new(["run", "--plugin", "/bin/true", "--plugin"])
        .argument(&first)
        .argument("ref")
        .argument("values")
        .argument("int")
        .end();
    // Another plugin has the command, but that is not what was asked for.
    assert_eq!((ran.code, ran.out.as_str()), (Some(3), ""));
    assert!(ran.err.starts_with("error: plugin true: "), "{}", ran.err);
}

#[test]
fn the_commands_of_a_group() {
    let error = Cli::run(REF, "ref engine").fails(2);
    assert!(
        error.contains("`ref engine` is a group of commands") && error.contains("ref engine cwd"),
        "{error}"
    );
    for line in ["ref engine --help", "ref engine -h"] {
        let out = Cli::run(REF, line).out();
        assert!(out.starts_with("Commands:\n  ref engine "), "{out}");
        assert!(!out.contains("ref args"), "{out}");
    }
    assert!(Cli::run(REF, "ref --help").out().contains("  ref args "));
    // A command may be the beginning of others.
    let out = Cli::run("nu_plugin_query", "query --help").out();
    assert!(
        out.contains("Usage:\n  query") && out.contains("\nCommands:\n  query json "),
        "{out}"
    );
}

#[test]
fn options_behind_the_command() {
    let error = Cli::run(REF, "ref args 5 --to json").fails(2);
    assert!(
        error.contains("option `--to` goes before the command") && !error.contains("did you mean"),
        "{error}"
    );
    let error = Cli::new(["run", "ref", "args", "5", "--plugin", "x"]).fails(2);
    assert!(
        error.contains("option `--plugin` goes before the command"),
        "{error}"
    );
}

#[test]
fn words_that_were_quoted() {
    let name = || Cli::run(REF, "--to json").argument("ref args");
    let part = Cli::run(REF, "--to json")
        .argument("ref")
        .argument("engine cwd");
    assert!(part.out().starts_with('"'));
    assert!(name().argument("5").out().contains("\"positional\": ["));
    let error = name().argument("x\ny").fails(2);
    let expected = r" | 'ref args' $'x\ny'
 |            ^^^^^^^ expected an integer";
    assert!(error.contains(expected), "{error}");
    assert!(
        Cli::run(REF, "--to json")
            .argument("ref args 5")
            .fails(2)
            .contains("has no command")
    );
    assert!(
        Cli::run(REF, "--to json")
            .argument("")
            .fails(2)
            .contains("has no command")
    );
}
