//! Comparing two audio tracks: what is left when one is taken from the other.

use std::{
    fmt,
    io::{self, Read},
};

use serde::{Serialize, Serializer};

/// An RMS level in dBFS (0 dBFS = a full-scale square wave).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Residual {
    /// Perfect cancellation.
    Silent,
    /// A level in dB below full scale.
    DbFs(f64),
}

/// How a render's track compares with its baseline's.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sound {
    /// The residual over the whole length of both.
    pub whole: Residual,
    /// The loudest tenth of a second of the residual: an average hides a short dropout.
    pub loudest: Residual,
    /// When that is, in seconds.
    pub loudest_at_s: f64,
    /// Where the residual is as loud as the baseline itself, which is then not in the render.
    pub lost: Option<Lost>,
}

/// A stretch of which the baseline's sound is not in the render.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lost {
    /// From when, in seconds.
    pub from_s: f64,
    /// Until when, in seconds.
    pub to_s: f64,
    /// The baseline's level there.
    pub baseline: Residual,
    /// The residual's level there.
    pub residual: Residual,
}

/// Samples a second that both tracks are decoded to.
pub const RATE: u32 = 48_000;

const LOUDEST_WINDOW: u64 = RATE as u64 / 10;

/// A stretch counts as lost when its residual is less than this below the baseline.
const LOST_WITHIN_DB: f64 = 3.0;

/// A second of a baseline below this level (dBFS) may be coded away: the end of a fade-out.
const HEARD_SECOND_DBFS: f64 = -60.0;

/// A whole track below this level (dBFS) is as good as silent.
const HEARD_TRACK_DBFS: f64 = -80.0;

impl Residual {
    /// The level of `count` samples whose squares sum up to `sum`, in units of s16le.
    ///
    /// RMS = sqrt(sum / count) / 32768, level = 20 log10(RMS).
    fn of(sum: f64, count: u64) -> Self {
        let rms = (sum / count.max(1) as f64).sqrt() / 32_768.0;
        if rms == 0.0 { Self::Silent } else { Self::DbFs(20.0 * rms.log10()) }
    }

    /// Whether the residual is no louder than `limit_dbfs`.
    pub fn within(self, limit_dbfs: f64) -> bool {
        self.db() <= limit_dbfs
    }

    fn db(self) -> f64 {
        match self {
            Self::Silent => f64::NEG_INFINITY,
            Self::DbFs(db) => db,
        }
    }
}

/// A number of dBFS, or "-inf": JSON has no infinity.
impl Serialize for Residual {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Silent => serializer.serialize_str("-inf"),
            Self::DbFs(db) => serializer.serialize_f64(*db),
        }
    }
}

impl fmt::Display for Residual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent => f.pad("-inf"),
            Self::DbFs(db) => f.pad(&format!("{db:.1}")),
        }
    }
}

/// Subtracts two streams of interleaved s16le samples at [`RATE`]; the shorter
/// one goes on in silence, so a lost tail counts in full.
///
/// # Errors
/// When reading fails, or neither stream has a sample.
pub fn compare(baseline: impl Read, render: impl Read, channels: u64) -> io::Result<Sound> {
    let (mut a, mut b) = (Samples::new(baseline), Samples::new(render));
    let mut whole = Window::default();
    let (mut tenth, mut second) = (Window::default(), Window::default());
    let mut loudest = (Residual::Silent, 0.0);
    let mut lost = None;
    loop {
        let (x, y) = (a.next()?, b.next()?);
        let ended = x.is_none() && y.is_none();
        if !ended {
            for window in [&mut whole, &mut tenth, &mut second] {
                window.add(f64::from(x.unwrap_or(0)), f64::from(y.unwrap_or(0)));
            }
        }
        let at_s = |count: u64| count as f64 / channels.max(1) as f64 / f64::from(RATE);
        if tenth.count > 0 && (ended || tenth.count == LOUDEST_WINDOW * channels) {
            let tenth = std::mem::take(&mut tenth);
            if tenth.residual().db() > loudest.0.db() {
                loudest = (tenth.residual(), at_s(whole.count - tenth.count));
            }
        }
        if second.count > 0 && (ended || second.count == u64::from(RATE) * channels) {
            let second = std::mem::take(&mut second);
            let (from, to) = (at_s(whole.count - second.count), at_s(whole.count));
            lost = lost.or_else(|| second.lost(HEARD_SECOND_DBFS, from, to));
        }
        if ended {
            break;
        }
    }
    if whole.count == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "neither audio track has a sample"));
    }
    let length_s = whole.count as f64 / channels.max(1) as f64 / f64::from(RATE);
    Ok(Sound {
        whole: whole.residual(),
        loudest: loudest.0,
        loudest_at_s: loudest.1,
        lost: lost.or_else(|| whole.lost(HEARD_TRACK_DBFS, 0.0, length_s)),
    })
}

/// Sums over a stretch of both tracks.
#[derive(Default)]
struct Window {
    residual: f64,
    baseline: f64,
    count: u64,
}

