//! The words of a command line as a source text, so that errors can point at them.

use std::sync::Arc;

use pegboard_host::protocol::Spanned;
use pegboard_host::{Sources, Span};

/// A command line with the place of each word.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) sources: Arc<Sources>,
    pub(crate) words: Vec<Spanned<String>>,
}

impl Line {
    /// Joins words as they would be typed in a shell.
    pub(crate) fn new(words: &[String]) -> Line {
        let mut text = String::new();
        let mut ranges = Vec::new();
        for word in words {
            if !text.is_empty() {
                text.push(' ');
            }
            let start = text.len() as u64;
            text.push_str(&quoted(word));
            ranges.push((start, text.len() as u64));
        }
        let sources = Arc::new(Sources::new());
        let whole = sources.add("", text);
        let spans = ranges
            .into_iter()
            .map(|(start, end)| Span::new(whole.start + start, whole.start + end));
        let words = words
            .iter()
            .zip(spans)
            .map(|(word, span)| Spanned::new(word.clone(), span))
            .collect();
        Line { sources, words }
    }

    /// The place of the first so many words together.
    pub(crate) fn head(&self, count: usize) -> Span {
        match (self.words.first(), self.words.get(count.saturating_sub(1))) {
            (Some(first), Some(last)) => Span::new(first.span.start, last.span.end),
            _ => Span::UNKNOWN,
        }
    }
}

/// A word as a shell needs it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_=+./,:@%^~".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    if word.chars().any(char::is_control) {
        // On one line, as all of it is.
        let escaped = word.chars().map(|c| match c {
            '\'' | '\\' => format!("\\{c}"),
            c if c.is_control() => c.escape_default().to_string(),
            c => c.to_string(),
        });
        return format!("$'{}'", escaped.collect::<String>());
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_where_they_stand() {
        let words = ["ref", "args", "it's", "", "a b", "--x=1", "a\nb"].map(str::to_owned);
        let line = Line::new(&words);
        let shown = |span| String::from_utf8(line.sources.contents(span)).expect("text");
        let each: Vec<String> = line.words.iter().map(|word| shown(word.span)).collect();
        assert_eq!(
            each,
            [
                "ref",
                "args",
                r"'it'\''s'",
                "''",
                "'a b'",
                "--x=1",
                r"$'a\nb'"
            ]
        );
        assert_eq!(shown(line.head(2)), "ref args");
    }
}
