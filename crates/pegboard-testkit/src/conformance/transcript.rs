//! What was said in a conversation, the last of it, and what was noticed meanwhile.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use pegboard_protocol::codec::{Encoding, Sender, encode};
use pegboard_protocol::nu::{Dialect, Message, StreamItem};

use super::report::{Fault, Said, Speaker};

/// As much is kept of a conversation.
const KEPT: usize = 12;
/// As many characters of one message are shown.
const WIDTH: usize = 200;
/// As many of them at its end, if it is longer.
const TAIL: usize = 60;

/// What was said last, shared by a conversation and whoever judges it.
#[derive(Clone, Debug, Default)]
pub(super) struct Transcript(Rc<RefCell<Lines>>);

#[derive(Debug, Default)]
struct Lines {
    said: VecDeque<(u64, Speaker, Line)>,
    number: u64,
}

/// What was said. Messages are written down only when somebody asks, since most are soon forgotten.
#[derive(Debug)]
enum Line {
    Message(Box<Message>),
    Text(String),
}

/// Faults that were noticed on the way, the first for each rule.
#[derive(Clone, Debug, Default)]
pub(super) struct Noticed(Rc<RefCell<BTreeMap<&'static str, Fault>>>);

impl Transcript {
    pub(super) fn message(&self, by: Speaker, message: &Message) {
        self.add(
            by,
            match message {
                Message::Data(id, StreamItem::Raw(bytes)) => {
                    Line::Text(format!("Data of stream {id}: {} bytes", bytes.len()))
                }
                message => Line::Message(Box::new(message.clone())),
            },
        );
    }

    pub(super) fn bytes(&self, by: Speaker, bytes: &[u8]) {
        let head = &bytes[..bytes.len().min(WIDTH)];
        let shown = match std::str::from_utf8(head) {
            Ok(text) => text.escape_debug().to_string(),
            Err(_) => head.iter().map(|byte| format!("{byte:02x} ")).collect(),
        };
        self.text(by, &format!("{} bytes: {shown}", bytes.len()));
    }

    pub(super) fn text(&self, by: Speaker, text: &str) {
        self.add(by, Line::Text(shortened(text.trim_end())));
    }

    fn add(&self, by: Speaker, line: Line) {
        let mut lines = self.0.borrow_mut();
        lines.number += 1;
        if lines.said.len() == KEPT {
            lines.said.pop_front();
        }
        let number = lines.number;
        lines.said.push_back((number, by, line));
    }

    pub(super) fn last(&self) -> Vec<Said> {
        let lines = self.0.borrow();
        let said = lines.said.iter().map(|(number, by, line)| Said {
            number: *number,
            by: *by,
            text: match line {
                Line::Message(message) => shortened(&written(*by, message)),
                Line::Text(text) => text.clone(),
            },
        });
        said.collect()
    }
}

/// A message as JSON.
fn written(by: Speaker, message: &Message) -> String {
    let sender = match by {
        Speaker::Engine => Sender::Engine,
        Speaker::Plugin => Sender::Plugin,
    };
    let mut json = Vec::new();
    match encode(message, sender, Encoding::Json, Dialect::NEWEST, &mut json) {
        Ok(()) => String::from_utf8_lossy(&json).trim_end().to_owned(),
        Err(_) => format!("{message:?}"),
    }
}

/// A text without its middle, if it is long: how a message ends tells as much as how it begins.
fn shortened(text: &str) -> String {
    if text.chars().nth(WIDTH).is_none() {
        return text.to_owned();
    }
    let head: String = text.chars().take(WIDTH - TAIL).collect();
    let (tail, _) = text.char_indices().rev().nth(TAIL - 1).unwrap_or_default();
    format!("{head} ... {}", &text[tail..])
}

impl Noticed {
    /// A rule was broken; only the first time counts.
    pub(super) fn add(&self, rule: &'static str, what: String, transcript: &Transcript) {
        self.0.borrow_mut().entry(rule).or_insert_with(|| Fault {
            what,
            conversation: transcript.last(),
            ..Fault::default()
        });
    }

    pub(super) fn fault(&self, rule: &str) -> Option<Fault> {
        self.0.borrow().get(rule).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_messages_keep_both_ends() {
        let text = format!("first {} last", "\u{e9}".repeat(WIDTH));
        let short = shortened(&text);
        assert!(short.starts_with("first \u{e9}"), "{short}");
        assert!(short.contains("\u{e9} ... \u{e9}"), "{short}");
        assert!(short.ends_with("\u{e9} last"), "{short}");
        assert_eq!(short.chars().count(), WIDTH + " ... ".len());
        assert_eq!(shortened(&short[..8]), &short[..8]);
    }
}
