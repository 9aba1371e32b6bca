//! Streams both ways, with early ends.

use super::PLUGIN;
use super::shell::{Case, case, in_every_version};

#[test]
fn lists() {
    in_every_version(PLUGIN, |shell| {
        shell.check(&[
            case("showcase numbers 3", "[0, 1, 2]"),
            case("showcase numbers 0", "[]"),
            case("showcase numbers 50000 | length", "50000"),
            case("showcase numbers | first 3", "[0, 1, 2]"),
            case("showcase numbers | showcase double | skip 2 | first", "4"),
            case("1..20000 | each {|x| $x} | showcase sum", "200010000"),
            case("[1 2 3] | showcase sum", "6"),
            case("1..3 | showcase double", "[2, 4, 6]"),
            case("1.. | showcase double | first 2", "[2, 4]"),
            case("showcase numbers | showcase first 2", "[0, 1]"),
            case("1.. | each {|x| $x} | showcase first 2", "[1, 2]"),
            case("1..3 | each {|x| $x} | showcase kind", "\"list stream\""),
            case("[a b] | showcase kind", "list"),
            case("'a' | showcase kind", "string"),
            case("showcase kind", "nothing"),
        ]);
    });
}

#[test]
fn bytes() {
    in_every_version(PLUGIN, |shell| {
        std::fs::write(shell.home.join("file"), "hello\n".repeat(50_000)).unwrap();
        // Every byte there is: in MessagePack, bytes go to the shell in a form that it does not write itself.
        let all: Vec<u8> = (0..=u8::MAX).collect();
        std::fs::write(shell.home.join("all"), all.repeat(400)).unwrap();
        shell.check(&[
            case("showcase bytes 4", "0x[61626364]"),
            case("showcase bytes 30 --text", "abcdefghijklmnopqrstuvwxyzabcd"),
            case("showcase bytes 200000 | bytes length", "200000"),
            case("showcase bytes 200000 --text | showcase size", "200000"),
            case("open --raw file | showcase size", "300000"),
            case(
                "open --raw file | showcase rotate | lines | first 2",
                "[uryyb, uryyb]",
            ),
            case("open --raw file | showcase kind", "\"byte stream\""),
            case("^echo hello | showcase rotate | str trim", "uryyb"),
            case(
                "(open --raw all | showcase rotate | showcase rotate | hash md5) == (open --raw all | hash md5)",
                "true",
            ),
            case("showcase bytes | showcase first 1 | length", "1"),
            case("^yes | showcase first 1 | length", "1"),
            case(
                "showcase bytes --text | showcase rotate | showcase first 1 | length",
                "1",
            ),
            case("'Hello' | showcase rotate", "Uryyb"),
        ]);
    });
}

#[test]
fn items_flow_before_the_last_one_is_there() {
    // The second item comes when the first one has come out.
    let wait = "for _ in 0..5000 { if ('seen' | path exists) { break }; sleep 2ms }; if not ('seen' | path exists) { error make {msg: late} }; rm seen";
    in_every_version(PLUGIN, |shell| {
        shell.check(
            &[
                "showcase double | each {|x| touch seen; $x}",
                "showcase each {|x| touch seen; 2 * $x}",
            ]
            .map(|through| {
                case(
                    format!("1..2 | each {{|x| if $x == 2 {{ {wait} }}; $x}} | {through}"),
                    "[2, 4]",
                )
            }),
        );
    });
}

/// A process prints without end into this. It has to end, because nobody reads on.
fn lets_go(of: &str, expected: &str) -> Case {
    // A process that has ended has no command line, whether somebody has asked for its end or not.
    case(
        format!(
            "rm --force process; \
             let got = (try {{ ^sh -c 'echo $$ > process; exec yes' | {of} }} catch {{|e| $e.msg}}); \
             mut process = ''; mut gone = false; \
             for _ in 0..5000 {{ \
                 if $process == '' {{ \
                     $process = (try {{ open process | str trim }} catch {{ '' }}) \
                 }} else {{ \
                     let place = $'/proc/($process)/cmdline'; \
                     $gone = (try {{ open --raw $place | is-empty }} catch {{ true }}) \
                 }}; \
                 if $gone {{ break }}; sleep 2ms \
             }}; [$got $gone]"
        ),
        format!("[{expected}, true]"),
    )
}

#[test]
fn input_that_is_not_wanted_is_let_go_of() {
    in_every_version(PLUGIN, |shell| {
        shell.check(&[
            lets_go("showcase kind", "\"byte stream\""),
            lets_go("showcase first 1 | length", "1"),
            lets_go("lines | showcase first 3 | length", "3"),
            lets_go("lines | showcase error", "\"the showcase failed\""),
            lets_go("showcase rotate | lines | first 3 | length", "3"),
            lets_go("lines | showcase each {|x| $x} | first 3 | length", "3"),
            lets_go("showcase eval {|| lines | first 2 | length}", "2"),
            lets_go("showcase call first 1 | length", "1"),
        ]);
    });
}

#[test]
fn what_is_known_of_a_stream_goes_through() {
    in_every_version(PLUGIN, |shell| {
        std::fs::write(shell.home.join("file.txt"), "hello\n").expect("a file");
        shell.check(&[
            case("showcase numbers 3 | describe", "\"list<int> (stream)\""),
            case("1..3 | each {|x| $x} | showcase double | describe", "\"list<int> (stream)\""),
            case("showcase bytes 3 | describe", "binary (stream)"),
            case("showcase bytes 3 --text | describe", "string (stream)"),
            case("showcase bytes 3 | metadata | get content_type", "text/plain"),
            case(
                "(open file.txt | showcase echo | metadata | reject --ignore-errors span) == (open file.txt | metadata | reject --ignore-errors span)",
                "true",
            ),
        ]);
    });
}
