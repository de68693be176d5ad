//! Reasons not to pass. Each names its gate, the value and the limit.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

use super::{
    Decibels, Level, audio::Lost, exact::ExactFinding, psnr::Misplaced, residual::Residual, shape::Difference,
};

/// A reason not to pass.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    /// Streams, frames, size, rate, format, colours, duration or times differ.
    Shape(Difference),
    /// The mean over all planes is too low.
    Mean {
        /// In dB.
        mean_db: f64,
        /// The least.
        limit: Decibels,
    },
    /// One plane's mean is too low.
    Plane {
        /// y, u, v, r, g, b or a.
        plane: char,
        /// In dB.
        mean_db: f64,
        /// The least.
        limit: Decibels,
    },
    /// A second is ruined.
    Second {
        /// The second's first frame, from 0.
        start: u64,
        /// The PSNR of its mean squared error.
        level: Level,
        /// The least.
        limit: Decibels,
    },
    /// Too many frames are ruined.
    Frames {
        /// How many are below the limit.
        below: u64,
        /// How many may be.
        allowed: u64,
        /// The worst one's level.
        worst: Level,
        /// Its index, from 0.
        frame: u64,
        /// When it is shown, in seconds.
        at_s: f64,
        /// The limit for each frame.
        limit: Decibels,
    },
    /// Frames are repeated, dropped or swapped.
    Misplaced {
        /// The first of them.
        first: Misplaced,
        /// How many there are.
        count: usize,
    },
    /// Frames are not the in-process ones to the byte.
    Exact(ExactFinding),
    /// Chunks that should differ have the same frames.
    Frozen {
        /// The chunks, from 0.
        chunks: (u64, u64),
        /// How alike the baseline's stretches are, dB.
        baseline: Level,
        /// What they would have to reach to be still, dB.
        still_db: f64,
    },
    /// A track differs too much over its whole length.
    Audio {
        /// From 0.
        track: usize,
        /// What is left of the difference.
        residual: Residual,
        /// The loudest.
        limit: Decibels,
        /// How much later the render's track is, ms, where that can be told.
        lag_ms: Option<f64>,
    },
    /// A track differs too much for a moment.
    AudioMoment {
        /// From 0.
        track: usize,
        /// What is left of the difference in 100 ms.
        residual: Residual,
        /// When, in seconds.
        at_s: f64,
        /// The loudest.
        limit: Decibels,
    },
    /// A stretch of the baseline's sound is not in the render.
    AudioLost {
        /// From 0.
        track: usize,
        /// The stretch.
        lost: Lost,
    },
    /// The figures are not those of the fixture's record.
    LeftRecord {
        /// Such as `mean PSNR of plane y`.
        what: String,
        /// What was measured.
        value: String,
        /// What is recorded, and how far from it is allowed.
        recorded: String,
    },
    /// The fixture's record can't tell of this render, for this reason.
    NotRecorded(&'static str),
    /// The other plan protocol rendered something else.
    Semantic(String),
    /// An execution's history contradicts its video or what was asked for.
    Contradiction(String),
}

/// A finding, for JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FindingRecord {
    /// Such as `psnr-mean`.
    pub gate: Cow<'static, str>,
    /// What was measured, with its unit.
    pub value: String,
    /// What it is held against, with its unit.
    pub limit: String,
    /// The sentence that people read.
    pub message: String,
}

