//! Splits Rust source into code and comments, and finds its test parts, without parsing it.

use std::ops::Range;

/// A source whose code and comments can be searched apart; all three texts have equal length.
pub(super) struct Source {
    /// The code; comments and the contents of strings and characters are blank.
    pub(super) code: String,
    /// The comments; everything else is blank.
    pub(super) comments: String,
    /// Byte ranges of items under `#[cfg(test)]`.
    tests: Vec<Range<usize>>,
    line_starts: Vec<usize>,
}

impl Source {
    pub(super) fn new(text: &str) -> Self {
        let (code, comments) = split(text);
        let tests = test_items(&code);
        let line_starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Self {
            code,
            comments,
            tests,
            line_starts,
        }
    }

    /// The line of a byte offset, counted from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= at)
    }

    pub(super) fn is_test(&self, at: usize) -> bool {
        self.tests.iter().any(|range| range.contains(&at))
    }

    /// The modules that are declared under `#[cfg(test)]` and live in files of their own.
    pub(super) fn test_modules(&self) -> impl Iterator<Item = &str> {
        self.tests.iter().filter_map(|range| {
            let item = self.code[range.clone()].trim_end().strip_suffix(';')?;
            let mut words = item.split_whitespace().rev();
            let name = words.next()?;
            (words.next() == Some("mod")).then_some(name)
        })
    }

    /// Where `needle` stands in the code, not as a part of a longer word.
    pub(super) fn find(&self, needle: &str) -> impl Iterator<Item = usize> {
        words(&self.code, needle)
    }
}

/// Where `needle` stands in `text`, not as a part of a longer word.
pub(super) fn words(text: &str, needle: &str) -> impl Iterator<Item = usize> {
    let starts_word = needle.starts_with(is_word);
    let ends_word = needle.ends_with(is_word);
    text.match_indices(needle)
        .map(|(at, _)| at)
        .filter(move |at| {
            let before = text[..*at].chars().next_back();
            let after = text[at + needle.len()..].chars().next();
            !(starts_word && before.is_some_and(is_word) || ends_word && after.is_some_and(is_word))
        })
}

pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The end of the bracketed text whose opening bracket stands at `open`.
pub(super) fn matching(code: &str, open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// The ranges of `#[cfg(test)]` items, from the attribute to the closing brace or semicolon.
fn test_items(code: &str) -> Vec<Range<usize>> {
    let mut items = Vec::new();
    for (start, _) in code.match_indices("#[cfg(test)]") {
        let mut at = start + "#[cfg(test)]".len();
        let end = loop {
            match code.as_bytes().get(at) {
                None => break code.len(),
                Some(b';') => break at + 1,
                Some(b'{') => break matching(code, at).map_or(code.len(), |end| end + 1),
                Some(b'[' | b'(') => match matching(code, at) {
                    Some(end) => at = end + 1,
                    None => break code.len(),
                },
                Some(_) => at += 1,
            }
        };
        items.push(start..end);
    }
    items
}

/// What the scanner stands in.
enum Part {
    Code,
    Line,
    Block { depth: usize },
    Text { hashes: Option<usize> },
}

/// Blanks everything but code, and everything but comments. Line breaks stay in both.
fn split(text: &str) -> (String, String) {
    let bytes = text.as_bytes();
    let mut code = vec![b' '; bytes.len()];
    let mut comments = vec![b' '; bytes.len()];
    let mut part = Part::Code;
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let mut step = 1;
        match part {
            Part::Code => {
                if rest.starts_with(b"//") {
                    part = Part::Line;
                    continue;
                } else if rest.starts_with(b"/*") {
                    comments[at..at + 2].copy_from_slice(b"/*");
                    part = Part::Block { depth: 1 };
                    step = 2;
                } else if let Some((length, hashes)) = text_start(bytes, at) {
                    code[at + length - 1] = b'"';
                    part = Part::Text { hashes };
                    step = length;
                } else if let Some(length) = character(rest) {
                    code[at] = b'\'';
                    code[at + length - 1] = b'\'';
                    step = length;
                } else {
                    code[at] = bytes[at];
                }
            }
            Part::Line => {
                if bytes[at] == b'\n' {
                    part = Part::Code;
                } else {
                    comments[at] = bytes[at];
                }
            }
            Part::Block { ref mut depth } => {
                if rest.starts_with(b"/*") {
                    *depth += 1;
                    step = 2;
                } else if rest.starts_with(b"*/") {
                    *depth -= 1;
                    step = 2;
                }
                comments[at..at + step].copy_from_slice(&bytes[at..at + step]);
                if matches!(part, Part::Block { depth: 0 }) {
                    part = Part::Code;
                }
            }
            Part::Text { hashes: None } => {
                if bytes[at] == b'\\' {
                    step = 2;
                } else if bytes[at] == b'"' {
                    code[at] = b'"';
                    part = Part::Code;
                }
            }
            Part::Text {
                hashes: Some(hashes),
            } => {
                let closing = &rest[1..];
                if bytes[at] == b'"'
                    && closing.len() >= hashes
                    && closing[..hashes].iter().all(|byte| *byte == b'#')
                {
                    code[at] = b'"';
                    part = Part::Code;
                    step = 1 + hashes;
                }
            }
        }
        at += step;
    }
    for (at, _) in text.match_indices('\n') {
        code[at] = b'\n';
        comments[at] = b'\n';
    }
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (text(code), text(comments))
}

