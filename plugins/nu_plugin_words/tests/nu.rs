//! The words in real Nushells of seven versions.

#[path = "../../nu_plugin_showcase/tests/nu/shell.rs"]
mod shell;

use shell::{case, in_every_version};

const PLUGIN: &str = env!("CARGO_BIN_EXE_nu_plugin_words");

#[test]
fn words() {
    in_every_version(PLUGIN, |shell| {
        std::fs::write(shell.home.join("file"), "größe über alles\n".repeat(20_000)).unwrap();
        std::fs::write(shell.home.join("raw"), b"a\xffb c").unwrap();
        shell.check(&[
            case(
                "'one two' | words count",
                "{lines: 1, words: 2, chars: 7, bytes: 7}",
            ),
            case("[one 'two three'] | words count | get words", "3"),
            case(
                "open --raw file | words count",
                "{lines: 20000, words: 60000, chars: 340000, bytes: 400000}",
            ),
            case(
                "open --raw raw | words count",
                "{lines: 1, words: 2, chars: 5, bytes: 5}",
            ),
            case("'b a b' | words freq", "[[word, count]; [b, 2], [a, 1]]"),
            case("'B a b' | words freq -i --top 1", "[[word, count]; [b, 2]]"),
            case(
                "open --raw file | words freq --top 1",
                "[[word, count]; [alles, 20000]]",
            ),
            case(
                "'a' | words freq --top (-1)",
                "ERROR `--top` is a number of words",
            ),
            case("\"a\\r\\nb\\n\" | words lines", "[a, b]"),
            case("open --raw file | words lines | length", "20000"),
            case("^yes | words lines | first 2", "[y, y]"),
            case(
                "open --raw file | words upper | words lines | first 1",
                "[\"GRÖSSE ÜBER ALLES\"]",
            ),
            case("'größe' | words upper", "GRÖSSE"),
            case("[1] | each {|x| $x} | words count", "ERROR text is needed"),
        ]);
    });
}

#[test]
fn help_and_errors_are_shown() {
    in_every_version(PLUGIN, |shell| {
        let output = shell.run("print (help words freq); 'a' | words freq --top (-1)");
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "0.{}", shell.minor);
        assert!(stdout.contains("--top"), "0.{}: {stdout}", shell.minor);
        for part in ["`--top` is a number of words", "words freq --top (-1)"] {
            assert!(stderr.contains(part), "0.{}: {part}: {stderr}", shell.minor);
        }
    });
}
