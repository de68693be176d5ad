//! One frame of a render and of its baseline, as pictures to look at.

use std::{fs, path::Path};

use anyhow::{Context, ensure};

use super::{Media, decoder_args, file_arg, half_of_the_processors};
use crate::measure::{png::PictureSize, probe::MediaShape, raster::Raster};

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
        let taken = async |video: &Path, name: &str| {
            let to = dir.path().join(name);
            let command = self
                .ffmpeg()
                .args(decoder_args(shape.alpha_decoder()))
                .args(["-threads", &half_of_the_processors().to_string()])
                .args(seek.clone())
                .args(["-i", &file_arg(video), "-map", "0:V:0", "-vf", "format=rgb24", "-frames:v", "1"])
                .args(["-fps_mode", "passthrough", "-f", "rawvideo", &file_arg(&to)]);
            command.run(&self.children).await?;
            Raster::new(size, fs::read(&to).with_context(|| format!("{}", to.display()))?)
        };
        // At the same time: each has to decode from a frame before that stands by itself.
        let (of_baseline, of_render) = tokio::join!(taken(baseline, "baseline"), taken(render, "render"));
        Ok((of_baseline.with_context(what)?, of_render.with_context(what)?))
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
    fn a_frame_is_looked_for_between_its_neighbours() {
        let times = [0.0, 0.04, 0.08];
        assert_eq!(seek_args(&times, 0), Some(Vec::new()));
        assert_eq!(seek_args(&times, 2).unwrap(), ["-seek_timestamp", "1", "-ss", "0.060000"]);
        assert_eq!(seek_args(&times, 3), None);
    }
}
