//! The rank test of Mann and Whitney: do two groups of samples differ?
//!
//! H. B. Mann and D. R. Whitney, On a Test of Whether one of Two Random Variables is
//! Stochastically Larger than the Other, Ann. Math. Stat. 18 (1947), 50-60.

/// Up to this many samples in both groups together the distribution is computed exactly.
const EXACT_UP_TO: usize = 40;

/// The probability that the ranks of two groups from one distribution differ at least as much as
/// the ranks of these, in either direction. `None` when either group has no sample.
///
/// Twice the smaller tail. Exact for up to 40 samples together, over all ways to distribute the
/// ranks, where ties share the middle of their ranks; without ties that is Mann and Whitney's U.
/// With more samples it is the normal approximation, corrected for ties and continuity
/// (Lehmann, Nonparametrics, 1975, section 1.4).
pub fn two_sided_p(a: &[f64], b: &[f64]) -> Option<f64> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    let ranks = Ranks::of(a, b);
    Some(if a.len() + b.len() <= EXACT_UP_TO { ranks.exact_p() } else { ranks.normal_p() })
}

/// The lowest [`two_sided_p`] of groups of these sizes: both orders of groups without overlap,
/// of all C(n + m, n) ways to distribute the ranks.
pub(crate) fn least_two_sided_p(n: usize, m: usize) -> f64 {
    (2.0 / ways(n, m)).min(1.0)
}

fn ways(n: usize, m: usize) -> f64 {
    (1..=n).fold(1.0, |ways, i| ways * (m + i) as f64 / i as f64)
}

/// The ranks of two groups among all samples, doubled so that the ranks of ties are whole numbers.
struct Ranks {
    of_a: Vec<usize>,
    of_b: Vec<usize>,
    /// How many samples share a value, for each value.
    ties: Vec<usize>,
}

impl Ranks {
    fn of(a: &[f64], b: &[f64]) -> Self {
        let mut sorted: Vec<f64> = a.iter().chain(b).copied().collect();
        sorted.sort_by(f64::total_cmp);
        let twice_rank = |sample: &f64| {
            let below = sorted.partition_point(|other| other < sample);
            let up_to = sorted.partition_point(|other| other <= sample);
            below + up_to + 1
        };
        Self {
            of_a: a.iter().map(twice_rank).collect(),
            of_b: b.iter().map(twice_rank).collect(),
            ties: sorted.chunk_by(|one, next| one == next).map(<[f64]>::len).collect(),
        }
    }

    fn exact_p(&self) -> f64 {
        let observed: usize = self.of_a.iter().sum();
        let sums = self.sums();
        let up_to: f64 = sums[..=observed].iter().sum();
        let from: f64 = sums[observed..].iter().sum();
        (2.0 * up_to.min(from) / sums.iter().sum::<f64>()).min(1.0)
    }

    /// In how many ways as many ranks as `a` has add up to each sum: the shift algorithm of
    /// Streitberg and Röhmel (1986). Exact, because these are whole numbers below 2^53.
    fn sums(&self) -> Vec<f64> {
        let all = || self.of_a.iter().chain(&self.of_b);
        let top: usize = all().sum();
        let mut ways = vec![vec![0.0; top + 1]; self.of_a.len() + 1];
        ways[0][0] = 1.0;
        for &rank in all() {
            for taken in (1..ways.len()).rev() {
                for sum in rank..=top {
                    ways[taken][sum] += ways[taken - 1][sum - rank];
                }
            }
        }
        ways.pop().unwrap_or_default()
    }

    fn normal_p(&self) -> f64 {
        let (n, m) = (self.of_a.len() as f64, self.of_b.len() as f64);
        let all = n + m;
        let tied: f64 = self.ties.iter().map(|&t| (t as f64).powi(3) - t as f64).sum();
        let variance = n * m / 12.0 * ((all + 1.0) - tied / (all * (all - 1.0)));
        let from_mean = self.of_a.iter().sum::<usize>() as f64 / 2.0 - n * (all + 1.0) / 2.0;
        let distance = from_mean.abs() - 0.5;
        if variance <= 0.0 || distance <= 0.0 {
            return 1.0;
        }
        complementary_error(distance / (2.0 * variance).sqrt())
    }
}

/// The complementary error function for x >= 0, to within 1.5e-7: Abramowitz and Stegun (1964),
/// 7.1.26.
fn complementary_error(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let coefficients = [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592];
    coefficients.iter().fold(0.0, |sum, coefficient| (sum + coefficient) * t) * (-x * x).exp()
}

#[cfg(test)]
#[path = "mann_whitney_tests.rs"]
mod tests;
