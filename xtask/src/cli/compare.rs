//! `lambda-compare`: any two videos, or sequences of frames.

use std::path::PathBuf;

use clap::Args;

use super::{help, limits::LimitArgs};

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
    /// What the render must reach.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// Frames a second of frames, which don't tell [default: 30].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=240))]
    pub fps: Option<u32>,
}

impl CompareOptions {
    /// Frames a second of a sequence of frames.
    pub fn fps(&self) -> u32 {
        self.fps.unwrap_or(30)
    }
}
