//! Scales from values to positions on an axis, with their ticks, and paths on them.

use std::fmt::Write as _;

/// Maps a range of values to 0..=1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scale {
    from: f64,
    to: f64,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Linear,
    /// Each doubling takes the same space.
    Doubling,
}

impl Scale {
    /// Equal steps take equal space. An empty range is widened.
    pub(crate) fn linear(from: f64, to: f64) -> Self {
        let to = if to > from { to } else { from + 1.0 };
        Self { from, to, kind: Kind::Linear }
    }

    /// Equal factors take equal space; for values above 0.
    pub(crate) fn doubling(from: f64, to: f64) -> Self {
        let from = from.max(f64::MIN_POSITIVE);
        let to = if to > from { to } else { from * 2.0 };
        Self { from, to, kind: Kind::Doubling }
    }

    /// The position of a value, clamped to 0..=1; 0 for NaN.
    pub(crate) fn at(&self, value: f64) -> f64 {
        let share = match self.kind {
            Kind::Linear => (value - self.from) / (self.to - self.from),
            Kind::Doubling => (value.max(f64::MIN_POSITIVE) / self.from).ln() / (self.to / self.from).ln(),
        };
        if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }
    }

    pub(crate) fn end(&self) -> f64 {
        self.to
    }

    /// About `count` round values within the range, ascending.
    pub(crate) fn ticks(&self, count: usize) -> Vec<f64> {
        let step = round_step((self.to - self.from) / count.max(1) as f64);
        let first = (self.from / step).ceil() as i64;
        let last = (self.to / step + 1e-9).floor() as i64;
        // Multiples of whole numbers, so that rounding errors do not add up.
        (first..=last).map(|nth| nth as f64 * step).collect()
    }

    /// [`Scale::ticks`] with labels of as many digits as they need to differ.
    pub(crate) fn labelled_ticks(&self, count: usize) -> Vec<(f64, String)> {
        let step = round_step((self.to - self.from) / count.max(1) as f64);
        let digits = (-step.log10().floor()).clamp(0.0, 6.0) as usize;
        self.ticks(count).into_iter().map(|value| (value, format!("{value:.digits$}"))).collect()
    }
}

/// The smallest number that is at least `rough` and is 1, 2 or 5 times a power of ten.
fn round_step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.max(f64::MIN_POSITIVE).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|times| times * power).find(|step| *step >= rough * 0.999_999);
    step.unwrap_or(10.0 * power)
}

/// The side of the square that contains paths, which is stretched over the plot.
pub(crate) const UNITS: f64 = 1000.0;

/// The path through points (0..=1, 0..=1); y grows upwards.
pub(crate) fn line(points: impl IntoIterator<Item = (f64, f64)>) -> String {
    let mut path = String::new();
    for (x, y) in points {
        let command = if path.is_empty() { 'M' } else { 'L' };
        let _ = write!(path, "{command}{}", point(x, y));
    }
    path
}

/// The area between two values for each x, as a closed path.
pub(crate) fn band(points: &[(f64, f64, f64)]) -> String {
    let upper = points.iter().map(|(x, _, high)| (*x, *high));
    let lower = points.iter().rev().map(|(x, low, _)| (*x, *low));
    let path = line(upper.chain(lower));
    if path.is_empty() { path } else { path + "Z" }
}

fn point(x: f64, y: f64) -> String {
    let round = |units: f64| (units * 10.0).round() / 10.0;
    format!("{} {}", round(x * UNITS), round((1.0 - y) * UNITS))
}

/// A group of neighboring values, of which only the extremes are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bucket {
    /// The first x.
    pub x: f64,
    pub low: f64,
    pub high: f64,
}

/// Groups values, ascending by x, into at most `most` buckets of equal size.
pub(crate) fn buckets(values: &[(f64, f64)], most: usize) -> Vec<Bucket> {
    let of_each = values.len().div_ceil(most.max(1)).max(1);
    let bucket = |some: &[(f64, f64)]| {
        let ys = || some.iter().map(|(_, y)| *y);
        Some(Bucket { x: some.first()?.0, low: ys().min_by(f64::total_cmp)?, high: ys().max_by(f64::total_cmp)? })
    };
    values.chunks(of_each).filter_map(bucket).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_mapped_and_clamped() {
        let scale = Scale::linear(10.0, 20.0);
        assert_eq!([5.0, 10.0, 15.0, 20.0, 99.0, f64::NAN].map(|v| scale.at(v)), [0.0, 0.0, 0.5, 1.0, 1.0, 0.0]);
        let doubling = Scale::doubling(1.0, 16.0);
        assert!([(1.0, 0.0), (4.0, 0.5), (16.0, 1.0)].iter().all(|(v, at)| (doubling.at(*v) - at).abs() < 1e-12));
        assert_eq!((Scale::linear(3.0, 3.0).at(3.0), Scale::doubling(0.0, 0.0).at(-1.0)), (0.0, 0.0));
    }

    #[test]
    fn ticks_are_round() {
        let labels = |from, to| {
            let ticks = Scale::linear(from, to).labelled_ticks(5);
            ticks.into_iter().map(|(_, label)| label).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(labels(0.0, 12.3), "0 5 10");
        assert_eq!(labels(0.0, 0.004), "0.000 0.001 0.002 0.003 0.004");
        assert_eq!(labels(28.0, 52.0), "30 35 40 45 50");
        assert_eq!(labels(-100.0, 0.0), "-100 -80 -60 -40 -20 0");
        assert_eq!(labels(0.0, 60_000.0), "0 20000 40000 60000");
    }

    #[test]
    fn paths_begin_at_their_first_point() {
        assert_eq!(line([(0.0, 0.0), (0.5, 1.0), (1.0, 0.25)]), "M0 1000L500 0L1000 750");
        assert_eq!(band(&[(0.0, 0.0, 1.0), (1.0, 0.5, 0.5)]), "M0 0L1000 500L1000 500L0 1000Z");
        assert_eq!((line([]), band(&[])), (String::new(), String::new()));
    }

    #[test]
    fn merged_values_keep_their_minimum_and_maximum() {
        let mut values: Vec<(f64, f64)> = (0..100_003).map(|x| (f64::from(x), 45.0)).collect();
        (values[70_000].1, values[3].1) = (12.0, 99.0);
        let few = buckets(&values, 600);
        assert!(few.len() <= 600 && few.len() > 500, "{}", few.len());
        assert!(few.iter().any(|bucket| bucket.low == 12.0 && bucket.high == 45.0 && bucket.x <= 70_000.0));
        assert!(few.iter().any(|bucket| bucket.high == 99.0));
        assert!(few.windows(2).all(|pair| pair[0].x < pair[1].x));
    }

    #[test]
    fn few_values_are_not_merged() {
        let few = buckets(&[(0.0, 1.0), (1.0, 3.0)], 600);
        assert_eq!(few.iter().map(|b| (b.x, b.low, b.high)).collect::<Vec<_>>(), [(0.0, 1.0, 1.0), (1.0, 3.0, 3.0)]);
        assert!(buckets(&[], 5).is_empty());
    }
}
