//! Comparing two audio tracks: the residual when one is subtracted from the other.

pub mod change;
pub mod lag;
pub mod moments;
pub mod residual;
mod spectrum;
mod steady;

use std::{
    fmt,
    io::{self, Read},
};

use serde::{Deserialize, Serialize};

use crate::{
    Comparison,
    audio::{
        change::Change,
        lag::Lag,
        moments::{Moment, Moments, MomentsReader},
        residual::Residual,
    },
    finding::{Finding, Place},
    gates::{
        AUDIO_BAND, AUDIO_CLICK, AUDIO_LOST, AUDIO_MOMENT, AUDIO_RESIDUAL, AUDIO_WINDOW, BAND_LIMIT, CLICK_LIMIT, Gate,
        Limit, Limits, MOMENT_LIMIT, RESIDUAL_LIMIT, WINDOW_LIMIT,
    },
    probe::AudioShape,
};

/// How a render's track compares with its baseline's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sound {
    /// The residual over the whole length of both.
    pub whole: Residual,
    /// The loudest tenth of a second of the residual, because an average hides a short dropout.
    pub loudest: Residual,
    /// When that is, in seconds.
    pub loudest_at_s: f64,
    /// When the baseline's loudest second begins, in seconds.
    #[serde(skip)]
    pub loudest_of_baseline_s: f64,
    /// Every tenth of a second, in order.
    #[serde(skip)]
    pub tenths: Vec<Tenth>,
    /// By how much the render's track is late, if that can be determined.
    pub lag: Option<Lag>,
    /// Where the residual is as loud as the baseline, which is then missing from the render.
    pub lost: Option<Lost>,
    /// Its worst short moments.
    #[serde(default, skip_serializing_if = "Moments::is_empty")]
    pub moments: Moments,
}

/// A tenth of a second of both tracks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tenth {
    /// The residual's level.
    pub residual: Residual,
    /// The baseline's level.
    pub baseline: Residual,
}

/// A stretch in which the residual is as loud as the baseline's audio.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lost {
    /// Its beginning, in seconds.
    pub from_s: f64,
    /// Its end, in seconds.
    pub to_s: f64,
    /// The baseline's level there.
    pub baseline: Residual,
    /// The residual's level there.
    pub residual: Residual,
    /// What that means.
    #[serde(default = "missing")]
    pub change: Change,
}

/// What earlier versions said of each.
fn missing() -> Change {
    Change::Missing
}

/// The sample rate that both tracks are decoded to, Hz.
pub const RATE: u32 = 48_000;

/// Samples of one channel in a tenth of a second.
const TENTH: u64 = RATE as u64 / 10;

/// A stretch counts as lost if its residual is less than this below the baseline, that is, if 40% of its
/// energy is missing. The residual of a codec is far below.
const LOST_WITHIN_DB: f64 = 4.0;

/// Codecs may drop a second of the baseline below this level (dBFS), such as the end of a fade-out.
const HEARD_SECOND_DBFS: f64 = -60.0;

/// A whole track below this level (dBFS) counts as silent.
const HEARD_TRACK_DBFS: f64 = -80.0;

/// The finding if a track differs too much over its whole length.
pub(crate) fn residual(track: usize, sound: &Sound, limits: &Limits) -> Option<Finding> {
    let (residual, limit) = (sound.whole, limits.db(&RESIDUAL_LIMIT));
    let change = late(sound);
    let late = change.map(|change| format!("; {}", change.sentence())).unwrap_or_default();
    let message = format!("audio track {track}: the residual of {residual} dBFS is above {limit} dBFS{late}");
    let found = AUDIO_RESIDUAL.finding(format!("{residual} dBFS"), format!("{limit} dBFS"), message);
    let place = Place { track: Some(track), ..Place::default() };
    (!residual.within(limit.db())).then(|| Finding { change, ..found.at(place) })
}

/// That the whole track is late or early, if it is.
fn late(sound: &Sound) -> Option<Change> {
    sound.lag.filter(|lag| lag.explains(sound.whole)).map(|lag| Change::Late { by_ms: lag.ms })
}

