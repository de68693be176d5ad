//! How alike two renders are, for the comparisons that judge nothing. Pure.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::measure::{Level, comparison::Comparison, residual::Residual};

/// How alike two renders are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Likeness {
    /// How their shapes differ; where they do, nothing else was compared.
    pub differences: Vec<String>,
    /// Mean of the frames' PSNR, dB, where an identical frame counts as 100.
    pub psnr_avg_db: Option<f64>,
    /// The worst frame's PSNR, dB.
    pub worst_frame_db: Option<Level>,
    /// Frames that are equal to the bit.
    pub identical_frames: u64,
    /// Frames compared.
    pub frames: u64,
    /// The residual of each audio track, dBFS.
    pub audio_residual_dbfs: Vec<Residual>,
}

impl Likeness {
    /// What a comparison came to.
    pub(crate) fn of(comparison: &Comparison) -> Self {
        let mut likeness = Self {
            differences: Vec::new(),
            psnr_avg_db: None,
            worst_frame_db: None,
            identical_frames: 0,
            frames: 0,
            audio_residual_dbfs: Vec::new(),
        };
        match comparison {
            Comparison::Unlike(differences) => {
                likeness.differences = differences.iter().map(ToString::to_string).collect();
            }
            Comparison::Exact(frames) => {
                likeness.identical_frames = frames.identical_frames();
                likeness.frames = frames.frames();
            }
            Comparison::Alike { picture, audio } => {
                likeness.psnr_avg_db = Some(picture.psnr.mean_db);
                likeness.worst_frame_db = Some(picture.psnr.worst);
                likeness.identical_frames = picture.psnr.identical_frames;
                likeness.frames = picture.psnr.frames;
                likeness.audio_residual_dbfs = audio.iter().map(|sound| sound.whole).collect();
            }
        }
        likeness
    }
}

impl fmt::Display for Likeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.psnr_avg_db, self.worst_frame_db) {
            _ if !self.differences.is_empty() => write!(f, "differs in {}", self.differences.join(", ")),
            _ if self.identical_frames == self.frames => write!(f, "every frame identical"),
            (Some(mean), Some(worst)) => {
                write!(
                    f,
                    "PSNR {mean:.2} dB, worst frame {worst} dB, {} of {} identical",
                    self.identical_frames, self.frames
                )
            }
            _ => write!(f, "{} of {} frames identical", self.identical_frames, self.frames),
        }
    }
}
