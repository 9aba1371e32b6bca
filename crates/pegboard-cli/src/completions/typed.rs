//! The words of a line up to the cursor, as each shell hands them over.

use std::iter::Peekable;
use std::str::Chars;

use super::Asker;

/// A line up to the cursor, without the name of the program.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Typed {
    pub(super) before: Vec<String>,
    /// The word that is being typed, without quotes.
    pub(super) current: String,
    /// How many bytes of it the shell keeps, because to the shell a word begins there. Only in bash.
    pub(super) kept: usize,
    /// The quote that is open at the cursor. Only in bash.
    pub(super) open: Open,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Open {
    #[default]
    None,
    Single,
    Double,
}

impl Typed {
    /// None if the cursor is at no argument.
    pub(super) fn read(asker: Asker, words: &[String]) -> Option<Typed> {
        if asker == Asker::Bash {
            let breaks = words.get(1).map_or("\"'><=;|&(:", String::as_str);
            return bash(words.first()?, breaks);
        }
        let [_, before @ .., current] = words else {
            return None;
        };
        let (before, current) = match asker {
            Asker::Fish => (before.to_vec(), unquoted(current, fish)),
            Asker::Nushell => {
                let before = before.iter().map(|word| unquoted(word, nushell));
                (before.collect(), unquoted(current, nushell))
            }
            Asker::Powershell => {
                let current = current.strip_prefix(':').unwrap_or(current);
                (before.to_vec(), current.to_owned())
            }
            _ => (before.to_vec(), current.clone()),
        };
        Some(Typed {
            before,
            current,
            ..Typed::default()
        })
    }
}

/// What a backslash and the character behind it mean, inside of this quote.
type Escape = fn(quote: Option<char>, escaped: char) -> Option<char>;

/// A word without its quotes; the last one may be open.
fn unquoted(word: &str, escape: Escape) -> String {
    let mut text = String::new();
    let mut quote = None;
    let mut chars = word.chars().peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        match (quote, c) {
            (_, '\\') if next.and_then(|next| escape(quote, next)).is_some() => {
                text.extend(chars.next().and_then(|next| escape(quote, next)));
            }
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => text.push(c),
        }
    }
    text
}

fn fish(quote: Option<char>, escaped: char) -> Option<char> {
    let known = match quote {
        None => true,
        Some('\'') => r"\'".contains(escaped),
        Some(_) => r#"\"$"#.contains(escaped),
    };
    known.then_some(escaped)
}

fn nushell(quote: Option<char>, escaped: char) -> Option<char> {
    (quote == Some('"')).then_some(match escaped {
        'n' => '\n',
        't' => '\t',
        other => other,
    })
}

/// Takes a line of bash apart. Only what belongs to the command under the cursor counts.
fn bash(line: &str, breaks: &str) -> Option<Typed> {
    let mut lexer = Lexer {
        chars: line.chars().peekable(),
        breaks,
        words: Vec::new(),
        typed: Typed::default(),
        begun: false,
        redirected: false,
    };
    lexer.run();
    let Lexer {
        words,
        mut typed,
        redirected,
        ..
    } = lexer;
    let assigns = |word: &&String| {
        let name = word.split_once('=').map(|(name, _)| name);
        name.is_some_and(|name| name.chars().all(|c| c.is_alphanumeric() || c == '_'))
    };
    let program = words.iter().take_while(assigns).count();
    // Where output goes is a file, and bash knows that.
    if redirected || program == words.len() {
        return None;
    }
    typed.before = words[program + 1..].to_vec();
    Some(typed)
}

struct Lexer<'a> {
    chars: Peekable<Chars<'a>>,
    breaks: &'a str,
    words: Vec<String>,
    /// The word that is being read.
    typed: Typed,
    /// It has begun, though it may be empty, as `''` is.
    begun: bool,
    /// It is what a `<` or a `>` stands in front of.
    redirected: bool,
}

