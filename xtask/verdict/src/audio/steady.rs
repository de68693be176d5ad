//! Differences that last: a tone, a level, a filter, an echo, or another width of the stereo picture. Over a second and a
//! half, the noise of encoding averages out, and what follows the baseline does not.

use std::{collections::VecDeque, ops::Range};

use crate::audio::{
    RATE,
    moments::{Moment, db, level},
    spectrum::{BANDS_HZ, Bin, PIECE, Spectrum},
};

/// A window has four quarters of so many pieces, 0.38 s, and the next one begins a quarter later.
const QUARTER: usize = 18;
const QUARTERS: usize = 4;

/// Fewer pieces than this say nothing that lasts.
const LEAST: usize = 36;

/// Relative to the energy of its band, with which a steady tone may not compete, a residual may be 3 dB louder. The
/// limit of the gate is that of shorter windows, which is 6 dB.
const OF_TONES_DB: f64 = 3.0;

/// The level in a band that masks as much as silence does, in dBFS, and relative to the whole spectrum, in dB.
const SILENT_BAND_DBFS: f64 = -80.0;
const MASKED_BAND_DB: f64 = -50.0;

/// What follows the baseline in the residual may be this much quieter than the baseline, less the limit of the gate: 30
/// dB at 6 dB. In a single band it may be 12 dB louder, which is a level that is a decibel off.
const OF_COPIES_DB: f64 = 36.0;
const OF_LEVELS_DB: f64 = 24.0;

/// The level of a band that is heard in its surroundings, in dBFS, and relative to the whole spectrum, in dB.
const HEARD_BAND_DBFS: f64 = -75.0;
const HEARD_BAND_DB: f64 = -36.0;

/// How much of either channel's energy masks the difference between the two: in a band, and of what follows it.
const OF_EITHER_DB: f64 = -30.0;
const OF_EITHER_FOLLOWING_DB: f64 = -20.0;

/// What a frequency has over some pieces.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    baseline: f32,
    residual: f32,
    /// Of the residual with the conjugated baseline.
    products: (f32, f32),
}

/// The mean squares of a band in a window.
#[derive(Debug, Clone, Copy, Default)]
struct Band {
    baseline: f64,
    render: f64,
    residual: f64,
    /// Of the part of the residual that follows the baseline.
    following: f64,
}

type Window = [Band; BANDS_HZ.len()];

/// Collects what lasts in a channel.
#[derive(Debug, Clone, Default)]
pub(crate) struct Steady {
    quarters: VecDeque<(usize, Vec<Sums>)>,
    /// When each window begins and ends, in pieces, and its bands.
    windows: Vec<(usize, usize, Window)>,
    next: usize,
}

impl Steady {
    /// Takes the next piece.
    pub(crate) fn push(&mut self, bins: &[Bin], spectrum: &Spectrum) {
        if self.quarters.back().is_none_or(|(pieces, _)| *pieces == QUARTER) {
            self.quarters.push_back((0, vec![Sums::default(); bins.len()]));
        }
        let Some((pieces, sums)) = self.quarters.back_mut() else { return };
        for (sums, bin) in sums.iter_mut().zip(bins) {
            sums.add(Sums::of(bin));
        }
        *pieces += 1;
        self.next += 1;
        if *pieces == QUARTER && self.quarters.len() == QUARTERS {
            self.close(spectrum);
            self.quarters.pop_front();
        }
    }

    /// Weighs the window of all quarters.
    fn close(&mut self, spectrum: &Spectrum) {
        let pieces: usize = self.quarters.iter().map(|(pieces, _)| pieces).sum();
        if pieces < LEAST {
            return;
        }
        let mut quarters = self.quarters.iter().map(|(_, sums)| sums);
        let Some(mut sums) = quarters.next().cloned() else { return };
        for quarter in quarters {
            sums.iter_mut().zip(quarter).for_each(|(sums, of_quarter)| sums.add(*of_quarter));
        }
        let band = |bins: Range<usize>| sums[bins].iter().fold(Band::default(), |band, sums| band.and(sums, pieces));
        self.windows.push((self.next - pieces, self.next, spectrum.in_bands(band)));
    }
}

