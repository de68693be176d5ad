//! `lambda-compare`: any two videos, or sequences of frames.

use std::path::PathBuf;

use clap::Args;

use super::help;
use crate::measure::{Decibels, gate::GateSettings};

/// Flags of `lambda-compare`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::HINT, after_long_help = help::after("lambda-compare"))]
pub struct CompareOptions {
    /// The video in question; of frames their folder, or a tar.gz.
    pub render: PathBuf,
    /// The video that it is held against, or the folder of frames.
    pub baseline: PathBuf,
    /// Print everything that was measured, as JSON.
    #[arg(long)]
    pub json: bool,
    /// Least mean PSNR in dB [default: 40].
    ///
    /// Over all planes and of each.
    #[arg(long, value_name = "DB", allow_negative_numbers = true)]
    pub psnr_threshold: Option<Decibels>,
    /// How many dB a single frame may lie below that [default: 10].
    #[arg(long, value_name = "DB")]
    pub frame_psnr_margin: Option<Decibels>,
    /// How many frames may lie lower still [default: 0].
    #[arg(long, value_name = "N")]
    pub max_frame_failures: Option<u64>,
    /// Loudest residual of an audio track in dBFS [default: -50].
    ///
    /// Any 100 ms may be 10 dB louder.
    #[arg(long, value_name = "DBFS", allow_negative_numbers = true)]
    pub max_audio_residual: Option<Decibels>,
    /// Frames a second of frames, which don't tell [default: 30].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=240))]
    pub fps: Option<u32>,
}

impl CompareOptions {
    /// Frames a second of a sequence of frames.
    pub fn fps(&self) -> u32 {
        self.fps.unwrap_or(30)
    }

    /// What the flags say of the limits.
    pub fn gate(&self) -> GateSettings {
        GateSettings {
            psnr: self.psnr_threshold,
            frame_margin: self.frame_psnr_margin,
            max_frame_failures: self.max_frame_failures,
            audio_residual: self.max_audio_residual,
        }
    }
}
