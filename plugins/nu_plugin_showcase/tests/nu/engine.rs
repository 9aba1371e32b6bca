//! What the plugin asks of real engines, and the arguments that they give.

use super::PLUGIN;
use super::shell::{case, in_every_version};

#[test]
fn engine_calls() {
    in_every_version(PLUGIN, |shell| {
        let code = match shell.minor {
            110.. => "true",
            _ => "\"ERROR GetBlockIR exists since Nushell 0.110, and the other side speaks 0.*",
        };
        let code = code.trim_start_matches('"');
        let home = shell.home.display().to_string();
        shell.check(&[
            case("showcase engine version | $in == (version).version", "true"),
            case("$env.SAID = [1 a]; showcase engine env SAID", "[1, a]"),
            case("showcase engine env NOT_THERE", "null"),
            case("showcase engine env | get HOME | $in == $env.HOME", "true"),
            case("showcase engine set-env GIVEN {a: 5}; $env.GIVEN", "{a: 5}"),
            case(
                format!("showcase engine directory | $in == '{home}'"),
                "true",
            ),
            case("cd /; showcase engine directory", "\"/\""),
            case("showcase engine config | 'table' in $in", "true"),
            case("showcase engine plugin-config", "null"),
            case(
                "$env.config.plugins = {showcase: {a: 1}}; showcase engine plugin-config",
                "{a: 1}",
            ),
            case(
                "$env.config.plugins = {showcase: {|| {a: (1 + 1)}}}; showcase engine plugin-config",
                "{a: 2}",
            ),
            case(
                "showcase engine help | str contains 'The help text of this command'",
                "true",
            ),
            case("showcase engine source [one   two]", "\"[one   two]\""),
            case("showcase engine code {|x| $x + 1} | $in > 0", code),
            case("showcase engine keep true", "null"),
            case("$env.SEEN = 3; showcase watch SEEN 200 | math sum", "600"),
            case(
                "[1 2] | showcase call 'to json' --flags {raw: null}",
                "\"[1,2]\"",
            ),
            case("showcase numbers | showcase call first 3", "[0, 1, 2]"),
            // Closures are arguments like others.
            case("[3 1 2] | showcase call reduce {|it, acc| $it + $acc}", "6"),
            case(
                "showcase call 'no such'",
                "ERROR there is no command `no such`",
            ),
        ]);
    });
}

#[test]
fn nushell_knows_all_of_a_signature() {
    in_every_version(PLUGIN, |shell| {
        let of = |name: &str| format!("scope commands | where name == 'showcase {name}' | get 0");
        let parameters = format!("{} | get signatures | values | get 0", of("arguments"));
        shell.check(&[
            case(
                format!("{parameters} | where parameter_type in [positional rest named switch] | get parameter_name"),
                "[name, times, more, loud, colour, options]",
            ),
            case(
                format!("{parameters} | where parameter_name in [times more options] | get syntax_shape"),
                "[int, number, \"record<width: int, tags: list<string>>\"]",
            ),
            case(
                format!("{parameters} | where parameter_name == times | get 0 | [$in.is_optional $in.parameter_default]"),
                "[true, 1]",
            ),
            case(
                format!("{parameters} | where parameter_name == loud | get 0 | [$in.parameter_type $in.short_flag $in.description]"),
                "[switch, l, \"With a loud voice\"]",
            ),
            case(
                format!("{} | get examples.0", of("tally")),
                "{description: \"Seven sheep\", example: \"showcase tally sheep 7\", result: {name: sheep, count: 7}}",
            ),
            case(format!("{} | [$in.type $in.category]", of("tally")), "[plugin, default]"),
            case(
                format!("{} | get search_terms", of("numbers")),
                "\"count, sequence\"",
            ),
        ]);
    });
}

#[test]
fn commands_see_the_callers_variables() {
    in_every_version(PLUGIN, |shell| {
        let script = "
            let given = 7
            print (showcase call 'scope variables' | where name == '$given' | get value | to nuon)";
        let output = shell.run(script);
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert_eq!(stdout.trim_end(), "[7]", "0.{}", shell.minor);
    });
}

#[test]
fn arguments() {
    in_every_version(PLUGIN, |shell| {
        shell.check(&[
            case(
                "showcase arguments a",
                "{name: a, times: 1, more: [], loud: false, colour: null, options: null}",
            ),
            case(
                "showcase arguments a 2 1 2.5 -l --colour red --options {width: 3, tags: [x]}",
                "{name: a, times: 2, more: [1.0, 2.5], loud: true, colour: red, options: {width: 3, tags: [x]}}",
            ),
            case("showcase arguments a --loud=false | get loud", "false"),
            case("showcase arguments a --loud=true | get loud", "true"),
            case("showcase arguments a 3 ...[1] | select times more", "{times: 3, more: [1.0]}"),
        ]);
    });
}