impl Sums {
    fn of(Bin { baseline: (b_re, b_im), residual: (r_re, r_im) }: &Bin) -> Self {
        Self {
            baseline: b_re * b_re + b_im * b_im,
            residual: r_re * r_re + r_im * r_im,
            products: (r_re * b_re + r_im * b_im, r_im * b_re - r_re * b_im),
        }
    }

    fn add(&mut self, other: Self) {
        self.baseline += other.baseline;
        self.residual += other.residual;
        self.products.0 += other.products.0;
        self.products.1 += other.products.1;
    }
}

impl Band {
    fn and(self, sums: &Sums, pieces: usize) -> Self {
        let count = pieces as f64;
        let [baseline, residual, re, im] =
            [sums.baseline, sums.residual, sums.products.0, sums.products.1].map(f64::from);
        // As much follows by chance as a piece has, twice because pieces overlap.
        let following = (re * re + im * im) / (baseline + 1e-12 * count) - 2.0 * residual / count;
        Self {
            baseline: self.baseline + baseline / count,
            render: self.render + (baseline + 2.0 * re + residual).max(0.0) / count,
            residual: self.residual + residual / count,
            following: self.following + following.max(0.0) / count,
        }
    }
}

/// What stands out most in all channels, of which the last one is the difference of the first two if there are three.
pub(crate) fn worst(mut channels: Vec<Steady>, spectrum: &Spectrum) -> Option<Moment> {
    for channel in &mut channels {
        let rest = channel.quarters.back().is_some_and(|(pieces, _)| *pieces < QUARTER);
        // A shorter track has one shorter window.
        if rest || channel.windows.is_empty() {
            channel.close(spectrum);
        }
    }
    let mut worst: Option<Moment> = None;
    let between = (channels.len() == 3).then_some(2);
    for (i, &(start, end, _)) in channels.first()?.windows.iter().enumerate() {
        let windows: Vec<&Window> =
            channels.iter().filter_map(|channel| channel.windows.get(i)).map(|w| &w.2).collect();
        for channel in 0..windows.len() {
            let seconds = |piece: usize| (piece * PIECE / 2) as f64 / f64::from(RATE);
            for (band_hz, residual, baseline, above_db) in differences(&windows, channel, between == Some(channel)) {
                if worst.is_none_or(|worst| above_db > worst.above_db) {
                    let (from_s, to_s) = (seconds(start), seconds(end + 1));
                    let (residual, baseline) = (level(db(residual)), level(db(baseline)));
                    worst =
                        Some(Moment { from_s, to_s, channel, band_hz: Some(band_hz), residual, baseline, above_db });
                }
            }
        }
    }
    worst
}

