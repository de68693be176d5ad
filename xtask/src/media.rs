//! Measuring videos with ffmpeg and ffprobe.

use std::{
    fs::File,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, ensure};

use crate::{
    measure::{
        audio::{self, Sound},
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
    /// When either file can't be decoded from end to end: what was not measured
    /// has no result, and what an undecodable file lacks is no difference.
    pub async fn compare(
        &self,
        render: &Path,
        baseline: &Path,
        baseline_shape: &MediaShape,
    ) -> anyhow::Result<(MediaShape, Comparison)> {
        let shape = self.shape(render).await?;
        let unlike = differences(baseline_shape, &shape);
        if !unlike.is_empty() {
            self.decodes(render, &shape).await?;
            return Ok((shape, Comparison::Unlike(unlike)));
        }
        let psnr = self.psnr(render, baseline, &shape).await?;
        let mut audio = Vec::new();
        for (track, audio_shape) in shape.audio.iter().enumerate() {
            audio.push(self.sound(render, baseline, track, audio_shape.channels).await?);
        }
        Ok((shape, Comparison::Alike { psnr, audio }))
    }

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
        let entries = "frame=stream_index,best_effort_timestamp_time";
        let command = Command::new(&self.ffprobe, &self.env)
            .args(["-v", "error", "-show_streams", "-show_format", "-show_entries", entries, "-of", "json=compact=1"])
            .args(decoder_args(decoder))
            .arg(file_arg(video))
            .limit(LIMIT);
        let output = command
            .run(&self.children)
            .await
            .with_context(|| format!("{} can't be read as a video", video.display()))?;
        MediaShape::from_ffprobe(&output.stdout).with_context(|| format!("{}", video.display()))
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

    /// The PSNR of every frame of two videos of one shape.
    async fn psnr(&self, render: &Path, baseline: &Path, shape: &MediaShape) -> anyhow::Result<PsnrSummary> {
        let same = same_terms(shape);
        let graph = format!("[0:V:0]{same}[a];[1:V:0]{same}[b];[a][b]psnr=stats_file=-:shortest=1");
        let decoder = decoder_args(shape.alpha_decoder());
        let command = self
            .ffmpeg()
            .args(decoder.clone())
            .args(["-i", &file_arg(render)])
            .args(decoder)
            .args(["-i", &file_arg(baseline)])
            .args(["-filter_complex", &graph, "-fps_mode", "passthrough", "-an", "-f", "null", "/dev/null"]);
        let output =
            command.run(&self.children).await.with_context(|| format!("measuring the PSNR of {}", render.display()))?;
        let summary =
            PsnrSummary::from_stats(&output.stdout).with_context(|| format!("the PSNR of {}", render.display()))?;
        ensure!(
            summary.frames == shape.frames,
            "{} of {} frames of {} were compared",
            summary.frames,
            shape.frames,
            render.display()
        );
        Ok(summary)
    }

    /// What is left of an audio track when the baseline's is taken from it.
    async fn sound(&self, render: &Path, baseline: &Path, track: usize, channels: u64) -> anyhow::Result<Sound> {
        let dir = tempfile::tempdir().context("a temporary folder for sound")?;
        let pcm = async |video: &Path, name: &str| {
            let to = dir.path().join(name);
            let map = format!("0:a:{track}");
            let command = self
                .ffmpeg()
                .args(["-i", &file_arg(video), "-map", &map])
                // Silence before the first sample and in gaps is kept, so shifted sound is a difference.
                .args(["-af", &format!("aresample={}:async=1:min_hard_comp=0.01:first_pts=0", audio::RATE)])
                .args(["-f", "s16le"])
                .arg(file_arg(&to));
            command.run(&self.children).await.with_context(|| format!("decoding the sound of {}", video.display()))?;
            File::open(&to).with_context(|| format!("{}", to.display()))
        };
        let (a, b) = (pcm(baseline, "baseline").await?, pcm(render, "render").await?);
        audio::compare(a, b, channels).with_context(|| format!("comparing the sound of {}", render.display()))
    }

    fn ffmpeg(&self) -> Command {
        // -xerror: a frame that does not decode is an error, not a repeat of the one before.
        Command::new(&self.ffmpeg, &self.env).args(["-nostdin", "-v", "error", "-xerror", "-y"]).limit(LIMIT)
    }
}

/// Filters that put both videos on the same terms. Times by index: frames pair
/// by decode order. Color tags alike: where they differ, which is only where one has
/// none, ffmpeg would convert one of the pictures first.
fn same_terms(shape: &MediaShape) -> String {
    let full = shape.color.range.as_deref() == Some("pc") || shape.pixel_format.starts_with("yuvj");
    let range = if full { "full" } else { "limited" };
    let rgb = ["rgb", "bgr", "gbr"].iter().any(|prefix| shape.pixel_format.starts_with(prefix));
    let space = if rgb { "gbr" } else { "bt709" };
    format!(
        "settb=1/1000,setpts=N*1000,\
         setparams=range={range}:color_primaries=bt709:color_trc=bt709:colorspace={space}"
    )
}

fn decoder_args(decoder: Option<&str>) -> Vec<String> {
    decoder.map_or_else(Vec::new, |name| vec!["-c:v".to_owned(), name.to_owned()])
}

/// A path that no protocol prefix or leading dash can turn into something else.
fn file_arg(path: &Path) -> String {
    format!("file:{}", path.display())
}
