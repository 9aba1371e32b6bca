//! Custom values: every operation as Nushell does it.

use super::PLUGIN;
use super::shell::{case, in_every_version};

#[test]
fn operations() {
    in_every_version(PLUGIN, |shell| {
        shell.check(&[
            case(
                "showcase tally sheep 7 | to json | from json",
                "{name: sheep, count: 7}",
            ),
            case("showcase tally sheep 7 | describe", "Tally"),
            case("(showcase tally sheep 7).count", "7"),
            case("(showcase tally sheep 7).0", "sheep"),
            case("(showcase tally sheep 7).next.next.count", "9"),
            case("(showcase tally sheep 7).5", "ERROR a tally has two items"),
            case(
                "(showcase tally sheep 7).none",
                "ERROR a tally has no `none`",
            ),
            case("(showcase tally sheep 7).none?", "null"),
            case("(showcase tally sheep 7) + 3 | $in.count", "10"),
            case(
                "(showcase tally a 7) + (showcase tally b 2) | $in.count",
                "9",
            ),
            case(
                "(showcase tally sheep 7) - 3",
                "ERROR a tally cannot do this",
            ),
            case("(showcase tally sheep 7) == 7", "true"),
            case(
                "(showcase tally sheep 7) > (showcase tally goats 8)",
                "false",
            ),
            case("showcase tally list 3 | each {|t| $t.count}", "[2, 1, 0]"),
            case(
                "showcase tally list 3 | sort | each {|t| $t.count}",
                "[0, 1, 2]",
            ),
            case(
                "showcase tally sheep 7 | showcase tally read",
                "{name: sheep, count: 7}",
            ),
            case(
                "showcase tally read (showcase tally sheep 7)",
                "{name: sheep, count: 7}",
            ),
            case("showcase tally read 5", "ERROR a Tally is needed"),
            case(
                "[(showcase tally a 1)] | showcase echo | get 0 | $in.count",
                "1",
            ),
            case("showcase tally a 4 | showcase eval {|| $in.count}", "4"),
        ]);
        if shell.minor >= 108 {
            shell.check(&[
                case("(showcase tally sheep 7).COUNT!", "7"),
                // With an extension that it knows, Nushell converts by itself.
                case(
                    "showcase tally sheep 7 | save here; open --raw here | str trim",
                    "sheep: 7",
                ),
            ]);
        }
    });
}

#[test]
fn they_are_shown_as_what_they_stand_for() {
    in_every_version(PLUGIN, |shell| {
        shell.check(&[
            case(
                "(showcase tally sheep 7 | table) == ({name: sheep, count: 7} | table)",
                "true",
            ),
            case("{t: (showcase tally sheep 7)} | to json --raw | from json | get t.count", "7"),
            case("[(showcase tally sheep 7)] | to json --raw | from json", "[[name, count]; [sheep, 7]]"),
            // In the help, as the result of the example.
            case("help showcase tally | str contains 'sheep │'", "true"),
            case(
                "mut t = (showcase tally a 0); for _ in 0..9 { for _ in 0..3 { $t = $t + 1 } }; $t.count",
                "40",
            ),
        ]);
    });
}

#[test]
fn nushell_keeps_its_own_to_itself() {
    let refused = "ERROR Custom value `SQLiteDatabase` cannot be sent to plugin";
    in_every_version(PLUGIN, |shell| {
        shell.check(&[
            case("stor open | describe", "SQLiteDatabase"),
            case("stor open | showcase kind", refused),
            case("showcase engine source (stor open)", refused),
            case("showcase eval {|| stor open} | describe", refused),
            // The one item is an error, the others come.
            case(
                "[(stor open) 2] | each {|x| $x} | showcase echo | get 1",
                "2",
            ),
            case(
                "[(stor open) 2] | each {|x| $x} | showcase echo | get 0 | describe",
                refused,
            ),
            case("showcase kind", "nothing"),
        ]);
    });
}

#[test]
fn the_plugin_is_told_once_of_dropped_values() {
    in_every_version(PLUGIN, |shell| {
        // The notice travels by itself; the shell does not wait for it. What comes after the second one's has come.
        let script = "
            def until-dropped [name: string] {
                for _ in 0..5000 { if $name in (showcase tally dropped) { break }; sleep 2ms }
            }
            do { let copies = [(showcase tally gone 1)]; let more = $copies; $more.0.count } | ignore
            until-dropped gone
            do { showcase tally late 1 | showcase tally read } | ignore
            until-dropped late
            print (showcase tally dropped | to nuon)";
        let output = shell.run(script);
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert_eq!(
            stdout.trim_end(),
            "[gone, late]",
            "0.{}: {output:?}",
            shell.minor
        );
    });
}
