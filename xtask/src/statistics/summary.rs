//! A few samples in five numbers.

use serde::{Deserialize, Serialize};

use super::{median, median_absolute_deviation};

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
}
