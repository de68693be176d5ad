//! Differences that last: a tone, a level, a filter, an echo, or another width of the stereo picture. Over a second and a
//! half, the noise of encoding averages out, and what follows the baseline does not.

use std::{collections::VecDeque, ops::Range};

use crate::audio::{
    RATE,
    change::{self, Change, in_db},
    moments::{Moment, db, level},
    spectrum::{BANDS_HZ, Bin, PIECE, Spectrum, range_hz, start_s},
};

/// A window has four quarters of so many pieces, 0.38 s, and the next one begins a quarter later.
const QUARTER: usize = 18;
const QUARTERS: usize = 4;

/// Fewer pieces than this say nothing that lasts.
const LEAST: usize = 36;

/// What is so many dB too loud stands out, by the default of the gate's limit.
pub(crate) const STANDS_OUT_DB: f64 = 6.0;

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

/// The part of a render that follows the baseline, at least, where it is its baseline's.
pub(crate) const CLEAR: f64 = 0.8;

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
pub(crate) struct Band {
    pub(crate) baseline: f64,
    pub(crate) render: f64,
    pub(crate) residual: f64,
    /// Of the part of the residual that follows the baseline.
    pub(crate) following: f64,
    /// Of the part of that which changes levels, not phases.
    pub(crate) levels: f64,
    /// Of the part of the render that follows the baseline.
    pub(crate) coherent: f64,
    /// The mean products of residual and baseline.
    pub(crate) products: f64,
    /// The squares of the mean squares of each frequency of the baseline.
    pub(crate) concentration: f64,
    /// The residual's loudest frequency, if it is a tone, in Hz.
    pub(crate) tone_hz: Option<f32>,
}

pub(crate) type Window = [Band; BANDS_HZ.len()];

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
        let band = |bins: Range<usize>| {
            let band = sums[bins.clone()].iter().fold(Band::default(), |band, sums| band.and(sums, pieces));
            Band { tone_hz: tone_hz(&sums, bins), ..band }
        };
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
    /// Whether so much of the render follows the baseline that it says more than that the band differs.
    pub(crate) fn is_clear(&self) -> bool {
        self.coherent >= CLEAR * self.render
    }

    fn and(self, sums: &Sums, pieces: usize) -> Self {
        let count = pieces as f64;
        let [baseline, residual, re, im] =
            [sums.baseline, sums.residual, sums.products.0, sums.products.1].map(f64::from);
        // As much follows by chance as a piece has, twice because pieces overlap.
        let following = (re * re + im * im) / (baseline + 1e-12 * count) - 2.0 * residual / count;
        let energy = baseline + 1e-12 * count;
        let ratio = ((1.0 + re / energy).powi(2) + (im / energy).powi(2)).sqrt();
        Self {
            baseline: self.baseline + baseline / count,
            render: self.render + (baseline + 2.0 * re + residual).max(0.0) / count,
            residual: self.residual + residual / count,
            following: self.following + following.max(0.0) / count,
            coherent: self.coherent + ratio.powi(2) * baseline / count,
            levels: self.levels + (ratio - 1.0).powi(2) * baseline / count,
            products: self.products + re / count,
            concentration: self.concentration + (baseline / count).powi(2),
            tone_hz: None,
        }
    }
}

/// The loudest frequency of the residual in a band, if it is a tone: if it has most of the energy around it.
fn tone_hz(sums: &[Sums], band: Range<usize>) -> Option<f32> {
    /// A tone is seen at so many frequencies to each side, and noise at many.
    const OF_TONE: usize = 1;
    const AROUND: usize = 8;
    const MOST: f32 = 0.8;
    /// Nobody hears a lower tone. Pink noise is loudest there.
    const AUDIBLE_HZ: f32 = 20.0;
    let peak = band.max_by(|&a, &b| sums[a].residual.total_cmp(&sums[b].residual))?;
    let around = |bins: usize| peak.saturating_sub(bins)..(peak + bins + 1).min(sums.len());
    let energy = |bins: Range<usize>| sums[bins].iter().map(|sums| sums.residual).sum::<f32>();
    let tone = energy(around(OF_TONE));
    let center = around(OF_TONE).map(|bin| bin as f32 * sums[bin].residual).sum::<f32>() / tone;
    let hz = center * RATE as f32 / PIECE as f32;
    (hz >= AUDIBLE_HZ && tone > MOST * energy(around(AROUND))).then_some(hz)
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
    for (i, &(start, end, _)) in channels.first()?.windows.iter().enumerate() {
        let windows: Vec<&Window> =
            channels.iter().filter_map(|channel| channel.windows.get(i)).map(|w| &w.2).collect();
        let between = if channels.len() == 3 { windows.get(2) } else { None };
        let found: Vec<Difference> =
            (0..windows.len()).flat_map(|i| differences(&windows, i, between.is_some() && i == 2)).collect();
        let Some(above_db) = found.iter().map(|found| found.above_db).max_by(f64::total_cmp) else { continue };
        if worst.is_some_and(|worst| above_db <= worst.above_db) {
            continue;
        }
        let only_between = between.is_some_and(|between| change::only_between(between, [windows[0], windows[1]]));
        let Some(&Difference { channel, band_hz, change, residual, baseline, .. }) = telling(&found, only_between)
        else {
            continue;
        };
        let (from_s, to_s) = (start_s(start), start_s(end + 1));
        let (residual, baseline) = (level(db(residual)), level(db(baseline)));
        let (band_hz, change, between) = (Some(band_hz), Some(change), between.is_some() && channel == 2);
        worst = Some(Moment { from_s, to_s, channel, between, band_hz, change, residual, baseline, above_db });
    }
    worst
}

