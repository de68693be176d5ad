//! Statistics for a few samples. Pure.

pub mod bootstrap;
pub mod mann_whitney;

use std::cmp::Ordering;

use execution_history::time_spent::{median, median_absolute_deviation};
use serde::{Deserialize, Serialize};

use crate::eval::statistics::mann_whitney::{least_two_sided_p, two_sided_p};

/// A few samples in five numbers, all but the count in the unit of the samples. No mean and no
/// standard deviation, because one outlier can change both without limit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The number of samples, at least 1.
    pub count: usize,
    /// The middle sample, or the mean of the middle two.
    pub median: f64,
    pub min: f64,
    pub max: f64,
    /// The median absolute deviation, not scaled to the standard deviation of a normal distribution.
    pub mad: f64,
}

impl Summary {
    /// `None` without samples.
    pub fn of(samples: &[f64]) -> Option<Self> {
        Some(Self {
            count: samples.len(),
            median: median(samples)?,
            min: samples.iter().copied().min_by(f64::total_cmp)?,
            max: samples.iter().copied().max_by(f64::total_cmp)?,
            mad: median_absolute_deviation(samples)?,
        })
    }
}

/// The level of significance: how probable a difference may be that is only chance.
///
/// It applies to each pair: of 20 adjacent pairs of equal groups, one appears to differ.
pub const LEVEL: f64 = 0.05;

/// Whether two groups differ significantly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distinction {
    /// They do: one takes longer, by more than chance.
    Significant,
    NotSignificant(Reason),
}

/// Why two groups do not differ significantly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// So few samples that even groups without overlap occur by chance more often than [`LEVEL`]
    /// allows: always with 1 sample each, once in 3 times with 2, once in 10 with 3. 4 samples
    /// each are enough (once in 35).
    TooFewSamples,
    /// Enough samples, but they are too similar, or vary too much.
    Overlapping,
}

/// Two groups that are adjacent in the order of the medians.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbors {
    /// The index of the group with the lower median; of the first one when they are equal.
    pub lower: usize,
    /// That of the group with the higher median.
    pub higher: usize,
    /// Whether the order is more than chance.
    pub distinction: Distinction,
}

/// Fewer iterations are too few for a ranking: see [`Reason::TooFewSamples`].
pub const ENOUGH_TO_RANK: u32 = 4;

/// The most iterations that are worth suggesting.
const MOST_SUGGESTED: f64 = 100.0;

/// How many more iterations would tell the two apart with a probability of 80 %, if each sample of one is below one of
/// the other as often as in these: Noether (1987), "Sample size determination for some common nonparametric tests", for
/// equal groups, (z(0.975) + z(0.8))^2 / (6 (p - 1/2)^2) in each.
pub fn more_iterations(lower: &[f64], higher: &[f64]) -> Option<u32> {
    let score = |low: &f64, high: &f64| match low.total_cmp(high) {
        Ordering::Less => 1.0,
        Ordering::Equal => 0.5,
        Ordering::Greater => 0.0,
    };
    let below: f64 = lower.iter().flat_map(|low| higher.iter().map(move |high| score(low, high))).sum();
    let p = below / (lower.len() * higher.len()) as f64;
    let needed = ((1.960 + 0.842) / (p - 0.5)).powi(2) / 6.0;
    let more = (needed - lower.len().min(higher.len()) as f64).ceil().max(1.0);
    (more <= MOST_SUGGESTED).then_some(more as u32)
}

/// The groups in the order of their medians, each with the next one. Groups without samples are
/// left out.
///
/// The test is Mann and Whitney's, not whether the ranges overlap: with few samples both are the
/// same, and with many the ranges of different groups overlap because of one outlier each.
pub fn ranked(groups: &[&[f64]]) -> Vec<Neighbors> {
    let mut ordered: Vec<(usize, f64)> =
        groups.iter().enumerate().filter_map(|(nth, samples)| Some((nth, median(samples)?))).collect();
    ordered.sort_by(|a, b| a.1.total_cmp(&b.1));
    let pair = |pair: &[(usize, f64)]| {
        let (lower, higher) = (pair[0].0, pair[1].0);
        let (below, above) = (groups[lower], groups[higher]);
        let distinction = distinction(two_sided_p(below, above)?, below.len(), above.len());
        Some(Neighbors { lower, higher, distinction })
    };
    ordered.windows(2).filter_map(pair).collect()
}

