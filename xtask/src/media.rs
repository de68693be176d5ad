//! Measuring videos with ffmpeg and ffprobe.

use std::{
    fs::File,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, ensure};

use crate::{
    measure::{
        audio::{Residual, residual},
        probe::MediaShape,
        psnr::PsnrSummary,
        shape::differences,
        verdict::Comparison,
    },
    process::{Children, Command, Env},
};

/// ffmpeg and ffprobe.
#[derive(Debug, Clone)]
pub struct Media {
    /// The `ffmpeg` program.
    pub ffmpeg: PathBuf,
    /// The `ffprobe` program.
    pub ffprobe: PathBuf,
    /// What they may see.
    pub env: Env,
    /// Where they are registered.
    pub children: Children,
}

const LIMIT: Duration = Duration::from_secs(30 * 60);

impl Media {
    /// Compares a render with its baseline: shapes first, and only where they
    /// agree every frame, paired by decode index, and every sample.
    ///
    /// # Errors
    /// When either file can't be decoded from end to end: what was not measured has no result.
    pub async fn compare(
        &self,
        render: &Path,
        baseline: &Path,
        baseline_shape: &MediaShape,
    ) -> anyhow::Result<(MediaShape, Comparison)> {
        let shape = self.shape(render).await?;
        let unlike = differences(baseline_shape, &shape);
        if !unlike.is_empty() {
            return Ok((shape, Comparison::Unlike(unlike)));
        }
        let psnr = self.psnr(render, baseline, shape.frames).await?;
        let mut audio = Vec::new();
        for track in 0..shape.audio.len() {
            audio.push(self.residual(render, baseline, track).await?);
        }
        Ok((shape, Comparison::Alike { psnr, audio }))
    }

    /// A video's shape; all its frames are decoded to count them.
    ///
    /// # Errors
    /// When the file is no video, or does not decode.
    pub async fn shape(&self, video: &Path) -> anyhow::Result<MediaShape> {
        let args = ["-v", "error", "-count_frames", "-show_streams", "-show_format", "-of", "json"];
        let command = Command::new(&self.ffprobe, &self.env).args(args).arg(file_arg(video)).limit(LIMIT);
        let output = command
            .run(&self.children)
            .await
            .with_context(|| format!("{} can't be read as a video", video.display()))?;
        MediaShape::from_ffprobe(&output.stdout).with_context(|| format!("{}", video.display()))
    }

    /// The PSNR of every frame.
    async fn psnr(&self, render: &Path, baseline: &Path, frames: u64) -> anyhow::Result<PsnrSummary> {
        // Timestamps by index: frames pair by decode order, whatever their times say.
        let by_index = "settb=1/1000,setpts=N*1000";
        let graph = format!("[0:v:0]{by_index}[a];[1:v:0]{by_index}[b];[a][b]psnr=stats_file=-:shortest=1");
        let command = self.ffmpeg().args(["-i", &file_arg(render), "-i", &file_arg(baseline)]).args([
            "-filter_complex",
            &graph,
            "-fps_mode",
            "passthrough",
            "-an",
            "-f",
            "null",
            "/dev/null",
        ]);
        let output =
            command.run(&self.children).await.with_context(|| format!("measuring the PSNR of {}", render.display()))?;
        let summary =
            PsnrSummary::from_stats(&output.stdout).with_context(|| format!("the PSNR of {}", render.display()))?;
        ensure!(
            summary.frames == frames,
            "{} of {frames} frames of {} were compared",
            summary.frames,
            render.display()
        );
        Ok(summary)
    }

    /// What is left of an audio track when the baseline's is taken from it.
    async fn residual(&self, render: &Path, baseline: &Path, track: usize) -> anyhow::Result<Residual> {
        let dir = tempfile::tempdir().context("a temporary folder for sound")?;
        let pcm = async |video: &Path, name: &str| {
            let to = dir.path().join(name);
            let map = format!("0:a:{track}");
            let command = self
                .ffmpeg()
                .args(["-i", &file_arg(video), "-map", &map])
                // Silence before the first sample is kept, so a shifted track is a difference.
                .args(["-af", "aresample=48000:async=1:first_pts=0", "-ac", "2", "-f", "s16le"])
                .arg(file_arg(&to));
            command.run(&self.children).await.with_context(|| format!("decoding the sound of {}", video.display()))?;
            File::open(&to).with_context(|| format!("{}", to.display()))
        };
        let (a, b) = (pcm(baseline, "baseline").await?, pcm(render, "render").await?);
        residual(a, b).with_context(|| format!("comparing the sound of {}", render.display()))
    }

    fn ffmpeg(&self) -> Command {
        // -xerror: a frame that does not decode is an error, not a repeat of the one before.
        Command::new(&self.ffmpeg, &self.env).args(["-nostdin", "-v", "error", "-xerror", "-y"]).limit(LIMIT)
    }
}

/// A path that no protocol prefix or leading dash can turn into something else.
fn file_arg(path: &Path) -> String {
    format!("file:{}", path.display())
}
