//! Text from plugins on one line, and not too much of it.

use pegboard_args::harmless;

/// The text on one line, without anything that a terminal would act on.
pub(super) fn line(text: &str) -> String {
    harmless(text)
        .split('\n')
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// At most so many characters.
pub(super) fn cut(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.to_owned(),
    }
}
