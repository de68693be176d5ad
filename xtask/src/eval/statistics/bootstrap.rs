//! How much a figure from a few samples would change if the samples were drawn again.

use execution_history::time_spent::median;
use serde::{Deserialize, Serialize};

/// The number of resamples. Efron and Tibshirani (1993), section 13.3, require at least 1000 for
/// a percentile interval.
pub const RESAMPLES: usize = 10_000;

/// The number of samples that each side must have. The bootstrap of a median can't exceed
/// [min, max], which contains the true median with probability 1 - 2^(1-n): 94 % for 5 samples,
/// 88 % for 4. Fewer are too few for a 95 % interval.
pub const LEAST_SAMPLES: usize = 5;

/// Any fixed number, so that the same samples result in the same report.
const SEED: u64 = 0x6879_7065_7266_7261;

/// Limits that contain the true figure with a probability of 95 %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The 2.5th percentile.
    pub low: f64,
    /// The 97.5th percentile.
    pub high: f64,
}

/// The interval of median(`numerator`) / median(`denominator`); for times, the speed-up of the
/// second one. Both are resampled independently, [`RESAMPLES`] times.
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

/// The same where the samples of each pair were taken one after the other, so that what slowed one down probably slowed
/// down the other. Pairs stay together when they are resampled.
///
/// `None` unless there are [`LEAST_SAMPLES`] pairs of positive, finite samples.
pub fn ratio_of_paired_medians(pairs: &[(f64, f64)]) -> Option<Interval> {
    let usable = |sample: f64| sample.is_finite() && sample > 0.0;
    if pairs.len() < LEAST_SAMPLES || !pairs.iter().all(|(above, below)| usable(*above) && usable(*below)) {
        return None;
    }
    let ratio = |pairs: &[(f64, f64)]| {
        let (above, below): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
        Some(median(&above)? / median(&below)?)
    };
    percentile_interval(resampled(pairs, ratio, RESAMPLES, &mut SplitMix64::new(SEED))?)
}

/// How many pairs, at most 100, would show that a ratio is not 1 with a probability of 80 %, if it is as measured from
/// so many `pairs`, whose interval this is: ((z(0.975) + z(0.8)) SE / ln ratio)^2 of them, where the standard error SE of
/// the logarithm of the ratio is that of the interval, and shrinks with the root of the number of pairs. The interval of
/// few pairs is narrow, so this is rather too few: 18 in the simulation of the test, which show it in 25 of 40 cases.
pub fn pairs_needed(ratio: f64, interval: Interval, pairs: usize) -> Option<u32> {
    let error = (interval.high / interval.low).ln() / (2.0 * 1.960);
    let needed = pairs as f64 * ((1.960 + 0.842) * error / ratio.ln()).powi(2);
    (needed <= 100.0).then_some((needed.ceil() as u32).max(LEAST_SAMPLES as u32))
}

/// The statistic of `count` resamples, each of the size of `samples` and drawn from them with
/// replacement (Efron and Tibshirani 1993, algorithm 6.1). `None` when the statistic of one is
/// `None`, for example without samples.
pub fn resampled<T: Copy>(
    samples: &[T],
    statistic: impl Fn(&[T]) -> Option<f64>,
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
/// `None` without replicates.
pub fn percentile_interval(mut replicates: Vec<f64>) -> Option<Interval> {
    replicates.sort_by(f64::total_cmp);
    Some(Interval { low: quantile(&replicates, 0.025)?, high: quantile(&replicates, 0.975)? })
}

/// The sample quantile 7 of Hyndman and Fan (1996), the default of numpy and R.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let at = share * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    Some(below + (above - below) * at.fract())
}

/// The generator `SplitMix64`: Steele, Lea and Flood, Fast Splittable Pseudorandom Number
/// Generators, OOPSLA 2014, with the constants of Vigna's splitmix64.c. Not for secrets. Our own,
/// because published intervals must not change with the version of a library.
#[derive(Debug, Clone)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// The same seed results in the same numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A uniformly distributed number below `bound`; 0 when `bound` is 0.
    ///
    /// Lemire, Fast Random Integer Generation in an Interval, ACM TOMACS 29(1), 2019, algorithm 5.
    pub fn below(&mut self, bound: u64) -> u64 {
        let mut product = self.product(bound);
        if (product as u64) < bound {
            let rejected_below = bound.wrapping_neg() % bound;
            while (product as u64) < rejected_below {
                product = self.product(bound);
            }
        }
        (product >> 64) as u64
    }

    fn product(&mut self, bound: u64) -> u128 {
        u128::from(self.bits()) * u128::from(bound)
    }
}

#[cfg(test)]
#[path = "bootstrap_tests.rs"]
mod bootstrap_tests;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_sequence() {
        // Vigna's splitmix64.c with the seed 1234567, from Rosetta Code.
        let mut random = SplitMix64::new(1_234_567);
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(expected.map(|_| random.bits()), expected);
    }

    #[test]
    fn every_number_below_the_bound_is_equally_frequent() {
        let mut random = SplitMix64::new(1);
        let mut counts = [0_i64; 7];
        for _ in 0..70_000 {
            counts[random.below(7) as usize] += 1;
        }
        // Binomial(70000, 1/7): sigma 92.6, so 5 sigma.
        assert!(counts.iter().all(|count| (count - 10_000).abs() < 463), "{counts:?}");
        assert_eq!((random.below(1), random.below(0)), (0, 0));
    }

    #[test]
    fn a_bound_that_does_not_divide_the_range_favors_no_number() {
        // Below 3 * 2^62 a plain multiply-and-shift hits every third number twice.
        let mut random = SplitMix64::new(2);
        let bound = 3 << 62;
        let multiples = (0..30_000).filter(|_| random.below(bound).is_multiple_of(3)).count();
        // Binomial(30000, 1/3): sigma 81.6, so 5 sigma.
        assert!(multiples.abs_diff(10_000) < 408, "{multiples}");
    }
}