impl Finding {
    /// The gate that it failed.
    pub fn gate(&self) -> &'static str {
        match self {
            Self::Shape(_) => "structure",
            Self::Mean { .. } => "psnr-mean",
            Self::Plane { .. } => "psnr-plane",
            Self::Second { .. } => "psnr-second",
            Self::Frames { .. } => "psnr-frame",
            Self::Misplaced { .. } => "frame-order",
            Self::Exact(_) => ExactFinding::GATE,
            Self::Frozen { .. } => "frozen-chunks",
            Self::Audio { .. } => "audio-residual",
            Self::AudioMoment { .. } => "audio-window",
            Self::AudioLost { .. } => "audio-lost",
            Self::LeftRecord { .. } | Self::NotRecorded(_) => "record",
            Self::Semantic(_) => "plan-protocols",
            Self::Contradiction(_) => "history",
        }
    }

    /// What JSON says of it.
    pub fn record(&self) -> FindingRecord {
        let (value, limit) = self.value_and_limit();
        FindingRecord { gate: self.gate().into(), value, limit, message: self.to_string() }
    }

    fn value_and_limit(&self) -> (String, String) {
        match self {
            Self::Shape(difference) => (difference.render.clone(), difference.baseline.clone()),
            Self::Mean { mean_db, limit } | Self::Plane { mean_db, limit, .. } => {
                (format!("{mean_db:.2} dB"), format!("{limit} dB"))
            }
            Self::Second { level, limit, .. } => (format!("{level} dB"), format!("{limit} dB")),
            Self::Frames { below, allowed, limit, .. } => (format!("{below} below {limit} dB"), allowed.to_string()),
            Self::Misplaced { first, .. } => {
                (format!("frame {} shows frame {}", first.frame, first.shows), format!("frame {}", first.frame))
            }
            Self::Frozen { chunks: (a, b), still_db, .. } => {
                (format!("chunks {a} and {b} are equal"), format!("{still_db:.2} dB between the baseline's stretches"))
            }
            Self::Audio { residual, limit, .. } | Self::AudioMoment { residual, limit, .. } => {
                (format!("{residual} dBFS"), format!("{limit} dBFS"))
            }
            Self::AudioLost { lost, .. } => (format!("{} dBFS", lost.residual), format!("{} dBFS", lost.baseline)),
            Self::LeftRecord { value, recorded, .. } => (value.clone(), recorded.clone()),
            Self::Exact(found) => (found.value.clone(), found.limit.clone()),
            Self::NotRecorded(why) => (format!("the record {why}"), "a record".to_owned()),
            Self::Semantic(what) => (what.clone(), "no difference".to_owned()),
            Self::Contradiction(what) => (what.clone(), "no contradiction".to_owned()),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape(difference) => difference.fmt(f),
            Self::Mean { mean_db, limit } => write!(f, "mean PSNR {mean_db:.2} dB is below {limit} dB"),
            Self::Plane { plane, mean_db, limit } => {
                write!(f, "mean PSNR {mean_db:.2} dB of plane {plane} is below {limit} dB")
            }
            Self::Second { start, level, limit } => {
                write!(f, "the second from frame {start} on has {level} dB by its mean squared error, below {limit} dB")
            }
            Self::Frames { below, allowed, worst, frame, at_s, limit } => write!(
                f,
                "frames below {limit} dB: {below}, allowed: {allowed}; the worst is frame {frame} (from 0, at {at_s:.3} s) \
                 with {worst} dB"
            ),
            Self::Misplaced { first, count } => write!(
                f,
                "frame {} shows the baseline's frame {} ({} dB) and not its own ({} dB): frames are repeated, dropped or \
                 swapped, {} in all",
                first.frame, first.shows, first.neighbour, first.level, count
            ),
            Self::Frozen { chunks: (a, b), baseline, still_db } => write!(
                f,
                "the render is frozen: chunks {a} and {b} have the same frames, but the baseline moves between them \
                 ({baseline} dB between the two stretches, {still_db:.2} dB or more when still)"
            ),
            Self::Audio { track, residual, limit, lag_ms } => {
                write!(f, "audio track {track}: the residual of {residual} dBFS is above {limit} dBFS")?;
                match lag_ms {
                    Some(ms) if ms.abs() >= 0.1 => {
                        write!(f, "; the render's sound is {} by {:.1} ms", late(*ms), ms.abs())
                    }
                    _ => Ok(()),
                }
            }
            Self::AudioMoment { track, residual, at_s, limit } => write!(
                f,
                "audio track {track}: the residual of {residual} dBFS at {at_s:.1} s is above {limit} dBFS for any 100 ms"
            ),
            Self::AudioLost { track, lost } => write!(
                f,
                "audio track {track}: from {:.1} s to {:.1} s the baseline's sound ({} dBFS) is not in the render: \
                 the residual has {} dBFS",
                lost.from_s, lost.to_s, lost.baseline, lost.residual
            ),
            Self::LeftRecord { what, value, recorded } => {
                write!(f, "{what} is {value}, recorded is {recorded}")
            }
            Self::Exact(found) => found.fmt(f),
            Self::NotRecorded(why) => write!(f, "the fixture's record {why}; lambda-smoke --update-expected writes it"),
            Self::Semantic(what) => write!(f, "v1 and v2 differ in {what}"),
            Self::Contradiction(what) => f.write_str(what),
        }
    }
}

fn late(ms: f64) -> &'static str {
    if ms > 0.0 { "late" } else { "early" }
}
