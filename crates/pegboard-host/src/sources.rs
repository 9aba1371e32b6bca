//! The source text that spans point into: command lines, closures, scripts.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pegboard_protocol::Span;

/// Texts, each at its own stretch of one space of byte offsets.
#[derive(Debug, Default)]
pub struct Sources {
    texts: Mutex<Vec<Source>>,
}

#[derive(Clone, Debug)]
struct Source {
    name: String,
    start: u64,
    text: String,
}

/// A place that lies within one text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The name of the text.
    pub name: String,
    /// The whole text.
    pub text: String,
    /// The byte offsets within the text; at character boundaries.
    pub range: std::ops::Range<usize>,
}

impl Sources {
    /// No texts yet. Offset 0 belongs to none, so that the unknown span points nowhere.
    pub fn new() -> Sources {
        Sources::default()
    }

    /// Adds a text and gives its span.
    pub fn add(&self, name: impl Into<String>, text: impl Into<String>) -> Span {
        let mut texts = self.lock();
        // One byte lies between two texts, so that no span touches both.
        let start = texts
            .last()
            .map_or(1, |last| last.start + last.text.len() as u64 + 1);
        let text = text.into();
        let span = Span::new(start, start + text.len() as u64);
        texts.push(Source {
            name: name.into(),
            start,
            text,
        });
        span
    }

    /// The bytes at a span; empty if it does not start within a text.
    pub fn contents(&self, span: Span) -> Vec<u8> {
        let texts = self.lock();
        let Some((source, range)) = find(&texts, span) else {
            return Vec::new();
        };
        source.text.as_bytes()[range].to_vec()
    }

    /// Where a span is, with an end that lies within the text and not before the start. None if it starts in no text.
    pub fn place(&self, span: Span) -> Option<Place> {
        let texts = self.lock();
        let (source, range) = find(&texts, span)?;
        let (mut start, mut end) = (range.start, range.end);
        while !source.text.is_char_boundary(start) {
            start -= 1;
        }
        while !source.text.is_char_boundary(end) {
            end += 1;
        }
        Some(Place {
            name: source.name.clone(),
            text: source.text.clone(),
            range: start..end,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Source>> {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn find(texts: &[Source], span: Span) -> Option<(&Source, std::ops::Range<usize>)> {
    let source = texts
        .iter()
        .rev()
        .find(|source| source.start <= span.start)?;
    let whole = Span::new(source.start, source.start + source.text.len() as u64);
    if span.start > whole.end {
        return None;
    }
    let span = span.clamped(whole);
    let offset = |at: u64| usize::try_from(at - source.start).unwrap_or(source.text.len());
    Some((source, offset(span.start)..offset(span.end)))
}