/// The difference that says what has happened: the one with the most energy among those that stand out most. What else
/// it causes in other bands, and in each channel if it is in the difference of both, stands out even more there if the
/// baseline is quiet.
fn telling(found: &[Difference], only_between: bool) -> Option<&Difference> {
    const AMONG_DB: f64 = 12.0;
    let found: Vec<&Difference> = found.iter().filter(|found| !only_between || found.channel == 2).collect();
    let most = found.iter().map(|found| found.above_db).max_by(f64::total_cmp)?;
    let least = most.min((most - AMONG_DB).max(STANDS_OUT_DB));
    // The first of equals.
    let all: Vec<&Difference> = found.into_iter().rev().filter(|found| found.above_db >= least).collect();
    let loudest = all.iter().copied().max_by(|a, b| a.residual.total_cmp(&b.residual))?;
    // A narrower picture makes both channels quieter.
    let width = all.into_iter().find(|found| matches!(found.change, Change::Width { .. } | Change::Swapped));
    Some(width.filter(|_| matches!(loudest.change, Change::Level { .. })).unwrap_or(loudest))
}

/// A difference of a channel in a window, in mean squares.
struct Difference {
    channel: usize,
    band_hz: (f32, f32),
    change: Change,
    residual: f64,
    baseline: f64,
    /// By how many dB the residual is too loud, in the unit of the gate's limit.
    above_db: f64,
}

