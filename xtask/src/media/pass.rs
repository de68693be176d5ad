//! One ffmpeg that decodes a render and its baseline, each once, and measures all that takes both.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use tempfile::TempDir;
use xshell::cmd;

use super::{Media, decoder_args, graph, half_of_the_processors, sound};
use crate::measure::{
    Decibels,
    comparison::Picture,
    frames::FrameHashes,
    probe::MediaShape,
    psnr::{self, PsnrSummary},
    showinfo::{self, DecodedFrame, Video},
    ssim::SsimSummary,
    yuv4mpeg,
};

/// What such a pass left.
pub(super) struct Pass {
    dir: TempDir,
    /// The render, for messages.
    render: PathBuf,
    /// The render's own frames.
    hashes: FrameHashes,
}

/// Frames as they are, to be hashed here: ffmpeg would copy each for that, and
/// its cryptographic hashes take longer than decoding.
const RAW: [&str; 4] = ["-f", "yuv4mpegpipe", "-strict", "unofficial"];

/// Frames that can't be written so are hashed by ffmpeg.
const HASHED: [&str; 4] = ["-f", "framehash", "-hash", "md5"];

impl Media {
    /// Decodes two videos whose headers have the same shape, with their sound, from
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
        let (sh, ffmpeg, decoder) = (&self.runner.sh, &self.ffmpeg, &decoder_args(shape.alpha_decoder()));
        let [first, second] = [render, baseline].map(std::path::absolute);
        let (first, second) = (first.context("the render's path")?, second.context("the baseline's path")?);
        let threads = half_of_the_processors().to_string();
        let (comparing, by_index) = (graph::comparing(shape, least), graph::by_index(shape));
        let own_frames = graph::own_frames(shape, Video::Render);
        let format = if raw { RAW } else { HASHED };
        let tracks = (0..shape.audio.len()).flat_map(|track| [(0, Video::Render, track), (1, Video::Baseline, track)]);
        let sound = tracks.flat_map(|(input, video, track)| {
            let (map, pcm) = (format!("{input}:a:{track}"), sound::file_name(video, track));
            ["-map".into(), map, "-af".into(), sound::filters(), "-f".into(), "s16le".into(), pcm]
        });
        // -copyts keeps the files' own clocks, which picture and sound share: otherwise each track would begin at 0.
        // The first output takes both pictures; ffmpeg reads the files for such filters one at a time, and for the
        // outputs that take one of them at the same time.
        let compare = cmd!(
            sh,
            "{ffmpeg} -nostdin -v error -xerror -y -nostats -copyts
                {decoder...} -threads {threads} -noautorotate -i file:{first}
                {decoder...} -threads {threads} -noautorotate -i file:{second}
                -filter_complex_threads {threads} -filter_complex {comparing}
                -map [end] -fps_mode passthrough -f null /dev/null
                -map 0:V:0 -filter:v {own_frames} -fps_mode passthrough {format...} pipe:1
                -map 1:V:0 -filter:v {by_index} -fps_mode passthrough -f null /dev/null
                {sound...}"
        );
        let (mut frames, writer) = io::pipe().context("a pipe for frames")?;
        let hashing = tokio::task::spawn_blocking(move || {
            let hashes = match raw {
                true => FrameHashes::from_yuv4mpeg(&mut frames),
                false => {
                    io::read_to_string(&mut frames).map_err(Into::into).and_then(|t| FrameHashes::from_framehash(&t))
                }
            };
            // When they are not as they should be, ffmpeg still has to get to its end.
            io::copy(&mut frames, &mut io::sink())?;
            hashes
        });
        let what = || format!("comparing the picture of {}", render.display());
        let ran = self.run_with_log(compare, dir.path()).into(writer).await;
        let hashes = hashing.await.context("hashing frames").with_context(what)?;
        ran.with_context(what)?;
        Ok(Pass { dir, render: render.to_owned(), hashes: hashes.with_context(what)? })
    }
}

impl Pass {
    /// The frames of a video, from ffmpeg's log.
    ///
    /// # Errors
    /// When the log does not have them.
    pub(super) fn frames(&self, video: Video) -> anyhow::Result<Vec<DecodedFrame>> {
        let log = fs::read(self.path(Media::LOG)).context("the log of ffmpeg").with_context(|| self.what())?;
        showinfo::frames(&String::from_utf8_lossy(&log), video).with_context(|| self.what())
    }

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

    /// What is done, for errors.
    fn what(&self) -> String {
        format!("comparing the picture of {}", self.render.display())
    }

    /// The render's name, for errors.
    pub(super) fn render(&self) -> std::path::Display<'_> {
        self.render.display()
    }

    /// The text of a file that ffmpeg wrote.
    fn read(&self, name: &str) -> anyhow::Result<String> {
        fs::read_to_string(self.path(name)).with_context(|| format!("{name} of ffmpeg"))
    }

    /// A file that ffmpeg wrote.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}
