//! From values to places on an axis, and where to put its ticks.

/// Maps a stretch of values to 0..=1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::report) struct Scale {
    from: f64,
    to: f64,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Linear,
    /// Each doubling takes the same room.
    Doubling,
}

impl Scale {
    /// Equal steps take equal room. A stretch without length is widened.
    pub(in crate::report) fn linear(from: f64, to: f64) -> Self {
        let to = if to > from { to } else { from + 1.0 };
        Self { from, to, kind: Kind::Linear }
    }

    /// Equal factors take equal room; of values above 0.
    pub(in crate::report) fn doubling(from: f64, to: f64) -> Self {
        let from = from.max(f64::MIN_POSITIVE);
        let to = if to > from { to } else { from * 2.0 };
        Self { from, to, kind: Kind::Doubling }
    }

    /// Where a value lies, held within 0..=1; 0 of what is no number.
    pub(in crate::report) fn at(&self, value: f64) -> f64 {
        let share = match self.kind {
            Kind::Linear => (value - self.from) / (self.to - self.from),
            Kind::Doubling => (value.max(f64::MIN_POSITIVE) / self.from).ln() / (self.to / self.from).ln(),
        };
        if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }
    }

    /// The stretch's end.
    pub(in crate::report) fn end(&self) -> f64 {
        self.to
    }

    /// Round values within the stretch, about `count` of them, ascending.
    pub(in crate::report) fn ticks(&self, count: usize) -> Vec<f64> {
        let step = round_step((self.to - self.from) / count.max(1) as f64);
        let first = (self.from / step).ceil() as i64;
        let last = (self.to / step + 1e-9).floor() as i64;
        // From whole numbers, so that no error adds up.
        (first..=last).map(|nth| nth as f64 * step).collect()
    }

    /// As [`Scale::ticks`], with the digits that tell them apart.
    pub(in crate::report) fn labelled_ticks(&self, count: usize) -> Vec<(f64, String)> {
        let step = round_step((self.to - self.from) / count.max(1) as f64);
        let digits = (-step.log10().floor()).clamp(0.0, 6.0) as usize;
        self.ticks(count).into_iter().map(|value| (value, format!("{value:.digits$}"))).collect()
    }
}

/// The least of 1, 2 and 5 times a power of ten that is no less than `rough`.
fn round_step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.max(f64::MIN_POSITIVE).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|times| times * power).find(|step| *step >= rough * 0.999_999);
    step.unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_to_their_place_and_no_farther() {
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
}
