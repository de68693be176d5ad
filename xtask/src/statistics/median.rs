//! The middle of a few samples, and how far they lie from it.

/// The middle sample, or the mean of the middle two; `None` of no samples.
pub fn median(samples: &[f64]) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        count if count % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// The median of the samples' distances from their median: a spread that one
/// outlier does not move. `None` of no samples.
pub fn median_absolute_deviation(samples: &[f64]) -> Option<f64> {
    let middle = median(samples)?;
    let distances: Vec<f64> = samples.iter().map(|sample| (sample - middle).abs()).collect();
    median(&distances)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_examples_of_the_textbook() {
        // Rousseeuw and Croux (1993), section 1, and the usual example of the MAD.
        let samples = [1.0, 1.0, 2.0, 2.0, 4.0, 6.0, 9.0];
        assert_eq!((median(&samples), median_absolute_deviation(&samples)), (Some(2.0), Some(1.0)));
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!((median(&[]), median_absolute_deviation(&[])), (None, None));
    }

    proptest! {
        #[test]
        fn half_the_samples_lie_on_either_side(samples in proptest::collection::vec(-1e6f64..1e6, 1..40)) {
            let middle = median(&samples).unwrap();
            let (below, above) = (samples.iter().filter(|s| **s < middle).count(), samples.iter().filter(|s| **s > middle).count());
            prop_assert!(below * 2 <= samples.len() && above * 2 <= samples.len());
        }

        #[test]
        fn one_outlier_moves_neither_beyond_the_others(samples in proptest::collection::vec(0f64..1.0, 3..20)) {
            let mut spoiled = samples.clone();
            spoiled.push(1e9);
            prop_assert!(median(&spoiled).unwrap() <= 1.0 && median_absolute_deviation(&spoiled).unwrap() <= 1.0);
        }
    }
}
