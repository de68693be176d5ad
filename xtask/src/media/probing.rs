//! What a video is, and whether it decodes.

use std::path::Path;

use anyhow::Context;

use super::{Media, decoder_args, file_arg};
use crate::measure::probe::MediaShape;

impl Media {
    /// A video's shape; all its frames are decoded to count them.
    ///
    /// # Errors
    /// When the file is no video, or nothing of it decodes.
    pub async fn shape(&self, video: &Path) -> anyhow::Result<MediaShape> {
        let shape = self.shape_by(video, None).await?;
        match shape.alpha_decoder() {
            Some(decoder) => self.shape_by(video, Some(decoder)).await,
            None => Ok(shape),
        }
    }

    async fn shape_by(&self, video: &Path, decoder: Option<&str>) -> anyhow::Result<MediaShape> {
        let entries = "frame=stream_index,best_effort_timestamp_time,width,height,pix_fmt,\
             color_range,color_space,color_primaries,color_transfer";
        let command = self.ffprobe().args(["-show_entries", entries]).args(decoder_args(decoder));
        let output = command
            .arg(file_arg(video))
            .run(&self.children)
            .await
            .with_context(|| format!("{} can't be read as a video", video.display()))?;
        MediaShape::from_ffprobe(&output.stdout).with_context(|| format!("{}", video.display()))
    }

    /// The shape of a video that decodes from end to end.
    ///
    /// # Errors
    /// As [`Media::shape`] and [`Media::decodes`].
    pub async fn shape_of_whole(&self, video: &Path) -> anyhow::Result<MediaShape> {
        let shape = self.shape(video).await?;
        self.decodes(video, &shape).await?;
        Ok(shape)
    }

    /// Decodes a video and its sound from end to end.
    ///
    /// # Errors
    /// When something in it does not decode: ffprobe passes that over.
    pub async fn decodes(&self, video: &Path, shape: &MediaShape) -> anyhow::Result<()> {
        let command = self
            .ffmpeg()
            .args(decoder_args(shape.alpha_decoder()))
            .args(["-i", &file_arg(video), "-map", "0:V:0", "-map", "0:a?"])
            .args(["-fps_mode", "passthrough", "-f", "null", "/dev/null"]);
        let decoded = command.run(&self.children).await;
        decoded.map(|_| ()).with_context(|| format!("{} does not decode from end to end", video.display()))
    }
}