/// A string that begins here: how long its opening is, and the hashes of a raw string.
fn text_start(bytes: &[u8], at: usize) -> Option<(usize, Option<usize>)> {
    let rest = &bytes[at..];
    if rest[0] == b'"' {
        return Some((1, None));
    }
    // A prefix counts only at the start of a word: `for"` is no raw string.
    if at > 0 && is_word(char::from(bytes[at - 1])) {
        return None;
    }
    let prefix = [&b"br"[..], b"cr", b"r", b"b", b"c"]
        .into_iter()
        .find(|p| rest.starts_with(p))?;
    let after = &rest[prefix.len()..];
    if !prefix.ends_with(b"r") {
        return after.starts_with(b"\"").then_some((prefix.len() + 1, None));
    }
    let hashes = after.iter().take_while(|byte| **byte == b'#').count();
    (after.get(hashes) == Some(&b'"')).then_some((prefix.len() + hashes + 1, Some(hashes)))
}

/// The length of a character literal that begins here; a lifetime is none.
fn character(rest: &[u8]) -> Option<usize> {
    if rest[0] != b'\'' {
        return None;
    }
    if rest.get(1) == Some(&b'\\') {
        let end = rest.iter().skip(3).position(|byte| *byte == b'\'')?;
        return Some(end + 4);
    }
    let head = &rest[1..rest.len().min(6)];
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&head[..error.valid_up_to()]).ok()?,
    };
    let first = valid.chars().next()?;
    (rest.get(1 + first.len_utf8()) == Some(&b'\'')).then_some(2 + first.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, code: &str, comments: &str) {
        let source = Source::new(text);
        let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(squeeze(&source.code), code, "code of {text}");
        assert_eq!(squeeze(&source.comments), comments, "comments of {text}");
        assert_eq!(source.code.len(), text.len(), "length of {text}");
    }

    #[test]
    fn code_and_comments_are_told_apart() {
        check("a(); // b\nc", "a(); c", "// b");
        check("a /* b /* c */ d */ e", "a e", "/* b /* c */ d */");
        check(r#"x("// no", 'a')"#, r#"x(" ", ' ')"#, "");
        check(r##"x(r#"a " b"#, b"\"", y)"##, r#"x( " " , " ", y)"#, "");
        check(r#"'"'; "a""#, r#"' '; " ""#, "");
        check(
            r"fn f<'a>(x: &'a str, c: '\'')",
            r"fn f<'a>(x: &'a str, c: ' ')",
            "",
        );
        check("'ü'", "' '", "");
    }

    #[test]
    fn test_items_are_found() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() { }\n}\nfn c() {}\n";
        let source = Source::new(text);
        let at = |needle: &str| text.find(needle).unwrap_or_default();
        assert!(!source.is_test(at("fn a")));
        assert!(source.is_test(at("fn b")));
        assert!(!source.is_test(at("fn c")));
        assert_eq!(source.line(at("fn b")), 4);
    }

    #[test]
    fn test_modules_in_other_files_are_named() {
        let source = Source::new("mod a;\n#[cfg(test)]\npub(crate) mod tests;\n");
        assert_eq!(source.test_modules().collect::<Vec<_>>(), ["tests"]);
    }

    #[test]
    fn words_are_whole() {
        assert_eq!(
            words("unsafe_code unsafe {", "unsafe").collect::<Vec<_>>(),
            [12]
        );
    }
}
