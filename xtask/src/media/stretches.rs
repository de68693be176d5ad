//! Two stretches of one video against each other.

use std::{fs, path::Path};

use anyhow::{Context, ensure};

use super::{Media, absolute_arg, decoder_args, graph};
use crate::measure::{
    probe::MediaShape,
    psnr::{self, PsnrSummary},
};

impl Media {
    /// How alike two stretches of one video are: the mean PSNR of their frames, paired in order.
    ///
    /// # Errors
    /// When the video can't be decoded, or has not that many frames.
    pub async fn between_stretches(
        &self,
        video: &Path,
        shape: &MediaShape,
        starts: (u64, u64),
        frames: u64,
    ) -> anyhow::Result<PsnrSummary> {
        let dir = tempfile::tempdir().context("a temporary folder for measurements")?;
        let command = self
            .ffmpeg()
            .cwd(dir.path())
            .args(decoder_args(shape.alpha_decoder()))
            .args(["-i", &absolute_arg(video)?, "-filter_complex", &graph::stretches(shape, starts, frames)])
            .args(["-fps_mode", "passthrough", "-f", "null", "/dev/null"]);
        let what = || format!("comparing stretches of {}", video.display());
        command.run(&self.children).await.with_context(what)?;
        let stats = fs::read_to_string(dir.path().join("psnr")).with_context(what)?;
        let summary = PsnrSummary::of(&psnr::frames(&stats)?).with_context(what)?;
        ensure!(summary.frames == frames, "{} of {frames} frames of {} were compared", summary.frames, video.display());
        Ok(summary)
    }
}
