//! Bytes and dates.

use pegboard_protocol::{Span, Value};

/// Bytes as Nushell writes them (`0x[ff 00]`, `0o[377]`, `0b[1010]`) or as plain hexadecimal (`ff00`, `0xff00`).
pub(super) fn binary(text: &str) -> Option<Vec<u8>> {
    if let Some(bytes) = bracketed(text) {
        return Some(bytes);
    }
    let digits = text.strip_prefix("0x").unwrap_or(text);
    if digits.len() % 2 == 1 {
        None
    } else {
        from_digits(digits, 4)
    }
}

/// Bytes as Nushell writes them.
pub(super) fn bracketed(text: &str) -> Option<Vec<u8>> {
    let inner = text.get(2..)?.strip_prefix('[')?.strip_suffix(']')?;
    let bits = match &text[..2] {
        "0x" => 4,
        "0o" => 3,
        "0b" => 1,
        _ => return None,
    };
    let digits: String = inner.split([' ', ',', '\t', '\r', '\n']).collect();
    from_digits(&digits, bits)
}

/// Digits of so many bits each, filled up with zeros at the left to whole bytes.
fn from_digits(digits: &str, bits: usize) -> Option<Vec<u8>> {
    let mut all: Vec<bool> = Vec::with_capacity(digits.len() * bits);
    for digit in digits.chars() {
        let digit = digit.to_digit(1 << bits)?;
        all.extend((0..bits).rev().map(|bit| digit >> bit & 1 == 1));
    }
    // Three bits to a digit leave bits over that mean nothing: 0o[377] is one byte.
    let surplus = all.len() % 8;
    if bits == 3 && all[..surplus].iter().all(|bit| !bit) {
        all.drain(..surplus);
    }
    let filled = std::iter::repeat_n(false, (8 - all.len() % 8) % 8).chain(all);
    let filled: Vec<bool> = filled.collect();
    Some(
        filled
            .chunks(8)
            .map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | u8::from(*bit)))
            .collect(),
    )
}

/// A date, perhaps with a time and an offset from UTC; without an offset it is UTC.
pub(super) fn date(text: &str, span: Span) -> Option<Value> {
    if !looks_like_date(text) {
        return None;
    }
    let (day, time) = text.split_at(10);
    let clock = time.strip_prefix(['T', 't', ' ']);
    let time = match clock.filter(|clock| !clock.is_empty()) {
        Some(clock) => clock,
        None if time.is_empty() => "",
        None => return None,
    };
    let (clock, offset) = match time.find(['Z', 'z', '+', '-']) {
        Some(at) => time.split_at(at),
        None => (time, "Z"),
    };
    let seconds = match clock.len() {
        0 if offset == "Z" => "00:00:00",
        5 => ":00",
        8.. => "",
        _ => return None,
    };
    format!("{day}T{clock}{seconds}{offset}")
        .parse()
        .ok()
        .map(|date| Value::Date(date, span))
}

/// Four digits, two and two.
fn looks_like_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 10
        && bytes[..10].iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}
