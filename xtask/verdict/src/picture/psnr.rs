//! PSNR from the statistics of ffmpeg's `psnr` filter, one line per frame, and frames in the wrong place.

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::decibels::{Decibels, Level};

/// The PSNR of one frame, in dB.
#[derive(Debug, Clone, PartialEq)]
pub struct FramePsnr {
    /// Over all planes (`psnr_avg`).
    pub all: Level,
    /// For each plane, in the filter's order: y, u, v or r, g, b, and a.
    pub planes: Vec<(char, Level)>,
}

/// The PSNR of a whole video.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VideoPsnr {
    /// The number of compared frames.
    pub frames: u64,
    /// The number of identical frames.
    pub identical_frames: u64,
    /// Arithmetic mean of the frames' `psnr_avg`, in dB. A frame counts as [`BEST_DB`] at most, and so does an
    /// identical one, which has no finite ratio.
    pub mean_db: f64,
    /// The PSNR of the mean squared error over all frames, in dB: ffmpeg's own summary.
    pub from_mean_mse: Level,
    /// The level that 1% of the frames do not exceed, in dB (nearest rank).
    pub percentile_1: Level,
    /// The worst frame's `psnr_avg`, in dB.
    pub worst: Level,
    /// The worst frame's index in decode order, from 0.
    pub worst_frame: u64,
    /// The mean of each plane, computed like [`VideoPsnr::mean_db`].
    pub planes: Vec<Plane>,
    /// Every frame's `psnr_avg`, in dB.
    #[serde(skip)]
    pub levels: Vec<Level>,
}

/// One plane's mean over all frames.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plane {
    /// y, u, v, r, g, b or a.
    pub plane: char,
    /// Arithmetic mean of the frames' levels, in dB.
    pub mean_db: f64,
}

/// The most that a frame counts in a mean, in dB.
pub const BEST_DB: f64 = 100.0;

/// The filter never prints a level beyond this, dB.
const FARTHEST_DB: f64 = 1000.0;

/// Parses the filter's statistics, with lines such as `n:1 mse_avg:… psnr_avg:45.31 psnr_y:…`.
///
/// # Errors
/// When there are no frames, a line lacks a level, the planes change, or a frame number is missing.
pub fn frames(stats: &str) -> anyhow::Result<Vec<FramePsnr>> {
    let mut frames: Vec<FramePsnr> = Vec::new();
    for line in stats.lines().filter(|line| !line.trim().is_empty()) {
        let frame = frame(line, frames.len() + 1).with_context(|| format!("in the psnr filter's line {line:?}"))?;
        if let Some(first) = frames.first() {
            let names = |frame: &FramePsnr| frame.planes.iter().map(|(name, _)| *name).collect::<String>();
            ensure!(names(first) == names(&frame), "the planes change to {} in {line:?}", names(&frame));
        }
        frames.push(frame);
    }
    ensure!(!frames.is_empty(), "no frame was compared");
    Ok(frames)
}

fn frame(line: &str, expected: usize) -> anyhow::Result<FramePsnr> {
    let fields = line.split_ascii_whitespace().filter_map(|word| word.split_once(':'));
    let (mut number, mut all, mut planes) = (None, None, Vec::new());
    for (key, value) in fields {
        match key.strip_prefix("psnr_") {
            Some("avg") => all = Some(level(value)?),
            Some(plane) => {
                let name = plane.chars().next().filter(|_| plane.len() == 1).context("a plane without a name")?;
                planes.push((name, level(value)?));
            }
            None if key == "n" => number = value.parse::<usize>().ok(),
            None => {}
        }
    }
    ensure!(number == Some(expected), "frame {expected} is missing");
    let all = all.context("there is no psnr_avg")?;
    ensure!(!planes.is_empty(), "there is no plane's level");
    Ok(FramePsnr { all, planes })
}

