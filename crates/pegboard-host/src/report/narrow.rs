//! Errors where there are few columns: words that are named rather than underlined, and lines broken between words.

use super::line::{cut, line};
use super::{Labelled, Part};

/// Below this there is no room for a line of a source text with what is said about a part of it.
pub(super) const NARROW: usize = 60;

/// Lines are not made shorter than this.
const SHORTEST: usize = 10;
/// How many characters of the words are shown that something is about.
const LONGEST: usize = 100;

/// The errors as text, for so many columns.
pub(super) fn show(parts: &[Part], notes: &[String], width: usize) -> String {
    let mut page = Page {
        width: width.max(SHORTEST),
        text: String::new(),
    };
    for (index, part) in parts.iter().enumerate() {
        let level = if index == 0 { "error" } else { "caused by" };
        let code = part.code.as_ref();
        let code = code.map_or(String::new(), |code| format!("[{code}]"));
        page.paragraph(&format!("{level}{code}: {}", part.title));
        for labelled in &part.texts {
            for (range, label) in &labelled.labels {
                page.paragraph(&remark(labelled, range.clone(), label));
            }
        }
        let notes = if index == 0 { notes } else { &[] };
        for note in part.remarks.iter().chain(notes) {
            page.paragraph(&format!("note: {note}"));
        }
        for advice in &part.advice {
            page.paragraph(&format!("help: {advice}"));
        }
    }
    page.text
}

/// What is said about a part of a text.
fn remark(labelled: &Labelled, range: std::ops::Range<usize>, label: &str) -> String {
    let place = &labelled.place;
    let text = place.text.as_str();
    let words = text.get(range.clone()).map(line).unwrap_or_default();
    let mut remark = match words.as_str() {
        "" => gap(text.get(range.start..).unwrap_or_default()),
        words => format!("at `{}`", cut(words, LONGEST)),
    };
    if !place.name.is_empty() {
        let before = text.get(..range.start).unwrap_or_default();
        let number = before.matches('\n').count() + 1;
        remark = format!("{remark} in {}, line {number}", place.name);
    }
    match label {
        "" => remark,
        label => format!("{remark}: {label}"),
    }
}

/// Where a place without words is, by what follows in its line.
fn gap(rest: &str) -> String {
    match line(rest.lines().next().unwrap_or_default()).as_str() {
        "" => "at the end".to_owned(),
        rest => format!("in front of `{}`", cut(rest, LONGEST)),
    }
}

struct Page {
    width: usize,
    text: String,
}

impl Page {
    /// Adds a text, broken between words, and within words that are longer than a line.
    fn paragraph(&mut self, text: &str) {
        for line in text.lines() {
            let mut column = 0;
            for word in line.split(' ').filter(|word| !word.is_empty()) {
                let length = word.chars().count();
                if column > 0 && column + 1 + length > self.width {
                    self.text.push('\n');
                    column = 0;
                } else if column > 0 {
                    self.text.push(' ');
                    column += 1;
                }
                for c in word.chars() {
                    if column == self.width {
                        self.text.push('\n');
                        column = 0;
                    }
                    self.text.push(c);
                    column += 1;
                }
            }
            self.text.push('\n');
        }
    }
}
