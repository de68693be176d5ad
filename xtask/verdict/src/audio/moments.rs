//! Short moments of a track, compared with the level that the baseline has there: what a level over the whole
//! track, or over a tenth of a second of loud audio, hides.

use serde::{Deserialize, Serialize};

use crate::audio::{
    RATE,
    change::Change,
    residual::Residual,
    spectrum::{BANDS_HZ, PIECE, Spectrum, range_hz, start_s},
    steady::{self, STANDS_OUT_DB, Steady},
};

/// Samples of the shortest moment, 5 ms.
const MOMENT: usize = RATE as usize / 200;

/// The lengths of the windows that are compared, in moments: 5, 20 and 100 ms.
const LENGTHS: [usize; 3] = [1, 4, 20];

/// How far around a window the baseline's level masks a difference, in moments: 50 ms.
const MASKING: usize = 10;

/// The level that masks as much as silence does, in dBFS.
const SILENCE_DBFS: f64 = -60.0;

/// A peak of the residual below this, in dBFS, is not heard as a click.
const CLICK_DBFS: f64 = -40.0;

/// The level in a band that masks as much as silence does, in dBFS.
const SILENT_BAND_DBFS: f64 = -70.0;

/// A residual that is this much quieter than the baseline is none, but for the rounding of the arithmetic.
const NOTHING_DB: f64 = -80.0;

/// A difference that is this much louder in a short moment than over a second and a half does not last, in dB.
const LOUDER_DB: f64 = 3.0;

/// A click is so many dB louder than the residual around it; the peaks of noise are 12 to 14.
const CLICK_DB: f64 = 18.0;

/// How much of either channel's energy masks a difference between the two: -30 dB.
const OF_EITHER: f32 = 0.001;

/// The pieces of the spectrum over which a band is compared: about 170 ms.
const PIECES: usize = 8;

/// Where a track differs most from its baseline's, relative to the baseline's level around it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Moment {
    /// When it begins, in seconds.
    pub from_s: f64,
    /// When it ends, in seconds.
    pub to_s: f64,
    /// The channel, from 0.
    pub channel: usize,
    /// Whether it is no channel, but the difference of two.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub between: bool,
    /// The band of the spectrum in Hz, if only that differs.
    pub band_hz: Option<(f32, f32)>,
    /// What that means, as far as the spectrum says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// The residual's level, or its peak.
    pub residual: Residual,
    /// The level of the baseline's audio, or its peak, that may hide it.
    pub baseline: Residual,
    /// By how many dB the residual is louder than that; a negative number is quieter.
    pub above_db: f64,
}

/// The worst moments of a track; `None` where nothing differs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct Moments {
    /// Of the level in 5, 20 or 100 ms.
    pub level: Option<Moment>,
    /// Of a single sample.
    pub peak: Option<Moment>,
    /// Of a band of the spectrum.
    pub band: Option<Moment>,
}

impl Moments {
    /// Whether nothing differs, or nothing was measured.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a moment of a channel has.
#[derive(Debug, Clone, Copy, Default)]
struct Part {
    /// The sums of squares of the baseline and of the residual.
    squares: [f32; 2],
    /// The greatest absolute samples of both.
    peaks: [f32; 2],
}

/// Collects the moments of a track.
#[derive(Debug)]
pub(crate) struct MomentsReader {
    channels: usize,
    spectrum: Spectrum,
    /// For each channel, the samples of the baseline and the render that are not in a moment yet.
    open: Vec<[Vec<f32>; 2]>,
    parts: Vec<Vec<Part>>,
    /// The last piece of each channel.
    piece: Vec<[Vec<f32>; 2]>,
    bands: Vec<Vec<[[f32; 2]; BANDS_HZ.len()]>>,
    steady: Vec<Steady>,
}

impl MomentsReader {
    pub(crate) fn new(channels: usize) -> Self {
        // The difference of two channels shows what becomes of a picture in space.
        let all = if channels == 2 { 3 } else { channels };
        Self {
            channels,
            spectrum: Spectrum::new(RATE),
            open: vec![Default::default(); all],
            parts: vec![Vec::new(); all],
            piece: vec![Default::default(); all],
            bands: vec![Vec::new(); all],
            steady: vec![Steady::default(); all],
        }
    }

