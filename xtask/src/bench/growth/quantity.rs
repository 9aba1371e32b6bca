//! Numbers as people read them.

/// What a number is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantity {
    Seconds,
    Bytes,
    PerSecond,
    BytesPerSecond,
    Number,
}

impl Quantity {
    /// With its unit, and with three digits at most.
    pub(super) fn show(self, number: f64) -> String {
        let (steps, from): (&[&str], f64) = match self {
            Quantity::Seconds => (&["ns", "us", "ms", "s"], 1e-9),
            Quantity::Bytes => return binary(number),
            Quantity::PerSecond => (&["/s", "k/s", "M/s", "G/s"], 1.0),
            Quantity::BytesPerSecond => (&["B/s", "kB/s", "MB/s", "GB/s"], 1.0),
            Quantity::Number => (&["", "k", "M", "G"], 1.0),
        };
        in_steps(number / from, 1000.0, steps)
    }

    /// By how much the next larger unit is larger.
    pub(super) fn base(self) -> f64 {
        match self {
            Quantity::Bytes => 1024.0,
            _ => 1000.0,
        }
    }
}

/// A size as it is counted, such as `100k`, or in bytes.
pub(super) fn size(number: u64, in_bytes: bool) -> String {
    match in_bytes {
        true => binary(number as f64),
        false => Quantity::Number.show(number as f64),
    }
}

fn binary(number: f64) -> String {
    in_steps(number, 1024.0, &["B", "KiB", "MiB", "GiB"])
}

fn in_steps(mut number: f64, step: f64, units: &[&str]) -> String {
    let mut unit = 0;
    // What would be shown as 1000 is 1 of the next.
    while number >= step - 0.5 && unit + 1 < units.len() {
        number /= step;
        unit += 1;
    }
    let text = match number {
        number if number >= 99.95 => format!("{number:.0}"),
        number if number >= 9.995 => format!("{number:.1}"),
        number => format!("{number:.2}"),
    };
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    let space = match units[unit] {
        unit if unit.is_empty() || unit.len() == 1 && unit != "s" && unit != "B" => "",
        _ => " ",
    };
    format!("{text}{space}{}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(quantity: Quantity, number: f64, expected: &str) {
        assert_eq!(quantity.show(number), expected);
    }

    #[test]
    fn numbers_have_units_and_few_digits() {
        check(Quantity::Seconds, 0.0, "0 ns");
        check(Quantity::Seconds, 13.4567e-6, "13.5 us");
        check(Quantity::Seconds, 1e-3, "1 ms");
        check(Quantity::Seconds, 0.999_9, "1 s");
        check(Quantity::Seconds, 1234.0, "1234 s");
        check(Quantity::Bytes, 65536.0, "64 KiB");
        check(Quantity::Bytes, 1.0, "1 B");
        check(Quantity::PerSecond, 27_620.5, "27.6 k/s");
        check(Quantity::PerSecond, 950.0, "950 /s");
        check(Quantity::BytesPerSecond, 1.5e9, "1.5 GB/s");
        check(Quantity::Number, 2.3, "2.3");
        check(Quantity::Number, 100.0, "100");
    }

    #[test]
    fn sizes() {
        assert_eq!(size(10_000_000, false), "10M");
        assert_eq!(size(100, false), "100");
        assert_eq!(size(8192, true), "8 KiB");
    }
}
