//! Places in the engine's source text.

use std::fmt;

/// A stretch of the engine's source text, in bytes, from `start` up to but not including `end`.
///
/// Spans come from the other side and may be nonsense; [`Span::clamped`] makes one safe to show.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// Byte offset of the first byte.
    pub start: u64,
    /// Byte offset behind the last byte.
    pub end: u64,
}

impl Span {
    /// The span of a value that came from nowhere: 0 to 0.
    pub const UNKNOWN: Span = Span { start: 0, end: 0 };

    /// A span from `start` up to `end`.
    pub const fn new(start: u64, end: u64) -> Span {
        Span { start, end }
    }

    /// The part of the span that lies within `source`, with an end that never comes before the start.
    #[must_use]
    pub fn clamped(self, source: Span) -> Span {
        let start = self.start.clamp(source.start, source.end.max(source.start));
        Span {
            start,
            end: self.end.clamp(start, source.end.max(start)),
        }
    }

    /// True when the span says nothing about a place.
    pub fn is_unknown(self) -> bool {
        self == Span::UNKNOWN
    }
}

/// As short as it can be, because every value has one: `3..7`, and `?` for the unknown one.
impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_unknown() {
            f.write_str("?")
        } else {
            write!(f, "{}..{}", self.start, self.end)
        }
    }
}

/// Something with the place that it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The thing.
    pub item: T,
    /// Its place.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Joins a thing and its place.
    pub fn new(item: T, span: Span) -> Spanned<T> {
        Spanned { item, span }
    }
}
