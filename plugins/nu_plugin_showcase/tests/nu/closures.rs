//! Closures: what one gives through the plugin is what it gives in Nushell itself.

use super::PLUGIN;
use super::shell::{Case, case, in_every_version};

/// A closure that is run by Nushell and by the plugin, where `RUN` stands, and what both give.
fn both(closure: &str, line: &str, expected: &str) -> Case {
    let own = line.replace("RUN", "do $f");
    let ours = line.replace("RUN", "showcase eval $f");
    case(
        format!("let f = {closure}; [({own}) ({ours})]"),
        format!("[{expected}, {expected}]"),
    )
}

/// The same for a closure that fails: its error is the same on the screen, and has this message.
fn fails(closure: &str, line: &str, message: &str) -> Case {
    // Before 0.101 a caught error does not say how it is shown.
    let told = "catch {|e| $e.rendered? | default $e.msg}";
    let own = line.replace("RUN", "do $f");
    let ours = line.replace("RUN", "showcase eval $f");
    case(
        format!(
            "let f = {closure}; let own = (try {{ {own} }} {told}); let ours = (try {{ {ours} }} {told}); \
             if $own == $ours {{ $own | str contains \"{message}\" }} else {{ [$own $ours] }}"
        ),
        "true",
    )
}

#[test]
fn values_are_nushells_own() {
    in_every_version(PLUGIN, |shell| {
        shell.check(&[
            both("{|a, b| $in + $a * $b}", "5 | RUN 2 3", "11"),
            both(
                "{|x| [$x ($in | describe)]}",
                "{a: 1} | RUN 0x[ff]",
                "[0x[FF], \"record<a: int>\"]",
            ),
            both("{|| null}", "RUN | describe", "nothing"),
            both("{||}", "5 | RUN", "5"),
            both("{|| return 5; 6}", "RUN", "5"),
            both(
                "{|| $env.GIVEN = 2; $env.GIVEN}",
                "$env.GIVEN = 1; [(RUN) $env.GIVEN]",
                "[2, 1]",
            ),
            // As Nushell draws it.
            case(
                "let f = {|| [[a b]; [1 0x[00]] [2kb 1day]] | table}; (do $f) == (showcase eval $f)",
                "true",
            ),
            // Nushell gives a closure that a plugin runs no list of the rest, but the last of them.
            case(
                "let f = {|...rest| $rest}; [(do $f 1 2 3) (showcase eval $f 1 2 3)]",
                "[[1, 2, 3], 3]",
            ),
        ]);
    });
}

#[test]
fn captured_variables_go_along() {
    in_every_version(PLUGIN, |shell| {
        shell.check(&[
            case("let y = 10; 5 | showcase eval {|| $in + $y}", "15"),
            case(
                "let y = {a: [1 {|| 5}]}; showcase eval {|| do $y.a.1}",
                "5",
            ),
            // A closure made in a closure has captures of its own.
            case(
                "mut y = 3; $y += 1; let z = $y; let f = {|x| {a: $x, c: {|| $z + $x}}}; do (showcase eval $f 5).c",
                "9",
            ),
            // As a value, from the plugin.
            case("let f = ({|x| $x + 1} | showcase echo); do $f 5", "6"),
            case(
                "let y = 3; let f = {|x| $x + $y}; let g = ($f | showcase echo); \
                 [(do $g 4) ((view source $g) == (view source $f)) ({v: $g} | table | $in == ({v: $f} | table)) ($g | describe)]",
                "[7, true, true, closure]",
            ),
        ]);
    });
}

#[test]
fn streams_flow_through_them() {
    in_every_version(PLUGIN, |shell| {
        shell.check(&[
            both(
                "{|| each {|x| $x * 2}}",
                "1..3 | each {|x| $x} | RUN",
                "[2, 4, 6]",
            ),
            both("{|| ^echo hi}", "RUN | describe", "\"byte stream\""),
            case("1..3 | showcase each {|x| $x * 2}", "[2, 4, 6]"),
            case(
                "showcase numbers | showcase each {|x| $x + $in} | first 3",
                "[0, 2, 4]",
            ),
            case("showcase numbers | showcase eval {|| first 3}", "[0, 1, 2]"),
            case(
                "showcase bytes 100000 | showcase eval {|| bytes length}",
                "100000",
            ),
            // The closure runs the plugin while the plugin waits for the closure.
            case(
                "1..3 | showcase each {|x| showcase numbers $x | showcase sum}",
                "[0, 1, 3]",
            ),
            case("showcase tally a 4 | showcase eval {|| $in.count}", "4"),
        ]);
    });
}

#[test]
fn errors_are_nushells_own() {
    in_every_version(PLUGIN, |shell| {
        shell.check(&[
            fails("{|| error make {msg: oh}}", "RUN", "oh"),
            fails(
                "{|| error make {msg: oh, help: why, label: {text: here, span: {start: 3, end: 5}}}}",
                "RUN",
                "oh",
            ),
            fails("{|| 1 / 0}", "RUN", "Division by zero"),
            fails("{|| {a: 1}.b}", "RUN", "Cannot find column 'b'"),
            fails(
                "{|| ^sh -c 'exit 3'; 5}",
                "RUN",
                "External command had a non-zero exit code",
            ),
            // In an item of a stream, out of the closure and into the plugin.
            fails(
                "{|| [1 x] | into int}",
                "RUN | get 1 | $in + 1",
                "Can't convert to int.",
            ),
            case(
                "let f = {|| [1 x] | into int}; let told = {|c| try { do $c | get 1 | $in + 1 } catch {|e| $e.rendered? | default $e.msg}}; \
                 (do $told $f) == (do $told {|| do $f | showcase echo})",
                "true",
            ),
            case(
                "[3 0] | showcase each {|x| 6 // $x} | first",
                "2",
            ),
            case(
                "try { [3 0] | showcase each {|x| 6 // $x} | math sum } catch {|e| $e.msg}",
                "Division by zero.",
            ),
        ]);
    });
}
