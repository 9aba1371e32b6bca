//! Ranges of integers and floats.

use std::fmt;
use std::str::FromStr;

use super::Value;

/// A range of numbers that has not been expanded.
///
/// Its text is `start..end`, `start..<end` without the end itself, `start..` without an end, and with a step other than
/// one `start..second..end`. Floats always have a decimal point.
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

impl Range {
    /// The numbers, one after the other; without end for a range that has none.
    pub fn numbers(self) -> impl Iterator<Item = Value> + Send {
        let mut place = 0_i64;
        std::iter::from_fn(move || {
            let next = match self {
                Range::Int { start, step, end } => {
                    let number = start.checked_add(step.checked_mul(place)?)?;
                    within(&number, &end, step > 0).then_some(Value::int(number))
                }
                Range::Float { start, step, end } => {
                    // Adding up would add up the errors as well.
                    let number = start + step * place as f64;
                    within(&number, &end, step > 0.0).then_some(Value::float(number))
                }
            };
            place = place.checked_add(1)?;
            next
        })
    }

    /// Whether the text can be read by Nushell: the second number fits into an integer, and no float is infinite.
    pub(crate) fn has_text_form(&self) -> bool {
        match self {
            Range::Int { start, step, .. } => start.checked_add(*step).is_some(),
            Range::Float { start, step, end } => {
                let end = match end {
                    Bound::Included(end) | Bound::Excluded(end) => *end,
                    Bound::Unbounded => 0.0,
                };
                (start + step).is_finite() && start.is_finite() && end.is_finite()
            }
        }
    }
}

fn within<T: PartialOrd>(number: &T, end: &Bound<T>, up: bool) -> bool {
    match end {
        Bound::Unbounded => true,
        Bound::Included(end) if up => number <= end,
        Bound::Included(end) => number >= end,
        Bound::Excluded(end) if up => number < end,
        Bound::Excluded(end) => number > end,
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Range::Int { start, step, end } => {
                write!(f, "{start}..")?;
                if *step != 1 {
                    write!(f, "{}..", i128::from(*start) + i128::from(*step))?;
                }
                write_end(f, end, i64::to_string)
            }
            Range::Float { start, step, end } => {
                write!(f, "{}..", float_text(start))?;
                if *step != 1.0 {
                    write!(f, "{}..", float_text(&(start + step)))?;
                }
                write_end(f, end, float_text)
            }
        }
    }
}

fn write_end<T>(
    f: &mut fmt::Formatter<'_>,
    end: &Bound<T>,
    text: impl Fn(&T) -> String,
) -> fmt::Result {
    match end {
        Bound::Included(end) => f.write_str(&text(end)),
        Bound::Excluded(end) => write!(f, "<{}", text(end)),
        Bound::Unbounded => Ok(()),
    }
}

/// A float that cannot be taken for an integer.
fn float_text(number: &f64) -> String {
    if number.fract() == 0.0 {
        format!("{number:.1}")
    } else {
        number.to_string()
    }
}

/// Text that is no range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseRangeError(String);

impl fmt::Display for ParseRangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not a range, such as `1..5` or `0..2..<10`",
            self.0
        )
    }
}

impl std::error::Error for ParseRangeError {}

impl FromStr for Range {
    type Err = ParseRangeError;

    fn from_str(text: &str) -> Result<Range, ParseRangeError> {
        parse(text).ok_or_else(|| ParseRangeError(text.to_owned()))
    }
}

#[derive(Clone, Copy)]
enum Number {
    Int(i128),
    Float(f64),
}

impl Number {
    fn parse(text: &str) -> Option<Number> {
        if let Ok(number) = text.parse() {
            return Some(Number::Int(number));
        }
        text.parse().ok().map(Number::Float)
    }

    fn is_float(self) -> bool {
        matches!(self, Number::Float(_))
    }

    fn float(self) -> f64 {
        match self {
            Number::Int(number) => number as f64,
            Number::Float(number) => number,
        }
    }

    fn int(self) -> Option<i128> {
        match self {
            Number::Int(number) => Some(number),
            Number::Float(_) => None,
        }
    }
}

fn parse(text: &str) -> Option<Range> {
    let mut parts = text.split("..");
    let number = |text: &str| match text {
        "" => Some(None),
        text => Number::parse(text).map(Some),
    };
    let start = number(parts.next()?)?;
    let (second, last) = match (parts.next()?, parts.next()) {
        (last, None) => (None, last),
        (second, Some(last)) => (Some(Number::parse(second)?), last),
    };
    if parts.next().is_some() {
        return None;
    }
    let (excluded, end) = match last.strip_prefix('<') {
        Some(end) => (true, number(end)?),
        None => (false, number(last)?),
    };
    if start.is_none() && end.is_none() {
        return None;
    }
    if [start, second, end]
        .into_iter()
        .flatten()
        .any(Number::is_float)
    {
        let start = start.map_or(0.0, Number::float);
        let end = end.map(Number::float);
        let step = match (second, end) {
            (Some(second), _) => second.float() - start,
            (None, Some(end)) if end < start => -1.0,
            _ => 1.0,
        };
        let end = bound(end, excluded);
        return Some(Range::Float { start, step, end });
    }
    let start = start.map_or(Some(0), Number::int)?;
    let end = match end {
        Some(end) => Some(end.int()?),
        None => None,
    };
    let step = match (second, end) {
        (Some(second), _) => second.int()? - start,
        (None, Some(end)) if end < start => -1,
        _ => 1,
    };
    Some(Range::Int {
        start: i64::try_from(start).ok()?,
        step: i64::try_from(step).ok()?,
        end: match bound(end, excluded) {
            Bound::Included(end) => Bound::Included(i64::try_from(end).ok()?),
            Bound::Excluded(end) => Bound::Excluded(i64::try_from(end).ok()?),
            Bound::Unbounded => Bound::Unbounded,
        },
    })
}

fn bound<T>(end: Option<T>, excluded: bool) -> Bound<T> {
    match end {
        None => Bound::Unbounded,
        Some(end) if excluded => Bound::Excluded(end),
        Some(end) => Bound::Included(end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(range: &str, expected: &[Value]) {
        let range: Range = range.parse().expect("a range");
        let numbers: Vec<_> = range.numbers().take(expected.len() + 1).collect();
        assert_eq!(numbers, expected);
    }

    #[test]
    fn numbers() {
        check("1..3", &[1, 2, 3].map(Value::int));
        check("1..<3", &[1, 2].map(Value::int));
        check("10..7..<1", &[10, 7, 4].map(Value::int));
        check("3..1", &[3, 2, 1].map(Value::int));
        check("0.5..1.0..2.0", &[0.5, 1.0, 1.5, 2.0].map(Value::float));
        // They end where the integers do.
        check(
            "9223372036854775806..",
            &[i64::MAX - 1, i64::MAX].map(Value::int),
        );
    }
}
