//! What a video is, and whether it decodes.

use std::{fs, path::Path};

use anyhow::Context;

use super::{Media, absolute_arg, decoder_args, file_arg};
use crate::measure::{
    probe::{Headers, MediaShape},
    showinfo::{self, Video},
};

impl Media {
    /// What a video's file tells of it.
    ///
    /// # Errors
    /// When it is no video.
    pub(super) async fn headers(&self, video: &Path) -> anyhow::Result<Headers> {
        let headers = self.headers_by(video, None).await?;
        match headers.told().alpha_decoder() {
            Some(decoder) => self.headers_by(video, Some(decoder)).await,
            None => Ok(headers),
        }
    }

    async fn headers_by(&self, video: &Path, decoder: Option<&str>) -> anyhow::Result<Headers> {
        let command = self.ffprobe().args(decoder_args(decoder)).arg(file_arg(video));
        let output = command.run(&self.children).await;
        let output = output.with_context(|| format!("{} can't be read as a video", video.display()))?;
        Headers::from_ffprobe(&output.stdout).with_context(|| format!("{}", video.display()))
    }

    /// The shape of a video, which with its sound is decoded from end to end.
    ///
    /// # Errors
    /// When the file is no video, or something in it does not decode.
    pub async fn shape_of_whole(&self, video: &Path) -> anyhow::Result<MediaShape> {
        let headers = self.headers(video).await?;
        self.decoded(video, &headers).await
    }

    /// The shape of a video with these headers, as [`Media::shape_of_whole`].
    pub(super) async fn decoded(&self, video: &Path, headers: &Headers) -> anyhow::Result<MediaShape> {
        let dir = tempfile::tempdir().context("a temporary folder for measurements")?;
        let command = self
            .ffmpeg_telling(dir.path())
            .args(["-copyts", "-noautorotate"])
            .args(decoder_args(headers.told().alpha_decoder()))
            .args(["-i", &absolute_arg(video)?, "-map", "0:V:0", "-map", "0:a?"])
            .args(["-filter:v", &showinfo::filters(Video::Render)])
            .args(["-fps_mode", "passthrough", "-f", "null", "/dev/null"]);
        let decoded = command.run(&self.children).await;
        decoded.with_context(|| format!("{} does not decode from end to end", video.display()))?;
        let what = || format!("{}", video.display());
        let log = fs::read(dir.path().join(Self::LOG)).context("the log of ffmpeg").with_context(what)?;
        let frames = showinfo::frames(&String::from_utf8_lossy(&log), Video::Render).with_context(what)?;
        headers.with(&frames).with_context(what)
    }
}
