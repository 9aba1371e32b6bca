//! Numbers, sizes and durations, as Nushell writes them.

use pegboard_protocol::nu::SyntaxShape;

use super::Label;
use crate::describe::expected;

/// Why a word is not a number of some kind.
#[derive(Debug, PartialEq)]
pub(super) enum NotNumber {
    /// It does not look like one.
    Other,
    /// It is one, but has no place in 64 bits.
    TooLarge,
    /// It is one, but cannot be what it is meant to be.
    Because(&'static str),
}

impl NotNumber {
    pub(super) fn label(self, shape: &SyntaxShape) -> Label {
        match self {
            NotNumber::Other => expected(shape),
            NotNumber::TooLarge => match shape {
                SyntaxShape::Filesize => {
                    "too large: sizes go up to 9223372036854775807 bytes".to_owned()
                }
                SyntaxShape::Duration => "too long: durations go up to 292 years".to_owned(),
                SyntaxShape::Float | SyntaxShape::Number => {
                    "too large: floats go up to about 1.8e308".to_owned()
                }
                _ => "too large: integers go from -9223372036854775808 to 9223372036854775807"
                    .to_owned(),
            },
            NotNumber::Because(reason) => reason.to_owned(),
        }
    }
}

/// An integer: decimal, or with `0x`, `0o` or `0b`; underscores between digits.
pub(super) fn int(text: &str) -> Result<i64, NotNumber> {
    let (negative, digits) = sign(text);
    let (radix, digits) = match digits.get(..2) {
        Some("0x") => (16, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        _ => (10, digits),
    };
    let digits =
        without_underscores(digits, |digit| digit.is_digit(radix)).ok_or(NotNumber::Other)?;
    let size = i128::from_str_radix(&digits, radix).map_err(|_| NotNumber::TooLarge)?;
    i64::try_from(if negative { -size } else { size }).map_err(|_| NotNumber::TooLarge)
}

/// A float; integers are floats too. Only what is written as infinity is infinite.
pub(super) fn float(text: &str) -> Result<f64, NotNumber> {
    let digits = text.trim_start_matches(['+', '-']);
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        let special = matches!(
            digits.to_ascii_lowercase().as_str(),
            "inf" | "infinity" | "nan"
        );
        let float = text.parse().ok().filter(|_| special);
        return float.ok_or(NotNumber::Other);
    }
    match text.replace('_', "").parse::<f64>() {
        Ok(float) if float.is_finite() => Ok(float),
        Ok(_) => Err(NotNumber::TooLarge),
        Err(_) => Err(NotNumber::Other),
    }
}

/// A float that cannot be taken for anything else.
pub(super) fn plain_float(text: &str) -> Option<f64> {
    float(text).ok().filter(|float| float.is_finite())
}

const BYTES: &[(&str, i128)] = &[
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
    ("pib", 1 << 50),
    ("eib", 1 << 60),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("pb", 1_000_000_000_000_000),
    ("eb", 1_000_000_000_000_000_000),
    ("b", 1),
];

/// A size in bytes, such as `10kb` or `1.5MiB`.
pub(super) fn filesize(text: &str) -> Result<i64, NotNumber> {
    let lower = text.to_ascii_lowercase();
    with_unit(&lower, BYTES)
}

const NANOSECONDS: &[(&str, i128)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("sec", 1_000_000_000),
    ("min", 60_000_000_000),
    ("hr", 3_600_000_000_000),
    ("day", 86_400_000_000_000),
    ("wk", 604_800_000_000_000),
];

/// A duration in nanoseconds, such as `5sec` or `1.5hr`.
pub(super) fn duration(text: &str) -> Result<i64, NotNumber> {
    with_unit(text, NANOSECONDS)
}

/// A decimal number with a unit, computed exactly; what is smaller than one byte or nanosecond is cut off.
fn with_unit(text: &str, units: &[(&str, i128)]) -> Result<i64, NotNumber> {
    let found = units
        .iter()
        .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)));
    let (amount, factor) = found.ok_or(NotNumber::Other)?;
    let (negative, amount) = sign(amount);
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    if whole.is_empty() && fraction.is_empty() {
        return Err(NotNumber::Other);
    }
    let mut total = digits(whole)?
        .checked_mul(factor)
        .ok_or(NotNumber::TooLarge)?;
    // 18 digits are finer than any unit here can show.
    let fraction: String = fraction.chars().filter(|c| *c != '_').take(18).collect();
    let scale = 10_i128.pow(u32::try_from(fraction.len()).unwrap_or(0));
    total += digits(&fraction)? * factor / scale;
    i64::try_from(if negative { -total } else { total }).map_err(|_| NotNumber::TooLarge)
}

fn digits(text: &str) -> Result<i128, NotNumber> {
    if text.is_empty() {
        return Ok(0);
    }
    let digits = without_underscores(text, |c| c.is_ascii_digit()).ok_or(NotNumber::Other)?;
    if digits.len() > 20 {
        Err(NotNumber::TooLarge)
    } else {
        digits.parse().map_err(|_| NotNumber::TooLarge)
    }
}

fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// The digits without the underscores between them; none if there is anything else, or no digit first.
fn without_underscores(text: &str, is_digit: impl Fn(char) -> bool) -> Option<String> {
    let starts_well = text.starts_with(&is_digit);
    let all = text.chars().all(|c| c == '_' || is_digit(c));
    (starts_well && all).then(|| text.replace('_', ""))
}
