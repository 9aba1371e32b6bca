//! The words of a command line as a source text, so that errors can point at them.

use std::ffi::OsStr;
use std::sync::Arc;

use pegboard_host::protocol::Spanned;
use pegboard_host::{Error, LabeledError, Sources, Span};

use crate::exit::Failure;

/// A command line with the place of each word.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) sources: Arc<Sources>,
    pub(crate) words: Vec<Spanned<String>>,
}

impl Line {
    /// Joins words as they would be typed in a shell. Fails if one is no text: plugins know no other words.
    pub(crate) fn new<S: AsRef<OsStr>>(words: &[S]) -> Result<Line, Failure> {
        let mut text = String::new();
        let (mut ranges, mut texts) = (Vec::new(), Vec::new());
        let mut unfit = None;
        for word in words {
            if !text.is_empty() {
                text.push(' ');
            }
            let start = text.len() as u64;
            match word.as_ref().to_str() {
                Some(word) => {
                    text.push_str(&quoted(word));
                    texts.push(word.to_owned());
                }
                None => {
                    text.push_str(&escaped(word.as_ref()));
                    unfit.get_or_insert(ranges.len());
                    texts.push(String::new());
                }
            }
            ranges.push((start, text.len() as u64));
        }
        let sources = Arc::new(Sources::new());
        let whole = sources.add("", text);
        let spans = ranges
            .into_iter()
            .map(|(start, end)| Span::new(whole.start + start, whole.start + end));
        let words: Vec<Spanned<String>> = texts
            .into_iter()
            .zip(spans)
            .map(|(word, span)| Spanned::new(word, span))
            .collect();
        match unfit {
            Some(unfit) => {
                let error = LabeledError::new("an argument is not UTF-8, and plugins can be told no other text")
                    .with_code("pegboard::run::not_text")
                    .with_label("this one", words[unfit].span)
                    .with_help("a file with such a name can be the input, `--input FILE`, or be named through a link");
                Err(Failure::new(Error::misuse(error), &sources))
            }
            None => Ok(Line { sources, words }),
        }
    }

    /// The commands that `|` joins, each with its arguments. A word `\|` is the argument `|`.
    pub(crate) fn stages(&self) -> Result<Vec<Stage>, Failure> {
        let mut stages = vec![Stage::new(&self.sources, true)];
        let mut bar = None;
        for word in &self.words {
            let empty = stages.last().is_none_or(|stage| stage.words.is_empty());
            match (word.item.as_str(), stages.last_mut()) {
                ("|", _) if empty => return Err(self.no_command(word.span, "in front of")),
                ("|", _) => {
                    bar = Some(word.span);
                    stages.push(Stage::new(&self.sources, false));
                }
                (r"\|", Some(stage)) => {
                    stage.words.push(Spanned::new("|".to_owned(), word.span));
                }
                (_, Some(stage)) => stage.words.push(word.clone()),
                (_, None) => {}
            }
        }
        match bar {
            Some(bar) if stages.last().is_some_and(|stage| stage.words.is_empty()) => {
                Err(self.no_command(bar, "behind"))
            }
            _ => Ok(stages),
        }
    }

    fn no_command(&self, bar: Span, place: &str) -> Failure {
        let error = LabeledError::new(format!("there is no command {place} a `|`"))
            .with_code("pegboard::run::no_command")
            .with_label(format!("{place} this"), bar)
            .with_help(r"a `|` that is an argument is written as '\|'");
        Failure::new(Error::misuse(error), &self.sources)
    }
}

/// One command of a line, with its arguments.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) sources: Arc<Sources>,
    pub(crate) words: Vec<Spanned<String>>,
    /// Nothing flows into it from another one.
    pub(crate) is_first: bool,
}

impl Stage {
    fn new(sources: &Arc<Sources>, is_first: bool) -> Stage {
        Stage {
            sources: sources.clone(),
            is_first,
            words: Vec::new(),
        }
    }

    /// The place of the first so many words together.
    pub(crate) fn head(&self, count: usize) -> Span {
        match (self.words.first(), self.words.get(count.saturating_sub(1))) {
            (Some(first), Some(last)) => Span::new(first.span.start, last.span.end),
            _ => Span::UNKNOWN,
        }
    }
}

/// A word that is no text, as a shell needs it.
fn escaped(word: &OsStr) -> String {
    let chunks = word.as_encoded_bytes().utf8_chunks();
    let parts = chunks.map(|chunk| {
        let valid: String = chunk.valid().chars().map(escaped_char).collect();
        let invalid = chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}"));
        valid + &invalid.collect::<String>()
    });
    format!("$'{}'", parts.collect::<String>())
}

/// A character within `$'...'`, on one line, as all of it is.
fn escaped_char(c: char) -> String {
    match c {
        '\'' | '\\' => format!("\\{c}"),
        c if c.is_control() => c.escape_default().to_string(),
        c => c.to_string(),
    }
}

/// A word as a shell needs it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_=+./,:@%^~".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    if word.chars().any(char::is_control) {
        return format!("$'{}'", word.chars().map(escaped_char).collect::<String>());
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_where_they_stand() {
        let words = ["ref", "args", "it's", "", "a b", "--x=1", "a\nb"].map(str::to_owned);
        let line = Line::new(&words).expect("text");
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
        let stages = line.stages().expect("one command");
        assert_eq!(shown(stages[0].head(2)), "ref args");
    }

    #[test]
    fn a_bar_joins_commands() {
        for (words, expected) in [
            ("a b | c", Ok(vec!["a b", "c"])),
            (r"a \| | c x|y", Ok(vec!["a |", "c x|y"])),
            ("| c", Err("there is no command in front of a `|`")),
            ("a | | c", Err("there is no command in front of a `|`")),
            ("a |", Err("there is no command behind a `|`")),
        ] {
            let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
            let stages = Line::new(&words)
                .and_then(|line| line.stages())
                .map(|stages| {
                    let joined = stages.iter().map(|stage| {
                        let words = stage.words.iter().map(|word| word.item.as_str());
                        words.collect::<Vec<_>>().join(" ")
                    });
                    joined.collect::<Vec<_>>()
                });
            let stages = stages.map_err(|failure| failure.message().to_owned());
            let expected = expected
                .map(|stages| stages.into_iter().map(str::to_owned).collect::<Vec<_>>())
                .map_err(str::to_owned);
            assert_eq!(stages, expected, "{words:?}");
        }
    }
}
