//! Ranges of integers and floats.

/// A range of numbers that has not been expanded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Range {
    /// Integers from `start`, by `step`, to `end`.
    Int {
        /// The first number.
        start: i64,
        /// What is added to go on to the next one; negative to count down, never 0.
        step: i64,
        /// Where it ends.
        end: Bound<i64>,
    },
    /// Floats from `start`, by `step`, to `end`.
    Float {
        /// The first number.
        start: f64,
        /// What is added to go on to the next one; negative to count down, never 0.
        step: f64,
        /// Where it ends.
        end: Bound<f64>,
    },
}

/// The end of a range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound<T> {
    /// Up to and including this number.
    Included(T),
    /// Up to but not including this number.
    Excluded(T),
    /// Without an end.
    Unbounded,
}
