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
fn the_plugin_is_told_of_dropped_values() {
    in_every_version(PLUGIN, |shell| {
        // The notice travels by itself; the shell does not wait for it.
        let script = "
            do { let copies = [(showcase tally gone 1)]; let more = $copies; $more.0.count } | ignore
            mut dropped = []
            while ($dropped | is-empty) { $dropped = (showcase tally dropped) }
            print ($dropped | to nuon)";
        let output = shell.run(script);
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert!(stdout.starts_with("[gone"), "0.{}: {output:?}", shell.minor);
    });
}