fn level(text: &str) -> anyhow::Result<Level> {
    if text == "inf" {
        return Ok(Level::Identical);
    }
    match text.parse::<f64>() {
        // A greater value would overflow a mean of errors.
        Ok(db) if db.abs() <= FARTHEST_DB => Ok(Level::Db(db)),
        _ => bail!("{text:?} is not a level in dB"),
    }
}

impl VideoPsnr {
    /// Summarizes the frames.
    ///
    /// # Errors
    /// When there are none.
    pub fn of(frames: &[FramePsnr]) -> anyhow::Result<Self> {
        let levels: Vec<Level> = frames.iter().map(|frame| frame.all).collect();
        let (worst_frame, worst) = worst_of(&levels).context("no frame was compared")?;
        let names: Vec<char> = frames[0].planes.iter().map(|(name, _)| *name).collect();
        let planes = names.iter().enumerate().map(|(i, &plane)| {
            let mean_db = mean_db(frames.iter().map(|frame| frame.planes[i].1));
            Plane { plane, mean_db }
        });
        Ok(Self {
            frames: levels.len() as u64,
            identical_frames: levels.iter().filter(|level| **level == Level::Identical).count() as u64,
            mean_db: mean_db(levels.iter().copied()),
            from_mean_mse: from_mean_mse(&levels),
            percentile_1: percentile(&levels, 0.01).context("no frame was compared")?,
            worst,
            worst_frame: worst_frame as u64,
            planes: planes.collect(),
            levels,
        })
    }

    /// The PSNR of the mean squared error over `frames` frames from `start` on; NaN if there are none.
    pub fn from_mean_mse_of(&self, start: u64, frames: u64) -> Level {
        let stretch: Vec<Level> = self.levels.iter().skip(start as usize).take(frames as usize).copied().collect();
        from_mean_mse(&stretch)
    }

    /// The number of frames below `limit`.
    pub fn frames_below(&self, limit: Decibels) -> u64 {
        self.levels.iter().filter(|level| !level.reaches(limit)).count() as u64
    }
}

/// A frame that matches the baseline's previous or next frame better than its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Misplaced {
    /// Its index in the render, from 0.
    pub frame: u64,
    /// The baseline's frame that it matches.
    pub shows: u64,
    /// PSNR against the baseline's frame with the same index, dB.
    pub level: Level,
    /// PSNR against the frame that it matches, dB.
    pub neighbor: Level,
}

/// How much better than its own frame a frame must match a neighbor to count as misplaced, in dB. The encoding of
/// still pictures varies a little from frame to frame.
pub const MISPLACED_DB: f64 = 6.0;

/// The key of a frame's PSNR over all planes in the filter's metadata.
pub const LEVEL: &str = "lavfi.psnr.psnr_avg";

/// The frames' PSNR against a neighbor of the baseline's frame, by the frames' index.
pub type Neighbors = BTreeMap<u64, Level>;

/// Parses the output of ffmpeg's `metadata` filter, two lines per frame: `frame:2 pts:51 pts_time:1.7` with the
/// index as the time, and `lavfi.psnr.psnr_avg=29.860577`.
///
/// # Errors
/// When a line has another form, or a frame has no level.
pub fn neighbors(printed: &str) -> anyhow::Result<Neighbors> {
    let mut lines = printed.lines();
    let mut found = Neighbors::new();
    while let Some(line) = lines.next() {
        let what = || format!("in the metadata filter's line {line:?}");
        let index = line.split_ascii_whitespace().find_map(|word| word.strip_prefix("pts:")).with_context(what)?;
        let index = index.parse().ok().with_context(what)?;
        let printed = lines.next().and_then(|line| line.strip_prefix(LEVEL)?.strip_prefix('='));
        found.insert(index, level(printed.with_context(what)?).with_context(what)?);
    }
    Ok(found)
}

