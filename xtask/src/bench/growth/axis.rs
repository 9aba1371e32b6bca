//! Where numbers lie on an axis, and which of them are written beside it.

/// An axis of a chart: positions go from 0 to 1.
#[derive(Debug)]
pub(super) struct Axis {
    pub(super) ticks: Vec<f64>,
    low: f64,
    high: f64,
    log: bool,
}

impl Axis {
    /// Equal steps are equal factors, and these numbers are its ticks.
    pub(super) fn of_sizes(sizes: &[f64]) -> Axis {
        let low = sizes.first().copied().unwrap_or(1.0);
        Axis {
            ticks: sizes.to_vec(),
            low,
            high: sizes.last().copied().unwrap_or(1.0).max(low * 1.01),
            log: true,
        }
    }

    /// Equal steps are equal factors; the ends are ticks outside the numbers.
    pub(super) fn log(numbers: &[f64]) -> Axis {
        let (low, high) = bounds(numbers.iter().copied().filter(|number| *number > 0.0));
        // Over many decades one tick for each is enough.
        let steps: &[f64] = if high / low > 300.0 {
            &[1.0]
        } else {
            &[1.0, 2.0, 5.0]
        };
        let first = low.log10().floor() as i32;
        let last = high.log10().ceil() as i32;
        let all: Vec<f64> = (first..=last)
            .flat_map(|decade| steps.iter().map(move |step| step * 10_f64.powi(decade)))
            .collect();
        let below = all.iter().rposition(|tick| *tick <= low * 1.000_1);
        let above = all.iter().position(|tick| *tick >= high * 0.999_9);
        let above = above.unwrap_or(all.len() - 1);
        let mut ticks = all[below.unwrap_or(0)..=above].to_vec();
        if ticks.len() == 1 {
            ticks.extend(all.get(above + 1).copied().or(Some(ticks[0] * 10.0)));
        }
        Axis {
            low: ticks[0],
            high: ticks[ticks.len() - 1],
            ticks,
            log: true,
        }
    }

    /// Equal steps are equal differences, from zero on. `base` is 1024 for bytes, so that ticks are round in their units.
    pub(super) fn linear(numbers: &[f64], base: f64) -> Axis {
        let (_, high) = bounds(numbers.iter().copied());
        let mut unit = 1.0;
        while high / unit >= base {
            unit *= base;
        }
        let rough = high / unit / 4.0;
        let decade = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|factor| factor * decade)
            .find(|step| *step >= rough * 0.999)
            .unwrap_or(decade * 10.0)
            * unit;
        let count = (high / step).ceil().max(1.0) as usize;
        let ticks: Vec<f64> = (0..=count).map(|tick| tick as f64 * step).collect();
        Axis {
            low: 0.0,
            high: ticks[ticks.len() - 1],
            ticks,
            log: false,
        }
    }

    /// Where it lies, from 0 to 1.
    pub(super) fn position(&self, number: f64) -> f64 {
        match self.log {
            true => (number.max(self.low) / self.low).ln() / (self.high / self.low).ln(),
            false => (number - self.low) / (self.high - self.low),
        }
    }
}

/// The smallest and the largest; of no numbers, something that can be drawn.
fn bounds(numbers: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = numbers.fold((f64::INFINITY, 0.0_f64), |(low, high), number| {
        (low.min(number), high.max(number))
    });
    match high > 0.0 {
        true => (low, high),
        false => (1.0, 1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(axis: &Axis, expected: &[f64]) {
        let same = axis.ticks.len() == expected.len()
            && axis
                .ticks
                .iter()
                .zip(expected)
                .all(|(tick, expected)| (tick - expected).abs() <= expected.abs() * 1e-9);
        assert!(same, "{:?}, not {expected:?}", axis.ticks);
    }

    #[test]
    fn ticks_hold_the_numbers_between_them() {
        check(&Axis::log(&[3.0, 40.0]), &[2.0, 5.0, 10.0, 20.0, 50.0]);
        check(&Axis::log(&[1.0, 1000.0]), &[1.0, 10.0, 100.0, 1000.0]);
        check(&Axis::log(&[5.0]), &[5.0, 10.0]);
        check(&Axis::log(&[]), &[1.0, 2.0]);
        check(&Axis::linear(&[7.0], 1000.0), &[0.0, 2.0, 4.0, 6.0, 8.0]);
        let kib = 1024.0;
        check(
            &Axis::linear(&[63.0 * kib], kib),
            &[0.0, 20.0 * kib, 40.0 * kib, 60.0 * kib, 80.0 * kib],
        );
        check(&Axis::linear(&[], 1000.0), &[0.0, 0.5, 1.0]);
    }

    #[test]
    fn positions() {
        let axis = Axis::log(&[1.0, 100.0]);
        assert!((axis.position(10.0) - 0.5).abs() < 1e-9);
        let axis = Axis::linear(&[8.0], 1000.0);
        assert!((axis.position(2.0) - 0.25).abs() < 1e-9);
        let axis = Axis::of_sizes(&[1.0, 8.0, 64.0]);
        assert!((axis.position(8.0) - 0.5).abs() < 1e-9);
    }
}