    /// Takes the next interleaved samples of both; the shorter one is padded with silence.
    pub(crate) fn push(&mut self, baseline: &[i16], render: &[i16]) {
        let length = baseline.len().max(render.len()) / self.channels;
        for (which, samples) in [baseline, render].into_iter().enumerate() {
            let sample = |i: usize, channel: usize| {
                samples.get(i * self.channels + channel).map_or(0.0, |&s| f32::from(s) / 32_768.0)
            };
            for (channel, open) in self.open.iter_mut().enumerate() {
                let value = |i: usize| match channel < self.channels {
                    true => sample(i, channel),
                    false => (sample(i, 0) - sample(i, 1)) / 2.0,
                };
                open[which].extend((0..length).map(value));
            }
        }
        self.close(false);
    }

    /// Makes moments of what is open; at the `end` of the rest, too.
    fn close(&mut self, end: bool) {
        for (channel, open) in self.open.iter_mut().enumerate() {
            if end {
                let length = open[0].len().next_multiple_of(MOMENT);
                open.iter_mut().for_each(|samples| samples.resize(length, 0.0));
            }
            let whole = open[0].len() / MOMENT * MOMENT;
            let [baseline, render] = open.each_mut().map(|samples| samples.drain(..whole).collect::<Vec<f32>>());
            let parts = baseline.chunks_exact(MOMENT).zip(render.chunks_exact(MOMENT));
            self.parts[channel].extend(parts.map(|(baseline, render)| part(baseline, render)));
            let piece = &mut self.piece[channel];
            piece[0].extend(baseline);
            piece[1].extend(render);
            let mut done = 0;
            while piece[0].len() - done >= PIECE {
                let both = [0, 1].map(|which| &piece[which][done..done + PIECE]);
                let bins = self.spectrum.bins(both[0], both[1]);
                self.bands[channel].push(self.spectrum.energies(&bins));
                self.steady[channel].push(&bins, &self.spectrum);
                done += PIECE / 2;
            }
            piece.iter_mut().for_each(|samples| drop(samples.drain(..done)));
        }
    }

    /// What is loud in both channels hides a slight difference between them.
    fn mask_the_difference(&mut self) {
        if let [first, second, between] = self.parts.as_mut_slice() {
            for ((between, first), second) in between.iter_mut().zip(first).zip(second) {
                let square = first.squares[0].max(second.squares[0]) * OF_EITHER;
                between.squares[0] = between.squares[0].max(square);
                between.peaks[0] = between.peaks[0].max(first.peaks[0].max(second.peaks[0]) * OF_EITHER.sqrt());
            }
        }
        if let [first, second, between] = self.bands.as_mut_slice() {
            for ((between, first), second) in between.iter_mut().zip(first).zip(second) {
                for ((between, first), second) in between.iter_mut().zip(first).zip(second) {
                    between[0] = between[0].max(first[0].max(second[0]) * OF_EITHER);
                }
            }
        }
    }

