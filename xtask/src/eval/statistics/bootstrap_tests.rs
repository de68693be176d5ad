//! The bootstrap compared with published figures, exact distributions, and scipy.

use proptest::prelude::*;

use super::*;

// Efron and Tibshirani, An Introduction to the Bootstrap (1993), table 2.1: survival of 16 mice, days.
const TREATMENT: [f64; 7] = [94.0, 197.0, 16.0, 38.0, 99.0, 141.0, 23.0];

const CONTROL: [f64; 9] = [52.0, 104.0, 146.0, 10.0, 51.0, 30.0, 40.0, 27.0, 46.0];

fn mean(samples: &[f64]) -> Option<f64> {
    Some(samples.iter().sum::<f64>() / samples.len() as f64)
}

fn standard_error(statistic: fn(&[f64]) -> Option<f64>) -> f64 {
    let replicates = resampled(&TREATMENT, statistic, 40_000, &mut SplitMix64::new(3)).unwrap();
    let center = mean(&replicates).unwrap();
    let squares: f64 = replicates.iter().map(|replicate| (replicate - center).powi(2)).sum();
    (squares / (replicates.len() - 1) as f64).sqrt()
}

fn sorted(samples: &[f64]) -> Vec<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// P(Binomial(n, p) >= k).
fn binomial_tail(n: usize, p: f64, k: usize) -> f64 {
    let choose = |k: usize| (0..k).fold(1.0, |ways, i| ways * (n - i) as f64 / (i + 1) as f64);
    (k..=n).map(|i| choose(i) * p.powi(i as i32) * (1.0 - p).powi((n - i) as i32)).sum()
}

/// Each order statistic of an odd number of samples, and the probability that a
/// resample's median is that one: its median is at most the k-th when more than half
/// of its n draws, each with probability k/n, are (Maritz and Jarrett 1978).
fn exact_medians(samples: &[f64]) -> Vec<(f64, f64)> {
    let n = samples.len();
    let at_most = |k: usize| binomial_tail(n, k as f64 / n as f64, n / 2 + 1);
    sorted(samples).into_iter().enumerate().map(|(k, value)| (value, at_most(k + 1) - at_most(k))).collect()
}

/// The first value at which the probabilities add up to `share`.
fn exact_quantile(atoms: &[(f64, f64)], share: f64) -> f64 {
    let mut atoms = atoms.to_vec();
    atoms.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut sum = 0.0;
    let mut adding = atoms.iter().map(|(value, p)| {
        sum += p;
        (*value, sum)
    });
    adding.find(|(_, sum)| *sum >= share).unwrap().0
}

#[test]
fn the_standard_errors_of_the_textbook() {
    // Table 2.2, B = infinity. Monte Carlo: 1 / sqrt(2 * 40000) = 0.35 %, so 4 sigma.
    assert!((standard_error(mean) / 23.36 - 1.0).abs() < 0.014);
    assert!((standard_error(median) / 37.83 - 1.0).abs() < 0.014);
}

#[test]
fn the_median_s_exact_distribution_is_the_textbook_s() {
    // The same ideal standard error, without drawing anything.
    let atoms = exact_medians(&TREATMENT);
    let center: f64 = atoms.iter().map(|(value, p)| value * p).sum();
    let variance: f64 = atoms.iter().map(|(value, p)| (value - center).powi(2) * p).sum();
    assert!((variance.sqrt() - 37.83).abs() < 0.005, "{}", variance.sqrt());
    assert!((atoms[3].1 - 0.3062).abs() < 5e-5 && (atoms[0].1 - 0.0102).abs() < 5e-5, "{atoms:?}");
}

#[test]
fn the_median_s_limits_are_the_analytic_order_statistics() {
    for (samples, low, high) in [(&TREATMENT[..], 23.0, 141.0), (&CONTROL[..], 27.0, 104.0)] {
        let atoms = exact_medians(samples);
        assert_eq!((exact_quantile(&atoms, 0.025), exact_quantile(&atoms, 0.975)), (low, high));
        let replicates = resampled(samples, median, RESAMPLES, &mut SplitMix64::new(SEED)).unwrap();
        for (value, p) in atoms {
            let share = replicates.iter().filter(|replicate| **replicate == value).count() as f64 / RESAMPLES as f64;
            let sigma = (p * (1.0 - p) / RESAMPLES as f64).sqrt();
            assert!((share - p).abs() < 5.0 * sigma, "{value}: {share} instead of {p}");
        }
        assert_eq!(percentile_interval(replicates), Some(Interval { low, high }));
    }
}

#[test]
fn the_ratio_s_limits_are_the_analytic_ones() {
    let (above, below) = (exact_medians(&TREATMENT), exact_medians(&CONTROL));
    let atoms: Vec<(f64, f64)> = above.iter().flat_map(|a| below.iter().map(move |b| (a.0 / b.0, a.1 * b.1))).collect();
    let interval = ratio_of_medians(&TREATMENT, &CONTROL).unwrap();
    // Monte Carlo: sqrt(0.025 * 0.975 / 10000) = 0.0016 in probability, so 4 sigma.
    let within = |limit: f64, share: f64| {
        (exact_quantile(&atoms, share - 0.0063)..=exact_quantile(&atoms, share + 0.0063)).contains(&limit)
    };
    assert!(within(interval.low, 0.025) && within(interval.high, 0.975), "{interval:?}");
}

