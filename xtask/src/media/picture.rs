//! PSNR, SSIM and hashes of all frames.

use anyhow::{Context, ensure};

use super::{graph, pass::Pass};
use crate::measure::{
    Decibels,
    comparison::Picture,
    probe::MediaShape,
    psnr::{self, PsnrSummary},
    ssim::SsimSummary,
};

impl Pass {
    /// The picture of a render against that of a baseline of the same shape; frames
    /// below `least` were looked for among their neighbours.
    ///
    /// # Errors
    /// When not every frame was compared.
    pub(super) fn picture(&self, shape: &MediaShape, least: Decibels) -> anyhow::Result<Picture> {
        let what = || self.what();
        let own = psnr::frames(&self.read("psnr")?).with_context(what)?;
        let has_alpha = own.iter().all(|f| f.planes.iter().any(|(name, _)| *name == 'a'));
        ensure!(
            has_alpha == graph::with_alpha(&shape.pixel_format).is_some(),
            "the alpha plane of {} ({}) can't be measured",
            self.render(),
            shape.pixel_format
        );
        let neighbours = |name: &str| psnr::neighbours(&self.read(name)?).with_context(what);
        let (before, after) = (neighbours("before")?, neighbours("after")?);
        let misplaced = psnr::misplaced(&own, &before, &after, least).with_context(what)?;
        let psnr = PsnrSummary::of(&own).with_context(what)?;
        let (ssim, ssim_frames) = SsimSummary::from_stats(&self.read("ssim")?).with_context(what)?;
        let hashes = self.hashes.clone();
        for (measure, frames) in [("PSNR", psnr.frames), ("SSIM", ssim_frames), ("a hash", hashes.count() as u64)] {
            ensure!(
                frames == shape.frames,
                "{frames} of {} frames of {} have {measure}: not all were compared",
                shape.frames,
                self.render()
            );
        }
        let worst = usize::try_from(psnr.worst_frame).context("a frame's index")?;
        let worst_at_s = shape.frame_times_s.get(worst).copied().unwrap_or_default();
        let frames_a_second = shape.fps.value().ceil() as u64;
        Ok(Picture { psnr, ssim, hashes, worst_at_s, frames_a_second, misplaced })
    }
}