impl Window {
    fn add(&mut self, baseline: f64, render: f64) {
        self.residual += (baseline - render).powi(2);
        self.baseline += baseline.powi(2);
        self.count += 1;
    }

    fn residual(&self) -> Residual {
        Residual::of(self.residual, self.count)
    }

    fn lost(&self, heard_dbfs: f64, from_s: f64, to_s: f64) -> Option<Lost> {
        let (baseline, residual) = (Residual::of(self.baseline, self.count), self.residual());
        let lost = baseline.db() > heard_dbfs && residual.db() > baseline.db() - LOST_WITHIN_DB;
        lost.then_some(Lost { from_s, to_s, baseline, residual })
    }
}

struct Samples<R> {
    source: io::BufReader<R>,
}

impl<R: Read> Samples<R> {
    fn new(source: R) -> Self {
        Self { source: io::BufReader::with_capacity(1 << 16, source) }
    }

    fn next(&mut self) -> io::Result<Option<i16>> {
        let mut bytes = [0u8; 2];
        match self.source.read_exact(&mut bytes) {
            Ok(()) => Ok(Some(i16::from_le_bytes(bytes))),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(e) => Err(e),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: usize = RATE as usize;

    fn pcm(samples: impl IntoIterator<Item = i16>) -> Vec<u8> {
        samples.into_iter().flat_map(i16::to_le_bytes).collect()
    }

    /// A square wave, whose level is that of its amplitude.
    fn tone(amplitude: i16, samples: usize) -> impl Iterator<Item = i16> {
        (0..samples).map(move |i| if i / 50 % 2 == 0 { amplitude } else { -amplitude })
    }

    fn of(a: &[u8], b: &[u8]) -> Sound {
        compare(a, b, 1).unwrap()
    }

    #[test]
    fn equal_tracks_cancel() {
        let track = pcm((0..1000).map(|i| i * 7));
        let sound = of(&track, &track);
        assert_eq!((sound.whole, sound.loudest, sound.lost), (Residual::Silent, Residual::Silent, None));
    }

    #[test]
    fn noise_in_most_of_a_track_counts_not_only_its_end() {
        let silence = pcm(std::iter::repeat_n(0, 1000));
        let noisy = pcm((0..1000).map(|i| if i < 750 { 10_000 } else { 0 }));
        let expected = 20.0 * ((0.75f64).sqrt() * 10_000.0 / 32_768.0).log10();
        assert!((of(&silence, &noisy).whole.db() - expected).abs() < 1e-9);
    }

    #[test]
    fn a_lost_tail_counts_in_full() {
        let whole = pcm(std::iter::repeat_n(16_384, 1000));
        let half = pcm(std::iter::repeat_n(16_384, 500));
        assert!((of(&whole, &half).whole.db() - 20.0 * (0.5f64 * 0.5f64.sqrt()).log10()).abs() < 1e-9);
    }

    #[test]
    fn the_loudest_tenth_of_a_second_is_found() {
        let baseline = pcm(tone(0, 10 * SECOND));
        let clicks = pcm((0..10 * SECOND).map(|i| if i / 480 == 735 { 3000 } else { 0 }));
        let sound = of(&baseline, &clicks);
        assert!(sound.whole.within(-50.0), "{sound:?}");
        assert!(!sound.loudest.within(-38.0) && (sound.loudest_at_s - 7.3).abs() < 1e-9, "{sound:?}");
    }

    #[test]
    fn a_quiet_second_that_is_lost_is_found() {
        let (amplitude, before) = (60, 3 * SECOND);
        let baseline = pcm(tone(amplitude, 20 * SECOND));
        let gap: Vec<i16> =
            tone(amplitude, 20 * SECOND).enumerate().map(|(i, s)| if i / SECOND == 3 { 0 } else { s }).collect();
        let sound = of(&baseline, &pcm(gap));
        assert!(sound.whole.within(-50.0) && sound.loudest.within(-38.0), "{sound:?}");
        assert_eq!(sound.lost.map(|l| (l.from_s * f64::from(RATE)) as usize), Some(before));
    }

    #[test]
    fn a_track_too_quiet_for_any_second_may_not_be_lost_whole() {
        let baseline = pcm(tone(20, 3 * SECOND));
        let sound = of(&baseline, &pcm(tone(0, 3 * SECOND)));
        assert_eq!(sound.lost.map(|l| (l.from_s, l.to_s)), Some((0.0, 3.0)));
        assert_eq!(of(&pcm(tone(2, 3 * SECOND)), &pcm(tone(0, 3 * SECOND))).lost, None);
    }

    #[test]
    fn noise_far_below_the_sound_is_no_loss() {
        let noisy = tone(3000, 3 * SECOND).enumerate().map(|(i, s)| s + (i % 3) as i16 * 20);
        assert_eq!(of(&pcm(tone(3000, 3 * SECOND)), &pcm(noisy)).lost, None);
    }

    #[test]
    fn no_samples_is_an_error() {
        assert!(compare(&[][..], &[][..], 2).is_err());
    }
}