    /// The worst moments.
    pub(crate) fn finish(mut self) -> Moments {
        self.close(true);
        self.mask_the_difference();
        let worst = |of: fn(usize, &[Part]) -> Option<Moment>| {
            let all = self.parts.iter().enumerate().filter_map(|(channel, parts)| of(channel, parts));
            all.max_by(|a, b| a.above_db.total_cmp(&b.above_db))
        };
        let steady = steady::worst(std::mem::take(&mut self.steady), &self.spectrum);
        let bands = self.bands.iter().enumerate().filter_map(|(channel, pieces)| worst_band(channel, pieces));
        let short = bands.max_by(|a, b| a.above_db.total_cmp(&b.above_db));
        let most = short.into_iter().chain(steady).max_by(|a, b| a.above_db.total_cmp(&b.above_db));
        // What lasts says more about a difference, unless it is louder in a short moment.
        let lasts = |s: &Moment| {
            let same = short.is_some_and(|short| (s.channel, s.band_hz) == (short.channel, short.band_hz));
            let louder_db = short.map_or(f64::MIN, |short| short.residual.db() - s.residual.db());
            (same || s.above_db > STANDS_OUT_DB) && louder_db < LOUDER_DB
        };
        let lasting = steady.filter(lasts).zip(most).map(|(s, most)| Moment { above_db: most.above_db, ..s });
        let band = lasting.or(most);
        let heard = |moment: &Moment| moment.above_db > NOTHING_DB;
        let difference = (self.channels == 2).then_some(2);
        let placed = |moment: Moment| Moment { between: difference == Some(moment.channel), ..moment };
        let [level, peak, band] =
            [worst(worst_level), worst(worst_peak), band].map(|moment| moment.filter(heard).map(placed));
        Moments { level, peak, band }
    }
}

fn part(baseline: &[f32], render: &[f32]) -> Part {
    let mut part = Part::default();
    for (b, r) in baseline.iter().zip(render) {
        for (i, value) in [*b, r - b].into_iter().enumerate() {
            part.squares[i] += value * value;
            part.peaks[i] = part.peaks[i].max(value.abs());
        }
    }
    part
}

pub(crate) fn db(square: f64) -> f64 {
    10.0 * square.log10()
}

pub(crate) fn level(dbfs: f64) -> Residual {
    if dbfs.is_finite() { Residual::DbFs(dbfs) } else { Residual::Silent }
}

fn seconds(moments: usize) -> f64 {
    (moments * MOMENT) as f64 / f64::from(RATE)
}

/// The window whose residual is loudest relative to the baseline's loudest window of the same length around it.
fn worst_level(channel: usize, parts: &[Part]) -> Option<Moment> {
    let mut worst: Option<Moment> = None;
    for length in LENGTHS.into_iter().filter(|&length| length <= parts.len()) {
        let mean = |which: usize| -> Vec<f64> {
            let windows = parts.windows(length);
            let square = |window: &[Part]| window.iter().map(|part| f64::from(part.squares[which])).sum::<f64>();
            windows.map(|window| square(window) / (length * MOMENT) as f64).collect()
        };
        let (baseline, residual) = (mean(0), mean(1));
        for (start, &square) in residual.iter().enumerate() {
            let residual_db = db(square);
            // Nothing masks less than silence.
            if worst.is_some_and(|worst| residual_db - SILENCE_DBFS <= worst.above_db) {
                continue;
            }
            let around = &baseline[start.saturating_sub(MASKING)..(start + MASKING + 1).min(baseline.len())];
            let masking_db = db(around.iter().copied().fold(0.0, f64::max));
            let above_db = residual_db - masking_db.max(SILENCE_DBFS);
            if worst.is_none_or(|worst| above_db > worst.above_db) {
                let (from_s, to_s) = (seconds(start), seconds(start + length));
                let (residual, baseline) = (level(residual_db), level(masking_db));
                let (band_hz, change, between) = (None, None, false);
                worst = Some(Moment { from_s, to_s, channel, between, band_hz, change, residual, baseline, above_db });
            }
        }
    }
    worst
}

/// The sample of the residual that stands out most of the baseline's peaks around it.
fn worst_peak(channel: usize, parts: &[Part]) -> Option<Moment> {
    let peak = |(i, part): (usize, &Part)| {
        let around = &parts[i.saturating_sub(MASKING)..(i + MASKING + 1).min(parts.len())];
        let masking = around.iter().map(|part| part.peaks[0]).fold(0.0, f32::max);
        let [residual_db, masking_db] = [part.peaks[1], masking].map(|peak| 20.0 * f64::from(peak).log10());
        let above_db = residual_db - masking_db.max(CLICK_DBFS);
        let (residual, baseline) = (level(residual_db), level(masking_db));
        let (from_s, to_s, band_hz) = (seconds(i), seconds(i + 1), None);
        let others = around.iter().map(|part| f64::from(part.squares[1])).sum::<f64>() - f64::from(part.squares[1]);
        let others_db = db(others / ((around.len() - 1).max(1) * MOMENT) as f64);
        let change = (residual_db - others_db > CLICK_DB).then_some(Change::Click);
        Moment { from_s, to_s, channel, between: false, band_hz, change, residual, baseline, above_db }
    };
    parts.iter().enumerate().map(peak).max_by(|a, b| a.above_db.total_cmp(&b.above_db))
}

/// The band whose residual is loudest relative to the baseline's level in it.
fn worst_band(channel: usize, pieces: &[[[f32; 2]; BANDS_HZ.len()]]) -> Option<Moment> {
    let mut worst: Option<Moment> = None;
    for band in 0..BANDS_HZ.len() {
        for (start, window) in pieces.windows(PIECES.min(pieces.len()).max(1)).enumerate() {
            let mean = |which: usize| {
                db(window.iter().map(|piece| f64::from(piece[band][which])).sum::<f64>() / window.len() as f64)
            };
            let (masking_db, residual_db) = (mean(0), mean(1));
            let above_db = residual_db - masking_db.max(SILENT_BAND_DBFS);
            if worst.is_none_or(|worst| above_db > worst.above_db) {
                let (residual, baseline) = (level(residual_db), level(masking_db));
                let (band_hz, change) = (Some(range_hz(band)), Some(Change::Added { tone_hz: None }));
                let (from_s, to_s, between) = (start_s(start), start_s(start + window.len() + 1), false);
                worst = Some(Moment { from_s, to_s, channel, between, band_hz, change, residual, baseline, above_db });
            }
        }
    }
    worst
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two seconds of a quiet tone in two channels.
    fn tone(changed: impl Fn(usize, usize, f32) -> f32) -> Vec<i16> {
        let sample = |i: usize, channel: usize| {
            let tone = 0.02 * (i as f32 * 0.05).sin() * (1.0 + channel as f32);
            (changed(i, channel, tone) * 32_768.0).round() as i16
        };
        (0..2 * RATE as usize).flat_map(|i| [sample(i, 0), sample(i, 1)]).collect()
    }

    fn compared(changed: impl Fn(usize, usize, f32) -> f32) -> Moments {
        let (baseline, render) = (tone(|_, _, tone| tone), tone(changed));
        let mut reader = MomentsReader::new(2);
        baseline.chunks(9600).zip(render.chunks(9600)).for_each(|(b, r)| reader.push(b, r));
        reader.finish()
    }

    #[test]
    fn equal_audio_has_no_moment_that_stands_out() {
        assert_eq!(compared(|_, _, tone| tone), Moments::default());
        assert_eq!(MomentsReader::new(1).finish(), Moments::default());
    }

    #[test]
    fn a_short_gap_is_as_loud_as_the_audio_it_lacks() {
        let gap = 48_000..48_240;
        let level = compared(|i, _, tone| if gap.contains(&i) { 0.0 } else { tone }).level.unwrap();
        assert!(level.above_db.abs() < 1.0 && (level.from_s, level.to_s) == (1.0, 1.005), "{level:?}");
    }

    #[test]
    fn a_click_stands_out_of_the_peaks() {
        let peak = compared(|i, channel, tone| if (i, channel) == (60_000, 1) { 0.5 } else { tone }).peak.unwrap();
        assert!(peak.from_s == 1.25 && peak.channel > 0 && peak.above_db > 20.0, "{peak:?}");
        assert_eq!(peak.change, Some(Change::Click));
        // The peaks of noise are no clicks.
        let noise = |i: usize| ((i * 2_654_435_761) % 65_537) as f32 / 65_537.0 - 0.5;
        let peak = compared(|i, _, tone| tone + 0.3 * noise(i)).peak.unwrap();
        assert!(peak.above_db > 0.0 && peak.change.is_none(), "{peak:?}");
    }

    #[test]
    fn a_whine_stands_out_of_its_band() {
        let band = compared(|i, _, tone| tone + 0.002 * (i as f32 * 0.9).sin()).band.unwrap();
        assert!(band.band_hz == Some((4800.0, 9600.0)) && band.above_db > 10.0, "{band:?}");
    }

    #[test]
    fn a_slight_difference_between_loud_channels_is_hidden() {
        let mono = |i: usize, _: usize, _: f32| 0.3 * (i as f32 * 0.05).sin();
        let (baseline, render) = (tone(mono), tone(|i, channel, tone| mono(i, channel, tone) + [0.0, 0.0006][channel]));
        let mut reader = MomentsReader::new(2);
        reader.push(&baseline, &render);
        assert!(reader.finish().level.unwrap().above_db < -20.0);
    }

    #[test]
    fn swapped_channels_stand_out() {
        let swapped = compared(|_, channel, tone| if channel == 0 { 2.0 * tone } else { tone / 2.0 });
        assert!(swapped.level.unwrap().above_db > -1.0);
    }
}