impl Lexer<'_> {
    fn run(&mut self) {
        while let Some(c) = self.chars.next() {
            match (self.typed.open, c) {
                (Open::None, ' ' | '\t' | '\n') => self.end_word(),
                (Open::None, '|' | '&' | ';' | '(' | ')') => {
                    self.end_word();
                    self.words.clear();
                }
                (Open::None, '<' | '>') => {
                    if self.begun && self.typed.current.chars().all(|c| c.is_ascii_digit()) {
                        self.typed = Typed::default();
                        self.begun = false;
                    }
                    self.end_word();
                    self.redirected = true;
                }
                (Open::None, '\\') => {
                    if let Some(next) = self.chars.next().filter(|next| *next != '\n') {
                        self.push(next);
                    }
                }
                (Open::None, '\'') => self.open(Open::Single),
                (Open::None, '"') => self.open(Open::Double),
                (Open::Single, '\'') | (Open::Double, '"') => self.typed.open = Open::None,
                (Open::Double, '\\') => match self.chars.peek().copied() {
                    Some(next) if r#""\$`"#.contains(next) => {
                        self.chars.next();
                        self.push(next);
                    }
                    _ => self.push('\\'),
                },
                (open, c) => {
                    self.push(c);
                    if open == Open::None && self.breaks.contains(c) {
                        self.typed.kept = self.typed.current.len();
                    }
                }
            }
        }
    }

    fn push(&mut self, c: char) {
        self.typed.current.push(c);
        self.begun = true;
    }

    fn open(&mut self, open: Open) {
        self.typed.open = open;
        self.typed.kept = self.typed.current.len();
        self.begun = true;
    }

    fn end_word(&mut self) {
        let typed = std::mem::take(&mut self.typed);
        if std::mem::take(&mut self.begun) && !std::mem::take(&mut self.redirected) {
            self.words.push(typed.current);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_bash() {
        for (line, expected) in [
            ("pegboard ", Some("[] ")),
            ("pegboard run wor", Some("[run] wor")),
            ("A=1 B= pegboard run '|' x\\ y ", Some("[run,|,x y] ")),
            ("pegboard run a | pegboard list --j", Some("[list] --j")),
            ("cd x && pegboard run '' \"\" x", Some("[run,,] x")),
            ("pegboard run 2>/dev/null < in a", Some("[run] a")),
            ("pegboard run > ou", None),
            ("pegb", None),
            ("", None),
            ("pegboard run --to=j", Some("[run] --to=|j")),
            ("pegboard run a:b=c", Some("[run] a:b=|c")),
            ("pegboard run 'wor fr", Some("[run] '|wor fr")),
            ("pegboard run \"it's \\\"x", Some("[run] \"|it's \"x")),
            ("pegboard run 'a'\\''b' ", Some("[run,a'b] ")),
            ("pegboard run größe\\ x", Some("[run] größe x")),
            ("pegboard run \"a\\b\" x\\", Some("[run,a\\b] x")),
        ] {
            let shown = bash(line, "\"'><=;|&(:").map(|typed| {
                let (kept, rest) = typed.current.split_at(typed.kept);
                let mark = match typed.open {
                    Open::None if typed.kept == 0 => "",
                    Open::None => "|",
                    Open::Single => "'|",
                    Open::Double => "\"|",
                };
                format!("[{}] {kept}{mark}{rest}", typed.before.join(","))
            });
            assert_eq!(shown.as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn words_of_other_shells() {
        for (asker, word, expected) in [
            (Asker::Fish, r"a\ b", "a b"),
            (Asker::Fish, r"'a\b\'c", r"a\b'c"),
            (Asker::Fish, r#""a b"#, "a b"),
            (Asker::Fish, r"a\", r"a\"),
            (Asker::Nushell, r#""a\"b"#, "a\"b"),
            (Asker::Nushell, r"'a\b c'", r"a\b c"),
            (Asker::Zsh, r"a\ 'b", r"a\ 'b"),
        ] {
            let words = ["pegboard", "run", word].map(str::to_owned);
            let typed = Typed::read(asker, &words).expect("words");
            assert_eq!(typed.current, expected);
            assert_eq!(typed.before, ["run"]);
        }
        assert_eq!(Typed::read(Asker::Zsh, &["pegboard".to_owned()]), None);
        assert_eq!(Typed::read(Asker::Bash, &[]), None);
    }
}
