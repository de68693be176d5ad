//! Statistics of a few samples. Pure.

pub mod bootstrap;
pub mod mann_whitney;

use execution_history::time_spent::{median, median_absolute_deviation};
use serde::{Deserialize, Serialize};

use crate::eval::statistics::mann_whitney::{least_two_sided_p, two_sided_p};

// A few samples in five numbers.

/// What to tell of a few samples, all but the count in their unit. No mean and no
/// standard deviation: one outlier moves both as far as it likes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// How many samples there are, at least 1.
    pub count: usize,
    /// The middle one, or the mean of the middle two.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// Their median absolute deviation, not scaled to a normal distribution's sigma.
    pub mad: f64,
}

impl Summary {
    /// `None` of no samples.
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

// Whether measured groups can be told apart, and so be ranked.

/// How probable it may be that chance alone tells two groups apart.
///
/// For each pair on its own: of 20 adjacent pairs of like groups one is told apart.
pub const LEVEL: f64 = 0.05;

/// Whether two groups can be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Distinction {
    /// They can: one takes longer, by more than chance.
    Told,
    /// They can't.
    NotTold(Reason),
}

/// Why two groups can't be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// So few samples that even groups that don't overlap come by chance more often
    /// than [`LEVEL`] allows: always of 1 sample each, once in 3 of 2 each, once in 10
    /// of 3 each. 4 each are enough (once in 35).
    TooFewSamples,
    /// Enough samples, but they are too much alike, or scatter too much.
    Overlapping,
}

/// Two groups whose medians follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Neighbours<K> {
    /// The one with the lower median; the one given first where both are the same.
    pub lower: K,
    /// The one with the higher.
    pub higher: K,
    /// Whether the order is more than chance.
    pub distinction: Distinction,
    /// The test's two-sided probability (see [`two_sided_p`]).
    pub p: f64,
    /// No sample of one lies within the other's [min, max].
    pub separate: bool,
}

/// The groups in the order of their medians, each with the next. Groups without samples
/// are left out.
///
/// The test is Mann and Whitney's, not whether the ranges overlap: of few samples both
/// are the same, and of many the ranges of unlike groups overlap by one outlier each.
pub fn ranked<K: Copy>(groups: &[(K, &[f64])]) -> Vec<Neighbours<K>> {
    let mut ordered: Vec<(K, &[f64], f64)> =
        groups.iter().filter_map(|(key, samples)| Some((*key, *samples, median(samples)?))).collect();
    ordered.sort_by(|a, b| a.2.total_cmp(&b.2));
    let pair = |pair: &[(K, &[f64], f64)]| {
        let [(lower, below, _), (higher, above, _)] = pair else { return None };
        let p = two_sided_p(below, above)?;
        let distinction = distinction(p, below.len(), above.len());
        Some(Neighbours { lower: *lower, higher: *higher, distinction, p, separate: separate(below, above) })
    };
    ordered.windows(2).filter_map(pair).collect()
}

fn distinction(p: f64, n: usize, m: usize) -> Distinction {
    if p <= LEVEL {
        Distinction::Told
    } else if least_two_sided_p(n, m) > LEVEL {
        Distinction::NotTold(Reason::TooFewSamples)
    } else {
        Distinction::NotTold(Reason::Overlapping)
    }
}

fn separate(below: &[f64], above: &[f64]) -> bool {
    below.iter().all(|low| above.iter().all(|high| low < high))
}

#[cfg(test)]
mod summary_tests {
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
}

#[cfg(test)]
mod ranking_tests {
    use proptest::prelude::*;

    use super::*;

    fn told(below: &[f64], above: &[f64]) -> (Distinction, bool) {
        let pairs = ranked(&[('a', above), ('b', below)]);
        assert_eq!((pairs.len(), pairs[0].lower, pairs[0].higher), (1, 'b', 'a'));
        (pairs[0].distinction, pairs[0].separate)
    }

    fn times(from: f64, count: usize) -> Vec<f64> {
        (0..count).map(|i| from + i as f64).collect()
    }

    #[test]
    fn four_samples_each_are_the_fewest_that_can_be_told_apart() {
        for few in 1..=3 {
            let found = told(&times(0.0, few), &times(100.0, few));
            assert_eq!(found, (Distinction::NotTold(Reason::TooFewSamples), true), "{few}");
        }
        assert_eq!(told(&times(0.0, 4), &times(100.0, 4)), (Distinction::Told, true));
        assert_eq!(told(&times(0.0, 3), &times(100.0, 5)), (Distinction::Told, true));
        assert_eq!(told(&times(0.0, 1), &times(100.0, 9)).0, Distinction::NotTold(Reason::TooFewSamples));
    }

    #[test]
    fn an_outlier_spoils_the_ranges_and_not_the_test() {
        // U = 2, the critical value of 5 and 5.
        assert_eq!(told(&[1.0, 2.0, 3.0, 4.0, 7.5], &[6.0, 7.0, 8.0, 9.0, 10.0]), (Distinction::Told, false));
        // U = 3.
        let overlapping = (Distinction::NotTold(Reason::Overlapping), false);
        assert_eq!(told(&[1.0, 2.0, 3.0, 4.0, 8.5], &[6.0, 7.0, 8.0, 9.0, 10.0]), overlapping);
        assert_eq!(told(&[1.0, 2.0, 3.0], &[2.5, 6.0, 7.0, 8.0, 9.0]), overlapping);
    }

    #[test]
    fn groups_come_in_the_order_of_their_medians_and_empty_ones_not_at_all() {
        let (slow, fast, middle) = (times(50.0, 5), times(0.0, 5), times(1.5, 5));
        let pairs = ranked(&[(1, &slow[..]), (2, &fast), (4, &middle), (8, &[])]);
        let found: Vec<_> = pairs.iter().map(|pair| (pair.lower, pair.higher, pair.distinction)).collect();
        assert_eq!(found, [(2, 4, Distinction::NotTold(Reason::Overlapping)), (4, 1, Distinction::Told)]);
        assert!(ranked(&[(1, &slow[..])]).is_empty() && ranked::<u8>(&[]).is_empty());
    }

    #[test]
    fn its_shape_in_json() {
        let pairs = ranked(&[(1, &[1.0][..]), (2, &[2.0])]);
        insta::assert_json_snapshot!(pairs, @r#"
        [
          {
            "lower": 1,
            "higher": 2,
            "distinction": {
              "notTold": "tooFewSamples"
            },
            "p": 1.0,
            "separate": true
          }
        ]
        "#);
    }

    proptest! {
        #[test]
        fn groups_that_do_not_overlap_are_told_apart_once_there_are_enough(n in 4usize..15, m in 4usize..15) {
            prop_assert_eq!(told(&times(0.0, n), &times(100.0, m)), (Distinction::Told, true));
        }
    }
}
