//! Candidates as the shell needs them in its line.

use super::Asker;
use super::typed::{Open, Typed};

/// The part of a word that the shell puts in place of what was typed, with quotes where the shell adds none itself.
pub(super) fn quoted(asker: Asker, typed: &Typed, word: &str) -> String {
    match asker {
        Asker::Bash => bash(&word[typed.kept..], typed.open),
        Asker::Powershell => powershell(word),
        Asker::Nushell => nushell(word),
        Asker::Zsh | Asker::Fish | Asker::Elvish | Asker::Plain => word.to_owned(),
    }
}

/// For bash, behind the quote that was opened: bash closes it.
fn bash(text: &str, open: Open) -> String {
    match open {
        Open::Single => text.replace('\'', r"'\''"),
        Open::Double => escaped(text, |c, _| r#""\$`"#.contains(c)),
        Open::None => escaped(text, |c, at| {
            let special =
                c.is_ascii() && !c.is_ascii_alphanumeric() && !"-_=+./,:@%^~#".contains(c);
            special || (at == 0 && "~#".contains(c))
        }),
    }
}

fn escaped(text: &str, needs: impl Fn(char, usize) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        if needs(c, at) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn powershell(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_=+./\\:%".contains(c);
    if word.chars().all(plain) {
        return word.to_owned();
    }
    // Curly quotes end a string there as well.
    let mut text = String::from("'");
    for c in word.chars() {
        if matches!(c, '\'' | '\u{2018}'..='\u{201b}') {
            text.push(c);
        }
        text.push(c);
    }
    text.push('\'');
    text
}

fn nushell(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_=+./,:@%".contains(c);
    if word.chars().all(plain) {
        word.to_owned()
    } else if word.contains('\'') {
        format!("\"{}\"", escaped(word, |c, _| r#""\"#.contains(c)))
    } else {
        format!("'{word}'")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_their_shell() {
        for (word, open, expected) in [
            ("plain", Open::None, "plain"),
            ("a b", Open::None, r"a\ b"),
            ("it's $5", Open::None, r"it\'s\ \$5"),
            ("~x", Open::None, r"\~x"),
            ("a~#b", Open::None, "a~#b"),
            ("größe", Open::None, "größe"),
            ("it's $5", Open::Single, r"it'\''s $5"),
            (r#"it's "$5" \"#, Open::Double, r#"it's \"\$5\" \\"#),
        ] {
            assert_eq!(bash(word, open), expected, "{word}");
        }
        for (word, expected) in [
            ("--to=json", "--to=json"),
            ("a b", "'a b'"),
            ("it's", "'it''s'"),
            ("$x", "'$x'"),
            ("@x", "'@x'"),
            ("\u{2019}", "'\u{2019}\u{2019}'"),
        ] {
            assert_eq!(powershell(word), expected, "{word}");
        }
        for (word, expected) in [
            ("plain", "plain"),
            ("a b", "'a b'"),
            ("$x", "'$x'"),
            (r#"it's "\"#, r#""it's \"\\""#),
        ] {
            assert_eq!(nushell(word), expected, "{word}");
        }
    }
}