#[test]
fn the_limits_of_scipy() {
    // scipy 1.17.1, numpy 2.4.6: bootstrap((local, lambda), lambda x, y: median(x) / median(y),
    // method="percentile", n_resamples=99999, random_state=default_rng(1)), the same from seeds 2
    // and 3. The true quantiles at 2.25 % and 2.75 %, 97.25 % and 97.75 % are the same atoms as the
    // limits, 1.6 sigma of 10000 resamples to either side, so both must come out exactly.
    let local = [6120.0, 6480.0, 6010.0, 7230.0, 6650.0, 6340.0, 6890.0];
    let lambda = [4110.0, 3980.0, 4520.0, 4230.0, 4050.0, 5100.0];
    let interval = ratio_of_medians(&local, &lambda).unwrap();
    assert!((interval.low - 1.347_193_347_193_347_3).abs() < 1e-12, "{interval:?}");
    assert!((interval.high - 1.688_725_490_196_078_4).abs() < 1e-12, "{interval:?}");
    assert_eq!(ratio_of_medians(&local, &lambda), Some(interval));
}

#[test]
fn too_few_or_impossible_times_have_no_interval() {
    let five = [1.0, 2.0, 3.0, 4.0, 5.0];
    assert!(ratio_of_medians(&five, &five).is_some());
    for bad in [&five[1..], &[], &[0.0, 1.0, 1.0, 1.0, 1.0], &[f64::NAN, 1.0, 1.0, 1.0, 1.0]] {
        assert_eq!((ratio_of_medians(&five, bad), ratio_of_medians(bad, &five)), (None, None));
    }
    assert_eq!((percentile_interval(vec![]), percentile_interval(vec![2.0]).unwrap().high), (None, 2.0));
}

#[test]
fn the_quantile_of_numpy() {
    // numpy 2.4.6: quantile([1, 2, 4, 8], [0.025, 0.5, 0.975]).
    let sorted = [1.0, 2.0, 4.0, 8.0];
    let found = [0.025, 0.5, 0.975].map(|share| quantile(&sorted, share).unwrap());
    assert!(found.iter().zip([1.075, 3.0, 7.7]).all(|(found, known): (&f64, f64)| (found - known).abs() < 1e-12));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn the_interval_lies_within_what_the_samples_allow(
        above in proptest::collection::vec(1f64..1e6, 5..12),
        below in proptest::collection::vec(1f64..1e6, 5..12),
    ) {
        let interval = ratio_of_medians(&above, &below).unwrap();
        let (above, below) = (sorted(&above), sorted(&below));
        prop_assert!(above[0] / below[below.len() - 1] <= interval.low * (1.0 + 1e-12));
        prop_assert!(interval.low <= interval.high);
        prop_assert!(interval.high <= above[above.len() - 1] / below[0] * (1.0 + 1e-12));
    }
}

#[test]
fn what_slows_down_both_of_a_pair_does_not_widen_their_interval() {
    let load = [1.0, 3.0, 1.2, 2.0, 1.1, 2.6];
    let pairs = load.map(|load| (1.3 * load, load));
    let Interval { low, high } = ratio_of_paired_medians(&pairs).unwrap();
    assert!((low - 1.3).abs() < 1e-9 && (high - 1.3).abs() < 1e-9, "{low} to {high}");
    let (above, below): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
    let apart = ratio_of_medians(&above, &below).unwrap();
    assert!(apart.low < 1.0 && apart.high > 1.6, "{apart:?}");
    // Where the pairs have nothing in common, both say about the same.
    let mut random = SplitMix64::new(5);
    let mut sample = || 1.0 + (random.bits() >> 11) as f64 / (1_u64 << 53) as f64;
    let pairs: Vec<(f64, f64)> = (0..200).map(|_| (sample(), sample())).collect();
    let (above, below): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let (paired, apart) = (ratio_of_paired_medians(&pairs).unwrap(), ratio_of_medians(&above, &below).unwrap());
    let width = |interval: Interval| interval.high - interval.low;
    assert!((width(paired) / width(apart) - 1.0).abs() < 0.25, "{paired:?} {apart:?}");
    for bad in [&pairs[..4], &[(0.0, 1.0); 5], &[(1.0, f64::NAN); 5]] {
        assert_eq!(ratio_of_paired_medians(bad), None);
    }
}

/// A standard normal value (Box and Muller 1958).
fn normal(random: &mut SplitMix64) -> f64 {
    let mut uniform = || (random.below(1 << 32) as f64 + 1.0) / f64::from(u32::MAX);
    (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos()
}

#[test]
fn as_many_pairs_as_are_needed_show_the_difference() {
    // Both sides of a pair meet the same load, which varies by 30 %; each varies by 2 % itself, and one takes 4 % longer.
    let mut random = SplitMix64::new(7);
    let mut interval = |pairs: usize| {
        let mut pair = || {
            let load = (0.3 * normal(&mut random)).exp();
            (1.04 * load * (0.02 * normal(&mut random)).exp(), load * (0.02 * normal(&mut random)).exp())
        };
        ratio_of_paired_medians(&(0..pairs).map(|_| pair()).collect::<Vec<_>>()).unwrap()
    };
    let mut needed: Vec<u32> = (0..25).filter_map(|_| pairs_needed(1.04, interval(10), 10)).collect();
    needed.sort_unstable();
    let needed = needed[needed.len() / 2];
    let shown = (0..40).filter(|_| interval(needed as usize).low > 1.0).count();
    assert!((5..=60).contains(&needed) && (20..=40).contains(&shown), "{needed} pairs, {shown} of 40");
    assert_eq!(pairs_needed(1.0001, Interval { low: 0.9, high: 1.1 }, 10), None);
    assert_eq!(pairs_needed(2.0, Interval { low: 1.9, high: 2.1 }, 10), Some(5));
}