/// The finding if a tenth of a second differs too much.
pub(crate) fn window(track: usize, sound: &Sound, limits: &Limits) -> Option<Finding> {
    let (residual, at_s, limit) = (sound.loudest, sound.loudest_at_s, limits.db(&WINDOW_LIMIT));
    let message = format!(
        "audio track {track}: the residual of {residual} dBFS at {at_s:.1} s is above {limit} dBFS for any 100 ms"
    );
    let found = AUDIO_WINDOW.finding(format!("{residual} dBFS"), format!("{limit} dBFS"), message);
    let place = Place { track: Some(track), seconds: Some((at_s, at_s + 0.1)), ..Place::default() };
    (!residual.within(limit.db())).then(|| found.at(place))
}

/// The finding if a stretch of the baseline's track is missing from the render, or has other sound.
pub(crate) fn lost(track: usize, sound: &Sound, _: &Limits) -> Option<Finding> {
    let Lost { from_s, to_s, baseline, residual, change } = sound.lost?;
    let change = late(sound).unwrap_or(change);
    let message = format!(
        "audio track {track}: from {from_s:.1} s to {to_s:.1} s {}: the residual has {residual} dBFS, the baseline's \
         audio {baseline} dBFS",
        change.sentence(),
    );
    let found = AUDIO_LOST.finding(format!("{residual} dBFS"), format!("{baseline} dBFS"), message);
    let place = Place { track: Some(track), seconds: Some((from_s, to_s)), ..Place::default() };
    Some(Finding { change: Some(change), ..found.at(place) })
}

/// The finding if the residual of 5 to 100 ms stands out of the baseline's audio.
pub(crate) fn moment(track: usize, sound: &Sound, limits: &Limits) -> Option<Finding> {
    stands_out(track, &AUDIO_MOMENT, (&MOMENT_LIMIT, limits), sound.moments.level, "a short stretch differs")
}

/// The finding if there is a click that the baseline lacks.
pub(crate) fn click(track: usize, sound: &Sound, limits: &Limits) -> Option<Finding> {
    stands_out(track, &AUDIO_CLICK, (&CLICK_LIMIT, limits), sound.moments.peak, "single samples differ by much")
}

/// The finding if a band of the spectrum differs, such as by a hum or a whine, or if all of it lastingly does.
pub(crate) fn band(track: usize, sound: &Sound, limits: &Limits) -> Option<Finding> {
    let change = |moment: Moment| late(sound).or(moment.change);
    let moment = sound.moments.band.map(|moment| Moment { change: change(moment), ..moment });
    stands_out(track, &AUDIO_BAND, (&BAND_LIMIT, limits), moment, "a band of the spectrum differs")
}

fn stands_out(
    track: usize,
    gate: &Gate,
    (limit, limits): (&Limit, &Limits),
    moment: Option<Moment>,
    what: &str,
) -> Option<Finding> {
    let moment = moment.filter(|moment| moment.above_db > limits.value(limit))?;
    let Moment { from_s, to_s, channel, between, band_hz, change, residual, baseline, above_db } = moment;
    let what = change.map_or_else(|| what.to_owned(), |change| change.sentence());
    let band = band_hz.map(|(from, to)| format!(" between {from:.0} and {to:.0} Hz")).unwrap_or_default();
    let channel = if between { "the difference of the channels".to_owned() } else { format!("channel {channel}") };
    let message = format!(
        "audio track {track}: {what}{band} from {from_s:.3} s to {to_s:.3} s in {channel}: the residual has {residual} \
         dBFS, the baseline's audio {baseline} dBFS"
    );
    let found = gate.finding(format!("{above_db:.1} dB"), limit.shown(limits.value(limit)), message);
    let place = Place { track: Some(track), seconds: Some((from_s, to_s)), ..Place::default() };
    Some(Finding { change, ..found.at(place) })
}