/// The differences of a channel in a window: the band, the squares of the residual and of the baseline, and by how many
/// dB the residual is too loud, in the unit of the gate's limit.
fn differences(windows: &[&Window], channel: usize, between: bool) -> Vec<((f32, f32), f64, f64, f64)> {
    let own = windows[channel];
    let all = |window: &Window| window.iter().map(|band| band.baseline).sum::<f64>();
    let loudest = windows.iter().take(2).map(|window| all(window)).fold(0.0, f64::max);
    let part = |square: f64, of_db: f64| square * 10f64.powf(of_db / 10.0);
    let heard = part(1.0, HEARD_BAND_DBFS).max(part(loudest, HEARD_BAND_DB));
    let silence = part(1.0, SILENT_BAND_DBFS).max(part(loudest, MASKED_BAND_DB));
    let mut found = Vec::new();
    for (i, band) in own.iter().enumerate() {
        let band_hz = (if i == 0 { 0.0 } else { BANDS_HZ[i - 1] }, BANDS_HZ[i]);
        let either = windows.iter().take(2).map(|window| window[i].baseline).fold(0.0, f64::max);
        let masking = silence + band.baseline + if between { part(either, OF_EITHER_DB) } else { 0.0 };
        found.push((band_hz, band.residual, band.baseline, db(band.residual / masking) + OF_TONES_DB));
        if !between {
            let ratio = ((band.render + heard) / (band.baseline + heard)).sqrt();
            let above_db = 20.0 * (ratio - 1.0).abs().log10() + OF_LEVELS_DB;
            found.push((band_hz, band.residual, band.baseline, above_db));
        }
    }
    let (baseline, following) = (all(own), own.iter().map(|band| band.following).sum::<f64>());
    let masking =
        baseline + 4.0 * part(1.0, HEARD_BAND_DBFS) + if between { part(loudest, OF_EITHER_FOLLOWING_DB) } else { 0.0 };
    let everything = (0.0, BANDS_HZ[BANDS_HZ.len() - 1]);
    found.push((everything, following, baseline, db(following / masking) + OF_COPIES_DB));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How far three seconds of quiet tones and noise in two channels, which `changed` makes of them, are above the
    /// limit of 6 dB, and in which channel and band.
    fn compared(changed: impl Fn(&[[f32; 2]], usize) -> [f32; 2]) -> (f64, usize, (f32, f32)) {
        let noise = |i: usize, of: usize| (((i * 7919 + of * 15_485_863) ^ (i >> 3)) % 2048) as f32 / 1024.0 - 1.0;
        let sample = |i: usize| {
            let at = i as f32 / RATE as f32 * std::f32::consts::TAU;
            let both = 0.01 * (330.0 * at).sin() + 0.004 * (3000.0 * at).sin() + 0.001 * noise(i, 1);
            [both + 0.003 * (700.0 * at).sin(), both + 0.002 * (500.0 * at).sin()]
        };
        let baseline: Vec<[f32; 2]> = (0..3 * RATE as usize).map(sample).collect();
        let render: Vec<[f32; 2]> = (0..baseline.len()).map(|i| changed(&baseline, i)).collect();
        let spectrum = Spectrum::new(RATE);
        let mut channels = vec![Steady::default(); 3];
        for (channel, steady) in channels.iter_mut().enumerate() {
            let of = |samples: &[[f32; 2]]| -> Vec<f32> {
                let of = |s: &[f32; 2]| if channel < 2 { s[channel] } else { (s[0] - s[1]) / 2.0 };
                samples.iter().map(of).collect()
            };
            for start in (0..baseline.len() - PIECE).step_by(PIECE / 2) {
                let [b, r] = [&baseline, &render].map(|samples| of(&samples[start..start + PIECE]));
                steady.push(&spectrum.bins(&b, &r), &spectrum);
            }
        }
        let worst = worst(channels, &spectrum).unwrap();
        (worst.above_db - 6.0, worst.channel, worst.band_hz.unwrap())
    }

    #[test]
    fn noise_of_an_encoder_does_not_follow_the_baseline() {
        let noise = |i: usize| ((i * 2_654_435_761) % 65_537) as f32 / 32_768.0 - 1.0;
        let (above, ..) = compared(|samples, i| samples[i].map(|sample| sample + 0.0002 * noise(i)));
        assert!(above < -3.0, "{above}");
        assert!(compared(|samples, i| samples[i]).0 < -80.0);
    }

    #[test]
    fn a_level_an_echo_and_another_width_are_found() {
        let quieter = compared(|samples, i| samples[i].map(|sample| 0.9 * sample));
        assert!(quieter.0 > 5.0 && quieter.2 == (0.0, 14_000.0), "{quieter:?}");
        let echo = compared(|samples, i| {
            let [before, now] = [samples[i.saturating_sub(960)], samples[i]];
            [now[0] + 0.1 * before[0], now[1] + 0.1 * before[1]]
        });
        assert!(echo.0 > 5.0, "{echo:?}");
        let narrower = compared(|samples, i| {
            let [left, right] = samples[i];
            [0.95 * left + 0.05 * right, 0.05 * left + 0.95 * right]
        });
        assert!(narrower.0 > 0.0 && narrower.1 == 2, "{narrower:?}");
    }

    #[test]
    fn a_hum_and_a_quieter_band_are_found_where_they_are() {
        let tone = |i: usize, hz: f32| (hz * i as f32 / RATE as f32 * std::f32::consts::TAU).sin();
        let hum = compared(|samples, i| samples[i].map(|sample| sample + 0.0007 * tone(i, 50.0)));
        assert!(hum.0 > 3.0 && hum.2 == (0.0, 60.0), "{hum:?}");
        let presence = compared(|samples, i| samples[i].map(|sample| sample - 0.0008 * tone(i, 3000.0)));
        assert!(presence.0 > 0.0, "{presence:?}");
    }
}
