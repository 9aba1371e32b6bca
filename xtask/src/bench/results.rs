//! What came out, round by round, and the simple statistics of it.

use std::collections::BTreeMap;

use super::programs::Figures;

/// The figures of each measure and side, in the order of the rounds.
#[derive(Default)]
pub(super) struct Results {
    rounds: BTreeMap<(&'static str, &'static str), Vec<Figures>>,
}

impl Results {
    pub(super) fn add(&mut self, measure: &'static str, side: &'static str, figures: Figures) {
        self.rounds
            .entry((measure, side))
            .or_default()
            .push(figures);
    }

    /// One figure in each round; nothing for a side that was not measured.
    pub(super) fn series(&self, measure: &str, side: &str, figure: &str) -> Vec<f64> {
        let found = self
            .rounds
            .iter()
            .find(|((measured, on), _)| *measured == measure && *on == side);
        found
            .into_iter()
            .flat_map(|(_, rounds)| rounds)
            .filter_map(|figures| figures.get(figure).copied())
            .collect()
    }

    /// The median of one figure.
    pub(super) fn median(&self, measure: &str, side: &str, figure: &str) -> Option<f64> {
        median(self.series(measure, side, figure))
    }

    /// How many times `base`'s figure a side's is: the median of what it is in each round.
    pub(super) fn ratio(&self, measure: &str, side: &str, base: &str, figure: &str) -> Option<f64> {
        let sides = self.series(measure, side, figure);
        let bases = self.series(measure, base, figure);
        let ratios = sides
            .into_iter()
            .zip(bases)
            .map(|(side, base)| side / base)
            .filter(|ratio| ratio.is_finite());
        median(ratios.collect())
    }

    /// Everything, for machines.
    pub(super) fn to_json(&self) -> serde_json::Value {
        let mut all = serde_json::Map::new();
        for ((measure, side), rounds) in &self.rounds {
            let names = rounds.first().into_iter().flat_map(BTreeMap::keys);
            let figures: serde_json::Map<_, _> = names
                .map(|name| (name.clone(), self.series(measure, side, name).into()))
                .collect();
            let sides = all
                .entry(*measure)
                .or_insert_with(|| serde_json::Value::Object(serde_json::Map::new()));
            sides[*side] = figures.into();
        }
        all.into()
    }
}

/// The middle one; the mean of the two in the middle for an even number of them.
pub(super) fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    let upper = *numbers.get(numbers.len() / 2)?;
    let lower = numbers[(numbers.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(sides: &[(&'static str, &[f64])]) -> Results {
        let mut results = Results::default();
        for (side, numbers) in sides {
            for number in *numbers {
                let figures = Figures::from([("p50_seconds".to_owned(), *number)]);
                results.add("call", side, figures);
            }
        }
        results
    }

    #[test]
    fn the_median_of_few_numbers() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0]), Some(3.0));
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    /// A machine that is slow for a round is slow for both sides.
    #[test]
    fn ratios_are_taken_round_by_round() {
        let results = results(&[("ours", &[4.0, 40.0, 6.0]), ("pipe", &[2.0, 20.0, 2.0])]);
        assert_eq!(
            results.ratio("call", "ours", "pipe", "p50_seconds"),
            Some(2.0)
        );
        assert_eq!(results.ratio("call", "ours", "theirs", "p50_seconds"), None);
    }

    #[test]
    fn machines_get_every_round() {
        let results = results(&[("ours", &[4.0, 5.0])]);
        let expected = serde_json::json!({ "call": { "ours": { "p50_seconds": [4.0, 5.0] } } });
        assert_eq!(results.to_json(), expected);
    }
}