/// Subtracts two streams of interleaved s16le samples at [`RATE`]. The shorter one is padded with silence,
/// so a lost tail counts in full.
///
/// # Errors
/// When reading fails, or neither stream has a sample.
pub fn compare(baseline: impl Read, render: impl Read, channels: u64) -> io::Result<Sound> {
    let channels = channels.max(1) as usize;
    let (mut baseline, mut render) = (Samples::new(baseline, channels), Samples::new(render, channels));
    let (mut tenths, mut baseline_samples) = (Vec::new(), 0);
    let mut moments = MomentsReader::new(channels);
    loop {
        let (of_baseline, of_render) = (baseline.tenth()?, render.tenth()?);
        if of_baseline.is_empty() && of_render.is_empty() {
            break;
        }
        baseline_samples += of_baseline.len() as u64;
        tenths.push(Window::over(channels, &of_baseline, &of_render));
        moments.push(&of_baseline, &of_render);
    }
    let mut whole = Window::of(channels);
    tenths.iter().for_each(|tenth| whole.join(tenth));
    if whole.count == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "neither audio track has a sample"));
    }
    let starts_s = (0..tenths.len()).map(|i| i as f64 / 10.0);
    let loudest = |level: fn(&Window) -> Residual| {
        let by_level = |(_, x): &(f64, Residual), (_, y): &(f64, Residual)| x.db().total_cmp(&y.db());
        let all = starts_s.clone().zip(tenths.iter().map(level));
        // The first of equals.
        all.rev().max_by(by_level).unwrap_or((0.0, Residual::Silent))
    };
    let (loudest_at_s, loudest_residual) = loudest(|tenth| tenth.of_tenth().residual);
    let length_s = whole.count as f64 / channels as f64 / f64::from(RATE);
    // Over the baseline's length: appended silence must not dilute the residual.
    let measured = if baseline_samples > 0 { baseline_samples } else { whole.count };
    Ok(Sound {
        whole: Residual::of(whole.sum(0), measured),
        loudest: loudest_residual,
        loudest_at_s,
        loudest_of_baseline_s: loudest(|tenth| tenth.of_tenth().baseline).0,
        tenths: tenths.iter().map(Window::of_tenth).collect(),
        lag: None,
        moments: moments.finish(),
        lost: lost_second(&tenths, channels).or_else(|| whole.lost(HEARD_TRACK_DBFS, 0.0, length_s)),
    })
}

/// The second, starting at any tenth, in which most of a channel is lost.
fn lost_second(tenths: &[Window], channels: usize) -> Option<Lost> {
    let length = tenths.len().min(10);
    let lost = (0..=tenths.len() - length).filter_map(|start| {
        let mut second = Window::of(channels);
        tenths[start..start + length].iter().for_each(|tenth| second.join(tenth));
        let from_s = start as f64 / 10.0;
        second.lost(HEARD_SECOND_DBFS, from_s, from_s + second.count as f64 / channels as f64 / f64::from(RATE))
    });
    let share = |lost: &Lost| lost.residual.db() - lost.baseline.db();
    // The first of equals.
    lost.collect::<Vec<_>>().into_iter().rev().max_by(|a, b| share(a).total_cmp(&share(b)))
}

/// The residual over the length that both streams have.
///
/// # Errors
/// When reading fails.
pub fn overlap(baseline: impl Read, render: impl Read) -> io::Result<Residual> {
    let (mut baseline, mut render) = (Samples::new(baseline, 1), Samples::new(render, 1));
    let mut window = Window::of(1);
    loop {
        let (of_baseline, of_render) = (baseline.tenth()?, render.tenth()?);
        let both = of_baseline.len().min(of_render.len());
        if both == 0 {
            return Ok(window.residual());
        }
        window.join(&Window::over(1, &of_baseline[..both], &of_render[..both]));
    }
}

/// The sums of the squares of the residual, the baseline, and the render over a stretch, for each channel.
struct Window {
    channels: Vec<[f64; 3]>,
    count: u64,
}

impl Window {
    fn of(channels: usize) -> Self {
        Self { channels: vec![[0.0; 3]; channels], count: 0 }
    }

