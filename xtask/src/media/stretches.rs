//! A video against itself, some frames later.

use std::{fs, ops::Range, path::Path};

use anyhow::{Context, ensure};

use super::{Media, absolute_arg, decoder_args, graph};
use crate::measure::{
    probe::MediaShape,
    psnr::{self, FramePsnr},
};

impl Media {
    /// How alike each frame of a stretch and the one `distance` frames later are.
    ///
    /// # Errors
    /// When the video can't be decoded, or has not that many frames.
    pub async fn apart(
        &self,
        video: &Path,
        shape: &MediaShape,
        stretch: &Range<u64>,
        distance: u64,
    ) -> anyhow::Result<Vec<FramePsnr>> {
        let dir = tempfile::tempdir().context("a temporary folder for measurements")?;
        let mut command = self.ffmpeg().cwd(dir.path());
        for _ in 0..2 {
            command = command.args(decoder_args(shape.alpha_decoder())).args(["-i", &absolute_arg(video)?]);
        }
        let command = command.args(["-filter_complex", &graph::stretches(shape, stretch, distance)]).args([
            "-fps_mode",
            "passthrough",
            "-f",
            "null",
            "/dev/null",
        ]);
        let what = || format!("comparing stretches of {}", video.display());
        command.run(&self.children).await.with_context(what)?;
        let stats = fs::read_to_string(dir.path().join("psnr")).with_context(what)?;
        let frames = psnr::frames(&stats).with_context(what)?;
        let (found, there) = (frames.len() as u64, stretch.end - stretch.start);
        ensure!(found == there, "{found} of {there} frames of {} were compared", video.display());
        Ok(frames)
    }
}
