//! How much later one track is than another, by cross-correlation.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::audio::{
    RATE,
    residual::{Residual, products, thinned},
};

/// A render's track, shifted to where it matches its baseline's best.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lag {
    /// How much later the render's track is, ms; negative if it is earlier.
    pub ms: f64,
    /// How similar the tracks are there: 1 for the same sound at any volume.
    pub correlation: f64,
    /// The residual over the common length when the render is shifted back by the lag.
    pub aligned: Residual,
}

impl Lag {
    /// Whether the render is late or early, and little more than that, given the residual without a shift.
    pub(crate) fn explains(&self, whole: Residual) -> bool {
        const SHORTEST_MS: f64 = 0.1;
        const LESS_DB: f64 = 10.0;
        self.ms.abs() >= SHORTEST_MS && self.aligned.db() <= whole.db() - LESS_DB
    }
}

/// The greatest lag that is searched for in either direction, in seconds.
pub const REACH_S: f64 = 1.0;

/// The first, coarse search averages this many samples.
const COARSE: usize = 24;

/// Tracks that are less similar than this have no lag.
const ALIKE: f64 = 0.3;

/// Peaks this close in height count as equal, because a tone repeats itself. The nearest one is taken.
const SAME_HEIGHT: f64 = 0.995;

/// Where a stretch of the baseline matches the render best: the lag in samples and the correlation there,
/// or `None` if either is silent or nothing matches. Both are mono at [`RATE`]; the render's stretch begins
/// `before` samples earlier than the baseline's and is longer.
pub fn find(baseline: &[f32], render: &[f32], before: usize) -> Option<(i64, f64)> {
    let coarse = correlations(&thinned(baseline, COARSE), &thinned(render, COARSE), 0..usize::MAX);
    let middle = nearest_peak(&coarse, before / COARSE)? * COARSE;
    let near = middle.saturating_sub(2 * COARSE)..middle + 2 * COARSE + 1;
    // One second is enough for the fine search.
    let short = &baseline[..baseline.len().min(RATE as usize)];
    let fine = correlations(short, render, near);
    let (offset, correlation) = fine.into_iter().max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    (correlation >= ALIKE).then(|| (offset as i64 - before as i64, correlation))
}

/// The correlation of `baseline` with each stretch of `render`; silent stretches are left out.
fn correlations(baseline: &[f32], render: &[f32], offsets: Range<usize>) -> Vec<(usize, f64)> {
    let Some(last) = render.len().checked_sub(baseline.len()) else { return Vec::new() };
    let (energy, _) = products(baseline, baseline);
    let correlation = |offset: usize| {
        let (product, square) = products(baseline, &render[offset..]);
        let scale = f64::from(energy).sqrt() * f64::from(square).sqrt();
        (scale > 0.0).then(|| (offset, f64::from(product) / scale))
    };
    (offsets.start..offsets.end.min(last + 1)).filter_map(correlation).collect()
}

/// The highest peak; among equals the one nearest to `home`.
fn nearest_peak(correlations: &[(usize, f64)], home: usize) -> Option<usize> {
    let top = correlations.iter().map(|(_, c)| *c).fold(f64::MIN, f64::max);
    let at = |i: usize| correlations.get(i).map_or(f64::MIN, |(_, c)| *c);
    let is_peak = |i: usize| at(i) >= top * SAME_HEIGHT && at(i) >= at(i.wrapping_sub(1)) && at(i) >= at(i + 1);
    let peaks = (0..correlations.len()).filter(|i| is_peak(*i)).map(|i| correlations[i].0);
    peaks.min_by_key(|offset| offset.abs_diff(home))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Similar to speech: a sum of tones with changing volumes.
    fn sound(at: usize) -> f32 {
        let t = at as f32 / RATE as f32;
        (t * 1380.0).sin() * (t * 2.3).sin() + 0.5 * (t * 3110.0).sin() * (t * 5.9).cos() + 0.2 * (t * 610.0).sin()
    }

    fn lag_of(shift: i64) -> Option<(i64, f64)> {
        let (from, before) = (2 * RATE as usize, RATE as usize);
        let baseline: Vec<f32> = (0..2 * RATE as usize).map(|i| sound(from + i)).collect();
        let render: Vec<f32> =
            (0..4 * RATE as usize).map(|i| sound((from as i64 - before as i64 + i as i64 - shift) as usize)).collect();
        find(&baseline, &render, before)
    }

    #[test]
    fn shifts_are_found_to_the_sample() {
        for ms in [0, 21, -21, 500, -500, 999] {
            let (lag, correlation) = lag_of(ms * 48).unwrap();
            assert_eq!(lag, ms * 48);
            assert!(correlation > 0.999);
        }
        assert_eq!(lag_of(7).unwrap().0, 7);
    }

    #[test]
    fn a_tone_matches_in_many_places_and_the_nearest_is_taken() {
        let tone = |i: usize| (i as f32 / RATE as f32 * 1000.0 * std::f32::consts::TAU).sin();
        let render: Vec<f32> = (0..4 * RATE as usize).map(tone).collect();
        assert_eq!(find(&render[RATE as usize..2 * RATE as usize], &render, RATE as usize).unwrap().0, 0);
    }

    #[test]
    fn silence_and_other_sounds_have_no_lag() {
        let silence = vec![0.0; 4 * RATE as usize];
        let noise: Vec<f32> =
            (0..4 * RATE as u64).map(|i| (i.wrapping_mul(2_654_435_761) % 1000) as f32 - 499.5).collect();
        let voice: Vec<f32> = (0..RATE as usize).map(sound).collect();
        assert_eq!(find(&voice, &silence, RATE as usize), None);
        assert_eq!(find(&silence[..RATE as usize], &noise, RATE as usize), None);
        assert_eq!(find(&voice, &noise, RATE as usize), None);
        assert_eq!(find(&voice, &voice[..100], 0), None);
    }
}
