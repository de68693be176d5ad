//! One ffmpeg that decodes a render and its baseline, each once, and measures all that takes both.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context;
use tempfile::TempDir;

use super::{Media, absolute_arg, decoder_args, graph, half_of_the_processors, sound};
use crate::measure::{
    Decibels,
    frames::FrameHashes,
    probe::MediaShape,
    showinfo::{self, DecodedFrame, Video},
    yuv4mpeg,
};

/// What such a pass left.
pub(super) struct Pass {
    dir: TempDir,
    /// The render, for messages.
    render: PathBuf,
    /// The render's own frames.
    pub(super) hashes: FrameHashes,
}

/// Frames as they are, to be hashed here: ffmpeg would copy each for that, and
/// its cryptographic hashes take longer than decoding.
const RAW: [&str; 5] = ["-f", "yuv4mpegpipe", "-strict", "unofficial", "pipe:1"];

/// What frames that can't be written so are known by.
const HASHED: [&str; 5] = ["-f", "framehash", "-hash", "md5", "pipe:1"];

impl Media {
    /// Decodes two videos whose headers tell of one shape, with their sound, from
    /// end to end. Frames below `least` are compared with their neighbours too.
    ///
    /// # Errors
    /// When something in either does not decode, or its frames change on the way.
    pub(super) async fn pass(
        &self,
        render: &Path,
        baseline: &Path,
        shape: &MediaShape,
        least: Decibels,
    ) -> anyhow::Result<Pass> {
        let dir = tempfile::tempdir().context("a temporary folder for measurements")?;
        let raw = yuv4mpeg::takes(&shape.pixel_format);
        let decoder = decoder_args(shape.alpha_decoder());
        // On the files' own clocks, which picture and sound share: else each track would begin at 0.
        let mut command = self.ffmpeg_telling(dir.path()).arg("-copyts");
        let threads = half_of_the_processors().to_string();
        for video in [render, baseline] {
            command = command.args(decoder.clone()).args(["-threads", &threads, "-noautorotate"]);
            command = command.args(["-i", &absolute_arg(video)?]);
        }
        let (told, by_index) = (graph::told(shape, Video::Render), graph::by_index(shape));
        command = command
            .args(["-filter_complex_threads", &threads, "-filter_complex", &graph::comparing(shape, least)])
            .args(["-map", "[end]", "-fps_mode", "passthrough", "-f", "null", "/dev/null"])
            // Outputs of either file's own: ffmpeg reads a file for those at the same time as the other, but for
            // filters that take both one file at a time.
            .args(["-map", "0:V:0", "-filter:v", &told, "-fps_mode", "passthrough"])
            .args(if raw { RAW } else { HASHED })
            .args(["-map", "1:V:0", "-filter:v", &by_index, "-fps_mode", "passthrough", "-f", "null", "/dev/null"]);
        for track in 0..shape.audio.len() {
            for (input, video) in [Video::Render, Video::Baseline].into_iter().enumerate() {
                command = command.args(["-map", &format!("{input}:a:{track}"), "-af", &sound::filters()]);
                command = command.args(["-f", "s16le", &sound::file_name(video, track)]);
            }
        }
        let (mut frames, writer) = io::pipe().context("a pipe for frames")?;
        let hashing = tokio::task::spawn_blocking(move || {
            let hashes = match raw {
                true => FrameHashes::from_yuv4mpeg(&mut frames),
                false => {
                    io::read_to_string(&mut frames).map_err(Into::into).and_then(|t| FrameHashes::from_framehash(&t))
                }
            };
            // Where they are not as they should be, ffmpeg still comes to its end.
            io::copy(&mut frames, &mut io::sink())?;
            hashes
        });
        let what = || format!("comparing the picture of {}", render.display());
        let ran = command.run_into(&self.children, writer).await;
        let hashes = hashing.await.context("hashing frames").with_context(what)?;
        ran.with_context(what)?;
        Ok(Pass { dir, render: render.to_owned(), hashes: hashes.with_context(what)? })
    }
}

impl Pass {
    /// The frames of a video that was told of.
    ///
    /// # Errors
    /// When they are not told as they should be.
    pub(super) fn frames(&self, video: Video) -> anyhow::Result<Vec<DecodedFrame>> {
        let log = fs::read(self.path(Media::LOG)).context("the log of ffmpeg").with_context(|| self.what())?;
        showinfo::frames(&String::from_utf8_lossy(&log), video).with_context(|| self.what())
    }

    /// What is done, for errors.
    pub(super) fn what(&self) -> String {
        format!("comparing the picture of {}", self.render.display())
    }

    /// The render's name, for errors.
    pub(super) fn render(&self) -> std::path::Display<'_> {
        self.render.display()
    }

    /// The text of a file that ffmpeg wrote.
    pub(super) fn read(&self, name: &str) -> anyhow::Result<String> {
        fs::read_to_string(self.path(name)).with_context(|| format!("{name} of ffmpeg"))
    }

    /// A file that ffmpeg wrote.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}
