//! A few frames out of a video: as pictures to look at, and compared with others of the same video.

use std::{fs, ops::Range, path::Path};

use anyhow::{Context, ensure};
use render_verdict::{
    frames::png::PictureSize,
    picture::{
        psnr::{self, FramePsnr},
        raster::Raster,
    },
    probe::MediaShape,
};
use xshell::cmd;

use crate::tools::ffmpeg::{Media, decoder_args, filters, half_of_the_processors};

impl Media {
    /// A frame of both videos by its index in decode order: the baseline's and the
    /// render's. Both have the same `shape`.
    ///
    /// # Errors
    /// When either has no such frame, or it can't be decoded.
    pub async fn stills(
        &self,
        render: &Path,
        baseline: &Path,
        shape: &MediaShape,
        frame: u64,
    ) -> anyhow::Result<(Raster, Raster)> {
        let what = || format!("taking frame {frame} out of {}", render.display());
        ensure!(shape.rotation == 0, "the picture is rotated by {} degrees", shape.rotation);
        let dir = tempfile::tempdir().context("a temporary folder for frames")?;
        let size = PictureSize {
            width: u32::try_from(shape.width).with_context(what)?,
            height: u32::try_from(shape.height).with_context(what)?,
        };
        let seek = seek_args(&shape.frame_times_s, frame).with_context(what)?;
        let (sh, ffmpeg, decoder) = (&self.runner.sh, &self.ffmpeg, &decoder_args(shape.alpha_decoder()));
        let threads = half_of_the_processors().to_string();
        let still = async |video: &Path, name: &str| {
            let (seek, to) = (&seek, dir.path().join(name));
            let decode = cmd!(
                sh,
                "{ffmpeg} -nostdin -v error -xerror -y {decoder...} -threads {threads} {seek...} -i file:{video}
                    -map 0:V:0 -vf format=rgb24 -frames:v 1 -fps_mode passthrough -f rawvideo file:{to}"
            );
            self.run(decode).await?;
            Raster::new(size, fs::read(&to).with_context(|| format!("{}", to.display()))?)
        };
        // At the same time: each has to decode from the last key frame on.
        let (of_baseline, of_render) = tokio::join!(still(baseline, "baseline"), still(render, "render"));
        Ok((of_baseline.with_context(what)?, of_render.with_context(what)?))
    }

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
        let what = || format!("comparing stretches of {}", video.display());
        let (sh, ffmpeg, decoder) = (&self.runner.sh, &self.ffmpeg, &decoder_args(shape.alpha_decoder()));
        let (input, stretches) =
            (std::path::absolute(video).with_context(what)?, filters::stretches(shape, stretch, distance));
        let compare = cmd!(
            sh,
            "{ffmpeg} -nostdin -v error -xerror -y {decoder...} -i file:{input} {decoder...} -i file:{input}
                -filter_complex {stretches} -fps_mode passthrough -f null /dev/null"
        );
        self.run(compare).cwd(dir.path()).await.with_context(what)?;
        let stats = fs::read_to_string(dir.path().join("psnr")).with_context(what)?;
        let frames = psnr::frames(&stats).with_context(what)?;
        let (found, there) = (frames.len() as u64, stretch.end - stretch.start);
        ensure!(found == there, "{found} of {there} frames of {} were compared", video.display());
        Ok(frames)
    }
}

/// Begins at a frame: halfway between the one before and it, so that neither
/// rounding nor the little by which two files' times may differ gives another.
fn seek_args(frame_times_s: &[f64], frame: u64) -> Option<Vec<String>> {
    let index = usize::try_from(frame).ok()?;
    let at_s = *frame_times_s.get(index)?;
    let Some(before_s) = index.checked_sub(1).and_then(|before| frame_times_s.get(before)) else {
        return Some(Vec::new());
    };
    let from_s = format!("{:.6}", f64::midpoint(*before_s, at_s));
    Some(["-seek_timestamp", "1", "-ss", &from_s].map(str::to_owned).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_looked_for_between_its_neighbors() {
        let times = [0.0, 0.04, 0.08];
        assert_eq!(seek_args(&times, 0), Some(Vec::new()));
        assert_eq!(seek_args(&times, 2).unwrap(), ["-seek_timestamp", "1", "-ss", "0.060000"]);
        assert_eq!(seek_args(&times, 3), None);
    }
}