/// The frames below `least` that match the baseline's previous or next frame better than their own.
///
/// # Errors
/// When one of the frames below `least` was not compared with a neighbor that exists.
pub fn misplaced(
    own: &[FramePsnr],
    before: &Neighbors,
    after: &Neighbors,
    least: Decibels,
) -> anyhow::Result<Vec<Misplaced>> {
    let db = |level: Level| if let Level::Db(db) = level { db.min(BEST_DB) } else { BEST_DB };
    let more = |a: &(u64, Level), b: &(u64, Level)| db(a.1).total_cmp(&db(b.1));
    let mut found = Vec::new();
    for (frame, own_level) in (0u64..).zip(own.iter().map(|frame| frame.all)) {
        if own_level.reaches(least) {
            continue;
        }
        let against = |of: &Neighbors, which: &str, shows: u64| {
            let level =
                of.get(&frame).with_context(|| format!("frame {frame} was not compared with the one {which}"))?;
            anyhow::Ok((shows, *level))
        };
        // The first frame has no previous one, the last no next one.
        let before = (frame > 0).then(|| against(before, "before", frame - 1)).transpose()?;
        let after = (frame + 1 < own.len() as u64).then(|| against(after, "after", frame + 1)).transpose()?;
        let Some((shows, neighbor)) = before.into_iter().chain(after).max_by(more) else { continue };
        if db(neighbor) > db(own_level) + MISPLACED_DB {
            found.push(Misplaced { frame, shows, level: own_level, neighbor });
        }
    }
    Ok(found)
}

/// The stretch of `frames` frames with the lowest PSNR of the mean squared error: its first frame and its level.
pub fn worst_stretch(levels: &[Level], frames: u64) -> (u64, Level) {
    let length = (frames.max(1) as usize).min(levels.len());
    let errors: Vec<f64> = levels.iter().map(squared_error).collect();
    let mut sum: f64 = errors[..length].iter().sum();
    let mut worst = (0, sum);
    for start in 1..=errors.len() - length {
        sum += errors[start + length - 1] - errors[start - 1];
        if sum > worst.1 {
            worst = (start, sum);
        }
    }
    // Rounding errors from adding and subtracting do not count.
    let mean = (worst.1 / length.max(1) as f64).max(0.0);
    let level = if mean < 1e-12 { Level::Identical } else { Level::Db(-10.0 * mean.log10()) };
    (worst.0 as u64, level)
}

fn worst_of(levels: &[Level]) -> Option<(usize, Level)> {
    let by_level = |(_, a): &(usize, &Level), (_, b): &(usize, &Level)| a.partial_cmp(b).expect("levels are never NaN");
    levels.iter().enumerate().min_by(by_level).map(|(i, level)| (i, *level))
}

fn mean_db(levels: impl ExactSizeIterator<Item = Level>) -> f64 {
    let count = levels.len() as f64;
    let counted = |level| match level {
        Level::Identical => BEST_DB,
        Level::Db(db) => f64::min(db, BEST_DB),
    };
    levels.map(counted).sum::<f64>() / count
}

/// A frame's squared error relative to the square of the peak: MSE = 10^(-PSNR / 10). The peak itself need not
/// be known.
fn squared_error(level: &Level) -> f64 {
    match level {
        Level::Identical => 0.0,
        Level::Db(db) => 10f64.powf(-db / 10.0),
    }
}

fn from_mean_mse(levels: &[Level]) -> Level {
    let mean = levels.iter().map(squared_error).sum::<f64>() / levels.len() as f64;
    if mean == 0.0 { Level::Identical } else { Level::Db(-10.0 * mean.log10()) }
}

/// The percentile by nearest rank: the smallest level that at least this share of all levels does not exceed.
fn percentile(levels: &[Level], share: f64) -> Option<Level> {
    let mut sorted = levels.to_vec();
    sorted.sort_by(|a, b| a.partial_cmp(b).expect("levels are never NaN"));
    let rank = (share * sorted.len() as f64).ceil().max(1.0) as usize;
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
#[path = "psnr_tests.rs"]
mod tests;