    /// Over interleaved samples; the shorter one is padded with silence.
    fn over(channels: usize, baseline: &[i16], render: &[i16]) -> Self {
        let mut window = Self { count: baseline.len().max(render.len()) as u64, ..Self::of(channels) };
        residual::add_squares(baseline, render, &mut window.channels);
        window
    }

    fn join(&mut self, other: &Self) {
        for (sums, of_other) in self.channels.iter_mut().zip(&other.channels) {
            sums.iter_mut().zip(of_other).for_each(|(sum, of_other)| *sum += of_other);
        }
        self.count += other.count;
    }

    fn sum(&self, which: usize) -> f64 {
        self.channels.iter().map(|sums| sums[which]).sum()
    }

    fn residual(&self) -> Residual {
        Residual::of(self.sum(0), self.count)
    }

    /// The levels over a tenth of a second. The last one is padded with silence, because a few samples of
    /// codec padding are not as loud as a whole tenth.
    fn of_tenth(&self) -> Tenth {
        let count = self.count.max(TENTH * self.channels.len() as u64);
        let level = |which| Residual::of(self.sum(which), count);
        Tenth { residual: level(0), baseline: level(1) }
    }

    /// Whether a channel is lost.
    fn lost(&self, heard_dbfs: f64, from_s: f64, to_s: f64) -> Option<Lost> {
        let samples = self.count / self.channels.len() as u64;
        self.channels.iter().find_map(|&[of_residual, of_baseline, of_render]| {
            let (baseline, residual) = (Residual::of(of_baseline, samples), Residual::of(of_residual, samples));
            let lost = baseline.db() > heard_dbfs && residual.db() > baseline.db() - LOST_WITHIN_DB;
            let change = Change::of_loud_residual(of_baseline, of_render, of_residual);
            lost.then_some(Lost { from_s, to_s, baseline, residual, change })
        })
    }
}

/// Interleaved s16le samples, a tenth of a second at a time.
struct Samples<R> {
    source: R,
    tenth_bytes: u64,
}

impl<R: Read> Samples<R> {
    fn new(source: R, channels: usize) -> Self {
        Self { source, tenth_bytes: TENTH * channels as u64 * 2 }
    }

    /// The rest of the stream up to a tenth of a second; empty at the end.
    fn tenth(&mut self) -> io::Result<Vec<i16>> {
        let mut bytes = Vec::with_capacity(self.tenth_bytes as usize);
        self.source.by_ref().take(self.tenth_bytes).read_to_end(&mut bytes)?;
        Ok(residual::samples(&bytes))
    }
}

/// How a render's audio compares with its baseline's, in the words of the original eval script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AudioStatus {
    /// Equal enough.
    #[serde(rename = "OK")]
    Ok,
    /// Too different.
    #[serde(rename = "DRIFT")]
    Drift,
    /// Neither has audio.
    #[serde(rename = "no-audio-on-either")]
    None,
    /// The tracks differ in number or shape.
    #[serde(rename = "audio-stream-mismatch")]
    Mismatch,
    /// The pictures differ in shape, so the audio was not compared.
    #[serde(rename = "not-compared")]
    NotCompared,
}

impl AudioStatus {
    /// The status of a comparison, given the audio tracks of render and baseline.
    pub fn of(comparison: &Comparison, render: &[AudioShape], baseline: &[AudioShape], limits: &Limits) -> Self {
        match comparison {
            Comparison::Exact(_) => Self::NotCompared,
            _ if render != baseline => Self::Mismatch,
            _ if render.is_empty() => Self::None,
            Comparison::Unlike(_) => Self::NotCompared,
            Comparison::Alike { .. } if comparison.audio_findings(limits).is_empty() => Self::Ok,
            Comparison::Alike { .. } => Self::Drift,
        }
    }
}

impl fmt::Display for AudioStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "OK",
            Self::Drift => "DRIFT",
            Self::None => "no-audio-on-either",
            Self::Mismatch => "audio-stream-mismatch",
            Self::NotCompared => "not-compared",
        })
    }
}

#[cfg(test)]
#[path = "audio_tests.rs"]
mod tests;