fn distinction(p: f64, n: usize, m: usize) -> Distinction {
    if p <= LEVEL {
        Distinction::Significant
    } else if least_two_sided_p(n, m) > LEVEL {
        Distinction::NotSignificant(Reason::TooFewSamples)
    } else {
        Distinction::NotSignificant(Reason::Overlapping)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn five_numbers_under_their_names_in_json() {
        let summary = Summary::of(&[9.0, 1.0, 2.0, 1.0, 4.0, 6.0, 2.0]).unwrap();
        let json = serde_json::to_string(&summary).unwrap();
        assert_eq!(json, r#"{"count":7,"median":2.0,"min":1.0,"max":9.0,"mad":1.0}"#);
        assert_eq!(Summary::of(&[]), None);
    }

    proptest! {
        #[test]
        fn the_median_lies_within_and_the_mad_within_the_range(samples in proptest::collection::vec(-1e6f64..1e6, 1..40)) {
            let of = Summary::of(&samples).unwrap();
            prop_assert!(of.min <= of.median && of.median <= of.max);
            prop_assert!(0.0 <= of.mad && of.mad <= of.max - of.min);
        }
    }

    fn distinguished(below: &[f64], above: &[f64]) -> Distinction {
        let pairs = ranked(&[above, below]);
        assert_eq!((pairs.len(), pairs[0].lower, pairs[0].higher), (1, 1, 0));
        pairs[0].distinction
    }

    fn times(from: f64, count: usize) -> Vec<f64> {
        (0..count).map(|i| from + i as f64).collect()
    }

    #[test]
    fn four_samples_each_are_the_fewest_that_can_differ_significantly() {
        for few in 1..=3 {
            let found = distinguished(&times(0.0, few), &times(100.0, few));
            assert_eq!(found, Distinction::NotSignificant(Reason::TooFewSamples), "{few}");
        }
        assert_eq!(distinguished(&times(0.0, 4), &times(100.0, 4)), Distinction::Significant);
        assert_eq!(distinguished(&times(0.0, 3), &times(100.0, 5)), Distinction::Significant);
        assert_eq!(distinguished(&times(0.0, 1), &times(100.0, 9)), Distinction::NotSignificant(Reason::TooFewSamples));
    }

    #[test]
    fn an_outlier_spoils_the_ranges_and_not_the_test() {
        // U = 2, the critical value of 5 and 5.
        assert_eq!(distinguished(&[1.0, 2.0, 3.0, 4.0, 7.5], &[6.0, 7.0, 8.0, 9.0, 10.0]), Distinction::Significant);
        // U = 3.
        let overlapping = Distinction::NotSignificant(Reason::Overlapping);
        assert_eq!(distinguished(&[1.0, 2.0, 3.0, 4.0, 8.5], &[6.0, 7.0, 8.0, 9.0, 10.0]), overlapping);
        assert_eq!(distinguished(&[1.0, 2.0, 3.0], &[2.5, 6.0, 7.0, 8.0, 9.0]), overlapping);
    }

    #[test]
    fn groups_are_ordered_by_their_medians_without_empty_ones() {
        let (slow, fast, middle) = (times(50.0, 5), times(0.0, 5), times(1.5, 5));
        let pairs = ranked(&[&slow, &fast, &middle, &[]]);
        let found: Vec<_> = pairs.iter().map(|pair| (pair.lower, pair.higher, pair.distinction)).collect();
        assert_eq!(found, [(1, 2, Distinction::NotSignificant(Reason::Overlapping)), (2, 0, Distinction::Significant)]);
        assert!(ranked(&[&slow]).is_empty() && ranked(&[]).is_empty());
    }

    #[test]
    fn single_samples_are_adjacent_without_significance() {
        let pairs = ranked(&[&[1.0], &[2.0]]);
        let distinction = Distinction::NotSignificant(Reason::TooFewSamples);
        assert_eq!(pairs, [Neighbors { lower: 0, higher: 1, distinction }]);
    }

    proptest! {
        #[test]
        fn enough_samples_without_overlap_differ_significantly(n in 4usize..15, m in 4usize..15) {
            prop_assert_eq!(distinguished(&times(0.0, n), &times(100.0, m)), Distinction::Significant);
        }
    }
}
