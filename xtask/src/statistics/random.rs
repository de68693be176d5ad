//! Random numbers that are the same in every run.

/// The generator `SplitMix64`: Steele, Lea and Flood, Fast Splittable Pseudorandom
/// Number Generators, OOPSLA 2014, in the constants of Vigna's splitmix64.c.
/// For resampling, not for secrets.
#[derive(Debug, Clone)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// The same seed makes the same numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, each as probable as any other; 0 when `bound` is 0.
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
mod tests {
    use super::*;

    #[test]
    fn the_published_sequence() {
        // Vigna's splitmix64.c from the seed 1234567, as Rosetta Code prints it.
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
    fn every_number_below_the_bound_comes_as_often() {
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
    fn a_bound_that_does_not_divide_the_range_favours_none() {
        // Below 3 * 2^62 a plain multiply-and-shift hits every third number twice.
        let mut random = SplitMix64::new(2);
        let bound = 3 << 62;
        let multiples = (0..30_000).filter(|_| random.below(bound).is_multiple_of(3)).count();
        // Binomial(30000, 1/3): sigma 81.6, so 5 sigma.
        assert!(multiples.abs_diff(10_000) < 408, "{multiples}");
    }
}
