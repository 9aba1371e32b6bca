//! Texts and what they are taken for.

mod meaning;
mod syntax;

use pegboard_protocol::{LabeledError, Span};

/// Where the text is said to begin, so that a place counted from elsewhere is noticed.
const START: u64 = 1000;

/// The text at a place.
fn at(text: &str, span: Span) -> &str {
    let place = |at: u64| usize::try_from(at - START).expect("a place in the text");
    &text[place(span.start)..place(span.end)]
}

/// An error with the text that its label is on.
fn show_error(text: &str, error: &LabeledError) -> String {
    let label = &error.labels[0];
    format!("! {} [{}: {}]", error.msg, at(text, label.span), label.text)
}
