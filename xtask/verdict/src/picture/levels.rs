//! Whether a render uses the levels of its baseline: clipped whites, lifted blacks, and banding change how often each
//! occurs more than any place in the picture.

use serde::{Deserialize, Serialize};

/// Counts of the levels of a blurred picture, in sixteenths of a level of 255. The blur takes away what an encoder
/// adds next to edges, which are the lowest and highest levels otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram(Vec<u32>);

/// The difference of a part of a frame's levels, by their rank.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct LevelsDifference {
    /// Which part differs most relative to what it may.
    pub part: Part,
    /// How much brighter the render is there in the mean, in levels; for all levels, how much they differ.
    pub difference: f32,
    /// How many times the limit is allowed for this part.
    pub allowance: f32,
}

/// Samples by the rank of their level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The darkest thousandth.
    Darkest,
    /// The brightest thousandth.
    Brightest,
    /// All of them.
    #[default]
    All,
}

/// Sixteenths of a level.
const STEPS: usize = 16;

/// The darkest and the brightest samples are one in so many.
const EXTREME: u64 = 1000;

/// What the extremes may differ, relative to the mean over all levels.
const OF_EXTREMES: f32 = 6.0;

impl Default for Histogram {
    fn default() -> Self {
        Self(vec![0; 256 * STEPS])
    }
}

impl Histogram {
    /// Counts a sample with this level, in sixteenths.
    pub fn count(&mut self, sixteenths: u16) {
        self.0[usize::from(sixteenths).min(256 * STEPS - 1)] += 1;
    }

    /// The mean level of the samples of these ranks, of which there are some.
    fn mean(&self, ranks: std::ops::Range<u64>) -> f32 {
        let (mut before, mut sum) = (0, 0);
        for (level, &count) in self.0.iter().enumerate() {
            let after = before + u64::from(count);
            let within = after.min(ranks.end).saturating_sub(before.max(ranks.start));
            sum += within * level as u64;
            before = after;
        }
        sum as f32 / (ranks.end - ranks.start).max(1) as f32 / STEPS as f32
    }

    /// The mean level of the highest samples, one in so many, and the level of the middle one.
    pub(crate) fn highest_and_middle(&self, one_in: u64) -> (f32, f32) {
        let samples = self.samples();
        let (middle, highest) = (samples / 2, samples - samples.div_ceil(one_in));
        (self.mean(highest..samples), self.mean(middle..middle + 1))
    }

    fn samples(&self) -> u64 {
        self.0.iter().map(|&count| u64::from(count)).sum()
    }

    /// Compares the levels of a render with those of its baseline, which has as many samples. `error` is the mean error
    /// of a sample, in levels: where single samples differ, as in grain, so do their levels.
    pub fn compare(render: &Self, baseline: &Self, error: f32) -> LevelsDifference {
        let samples = render.samples().min(baseline.samples());
        let extreme = (samples / EXTREME).max(1).min(samples);
        let of_extreme = |part, ranks: std::ops::Range<u64>| LevelsDifference {
            part,
            difference: render.mean(ranks.clone()) - baseline.mean(ranks),
            allowance: OF_EXTREMES * (1.0 + error),
        };
        // The mean difference of levels of the same rank is the area between the two sums.
        let (mut above, mut area) = (0i64, 0u64);
        for (of_render, of_baseline) in render.0.iter().zip(&baseline.0) {
            above += i64::from(*of_render) - i64::from(*of_baseline);
            area += above.unsigned_abs();
        }
        let all = LevelsDifference {
            part: Part::All,
            difference: area as f32 / samples.max(1) as f32 / STEPS as f32,
            allowance: 1.0 + error,
        };
        let extremes = [of_extreme(Part::Darkest, 0..extreme), of_extreme(Part::Brightest, samples - extreme..samples)];
        extremes.into_iter().fold(all, |worst, other| if other.severity() > worst.severity() { other } else { worst })
    }
}

impl LevelsDifference {
    /// What has to be within the limit, in levels.
    pub fn severity(&self) -> f32 {
        self.difference.abs() / self.allowance.max(f32::MIN_POSITIVE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of 4,000 samples whose levels follow from 0 to 200.
    fn histogram(level: impl Fn(f32) -> f32) -> Histogram {
        let mut histogram = Histogram::default();
        for i in 0..4000u16 {
            histogram.count((level(f32::from(i) / 20.0) * 16.0) as u16);
        }
        histogram
    }

    fn compared(level: impl Fn(f32) -> f32) -> LevelsDifference {
        Histogram::compare(&histogram(level), &histogram(|level| level), 0.25)
    }

    #[test]
    fn clipping_and_lifting_are_found_at_the_ends() {
        let clipped = compared(|level| level.min(180.0));
        assert_eq!(clipped.part, Part::Brightest);
        assert!((clipped.difference + 20.0).abs() < 0.3, "{clipped:?}");
        let lifted = compared(|level| level.max(10.0));
        assert_eq!(lifted.part, Part::Darkest);
        assert!((lifted.difference - 10.0).abs() < 0.3, "{lifted:?}");
    }

    #[test]
    fn what_encoding_leaves_next_to_sharp_edges_is_no_clipping() {
        let brighter = |level: f32| if level > 199.0 { level + 2.3 } else { level };
        let severity = |error| Histogram::compare(&histogram(brighter), &histogram(|level| level), error).severity();
        assert!(severity(0.0) > 0.34 && severity(0.5) < 0.3, "{} {}", severity(0.0), severity(0.5));
    }

    #[test]
    fn banding_is_found_over_all() {
        let banded = compared(|level| (level / 8.0).floor() * 8.0 + 4.0);
        assert_eq!((banded.part, banded.allowance), (Part::All, 1.25));
        assert!((banded.difference - 2.0).abs() < 0.1, "{banded:?}");
        assert!(compared(|level| level).severity() == 0.0);
    }

    #[test]
    fn empty_pictures_do_not_differ() {
        assert_eq!(Histogram::compare(&Histogram::default(), &Histogram::default(), 0.0).severity(), 0.0);
    }
}
