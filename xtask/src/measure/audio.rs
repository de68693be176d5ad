//! Comparing two audio tracks: what is left when one is taken from the other.

use std::io::{self, Read};

use serde::Serialize;

use super::{lag::Lag, residual::Residual};

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
    /// When the baseline's loudest second begins, in seconds.
    #[serde(skip)]
    pub loudest_of_baseline_s: f64,
    /// By how much the render's track is late, where that can be told.
    pub lag: Option<Lag>,
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
    let mut loudest_of_baseline = (Residual::Silent, 0.0);
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
            if second.baseline().db() > loudest_of_baseline.0.db() {
                loudest_of_baseline = (second.baseline(), from);
            }
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
        loudest_of_baseline_s: loudest_of_baseline.1,
        lag: None,
        lost: lost.or_else(|| whole.lost(HEARD_TRACK_DBFS, 0.0, length_s)),
    })
}

/// The residual over what both streams have.
///
/// # Errors
/// When reading fails.
pub fn overlap(baseline: impl Read, render: impl Read) -> io::Result<Residual> {
    let (mut a, mut b) = (Samples::new(baseline), Samples::new(render));
    let mut window = Window::default();
    while let (Some(x), Some(y)) = (a.next()?, b.next()?) {
        window.add(f64::from(x), f64::from(y));
    }
    Ok(window.residual())
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

    fn baseline(&self) -> Residual {
        Residual::of(self.baseline, self.count)
    }

    fn lost(&self, heard_dbfs: f64, from_s: f64, to_s: f64) -> Option<Lost> {
        let (baseline, residual) = (self.baseline(), self.residual());
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
#[path = "audio_tests.rs"]
mod tests;
