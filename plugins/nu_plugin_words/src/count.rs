//! What is counted: lines, words, characters, bytes, and each word by itself.

use std::cmp::Reverse;
use std::collections::HashMap;

use pegboard_plugin::{Span, Value};

/// Counts of a text that comes in pieces.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    lines: i64,
    words: i64,
    chars: i64,
    bytes: i64,
    in_word: bool,
    in_line: bool,
}

impl Counts {
    pub(crate) fn add(&mut self, piece: &str) {
        self.bytes += i64::try_from(piece.len()).unwrap_or(i64::MAX);
        for char in piece.chars() {
            self.chars += 1;
            self.in_line = char != '\n';
            self.lines += i64::from(char == '\n');
            let in_word = !char.is_whitespace();
            self.words += i64::from(in_word && !self.in_word);
            self.in_word = in_word;
        }
    }

    /// Says how many bytes there really were, if some of them were no text.
    pub(crate) fn set_bytes(&mut self, bytes: usize) {
        self.bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    }

    pub(crate) fn into_value(self, span: Span) -> Value {
        let lines = self.lines + i64::from(self.in_line);
        let fields = [
            ("lines", lines),
            ("words", self.words),
            ("chars", self.chars),
            ("bytes", self.bytes),
        ];
        Value::record(fields.map(|(name, count)| (name, Value::int(count).at(span)))).at(span)
    }
}

/// How often each word occurs in a text that comes in pieces.
#[derive(Debug)]
pub(crate) struct Frequencies {
    counts: HashMap<String, i64>,
    /// The word that the last piece ended in.
    begun: String,
    ignore_case: bool,
}

impl Frequencies {
    pub(crate) fn new(ignore_case: bool) -> Frequencies {
        Frequencies {
            counts: HashMap::new(),
            begun: String::new(),
            ignore_case,
        }
    }

    pub(crate) fn add(&mut self, piece: &str) {
        for char in piece.chars() {
            let inside = matches!(char, '\'' | '’') && !self.begun.is_empty();
            if char.is_alphanumeric() || inside {
                self.begun.push(char);
            } else {
                self.end_word();
            }
        }
    }

    fn end_word(&mut self) {
        let word = self.begun.trim_end_matches(['\'', '’']);
        if !word.is_empty() {
            let word = if self.ignore_case {
                word.to_lowercase()
            } else {
                word.to_owned()
            };
            *self.counts.entry(word).or_default() += 1;
        }
        self.begun.clear();
    }

    /// The `top` most frequent words; those that are as frequent in the order of the alphabet.
    pub(crate) fn into_value(mut self, top: usize, span: Span) -> Value {
        self.end_word();
        let mut rows: Vec<_> = self.counts.into_iter().collect();
        rows.sort_unstable_by(|(word, count), (other, others)| {
            (Reverse(count), word).cmp(&(Reverse(others), other))
        });
        let rows = rows.into_iter().take(top).map(|(word, count)| {
            let fields = [
                ("word", Value::string(word).at(span)),
                ("count", Value::int(count).at(span)),
            ];
            Value::record(fields).at(span)
        });
        Value::list(rows).at(span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The counts of a text, the same however it is cut.
    fn check(text: &str, expected: [i64; 4]) {
        for pieces in [vec![text], text.split_inclusive(|_| true).collect()] {
            let mut counts = Counts::default();
            pieces.iter().for_each(|piece| counts.add(piece));
            let names = ["lines", "words", "chars", "bytes"];
            let fields = names.into_iter().zip(expected.map(Value::int));
            assert_eq!(
                counts.into_value(Span::UNKNOWN),
                Value::record(fields),
                "{text:?}"
            );
        }
    }

    #[test]
    fn counts() {
        check("", [0, 0, 0, 0]);
        check("a", [1, 1, 1, 1]);
        check("one two\nthree\n", [2, 3, 14, 14]);
        check(" ä\u{a0}€ ", [1, 2, 5, 9]);
    }

    #[test]
    fn words_keep_their_apostrophes() {
        for (text, expected) in [
            ("it's 'quoted'", &["it's", "quoted"][..]),
            ("", &[]),
            ("a-b, ü2", &["a", "b", "ü2"]),
        ] {
            let mut words = Frequencies::new(false);
            words.add(text);
            words.end_word();
            let mut found: Vec<_> = words.counts.into_keys().collect();
            found.sort();
            assert_eq!(found, expected);
        }
    }
}