/// The differences of a channel in a window, of which the last one may be that `between` the first two.
fn differences(windows: &[&Window], channel: usize, between: bool) -> Vec<Difference> {
    let own = windows[channel];
    let all = |window: &Window| window.iter().map(|band| band.baseline).sum::<f64>();
    let loudest = windows.iter().take(2).map(|window| all(window)).fold(0.0, f64::max);
    let part = |square: f64, of_db: f64| square * 10f64.powf(of_db / 10.0);
    let heard = part(1.0, HEARD_BAND_DBFS).max(part(loudest, HEARD_BAND_DB));
    let silence = part(1.0, SILENT_BAND_DBFS).max(part(loudest, MASKED_BAND_DB));
    let mut found = Vec::new();
    for (i, &Band { baseline, render, residual, tone_hz, .. }) in own.iter().enumerate() {
        let either = windows.iter().take(2).map(|window| window[i].baseline).fold(0.0, f64::max);
        let masking = silence + baseline + if between { part(either, OF_EITHER_DB) } else { 0.0 };
        let differs =
            |change, above_db| Difference { channel, band_hz: range_hz(i), change, residual, baseline, above_db };
        found.push(differs(Change::Added { tone_hz }, db(residual / masking) + OF_TONES_DB));
        if !between {
            let gain = ((render + heard) / (baseline + heard)).sqrt() - 1.0;
            // What does not follow the baseline is no louder baseline.
            let change = match gain > 0.0 && !own[i].is_clear() {
                true => Change::Added { tone_hz },
                false => Change::Level { by_db: in_db(gain) },
            };
            found.push(differs(change, 20.0 * gain.abs().log10() + OF_LEVELS_DB));
        }
    }
    let (baseline, residual) = (all(own), own.iter().map(|band| band.following).sum::<f64>());
    let masking =
        baseline + 4.0 * part(1.0, HEARD_BAND_DBFS) + if between { part(loudest, OF_EITHER_FOLLOWING_DB) } else { 0.0 };
    let (change, band) = Change::following(own, between.then(|| [windows[0], windows[1]]));
    let band_hz = band.map_or((0.0, BANDS_HZ[BANDS_HZ.len() - 1]), range_hz);
    let above_db = db(residual / masking) + OF_COPIES_DB;
    found.push(Difference { channel, band_hz, change, residual, baseline, above_db });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How far three seconds of quiet tones and noise in two channels, which `changed` makes of them, are above the
    /// limit of 6 dB, in which channel and band, and what has changed.
    fn compared(changed: impl Fn(&[[f32; 2]], usize) -> [f32; 2]) -> (f64, usize, (f32, f32), Change) {
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
        (worst.above_db - 6.0, worst.channel, worst.band_hz.unwrap(), worst.change.unwrap())
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
        assert!(matches!(quieter.3, Change::Level { by_db } if (by_db + 0.92).abs() < 0.05), "{quieter:?}");
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
        assert!(matches!(narrower.3, Change::Width { by_db } if by_db < -0.5), "{narrower:?}");
        // Few frequencies do not hide that nothing but the difference of the channels has changed.
        let swapped = compared(|samples, i| [samples[i][1], samples[i][0]]);
        assert_eq!((swapped.1, swapped.3), (2, Change::Swapped));
        let mono = compared(|samples, i| [(samples[i][0] + samples[i][1]) / 2.0; 2]);
        assert!(matches!(mono.3, Change::Width { by_db } if by_db < -60.0), "{mono:?}");
        let left = compared(|samples, i| [0.9 * samples[i][0], samples[i][1]]);
        let balance = matches!(left.3, Change::Balance { by_db } if (by_db - 0.92).abs() < 0.05);
        assert!(balance || matches!(left.3, Change::Level { by_db } if left.1 == 0 && by_db < -0.8), "{left:?}");
    }

    #[test]
    fn a_hum_and_a_quieter_band_are_found_where_they_are() {
        let tone = |i: usize, hz: f32| (hz * i as f32 / RATE as f32 * std::f32::consts::TAU).sin();
        let hum = compared(|samples, i| samples[i].map(|sample| sample + 0.0007 * tone(i, 50.0)));
        assert!(hum.0 > 3.0 && hum.2 == (0.0, 60.0), "{hum:?}");
        assert!(matches!(hum.3, Change::Added { tone_hz: Some(hz) } if (hz - 50.0).abs() < 12.0), "{hum:?}");
        let rumble = compared(|samples, i| samples[i].map(|sample| sample + 0.02 * tone(i, 6.0)));
        assert_eq!((rumble.2, rumble.3), ((0.0, 60.0), Change::Added { tone_hz: None }));
        let presence = compared(|samples, i| samples[i].map(|sample| sample - 0.0008 * tone(i, 3000.0)));
        assert!(presence.0 > 0.0, "{presence:?}");
    }

    #[test]
    fn an_echo_other_phases_and_a_filter_of_noise_are_distinguished() {
        let noise = |i: usize| ((i * 2_654_435_761) ^ (i >> 5)).wrapping_mul(40_503) % 65_537;
        let level = |i: usize| 0.05 * (noise(i) as f32 / 32_768.0 - 1.0);
        let of = |changed: &dyn Fn(usize) -> f32| {
            let (baseline, spectrum) = (|i: usize| level(i), Spectrum::new(RATE));
            let mut steady = Steady::default();
            for start in (0..3 * RATE as usize).step_by(PIECE / 2) {
                let piece =
                    |of: &dyn Fn(usize) -> f32| (start + 2000..start + 2000 + PIECE).map(of).collect::<Vec<_>>();
                steady.push(&spectrum.bins(&piece(&baseline), &piece(changed)), &spectrum);
            }
            worst(vec![steady], &spectrum).unwrap().change.unwrap()
        };
        assert_eq!(of(&|i| level(i) + 0.1 * level(i - 480)), Change::Echo);
        assert_eq!(of(&|i| level(i - 2)), Change::Phase);
        assert_eq!(of(&|i| level(i + 70_001)), Change::Replaced);
        assert_eq!(of(&|i| -level(i)), Change::Inverted);
        assert_eq!(of(&|_| 0.0), Change::Missing);
        // Noise that is as loud as the baseline does not replace it.
        assert_eq!(of(&|i| level(i) + level(i + 70_001)), Change::Added { tone_hz: None });
        assert_eq!(of(&|i| level(i) + 0.1 * level(i - 24)), Change::Echo);
        let filtered = of(&|i| 0.25 * level(i - 1) + 0.5 * level(i) + 0.25 * level(i + 1));
        assert!(matches!(filtered, Change::Filter { by_db } if by_db < -3.0), "{filtered:?}");
    }
}
