//! How far a figure made of a few samples would move if they were drawn again.

use serde::{Deserialize, Serialize};

use super::{SplitMix64, median};

/// How often the samples are drawn again. Efron and Tibshirani (1993), section 13.3,
/// ask 1000 at the least of a percentile interval.
pub const RESAMPLES: usize = 10_000;

/// How many samples each side must have. All that a median's bootstrap can span is
/// [min, max], which holds the true median with probability 1 - 2^(1-n): 94 % of 5
/// samples, 88 % of 4. Fewer can't carry an interval of 95 %.
pub const LEAST_SAMPLES: usize = 5;

/// Any fixed number, so that the same samples make the same report.
const SEED: u64 = 0x6879_7065_7266_7261;

/// Limits that hold the true figure with a probability of 95 %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The 2.5th percentile.
    pub low: f64,
    /// The 97.5th percentile.
    pub high: f64,
}

/// The interval of median(`numerator`) / median(`denominator`), for times: how many
/// times as fast the second one is. Both are resampled independently, [`RESAMPLES`] times.
///
/// `None` unless both have [`LEAST_SAMPLES`] samples, all of them positive and finite.
pub fn ratio_of_medians(numerator: &[f64], denominator: &[f64]) -> Option<Interval> {
    let usable = |samples: &[f64]| {
        samples.len() >= LEAST_SAMPLES && samples.iter().all(|sample| sample.is_finite() && *sample > 0.0)
    };
    if !usable(numerator) || !usable(denominator) {
        return None;
    }
    let mut random = SplitMix64::new(SEED);
    let above = resampled(numerator, median, RESAMPLES, &mut random)?;
    let below = resampled(denominator, median, RESAMPLES, &mut random)?;
    percentile_interval(above.iter().zip(below).map(|(above, below)| above / below).collect())
}

/// The statistic of `count` resamples, each as many as `samples` are, drawn from them
/// with replacement (Efron and Tibshirani 1993, algorithm 6.1). `None` when the
/// statistic has no value of one, as of no samples.
pub fn resampled(
    samples: &[f64],
    statistic: impl Fn(&[f64]) -> Option<f64>,
    count: usize,
    random: &mut SplitMix64,
) -> Option<Vec<f64>> {
    let mut drawn = samples.to_vec();
    let mut one = || {
        for slot in &mut drawn {
            *slot = samples[random.below(samples.len() as u64) as usize];
        }
        statistic(&drawn)
    };
    (0..count).map(|_| one()).collect()
}

/// The 2.5th and the 97.5th percentile (Efron and Tibshirani 1993, section 13.3).
/// `None` of no replicates.
pub fn percentile_interval(mut replicates: Vec<f64>) -> Option<Interval> {
    replicates.sort_by(f64::total_cmp);
    Some(Interval { low: quantile(&replicates, 0.025)?, high: quantile(&replicates, 0.975)? })
}

/// The sample quantile 7 of Hyndman and Fan (1996), which numpy and R take by default.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let at = share * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    Some(below + (above - below) * at.fract())
}

#[cfg(test)]
#[path = "bootstrap_tests.rs"]
mod tests;
