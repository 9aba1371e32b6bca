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
const WIDTH: usize = 160;

/// What was said last, shared by a conversation and whoever judges it.
#[derive(Clone, Debug, Default)]
pub(super) struct Transcript(Rc<RefCell<Lines>>);

#[derive(Debug, Default)]
struct Lines {
    said: VecDeque<Said>,
    number: u64,
}

/// Faults that were noticed on the way, the first for each rule.
#[derive(Clone, Debug, Default)]
pub(super) struct Noticed(Rc<RefCell<BTreeMap<&'static str, Fault>>>);

impl Transcript {
    pub(super) fn message(&self, by: Speaker, message: &Message) {
        if let Message::Data(id, StreamItem::Raw(bytes)) = message {
            return self.text(by, &format!("Data of stream {id}: {} bytes", bytes.len()));
        }
        let sender = match by {
            Speaker::Engine => Sender::Engine,
            Speaker::Plugin => Sender::Plugin,
        };
        let mut json = Vec::new();
        let text = match encode(message, sender, Encoding::Json, Dialect::NEWEST, &mut json) {
            Ok(()) => String::from_utf8_lossy(&json).into_owned(),
            Err(_) => format!("{message:?}"),
        };
        self.text(by, &text);
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
        let text = text.trim_end();
        let mut short: String = text.chars().take(WIDTH).collect();
        if short.len() < text.len() {
            short.push_str("...");
        }
        let mut lines = self.0.borrow_mut();
        lines.number += 1;
        if lines.said.len() == KEPT {
            lines.said.pop_front();
        }
        let number = lines.number;
        lines.said.push_back(Said {
            number,
            by,
            text: short,
        });
    }

    pub(super) fn last(&self) -> Vec<Said> {
        self.0.borrow().said.iter().cloned().collect()
    }
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
