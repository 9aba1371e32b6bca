//! Streams both ways, with early ends.

use super::PLUGIN;
use super::shell::{case, in_every_version};

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
